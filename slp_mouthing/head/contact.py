"""Lips that touch and never cross, and stay in front of the teeth.

The mouth's loops pair the lips: each column of the upper lip faces one of the lower. A column's lowest upper point and highest
lower point tell how far the lips overlap there, and both columns move apart by that much, rigidly, the skin around them less
with distance. Millimetres, float32. Letters: L columns from the right corner to the left, R rows from the lips' inside outwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.teeth import LOWER, UPPER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.subdivision import Indices, Points
    from slp_mouthing.head.surface import Skin
    from slp_mouthing.head.teeth import Arch

    Floats = NDArray[np.float32]

_STEP = 0.25
_ROWS = np.arange(0, 3 + _STEP, _STEP)
_COLUMNS = np.arange(-5 + _STEP, 5, _STEP)
_MIDDLE = len(_COLUMNS) // 2
_REACH = 4
"""Columns on each side that one column's push depends on; as wide as `_smooth` looks."""
_TOUCH = np.float32(1e-3)
"""Overlaps and gaps up to a micrometre count as contact."""
_CLEARANCE = 0.5
"""Between the lips' lining and the teeth."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """Where a person's mouth and teeth lie against the default's."""

    shift: Floats  # [3]
    stretch: np.float32  # across


@dataclass(frozen=True, slots=True)
class LipGrid:
    """Skin vertices by the mouth's column and row."""

    upper: Indices  # [L, R]
    lower: Indices  # [L, R]
    corners: Indices  # [2, R] of the right and the left corner of the mouth


@dataclass(frozen=True, slots=True)
class LipContact:
    """Grids over the lips and the operator from pushes of columns to skin vertices."""

    upper: Indices  # [L, R] skin vertices
    lower: Indices  # [L, R]
    moved: Indices  # [M] skin vertices that contact moves
    spread: Floats  # [M, 2L] share of each vertex in the push of each upper, then each lower, column
    mouth: Mouth
    fade: Floats  # [L] falls to the corners, where teeth push nothing
    resting: Floats  # [2, L] overlap of lips and teeth at rest, which is not contact

    def apply(self, points: Floats, edge: Floats) -> None:
        """Part the lips and move them off the teeth, in place. [T, V, 3].

        `edge` [T, 2] is how far the lower incisors have moved in y and z.
        """
        lips = points[:, np.stack([self.upper, self.lower])]  # [T, 2, L, R, 3]
        off_teeth = np.maximum(_inside_teeth(lips, edge, self.mouth) - self.resting, 0)
        forward = _smooth(off_teeth) * self.fade
        apart = _apart(lips[..., 1])
        pushed_z = forward.reshape(len(points), -1) @ self.spread.T
        pushed_y = np.concatenate([apart, -apart], axis=1) @ self.spread.T
        points[:, self.moved, 1] += pushed_y
        points[:, self.moved, 2] += pushed_z

    def opening(self, points_y: Floats) -> Floats:
        """Gap between the lips at the midline after contact. [T, 2, 2 reach + 1, R] heights of `middle` -> [T] mm"""
        gap = _gap(points_y)[:, _REACH] + 2 * _apart(points_y)[:, _REACH]
        return np.asarray(np.where(gap > 2 * _TOUCH, gap, 0))

    def at_vertices(self, chosen: Indices) -> LipContact:
        """The same contact on a mesh of the `chosen` vertices [N], which hold all of `vertices`."""
        place = np.full(int(chosen.max()) + 1, -1)
        place[chosen] = np.arange(len(chosen))
        kept = np.isin(self.moved, chosen)
        return replace(
            self, upper=place[self.upper], lower=place[self.lower], moved=place[self.moved[kept]],
            spread=np.ascontiguousarray(self.spread[kept]),
        )  # fmt: skip

    @property
    def vertices(self) -> Indices:
        """Those that decide gaps and contact, sorted."""
        return np.unique(np.concatenate([self.upper.ravel(), self.lower.ravel()]))

    @property
    def middle(self) -> Indices:
        """Skin vertices that decide the gap at the midline. -> [2, 2 reach + 1, R]"""
        near = slice(_MIDDLE - _REACH, _MIDDLE + _REACH + 1)
        return np.stack([self.upper[near], self.lower[near]])


def build_contact(skin: Skin, lips: LipGrid, rest: Points, mouth: Mouth) -> LipContact:
    """Contact for the skin whose vertices rest at `rest` [S, 3]."""
    moved, spread = _spread(skin)
    points = rest[np.stack([lips.upper, lips.lower])][None].astype(np.float32)
    resting = _inside_teeth(points, np.zeros((1, 2), np.float32), mouth)[0]
    fade = np.clip(5 - np.abs(_COLUMNS), 0, 1).astype(np.float32)
    return LipContact(lips.upper, lips.lower, moved, spread, mouth, fade, resting)


