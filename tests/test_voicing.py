from __future__ import annotations

import numpy as np
import pytest

import slp_mouthing as mouth
from slp_mouthing import voicing
from slp_mouthing.errors import MissingExtra
from slp_mouthing.speech.f5 import RATE_HZ
from slp_mouthing.voicing import spoken_part, voiced


class Murmur:
    """Says anything as a tone that fills the middle half of its slot."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []

    def say(self, text: str, duration_s: float) -> np.ndarray:
        self.asked.append((text, duration_s))
        times = np.arange(round(duration_s * RATE_HZ)) / max(round(duration_s * RATE_HZ), 1)
        return (0.5 * np.sin(2000 * times) * ((times >= 0.25) & (times < 0.75))).astype(np.float32)


@pytest.fixture(scope="module")
def studio() -> mouth.Studio:
    return mouth.Studio(driver="rules")


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed that finds words in a sound."""

    def hear(*_: object) -> None:
        raise MissingExtra("pocketsphinx", "align", why="finding the words of a recording")

    monkeypatch.setattr(voicing, "hear", hear)


def test_each_mouthing_is_asked_for_as_long_as_it_lasts_and_stands_where_it_is_heard(studio: mouth.Studio, deaf: None) -> None:
    plan = studio.plan(studio._utterance("WHY@0.2-0.8 PT:PRO2SG@0.2 LATE@1.0-1.5"))
    voice = Murmur()
    made, recording = voiced(plan, voice, studio._pronounce)  # type: ignore[arg-type]
    before = [action for action in plan.actions if action.phones]
    assert voice.asked == [(action.text, action.duration_s) for action in before]
    for old, new in zip(before, [action for action in made.actions if action.phones], strict=True):
        quarter_s = old.duration_s / 4
        assert new.start_s == pytest.approx(old.start_s + quarter_s, abs=0.011)
        assert new.end_s == pytest.approx(old.end_s - quarter_s, abs=0.011)
        assert [phone.symbol for phone in new.phones] == [phone.symbol for phone in studio.voice.pronounce(old.text or "")]
        heard = recording.cut(old.start_s, old.duration_s).samples
        assert np.abs(heard).max() > 0.4
    assert not recording.cut(0.8, 0.2).samples.any()


def test_a_reduced_mouthing_is_said_whole(studio: mouth.Studio, deaf: None) -> None:
    plan = studio.plan(studio._utterance("HOLIDAY@0.22"))
    assert plan.actions[0].reduction != "full"
    made, _ = voiced(plan, Murmur(), studio._pronounce)  # type: ignore[arg-type]
    assert made.actions[0].reduction == "full"
    assert len(made.actions[0].phones) == len(studio.voice.pronounce("holiday"))


def test_ipa_without_a_word_is_mouthed_in_silence(studio: mouth.Studio, deaf: None) -> None:
    plan = studio.plan(studio._utterance("?{/waɪ/}@0.5"))
    made, recording = voiced(plan, Murmur(), studio._pronounce)  # type: ignore[arg-type]
    assert made.actions == plan.actions
    assert not recording.samples.any()
    assert "/waɪ/ is mouthed in silence" in made.warnings[-1]


def test_words_found_out_of_their_slots_are_not_believed(studio: mouth.Studio) -> None:
    """A tone holds no words: what forced alignment makes of it lies anywhere."""
    plan = studio.plan(studio._utterance("WHY@0.2-0.8 LATE@1.0-1.5"))
    made, _ = voiced(plan, Murmur(), studio._pronounce)  # type: ignore[arg-type]
    for old, new in zip(plan.actions, made.actions, strict=True):
        assert old.start_s - 0.06 <= new.start_s < new.end_s <= old.end_s + 0.06


def test_the_spoken_part() -> None:
    sound = np.zeros(RATE_HZ, np.float32)
    sound[6000:18000] = 0.3
    assert spoken_part(sound) == (0.25, 0.75)
    assert spoken_part(np.zeros(RATE_HZ, np.float32)) == (0.0, 1.0)
    sound[:] = 0
    sound[6000:6240] = 0.3
    assert spoken_part(sound) == (0.0, 1.0)
    assert spoken_part(np.zeros(10, np.float32)) == (0.0, 10 / RATE_HZ)
