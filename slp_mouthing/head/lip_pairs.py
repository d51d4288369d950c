"""Lips of any mesh, as columns that face one another: how far they are apart, and how to keep them from crossing.

Each column holds the vertices of the upper and of the lower lip that can touch there. Metres. Letters: L columns from the
right corner to the left, R vertices of one lip in a column (short columns repeat one).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import Array

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.intp]

COLUMNS = 17
MIDDLE = COLUMNS // 2
_TOUCH_M = 1e-6
"""Overlaps up to a micrometre are left."""
_SEEN_M = 5e-5
"""Lips nearer than this touch: neighbouring columns push a little more than each needs."""
_PASSES = 4
"""A vertex between two columns follows both, so that a push falls short where they differ."""
_PARTED = 0.03
"""Lips that rest farther apart than this share of the mouth's width are open at rest."""
_FULL, _NONE = 0.1, 0.35
"""Distance from the seam, by the mouth's width, up to which the skin follows a pushed lip wholly, and from which not at all."""


@dataclass(frozen=True, slots=True)
class LipPairs:
    """Columns over the lips, and the operator from pushes of columns to vertices."""

    upper: Indices  # [L, R]
    lower: Indices  # [L, R]
    rest: Array  # [L] gap at rest of lips that touch there, 0 where they are open at rest
    moved: Indices  # [M]
    spread: Array  # [M, 2L] share of each vertex in the push of each upper, then each lower, column

    def gaps(self, points: Floats) -> Floats:
        """How far the lips are apart by column, negative where they overlap. [T, V, 3] -> [T, L]"""
        return np.asarray(points[:, self.upper, 1].min(axis=-1) - points[:, self.lower, 1].max(axis=-1) - self.rest)

    def part(self, points: Array) -> None:
        """Move lips that overlap apart, each by half, in place. [T, V, 3]"""
        for _ in range(_PASSES):
            overlap = np.maximum(-self.gaps(points), 0.0)
            crossed = np.flatnonzero((overlap > _TOUCH_M).any(axis=1))
            if not len(crossed):
                break
            push = 0.5 * _widened(overlap[crossed])
            points[crossed[:, None], self.moved, 1] += np.concatenate([push, -push], axis=1) @ self.spread.T

    def opening(self, points: Floats) -> Array:
        """Gap at the midline, 0 in contact. [T, V, 3] after `part` -> [T]"""
        gap = self.gaps(points)[:, MIDDLE]
        return np.where(gap > _SEEN_M, gap, 0.0).astype(np.float32)

    def at_vertices(self, chosen: Indices) -> LipPairs:
        """The same columns on a mesh of the `chosen` vertices [N], which hold all of `vertices`."""
        order = np.argsort(chosen, kind="stable")
        upper, lower = (order[np.searchsorted(chosen, lip, sorter=order)] for lip in (self.upper, self.lower))
        rows = np.flatnonzero(np.isin(chosen, self.moved))
        of = np.searchsorted(self.moved, chosen[rows])
        return LipPairs(upper, lower, self.rest, rows, self.spread[of])

    @property
    def vertices(self) -> Indices:
        """Those that decide gaps and contact, sorted."""
        return np.unique(np.concatenate([self.upper.ravel(), self.lower.ravel()]))


def pair_lips(
    points: Floats, skin: Indices, jaw_share: Floats, upper: Indices, lower: Indices, corners: Indices
) -> LipPairs:  # fmt: skip
    """Columns between the corners.

    Args:
        points: [V, 3] at rest
        skin: vertices that may follow the lips
        jaw_share: [V] how far each vertex goes with the jaw, 1 like the lower lip
        upper, lower: vertices of each lip that can touch the other
        corners: [2] right, left
    """
    right, left = points[corners, 0]
    width = left - right
    # The corners themselves belong to both lips.
    at = right + width * (np.arange(COLUMNS) + 1) / (COLUMNS + 1)
    half = 0.5 * width / (COLUMNS + 1)
    above, below = _columns(points, upper, at, half), _columns(points, lower, at, half)
    gap = points[above, 1].min(axis=1) - points[below, 1].max(axis=1)
    rest = np.where(gap < _PARTED * width, gap, 0.0)
    seam = 0.5 * (points[above].mean(axis=1) + points[below].mean(axis=1))
    side = np.clip((jaw_share - 0.3) / 0.4, 0, 1)
    side[above.ravel()], side[below.ravel()] = 0, 1
    moved, spread = _spread(points, skin, side, seam, width)
    return LipPairs(above, below, rest.astype(np.float32), moved, spread.astype(np.float32))


def _columns(points: Floats, members: Indices, at: Floats, half: float) -> Indices:
    """Members by column, the nearest one where a column has none. -> [L, R]"""
    away = np.abs(points[members, 0] - at[:, None])
    chosen = [members[near] if (near := row <= half).any() else members[[row.argmin()]] for row in away]
    longest = max(map(len, chosen))
    return np.stack([np.resize(column, longest) for column in chosen])


def _spread(points: Floats, skin: Indices, side: Floats, seam: Floats, width: float) -> tuple[Indices, Floats]:
    """`side` [V] is 0 on the upper lip, 1 on the lower."""
    from scipy.spatial import KDTree

    distance = np.asarray(KDTree(seam).query(points[skin])[0]) / width
    moved, distance = skin[distance < _NONE], distance[distance < _NONE]
    falloff = np.interp(distance, (_FULL, _NONE), (1, 0))
    hat = np.clip(1 - np.abs(points[moved, :1] - seam[:, 0]) * (COLUMNS + 1) / width, 0, 1) * falloff[:, None]
    # At the corners lips turn into one another, and their pushes cancel.
    below = side[moved, None]
    return moved, np.concatenate([(1 - below) * hat, below * hat], axis=1)


def _widened(profile: Floats) -> Floats:
    """A smooth profile over columns that nowhere undercuts the given one. [T, L] -> [T, L]"""
    padded = np.pad(profile, ((0, 0), (2, 2)), mode="edge")
    smooth = sum(share * padded[:, k : k + profile.shape[1]] for k, share in enumerate((0.1, 0.2, 0.4, 0.2, 0.1)))
    return np.asarray(np.maximum(profile, smooth))
