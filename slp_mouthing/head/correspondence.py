"""Which part of one face is which part of another: a smooth warp through landmarks and lip contours, then nearest skin.

Where the lips meet, the nearest skin may be the other lip; how far a vertex goes with the jaw tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.head.lip_probe import contour_points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_POINTS = ("nose_tip", "chin", "eye_left", "eye_right", "lip_corner_left", "lip_corner_right")
_ALONG = 9
"""Points of each lip contour that the warp goes through."""
_NEIGHBORS = 4
"""Source vertices whose motion a target vertex takes."""
_JAW_M = 0.02
"""A whole share of the jaw counts as much as this distance."""


@dataclass(frozen=True, slots=True)
class Face:
    """What is compared of a head at rest."""

    neutral: Floats  # [V, 3] metres
    landmarks: Mapping[str, NDArray[np.int32]]
    jaw_share: Floats  # [V] how far each vertex goes with the jaw, 1 like the lower lip
    skin: NDArray[np.intp]  # vertices of skin and lips


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Motion of chosen vertices of one face from the motion of another."""

    chosen: NDArray[np.intp]  # [N] vertices of the target
    sources: NDArray[np.intp]  # [N, k] vertices of the source
    weights: Floats  # [N, k] rows sum to 1
    scale: float
    """Size of the target's face over the source's."""

    def carry(self, offsets: Floats) -> Floats:
        """[T, V, 3] of the source -> [T, N, 3] of the target."""
        return np.asarray(self.scale * np.einsum("tnkx,nk->tnx", offsets[:, self.sources], self.weights))


def correspond(source: Face, target: Face, chosen: NDArray[np.intp]) -> Correspondence:
    """Where the `chosen` vertices [N] of the target lie on the source."""
    from scipy.interpolate import RBFInterpolator
    from scipy.spatial import KDTree

    scale = face_scale(source, target)
    if not len(chosen):
        return Correspondence(chosen, np.zeros((0, _NEIGHBORS), np.intp), np.zeros((0, _NEIGHBORS)), scale)
    ours, theirs = _anchors(source), _anchors(target)
    warp = RBFInterpolator(theirs, ours, kernel="thin_plate_spline", smoothing=1e-9)
    places = np.asarray(warp(target.neutral[chosen].astype(np.float64)))
    skin = source.skin
    tree = KDTree(np.c_[source.neutral[skin], _JAW_M * source.jaw_share[skin]])
    distance, nearest = tree.query(np.c_[places, _JAW_M * target.jaw_share[chosen]], k=_NEIGHBORS)
    weights = 1 / np.maximum(np.asarray(distance), 1e-5)
    return Correspondence(chosen, skin[nearest], weights / weights.sum(axis=1, keepdims=True), scale)


def face_scale(source: Face, target: Face) -> float:
    """Size of the target's landmarks about their mean over the source's."""
    ours, theirs = (_places(face) - _places(face).mean(axis=0) for face in (source, target))
    return float(np.linalg.norm(theirs) / np.linalg.norm(ours))


def _places(face: Face) -> Floats:
    return face.neutral[[face.landmarks[name][0] for name in _POINTS]].astype(np.float64)


def _anchors(face: Face) -> Floats:
    """Landmarks, the lips' outer contours, and the seam between the lips. -> [A, 3]"""
    upper, lower = _lip_points(face, "lips_inner")
    return np.concatenate([_places(face), *_lip_points(face, "lips_outer"), 0.5 * (upper + lower)])


def _lip_points(face: Face, name: str) -> tuple[Floats, Floats]:
    contour, neutral = face.landmarks[name], face.neutral.astype(np.float64)
    left = int(np.argmax(neutral[contour, 0]))
    lower = np.r_[contour[left:], contour[0]][::-1]
    return contour_points(neutral, contour[: left + 1], _ALONG), contour_points(neutral, lower, _ALONG)
