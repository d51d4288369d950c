"""The tongue and its shapes. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.part import Part, outward, tube
from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from slp_mouthing.head.subdivision import Points

_COLOR = np.array([0.44, 0.135, 0.138])
_ALONG = (0.0, 0.25, 0.5, 0.75, 1.0)
_SPINE_Y = (-91.0, -78.5, -73.5, -73.0, -74.6)
_SPINE_Z = (38.0, 46.0, 58.0, 73.0, 85.5)
_RINGS, _AROUND = 22, 20


def build_tongue() -> Part:
    """A flattened tube with a median groove, from its root to its tip, and an offset for every tongue control."""
    along = np.linspace(0, 1, _RINGS + 1)
    rings = _rings(along)
    end = rings[-1].mean(0)
    points, triangles = tube(rings[:-1], rings[0].mean(0), end)
    t = np.r_[np.repeat(along[:-1], _AROUND), 0.0, 1.0]
    colors = _COLOR * np.clip(1 - (86 - points[:, 2]) / 60, 0.3, 1)[:, None]
    jaw = 0.92 * np.ones(len(points))
    return Part(points, outward(points, triangles), np.full(len(triangles), "tongue"), colors, jaw, _offsets(points, t))


def _rings(along: Points) -> Points:
    y, z = _smooth_spine(along)
    close = np.sqrt(np.clip(1 - np.clip((along - 0.80) / 0.20, 0, None) ** 2.2, 0, 1))
    half_width = np.interp(along, (0, 0.3, 0.6, 0.8, 1), (17, 20, 19.5, 16.5, 13.5)) * close
    half_height = np.interp(along, (0, 0.3, 0.6, 0.85, 1), (11, 9.5, 7.2, 4.0, 2.9)) * np.maximum(close, 0.02)
    angle = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    across = half_width[:, None] * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.95
    height = half_height[:, None] * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.9
    groove = 1.5 * np.exp(-((across / 3.2) ** 2)) * np.minimum(1, half_height / 4)[:, None] * (along > 0.15)[:, None]
    height = height - groove * (np.sin(angle) > 0.01)
    dy, dz = np.gradient(y, along), np.gradient(z, along)
    length = np.hypot(dy, dz)
    return np.stack([across, y[:, None] + (dz / length)[:, None] * height, z[:, None] - (dy / length)[:, None] * height], -1)


def _smooth_spine(along: Points) -> tuple[Points, Points]:
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(_ALONG, _SPINE_Y)(along), PchipInterpolator(_ALONG, _SPINE_Z)(along)


def _offsets(points: Points, t: Points) -> dict[str, Points]:
    body, tip = smoothstep(0.15, 1, t), smoothstep(0.55, 1, t)
    blade = np.exp(-(((t - 0.62) / 0.28) ** 2))
    back = np.exp(-(((t - 0.4) / 0.25) ** 2))
    zero = np.zeros_like(t)
    x = points[:, 0]
    aside = np.stack([14 * tip + 3 * body, 5.0 * tip, -1.0 * tip], 1)
    return {
        "tongueOut": np.stack([-0.08 * x * tip, -2.5 * tip, 30 * body], 1),
        "tongueBetween": np.stack([-0.16 * x * tip, 6.3 * smoothstep(0.15, 0.75, t) - 0.2 * tip, 8.0 * body], 1),
        "tongueUp": np.stack([zero, 9 * blade, 2 * body], 1),
        "tongueTipUp": np.stack([zero, 12 * tip + 3 * smoothstep(0.3, 0.7, t) * (1 - tip), -3.5 * tip], 1),
        "tongueBack": np.stack([zero, 9 * back, -13 * body], 1),
        "tongueWide": np.stack([0.30 * x * body, 5.0 * body - 0.02 * x**2 * body, 2.0 * body], 1),
        "tongueLeft": aside,
        "tongueRight": aside * (-1, 1, 1),
    }
