"""Collar and cuffs: bands round the neck and the wrists, too fine for the pullover's own mesh. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.made_in import arm_points, made_in
from slp_mouthing.figure.pullover import SLEEVE_END
from slp_mouthing.figure.skeleton import SKELETON

if TYPE_CHECKING:
    from slp_mouthing.figure.field import Points
    from slp_mouthing.figure.mesh import Indices

AROUND = 44
_COLLAR_HEIGHTS = (-158.0, -172.0, -151.0)
"""Middle of the collar at the sides, in front and behind."""
_COLLAR = ((-20, 14.0), (-12, 13.4), (-4, 9.0), (3, 6.4), (8, 4.8), (10, 3.2), (9, 1.4), (3, 0.2), (-8, -0.6))
"""The collar's section, from its foot outside over its rim to within: upwards, and away from the neck."""
_CUFF = ((-10, -3), (-7, 1.6), (-3, 3.0), (4, 3.4), (18, 2.8), (29, 2.2), (33, 0.8), (33, -1.4), (27, -6), (16, -13))
"""The same of a cuff, towards the hand from the sleeve's end, and away from `_CUFF_RADIUS`."""
_CUFF_RADIUS, _WRIST_RADIUS = 31.5, 25.0
"""Across the hand, and through it at the cuff's rim."""


@dataclass(frozen=True, slots=True)
class NeckSize:
    """A neck's section at the collar."""

    half_width_mm: float = 48.0
    half_depth_mm: float = 46.5
    center_z_mm: float = -17.5


def collar(neck: NeckSize) -> tuple[Points, Indices]:
    """Vertices and quads."""
    turn = _turns()
    side, ahead = np.sin(turn), np.cos(turn)
    at_side, in_front, behind = _COLLAR_HEIGHTS
    height = at_side * side**2 + np.where(ahead > 0, in_front, behind) * ahead**2
    rows = [
        np.stack([(neck.half_width_mm + out) * side, height + up, neck.center_z_mm + (neck.half_depth_mm + out) * ahead], axis=1)
        for up, out in _COLLAR
    ]
    return _rolled(rows)


def cuff() -> tuple[Points, Indices]:
    """Vertices and quads of the left one."""
    _, elbow, wrist = arm_points()
    forearm = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    back = made_in()[SKELETON.index("left_wrist"), :, 1].astype(float)
    back -= (back @ forearm) * forearm
    back /= np.linalg.norm(back)
    turn, start = _turns(), wrist - SLEEVE_END * forearm
    thick, wide = np.outer(np.cos(turn), back), np.outer(np.sin(turn), np.cross(forearm, back))
    rows = []
    for along, out in _CUFF:
        # Round where it leaves the sleeve, as flat as the wrist at its rim.
        flat = _CUFF_RADIUS + (_WRIST_RADIUS - _CUFF_RADIUS) * np.clip((along + 4) / 30, 0, 1)
        rows.append(start + along * forearm + (flat + out) * thick + (_CUFF_RADIUS + out) * wide)
    return _rolled(rows)


def _turns() -> Points:
    return np.linspace(0, 2 * np.pi, AROUND, endpoint=False)


def _rolled(rows: list[Points]) -> tuple[Points, Indices]:
    """Quads over closed rows, seen from outside where columns run counter-clockwise about the direction of the rows."""
    index = np.arange(len(rows) * AROUND).reshape(len(rows), AROUND)
    after = np.roll(index, -1, axis=1)
    quads = np.stack([index[:-1], after[:-1], after[1:], index[1:]], axis=-1)
    return np.concatenate(rows), quads.reshape(-1, 4)
