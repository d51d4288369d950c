"""Cameras: OpenCV convention, x right, y down, z forward; pixel centres at +0.5."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array

    Point: TypeAlias = Sequence[float] | NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera."""

    world_to_camera: Array  # [4, 4] metres
    intrinsics: Array  # [3, 3] pixels
    width: int
    height: int

    @property
    def position_m(self) -> Array:  # [3]
        rotation, translation = self.world_to_camera[:3, :3], self.world_to_camera[:3, 3]
        return np.asarray(-rotation.T @ translation, np.float32)


def look_at(eye_m: Point, target_m: Point, *, span_m: float, width: int, height: int) -> Camera:
    """A camera at `eye_m` that sees `span_m` of the target's depth from top to bottom, upright."""
    eye, target = np.asarray(eye_m, np.float64), np.asarray(target_m, np.float64)
    distance = float(np.linalg.norm(target - eye))
    forward = (target - eye) / distance
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3], world_to_camera[:3, 3] = rotation, -rotation @ eye
    focal = height * distance / span_m
    intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    return Camera(world_to_camera.astype(np.float32), intrinsics.astype(np.float32), width, height)


def orbit(
    target_m: Point, *, yaw_deg: float, pitch_deg: float, distance_m: float, span_m: float, width: int, height: int
) -> Camera:
    """A camera on a sphere about the target: yaw 0 faces the head, positive yaw sees its left side, positive pitch looks down."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    offset = distance_m * np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    target = np.asarray(target_m, np.float64)
    return look_at(target + offset, target, span_m=span_m, width=width, height=height)


LENS_M = 1.5
"""Distance of the portrait camera: a slightly long lens, the nose does not grow."""


def portrait(head: Head, width: int = 512, height: int = 512, *, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> Camera:
    """Head and shoulders as in a signing video."""
    top, chin = float(head.neutral_m[:, 1].max()), float(head.neutral_m[head.landmarks["chin"], 1].min())
    face = top - chin
    target = (0.0, top - 0.60 * face, float(head.neutral_m[head.landmarks["nose_tip"], 2].max()) - 0.09)
    return orbit(target, yaw_deg=yaw_deg, pitch_deg=pitch_deg, distance_m=LENS_M, span_m=1.50 * face, width=width, height=height)


def three_quarter(head: Head, width: int = 512, height: int = 512) -> Camera:
    return portrait(head, width, height, yaw_deg=38.0, pitch_deg=3.0)


def profile(head: Head, width: int = 512, height: int = 512) -> Camera:
    return portrait(head, width, height, yaw_deg=90.0)


def mouth(head: Head, width: int = 256, height: int = 192, *, yaw_deg: float = 0.0) -> Camera:
    """A close-up of the mouth with room for an open jaw."""
    lips = head.neutral_m[head.landmarks["lips_outer"]]
    mouth_width = float(np.ptp(lips[:, 0]))
    target = lips.mean(axis=0) - (0.0, 0.12 * mouth_width, 0.2 * mouth_width)
    return orbit(target, yaw_deg=yaw_deg, pitch_deg=0.0, distance_m=LENS_M, span_m=1.55 * mouth_width, width=width, height=height)


SIGNING_LENS_M = 2.6
"""Distance of the camera that sees a signer."""
_SIGNING_SPAN, _SIGNING_MIDDLE = 4.1, 1.42
"""Of the picture's height, and how far its middle lies below the crown; in heights of the face."""
_WIDEST = 2.4
"""How much wider the picture gets, at most, to hold hands that reach far."""
_ROOM_M = 0.06


def signing(head: Head, width: int = 512, height: int = 640, hands_m: Array | None = None) -> Camera:
    """Head, trunk and hands, as in a signing video; wider where hands [N, 3] m, wherever they go, would leave the picture."""
    chin = float(head.neutral_m[head.landmarks["chin"], 1].min())
    # Hair is left out where the head says where the crown is.
    top = float(head.neutral_m[head.landmarks.get("crown", slice(None)), 1].max())
    face = top - chin
    span, middle = _SIGNING_SPAN * face, top - _SIGNING_MIDDLE * face
    wider = 1.0
    if hands_m is not None and len(hands_m):
        nearer = SIGNING_LENS_M / np.maximum(SIGNING_LENS_M - hands_m[:, 2], 0.5)
        aside = (np.abs(hands_m[:, 0]) + _ROOM_M) * nearer * height / width / (span / 2)
        above = (hands_m[:, 1] + _ROOM_M - middle) * nearer / (span / 2)
        wider = float(np.clip(max(aside.max(), above.max()), 1.0, _WIDEST))
    # The picture grows upwards and sideways: its lower edge stays at the waist.
    target = (0.0, middle + (wider - 1) * span * 0.3, 0.0)
    return orbit(target, yaw_deg=0, pitch_deg=0, distance_m=SIGNING_LENS_M, span_m=wider * span, width=width, height=height)


def picture_size(view: str, size: int) -> tuple[int, int]:
    """Width and height in pixels: signers need more height than width, faces as much."""
    return (size, round(size * 5 / 8) * 2) if view == "signing" else (size, size)


VIEWS = {"portrait": portrait, "three-quarter": three_quarter, "profile": profile, "mouth": mouth, "signing": signing}
