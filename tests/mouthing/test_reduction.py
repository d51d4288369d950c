"""What reduction keeps of a word."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.mouthing.reduction import (
    REDUCTIONS,
    first_consonant,
    first_syllable,
    ipa,
    is_closure,
    natural_s,
    repeated,
    tonic,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.types import Phone

    Say = Callable[[str], tuple[Phone, ...]]


def said(phones: tuple[Phone, ...]) -> str:
    return "".join(phone.symbol for phone in phones)


@pytest.mark.parametrize(
    ("word", "after_stress", "syllable", "consonant"),
    [
        ("ˈfa.mɪ.li", "fam", "fa", "fa"),
        ("ˈɡʌ.vən.mənt", "ɡʌv", "ɡʌv", "ɡʌv"),
        ("bɪ.ˈkɒz", "bɪkɒz", "bɪ", "bɪ"),
        ("ɹɪ.ˈmɛm.bə", "ɹɪmɛmb", "ɹɪm", "ɹɪm"),
        ("ˈnʌm.bə", "nʌmb", "nʌm", "nʌm"),
        ("ˈfɪ.nɪʃ", "fɪʃ", "fɪ", "fɪ"),
        ("ˈɔː.fəl", "ɔːf", "ɔːf", "ɔːf"),
        ("ˈhɒ.lɪ.deɪ", "hɒ", "hɒ", "hɒ"),
        ("ˈstɹiːt", "stɹiːt", "stɹiːt", "siː"),
        ("ˈspɹɪŋ", "spɹɪŋ", "spɹɪŋ", "pɪ"),
        ("ˈθɹiː", "θɹiː", "θɹiː", "θiː"),
        ("ˈɪt", "ɪt", "ɪt", "ɪt"),
    ],
)
def test_words(say: Say, word: str, after_stress: str, syllable: str, consonant: str) -> None:
    phones = say(word)
    assert said(tonic(phones)) == after_stress
    assert said(first_syllable(phones)) == syllable
    assert said(first_consonant(phones)) == consonant


def test_a_phrase_is_cut_after_its_first_stress(say: Say) -> None:
    assert said(tonic(say("ˈθaŋk. juː"))) == "θaŋk"


def test_repetition_follows_the_hands(say: Say) -> None:
    phones = repeated(say("ˈkəʊ.kən"), 2)
    assert said(phones) == "kəʊkəʊ"
    assert [p.syllable for p in phones] == [0, 0, 1, 1]
    assert natural_s(phones) == pytest.approx(0.32)


def test_ipa_marks_stress_of_longer_words(say: Say) -> None:
    assert ipa(say("waɪ")) == "waɪ"
    assert ipa(say("bɪ.ˈkɒz")) == "bɪˈkɒz"


syllables = st.text(st.sampled_from("pbmfvwstkʃɹ"), max_size=3).flatmap(
    lambda onset: st.text(st.sampled_from("aɪɒə"), min_size=1, max_size=1).flatmap(
        lambda vowel: st.text(st.sampled_from("pmfntl"), max_size=2).map(lambda coda: onset + vowel + coda)
    )
)
words = st.lists(syllables, min_size=1, max_size=4).flatmap(
    lambda parts: st.integers(0, len(parts) - 1).map(
        lambda stress: ".".join(f"ˈ{part}" if i == stress else part for i, part in enumerate(parts))
    )
)


@given(word=words)
@settings(deadline=None, max_examples=200)
def test_every_reduction_keeps_order_start_and_first_closure(say: Say, word: str) -> None:
    phones = say(word)
    closures = [p.symbol for p in phones if is_closure(p)]
    for reduce in REDUCTIONS.values():
        kept = reduce(phones)
        rest = iter(said(phones))
        assert all(symbol in rest for symbol in said(kept)), "phones are left out, never moved or made up"
        assert [p.symbol for p in kept if is_closure(p)][:1] == closures[:1]
        assert all(a.end_s == b.start_s for a, b in pairwise(kept))
        assert kept[0].start_s == 0.0
    assert said(tonic(phones)).startswith(word.split(".")[0].removeprefix("ˈ"))


@given(word=words)
@settings(deadline=None, max_examples=100)
def test_first_consonant_is_the_shortest(say: Say, word: str) -> None:
    phones = say(word)
    assert natural_s(first_consonant(phones)) <= natural_s(first_syllable(phones)) <= natural_s(phones) + 1e-9
