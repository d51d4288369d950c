from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.errors import MissingExtra
from slp_mouthing.speech import alignment as module
from slp_mouthing.speech.alignment import Word, align, words_of
from slp_mouthing.speech.espeak import Espeak
from slp_mouthing.speech.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    Spoken = tuple[Recording, list[tuple[float, float]]]

TEXT = "mother because holiday finish bus"


def asked(text: str) -> list[Word]:
    voice = Espeak("en-gb")
    return [Word(word, voice.pronounce(word)) for word in text.split()]


@pytest.fixture(scope="module")
def aligned(say: Callable[..., Spoken]) -> tuple[Any, list[tuple[float, float]]]:
    recording, spans = say(TEXT)
    return align(recording, asked(TEXT)), spans


def test_words_are_found_where_they_are_said(aligned: Any) -> None:
    found, spans = aligned
    for word, (start_s, end_s) in zip(found.words, spans, strict=True):
        assert word.start_s == pytest.approx(start_s, abs=0.12)
        assert word.end_s == pytest.approx(end_s, abs=0.16)


def test_phones_are_ours_follow_one_another_and_carry_stress(aligned: Any) -> None:
    mother, because, *_ = aligned[0].words
    assert [phone.symbol for phone in mother.phones] == ["m", "ʌ", "ð", "ə"]
    assert [(phone.stress, phone.syllable) for phone in mother.phones] == [(1, 0), (1, 0), (0, 1), (0, 1)]
    assert because.phones[0].symbol == "b"
    for before, after in pairwise(mother.phones):
        assert before.end_s == after.start_s
        assert before.duration_s > 0


def test_eight_kilohertz_will_do(say: Callable[..., Spoken]) -> None:
    recording, spans = say("mother finish")
    low = Recording(recording.at_rate(8000), 8000)
    for word, (start_s, _) in zip(align(low, asked("mother finish")).words, spans, strict=True):
        assert word is not None
        assert word.start_s == pytest.approx(start_s, abs=0.12)


def test_a_word_of_no_dictionary_is_found_by_its_phones_and_not_without(say: Callable[..., Spoken]) -> None:
    recording, spans = say("shommer")
    phones = Espeak("en-gb").pronounce("shommer")
    shommer, unknown = align(recording, [Word("", phones), Word("xqz")]).words
    assert shommer is not None
    assert shommer.start_s == pytest.approx(spans[0][0], abs=0.12)
    assert unknown is None


@pytest.mark.parametrize("count", [0, 10, 400, 3000])
def test_next_to_nothing_holds_no_words(count: int) -> None:
    noise = np.random.default_rng(0).normal(0, 2000, count).astype(np.int16)
    assert align(Recording(noise, 16000), asked("mother finish")).words == (None, None)


def test_words_that_are_hardly_heard_are_doubtful(say: Callable[..., Spoken]) -> None:
    noise = np.random.default_rng(0).normal(0, 2000, 48000).astype(np.int16)
    assert align(Recording(noise, 16000), asked("mother finish")).doubtful


def test_nothing_asked_nothing_found(say: Callable[..., Spoken]) -> None:
    assert align(say("mother")[0], []).words == ()


def test_pieces_of_a_long_recording_are_aligned_alike(say: Callable[..., Spoken], monkeypatch: pytest.MonkeyPatch) -> None:
    heard = [module._Heard(entry, start, start + 40, word) for entry, start, word in
             (("+AA", 0, None), ("w0", 50, 0), ("w1", 120, 1), ("+S", 300, None), ("w2", 800, 2), ("w3", 9000, 3))]  # fmt: skip
    monkeypatch.setattr(module, "_LONGEST_WINDOW", 1000)
    pieces = [[part.entry for part in window] for window in module._windows(heard)]
    assert pieces == [["w0", "w1", "+S", "w2"], ["w3"]]
    recording, spans = say(TEXT)
    whole = [module._Heard(f"w{k}", round(100 * a), round(100 * b), k) for k, (a, b) in enumerate(spans)]
    aligner = module._Aligner(asked(TEXT))
    samples = recording.at_rate(16000)
    monkeypatch.setattr(module, "_LONGEST_WINDOW", 250)
    parts = [found for window in module._windows(whole) for found in aligner.spoken(samples, window)]
    assert [index for index, _ in parts] == [0, 1, 2, 3, 4]
    for (_, word), (start_s, _) in zip(parts, spans, strict=True):
        assert word.start_s == pytest.approx(start_s, abs=0.12)


def test_without_pocketsphinx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, say: Callable[..., Spoken]) -> None:
    recording, _ = say("mother")
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(MissingExtra, match=r"slp-mouthing\[align\]"):
        align(recording, asked("mother"))


def test_words_of_a_transcript() -> None:
    assert words_of("Why? I DON’T know -- it's 'half-past' 10!") == ["why", "i", "don't", "know", "it's", "half", "past", "10"]
    assert words_of(" ... ") == []