def closed_at_rest(skin: Skin, lips: LipGrid) -> Points:
    """The skin's points with each pair of lip columns just touching. [S, 3]"""
    heights = skin.points[np.stack([lips.upper, lips.lower]), 1].astype(np.float32)
    gap = _gap(heights[None])[0]
    moved, spread = _spread(skin)
    points = skin.points.copy()
    points[moved, 1] += spread.astype(float) @ np.r_[-gap / 2, gap / 2]
    return points


def find_lip_grid(skin: Skin) -> LipGrid:
    away, sides = np.abs(_COLUMNS), np.sign(_COLUMNS)
    corners = _grid(skin, np.array([5.0, 5.0]), np.array([-1, 1]))
    return LipGrid(_grid(skin, away, sides), _grid(skin, 10 - away, sides), corners)


def _grid(skin: Skin, columns: Points, sides: Points) -> Indices:
    """Skin vertices by the mouth's column and row. [L], [L] -> [L, R]"""
    keys = {}
    for v in np.flatnonzero((skin.ring >= 0) & (skin.ring <= 3)):
        keys[round(4 * skin.ring[v]), round(4 * skin.column[v]), int(skin.side[v])] = v
    return np.array(
        [[keys[round(4 * r), round(4 * c), int(side)] for r in _ROWS] for c, side in zip(columns, sides, strict=True)]
    )


def _spread(skin: Skin) -> tuple[Indices, Floats]:
    moved = np.flatnonzero((skin.ring > -2.2) & (skin.ring < 6))
    ring, column = skin.ring[moved], skin.column[moved]
    along = skin.side[moved] * np.minimum(column, 10 - column)
    hat = np.clip(1 - np.abs(along[:, None] - _COLUMNS) / _STEP, 0, 1)
    falloff = np.interp(ring, (-2.2, -1, 3, 4, 5, 6), (0, 1, 1, 0.6, 0.25, 0))[:, None]
    halves = [(column < 5)[:, None] * hat * falloff, (column > 5)[:, None] * hat * falloff]
    return moved, np.concatenate(halves, axis=1).astype(np.float32)


def _gap(heights: Floats) -> Floats:
    """Lowest upper minus highest lower point of each column. [T, 2, L, R] -> [T, L]"""
    return np.asarray(heights[:, 0].min(-1) - heights[:, 1].max(-1))


def _apart(heights: Floats) -> Floats:
    """How far each lip must move so that no column overlaps. [T, 2, L, R] -> [T, L]"""
    overlap = -_gap(heights)
    overlap = np.where(overlap > _TOUCH, overlap, 0)
    return np.asarray(0.5 * np.maximum(_smooth(overlap), overlap))


def _smooth(profile: Floats) -> Floats:
    """A smooth profile over columns that hardly undercuts the given one. [..., L] -> [..., L]"""
    wide = profile
    for _ in range(2):
        wide = np.maximum(wide, 0.6 * _blur(wide, 1 / 3, 1 / 3))
    return _blur(_blur(np.maximum(wide, profile), 0.5, 0.25), 0.5, 0.25)


def _blur(profile: Floats, middle: float, side: float) -> Floats:
    out = profile * np.float32(middle)
    out[..., 1:] += np.float32(side) * profile[..., :-1]
    out[..., :-1] += np.float32(side) * profile[..., 1:]
    return out


def _inside_teeth(lips: Floats, edge: Floats, mouth: Mouth) -> Floats:
    """How deep each lip column lies behind the face of the teeth. [T, 2, L, R, 3], [T, 2] -> [T, 2, L] mm"""
    x, y, z = np.moveaxis(lips - mouth.shift, -1, 0)
    away = np.abs(x) / mouth.stretch
    shift_y, shift_z = (edge[:, k, None, None, None] for k in (0, 1))
    over_upper = _ramp(y - np.float32(UPPER.edge), -0.8, 1.0)
    over_lower = 1 - _ramp(y - np.float32(LOWER.edge) - shift_y, -0.8, 0.6)
    depth = np.maximum(over_upper * _behind(UPPER, away, z), over_lower * _behind(LOWER, away, z - shift_z))
    return np.asarray((depth * (away < 27)).max(-1))


def _behind(arch: Arch, away: Floats, z: Floats) -> Floats:
    return np.asarray(np.clip(arch.depth(away.astype(float)).astype(np.float32) + np.float32(_CLEARANCE) - z, 0, 7))


def _ramp(x: Floats, low: float, high: float) -> Floats:
    t = np.clip((x - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
