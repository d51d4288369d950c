from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.errors import SpeechError
from slp_mouthing.speech.phones import PhoneMark, parse_ipa, phones_from_marks, syllable_indices, to_mnemonics

RATE = 1000


def sounding(*spans: tuple[int, int], length: int = 400) -> np.ndarray:
    samples = np.zeros(length, np.float32)
    for start, end in spans:
        samples[start:end] = 0.5
    return samples


def syllables(word: str) -> list[int]:
    return syllable_indices([(symbol, 0) for symbol in word.split()])


def test_silence_before_a_burst_belongs_to_the_stop() -> None:
    samples = sounding((0, 100), (140, 300))
    phones = phones_from_marks([PhoneMark("ˈa", 0, 1), PhoneMark("p", 140, 1), PhoneMark("", 300, 1)], samples, RATE)
    assert [(p.symbol, p.start_s, p.end_s) for p in phones] == [("a", 0.0, 0.1), ("p", 0.1, 0.3)]


def test_a_closure_is_not_longer_than_a_stop_has() -> None:
    samples = sounding((0, 100), (300, 400))
    phones = phones_from_marks([PhoneMark("a", 0, 1), PhoneMark("p", 300, 1)], samples, RATE)
    assert phones[1].start_s == pytest.approx(0.24)


def test_pauses_inside_are_phones_and_outside_are_not() -> None:
    samples = sounding((50, 100), (200, 300))
    marks = [PhoneMark("", 0, 0), PhoneMark("a", 50, 1), PhoneMark("", 100, 1), PhoneMark("m", 200, 2), PhoneMark("", 300, 2)]
    phones = phones_from_marks(marks, samples, RATE)
    assert [p.symbol for p in phones] == ["a", "sil", "m"]
    assert (phones[0].start_s, phones[-1].end_s) == (0.05, 0.3)


def test_an_unnamed_glide_prolongs_the_phone_before_it() -> None:
    phones = phones_from_marks([PhoneMark("iː", 0, 1), PhoneMark("", 100, 1), PhoneMark("", 200, 1)], sounding((0, 200)), RATE)
    assert [(p.symbol, p.end_s) for p in phones] == [("iː", 0.2)]


def test_compound_marks_are_split_and_keep_the_time() -> None:
    phones = phones_from_marks([PhoneMark("əl", 0, 1), PhoneMark("", 100, 1)], sounding((0, 100)), RATE)
    assert [p.symbol for p in phones] == ["ə", "l"]
    assert phones[0].end_s == phones[1].start_s
    assert phones[1].end_s == 0.1


def test_a_dark_l_without_duration_takes_the_end_of_its_vowel() -> None:
    phones = phones_from_marks([PhoneMark("aɪ", 0, 1), PhoneMark("l", 200, 1), PhoneMark("", 200, 1)], sounding((0, 200)), RATE)
    assert [p.symbol for p in phones] == ["aɪ", "l"]
    assert 0.1 < phones[1].start_s < 0.15


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("b ɪ k ɒ z", [0, 0, 1, 1, 1]),
        ("p iː p ə l", [0, 0, 1, 1, 1]),
        ("f a m ɪ l i", [0, 0, 1, 1, 2, 2]),
        ("ɛ k s t ɹ a", [0, 0, 1, 1, 1, 1]),
        ("s ɪ ŋ ə", [0, 0, 0, 1]),
        ("a t l a s", [0, 0, 1, 1, 1]),
        ("ʃ", [0]),
        ("s t ɹ iː t", [0, 0, 0, 0, 0]),
    ],
)
def test_syllables_take_the_longest_onset_english_allows(word: str, expected: list[int]) -> None:
    assert syllables(word) == expected


def test_words_do_not_share_a_syllable() -> None:
    assert syllable_indices([("n", 0), ("aɪ", 0), ("s", 0), ("t", 1), ("iː", 1)]) == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("ipa", "symbols"),
    [
        ("waɪ", "w aɪ"),
        ("/bɪˈkɒz/", "b ɪ k ɒ z"),
        ("ˈpiːpl̩", "p iː p ə l"),
        ("t͡ʃɜːtʃ", "tʃ ɜː tʃ"),
        ("ræɡ", "ɹ a ɡ"),
        ("goʊ", "ɡ əʊ"),
        ("ˈvɪdɪəʊ", "v ɪ d ɪ əʊ"),
        ("fi:l", "f iː l"),
        ("", ""),
    ],
)
def test_ipa_is_read_in_its_usual_spellings(ipa: str, symbols: str) -> None:
    assert [phone.symbol for phone in parse_ipa(ipa)] == symbols.split()


def test_stress_goes_to_the_vowel_and_words_are_kept_apart() -> None:
    phones = parse_ipa("bɪˈkɒz njuː")
    assert [(p.symbol, p.stress, p.word) for p in phones if p.symbol in ("ɪ", "ɒ", "uː")] == [
        ("ɪ", 0, 0),
        ("ɒ", 1, 0),
        ("uː", 0, 1),
    ]
    assert to_mnemonics(phones) == "[[b|I|k|'0|z]] [[n|j|'u:]]"


def test_an_unmarked_word_is_stressed_on_its_first_full_vowel() -> None:
    assert to_mnemonics(parse_ipa("əbaʊt")) == "[[@|b|'aU|t]]"


def test_an_unknown_symbol_is_named_with_its_position() -> None:
    with pytest.raises(SpeechError, match=r"'Q' \(U\+0051\) at position 3"):
        parse_ipa("waQɪ")


def test_a_word_that_would_overflow_espeak_is_refused() -> None:
    with pytest.raises(SpeechError, match="61 phones, at most 60"):
        to_mnemonics(parse_ipa("a" * 61))
