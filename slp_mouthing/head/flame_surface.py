"""What FLAME's mesh is made of: landmarks by name, materials, colours.

Everything follows from the published landmark embedding and skinning weights, and from `FLAME_masks.pkl` where the user has
it: no vertex number of the model is needed. Metres.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.head.flame_files import JAW, LEFT_EYE, RIGHT_EYE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.head.skinning import SkinModel

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.int32]

REGION_NAMES = ("skin", "lip", "tooth", "sclera", "iris", "pupil")
_ALBEDO = np.array(
    [[0.60, 0.38, 0.29], [0.50, 0.19, 0.17], [0.80, 0.765, 0.68], [0.72, 0.69, 0.66], [0.20, 0.105, 0.048], [0.01, 0.01, 0.01]]
)
"""Linear RGB by region."""

_FIRST = 17
"""iBUG's number of the first landmark of the static embedding."""
_OUTER_LIP, _INNER_LIP = slice(48 - _FIRST, 60 - _FIRST), slice(60 - _FIRST, 68 - _FIRST)
_NAMED = {"lip_upper_mid": 62, "lip_lower_mid": 66, "lip_corner_right": 48, "lip_corner_left": 54, "nose_tip": 30}
_IRIS_RAD, _PUPIL_RAD = 0.49, 0.19
"""Half-angles as seen from the eye's centre: 5.8 and 2.3 mm on a globe of 12 mm."""


# ---- landmarks ------------------------------------------------------------------------------------------------------------
def name_landmarks(points: Floats, triangles: Indices, corners: Floats, model: SkinModel) -> dict[str, Indices]:
    """Vertices by the names of `rig.Head`. [V, 3], [51, 3] triangles' vertices, [51, 3] barycentric weights."""
    nearest = triangles[np.arange(len(triangles)), np.argmax(corners, axis=1)]
    landmarks = {name: nearest[number - _FIRST] for name, number in _NAMED.items()}
    landmarks |= {"lips_outer": nearest[_OUTER_LIP], "lips_inner": nearest[_INNER_LIP]}
    landmarks |= {"chin": _chin(points, model.weights[:, JAW])}
    for name, joint in (("eye_left", LEFT_EYE), ("eye_right", RIGHT_EYE)):
        globe = np.flatnonzero(model.weights[:, joint] >= 0.5 * model.weights[:, joint].max())
        landmarks[name] = globe[np.argmax(points[globe, 2])]
    return {name: np.atleast_1d(vertices).astype(np.int32) for name, vertices in landmarks.items()}


def _chin(points: Floats, jaw: Floats) -> int:
    """The lowest point at the midline that turns with the jaw."""
    moved = np.flatnonzero(jaw >= 0.5 * jaw.max())
    return int(moved[np.argmin(points[moved, 1] + np.abs(points[moved, 0]))])


# ---- materials ------------------------------------------------------------------------------------------------------------
def vertex_regions(
    points: Floats, model: SkinModel, landmarks: Mapping[str, Indices], masks: Mapping[str, Indices]
) -> NDArray[np.uint8]:
    """Index into `REGION_NAMES` of each vertex. [V, 3] -> [V]"""
    regions = np.zeros(len(points), np.uint8)
    regions[masks["lips"] if "lips" in masks else _between_contours(points, landmarks)] = REGION_NAMES.index("lip")
    for joint, mask in ((LEFT_EYE, "left_eyeball"), (RIGHT_EYE, "right_eyeball")):
        globe = masks[mask] if mask in masks else np.flatnonzero(model.weights[:, joint] > 0.5)
        gaze = points[globe] - model.joints[joint]
        angle = np.arctan2(np.hypot(gaze[:, 0], gaze[:, 1]), gaze[:, 2])
        regions[globe] = np.select([angle < _PUPIL_RAD, angle < _IRIS_RAD], [5, 4], 3)
    return regions


def triangle_regions(regions: NDArray[np.uint8], triangles: Indices) -> NDArray[np.uint8]:
    """A triangle is skin where any of its vertices is; else what its first vertex is. [V], [F, 3] -> [F]"""
    corners = regions[triangles]
    return np.where((corners == 0).any(axis=1), 0, corners[:, 0]).astype(np.uint8)


def region_colors(regions: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Linear RGB by vertex. [V] -> [V, 3]"""
    return _ALBEDO[regions].astype(np.float32)


def _between_contours(points: Floats, landmarks: Mapping[str, Indices]) -> NDArray[np.intp]:
    """Vertices within the lips' outer contour as seen from the front, no deeper than the lips are wide."""
    outer = points[landmarks["lips_outer"]]
    # The embedding's points stand for the contour's vertices only nearly, so that the contour itself needs a margin.
    contour = outer[:, :2].mean(0) + 1.03 * (outer[:, :2] - outer[:, :2].mean(0))
    in_front = points[:, 2] > outer[:, 2].min() - 0.2 * np.ptp(outer[:, 0])
    return np.flatnonzero(_inside_polygon(points[:, :2], contour) & in_front)


def _inside_polygon(points: Floats, polygon: Floats) -> NDArray[np.bool_]:
    """Whether a ray along +x crosses the outline an odd number of times. [V, 2], [N, 2] -> [V]"""
    (x, y), (x0, y0), (x1, y1) = points.T[..., None], polygon.T, np.roll(polygon, -1, axis=0).T
    spans = (y0 > y) != (y1 > y)
    slope = np.divide(x1 - x0, y1 - y0, out=np.zeros_like(x0), where=y1 != y0)
    return np.asarray((spans & (x < x0 + (y - y0) * slope)).sum(axis=1) % 2 == 1)
