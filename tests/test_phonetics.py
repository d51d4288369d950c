"""Phone classes are the same to the voice, the plan, the clock and the face."""

from __future__ import annotations

import unicodedata

import pytest

from slp_mouthing import phonetics
from slp_mouthing.articulation.visemes import visemes
from slp_mouthing.mouthing.reduction import first_consonant, is_closure, is_vowel
from slp_mouthing.timing import TimingOptions, fit
from slp_mouthing.types import Phone

LETTERS = [letter for letter in map(chr, range(0x61, 0x2B0)) if unicodedata.category(letter)[0] == "L"] + [
    "θ",
    "β",
    "χ",
    "ᵻ",
    "ᵿ",
]


def lasting(*symbols: str, slot_s: float) -> list[float]:
    phones = [Phone(symbol, 0.1 * k, 0.1 * k + 0.1, syllable=k) for k, symbol in enumerate(symbols)]
    return [phone.duration_s for phone in fit(phones, 0.0, slot_s, TimingOptions())]


def test_a_letter_touches_the_lips_in_the_plan_as_on_the_face() -> None:
    touching = {letter: visemes(letter)[0].contact for letter in LETTERS}
    assert {letter for letter, contact in touching.items() if contact == "lips"} == phonetics.BILABIALS
    assert {letter for letter, contact in touching.items() if contact == "teeth"} == phonetics.LABIODENTALS


@pytest.mark.parametrize("letter", sorted(phonetics.LIP_CONTACTS))
def test_every_lip_contact_is_kept_by_reduction_and_by_stretch(letter: str) -> None:
    word = (Phone("s", 0.0, 0.1), Phone("a", 0.1, 0.2), Phone("t", 0.2, 0.3, syllable=1), Phone(letter, 0.3, 0.4, syllable=1))
    assert is_closure(word[3])
    assert first_consonant(word)[-1].symbol == letter
    assert lasting(letter, "a", slot_s=0.6)[0] == pytest.approx(0.1)


@pytest.mark.parametrize("letter", sorted(phonetics.VOWELS))
def test_every_vowel_is_stretched_and_seen(letter: str) -> None:
    assert is_vowel(Phone(letter, 0.0, 0.1))
    assert lasting("a", letter, slot_s=0.8) == pytest.approx([0.4, 0.4])
    assert visemes(letter)[0] is not visemes("☃")[0]


def test_american_mother_is_stretched_evenly() -> None:
    m, ʌ, ð, ɚ = lasting("m", "ʌ", "ð", "ɚ", slot_s=0.8)
    assert ʌ == pytest.approx(ɚ)
    assert (m, ð) == pytest.approx((0.1, 0.1))
