"""ELAN files: the corpora's tiers, both hands, mouth tiers, references, and everything that can be wrong with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError
from slp_mouthing.notation import ReadOptions, read
from slp_mouthing.types import MouthOverride

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slp_mouthing.types import Utterance

    Eaf = Callable[..., Path]

BSL = {
    "RH-IDgloss": [(1000, 1500, "WHY"), (1500, 1800, "PT:PRO2SG"), (1800, 2400, "LATE")],
    "LH-IDgloss": [(1020, 1490, "WHY"), (1800, 2400, "LBUOY"), (2500, 2900, "GOOD")],
    "Free Translation": [(900, 2450, "Why are you late?"), (2450, 3000, "Good.")],
}
DGS = {
    "Lexem_Gebärde_r_A": [(0, 500, "HAUS1A*"), (500, 900, "$INDEX1")],
    "Lexem_Gebärde_l_A": [(10, 500, "HAUS1A*")],
    "Lexem_Gebärde_r_B": [(2000, 2500, "TAUB1")],
    "Mundbild_Mundgestik_A": [(50, 650, "haus")],
    "Mundbild_Mundgestik_B": [(2000, 2400, "[MG]")],
    "Deutsche_Übersetzung_A": [(0, 950, "Das Haus.")],
    "Deutsche_Übersetzung_B": [(1900, 2600, "Taub.")],
}


def slots(utterance: Utterance) -> list[tuple[str, float, float]]:
    return [(sign.gloss, sign.start_s, sign.end_s) for sign in utterance.signs]


def test_both_hands_are_one_stream(eaf: Eaf) -> None:
    (utterance,) = read(eaf(BSL))
    assert slots(utterance) == [("WHY", 1.0, 1.5), ("PT:PRO2SG", 1.5, 1.8), ("LATE", 1.8, 2.4), ("GOOD", 2.5, 2.9)]
    assert [sign.kind for sign in utterance.signs] == ["lexical", "pointing", "lexical", "lexical"]
    assert utterance.warnings == ()


def test_the_busier_hand_leads_a_left_handed_signer(eaf: Eaf) -> None:
    left = [(0, 500, "A"), (500, 1000, "B"), (1000, 1500, "C")]
    (utterance,) = read(eaf({"RH-IDgloss": [(0, 1500, "LBUOY")], "LH-IDgloss": left}))
    assert [sign.gloss for sign in utterance.signs] == ["A", "B", "C"]


def test_signs_know_their_line(eaf: Eaf) -> None:
    path = eaf(BSL)
    (utterance,) = read(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(f">{sign.gloss}<" in lines[sign.line - 1] for sign in utterance.signs)


def test_split_by_translation(eaf: Eaf) -> None:
    first, second = read(eaf(BSL), options=ReadOptions(split="Free Translation"))
    assert (first.name, first.offset_s, slots(first)[0]) == ("talk-001", 0.9, ("WHY", 0.1, 0.6))
    assert (second.offset_s, slots(second)) == (2.45, [("GOOD", 0.05, 0.45)])


def test_split_tells_what_lies_outside(eaf: Eaf) -> None:
    tiers = {**BSL, "Free Translation": [(900, 1600, "Why?")]}
    (utterance,) = read(eaf(tiers), options=ReadOptions(split="Free Translation"))
    assert [sign.gloss for sign in utterance.signs] == ["WHY"]
    assert "signs outside the annotations of 'Free Translation' are left out (and 2 more)" in utterance.warnings[0]


def test_signers_are_utterances_with_their_mouth_tiers(eaf: Eaf) -> None:
    a, b = read(eaf(DGS))
    assert [(sign.kind, sign.lemma) for sign in a.signs] == [("lexical", "HAUS"), ("pointing", "")]
    (mouthing,) = a.mouthings
    assert (mouthing.override.kind, mouthing.override.value) == ("text", "haus")
    assert (mouthing.start_s, mouthing.end_s) == (0.05, 0.65)
    assert b.mouthings == ()
    assert "'[MG]' does not say what the mouth does" in a.warnings[0]


def test_each_signer_is_split_by_their_own_tier(eaf: Eaf) -> None:
    a, b = read(eaf(DGS), options=ReadOptions(split="Deutsche_Übersetzung_A"))
    assert (a.offset_s, b.offset_s) == (0.0, 1.9)


def test_mouth_tiers_can_be_left_aside(eaf: Eaf) -> None:
    assert read(eaf(DGS), options=ReadOptions(heed_mouth=False))[0].mouthings == ()


def test_ngt(eaf: Eaf) -> None:
    tiers = {"GlossL S1": [(0, 400, "PT")], "GlossR S1": [(500, 900, "HUIS-A")], "Mouth S1": [(500, 900, "huis")],
             "GlossR S2": [(0, 300, "#JAN")]}  # fmt: skip
    one, two = read(eaf(tiers))
    assert [sign.kind for sign in one.signs] == ["pointing", "lexical"]
    assert [m.override.value for m in one.mouthings] == ["huis"]
    assert two.signs[0].text == "JAN"


def test_any_other_tier_by_name(eaf: Eaf) -> None:
    path = eaf({"glose": [(0, 500, "fs-PET")], "bouche": [(100, 400, "/pɛt/")]})
    options = ReadOptions(tiers=("glose",), mouth_tiers=("bouche",), gloss_style="asl")
    (utterance,) = read(path, options=options)
    assert utterance.signs[0].text == "PET"
    assert utterance.mouthings[0].override == MouthOverride("ipa", "pɛt", lenient=True)
    with pytest.raises(InputError, match="did you mean 'glose'"):
        read(path, options=ReadOptions(tiers=("gloze",)))
    with pytest.raises(InputError, match=r"choose with --tier; there are: 'glose', 'bouche'"):
        read(path)


def test_a_tier_of_labels_only_says_where_the_mouth_rests(eaf: Eaf) -> None:
    labels = [(1000, 1500, "Mouthing"), (1500, 1800, "None"), (1800, 2400, "MG")]
    (utterance,) = read(eaf({**BSL, "Mouth action": labels}))
    assert utterance.mouthings == ()
    assert [sign.override for sign in utterance.signs] == [None, MouthOverride("none"), None, None]


def test_mouth_gestures_of_a_tier(eaf: Eaf) -> None:
    (utterance,) = read(eaf({**BSL, "Mouthing": [(1000, 1400, "why?"), (1500, 1700, "L30"), (1800, 2000, "%puffed-cheeks")]}))
    found = [(m.override.kind, m.override.value) for m in utterance.mouthings]
    assert found == [("text", "why"), ("gesture", "L30"), ("gesture", "puffed-cheeks")]


def test_references_take_their_parents_time(eaf: Eaf) -> None:
    ref = '<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="r{}" ANNOTATION_REF="{}"><ANNOTATION_VALUE>{}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>'  # noqa: E501
    more = '<TIER TIER_ID="RH-IDgloss" LINGUISTIC_TYPE_REF="lt" PARENT_REF="base">'
    more += ref.format(1, "a2", "A") + ref.format(2, "a2", "B") + ref.format(3, "a4", "C") + "</TIER>"
    (utterance,) = read(eaf({"base": [(0, 1000, "x"), (1000, 1200, "y")]}, more=more))
    assert slots(utterance) == [("A", 0.0, 0.5), ("B", 0.5, 1.0), ("C", 1.0, 1.2)]


def test_open_times_lie_evenly_between_known_ones(tmp_path: Path, eaf: Eaf) -> None:
    path = eaf({"RH-IDgloss": [(0, None, "A"), (None, None, "B"), (None, 900, "C")]})
    text = path.read_text(encoding="utf-8")
    for own, shared in (("ts3", "ts2"), ("ts5", "ts4")):  # subdivisions share their slots
        text = text.replace(f'REF1="{own}"', f'REF1="{shared}"')
    path.write_text(text, encoding="utf-8")
    assert slots(read(path)[0]) == [("A", 0.0, 0.3), ("B", 0.3, 0.6), ("C", 0.6, 0.9)]


CYCLE = (
    '<TIER TIER_ID="LH-IDgloss" LINGUISTIC_TYPE_REF="lt">'
    '<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="r1" ANNOTATION_REF="r2"><ANNOTATION_VALUE>A</ANNOTATION_VALUE></REF_ANNOTATION>'
    '</ANNOTATION><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="r2" ANNOTATION_REF="r1"><ANNOTATION_VALUE>B</ANNOTATION_VALUE>'
    "</REF_ANNOTATION></ANNOTATION></TIER>"
)


def test_circles_are_reported_and_the_rest_is_read(eaf: Eaf) -> None:
    (utterance,) = read(eaf({"RH-IDgloss": [(0, 500, "WHY")]}, more=CYCLE))
    assert [sign.gloss for sign in utterance.signs] == ["WHY"]
    assert re.search(r"talk\.eaf:\d+: tier 'LH-IDgloss': .* circle\); it is left out \(and 1 more\)", utterance.warnings[0])


def test_dirt_is_reported_with_line_and_tier(eaf: Eaf) -> None:
    rows = [
        (0, 500, "SIXTEEN(A*z"),
        (500, 500, "ZERO"),
        (700, 600, "BACK"),
        (800, 900, "  "),
        (900, 1000, "x" * 300),
        (1000, 1400, "LATE"),
    ]
    (utterance,) = read(eaf({"RH-IDgloss": rows}))
    assert [sign.gloss for sign in utterance.signs] == ["SIXTEEN(A*z", "LATE"]
    said = "\n".join(utterance.warnings)
    for what in ("unbalanced brackets", "'ZERO' lasts from 0.5 s to 0.5 s", "'BACK' lasts", "an empty annotation", "no gloss"):
        assert what in said
    assert all(re.match(r".*talk\.eaf:\d+: tier 'RH-IDgloss': ", line) for line in utterance.warnings)


def test_overlaps_are_resolved(eaf: Eaf) -> None:
    rows = [(0, 600, "A"), (500, 1000, "B"), (500, 1000, "C"), (1000, 1500, "D")]
    (utterance,) = read(eaf({"RH-IDgloss": rows}))
    assert slots(utterance) == [("A", 0.0, 0.5), ("B", 0.5, 1.0), ("D", 1.0, 1.5)]
    assert any("overlaps" in line for line in utterance.warnings)
    assert any("'C' has no time of its own" in line for line in utterance.warnings)


@pytest.mark.parametrize("version", ["2.7", "2.8", "3.0"])
def test_versions_and_a_missing_schema(eaf: Eaf, version: str) -> None:
    assert len(read(eaf(BSL, version=version))[0].signs) == 4
    assert len(read(eaf(BSL, version=version, schema=""))[0].signs) == 4


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ({"RH-IDgloss": []}, "none with annotations"),
        ({}, "none with annotations"),
        ({"RH-IDgloss": [(5, 5, "A")]}, "no annotation"),
    ],
)
def test_nothing_to_sign_is_an_error(eaf: Eaf, tiers: dict[str, list[tuple[int, int, str]]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(eaf(tiers))


def test_entities_are_neither_expanded_nor_fetched(tmp_path: Path, eaf: Eaf) -> None:
    (tmp_path / "secret").write_text("SECRET")
    path = eaf(BSL)
    text = path.read_text(encoding="utf-8")
    doctype = '?><!DOCTYPE a [<!ENTITY x SYSTEM "secret">]>'
    path.write_text(text.replace("?>", doctype, 1).replace("LATE", "&x;"), encoding="utf-8")
    with pytest.raises(InputError, match=r"talk\.eaf:1: declares a document type"):
        read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<sigml/>", "is no ELAN file"),
        ("<ANNOTATION_DOCUMENT><TIER/></ANNOTATION_DOCUMENT>", "is no valid ELAN file"),
        ("<ANNOTATION_DOCUMENT", "not well-formed"),
        ("", "not well-formed"),
        ("<a>" * 500 + "</a>" * 500, "nested"),
        ('<ANNOTATION_DOCUMENT><TIER TIER_ID="A"/><TIER TIER_ID="A"/></ANNOTATION_DOCUMENT>', "two tiers"),
    ],
)
def test_what_is_no_elan_file(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "a.eaf").write_text(content)
    with pytest.raises(InputError, match=said):
        read(tmp_path / "a.eaf")


def test_times_beyond_reason(eaf: Eaf) -> None:
    with pytest.raises(InputError, match="--split"):
        read(eaf({"RH-IDgloss": [(0, 10**12, "A")]}))


mutations = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["delete", "double", "<", ">", '"', "&", "ts3", "a4", "-1", "9" * 20, "\0"])),
    max_size=4,
)


@given(mutations)
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_read_or_refused(eaf: Eaf, changes: list[tuple[float, str]]) -> None:
    path = eaf({**BSL, "Mouthing": [(0, 400, "why")]}, more=CYCLE.replace("LH-", "XX-"))
    text = path.read_text(encoding="utf-8")
    for where, what in changes:
        at = int(where * len(text))
        text = {"delete": text[:at] + text[at + 9 :], "double": text[:at] + text[at : at + 60] + text[at:]}.get(
            what, text[:at] + what + text[at + len(what) :]
        )
    path.write_text(text, encoding="utf-8")
    try:
        utterances = read(path)
    except InputError as error:
        assert "\n" not in str(error)
        return
    for utterance in utterances:
        ends = [0.0, *(sign.end_s for sign in utterance.signs)]
        assert all(end <= sign.start_s < sign.end_s for end, sign in zip(ends, utterance.signs, strict=False))
