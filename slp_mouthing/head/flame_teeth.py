"""FLAME has no teeth. GaussianAvatars and VHAP hang two rows of them behind the lips, and so do we: in their order.

A released avatar binds its Gaussians to triangles by number, the teeth's from 9976 on, and a person's `static_offset` names the
teeth's vertices from 5023 on. What agrees with that convention, by its public description: the order of the vertices (eight
rows of fifteen columns, from the head's left to its right), the order of the triangles and of their corners, with diagonals that
turn at the midline, the rows' places, the joints, and the identity directions (the mean of the two lips at a column). The lips'
columns are spread over our landmarks of the outer contour instead of the field's list of vertices: within a tooth's width.

Not checked: neither a published FLAME file nor a released avatar was at hand, so that the look of the teeth in such an avatar
has not been seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.head.flame_files import JAW, NECK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.int32]

COLUMNS, ROWS = 15, 8
TOOTH_COUNT = COLUMNS * ROWS

(
    _UPPER_ROOT, _LOWER_ROOT, _UPPER_EDGE, _LOWER_EDGE, _UPPER_ROOT_BACK, _UPPER_EDGE_BACK, _LOWER_ROOT_BACK, _LOWER_EDGE_BACK,
) = range(ROWS)  # fmt: skip
_PLACES = np.array([(2.1, 1.5), (-2.1, 1.9), (0.1, 1.5), (-0.1, 1.9), (2.1, 2.5), (0.1, 2.5), (-2.1, 2.9), (-0.1, 2.9)])  # [8, 2]
"""How far up and how far behind the lips' middle each row stands, in mean distances between the lips' outer contours."""
_ROW_JOINTS = (NECK, JAW, NECK, JAW, NECK, NECK, JAW, JAW)

_STRIPS = (
    (_UPPER_ROOT, _UPPER_EDGE, False, False),
    (_UPPER_ROOT_BACK, _UPPER_EDGE_BACK, True, False),
    (_UPPER_EDGE_BACK, _UPPER_EDGE, True, True),
    (_LOWER_EDGE, _LOWER_ROOT, False, True),
    (_LOWER_ROOT_BACK, _LOWER_EDGE_BACK, False, False),
    (_LOWER_EDGE_BACK, _LOWER_EDGE, False, True),
)
"""The two rows of each strip, whether its triangles turn the other way round, and whether its diagonals do."""


def place_teeth(template: Floats, shift: Floats, landmarks: Mapping[str, Indices]) -> Floats:
    """The teeth's vertices of one identity: the mean face [V, 3] and what moves its vertices there [V, 3]. -> [120, 3]"""
    upper, lower = _lip_columns(template, landmarks)
    middle = (upper @ template + lower @ template) / 2
    middle[:, 1] = middle[:, 1].mean()
    unit = np.linalg.norm(upper @ template - lower @ template, axis=1).mean()
    offsets = unit * np.stack([np.zeros(ROWS), _PLACES[:, 0], -_PLACES[:, 1]], axis=1)
    moved = middle + (upper @ shift + lower @ shift) / 2
    return np.asarray((moved + offsets[:, None]).reshape(TOOTH_COUNT, 3))


def tooth_triangles() -> Indices:
    """Triangles counted from the first tooth vertex, the upper teeth's first. -> [168, 3]"""
    return np.concatenate([_strip(*strip) for strip in _STRIPS]).astype(np.int32)


def tooth_joints() -> NDArray[np.intp]:
    """The joint that each vertex goes with. -> [120]"""
    return np.repeat(np.array(_ROW_JOINTS, np.intp), COLUMNS)


def _strip(row: int, other: int, reversed_: bool, turned: bool) -> NDArray[np.intp]:
    a, b = (COLUMNS * r + np.arange(COLUMNS - 1) for r in (row, other))
    falling = np.array([[a, b + 1, b], [a, a + 1, b + 1]])  # [2, 3, quads]
    rising = np.array([[a, a + 1, b], [a + 1, b + 1, b]])
    left = np.arange(COLUMNS - 1) < COLUMNS // 2
    triangles = np.moveaxis(np.where(left != turned, falling, rising), 2, 0).reshape(-1, 3)
    return triangles[:, [0, 2, 1]] if reversed_ else triangles


def _lip_columns(points: Floats, landmarks: Mapping[str, Indices]) -> tuple[Floats, Floats]:
    """What the vertices weigh in each column of the upper and of the lower lip. [V, 3] -> [15, V], [15, V]"""
    # Landmarks run from the right corner over the upper lip to the left and back below; columns from left to right.
    outer, half = landmarks["lips_outer"], len(landmarks["lips_outer"]) // 2
    upper, lower = outer[half::-1], np.append(outer[half:], outer[0])
    return _resampled(upper, len(points)), _resampled(lower, len(points))


def _resampled(lip: Indices, count: int) -> Floats:
    """Columns spread evenly over a lip's vertices, each the mix of its two neighbours. [N] -> [15, count]"""
    along = np.linspace(0, len(lip) - 1, COLUMNS)
    weights = np.zeros((COLUMNS, count))
    for k, vertex in enumerate(lip):
        weights[:, vertex] += np.maximum(1 - np.abs(along - k), 0)
    return weights
