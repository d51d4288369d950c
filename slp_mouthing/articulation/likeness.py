"""How alike a driver's controls are to the true ones: Pearson's r, summed up clip by clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.types import CONTROL_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Floats

MOVES = 0.02
"""A control whose true weight deviates by less than this, over all frames compared, does not move."""

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


def stacked(clips: Sequence[Moments]) -> tuple[Floats, Floats]:
    """Frames [N] of the clips and the sums of each, [N, 5, C]."""
    return np.array([clip.count for clip in clips], float), np.stack([[c.x, c.y, c.xx, c.yy, c.xy] for c in clips])


def mean_r(count: Floats, sums: Floats) -> Floats:
    """Pearson's r of each control, mean over the controls that move in the truth; NaN where none does.

    A control that the prediction leaves still has r = 0. Frames and their sums in each of R sets of clips, [R], [R, 5, C] -> [R].
    """
    x, y, xx, yy, xy = sums.swapaxes(0, 1) / np.maximum(count, 1.0)[:, None]
    spread_x, spread_y = np.maximum(xx - x**2, 0.0), np.maximum(yy - y**2, 0.0)
    product = np.sqrt(spread_x * spread_y)
    r = np.where(product > 1e-9, (xy - x * y) / np.maximum(product, 1e-9), 0.0)
    moving = spread_y >= MOVES**2
    return np.asarray(np.where(moving, r, 0.0).sum(axis=1) / np.where(moving.any(axis=1), moving.sum(axis=1), np.nan))
