"""Vertex normals of a mesh at rest and as it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import Array


class Normals:
    """Normals of one mesh, each the mean of its triangles' weighted by area."""

    def __init__(self, neutral_m: Array, triangles: NDArray[np.int32]) -> None:
        self._neutral_m, self._triangles = neutral_m, triangles
        self._crosses = _crosses(neutral_m, triangles)
        self._sums = _gather(self._crosses, triangles, len(neutral_m))
        self.neutral = _unit(self._sums)  # [V, 3]

    def of(self, vertices_m: Array) -> Array:
        """Unit normals of the posed mesh. [V, 3] -> [V, 3]."""
        return _unit(_gather(_crosses(vertices_m, self._triangles), self._triangles, len(vertices_m)))

    def change(self, offsets_m: Array) -> Array:
        """What `offsets_m` from the neutral mesh add to its normals. [V, 3] -> [V, 3]."""
        a, b, c = moving(offsets_m)[self._triangles].T
        touched = a | b | c
        triangles = self._triangles[touched]
        turned = _crosses(self._neutral_m + offsets_m, triangles) - self._crosses[touched]
        sums = self._sums + _gather(turned, triangles, len(offsets_m))
        around = np.zeros(len(offsets_m), bool)
        around[triangles] = True
        change = np.zeros_like(offsets_m)
        change[around] = _unit(sums[around]) - self.neutral[around]
        return change


def moving(offsets_m: Array) -> NDArray[np.bool_]:
    """Which vertices have an offset. [V, 3] -> [V]."""
    x, y, z = offsets_m.T  # a reduction over rows of three is many times slower
    moved: NDArray[np.bool_] = (x != 0) | (y != 0) | (z != 0)
    return moved


def _crosses(vertices_m: Array, triangles: NDArray[np.int32]) -> Array:
    """Normals of the triangles, twice their area long. -> [F, 3]."""
    a, b, c = (vertices_m[triangles[:, corner]] for corner in range(3))
    (ux, uy, uz), (vx, vy, vz) = (b - a).T, (c - a).T
    return np.stack([uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx], axis=1)


def _gather(crosses: Array, triangles: NDArray[np.int32], vertices: int) -> Array:
    """Sum of each vertex's triangles. -> [V, 3]."""
    corners = triangles.ravel()
    sums = [np.bincount(corners, np.repeat(axis, 3), minlength=vertices) for axis in crosses.T]
    return np.stack(sums, axis=1).astype(np.float32)


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # A vertex without a triangle still needs a direction: readers reject normals that are not of unit length.
    return np.where(lengths > 1e-20, vectors / np.maximum(lengths, 1e-20), np.array([0.0, 0.0, 1.0])).astype(np.float32)
