"""A plain crew-neck pullover over trunk and arms, in the pose in which the half body is made. Millimetres.

It is a closed solid: neck and hands stand in it, and wherever they turn, no gap opens.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.field import cone, joined, rounded
from slp_mouthing.figure.isosurface import surface
from slp_mouthing.figure.made_in import arm_points

if TYPE_CHECKING:
    from slp_mouthing.figure.field import Points
    from slp_mouthing.figure.mesh import Indices

CELL = 13.5
"""Distance between neighbouring vertices."""
BOTTOM = -720.0

_TRUNK = np.array([
    # y, half width, half depth, z of the middle
    (-760, 163, 114, -20), (-680, 164, 114, -18), (-600, 156, 107, -16), (-530, 151, 102, -14), (-460, 154, 105, -13),
    (-400, 159, 110, -11), (-350, 161, 114, -10), (-305, 156, 113, -12), (-265, 140, 103, -17), (-235, 110, 86, -23),
    (-208, 74, 67, -27), (-190, 60, 58, -24), (-172, 52, 51, -22),
], float)  # fmt: skip
_HEIGHTS = np.arange(_TRUNK[0, 0], _TRUNK[-1, 0] + 1, 4.0)
_SQUARENESS = 2.4
"""Exponent of the trunk's sections: 2 an ellipse, more is fuller at the corners."""
SLEEVE_END = 44.0
"""Before the wrist; from there a cuff goes on."""


def trunk_field(points: Points) -> Points:
    """Trunk and shoulders, symmetric."""
    x = np.abs(points[:, :1])
    half = np.concatenate([x, points[:, 1:]], axis=1)
    return joined(_loft(half), cone(half, (30, -198, -36), (150, -252, -34), 34, 46), 44.0)


def sleeve_field(points: Points) -> Points:
    """The left arm's sleeve."""
    shoulder, elbow, wrist = arm_points()
    forearm = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    narrow, end = wrist - 86 * forearm, wrist - SLEEVE_END * forearm
    rods = [
        cone(points, shoulder, elbow, 50, 43), cone(points, elbow, narrow, 43, 37.5), cone(points, narrow, end, 37.5, 36.5),
    ]  # fmt: skip
    sleeve = joined(joined(rods[0], rods[1], 8.0), rods[2], 3.0)
    return rounded(sleeve, (points - end) @ forearm, 6.0)


def _loft(points: Points) -> Points:
    x, y, z = points.T
    half_width, half_depth, middle = (np.interp(y, _HEIGHTS, column) for column in _sections())
    across, deep = np.abs(x) / half_width, np.abs(z - middle) / half_depth
    radius = (across**_SQUARENESS + deep**_SQUARENESS) ** (1 / _SQUARENESS)
    section = (radius - 1) * np.minimum(half_width, half_depth)
    return rounded(rounded(section, y - _TRUNK[-1, 0], 6.0), BOTTOM - y, 10.0)


@cache
def _sections() -> Points:
    """Half widths, half depths and middles of the trunk at `_HEIGHTS`."""
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(_TRUNK[:, 0], _TRUNK[:, 1:])(_HEIGHTS).T)


@cache
def pullover_surface() -> tuple[Points, Indices]:
    """Vertices and quads of trunk and sleeves, closed and symmetric."""

    def field(points: Points) -> Points:
        half = np.concatenate([np.abs(points[:, :1]), points[:, 1:]], axis=1)
        return joined(trunk_field(half), sleeve_field(half), 40.0)

    reach = arm_points()[2] + 50
    return surface(field, (-reach[0], BOTTOM - 30, -200), (reach[0], -140, max(150.0, reach[2])), CELL)
