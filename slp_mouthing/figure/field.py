"""Distance fields of the shapes that a body is built of. Millimetres; negative inside.

A field takes points [N, 3] to distances [N]. Distances are exact near the surface only as far as `isosurface.py` needs: it walks
along the gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Points: TypeAlias = NDArray[np.float64]
    Field: TypeAlias = Callable[[Points], Points]
    Point: TypeAlias = Sequence[float] | Points


def cone(points: Points, start: Point, end: Point, start_radius: float, end_radius: float) -> Points:
    """A rod with round ends whose radius changes along it."""
    a, along = np.asarray(start, float), np.subtract(end, start)
    share = np.clip((points - a) @ along / (along @ along), 0, 1)
    away = np.linalg.norm(points - a - share[:, None] * along, axis=1)
    return np.asarray(away - start_radius - share * (end_radius - start_radius))


def ellipsoid(points: Points, center: Point, radii: Point) -> Points:
    """An ellipsoid along the axes; the distance is right to first order."""
    scaled = (points - center) / radii
    near, slope = np.linalg.norm(scaled, axis=1), np.linalg.norm(scaled / radii, axis=1)
    return np.asarray(near * (near - 1) / np.maximum(slope, 1e-9))


def joined(a: Points, b: Points, width: float) -> Points:
    """Union with a fillet where the two are about as near, within `width` mm of one another."""
    near = np.maximum(width - np.abs(a - b), 0) / width
    return np.asarray(np.minimum(a, b) - near**2 * width / 4)


def rounded(a: Points, b: Points, radius: float) -> Points:
    """Intersection with a round edge."""
    inner = np.minimum(np.maximum(a, b), -radius)
    return np.asarray(inner + np.hypot(np.maximum(a + radius, 0), np.maximum(b + radius, 0)))


def carved(a: Points, b: Points, width: float) -> Points:
    """`a` without `b`, the edge rounded over `width` mm."""
    return -joined(-a, b, width)


def gradient(field: Field, points: Points, step: float = 0.05) -> Points:
    """By differences at the corners of a tetrahedron. [N, 3] -> [N, 3]"""
    corners = np.array([(1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)], float)
    return np.asarray(sum(field(points + step * corner)[:, None] * corner for corner in corners) / (4 * step))
