"""Colours of hands: nails, redder knuckles and fingertips, paler palms. Linear albedo over the skin's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.hand import DIGITS
from slp_mouthing.figure.weights import ramp

if TYPE_CHECKING:
    from slp_mouthing.figure.field import Points
    from slp_mouthing.figure.hand import Digit

BAND_SHADE = 0.82
"""Of collar and cuffs against the cloth."""
_FLUSH = np.array([1.0, 0.80, 0.76])
_PALM = np.array([0.74, 0.46, 0.36])
_PALM_SHARE = 0.5
"""How far the palm goes from the skin's colour to `_PALM`."""
_NAIL = np.array([1.04, 0.90, 0.90])
_NAIL_WHITE = 0.12


def hand_colors(points: Points, skin: Points) -> Points:
    """Of the left hand's points from the wrist. [N, 3] mm -> [N, 3]"""
    inside = ramp(-_height(points), -3, 8)[:, None]
    colors = skin + _PALM_SHARE * inside * (np.maximum(_PALM, skin) - skin)
    flush = np.clip(sum(_knuckles(points, digit) for digit in DIGITS), 0, 1)[:, None]
    colors = colors * (1 + 1.1 * flush * (_FLUSH - 1))
    nail = nails(points)[:, None]
    plate = colors * _NAIL + _NAIL_WHITE * (np.array([0.9, 0.72, 0.68]) - colors)
    return np.asarray(colors + nail * (plate - colors))


def nails(points: Points) -> Points:
    """1 on the nails, 0 off them, soft at their edges. [N, 3] mm -> [N]"""
    return np.asarray(np.max([_nail(points, digit) for digit in DIGITS], axis=0))


def _nail(points: Points, digit: Digit) -> Points:
    start, end = digit.bones[2]
    length, radius = float(np.linalg.norm(end - start)), digit.radii[3]
    forward, up, across = _axes(digit)
    local = points - start
    x, y, z = local @ forward, local @ up, local @ across
    long = ramp(x, 0.42 * length, 0.42 * length + 2) * ramp(-x, -length - 0.72 * radius, -length - 0.5 * radius)
    wide = ramp(-np.abs(z), -0.80 * radius, -0.62 * radius)
    return np.asarray(long * wide * (y > 0.25 * radius).astype(float))


def _axes(digit: Digit) -> tuple[Points, Points, Points]:
    """Along the last bone, out of its nail, and across. [3] each"""
    start, end = digit.bones[2]
    forward = (end - start) / np.linalg.norm(end - start)
    # The thumb's nail looks up and to its own outer side.
    up = np.array([-0.55, 0.72, 0.42]) if digit.name == "thumb" else np.array([0.0, 1.0, 0.0])
    up = up - (up @ forward) * forward
    up /= np.linalg.norm(up)
    return forward, up, np.cross(forward, up)


def _knuckles(points: Points, digit: Digit) -> Points:
    """Where the skin is red: over the joints on the back, and round the fingertip."""
    total = np.zeros(len(points))
    for place, size in zip(digit.places[:2], (9.0, 7.5), strict=True):
        over = np.add(place, (0, digit.radii[1], 0))
        total += 0.5 * np.exp(-((points - over) ** 2).sum(1) / (2 * size**2))
    return np.asarray(total + 0.7 * np.exp(-((points - digit.tip) ** 2).sum(1) / (2 * 9.0**2)))


def _height(points: Points) -> Points:
    """Above the plane between palm and back, which lies lower at the fingers and the thumb."""
    return np.asarray(points[:, 1] + 0.012 * np.maximum(points[:, 0] - 80, 0) + 0.30 * np.maximum(points[:, 2] - 30, 0))
