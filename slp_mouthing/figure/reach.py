"""An arm that brings its hand to a place: two bones and a wrist, as SMPL-X's axis-angles. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.skeleton import place
from slp_mouthing.figure.turns import about_x, split

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

    from slp_mouthing.figure.field import Point, Points

_LONGEST = 0.995
"""Of the arm's length, at most: elbows are never quite straight."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a hand is and how it is turned, as the signer sees it: x to the hand's own side, y up, z forwards."""

    wrist: Point
    """Place of the wrist; the origin lies at the height of the pupils and the depth of the ears. mm"""
    fingers: Point
    """Where straight fingers point."""
    palm: Point
    """Where the palm faces; made square to `fingers`."""
    elbow: Point = (0.55, -1.0, -0.25)
    """Where the elbow points, from the line between shoulder and wrist."""


def arm_turns(side: str, reach: Reach) -> dict[str, Points]:
    """Axis-angles of shoulder, elbow and wrist on a trunk at rest, the forearm's twist in the elbow. [3] rad each"""
    # The right arm is the left one in a mirror.
    shoulder, elbow, wrist = (_turn.as_rotvec() for _turn in _left_arm(reach))
    mirror = np.array([1, 1, 1] if side == "left" else [1, -1, -1])
    return {f"{side}_shoulder": shoulder * mirror, f"{side}_elbow": elbow * mirror, f"{side}_wrist": wrist * mirror}


def _left_arm(reach: Reach) -> tuple[Rotation, Rotation, Rotation]:
    from scipy.spatial.transform import Rotation

    at, middle, end = (place(f"left_{name}") for name in ("shoulder", "elbow", "wrist"))
    upper, lower = middle - at, end - middle
    elbow = _elbow(at, np.asarray(reach.wrist, float), float(np.linalg.norm(upper)), float(np.linalg.norm(lower)), reach.elbow)
    toward = np.asarray(reach.wrist, float) - elbow
    # At rest a forearm bends forwards, about the axis that points down.
    shoulder = _between(_frame(upper, (0, -1, 0)), _frame(elbow - at, np.cross(elbow - at, toward)))
    goal = shoulder.inv().apply(toward)
    hand = _between(_frame((1, 0, 0), (0, -1, 0)), _frame(reach.fingers, reach.palm))
    _, twist = split(Rotation.from_quat(((shoulder * _shortest(lower, goal)).inv() * hand).as_quat()[None]))
    forearm = about_x(twist)[0]
    bend = _shortest(forearm.apply(lower), goal) * forearm
    return shoulder, bend, (shoulder * bend).inv() * hand


def _elbow(shoulder: Points, wrist: Points, upper: float, lower: float, pole: Point) -> Points:
    """The third corner of the triangle, on the side of the pole."""
    line = wrist - shoulder
    length = min(float(np.linalg.norm(line)), _LONGEST * (upper + lower))
    along = line / np.linalg.norm(line)
    aside = np.asarray(pole, float) - (pole @ along) * along
    cosine = np.clip((upper**2 + length**2 - lower**2) / (2 * upper * length), -1, 1)
    return np.asarray(shoulder + upper * (cosine * along + np.sqrt(1 - cosine**2) * aside / np.linalg.norm(aside)))


def _frame(first: Point, second: Point) -> Points:
    """Unit axes in columns: along the first, in the plane of both, and across."""
    a = np.asarray(first, float) / np.linalg.norm(first)
    b = np.asarray(second, float) - (np.asarray(second, float) @ a) * a
    b /= np.linalg.norm(b)
    return np.stack([a, b, np.cross(a, b)], axis=1)


def _between(start: Points, end: Points) -> Rotation:
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(end @ start.T)


def _shortest(start: Points, end: Points) -> Rotation:
    from scipy.spatial.transform import Rotation

    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis)
    angle = np.arctan2(sine, a @ b)
    return Rotation.from_rotvec(axis / max(sine, 1e-12) * angle)
