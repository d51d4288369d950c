"""The space of a face bent to a person's sizes: smooth displacements, one for each size, that skin, teeth and hair share.

Every part of the head bends with the same field, so that what touches, seals or clears at the default sizes still does. About
the mouth the field is a plain shift and a stretch across: lips and teeth keep their play. Millimetres, in the cage's frame.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.anthropometry import BUILTIN, SIZES, measured
from slp_mouthing.head.cage import EYE_CENTER
from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slp_mouthing.head.anthropometry import Anthropometry
    from slp_mouthing.head.subdivision import Points

_NEWTON_STEPS = 6
_PROBE_MM = 0.25
_MOUTH_POINT = np.array([[10.0, -67.0, 90.0]])
_LIP_BY_RING = (0, 0, 0, 0, 0, 0, 0.55, 1, 0.55, 0.18, 0)
"""How far the rings of a lip, -4 to 6, move when its red grows by 1."""
_LIP_OUT = (0, 0, 0, 0, 0, 0, 0.40, 0.28, 0.1, 0, 0)
_LIP_BY_COLUMN = (1, 1, 0.95, 0.82, 0.48, 0)

EVENED = {"mouthRollUpper": (0.9, 0.0), "mouthRollLower": (0.0, 0.9), "mouthPucker": (0.4, 0.4), "mouthFunnel": (0.3, 0.3)}
"""Shapes that even out full and thin lips, and by which share of the upper and the lower lip's growth."""


@dataclass(frozen=True, slots=True)
class Warp:
    """Amounts of the fields, in the order of `SIZES`; all 0 for the default head."""

    amounts: Points  # [sizes]

    @staticmethod
    def of(sizes: Anthropometry, landmarks: Mapping[str, Points]) -> Warp:
        """The warp that gives a head whose measured points are `landmarks` [3] mm other sizes."""
        wanted = np.subtract(astuple(sizes), astuple(BUILTIN))
        if not wanted.any():
            return Warp(np.zeros(len(SIZES)))
        names, rest = list(landmarks), np.stack([*landmarks.values()])
        moves = np.stack([_landmark_moves(size, names, rest) for size in SIZES])
        goal = wanted + _sizes(names, rest)
        amounts = np.zeros(len(SIZES))
        for _ in range(_NEWTON_STEPS):
            now = _sizes(names, rest + np.tensordot(amounts, moves, 1))
            slope = np.stack(
                [_sizes(names, rest + np.tensordot(amounts + step, moves, 1)) - now for step in np.eye(len(SIZES))], 1
            )
            amounts = amounts + np.linalg.solve(slope, goal - now)
        return Warp(amounts)

    def __call__(self, points: Points) -> Points:
        """Where the points [N, 3] come to lie."""
        return np.asarray(points + self._displacement(points))

    def jacobian(self, points: Points) -> Points:
        """How the space is stretched at points [N, 3]. -> [N, 3, 3]"""
        sides = [self._displacement(points + h) - self._displacement(points - h) for h in _PROBE_MM * np.eye(3)]
        return np.asarray(np.eye(3) + np.stack(sides, axis=2) / (2 * _PROBE_MM))

    def lips(self, ring: Points, column: Points) -> tuple[Points, Points]:
        """How the red of the upper and the lower lip grows, from the mouth's coordinates of the skin. [S], [S] -> [S, 3] each"""
        upper, lower = (self.amounts[SIZES.index(f"{lip}_vermilion_mm")] for lip in ("upper", "lower"))
        return upper * _lip(ring, column, up=1), lower * _lip(ring, column, up=-1)

    @property
    def eye_widening(self) -> float:
        """How much wider the opening of the lids is, relative to the globe's radius."""
        return float(self.amounts[SIZES.index("biocular_mm")] / 13)

    @property
    def mouth_shift(self) -> Points:
        """The shift of mouth and teeth. -> [3] mm"""
        return np.asarray(self._displacement(_MOUTH_POINT * (0, 1, 1))[0])

    @property
    def mouth_stretch(self) -> float:
        """How much wider mouth and teeth are than the default's."""
        return float(1 + self._displacement(_MOUTH_POINT)[0, 0] / _MOUTH_POINT[0, 0])

    def _displacement(self, points: Points) -> Points:
        place = Place(points)
        total = np.zeros_like(points)
        for size, amount in zip(SIZES, self.amounts, strict=True):
            if amount and size in FIELDS:
                total += amount * FIELDS[size](place)
        return total


