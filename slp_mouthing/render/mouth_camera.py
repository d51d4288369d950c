"""The lip reader's view: a virtual camera that holds the mouth still and at one size, whoever it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.render.camera import look_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.render.camera import Camera
    from slp_mouthing.types import Array

    Floats = NDArray[np.float64]

POINTS = ("lip_corner_left", "lip_corner_right", "lip_upper_mid", "lip_lower_mid", "nose_tip")
"""Landmarks that place the camera."""
_CORNERS, _MIDDLE, _RIGID = slice(0, 2), slice(2, 4), (0, 1, 2, 4)
"""Rigid: those that speech moves least; the lower lip is left out."""


@dataclass(frozen=True, slots=True)
class MouthCameraOptions:
    size_px: int = 96
    """Width and height of the crop, as the papers' and Auto-AVSR's."""
    span_per_mouth_width: float = 2.0
    """What the crop shows, over the distance of the lip corners at rest: nose to chin, as in Auto-AVSR's crops, whose similarity
    to a mean face of 256 px leaves a mouth some 48 px wide."""
    distance_m: float = 1.2
    """Of the camera from the mouth: as the front camera of a studio."""
    smooth_s: float = 0.4
    """Window over which a moving head is followed; lip readers are trained on crops that are smoothed over 12 frames."""

    def __post_init__(self) -> None:
        if not 8 <= self.size_px <= 4096:
            raise HeadError(f"size of the mouth crop is {self.size_px} pixels, allowed: 8 to 4096")


def mouth_points(vertices_m: Array, landmarks: Mapping[str, NDArray[np.int32]]) -> Array:
    """The points that place the camera, in the order of `POINTS`. [..., V, 3] -> [..., 5, 3] m"""
    return np.asarray(vertices_m[..., [int(landmarks[name][0]) for name in POINTS], :])


def mouth_camera(points_m: Array, options: MouthCameraOptions | None = None) -> Camera:
    """The camera of a head at rest that looks along +z, from its `mouth_points` [5, 3].

    Raises `HeadError` for points that are not finite or corners that meet.
    """
    options = options or MouthCameraOptions()
    points = np.asarray(points_m, np.float64)
    width = float(np.linalg.norm(points[0] - points[1]))
    if not np.isfinite(points).all() or width < 1e-4:
        raise HeadError("the mouth's landmarks are not finite, or its corners meet", hint="check the head's landmarks")
    target = _center(points)
    eye = target + np.array([0, 0, options.distance_m])
    return look_at(
        eye, target, span_m=options.span_per_mouth_width * width, width=options.size_px,
        height=options.size_px,
    )  # fmt: skip


def follow(points_m: Array, rest_m: Array, fps: float, options: MouthCameraOptions | None = None) -> list[Camera]:
    """One camera per frame for a head that moves: that of rest, carried along with the head.

    Args:
        points_m: [T, 5, 3] `mouth_points` of every frame.
        rest_m: [5, 3] of the head at rest, looking along +z.
        fps: of the frames.

    The points are smoothed over time and only a rigid motion is taken from them: speech neither shakes nor scales the crop.
    Raises `HeadError`.
    """
    options = options or MouthCameraOptions()
    camera, rest = mouth_camera(rest_m, options), np.asarray(rest_m, np.float64)[list(_RIGID)]
    if not np.isfinite(points_m).all():
        raise HeadError("the mouth's landmarks are not finite")
    points = _smoothed(np.asarray(points_m, np.float64)[:, list(_RIGID)], options.smooth_s * fps)
    return [_carried(camera, rest, frame) for frame in points]


def _center(points: Floats) -> Floats:
    """Between the corners across, between corners and lips in height, at the corners' depth."""
    corners, middle = points[_CORNERS].mean(0), points[_MIDDLE].mean(0)
    return np.array([corners[0], (corners[1] + middle[1]) / 2, corners[2]])


def _smoothed(points: Floats, window_frames: float) -> Floats:
    """Gaussian over time whose two deviations to either side are the window; ends are held. [T, N, 3] -> [T, N, 3]"""
    from scipy.ndimage import gaussian_filter1d

    if window_frames < 1 or len(points) < 2:
        return points
    return np.asarray(gaussian_filter1d(points, window_frames / 4, axis=0, mode="nearest"))


def _carried(camera: Camera, rest: Floats, points: Floats) -> Camera:
    """The camera after the rigid motion that takes rest nearest to the points (Kabsch)."""
    center, rest_center = points.mean(0), rest.mean(0)
    u, _, vt = np.linalg.svd((points - center).T @ (rest - rest_center))
    turn = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    motion = np.eye(4)
    motion[:3, :3] = u @ turn @ vt
    motion[:3, 3] = center - motion[:3, :3] @ rest_center
    view = camera.world_to_camera.astype(np.float64) @ np.linalg.inv(motion)
    return replace(camera, world_to_camera=view.astype(np.float32))
