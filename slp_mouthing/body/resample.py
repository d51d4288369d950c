"""Channels of a track at other instants: rotations along the sphere, coefficients along a cubic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_ON_FRAME = 1e-6
"""In frames: nearer than this to a frame is on it, so that equal clocks copy frames exactly."""


def resample_rotations(poses: Floats, frames: Floats) -> Floats:
    """Axis-angle joints at fractional frames, by spherical linear interpolation. [T, 3 J], [N] in 0..T-1 -> [N, 3 J] rad"""
    before, share = _split(frames, len(poses))
    after = np.minimum(before + 1, len(poses) - 1)
    exact = share == 0.0
    mixed = slerp(poses[before], poses[after], share)
    return np.where(exact[:, None], poses[before], mixed)


def resample_curves(curves: Floats, frames: Floats) -> Floats:
    """Coefficients at fractional frames, by a cubic that keeps the shape. [T, E], [N] in 0..T-1 -> [N, E]

    A spline through all frames would ring: into the rest before a word, and beyond the instant where lips touch. Fritsch and
    Carlson's slopes do neither.
    """
    before, share = _split(frames, len(curves))
    if not share.any():
        return curves[before]
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(np.arange(len(curves)), curves, axis=0)(before + share))


def slerp(a: Floats, b: Floats, share: Floats) -> Floats:
    """From `a` to `b` along the shortest arc, each joint for itself. [N, 3 J], [N, 3 J], [N] -> [N, 3 J] rad"""
    from scipy.spatial.transform import Rotation

    start, joints = Rotation.from_rotvec(a.reshape(-1, 3)), a.shape[1] // 3
    arc = (start.inv() * Rotation.from_rotvec(b.reshape(-1, 3))).as_rotvec()
    turned = start * Rotation.from_rotvec(arc * np.repeat(share, joints)[:, None])
    return np.asarray(turned.as_rotvec()).reshape(a.shape)


def _split(frames: Floats, count: int) -> tuple[NDArray[np.int64], Floats]:
    """Frame before each instant, and the share of the one after it in [0, 1)."""
    nearest = np.rint(frames)
    frames = np.clip(np.where(np.abs(frames - nearest) < _ON_FRAME, nearest, frames), 0, count - 1)
    before = np.floor(frames).astype(np.int64)
    return before, frames - before
