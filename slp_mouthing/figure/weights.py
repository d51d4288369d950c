"""Which joints carry a vertex, and how much: read off along each limb, then evened out over the mesh. Millimetres."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.hand import DIGITS, FINGERS, digit_field
from slp_mouthing.figure.made_in import arm_points
from slp_mouthing.figure.mesh import smoother
from slp_mouthing.figure.pullover import sleeve_field, trunk_field
from slp_mouthing.figure.skeleton import SKELETON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slp_mouthing.figure.field import Points
    from slp_mouthing.figure.mesh import Indices

    Stations = Mapping[str, float]

INFLUENCES = 4
_TRUNK: Stations = {"pelvis": -612, "spine1": -512, "spine2": -412, "spine3": -335, "neck_half": -120}
"""Heights at which a joint carries the trunk alone."""
_NECK: Stations = {"spine3": -182, "neck_half": -164, "neck": -146, "head_half": -122, "head": -98}
"""Of the neck, by the height at the depth of the ears: chin and nape belong to the head, the hollow of the throat does not."""
_NECK_SLANT = 0.25
_UPPER_ARM: Stations = {
    "collar": -62, "shoulder_half": -14, "shoulder_swing": 42, "shoulder_twist": 130, "shoulder": 205,
}  # fmt: skip
"""Along the arm from the shoulder's joint."""
_ELBOW, _FOREARM = 52.0, (110.0, 178.0, 226.0)
"""Half the length over which an elbow bends; places of the forearm's twists beyond it."""
_WRIST: Stations = {"forearm3": -30, "wrist_half": -4, "wrist": 20}
_COLLARBONE = ((30.0, 128.0), (-392.0, -300.0))
"""From where to where in x and y the collar bone takes over from the spine."""
_ROUNDS = {"pullover": 10, "hand": 3}
"""Evenings of the weights."""


def along(distance: Points, stations: Stations, side: str = "") -> Points:
    """Weights of all joints at distances [N] along a limb, from one station smoothly to the next. -> [N, J]"""
    names, places = list(stations), np.array(list(stations.values()), float)
    out = np.zeros((len(distance), len(SKELETON.names)))
    at = np.clip(np.searchsorted(places, distance, side="right") - 1, 0, len(places) - 2)
    part = np.clip((distance - places[at]) / (places[at + 1] - places[at]), 0, 1)
    part = part * part * (3 - 2 * part)
    rows, columns = np.arange(len(distance)), np.array([SKELETON.index(side + name) for name in names])
    out[rows, columns[at]] = 1 - part
    out[rows, columns[at + 1]] += part
    return out


def head_weights(points: Points) -> Points:
    """Of any head whose pupils and ears lie where the built-in one's do. [N, 3] -> [N, J]"""
    return along(points[:, 1] + _NECK_SLANT * points[:, 2], _NECK)


def pullover_weights(points: Points, quads: Indices) -> Points:
    """Of trunk and sleeves. -> [N, J]"""
    trunk = along(points[:, 1], _TRUNK)
    for side, sign in (("left_", 1), ("right_", -1)):
        x = points * (sign, 1, 1)
        (low, high), (under, over) = _COLLARBONE
        part = (ramp(x[:, 0], low, high) * ramp(x[:, 1], under, over))[:, None]
        trunk += part * (along(np.zeros(len(x)), {"collar": 0, "shoulder": 1}, side) - trunk)
        inside = ramp(trunk_field(x) - sleeve_field(x), -30, 42) * (x[:, 0] > 0)
        trunk += inside[:, None] * (_arm(x, side) - trunk)
    return _evened(trunk, quads, _ROUNDS["pullover"])


def band_weights(points: Points) -> Points:
    """Of collar and left cuff: they lie on what does not bend. -> [N, J]"""
    near_neck = points[:, 0] < 150
    out = np.where(near_neck[:, None], along(points[:, 1], {"spine3": -186, "neck_half": -130}), 0)
    return out + np.where(near_neck[:, None], 0, _arm(points, "left_"))


