"""What of a head can be seen at all: Gaussians that no camera meets in any pose need not be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array

    Mask = NDArray[np.bool_]

CELL_M, DEPTH_M = 0.006, 0.0045
"""Of a cell of the depth maps, and how far behind the nearest Gaussian of its cell one still counts as seen."""
DIRECTIONS = 120
AWAY = -0.3
"""Cosine to the view beyond which a triangle faces away; below zero, since renderers go by smooth normals."""
LOWEST = -0.8
"""Cameras further below than this (sine of their pitch) are not looked from."""

ALWAYS = ("mouth_cavity", "nostril", "hair")
"""Linings that are seen through narrow openings, from few directions: holes in them show the background."""

_WIDE = {
    "jawOpen": 1.0, "mouthUpperUpLeft": 1.0, "mouthUpperUpRight": 1.0, "mouthLowerDownLeft": 1.0, "mouthLowerDownRight": 1.0,
    "mouthStretchLeft": 1.0, "mouthStretchRight": 1.0, "eyeWideLeft": 1.0, "eyeWideRight": 1.0,
}  # fmt: skip
_POSES: tuple[dict[str, float], ...] = (
    {"mouthPucker": 1.0, "jawOpen": 0.1, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    _WIDE | {"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0, "eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
    _WIDE | {"tongueUp": 1.0, "tongueTipUp": 1.0, "eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0},
    {"jawOpen": 0.7, "tongueOut": 1.0, "mouthFunnel": 1.0, "eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
)
"""Between them they show what a face can show."""


def seen_somewhere(avatar: Avatar, head: Head) -> Mask:
    """Gaussians that some camera around the head sees in some pose, from the front, and all of `ALWAYS`. -> [N]"""
    seen = np.isin(avatar.material, [k for k, name in enumerate(avatar.material_names) if name in ALWAYS])
    directions = _sphere(DIRECTIONS)
    for vertices_m in _posed(head):
        means = avatar.to_world(vertices_m, head.triangles)[0]
        facing = _normals(vertices_m, head.triangles)[avatar.binding] @ directions.T > AWAY
        for k in np.flatnonzero(directions[:, 1] > LOWEST):
            seen |= facing[:, k] & _in_front(directions[k], means)
    return seen


def _in_front(direction: Array, means: Array) -> Mask:
    """Points that are not well behind others, seen from far away along `direction` [3]. [N, 3] -> [N]"""
    across = np.cross(np.eye(3, dtype=np.float32)[np.argmin(np.abs(direction))], direction)
    across /= np.linalg.norm(across)
    x, y = (np.floor(means @ axis / np.float32(CELL_M)).astype(np.int32) for axis in (across, np.cross(direction, across)))
    cell = (x - x.min()) * (np.ptp(y) + 1) + (y - y.min())
    nearness = means @ direction
    nearest = np.full(cell.max() + 1, -np.inf, np.float32)
    np.maximum.at(nearest, cell, nearness)
    return np.asarray(nearness > nearest[cell] - np.float32(DEPTH_M))


def _normals(vertices_m: Array, triangles: NDArray[np.int32]) -> Array:
    """Unit normals of triangles. -> [F, 3]"""
    a, b, c = (vertices_m[triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-20)))


def _posed(head: Head) -> Array:
    """The head in all of `_POSES`. -> [P, V, 3] m"""
    values = np.array([[pose.get(name, 0.0) for name in ARKIT_NAMES + TONGUE_NAMES] for pose in _POSES], np.float32)
    return head.pose(*np.split(values, [len(ARKIT_NAMES)], axis=1))


def _sphere(count: int) -> Array:
    """Directions spread evenly (a Fibonacci spiral). -> [count, 3]"""
    k = np.arange(count) + 0.5
    y, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - y * y)
    return np.stack([flat * np.cos(turn), y, flat * np.sin(turn)], axis=1).astype(np.float32)
