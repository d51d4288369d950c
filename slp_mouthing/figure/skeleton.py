"""The joints of the half body: those of SMPL-X above the hips, by their names, and helpers that keep skin from collapsing.

At the zero pose all joints' axes are the world's, arms point sideways and palms down, as in SMPL-X: an axis-angle pose of SMPL-X
means the same here. Places are those of the built-in head's person, in millimetres from the height of the pupils and the depth of
the ears.

Linear blend skinning loses volume where a joint turns far. Helpers take such a turn in steps (`turns.py` says which): half bends
at every joint, and twists spread along upper arm and forearm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.hand import DIGITS
from slp_mouthing.types import Skeleton

if TYPE_CHECKING:
    from slp_mouthing.figure.field import Point, Points

SIDES = (("left", 1), ("right", -1))
SMPLX_BODY = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle", "spine3",
    "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
"""SMPL-X's joints of `root_orient` and `body_pose`, in order."""
SMPLX_HAND = tuple(f"{digit.name}{k}" for digit in DIGITS for k in (1, 2, 3))
"""SMPL-X's joints of one hand's pose, in order, without the side."""

_TRUNK = {
    "pelvis": ("", (0, -680, -18)), "spine1": ("pelvis", (0, -566, -30)), "spine2": ("spine1", (0, -436, -36)),
    "spine3": ("spine2", (0, -382, -26)), "neck": ("spine3", (0, -186, -32)), "head": ("neck", (0, -88, -12)),
}  # fmt: skip
_ARM = {
    "collar": ("spine3", (44, -290, -18)), "shoulder": ("collar", (164, -252, -30)), "elbow": ("shoulder", (428, -256, -46)),
    "wrist": ("elbow", (676, -252, -40)),
}  # fmt: skip
_HELPERS = {
    "neck": ("neck_half",), "head": ("head_half",),
    "shoulder": ("shoulder_half", "shoulder_swing", "shoulder_twist"),
    "elbow": ("elbow_half", "forearm0", "forearm1", "forearm2"),
    "wrist": ("forearm3", "wrist_half"),
    **{joint: (f"{joint}_half",) for joint in SMPLX_HAND},
}  # fmt: skip
"""Helpers of a joint: they lie where it lies, and hang from the same parent."""


def _build() -> Skeleton:
    places: dict[str, Point] = {}
    parents: dict[str, str] = {}

    def add(name: str, parent: str, place: Point, side: str = "") -> None:
        for each in (name, *_HELPERS.get(name, ())):
            places[side + each], parents[side + each] = place, parent

    for name, (parent, at) in _TRUNK.items():
        add(name, parent, at)
    for side, sign in SIDES:
        for name, (parent, (x, y, z)) in _ARM.items():
            add(name, parent if name == "collar" else f"{side}_{parent}", (sign * x, y, z), f"{side}_")
        for digit in DIGITS:
            for k, place in enumerate(digit.places):
                x, y, z = np.add(place, _ARM["wrist"][1])
                parent = f"{side}_{digit.name}{k}" if k else f"{side}_wrist"
                add(f"{digit.name}{k + 1}", parent, (sign * x, y, z), f"{side}_")
    names = tuple(places)
    index = {name: k for k, name in enumerate(names)} | {"": -1}
    joints_m = 1e-3 * np.array(list(places.values()), float)
    return Skeleton(names, tuple(index[parents[name]] for name in names), joints_m)


SKELETON = _build()


def place(name: str) -> Points:
    """Where a joint lies at the zero pose. -> [3] mm"""
    return np.asarray(1e3 * SKELETON.joints_m[SKELETON.index(name)])
