from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.speech.espeak import Espeak
from slp_mouthing.speech.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.training.clip import Split

    Spoken = tuple[Recording, list[tuple[float, float]]]

WORDS: dict[Split, tuple[str, ...]] = {
    "train": ("mother", "five", "shoe", "apple", "week", "beef", "paper", "goat", "yellow", "river", "think", "harbour"),
    "test": ("bomb", "puppy", "vivid", "father", "moon", "cheese"),
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "f5: needs F5-TTS's environment (make test-f5)")
    # Workers share the processors: torch's threads spin while they wait for one another, and a test can take ten times as long.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def say() -> Callable[..., Spoken]:
    """Words one after the other as a recording, and where each is."""
    voice = Espeak("en-gb")

    def said(words: str, pause_s: float = 0.2) -> Spoken:
        rate = voice.speak("a").sample_rate_hz
        pieces, spans, now_s = [np.zeros(round(0.3 * rate), np.float32)], [], round(0.3 * rate) / rate
        for word in words.split():
            speech = voice.speak(word)
            spans.append((now_s + speech.phones[0].start_s, now_s + speech.phones[-1].end_s))
            pieces += [speech.samples, np.zeros(round(pause_s * rate), np.float32)]
            now_s += (len(pieces[-2]) + len(pieces[-1])) / rate
        samples = (np.concatenate(pieces) * 32767).astype(np.int16)
        return Recording(samples, rate, "said.wav"), spans

    return said


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluation on a few words instead of the lexicon's thousands, which would have to be sorted into splits."""
    from slp_mouthing.evaluation import passages
    from slp_mouthing.training.texts import Texts

    monkeypatch.setattr(passages, "texts_of", lambda split: Texts(split, WORDS[split], ()))


@pytest.fixture
def few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mouth evaluate pairs` on one pair of each kind."""
    from slp_mouthing.evaluation import minimal_pairs
    from slp_mouthing.evaluation.realisations import Word

    for name in ("_HOMOPHENES", "_NEAR", "_NASALS"):
        monkeypatch.setattr(minimal_pairs, name, "pat bat")
    monkeypatch.setattr(minimal_pairs, "contrasts", lambda lexicon: [(Word("WHY", True), Word("BECAUSE", True))])
