"""Sound at another rate, in numpy: importing scipy's signal module takes longer than most utterances do."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from slp_mouthing.types import Array

_ZEROS = 10
"""Zero crossings of the filter on each side, at the lower of the two rates."""
_KAISER = 5.0
_BLOCK = 2**16
"""Output samples at a time."""


def resample(samples: Array, from_hz: int, to_hz: int) -> Array:
    """Band-limited, [N] -> [round up of N * to / from]: what scipy's `resample_poly` gives with its default filter."""
    common = math.gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    if up == down:
        return samples
    filters = _filters(up, down)
    reach = filters.shape[1] // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (reach, reach + 1)), filters.shape[1])
    count = -(-len(samples) * up // down)
    resampled = np.empty(count, np.float32)
    for start in range(0, count, _BLOCK):
        position = np.arange(start, min(start + _BLOCK, count)) * down
        taps, weights = around[position // up], filters[position % up]
        resampled[start : start + len(position)] = np.einsum("nt,nt->n", taps, weights)
    return resampled


@functools.lru_cache(maxsize=4)
def _filters(up: int, down: int) -> Array:
    """A windowed sinc sampled for each of the `up` places that an output has between two inputs, [up, taps]."""
    slower = max(up, down)
    half = _ZEROS * slower
    reach = half // up + 1
    prototype = np.sinc(np.arange(-half, half + 1) / slower) * np.kaiser(2 * half + 1, _KAISER)
    prototype *= up / prototype.sum()
    index = half + np.arange(up)[:, None] - up * np.arange(-reach, reach + 1)
    inside = (index >= 0) & (index <= 2 * half)
    return np.where(inside, prototype[np.clip(index, 0, 2 * half)], 0.0).astype(np.float32)
