"""Sound as log-mel frames at 100 Hz: what the shipped model hears."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.resampling import resample
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from slp_mouthing.types import Array, Floats

SAMPLE_RATE_HZ = 16000
SAMPLE_RATES_HZ = (8000, 96000)
"""Lowest and highest that are read; all others are brought to `SAMPLE_RATE_HZ` first."""
FEATURE_HZ = 100
MEL_BANDS = 80

_HOP = SAMPLE_RATE_HZ // FEATURE_HZ
_WINDOW = SAMPLE_RATE_HZ // 40
_FFT = 512
_LOWEST_HZ, _HIGHEST_HZ = 20.0, 7900.0
_FLOOR = 1e-8
"""Power of silence against a full-scale tone: -80 dB."""
_BLOCK = 4096
"""Frames that are transformed at a time: memory stays bounded for hours of sound."""
_MAX_CHANNELS = 8
_MARGIN_S = 0.02
"""Half a window and the reach of the resampler: what a frame needs after its centre, and before it."""

_SPEECH_RANGE = 9.0
"""Natural log of power: frames this far below the loudest (39 dB) are pauses, and do not count for a `Normaliser`."""
_NARROWEST_STD = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Normaliser:
    """Brings log-mel frames to mean 0 and deviation 1 in each band, so that level, room and microphone matter less.

    Measured once for each voice of a synthesiser, which makes streams equal to whole utterances; of a recording itself otherwise.
    """

    mean: Array  # [80]
    std: Array  # [80]

    @staticmethod
    def of(mel: Floats) -> Normaliser:
        """Of the frames of `mel` [M, 80] that are not pauses, so that the length of the pauses changes nothing."""
        if not len(mel):
            raise InputError("no sound to measure: 0 frames")
        loudness = mel.mean(axis=1)
        speech = mel[loudness >= loudness.max() - _SPEECH_RANGE].astype(np.float64)
        std = np.maximum(speech.std(axis=0), _NARROWEST_STD)
        return Normaliser(speech.mean(axis=0).astype(np.float32), std.astype(np.float32))

    def __call__(self, mel: Array) -> Array:  # [M, 80] -> [M, 80]
        return (mel - self.mean) / self.std


def log_mel(samples: Floats, sample_rate_hz: int) -> Array:
    """Natural log of mel-band power, [N] -> [M, 80] float32; frame m is centred at m / 100 s, and M = floor(N / rate * 100) + 1.

    Several channels [N, channels] are averaged. 0 is a full-scale tone, -18.4 silence. Raises `InputError` for sound that is
    empty, not finite, or at a rate outside `SAMPLE_RATES_HZ`.
    """
    wave = at_16_khz(samples, sample_rate_hz)
    count = len(samples) * FEATURE_HZ // sample_rate_hz + 1
    padded = np.concatenate([np.zeros(_WINDOW // 2, np.float32), wave, np.zeros(_WINDOW // 2 + _HOP, np.float32)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    mel = np.empty((count, MEL_BANDS), np.float32)
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        spectrum = np.fft.rfft(frames[block] * _window(), _FFT)
        power = spectrum.real**2 + spectrum.imag**2
        mel[block] = np.log(np.maximum(power @ _mel_filters(), _FLOOR))
    return mel


class MelStream:
    """`log_mel` of sound that arrives in parts; each frame comes when what it covers has come."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._samples = np.zeros(0, np.float32)
        self._start_s = 0
        """Of `_samples`, a whole second: there the frames and the resampled sound stand as in the whole."""
        self._done = 0

    def push(self, samples: Floats) -> Array:
        """The next samples, [N] or [N, channels], may be none -> the frames now known, [m, 80]. Raises as `log_mel` does."""
        if len(samples):
            self._samples = np.concatenate([self._samples, mono(np.asarray(samples))])
        known_s = self._start_s + len(self._samples) / self._rate_hz - _MARGIN_S
        return self._until(math.floor(known_s * FEATURE_HZ))

    def finish(self) -> Array:
        """The last frames, [m, 80]."""
        return self._until(self._start_s * FEATURE_HZ + len(self._samples) * FEATURE_HZ // self._rate_hz + 1)

    def _until(self, end: int) -> Array:
        if end <= self._done:
            return np.zeros((0, MEL_BANDS), np.float32)
        first = self._start_s * FEATURE_HZ
        mel = log_mel(self._samples, self._rate_hz)[self._done - first : end - first]
        self._done = end
        if (gone_s := math.floor(end / FEATURE_HZ - _MARGIN_S) - self._start_s) > 0:
            self._samples, self._start_s = self._samples[gone_s * self._rate_hz :], self._start_s + gone_s
        return mel


def at_16_khz(samples: Floats, sample_rate_hz: int) -> Array:
    """One channel: [N] or [N, channels] -> [round up of N * 16000 / rate]. Raises `InputError` as `log_mel` does."""
    lowest, highest = SAMPLE_RATES_HZ
    if not lowest <= sample_rate_hz <= highest:
        raise InputError(f"the sound has {sample_rate_hz} samples a second, allowed: {lowest} to {highest}")
    return resample(mono(np.asarray(samples)), sample_rate_hz, SAMPLE_RATE_HZ)


def mono(samples: Floats) -> Array:
    """[N] or [N, channels] -> [N] in floats, integers brought to [-1, 1] from the range of their type. Raises `InputError`."""
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= _MAX_CHANNELS):
        raise InputError(f"the sound has shape {list(samples.shape)}, expected [N] or [N, channels]")
    if not len(samples):
        raise InputError("the sound is empty", hint="give at least one sample")
    full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1) if samples.dtype.kind == "i" else 1.0
    wave = samples.astype(np.float32) / np.float32(full_scale)
    if not np.isfinite(wave).all():
        raise InputError("the sound holds values that are not finite")
    return wave if samples.ndim == 1 else np.mean(wave, axis=1, dtype=np.float32)


@functools.cache
def _window() -> Array:  # [400]
    """Hann, scaled so that a full-scale tone has power 1."""
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(_WINDOW) / _WINDOW)
    return np.asarray(window * (2.0 / window.sum()), np.float32)


@functools.cache
def _mel_filters() -> Array:  # [257, 80]
    """Triangles of unit height on the mel scale (2595 log10(1 + f/700)); narrow ones at the bottom cover one bin at least."""
    edges_mel = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), MEL_BANDS + 2)
    bins_mel = _mel(np.arange(_FFT // 2 + 1) * (SAMPLE_RATE_HZ / _FFT))
    below, centre, above = edges_mel[:-2], edges_mel[1:-1], edges_mel[2:]
    rising = (bins_mel[:, None] - below) / (centre - below)
    falling = (above - bins_mel[:, None]) / (above - centre)
    filters = np.maximum(np.minimum(rising, falling), 0.0)
    nearest = np.abs(bins_mel[:, None] - centre).argmin(axis=0)
    bands = np.arange(MEL_BANDS)
    filters[nearest, bands] = np.maximum(filters[nearest, bands], 0.5)
    return filters.astype(np.float32)


def _mel(frequency_hz: Floats | float) -> Floats:
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(frequency_hz) / 700.0))