class Place:
    """Points [N, 3] with their distance from the midline."""

    def __init__(self, points: Points) -> None:
        x, self.y, self.z = points.T
        self.across, self.side = np.abs(x), np.sign(x)

    def push(self, amount: Points, *, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Points:
        """`amount` [N] along a direction whose x points away from the midline. -> [N, 3]"""
        return np.asarray(amount[:, None] * np.stack([x * self.side, np.full_like(amount, y), np.full_like(amount, z)], 1))


def hill(center: float, flat: float, foot: float, x: Points) -> Points:
    """1 within `flat` of the centre, 0 beyond `foot`."""
    return smoothstep(foot, flat, np.abs(x - center))


def _below(p: Place, top: float, bottom: float, back: float) -> Points:
    """1 in the face below a height, fading into the neck and to the back of the head."""
    return smoothstep(top, bottom, p.y) * smoothstep(back, 60, p.z) * smoothstep(-168, -112, p.y)


def _about_mouth(p: Place) -> Points:
    return smoothstep(-47, -56.5, p.y) * smoothstep(-100, -81, p.y) * smoothstep(15, 50, p.z)


def _about_eye(p: Place) -> Points:
    return hill(0, 23, 46, p.y) * smoothstep(10, 48, p.z) * smoothstep(3, 14, p.across) * smoothstep(72, 50, p.across)


def _eye_tilt(p: Place) -> Points:
    away = np.hypot(p.across - EYE_CENTER[0], p.y)
    amount = np.radians(1) * smoothstep(32, 17, away) * smoothstep(30, 55, p.z)
    return p.push(-amount * p.y, x=1) + p.push(amount * (p.across - EYE_CENTER[0]), y=1)


def _neck(p: Place) -> Points:
    radius = np.hypot(p.across, p.z + 15)
    under_chin = smoothstep(22, 46, p.z) * smoothstep(-140, -116, p.y)
    amount = 0.5 * smoothstep(-72, -122, p.y) * (1 - under_chin) * np.minimum(1 / 45, 1 / np.maximum(radius, 1))
    amount = amount * smoothstep(170, 75, radius)
    return p.push(amount * p.across, x=1) + p.push(amount * (p.z + 15), z=1)


def _ear(p: Place) -> Points:
    amount = smoothstep(67, 74, p.across) * smoothstep(90, 50, np.hypot(p.y + 10, p.z + 6)) / 62
    return p.push(amount * (p.y + 10), y=1) + p.push(0.7 * amount * (p.z + 6), z=1)


FIELDS: dict[str, Callable[[Place], Points]] = {
    "face_height_mm": lambda p: p.push(_below(p, -84, -105, 18), y=-1),
    "face_width_mm": lambda p: p.push(
        0.5 * smoothstep(28, 64, p.across) * hill(-20, 14, 64, p.y) * smoothstep(-70, -5, p.z), x=1
    ),
    "head_width_mm": lambda p: p.push(0.5 * smoothstep(24, 66, p.across) * smoothstep(0, 42, p.y), x=1),
    "cranial_height_mm": lambda p: p.push(smoothstep(27, 84, p.y), y=1),
    "gonial_width_mm": lambda p: p.push(
        0.5 * smoothstep(28, 52, p.across) * hill(-77, 13, 50, p.y) * smoothstep(100, 74, p.z) * smoothstep(-60, -5, p.z), x=1
    ),
    "cheek_width_mm": lambda p: p.push(
        0.5 * smoothstep(26, 48, p.across) * hill(-53, 9, 34, p.y) * hill(66, 10, 42, p.z), x=1, z=0.4
    ),
    "intercanthal_mm": lambda p: p.push(0.5 * _about_eye(p), x=1),
    "biocular_mm": lambda p: p.push(np.clip((p.across - EYE_CENTER[0]) / 14.3, -1.1, 1.1) * _about_eye(p) / 2, x=1),
    "canthal_tilt_deg": _eye_tilt,
    "brow_height_mm": lambda p: p.push(hill(33, 17, 36, p.across) * hill(21, 5, 18, p.y) * smoothstep(50, 66, p.z), y=1),
    "brow_ridge_mm": lambda p: p.push(hill(20, 4, 12, p.y) * smoothstep(62, 40, p.across) * smoothstep(58, 80, p.z), z=1),
    "nose_height_mm": lambda p: p.push(_below(p, -12, -44.5, -20), y=-1),
    "nose_width_mm": lambda p: p.push(
        0.5 * smoothstep(3, 15.5, p.across) * smoothstep(42, 19, p.across) * hill(-38, 8, 18, p.y) * smoothstep(76, 92, p.z), x=1
    ),
    "nose_protrusion_mm": lambda p: p.push(
        smoothstep(88, 113, p.z) * smoothstep(27, 14, p.across) * smoothstep(-56, -44, p.y) * smoothstep(6, -22, p.y), z=1
    ),
    "philtrum_mm": lambda p: p.push(_below(p, -46, -56.5, -20), y=-1),
    "mouth_width_mm": lambda p: p.push(np.minimum(p.across, 34) / 52 * _about_mouth(p) * smoothstep(64, 34, p.across), x=1),
    "lip_protrusion_mm": lambda p: p.push(_about_mouth(p) * smoothstep(64, 34, p.across), z=1),
    "chin_protrusion_mm": lambda p: p.push(
        smoothstep(-81, -101, p.y) * smoothstep(50, 18, p.across) * smoothstep(40, 82, p.z), z=1
    ),
    "ear_length_mm": _ear,
    "neck_width_mm": _neck,
}
"""Displacement by one unit of each size, before others' part in it is taken out; the lips' red is in `Warp.lips`."""


def _lip(ring: Points, column: Points, *, up: int) -> Points:  # [S, 3]
    from_middle = column if up > 0 else 10 - column
    share = np.where(column >= 0, np.interp(from_middle, range(6), _LIP_BY_COLUMN), 0)
    rings = np.arange(-4, 7)
    rise, out = (np.where(ring <= 6, np.interp(ring, rings, table), 0) * share for table in (_LIP_BY_RING, _LIP_OUT))
    return np.stack([np.zeros_like(rise), up * rise, out], 1)


def _landmark_moves(size: str, names: list[str], points: Points) -> Points:
    """How landmarks [L, 3] move with one unit of a field. -> [L, 3]"""
    if size in FIELDS:
        return np.asarray(FIELDS[size](Place(points)))
    edge, up = ("labiale_superius", 1) if size.startswith("upper") else ("labiale_inferius", -1)
    column = 0.0 if up > 0 else 10.0
    return np.outer([name == edge for name in names], _lip(np.array([3.0]), np.array([column]), up=up)[0])


def _sizes(names: list[str], points: Points) -> Points:  # [L, 3] -> [sizes]
    return np.array(astuple(measured(dict(zip(names, points, strict=True)))))
