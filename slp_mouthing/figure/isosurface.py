"""A mesh on the surface of a distance field: surface nets, then evened out and drawn onto the surface. Millimetres.

S. F. Gibson, Constrained elastic surface nets, MICCAI 1998: one vertex for each cell of a grid that the surface passes through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.field import gradient
from slp_mouthing.figure.mesh import smoother

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.figure.field import Field, Point, Points

    Indices = NDArray[np.int64]

_EVENINGS = 4
"""Times that vertices move towards their neighbours and back to the surface."""
_COARSE = 4
"""Cells to a coarse one: far from the surface the field is looked at no closer."""
_AROUND = ((1, 2), (2, 0), (0, 1))
"""The axes across x, y and z, so that all three run counter-clockwise."""


def surface(field: Field, low: Point, high: Point, cell: float) -> tuple[Points, Indices]:
    """Vertices [N, 3] and quads [Q, 4], counter-clockwise from outside, of a surface that lies within a box.

    Where the field is symmetric about x = 0, and so is the box, the mesh is too.
    """
    corners = _grid(low, high, cell)
    values = _values(field, corners, cell)
    vertex, points = _cells(values, corners)
    quads = np.concatenate([_crossings(values, vertex, axis) for axis in range(3)])
    smooth = smoother(quads, len(points))
    for _ in range(_EVENINGS):
        points = _drawn(field, smooth(points))
    return _drawn(field, points), quads


def _grid(low: Point, high: Point, cell: float) -> Points:
    """Corners of the cells of a box, as many on either side of its middle. -> [X, Y, Z, 3]"""
    middle = (np.asarray(low, float) + high) / 2
    reach = np.ceil((np.asarray(high, float) - low) / (2 * cell * _COARSE)).astype(int) * _COARSE
    axes = [middle[k] + cell * np.arange(-reach[k], reach[k] + 1) for k in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _values(field: Field, corners: Points, cell: float) -> Points:
    """The field at the corners of the cells; far from the surface, that at the nearest corner of a coarse cell."""
    few = corners[::_COARSE, ::_COARSE, ::_COARSE]
    coarse = field(few.reshape(-1, 3)).reshape(few.shape[:3])
    nearest = np.ix_(*((np.arange(n) + _COARSE // 2) // _COARSE for n in corners.shape[:3]))
    values = coarse[nearest]
    close = np.abs(values) < 2.5 * _COARSE * cell
    values[close] = field(corners[close])
    return values


def _cells(values: Points, corners: Points) -> tuple[Indices, Points]:
    """The vertex of each cell, -1 where the surface misses it; and all vertices, amid the crossings of their cell's edges."""
    shape = tuple(n - 1 for n in values.shape)
    total, count = np.zeros((*shape, 3)), np.zeros(shape)
    for axis in range(3):
        first, second = _pair(values, axis)
        share = np.where(first == second, 0.5, first / np.where(first == second, 1, first - second))[..., None]
        a, b = _pair(corners, axis)
        crossed = (first < 0) != (second < 0)
        place = np.where(crossed[..., None], a + share * (b - a), 0)
        for du in (0, 1):
            for dv in (0, 1):
                part = _beside(axis, du, dv, shape)
                total += place[part]
                count += crossed[part]
    found = count > 0
    vertex = np.full(shape, -1)
    vertex[found] = np.arange(found.sum())
    return vertex, total[found] / count[found][:, None]


def _crossings(values: Points, vertex: Indices, axis: int) -> Indices:
    """A quad for each edge along `axis` that the surface crosses, over the four cells around it."""
    first, second = _pair(values, axis)
    u, v = _AROUND[axis]
    inner = [slice(None)] * 3
    inner[u] = inner[v] = slice(1, -1)
    leaving, entering = (((first < 0) & (second >= 0))[tuple(inner)], ((first >= 0) & (second < 0))[tuple(inner)])
    around = []
    for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1)):
        part = [slice(None)] * 3
        part[u], part[v] = _half(du), _half(dv)
        around.append(vertex[tuple(part)])
    ring = np.stack(around, axis=-1)
    return np.concatenate([ring[leaving], ring[entering][:, ::-1]])


def _pair(values: Points, axis: int) -> tuple[Points, Points]:
    """The values at both ends of each edge along an axis."""
    along = np.moveaxis(values, axis, 0)
    return np.moveaxis(along[:-1], 0, axis), np.moveaxis(along[1:], 0, axis)


def _beside(axis: int, du: int, dv: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """One of the four edges along `axis` of every cell."""
    part = [slice(None)] * 3
    u, v = _AROUND[axis]
    part[u], part[v] = slice(du, du + shape[u]), slice(dv, dv + shape[v])
    return tuple(part)


def _half(step: int) -> slice:
    return slice(1, None) if step else slice(None, -1)


def _drawn(field: Field, points: Points) -> Points:
    """One step towards the surface."""
    slope = gradient(field, points)
    return np.asarray(points - (field(points) / np.maximum((slope**2).sum(1), 0.05))[:, None] * slope)
