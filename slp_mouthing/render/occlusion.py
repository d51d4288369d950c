"""How much light reaches each vertex: the sky's share and the key light's, found once from depth maps of the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.render.zbuffer import depth_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from slp_mouthing.types import Array

SKY_DIRECTIONS, SKY_PIXELS = 72, 200
KEY_DIRECTIONS, KEY_PIXELS = 20, 380
KEY_RADIUS_RAD = 0.16
"""Half-angle of the key light as seen from the face: soft shadows."""
SMOOTHINGS = 3
"""Times that a vertex takes half of its light from its neighbours."""
OFFSET_M, BIAS_M = 0.0012, 0.0016
"""Along the normal, and along the ray: a surface does not shadow itself."""


@dataclass(frozen=True, slots=True)
class Occlusion:
    """Shares of light in [0, 1], 1 where nothing is in the way."""

    sky: Array  # [V] of the hemisphere over the surface
    key: Array  # [V] of the key light's disc


def find_occlusion(vertices_m: Array, triangles: NDArray[np.int32], normals: Array, key_direction: Array) -> Occlusion:
    """Occlusion of a posed mesh [V, 3], [F, 3] with unit normals [V, 3] under a key light from a direction [3]."""
    sky = np.zeros(len(vertices_m), np.float32)
    weight = np.full(len(vertices_m), 1e-6, np.float32)
    for direction in _sphere(SKY_DIRECTIONS):
        facing = np.clip(normals @ direction, 0, None)
        sky += facing * _visible(vertices_m, triangles, normals, direction, SKY_PIXELS)
        weight += facing
    key = np.zeros(len(vertices_m), np.float32)
    for direction in _disc(key_direction, KEY_RADIUS_RAD, KEY_DIRECTIONS):
        key += _visible(vertices_m, triangles, normals, direction, KEY_PIXELS)
    smooth = smoother(triangles, len(vertices_m))
    return Occlusion(smooth(sky / weight), smooth(key / np.float32(KEY_DIRECTIONS)))


def smoother(triangles: NDArray[np.int32], count: int) -> Callable[[Array], Array]:
    """Vertex values averaged with their neighbours: depth maps have pixels, and light has not."""
    from scipy.sparse import csr_array

    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    ends = np.concatenate([ends, ends[:, ::-1]])
    neighbors = np.maximum(np.bincount(ends[:, 0], minlength=count), 1)
    total = csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count))

    def smooth(values: Array) -> Array:
        for _ in range(SMOOTHINGS):
            values = ((values + total @ values / neighbors) / 2).astype(np.float32)
        return values

    return smooth


def _visible(vertices: Array, triangles: NDArray[np.int32], normals: Array, direction: Array, pixels: int) -> Array:
    """1 for vertices that see out along `direction`, soft within a pixel. -> [V]"""
    axes = frame(direction)
    low, high = vertices.min(0), vertices.max(0)
    scale = np.float32((pixels - 4) / np.linalg.norm(high - low))
    screen = (vertices - (low + high) / 2) @ axes.T
    screen[:, :2] = screen[:, :2] * scale + pixels / 2
    nearest = np.full((pixels, pixels), -np.inf, np.float32)
    depth_map(np.ascontiguousarray(screen), triangles, nearest)
    probe = screen + (normals @ axes.T) * np.array([scale, scale, 1], np.float32) * np.float32(OFFSET_M)
    x, y = probe[:, 0] - np.float32(0.5), probe[:, 1] - np.float32(0.5)
    x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = x - x0, y - y0
    total = np.zeros(len(vertices), np.float32)
    for dx, dy, share in ((0, 0, (1 - fx) * (1 - fy)), (1, 0, fx * (1 - fy)), (0, 1, (1 - fx) * fy), (1, 1, fx * fy)):
        occluder = nearest[np.clip(y0 + dy, 0, pixels - 1), np.clip(x0 + dx, 0, pixels - 1)]
        total += share * (occluder <= probe[:, 2] + np.float32(BIAS_M))
    return total


def frame(direction: Array) -> Array:
    """Rows: two axes across, and the direction itself."""
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(direction, right), direction]).astype(np.float32)


def _sphere(count: int) -> Array:  # [count, 3]
    """Directions spread evenly (a Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    y, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - y * y)
    return np.stack([flat * np.cos(turn), y, flat * np.sin(turn)], axis=1).astype(np.float32)


def _disc(direction: Array, radius: float, count: int) -> Array:  # [count, 3]
    k = np.arange(count) + 0.5
    r, turn = radius * np.sqrt(k / count), np.pi * (1 + 5**0.5) * k
    right, up, forward = frame(direction)
    spread = forward + (r * np.cos(turn))[:, None] * right + (r * np.sin(turn))[:, None] * up
    return np.asarray(spread / np.linalg.norm(spread, axis=1, keepdims=True), np.float32)
