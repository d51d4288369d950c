"""Words told by their motion: the nearest template under dynamic time warping, in a closed vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.evaluation.statistics import mean
from slp_mouthing.evaluation.viseme_classifier import sampled
from slp_mouthing.evaluation.warping import distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.evaluation.statistics import Estimate
    from slp_mouthing.types import Floats, MouthScore

LENGTH = 20
"""Points to which a word is brought: how long it lasts tells nothing."""


def word_motions(score: MouthScore, measures: Floats, fps: float) -> Floats:
    """Each mouthing of a score at `LENGTH` even times. [T, D] -> [actions, L, D]"""
    return resampled(measures, [(start_s * fps, end_s * fps) for start_s, end_s in score.actions], LENGTH)


def resampled(measures: Floats, spans: list[tuple[float, float]], length: int) -> Floats:
    """Spans (first, last) in frames of measures [T, D] at `length` even times -> [spans, length, D]"""
    ends = np.array(spans, float).reshape(-1, 2)
    return sampled(measures, ends[:, :1] + np.linspace(0.0, 1.0, length) * (ends[:, 1:] - ends[:, :1]))


def identified(queries: Floats, asked: NDArray[np.str_], templates: Floats, words: NDArray[np.str_]) -> Estimate:
    """Share of queries [Q, L, D] whose nearest template [P, L, D] is one of their own word; those without one do not count."""
    known = np.isin(asked, words)
    if not known.any():
        return mean([])
    scale = 1.0 / np.maximum(templates.std(axis=(0, 1)), 1e-6)
    nearest = np.argmin(distances(queries[known] * scale, templates * scale), axis=1)
    return mean((words[nearest] == asked[known]).astype(float))
