"""Plans written back to ELAN and SiGML, read by pympi and by our own readers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pympi
import pytest

from slp_mouthing import formats
from slp_mouthing.errors import OutputError
from slp_mouthing.export.eaf import write_eaf
from slp_mouthing.notation import read
from slp_mouthing.types import MouthAction, MouthingPlan, Sign

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import Take

SIGNS = (
    Sign("WHY", "lexical", 0.1, 0.6),
    Sign("PT:LOC", "pointing", 0.6, 0.9),
    Sign("A<B&C", "lexical", 0.9, 1.2),
    Sign("G:WELL", "gesture", 1.2, 1.5),
)
ACTIONS = (
    MouthAction("Mouthing", "why", "waɪ", None, 0.16, 0.8, (0, 1), "lexicon"),
    MouthAction("MG", None, None, "puffed-cheeks", 0.9, 1.2, (2,), "override"),
    MouthAction("None", None, None, None, 1.2, 1.5, (3,), "rule"),
)
SOURCE = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="me" DATE="2020-01-01T00:00:00+00:00" FORMAT="2.8" VERSION="2.8"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv2.8.xsd">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><PROPERTY NAME="lastUsedAnnotationId">1</PROPERTY></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="5100"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="5600"/></TIME_ORDER>
<TIER TIER_ID="RH-IDgloss" LINGUISTIC_TYPE_REF="lt"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" CVE_REF="cve7"
 TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>WHY</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="Mouthing" LINGUISTIC_TYPE_REF="lt"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="lt" TIME_ALIGNABLE="true" GRAPHIC_REFERENCES="false"/>
</ANNOTATION_DOCUMENT>"""


@pytest.fixture
def planned(take: Take) -> Take:
    return replace(take, plan=MouthingPlan(SIGNS, ACTIONS))


def test_eaf_opens_with_signs_labels_and_mouthings(planned: Take, tmp_path: Path) -> None:
    write_eaf(planned, tmp_path / "a.eaf")
    eaf = pympi.Eaf(str(tmp_path / "a.eaf"))
    tiers = {name: eaf.get_annotation_data_for_tier(name) for name in eaf.tiers}
    assert tiers["RH-IDgloss"] == [(100, 600, "WHY"), (600, 900, "PT:LOC"), (900, 1200, "A<B&C"), (1200, 1500, "G:WELL")]
    assert [row[2] for row in tiers["Mouth-action"]] == ["Mouthing", "Perseveration-M", "MG", "None"]
    assert tiers["Mouthing"] == [(160, 800, "why"), (900, 1200, "%puffed-cheeks")]


def test_eaf_is_read_back(planned: Take, tmp_path: Path) -> None:
    write_eaf(planned, tmp_path / "a.eaf")
    (utterance,) = read(tmp_path / "a.eaf")
    assert [(s.gloss, s.start_s, s.end_s) for s in utterance.signs] == [(s.gloss, s.start_s, s.end_s) for s in SIGNS]
    assert [(m.override.value, m.start_s, m.end_s) for m in utterance.mouthings] == [
        ("why", 0.16, 0.8),
        ("puffed-cheeks", 0.9, 1.2),
    ]


def test_a_source_keeps_its_tiers_its_clock_and_itself(planned: Take, tmp_path: Path) -> None:
    source = tmp_path / "talk.eaf"
    source.write_text(SOURCE, encoding="utf-8")
    plan = MouthingPlan(SIGNS[:1], ACTIONS[:1], input=str(source), offset_s=5.0)
    take = replace(planned, plan=replace(plan, actions=(replace(ACTIONS[0], signs=(0,)),)))
    with pytest.raises(OutputError, match="would overwrite the input"):
        write_eaf(take, source)
    write_eaf(take, tmp_path / "out.eaf")
    eaf = pympi.Eaf(str(tmp_path / "out.eaf"))
    assert list(eaf.tiers) == ["RH-IDgloss", "Mouthing", "Mouthing-signs", "Mouth-action", "Mouthing-2"]
    assert eaf.get_annotation_data_for_tier("RH-IDgloss") == [(5100, 5600, "WHY")]
    assert eaf.get_annotation_data_for_tier("Mouthing-2") == [(5160, 5800, "why")]
    root = ElementTree.parse(tmp_path / "out.eaf").getroot()
    assert next(root.iter("ALIGNABLE_ANNOTATION")).get("CVE_REF") == "cve7"
    ids = [e.get("ANNOTATION_ID") or e.get("TIME_SLOT_ID") for t in ("ALIGNABLE_ANNOTATION", "TIME_SLOT") for e in root.iter(t)]
    assert len(set(ids)) == len(ids)
    times = [int(slot.get("TIME_VALUE", "")) for slot in root.iter("TIME_SLOT")]
    assert times == sorted(times)


def test_eaf_has_the_same_bytes_each_time(planned: Take, tmp_path: Path) -> None:
    for name in ("a.eaf", "b.eaf"):
        write_eaf(planned, tmp_path / name)
    assert (tmp_path / "a.eaf").read_bytes() == (tmp_path / "b.eaf").read_bytes()


def test_sigml_has_pictures_and_codes(planned: Take, tmp_path: Path) -> None:
    path = tmp_path / "a.sigml"
    formats.write_sigml(planned, path)
    root = ElementTree.parse(path).getroot()
    assert [sign.get("gloss") for sign in root] == ["WHY", "PT:LOC", "A<B&C", "G:WELL"]
    assert [e.get("picture") for e in root.iter("hnm_mouthpicture")] == ["waI"]
    assert [e.get("tag") for e in root.iter("hnm_mouthgesture")] == ["C01"]
    (utterance,) = read(path)
    assert [s.override.value if s.override else None for s in utterance.signs] == ["waɪ", None, "C01", None]


def test_sigml_gains_a_mouth_and_keeps_its_hands(planned: Take, tmp_path: Path) -> None:
    source = tmp_path / "avatar.sigml"
    hands = '<hns_sign gloss="why"><hamnosys_manual><hamfist/></hamnosys_manual></hns_sign>'
    gestural = '<hamgestural_sign gloss="late"><sign_nonmanual><head_tier/><mouthing_tier><mouth_gesture movement="L01"/></mouthing_tier></sign_nonmanual><sign_manual/></hamgestural_sign>'  # noqa: E501
    source.write_text(f"<sigml>{hands}{gestural}</sigml>", encoding="utf-8")
    signs = (Sign("why", "lexical", 0.0, 0.5), Sign("late", "lexical", 0.5, 1.0))
    actions = (ACTIONS[0], MouthAction("Mouthing", "late", "leɪt", None, 0.8, 1.0, (1,), "lexicon"))
    take = replace(planned, plan=MouthingPlan(signs, (replace(actions[0], signs=(0,)), actions[1]), input=str(source)))
    formats.write_sigml(take, tmp_path / "out.sigml")
    why, late = ElementTree.parse(tmp_path / "out.sigml").getroot()
    assert [child.tag for child in why] == ["hamnosys_nonmanual", "hamnosys_manual"]
    assert why.find("hamnosys_manual/hamfist") is not None
    assert [child.tag for child in late[0]] == ["head_tier", "mouthing_tier"]
    assert [(e.tag, e.get("picture")) for e in late[0][1]] == [("mouth_picture", "leIt")]


def test_a_track_alone_has_no_plan(take: Take, tmp_path: Path) -> None:
    for write in (write_eaf, formats.write_sigml):
        with pytest.raises(OutputError, match="no plan"):
            write(replace(take, plan=None), tmp_path / "a.x")
