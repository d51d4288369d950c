"""A few hand shapes, as SMPL-X's 45 numbers of one hand."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.hand import FINGERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slp_mouthing.figure.field import Points

    Curls = tuple[float, float, float]

_STRAIGHT: Curls = (4, 5, 3)
_LOOSE: Curls = (18, 26, 14)
_FOLDED: Curls = (89, 108, 68)
_SHAPES: Mapping[str, tuple[Mapping[str, Curls], str]] = MappingProxyType(
    {
        "flat": ({}, "beside"),
        "spread": ({}, "out"),
        "relaxed": (dict.fromkeys(("index", "middle", "ring", "pinky"), _LOOSE), "loose"),
        "fist": (dict.fromkeys(("index", "middle", "ring", "pinky"), _FOLDED), "across"),
        "index": (dict.fromkeys(("middle", "ring", "pinky"), _FOLDED), "across"),
        "two": (dict.fromkeys(("ring", "pinky"), _FOLDED), "across"),
        "thumb": (dict.fromkeys(("index", "middle", "ring", "pinky"), _FOLDED), "out"),
    }
)
"""Degrees by which fingers bend at their three joints, those not named straight; and where the thumb goes."""
_THUMBS: Mapping[str, tuple[tuple[float, float, float], ...]] = MappingProxyType(
    {
        "out": ((0, 0, 0), (0, 0, 0), (0, 0, 0)),
        "loose": ((12, 10, -14), (0, 12, 0), (0, 14, 0)),
        "beside": ((6, 30, -6), (0, 4, 0), (0, 4, 0)),
        "across": ((8, 8, -30), (10, 44, -6), (-24, 66, 0)),
    }
)
"""Axis-angle of the left thumb's joints, degrees."""
_SPREADS = {"spread": 5.0, "flat": -4.0, "fist": -6.0, "thumb": -6.0, "index": -4.0, "two": -3.0}
"""Degrees between neighbouring fingers, beyond what they have at rest."""
_FAN = {"index": -1.0, "middle": -0.1, "ring": 0.7, "pinky": 1.5}
SHAPES = tuple(_SHAPES)


def hand_pose(shape: str, side: str) -> Points:
    """[45] rad."""
    curls, thumb = _SHAPES[shape]
    rows = []
    for digit in FINGERS:
        bone = np.subtract(digit.places[1], digit.places[0])
        hinge = np.array([bone[2], 0, -bone[0]]) / np.hypot(bone[0], bone[2])
        knuckle, middle, last = (bend * hinge for bend in curls.get(digit.name, _STRAIGHT))
        sideways = np.array([0, _SPREADS.get(shape, 0.0) * _FAN[digit.name], 0])
        rows += [knuckle + sideways, middle, last]
    pose = np.radians([*rows, *_THUMBS[thumb]])
    return (pose if side == "left" else pose * (1, -1, -1)).ravel()
