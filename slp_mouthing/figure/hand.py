"""The left hand, flat as at SMPL-X's zero pose. Millimetres from the wrist: x along the fingers, y to the back of the hand, z to
the thumb. Lengths lie between the female and male means of adults.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.field import carved, cone, ellipsoid, joined
from slp_mouthing.figure.isosurface import surface

if TYPE_CHECKING:
    from slp_mouthing.figure.field import Point, Points
    from slp_mouthing.figure.mesh import Indices

CELL = 3.7
"""Distance between neighbouring vertices."""
STUB = 62.0
"""How far the hand's mesh reaches into the sleeve."""


@dataclass(frozen=True, slots=True)
class Digit:
    """A finger or the thumb."""

    name: str
    places: tuple[Point, Point, Point]
    """Of its three joints."""
    tip: Point
    radii: tuple[float, float, float, float]
    """At the joints and the tip."""

    @property
    def bones(self) -> list[tuple[Points, Points]]:
        """Start and end of the three phalanges; the last one ends a radius before the tip."""
        last = np.asarray(self.tip, float) - self.places[2]
        inside = self.tip - last * self.radii[3] / np.linalg.norm(last)
        points = [np.asarray(p, float) for p in (*self.places, inside)]
        return list(pairwise(points))


def _finger(name: str, base: Point, lengths: Point, spread_deg: float, radii: tuple[float, float, float, float]) -> Digit:
    along = np.array([np.cos(np.radians(spread_deg)), -0.012, np.sin(np.radians(spread_deg))])
    ends = np.asarray(base, float) + np.outer(np.cumsum([0.0, *lengths]), along)
    return Digit(name, (ends[0], ends[1], ends[2]), ends[3], radii)


DIGITS: tuple[Digit, ...] = (
    _finger("index", (89, 1.5, 22), (41, 24.5, 22), 5.0, (10.2, 9.4, 8.2, 6.9)),
    _finger("middle", (92, 2.5, 0.5), (45, 28, 23), 0.0, (10.4, 9.6, 8.4, 7.1)),
    _finger("pinky", (77, -3, -38.5), (33, 19, 19.5), -11.0, (9.0, 8.2, 7.2, 6.2)),
    _finger("ring", (86.5, 0.5, -20), (42, 26.5, 22.5), -5.0, (10.0, 9.1, 8.0, 6.8)),
    Digit("thumb", ((21, -12, 22), (50, -17, 50), (71, -19.5, 72)), (90.5, -21, 90.5), (14.0, 11.2, 10.6, 8.4)),
)
"""In SMPL-X's order."""
FINGERS = tuple(digit for digit in DIGITS if digit.name != "thumb")
_BETWEEN = (("index", "middle"), ("middle", "ring"), ("ring", "pinky"))
_CARPALS = {"index": (10, 0, 8.5), "middle": (7, 1, 2.5), "ring": (7, 0.5, -4), "pinky": (9, -1.5, -10.5)}


def hand_field(points: Points) -> Points:
    palm = _palm(points)
    fingers = [joined(palm, digit_field(points, digit), 7.0) for digit in FINGERS]
    thumb = digit_field(points, DIGITS[-1])
    # Fingers do not melt into one another: the nearest counts.
    return joined(np.minimum.reduce(fingers), thumb, 12.0)


def digit_field(points: Points, digit: Digit) -> Points:
    bones = digit.bones
    rods = [cone(points, a, b, digit.radii[k], digit.radii[k + 1]) for k, (a, b) in enumerate(bones)]
    field = rods[0]
    for rod in rods[1:]:
        field = joined(field, rod, 2.0)
    # The pad of the fingertip is fuller than its back.
    a, b = bones[2]
    pad = a + 0.62 * (b - a) - (0, 0.16 * digit.radii[3], 0)
    return joined(
        field, ellipsoid(points, pad, (0.5 * float(np.linalg.norm(b - a)) + 3, 0.92 * digit.radii[3], digit.radii[3])), 3.0
    )


def _palm(points: Points) -> Points:
    # Flat bones in flat flesh: the field is that of a space in which the back lies nearer.
    flat = points * (1, 1.12, 1)
    by_name = {digit.name: digit for digit in DIGITS}
    field = ellipsoid(points, (40, -11.5, 23), (31, 13, 15))
    field = joined(field, ellipsoid(points, (34, -9.5, -21), (34, 12.5, 13)), 12.0)
    for name, carpal in _CARPALS.items():
        digit = by_name[name]
        field = joined(field, cone(flat, carpal, digit.places[0], 12.5, digit.radii[0] + 0.8), 11.0)
    for a, b in _BETWEEN:
        web = [np.asarray(by_name[n].places[0], float) + 13 * _along(by_name[n]) - (0, 2.5, 0) for n in (a, b)]
        field = joined(field, cone(points, web[0], web[1], 6.3, 5.8), 6.0)
    for digit in FINGERS:
        field = joined(field, ellipsoid(points, np.add(digit.places[0], (-3, 4.6, 0)), (9.5, 7.2, 7.2)), 5.0)
    field = joined(field, cone(points, (34, -8, 24), (76, -6, 29), 10.0, 5.0), 16.0)
    field = joined(field, _wrist(points), 26.0)
    return carved(field, ellipsoid(points, (60, -26, -4), (32, 11, 20)), 14.0)


def _wrist(points: Points) -> Points:
    flat = points * (1, 1.36, 1)
    return cone(flat, (-STUB - 40, 0, -1), (0, -1, -1), 27.5, 24.0)


def _along(digit: Digit) -> Points:
    bone = np.subtract(digit.places[1], digit.places[0])
    return np.asarray(bone / np.linalg.norm(bone))


@cache
def hand_surface() -> tuple[Points, Indices]:
    """Vertices and quads, open where the sleeve hides them."""
    return surface(hand_field, (-STUB - 6, -44, -66), (202, 34, 112), CELL)
