"""Catmull-Clark subdivision and fairing as sparse matrices.

A point, a weight or a blend-shape offset given on the cage reaches the fine mesh by one product: `fine = smooth @ cage`.
Letters in shapes: C cage vertices, N vertices after one step, H half-edges (one for each corner of each face), F faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Faces:
    """Polygons over `vertices` vertices, as corners in order."""

    vertices: int
    corner: Indices  # [H] vertex of each corner
    face: Indices  # [H] face of each corner, ascending

    @staticmethod
    def of(polygons: Sequence[Sequence[int]], vertices: int) -> Faces:
        sizes = [len(polygon) for polygon in polygons]
        corner = np.fromiter((v for polygon in polygons for v in polygon), np.int64, sum(sizes))
        return Faces(vertices, corner, np.repeat(np.arange(len(sizes)), sizes))

    @property
    def count(self) -> int:
        return int(self.face[-1]) + 1

    @property
    def following(self) -> Indices:  # [H] vertex of the next corner of the same face
        start = np.flatnonzero(np.r_[True, self.face[1:] != self.face[:-1]])
        after = np.r_[self.corner[1:], -1]
        after[np.r_[start[1:] - 1, len(self.corner) - 1]] = self.corner[start]
        return np.asarray(after)

    def edges(self) -> tuple[Indices, Indices]:
        """Undirected edges [E, 2] and the edge that leaves each corner [H]."""
        pairs = np.sort(np.stack([self.corner, self.following], axis=1), axis=1)
        keys, edge = np.unique(pairs[:, 0] * self.vertices + pairs[:, 1], return_inverse=True)
        return np.stack([keys // self.vertices, keys % self.vertices], axis=1), edge


@dataclass(frozen=True, slots=True)
class Step:
    """One Catmull-Clark step. New vertices are ordered: old vertices, one per face, one per edge."""

    smooth: sp.csr_array  # [N, C]
    linear: sp.csr_array  # [N, C] the same vertices without smoothing, for coordinates along loops
    quads: Indices  # [4 corners' quads, 4]; quad k lies at corner k of the old faces
    edge: Indices  # [H] the edge that leaves each corner of the old faces
    faces: Faces


def catmull_clark(faces: Faces) -> Step:
    """Subdivide once; open borders become cubic B-splines."""
    n, count = faces.vertices, faces.count
    ends, edge = faces.edges()
    one = np.ones(len(faces.corner))
    in_face = sp.csr_array((one, (faces.face, faces.corner)), (count, n))
    face_mean = sp.csr_array(sp.diags_array(1 / np.bincount(faces.face)) @ in_face)
    rows = np.repeat(np.arange(len(ends)), 2)
    on_edge = sp.csr_array((np.ones(len(rows)), (rows, ends.ravel())), (len(ends), n))
    beside = sp.csr_array((one, (edge, faces.face)), (len(ends), count))
    inner = np.asarray(beside.sum(1)).ravel() == 2
    edge_point = sp.diags_array(np.where(inner, 0.25, 0.5)) @ on_edge + sp.diags_array(0.25 * inner) @ beside @ face_mean
    linear = sp.csr_array(sp.vstack([sp.eye_array(n), face_mean, 0.5 * on_edge]))
    smooth = sp.csr_array(sp.vstack([_vertex_points(on_edge, in_face, face_mean, inner), face_mean, edge_point]))
    quads = _quads(faces, edge)
    return Step(smooth, linear, quads, edge, Faces(smooth.shape[0], quads.ravel(), np.repeat(np.arange(len(quads)), 4)))


def _vertex_points(
    on_edge: sp.csr_array, in_face: sp.csr_array, face_mean: sp.csr_array, inner: NDArray[np.bool_]
) -> sp.csr_array:
    n = on_edge.shape[1]
    valence = np.asarray(on_edge.sum(0)).ravel()
    border_edges = sp.diags_array((~inner).astype(float)) @ on_edge
    border = np.asarray(border_edges.sum(0)).ravel() > 0
    safe = np.maximum(valence, 1)
    inside = sp.diags_array((safe - 3) / safe) + sp.diags_array(1 / safe**2) @ (in_face.T @ face_mean + on_edge.T @ on_edge)
    outside = 0.5 * sp.eye_array(n) + 0.125 * border_edges.T @ border_edges
    return sp.csr_array(sp.diags_array((~border).astype(float)) @ inside + sp.diags_array(border.astype(float)) @ outside)


def _quads(faces: Faces, edge: Indices) -> Indices:
    n, count = faces.vertices, faces.count
    start = np.flatnonzero(np.r_[True, faces.face[1:] != faces.face[:-1]])
    last = np.r_[start[1:], len(edge)] - 1
    arriving = np.r_[edge[-1], edge[:-1]]
    arriving[start] = edge[last]
    return np.stack([faces.corner, n + count + edge, n + faces.face, n + count + arriving], axis=1)


def triangulate_adaptive(coarse: Step, fine: Step, refined: NDArray[np.bool_], points: Points) -> tuple[Indices, Indices]:
    """Triangles that follow `fine` on the refined quads of `coarse` and `coarse` elsewhere, without cracks.

    `refined` is [quads of coarse]; `points` are the vertices of `fine`. Returns triangles [F, 3] over the vertices of `fine`
    and the coarse quad of each [F].
    """
    source = np.repeat(np.arange(len(refined)), 4)
    split = refined[source]
    small = fine.quads[split]
    on_refined = np.zeros(fine.edge.max() + 1, bool)
    on_refined[fine.edge[split]] = True
    offset = coarse.faces.vertices + coarse.faces.count
    extra = (on_refined[fine.edge] & ~split).reshape(-1, 4)
    midpoint = (offset + fine.edge).reshape(-1, 4)
    plain = ~refined & ~extra.any(1)
    triangles = [split_quads(small, points), split_quads(coarse.quads[plain], points)]
    owner = [np.repeat(source[split], 2), np.repeat(np.flatnonzero(plain), 2)]
    for f in np.flatnonzero(extra.any(1)):
        fan = _fan(coarse.quads[f], midpoint[f], extra[f])
        triangles.append(fan)
        owner.append(np.full(len(fan), f))
    return np.concatenate(triangles), np.concatenate(owner)


def _fan(quad: Indices, midpoint: Indices, extra: NDArray[np.bool_]) -> Indices:
    """A quad with additional vertices on some sides, as a fan about the first of them."""
    ring: list[int] = []
    for k in range(4):
        ring.append(int(quad[k]))
        if extra[k]:
            ring.append(int(midpoint[k]))
    apex = ring.index(int(midpoint[int(np.argmax(extra))]))
    ring = ring[apex:] + ring[:apex]
    return np.array([(ring[0], ring[k], ring[k + 1]) for k in range(1, len(ring) - 1)])


def split_quads(quads: Indices, points: Points) -> Indices:
    """Two triangles for each quad, along its shorter diagonal, so that mirrored quads split alike. [Q, 4] -> [2Q, 3]."""
    a, b, c, d = (points[quads[:, k]] for k in range(4))
    first = np.linalg.norm(a - c, axis=1) <= np.linalg.norm(b - d, axis=1)
    one = np.where(first[:, None], quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    two = np.where(first[:, None], quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    return np.stack([one, two], axis=1).reshape(-1, 3)


class Fairing:
    """Thin-plate smoothing that keeps values where they are held.

    Minimises |laplacian x|² * bending + |x - given|² weighted by `hold` [C]; factorised once for many right sides.
    """

    def __init__(self, faces: Faces, hold: Points, bending: float = 1.0) -> None:
        n = faces.vertices
        rows, columns = np.r_[faces.corner, faces.following], np.r_[faces.following, faces.corner]
        near = sp.csr_array((np.ones(len(rows)), (rows, columns)), (n, n))
        near.data[:] = 1
        laplacian = sp.eye_array(n) - sp.diags_array(1 / np.asarray(near.sum(1)).ravel()) @ near
        self._hold = hold
        self._factor = splu((bending * laplacian.T @ laplacian + sp.diags_array(hold)).tocsc())

    def __call__(self, given: Points) -> Points:  # [C, ...] -> [C, ...]
        flat = given.reshape(len(given), -1)
        return np.asarray(self._factor.solve(self._hold[:, None] * flat)).reshape(given.shape)
