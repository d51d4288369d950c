"""What lips do, as numbers that are linear in a mesh's vertices: gaps along the mouth, its width, and how far it protrudes.

Every head with the named landmarks has them, so that lips of different meshes can be compared. Metres. Letters: L columns from
the right corner to the left, n lip vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

COLUMNS = 7
MIDDLE = COLUMNS // 2


@dataclass(frozen=True, slots=True)
class LipProbe:
    """Operators from lip vertices to measures."""

    vertices: NDArray[np.intp]  # [n] of the mesh
    apart: Floats  # [L, n] upper minus lower lip
    rest_gap: Floats  # [L] taken off the gaps
    corners: NDArray[np.intp]  # [2] left and right, among the n
    middle: NDArray[np.intp]  # [2] upper and lower, among the n
    rest_width: float
    rest_depth: float

    def __call__(self, lips: Floats) -> Floats:
        """[T, n, 3] -> [T, L + 2]: gaps, then width less that at rest, then protrusion from rest."""
        gaps = lips[:, :, 1] @ self.apart.T - self.rest_gap
        width = lips[:, self.corners[0], 0] - lips[:, self.corners[1], 0] - self.rest_width
        depth = lips[:, self.middle, 2].mean(axis=1) - self.rest_depth
        return np.concatenate([gaps, width[:, None], depth[:, None]], axis=1)


def build_probe(neutral: Floats, landmarks: Mapping[str, NDArray[np.int32]], *, touching: bool) -> LipProbe:
    """The probe of a mesh [V, 3] at rest; of lips that are `touching` there, whatever lies between the contours is no gap."""
    contour = landmarks["lips_inner"]
    left = int(np.argmax(neutral[contour, 0]))
    upper, lower = contour[: left + 1], np.r_[contour[left:], contour[0]][::-1]
    ends = [landmarks[name][0] for name in ("lip_corner_left", "lip_corner_right")]
    middle = [landmarks[name][0] for name in ("lip_upper_mid", "lip_lower_mid")]
    vertices = np.unique(np.concatenate([contour, ends, middle]))
    apart = _along(neutral, upper, vertices) - _along(neutral, lower, vertices)
    apart[MIDDLE] = (vertices == middle[0]).astype(float) - (vertices == middle[1])
    lips = neutral[vertices].astype(np.float64)
    corners, mids = np.searchsorted(vertices, ends), np.searchsorted(vertices, middle)
    return LipProbe(
        vertices=vertices, apart=apart, rest_gap=apart @ lips[:, 1] if touching else np.zeros(COLUMNS), corners=corners,
        middle=mids, rest_width=float(lips[corners[0], 0] - lips[corners[1], 0]), rest_depth=float(lips[mids, 2].mean()),
    )  # fmt: skip


def contour_points(neutral: Floats, chain: NDArray[Any], count: int) -> Floats:
    """Points evenly along a chain of vertices, its ends left out. -> [count, 3]"""
    return np.asarray(_even(neutral[chain], count) @ neutral[chain])


def _along(neutral: Floats, chain: NDArray[Any], vertices: NDArray[Any]) -> Floats:
    """Weights of `vertices` in the columns of one lip. -> [L, n]"""
    weights = np.zeros((COLUMNS, len(vertices)))
    np.add.at(weights.T, np.searchsorted(vertices, chain), _even(neutral[chain], COLUMNS).T)
    return weights


def _even(points: Floats, count: int) -> Floats:
    """Linear interpolation at even steps of the arc's length. [N, 3] -> [count, N]"""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = length[-1] * (np.arange(count) + 1) / (count + 1)
    after = np.clip(np.searchsorted(length, at), 1, len(points) - 1)
    share = (at - length[after - 1]) / np.maximum(length[after] - length[after - 1], 1e-12)
    weights = np.zeros((count, len(points)))
    weights[np.arange(count), after - 1], weights[np.arange(count), after] = 1 - share, share
    return weights
