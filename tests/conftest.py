from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.speech.espeak import Espeak
from slp_mouthing.speech.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    Spoken = tuple[Recording, list[tuple[float, float]]]


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
