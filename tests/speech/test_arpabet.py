from __future__ import annotations

import pytest

from slp_mouthing.phonetics import is_vowel
from slp_mouthing.speech import arpabet
from slp_mouthing.speech.espeak import Espeak
from slp_mouthing.speech.inventories import MNEMONICS
from slp_mouthing.types import Phone

WORDS = "why because people family church blue think five government photograph measure singing yellow huge boy fire hour"


@pytest.mark.parametrize("voice", ["en-gb", "en-us", "en-gb-scotland", "de", "nl"])
def test_every_word_of_english_voices_has_a_spelling(voice: str) -> None:
    speaker = Espeak(voice)
    for word in WORDS.split():
        phones = speaker.pronounce(word)
        way = arpabet.from_phones(phones)
        assert way is not None, word
        assert way.phones == phones
        assert set(way.spelling.split()) <= set(arpabet.NAMES)


def test_every_british_phone_has_a_name() -> None:
    for symbol in MNEMONICS:
        assert arpabet.from_phones([Phone(symbol, 0, 1)]) is not None, symbol


def test_pauses_are_left_out_and_clicks_refused() -> None:
    phones = [Phone("w", 0, 1), Phone("sil", 1, 2), Phone("aɪ", 2, 3)]
    way = arpabet.from_phones(phones)
    assert way is not None
    assert way.spelling == "W AY"
    assert arpabet.from_phones([Phone("ǁ", 0, 1)]) is None
    assert arpabet.from_phones([]) is None


def test_a_dictionary_word_gets_our_phones_with_the_stress_of_our_voice() -> None:
    model = Espeak("en-gb").pronounce("because")
    way = arpabet.from_spelling("B IH K AH Z", model)
    assert [(p.symbol, p.stress, p.syllable) for p in way.phones] == [
        ("b", 0, 0), ("ɪ", 0, 0), ("k", 1, 1), ("ʌ", 1, 1), ("z", 1, 1),
    ]  # fmt: skip
    assert way.spelling == "B IH K AH Z"


def test_without_a_model_the_first_syllable_is_stressed_and_the_others_are_reduced() -> None:
    symbols = [phone.symbol for phone in arpabet.from_spelling("M AH DH ER").phones]
    assert symbols == ["m", "ʌ", "ð", "ə"]
    assert sum(map(is_vowel, symbols)) == 2
