"""Ears: a relief over a polar grid, by anatomical sector. Millimetres."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.part import Part, make_part, outward, tube

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slp_mouthing.head.appearance import Albedo
    from slp_mouthing.head.subdivision import Points

_AROUND = 28
_DEGREES = np.arange(_AROUND) * 360 / _AROUND
"""0 back, 90 top, 180 front, 270 lobe."""


def build_ear(color: Albedo) -> Part:
    """The left ear."""
    radius = _sector((0, 40, 80, 110, 140, 180, 215, 250, 275, 300, 330), (18, 23, 31, 31.5, 25, 12.5, 15, 24.5, 27.5, 25.5, 20))
    fractions, heights = _relief()
    angle = np.radians(_DEGREES)
    flat = fractions[:, None] * radius
    rows = np.stack([heights, flat * np.sin(angle), -flat * np.cos(angle)], -1)
    points, triangles = tube(rows[1:], start=rows[0].mean(0))
    placed = _place(points)
    hollow = np.clip((points[:, 0] + 5.5) / 8, 0, 1)[:, None]
    colors = color * (0.62 + 0.38 * hollow) * (1.02, 0.95, 0.93)
    return replace(make_part(placed, outward(placed, triangles), "skin", colors), name="ear_left")


def _sector(degrees: Sequence[float], values: Sequence[float]) -> Points:
    return np.interp(_DEGREES, degrees, values, period=360)


def _near(degrees: float, width: float) -> Points:
    away = (_DEGREES - degrees + 180) % 360 - 180
    return np.asarray(np.exp(-((away / width) ** 2)))


def _relief() -> tuple[Points, Points]:
    """Radius of each ring as a fraction of the outline, and its heights by angle. -> [R], [R, M]"""
    helix = _sector((0, 60, 110, 150, 175, 200, 240, 290, 330), (1, 1, 1, 0.8, 0.15, 0, 0.0, 0.15, 0.7))
    antihelix = _sector((0, 60, 100, 140, 180, 230, 280, 320), (1, 1, 0.75, 0.25, 0, 0.0, 0.75, 1))
    tragus, lobe, antitragus, crus = _near(190, 24), _near(272, 34), _near(290, 26), _near(163, 15)
    rings = [
        (0.0, -5.5 + 0 * lobe),
        (0.2, -5.0 + 3.4 * crus),
        (0.36, -3.8 + 4.5 * crus + 2.8 * antitragus),
        (0.48, -1.0 + 2.4 * antitragus + 1.2 * tragus + 4.4 * crus),
        (0.6, 4.2 * antihelix + 2.0 * antitragus + 3.5 * tragus + 3 * crus + 0.6 * lobe),
        (0.72, 3.6 * antihelix + 7.0 * tragus + 3.0 * lobe + 2.3 * crus),
        (0.84, 1.9 * helix + 5.0 * tragus + 3.8 * lobe + 1.0 * crus),
        (0.94, 6.6 * helix + 0.5 * tragus + 3.8 * lobe),
        (1.0, 5.4 * helix + 2.2 * lobe - 2 * tragus),
        (0.98, 2.8 * helix + 0.2 * lobe - 3 * tragus),
        (0.88, -2.0 - 4 * tragus - 0 * lobe),
        (0.6, -13.0 + 0 * lobe),
    ]
    return np.array([fraction for fraction, _ in rings]), np.stack([height for _, height in rings])


def _place(points: Points) -> Points:
    """Turned so that its back edge flares, leaning back, at the side of the head."""
    flare, lean, tilt = np.radians((17, 9, 6))
    x, y, z = points.T
    x, z = x * np.cos(flare) - z * np.sin(flare), x * np.sin(flare) + z * np.cos(flare)
    y, z = y * np.cos(lean) + z * np.sin(lean), z * np.cos(lean) - y * np.sin(lean)
    return np.stack([x + y * np.sin(tilt) + 74.0, y - 10, z - 6], axis=1)
