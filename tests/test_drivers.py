"""Drivers: what the rules and the decoder make of the same score. The decoder here is a small one that was never trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.articulation import CHANNELS, Style, channels, presence
from slp_mouthing.decoder.features import Normaliser, log_mel
from slp_mouthing.decoder.options import NetworkOptions
from slp_mouthing.drivers import Neural, Rules, _at_rate, shipped
from slp_mouthing.types import MouthScore, Phone, Speech

if TYPE_CHECKING:
    from slp_mouthing.decoder.speech_input import SpeechInput

SCORE = MouthScore((Phone("m", 0.2, 0.3), Phone("ɑː", 0.3, 0.6)), (), 1.2, ((0.2, 0.6),))
RESTING = MouthScore((), (), 1.0)
SHUT = CHANNELS.index("lipsShut")


class Listener:
    """Says the time in the first channel, lips shut in the tenth of a second after 0.5 s, and remembers what it heard."""

    options = NetworkOptions()

    def __init__(self) -> None:
        self.heard: list[SpeechInput] = []

    def predict(self, speech: SpeechInput, style: Any = None) -> np.ndarray:
        self.heard.append(speech)
        values = np.full((len(speech.times_s), len(CHANNELS)), 0.5, np.float32)
        values[:, 0] = speech.times_s
        values[:, SHUT] = (speech.times_s >= 0.5) & (speech.times_s < 0.55)
        return values


def _speech() -> Speech:
    times_s = np.arange(round(1.2 * 16000)) / 16000
    return Speech(np.sin(700 * times_s).astype(np.float32), 16000, SCORE.phones)


def test_the_rules_do_not_listen() -> None:
    def nobody() -> Speech:
        raise AssertionError

    assert np.array_equal(Rules()(SCORE, nobody, 30.0, Style()), channels(SCORE, 30.0))
    assert not Neural(Listener(), "x")(RESTING, nobody, 30.0, Style()).any()  # type: ignore[arg-type]


def test_the_plan_says_when_the_mouth_rests() -> None:
    values = Neural(Listener(), "x")(SCORE, _speech, 30.0, Style())  # type: ignore[arg-type]
    assert np.array_equal(values[:, -1], presence(SCORE, 30.0))


def test_the_decoder_hears_the_voice_and_knows_its_phones() -> None:
    listener = Listener()
    Neural(listener, "x")(SCORE, _speech, 30.0, Style())  # type: ignore[arg-type]
    (heard,) = listener.heard
    assert heard.mel is not None and heard.phones is not None
    mel = log_mel(_speech().samples, 16000)
    assert np.array_equal(heard.mel, Normaliser.of(mel)(mel))
    Neural(listener, "x").predict(np.arange(36) / 30, 30.0, _speech())  # type: ignore[arg-type]
    assert listener.heard[-1].phones is None


@pytest.mark.parametrize("level", [0.003, 0.05])
@pytest.mark.parametrize("colour", [0.0, 0.5], ids=["white", "pink"])
def test_the_shipped_decoder_rests_in_a_room_where_nobody_speaks(colour: float, level: float) -> None:
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=5 * 16000))
    noise = np.fft.irfft(spectrum / np.arange(1, len(spectrum) + 1) ** colour)
    samples = (level * noise / noise.std()).astype(np.float32)
    values = shipped().predict(np.arange(150) / 30.0, 30.0, Speech(samples, 16000, ()))
    assert np.mean(values[:, -1] > 0.05) < 0.1


def test_style_sizes_the_movements_and_keeps_contacts() -> None:
    neural = Neural(Listener(), "x")  # type: ignore[arg-type]
    usual, small, still = (neural(SCORE, _speech, 30.0, Style(intensity=size)) for size in (1.0, 0.5, 0.0))
    assert np.allclose(small[:, 1:12], 0.5 * usual[:, 1:12])
    assert np.array_equal(small[:, SHUT], usual[:, SHUT])
    assert not still[:, :-1].any()


@pytest.mark.parametrize("fps", [5.0, 15.0, 24.0, 25.0, 30.0, 50.0, 60.0, 120.0])
def test_every_rate_has_its_frames_and_no_contact_is_lost(fps: float) -> None:
    listener = Listener()
    times_s = np.arange(round(1.2 * fps)) / fps
    values = _at_rate(lambda times: listener.predict(_input(times)), times_s, fps)
    assert np.allclose(values[:, 0], times_s, atol=1e-6)
    assert values[:, SHUT].max() == 1
    assert all(19 < heard.fps < 33 for heard in listener.heard)


def _input(times_s: np.ndarray) -> SpeechInput:
    from slp_mouthing.decoder.speech_input import SpeechInput

    return SpeechInput(times_s, np.zeros((121, 80), np.float32))
