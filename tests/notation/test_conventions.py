"""Gloss conventions of five corpora, against a sample read by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.mouthing.lexicon import english_words
from slp_mouthing.notation import STYLES, parse
from slp_mouthing.notation.conventions import GlossStyle, Reading, read_gloss

SAMPLE = [
    line.split("\t")
    for line in (Path(__file__).parent / "tokens.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("# ")
]


def mouthed(gloss: str, reading: Reading) -> str:
    """What the rules would mouth if no lexicon knew the gloss."""
    if reading.kind in ("name", "fingerspelling"):
        return (reading.text or "-").lower()
    if reading.kind == "lexical" or reading.lemma:
        return english_words(reading.lemma or gloss) or "-"
    return "-"


def test_the_sample_is_large_enough() -> None:
    assert len(SAMPLE) >= 300
    assert {row[0] for row in SAMPLE} == set(STYLES)


@pytest.mark.parametrize(("style", "gloss", "kind", "word"), SAMPLE, ids=[" ".join(row[:2]) for row in SAMPLE])
def test_token(style: GlossStyle, gloss: str, kind: str, word: str) -> None:
    reading = read_gloss(gloss, style)
    assert (reading.kind, mouthed(gloss, reading)) == (kind, word)


@pytest.mark.parametrize(
    ("gloss", "said"),
    [
        ("TEN05=1", "a stray '=1'"),
        ("SIXTEEN(A*z", "unbalanced brackets"),
        ("FS:WORD(WRD", "unbalanced brackets"),
        ("SIGNx3", "the count 'x3' is passed over"),
        ("HOME:", "a stray ':'"),
        ("M:WHY", "the prefix 'M:' is not known"),
    ],
)
def test_dirt_is_reported_with_its_place_and_the_rest_is_read(gloss: str, said: str) -> None:
    (utterance,) = parse(f"HOME {gloss} LATE")
    assert [sign.gloss for sign in utterance.signs] == ["HOME", gloss, "LATE"]
    assert utterance.warnings == (f"1:6: {gloss}: {said}",)


@pytest.mark.parametrize("gloss", ["WHY", "BROWN2b", "?HOME", "PT:", "FS:WORD(WRD)", "G:", "SN:PETER(FS:PETER(PR))", "BOX"])
def test_what_the_conventions_allow_is_not_reported(gloss: str) -> None:
    assert parse(gloss)[0].warnings == ()


def test_style_of_gloss_text() -> None:
    (utterance,) = parse("loc-NORD IX cl-KOMMEN", style="phoenix")
    assert [(sign.kind, sign.lemma) for sign in utterance.signs] == [("lexical", "NORD"), ("pointing", ""), ("depicting", "")]


@given(st.text(max_size=30), st.sampled_from(list(STYLES)))
@settings(deadline=None, max_examples=300)
def test_every_gloss_says_something(gloss: str, style: GlossStyle) -> None:
    reading = read_gloss(gloss, style)
    assert reading.text is None or reading.text
