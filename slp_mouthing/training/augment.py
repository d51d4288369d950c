"""Speech as other mouths, rooms and microphones would have it: changes of log-mel frames, each drawn anew for every clip."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.features import log_mel
from slp_mouthing.training.clip import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from slp_mouthing.types import Array, Floats

_LOWEST_HZ, _HIGHEST_HZ = 20.0, 7900.0
"""Edges of the bands of `decoder.features`."""
_SILENCE = -18.4
FRAME_S = 0.01
"""Step of `decoder.features`."""
_LAGS = (1, 2, 4, 8, 16, 32, 64)
_NOISE_S = 120.0


@dataclass(frozen=True, slots=True)
class AugmentOptions:
    """How far speech is changed at full strength; each clip draws from 0 to these."""

    share: float = 0.7
    """Part of the clips that are changed at all."""
    vocal_tract: float = 0.16
    """Frequencies are scaled by 1 +- this: from a child's head to a large man's."""
    gain_nepers: float = 2.5
    """Level of the recording, natural log of power."""
    equaliser_nepers: float = 2.0
    """Room and microphone: a smooth curve over the bands."""
    noise_floor_nepers: float = 7.0
    """Noise rises to this far above `least_snr_nepers` below speech."""
    least_snr_nepers: float = 3.0
    """Noise at its loudest lies this far below the speech (3 is 13 dB)."""
    reverberation_s: float = 0.6
    """Time in which a room's echo falls by 60 dB."""
    least_direct_nepers: float = 0.5
    """Speech lies this far above its own echo in the worst room."""
    noise_alone: float = 0.05
    """Part of the clips in which nobody speaks: noise, and a mouth at rest."""


def augment(mel: Array, rng: np.random.Generator, options: AugmentOptions, strength: float = 1.0) -> Array:
    """Log-mel frames [M, B] as another speaker or recording might have them; `strength` 0 leaves them as they are."""
    if strength <= 0.0 or rng.random() >= options.share:
        return mel
    limit = strength * options.vocal_tract
    changed = warp(mel, 1.0 + float(rng.uniform(-limit, limit)))
    changed = changed + strength * options.equaliser_nepers * smooth_curve(rng, mel.shape[1])
    if rng.random() < 0.4:
        decay_s = 0.1 + strength * float(rng.uniform(0.0, options.reverberation_s - 0.1))
        changed = reverberated(changed, decay_s, options.least_direct_nepers + float(rng.uniform(0.0, 3.5)))
    if rng.random() < 0.6:
        changed = _with_noise(changed, rng, options, strength)
    gain = strength * options.gain_nepers * float(rng.uniform(-1.0, 1.0))
    return np.asarray(np.maximum(changed + np.float32(gain), np.float32(_SILENCE)))


def warp(mel: Array, factor: float) -> Array:
    """The same speech from a vocal tract that is `factor` times shorter: band b takes what lay at its frequency / factor."""
    bands = mel.shape[1]
    mels = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), bands + 2)[1:-1]
    wanted = np.interp(_mel(_hertz(mels) / factor), mels, np.arange(bands))
    lower = np.minimum(wanted.astype(np.int64), bands - 2)
    share = (wanted - lower).astype(np.float32)
    return np.asarray(mel[:, lower] * (1.0 - share) + mel[:, lower + 1] * share)


def smooth_curve(rng: np.random.Generator, bands: int) -> Array:
    """A random curve over the bands of about unit size. -> [B]"""
    x = np.linspace(0.0, 1.0, bands)
    waves = [rng.normal() * np.cos(np.pi * k * x + rng.uniform(0.0, 2.0 * np.pi)) / k for k in (1, 2, 3, 4)]
    return np.asarray(0.6 * np.sum(waves, axis=0), np.float32)


def reverberated(mel: Array, decay_s: float, direct_nepers: float) -> Array:
    """With the echo of a room, whose power falls by 60 dB in `decay_s` and lies `direct_nepers` below the speech."""
    decay = 10.0 ** (-6.0 * FRAME_S / decay_s)
    echo = np.exp(mel.astype(np.float64))
    for lag in _LAGS:
        # Doubling: afterwards each frame holds the 2 x lag frames up to it, each as much weaker as it is earlier.
        echo[lag:] = echo[lag:] + decay**lag * echo[:-lag]
    return np.asarray(np.logaddexp(mel, np.log((1.0 - decay) * echo) - direct_nepers), np.float32)


def noise_alone(frames: int, rng: np.random.Generator) -> Array:
    """Log-mel frames [M, B] of a room in which nobody speaks: noise of a random colour that swells and ebbs, often with a hum."""
    swell = float(rng.uniform(0.0, 0.6)) * np.sin(FRAME_S * np.arange(frames) * rng.uniform(0.3, 6.0) + rng.uniform(0.0, 6.3))
    noise = float(rng.uniform(-16.0, -7.0)) + steady_noise(frames, rng) + swell[:, None]
    if rng.random() < 0.4:
        # The harmonics of a machine are steady where noise flickers.
        hum = np.full(noise.shape[1], _SILENCE)
        hum[rng.integers(0, 24, 3)] = noise.mean() + rng.uniform(0.0, 6.0, 3)
        noise = np.logaddexp(noise, hum)
    return np.asarray(np.maximum(noise, _SILENCE), np.float32)


def steady_noise(frames: int, rng: np.random.Generator) -> Array:
    """Log-mel frames [M, B] of noise of a random colour, about 0 on the whole; it flickers as noise in a microphone does."""
    white = _white_noise()
    start = int(rng.integers(len(white)))
    return np.asarray(white.take(range(start, start + frames), axis=0, mode="wrap") + 1.5 * smooth_curve(rng, white.shape[1]))


@functools.cache
def _white_noise() -> Array:
    samples = np.random.default_rng(0).normal(0.0, 0.1, round(_NOISE_S * SAMPLE_RATE_HZ))
    mel = log_mel(samples, SAMPLE_RATE_HZ)[1:-1]
    return np.asarray(mel - mel.mean(axis=0))


def _with_noise(mel: Array, rng: np.random.Generator, options: AugmentOptions, strength: float) -> Array:
    """Steady noise of a random colour below the speech; bands add in power."""
    speech = float(np.quantile(mel.mean(axis=1), 0.8))
    below = options.least_snr_nepers + (1.0 - strength * float(rng.random())) * options.noise_floor_nepers
    return np.asarray(np.logaddexp(mel, np.float32(speech - below) + steady_noise(len(mel), rng)))


def _mel(frequency_hz: Floats | float) -> Floats:
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(frequency_hz) / 700.0))


def _hertz(mel: Floats) -> Floats:
    return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
