"""Control curves against the true ones: correlation, and stillness where the plan says rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.evaluation.statistics import Estimate, exact, percentiles, resamples
from slp_mouthing.types import CONTROL_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Floats, MouthScore

MOVES = 0.02
"""A control whose true weight deviates by less than this, over all frames compared, does not move."""
RELAXATION_S = 0.2
"""After a mouthing the mouth may take this long to come to rest."""

_COLUMNS = np.array([k for k, name in enumerate(CONTROL_NAMES) if not name.endswith("Right")])
"""Controls that come in pairs count once: mouthings drive both sides alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What a clip adds to the correlation of each control, [C] each."""

    count: int
    x: Floats
    y: Floats
    xx: Floats
    yy: Floats
    xy: Floats


def moments(predicted: Floats, true: Floats, frames: NDArray[np.bool_] | None = None) -> Moments:
    """Of a clip's controls [T, C] against the true ones, in `frames` [T] or all."""
    if predicted.shape != true.shape:
        raise InputError(f"controls of shape {predicted.shape} against {true.shape}, expected the same frames")
    kept = slice(None) if frames is None else frames
    x, y = (np.asarray(values, np.float64)[kept][:, _COLUMNS] for values in (predicted, true))
    return Moments(len(x), x.sum(axis=0), y.sum(axis=0), (x**2).sum(axis=0), (y**2).sum(axis=0), (x * y).sum(axis=0))


def correlation(clips: Sequence[Moments], seed: int = 0) -> Estimate:
    """Pearson's r of each control over the frames of all clips, mean over the controls that move in the truth.

    A control that the prediction leaves still has r = 0. The interval is of clips drawn with replacement.
    """
    if not clips or not sum(clip.count for clip in clips):
        return exact(float("nan"), 0)
    count = np.array([clip.count for clip in clips], float)
    sums = np.stack([[clip.x, clip.y, clip.xx, clip.yy, clip.xy] for clip in clips])  # [N, 5, C]
    value = _mean_r(count.sum()[None], sums.sum(axis=0)[None])
    drawn = np.stack([np.bincount(row, minlength=len(clips)) for row in resamples(len(clips), seed)]).astype(float)  # [R, N]
    return percentiles(float(value[0]), _mean_r(drawn @ count, np.tensordot(drawn, sums, axes=1)), len(clips))


def _mean_r(count: Floats, sums: Floats) -> Floats:
    """Of frames and their sums in each draw, [R], [R, 5, C] -> [R]; NaN where nothing moves."""
    x, y, xx, yy, xy = sums.swapaxes(0, 1) / np.maximum(count, 1.0)[:, None]
    spread_x, spread_y = np.maximum(xx - x**2, 0.0), np.maximum(yy - y**2, 0.0)
    product = np.sqrt(spread_x * spread_y)
    r = np.where(product > 1e-9, (xy - x * y) / np.maximum(product, 1e-9), 0.0)
    moving = spread_y >= MOVES**2
    return np.asarray(np.where(moving, r, 0.0).sum(axis=1) / np.where(moving.any(axis=1), moving.sum(axis=1), np.nan))


# ---- rest -----------------------------------------------------------------------------------------------------------------
def resting(score: MouthScore, fps: float, count: int) -> NDArray[np.bool_]:
    """Frames in which the plan says rest: before, between and after mouthings and mouth gestures. -> [T]"""
    times_s, at_rest = np.arange(count) / fps, np.ones(count, bool)
    spans = [*score.actions, *((gesture.start_s, gesture.end_s) for gesture in score.gestures)]
    for start_s, end_s in spans:
        # The frame nearest to the start moves already.
        at_rest &= (times_s < start_s - 0.501 / fps) | (times_s > end_s + RELAXATION_S)
    return at_rest


def mouthing(score: MouthScore, fps: float, count: int) -> NDArray[np.bool_]:
    """Frames within mouthings: where a driver must know what is said. -> [T]"""
    times_s, inside = np.arange(count) / fps, np.zeros(count, bool)
    for start_s, end_s in score.actions:
        inside |= (times_s >= start_s) & (times_s <= end_s)
    return inside


def rest_error_mm(vertices_m: Floats, neutral_m: Floats, at_rest: NDArray[np.bool_]) -> float:
    """Furthest that a vertex stands from the neutral face at rest, mm; 0 when there is no rest. [T, V, 3], [V, 3], [T]"""
    return float(1e3 * np.linalg.norm(vertices_m[at_rest] - neutral_m, axis=-1).max(initial=0.0))


def rest_jitter_mm(vertices_m: Floats, at_rest: NDArray[np.bool_]) -> float:
    """Furthest that a vertex moves between two frames at rest, mm. [T, V, 3], [T]"""
    together = at_rest[1:] & at_rest[:-1]
    steps = np.linalg.norm(np.diff(vertices_m, axis=0)[together], axis=-1)
    return float(1e3 * steps.max(initial=0.0))
