"""Log-mel frames: where they lie, what they measure, and what sound is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slp_mouthing.decoder.features import MEL_BANDS, MelStream, Normaliser, log_mel
from slp_mouthing.errors import InputError


def _tone(frequency_hz: float, duration_s: float, rate_hz: int) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * np.arange(int(duration_s * rate_hz)) / rate_hz).astype(np.float32)


def test_a_click_is_in_the_frames_around_it() -> None:
    samples = np.zeros(16000, np.float32)
    samples[8000] = 1.0
    loud = log_mel(samples, 16000).mean(axis=1)
    assert len(loud) == 101
    assert loud.argmax() == 50
    assert np.array_equal(loud[:49], loud[52:][::-1][:49])
    assert loud[0] == pytest.approx(-18.42, abs=0.01)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000, 96000])
def test_any_rate_gives_the_same_frames(rate_hz: int) -> None:
    reference, mel = (log_mel(0.5 * _tone(700.0, 0.52, rate), rate) for rate in (16000, rate_hz))
    assert mel.shape == reference.shape == (53, MEL_BANDS)
    band = reference[25].argmax()
    assert np.abs(mel[3:-3, band] - reference[3:-3, band]).max() < 0.02


def test_a_full_scale_tone_is_about_zero() -> None:
    assert abs(log_mel(_tone(1000.0, 0.3, 16000), 16000)[15].max()) < 0.7


def test_channels_are_averaged_and_integers_scaled() -> None:
    left, right = _tone(300.0, 0.2, 16000), _tone(900.0, 0.2, 16000)
    stereo = log_mel(np.stack([left, right], axis=1), 16000)
    assert np.allclose(stereo, log_mel((left + right) / 2, 16000), atol=1e-5)
    whole = np.round(left * 32767).astype(np.int16)
    assert np.allclose(log_mel(whole, 16000), log_mel(whole / np.float32(32768), 16000), atol=1e-5)


def test_silence_and_clipping_are_finite() -> None:
    silent = log_mel(np.zeros(4000, np.float32), 16000)
    assert np.isfinite(Normaliser.of(silent)(silent)).all()
    assert np.isfinite(log_mel(np.clip(9 * _tone(200.0, 0.3, 16000), -1, 1), 16000)).all()


def test_a_long_sound_is_its_parts() -> None:
    samples = np.random.default_rng(0).standard_normal(16000 * 50).astype(np.float32)
    whole = log_mel(samples, 16000)
    assert np.allclose(whole[4000:4300], log_mel(samples[4000 * 160 - 1600 : 4301 * 160], 16000)[10:310], atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "says"),
    [
        (np.zeros(0, np.float32), 16000, "empty"),
        (np.array([0.0, np.nan]), 16000, "not finite"),
        (np.array([0.0, np.inf]), 22050, "not finite"),
        (np.zeros(100), 4000, "allowed: 8000 to 96000"),
        (np.zeros(100), 192000, "allowed: 8000 to 96000"),
        (np.zeros((2, 16000)), 16000, "expected [N] or [N, channels]"),
    ],
)
def test_bad_sound_is_named(samples: np.ndarray, rate_hz: int, says: str) -> None:
    with pytest.raises(InputError, match="sound") as refused:
        log_mel(samples, rate_hz)
    assert says in str(refused.value)


def test_a_normaliser_ignores_level_and_pauses() -> None:
    speech = np.random.default_rng(0).standard_normal(8000).astype(np.float32) * 0.1
    once, loud = log_mel(speech, 16000), log_mel(4 * speech, 16000)
    paused = np.concatenate([once[3:-3], np.full((300, MEL_BANDS), once.min() - 12, np.float32)])
    assert np.allclose(Normaliser.of(once)(once), Normaliser.of(loud)(loud), atol=1e-3)
    assert np.allclose(Normaliser.of(paused).mean, Normaliser.of(once[3:-3]).mean, atol=1e-5)


@settings(max_examples=20, deadline=None)
@example([], 22049, 22050)
@given(st.lists(st.integers(0, 30000), max_size=6), st.integers(1, 60000), st.sampled_from([8000, 16000, 22050, 44100]))
def test_a_stream_is_the_whole(cuts: list[int], count: int, rate_hz: int) -> None:
    samples = np.random.default_rng(count).standard_normal(count).astype(np.float32)
    stream, parts, at = MelStream(rate_hz), [], 0
    for size in [*cuts, count]:
        parts.append(stream.push(samples[at : at + size]))
        at += size
    parts.append(stream.finish())
    whole = log_mel(samples, rate_hz)
    assert np.concatenate(parts).shape == whole.shape
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-3


def test_a_stream_holds_little_and_waits_little() -> None:
    stream, known = MelStream(22050), 0
    for k in range(60):
        known += len(stream.push(np.ones(11025, np.float32)))
        assert known >= 50 * (k + 1) - 3
        assert len(stream._samples) < 3 * 22050
