"""Figures with their uncertainty: the bootstrap over clips, Student's t over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Floats

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the interval that holds it with `CONFIDENCE`."""

    value: float
    low: float
    high: float
    count: int
    """Clips, trials or seeds it rests on."""

    def __format__(self, spec: str) -> str:
        """`0.97 (0.96-0.98)` with the spec of one number; without an interval the value alone."""
        if not np.isfinite(self.value):
            return "-"
        if not np.isfinite(self.low) or self.low == self.high == self.value:
            return format(self.value, spec)
        return f"{self.value:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


def exact(value: float, count: int = 1) -> Estimate:
    """A figure without an interval."""
    return Estimate(float(value), float("nan"), float("nan"), count)


def mean(values: Sequence[float] | Floats, seed: int = 0) -> Estimate:
    """Mean over clips; values that are NaN had nothing to measure and are left out."""
    kept = np.asarray(values, np.float64)
    kept = kept[np.isfinite(kept)]
    return ratio(kept, np.ones(len(kept)), seed)


def ratio(parts: Sequence[float] | Floats, wholes: Sequence[float] | Floats, seed: int = 0) -> Estimate:
    """Sum of `parts` [N] over sum of `wholes` [N], one of each for every clip, so that long clips count for more."""
    top, bottom = np.asarray(parts, np.float64), np.asarray(wholes, np.float64)
    if not bottom.sum() > 0:
        return exact(float("nan"), 0)
    drawn = resamples(len(top), seed)
    with np.errstate(invalid="ignore"):
        low, high = _interval(top[drawn].sum(axis=1) / bottom[drawn].sum(axis=1))
    return Estimate(float(top.sum() / bottom.sum()), low, high, len(top))


def over_seeds(values: Sequence[float]) -> Estimate:
    """Mean of a figure over seeds, with Student's t: so few values cannot be resampled."""
    from scipy.stats import t

    found = np.asarray(values, np.float64)
    middle = float(found.mean())
    if len(found) < 2:
        return exact(middle, len(found))
    half = float(t.ppf(0.5 + CONFIDENCE / 2, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)))
    return Estimate(middle, middle - half, middle + half, len(found))


def percentiles(value: float, replicates: Floats, count: int) -> Estimate:
    """A figure with the interval of its replicates [R]."""
    return Estimate(value, *_interval(replicates), count)


def resamples(count: int, seed: int = 0) -> NDArray[np.int64]:
    """Indices of clips drawn with replacement, [R, count]; the same for the same count and seed."""
    return np.random.default_rng([seed, count]).integers(0, max(count, 1), (RESAMPLES, count))


def _interval(replicates: Floats) -> tuple[float, float]:
    found = replicates[np.isfinite(replicates)]
    if not len(found):
        return float("nan"), float("nan")
    low, high = np.quantile(found, (0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2))
    return float(low), float(high)
