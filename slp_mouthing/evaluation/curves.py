"""Control curves against the true ones: correlation, and stillness where the plan says rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation.likeness import mean_r, stacked
from slp_mouthing.evaluation.statistics import Estimate, exact, percentiles, resamples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.articulation.likeness import Moments
    from slp_mouthing.types import Floats, MouthScore

RELAXATION_S = 0.2
"""After a mouthing the mouth may take this long to come to rest."""


def correlation(clips: Sequence[Moments], seed: int = 0) -> Estimate:
    """Pearson's r over the frames of all clips (`mean_r`); the interval is of clips drawn with replacement."""
    if not clips or not sum(clip.count for clip in clips):
        return exact(float("nan"), 0)
    count, sums = stacked(clips)
    value = mean_r(count.sum()[None], sums.sum(axis=0)[None])
    drawn = np.stack([np.bincount(row, minlength=len(clips)) for row in resamples(len(clips), seed)]).astype(float)  # [R, N]
    return percentiles(float(value[0]), mean_r(drawn @ count, np.tensordot(drawn, sums, axes=1)), len(clips))


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
