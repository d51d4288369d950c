"""Eyeballs: sclera, iris and pupil on a globe with a corneal bulge. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.cage import EYE_CENTER, EYE_RADIUS
from slp_mouthing.head.part import Part, outward, tube

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.appearance import Palette
    from slp_mouthing.head.subdivision import Points

_SCLERA, _VEINS = np.array([0.72, 0.69, 0.66]), np.array([0.60, 0.40, 0.36])
_PUPIL = np.array([0.008, 0.007, 0.007])
_PUPIL_ANGLE, _IRIS_ANGLE = 0.175, 0.465
"""Half-angles of pupil and iris as seen from the eye's centre, rad: 2.3 and 5.8 mm."""
_ANGLES = np.array([0.09, 0.165, 0.185, 0.27, 0.36, 0.43, 0.475, 0.51, 0.60, 0.75, 0.92, 1.12, 1.35, 1.7])
_AROUND = 24
_NASAL, _TEMPLE = 0.11, 0.07
"""How much farther than a sphere the white reaches to the nose and to the temple."""


def build_eye(palette: Palette) -> Part:
    """The left eyeball, looking along +z."""
    around = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    angle, turn = np.meshgrid(_ANGLES, around, indexing="ij")
    radius = EYE_RADIUS + 0.9 * np.exp(-((angle / 0.42) ** 4))
    rings = np.stack([radius * np.sin(angle) * np.cos(turn), radius * np.sin(angle) * np.sin(turn), radius * np.cos(angle)], -1)
    points, triangles = tube(rings, np.array([0, 0, EYE_RADIUS + 0.9]), np.array([0, 0, -EYE_RADIUS * 0.4]))
    center = np.r_[angle.ravel(), 0.0, 2.0][triangles].max(1)
    regions = np.select([center < _PUPIL_ANGLE, center < _IRIS_ANGLE + 0.02], ["pupil", "iris"], "sclera")
    return Part(points + EYE_CENTER, outward(points, triangles), regions, _colors(points, palette), np.zeros(len(points)), eye=0)


def fill_socket(points: NDArray[np.float32], outwards: float, widening: float) -> NDArray[np.float32]:
    """Points about the eye's centre [..., 3], drawn a little wider than a sphere, so that the white reaches both canthi.

    `outwards` is 1 for the left eye, -1 for the right; `widening` is how much wider than the default's the lids open, relative.
    """
    out = points.copy()
    x = points[..., 0]
    more = np.where(x * np.float32(outwards) > 0, np.float32(_TEMPLE + widening), np.float32(_NASAL + widening))
    out[..., 0] *= 1 + more * np.clip((np.abs(x) - np.float32(6.5)) / np.float32(6), 0, 1)
    return out


def _colors(points: Points, palette: Palette) -> Points:
    away = np.arctan2(np.hypot(points[:, 0], points[:, 1]), points[:, 2])
    turn = np.arctan2(points[:, 1], points[:, 0])
    fibers = 1 + 0.22 * np.sin(7 * turn + 1.3 * np.sin(3 * turn)) * np.sin(11 * turn)
    t = np.clip((away - _PUPIL_ANGLE) / (_IRIS_ANGLE - _PUPIL_ANGLE), 0, 1)[:, None]
    iris = (palette.iris * (1 - t**2.5) + palette.limbus * t**2.5) * fibers[:, None]
    veins = np.clip((away - 0.55) / 0.6, 0, 1)[:, None] * 0.5
    color = np.where((away < _IRIS_ANGLE + 0.02)[:, None], iris, _SCLERA * (1 - veins) + _VEINS * veins)
    return np.where((away < _PUPIL_ANGLE)[:, None], _PUPIL, color)
