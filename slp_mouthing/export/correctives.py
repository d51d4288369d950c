"""What a clip's motion has beyond its linear blend shapes, as few more shapes of that clip.

Jaw and eyes turn, and lips stop where they meet: no sum of targets does that. The difference between the head's own pose and
the sum of its targets is small and of low rank over one clip; its principal axes, played with their own weights, close it.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array, FaceTrack

CHUNK_FRAMES = 256
"""Frames posed at a time, so that memory does not grow with the clip."""


@dataclass(frozen=True, slots=True)
class Correctives:
    """Shapes that belong to one clip, and how they play."""

    targets: Array  # [N, V, 3] metres
    weights: Array  # [T, N] in [0, 1], each shape's largest is 1


def blend_residuals(track: FaceTrack, head: Head, targets: Array) -> Iterator[Array]:
    """What a weighted sum of `targets` [C, V, 3] leaves of the track's true mesh, in chunks [<= 256, V, 3] of metres."""
    controls = np.concatenate([track.blendshapes, track.tongue], axis=1)
    for start in range(0, len(track), CHUNK_FRAMES):
        frames = slice(start, start + CHUNK_FRAMES)
        posed = head.pose(track.blendshapes[frames], track.tongue[frames], track.eyes_pose[frames])
        blended = controls[frames] @ targets.reshape(len(targets), -1)
        yield posed - head.neutral_m - blended.reshape(posed.shape)


def fit_correctives(residuals: Iterable[Array], tolerance_m: float) -> Correctives:
    """Shapes and weights whose sum comes within `tolerance_m` of every vertex of every frame.

    One chunk of `residuals` is held at a time: each is first explained with the shapes of those before it, then the principal
    axes of the rest are added.

    Args:
        residuals: chunks of frames, [t, V, 3] metres; at least one.
    """
    axes = np.empty((0, 0), np.float32)  # [N, 3V]
    amounts: list[Array] = []
    for chunk in residuals:
        flat = chunk.reshape(len(chunk), -1)
        axes = axes.reshape(len(axes), flat.shape[1])
        known = np.linalg.solve(axes @ axes.T, axes @ flat.T).T.astype(np.float32)
        rest = flat - known @ axes
        added = _principal_axes(rest, tolerance_m)
        axes = np.concatenate([axes, added])
        amounts.append(np.concatenate([known, rest @ added.T], axis=1))
    weights = np.concatenate([np.pad(rows, ((0, 0), (0, len(axes) - rows.shape[1]))) for rows in amounts])
    axes, weights = _without_negative(*_scaled(axes, weights))
    return Correctives(axes.reshape(len(axes), axes.shape[1] // 3, 3), weights)


def _scaled(axes: Array, weights: Array) -> tuple[Array, Array]:
    """The same motion with each shape's largest weight at 1. [N, 3V], [T, N] -> [N, 3V], [T, N]"""
    peaks = weights[np.abs(weights).argmax(axis=0), np.arange(len(axes))]
    return axes * peaks[:, None], weights / peaks


def _without_negative(axes: Array, weights: Array) -> tuple[Array, Array]:
    """The same motion without weights below 0, which Blender's shape keys cut off: with one more shape, against all others.

    A frame's weights rise together by as much as its lowest lacks, and that shape takes it back. Rest stays at 0, and so does
    what is between two frames as it was.
    """
    lacking = np.maximum(-weights.min(axis=1, initial=0.0), 0.0)[:, None]
    if not lacking.any():
        return axes, weights
    raised = np.concatenate([weights + lacking, lacking], axis=1)
    return _scaled(np.concatenate([axes, -axes.sum(axis=0, keepdims=True)]), raised)


def _principal_axes(rest: Array, tolerance_m: float) -> Array:
    """The fewest principal axes, of unit length, that leave no vertex of `rest` [t, 3V] beyond the tolerance. -> [n, 3V]."""
    # Taking axes away only shrinks a vertex's path as a whole (over all frames), so those with a short path stay within.
    paths_m = np.linalg.norm(rest.reshape(len(rest), -1, 3), axis=(0, 2))
    loud = np.repeat(paths_m > tolerance_m, 3)
    heard = np.ascontiguousarray(rest[:, loud])
    # Vertices outnumber frames: the frames' Gram matrix has the same axes and is small.
    vectors = np.linalg.eigh(heard @ heard.T)[1][:, ::-1]

    def suffices(count: int) -> bool:
        used = vectors[:, :count]
        left = (heard - used @ (used.T @ heard)).reshape(len(rest), -1, 3)
        return not left.size or bool(np.einsum("tvx,tvx->tv", left, left).max() <= tolerance_m**2)

    count = bisect.bisect_left(range(len(rest)), True, key=suffices)
    axes = np.zeros((count, rest.shape[1]), np.float32)
    axes[:, loud] = vectors[:, :count].T @ heard
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return axes
