"""Phones as letters, visemes by frame, and edits."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from slp_mouthing.lipreading.symbols import (
    PHONES,
    VISEME_OF,
    VISEMES,
    edit_distance,
    greedy,
    letters,
    numbers,
    viseme_frames,
)
from slp_mouthing.types import Phone

SHORT = st.lists(st.sampled_from("pat"), max_size=6)


def test_every_phone_has_a_viseme() -> None:
    assert set(PHONES[1:]) <= VISEME_OF.keys()
    assert len(set("".join(VISEMES))) == len("".join(VISEMES))


def test_a_word_in_frames() -> None:
    phones = [Phone("p", 0.1, 0.2), Phone("aɪ", 0.2, 0.4), Phone("sil", 0.4, 0.5), Phone("tʃ", 0.5, 0.6)]
    assert [letter.symbol for letter in letters(phones)] == ["p", "a", "ɪ", "t", "ʃ"]
    seen = [VISEMES[k][:1] for k in viseme_frames(phones, 8, 10.0)]
    assert seen == ["", "p", "a", "a", "", "t", "", ""]
    at_100 = [VISEMES[k][:1] for k in viseme_frames(phones, 60, 100.0)]
    assert at_100[20:40] == ["a"] * 11 + ["i"] * 9
    assert at_100[50:60] == ["t"] * 6 + ["ʃ"] * 4


def test_frames_end_where_they_are_asked_to() -> None:
    assert len(viseme_frames([Phone("m", 0.0, 9.0)], 5, 25.0)) == 5
    assert len(viseme_frames([], 0, 25.0)) == 0


def test_marks_and_foreign_letters_say_nothing() -> None:
    phones = [Phone("t̪ː", 0, 1), Phone("ǃ", 1, 2), Phone("ɑː", 2, 3)]
    assert [letter.symbol for letter in letters(phones)] == ["t", "ɑ"]


def test_most_likely_labels_are_joined() -> None:
    p, a = numbers("pa")
    assert greedy([0, p, p, 0, p, a, a, 0]) == ["p", "p", "a"]
    assert greedy([]) == []


@given(SHORT, SHORT)
def test_edits_are_the_fewest(found: list[str], expected: list[str]) -> None:
    @cache
    def fewest(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        return min(fewest(i - 1, j) + 1, fewest(i, j - 1) + 1, fewest(i - 1, j - 1) + (found[i - 1] != expected[j - 1]))

    assert edit_distance(found, expected) == fewest(len(found), len(expected))
