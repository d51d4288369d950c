"""flite's recorded voices, which corpora are made with: sound, phones and their times."""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.errors import InstallationError, SpeechError
from slp_mouthing.speech.flite import VOICES, Flite

if TYPE_CHECKING:
    from pathlib import Path

installed = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def test_without_flite_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallationError, match=r"flite is not installed.*apt install flite"):
        Flite("slt").speak("nothing said before")


@pytest.mark.parametrize(
    ("voices", "told"), [("kal", "built without the voice 'slt'"), (" ".join(VOICES), "gave no sound; is there space left")]
)
def test_a_flite_that_does_not_work_is_not_taken_for_words_that_cannot_be_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, voices: str, told: str
) -> None:
    program = tmp_path / "flite"
    program.write_text(f"#!/bin/sh\necho 'Voices available: {voices} '\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(InstallationError, match=told):
        Flite("slt").speak("nothing said before")


def test_unknown_voices_are_refused() -> None:
    with pytest.raises(InstallationError, match="no voice 'siri', allowed: awb"):
        Flite("siri").speak("mother")


@installed
@pytest.mark.parametrize("name", VOICES)
def test_phones_tile_the_speech_from_the_first_sound_to_the_last(name: str) -> None:
    speech = Flite(name).speak("because my brother was here, we laughed")
    starts, ends = ([getattr(phone, side) for phone in speech.phones] for side in ("start_s", "end_s"))
    assert np.allclose(starts[1:], ends[:-1])
    assert 0.0 < starts[0] < ends[-1] <= speech.duration_s
    assert "sil" not in (speech.phones[0].symbol, speech.phones[-1].symbol)
    said = "".join(phone.symbol for phone in speech.phones)
    assert said.startswith("bɪk") and "bɹʌðə" in said and said.endswith("ft")


@installed
def test_ipa_is_said_as_american_english_has_it() -> None:
    assert [phone.symbol for phone in Flite("slt").pronounce("", "ˈbɒmpə")] == ["b", "ɑː", "m", "p", "ə"]


@installed
def test_sentences_follow_one_another() -> None:
    phones = Flite("slt").speak("Hello. My mother is here! Really").phones
    assert all(before.end_s <= after.start_s + 1e-9 for before, after in pairwise(phones))
    assert sum(phone.symbol == "sil" for phone in phones) == 2


@installed
def test_slower_is_longer_and_the_same_words_sound_the_same() -> None:
    voice = Flite("slt", pitch=70)
    usual, slow = voice.speak("mother"), voice.speak("mother", rate_wpm=110)
    assert slow.duration_s > 1.3 * usual.duration_s
    assert not np.array_equal(usual.samples, Flite("slt", pitch=30).speak("mother").samples)
    again = Flite("slt", pitch=70)
    assert np.array_equal(usual.samples, again.speak("mother").samples)


@installed
def test_nothing_to_say_is_an_error() -> None:
    with pytest.raises(SpeechError, match="says nothing"):
        Flite("slt").speak("")
