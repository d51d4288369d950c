"""The pose in which the half body's mesh is made: arms half down and a little bent, between what signers do most."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.skeleton import SIDES, SKELETON
from slp_mouthing.figure.skinning import joint_places
from slp_mouthing.figure.turns import pose_rotations

if TYPE_CHECKING:
    from slp_mouthing.figure.field import Points
    from slp_mouthing.types import Array

_POSE = {"shoulder": (0.0, 0.0, -0.86), "elbow": (0.0, -0.36, 0.0), "wrist": (0.0, 0.0, 0.0)}
"""Axis-angle of the left side, rad."""


@cache
def made_in() -> Array:
    """Rotation and place of each joint. -> [J, 3, 4] m"""
    pose = {f"{side}_{name}": (x, sign * y, sign * z) for side, sign in SIDES for name, (x, y, z) in _POSE.items()}
    return np.asarray(joint_places(SKELETON, pose_rotations(pose)[None])[0])


def arm_points() -> tuple[Points, Points, Points]:
    """Left shoulder, elbow and wrist. [3] mm each"""
    shoulder, elbow, wrist = (SKELETON.index(f"left_{name}") for name in ("shoulder", "elbow", "wrist"))
    places = 1e3 * made_in()[:, :, 3].astype(np.float64)
    return places[shoulder], places[elbow], places[wrist]
