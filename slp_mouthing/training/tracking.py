"""What a tracker makes of a face: the motion of a fitted mesh, which is not quite that of the mouth it was fitted to.

Fitting to video regularises over time, so that fast closures are lost or half seen; it jitters; and where it loses the face it
holds the last pose. The pixels show what the mouth did all the same: that is what a lip-reading loss can learn from, and a
vertex loss cannot (VisualSpeaker, section 3.1).

On the built-in heads (benchmarks/tracking_error.py) the observed lips are 2.2 mm from the true ones, 2.4 mm while the mouth moves
(largest distance of a lip vertex in a frame, mean over frames): 1.5 mm by smoothing alone, 0.9 mm by jitter, 0.4 mm by lost
closures, 0.15 mm by dropouts. 60% of the closures are still seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation import CHANNELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import Array, Floats

_CONTACTS = tuple(CHANNELS.index(name) for name in ("lipsShut", "lipOnTeeth"))
_PRESENCE = CHANNELS.index("presence")
_CLOSED = 0.5
"""A contact that is more complete than this is a closure."""


@dataclass(frozen=True, slots=True)
class TrackingOptions:
    smoothing_frames: float = 1.1
    """Deviation of the Gaussian that the fit's regularisation amounts to; at 30 frames a second a /p/ is two frames long."""
    lost_closures: float = 0.5
    """Share of the closures that are seen in part only; the shorter ones sooner."""
    seen_of_lost: tuple[float, float] = (0.1, 0.6)
    """How complete those are at least and at most."""
    long_closure_frames: float = 5.0
    """A closure of this length is lost half as often as the shortest."""
    jitter: float = 0.03
    """Deviation of the noise of each channel, whose range is 0 to 1."""
    jitter_memory: float = 0.5
    """Correlation of the noise from one frame to the next."""
    dropouts_hz: float = 0.2
    """How often the face is lost."""
    dropout_frames: tuple[int, int] = (2, 6)
    """For how long the last pose is held then."""


def observe(truth: Array, rng: np.random.Generator, fps: float, options: TrackingOptions | None = None) -> Array:
    """Channels [T, H] as a tracker would have them, in [0, 1]. When the mouth is active is known from the sound: `presence`
    is smoothed with the rest, and a resting mouth rests."""
    options = options or TrackingOptions()
    values: Floats = truth.astype(np.float64)
    for column in _CONTACTS:
        values[:, column] *= _seen(values[:, column], rng, options)
    values = _smoothed(values, options.smoothing_frames)
    noisy = values + _jitter(values.shape, rng, options)
    noisy[:, _PRESENCE] = values[:, _PRESENCE]
    return np.clip(noisy[_held(len(truth), rng, fps, options)], 0.0, 1.0).astype(np.float32)


def _seen(contact: Floats, rng: np.random.Generator, options: TrackingOptions) -> Floats:
    """What of a contact [T] is seen: a factor, the same throughout a closure. -> [T]"""
    factor = np.ones(len(contact))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (contact > 0.0).astype(np.int8), [0]])))
    for first, last in edges.reshape(-1, 2).tolist():
        length = np.count_nonzero(contact[first:last] > _CLOSED)
        lost = options.lost_closures / (1.0 + max(length - 1.0, 0.0) / (options.long_closure_frames - 1.0))
        # Both numbers are drawn for every closure: what one loses does not depend on the others.
        draw, seen = rng.random(), rng.uniform(*options.seen_of_lost)
        if draw < lost:
            factor[first:last] = seen
    return factor


def _smoothed(values: Floats, deviation_frames: float) -> Floats:
    """A Gaussian over time, [T, H] -> [T, H]."""
    reach = int(np.ceil(3.0 * deviation_frames))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(deviation_frames, 1e-6)) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=0) @ kernel)


def _jitter(shape: tuple[int, ...], rng: np.random.Generator, options: TrackingOptions) -> Floats:
    """Noise with a memory, [T, H]."""
    noise = rng.normal(0.0, options.jitter, shape)
    memory = options.jitter_memory
    for frame in range(1, len(noise)):
        noise[frame] = memory * noise[frame - 1] + np.sqrt(1.0 - memory**2) * noise[frame]
    return noise


def _held(frames: int, rng: np.random.Generator, fps: float, options: TrackingOptions) -> NDArray[np.intp]:
    """Which frame is shown in each: the last good one where the face is lost. -> [T]"""
    shown = np.arange(frames)
    for first in np.flatnonzero(rng.random(frames) < options.dropouts_hz / fps).tolist():
        shown[first : first + int(rng.integers(*options.dropout_frames))] = shown[max(first - 1, 0)]
    return shown