def _arm(x: Points, side: str) -> Points:
    """Of a sleeve; `x` as on the left side."""
    shoulder, elbow, wrist = arm_points()
    upper, lower = elbow - shoulder, wrist - elbow
    length, further = float(np.linalg.norm(upper)), float(np.linalg.norm(lower))
    before, beyond = (x - shoulder) @ upper / length, (x - elbow) @ lower / further
    # Across the elbow both measure; a plane between upper arm and forearm tells them apart.
    lower_half = (x - elbow) @ (upper / length + lower / further) > 0
    distance = np.where(lower_half, length + np.maximum(beyond, 0), np.minimum(before, length))
    stations = dict(_UPPER_ARM) | {"elbow_half": length, "forearm0": length + _ELBOW}
    stations["shoulder"] = length - _ELBOW
    stations |= {f"forearm{k}": length + place for k, place in enumerate(_FOREARM, start=1)}
    return along(distance, stations, side)


def hand_weights(points: Points, quads: Indices) -> Points:
    """Of the left hand, its points from the wrist. -> [N, J]"""
    weights = along(points[:, 0], _WRIST, "left_")
    near = np.stack([digit_field(points, digit) for digit in DIGITS], axis=1)
    finger = [digit in FINGERS for digit in DIGITS]
    # Between two fingers' feet the skin goes with both.
    shares = np.exp(-np.maximum(near, 0) / 2.2) * finger
    shares /= np.maximum(shares.sum(1, keepdims=True), 1e-12)
    fingers = sum(shares[:, [k]] * _digit(points, k) for k in range(len(DIGITS)) if finger[k])
    weights = _over(weights, np.asarray(fingers), ramp(-near[:, finger].min(1), -9, -2))
    thumb = len(DIGITS) - 1
    weights = _over(
        weights, _digit(points, thumb), ramp(-near[:, thumb], -13, -1) * (near[:, thumb] < near[:, finger].min(1) + 6)
    )
    return _evened(weights, quads, _ROUNDS["hand"])


def _digit(points: Points, k: int) -> Points:
    """Along one finger, from the palm to its last joint."""
    digit = DIGITS[k]
    ends = [np.asarray(place, float) for place in digit.places]
    lengths = [np.linalg.norm(b - a) for a, b in pairwise(ends)]
    starts, distance = np.cumsum([0, *lengths]), np.full(len(points), -np.inf)
    for (a, b), start in zip(digit.bones, starts, strict=True):
        axis = (b - a) / np.linalg.norm(b - a)
        here = (points - a) @ axis
        distance = np.where((here > 0) | (start == 0), start + here, distance)
    stations = {"wrist": -1.5 * digit.radii[0]}
    for j, (start, radius) in enumerate(zip(starts, digit.radii, strict=False)):
        reach = (1.15 if j == 0 else 0.85) * radius
        stations |= {f"{digit.name}{j + 1}_half": float(start), f"{digit.name}{j + 1}": float(start) + reach}
        if j:
            stations |= {f"{digit.name}{j}": float(start) - reach}
    return along(distance, dict(sorted(stations.items(), key=lambda item: item[1])), "left_")


def strongest(weights: Points) -> tuple[Indices, Points]:
    """The four joints that carry each vertex most, and their weights. [N, J] -> [N, 4], [N, 4] with rows of sum 1"""
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(weights, joints, axis=1)
    return joints, kept / kept.sum(1, keepdims=True)


def _over(below: Points, above: Points, part: Points) -> Points:
    return below + part[:, None] * (above - below)


def ramp(x: Points, low: float, high: float) -> Points:
    part = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part))


def _evened(weights: Points, quads: Indices, rounds: int) -> Points:
    smooth = smoother(quads, len(weights), 0.5)
    for _ in range(rounds):
        weights = smooth(weights)
    return weights
