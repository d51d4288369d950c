"""Triangles with colours at their corners, drawn with four samples to a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.render.zbuffer import draw, resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.render.camera import Camera
    from slp_mouthing.types import Array

SAMPLES = 2
"""Per pixel, along each axis."""


def draw_mesh(vertices_m: Array, triangles: NDArray[np.int32], colors: Array, camera: Camera) -> tuple[Array, Array]:
    """Vertices [V, 3] with display colours [V, 3] -> premultiplied image [H, W, 3] and alpha [H, W]."""
    height, width = camera.height * SAMPLES, camera.width * SAMPLES
    nearness, image = np.zeros((height, width), np.float32), np.empty((height, width, 3), np.float32)
    draw(_screen(vertices_m, camera), triangles, colors, nearness, image)
    small = np.empty((camera.height, camera.width, 3), np.float32)
    alpha = np.empty((camera.height, camera.width), np.float32)
    resolve(nearness, image, SAMPLES, small, alpha)
    return small, alpha


def _screen(vertices_m: Array, camera: Camera) -> Array:
    """x, y in samples and 1 / depth; 0 behind the camera. [V, 3] -> [V, 3]"""
    view, K = camera.world_to_camera, camera.intrinsics
    x, y, z = (vertices_m @ view[:3, :3].T + view[:3, 3]).T
    nearness = np.where(z > 1e-3, 1 / np.maximum(z, 1e-3), 0)
    columns = [SAMPLES * (K[0, 0] * x * nearness + K[0, 2]), SAMPLES * (K[1, 1] * y * nearness + K[1, 2]), nearness]
    return np.ascontiguousarray(np.stack(columns, axis=1), np.float32)
