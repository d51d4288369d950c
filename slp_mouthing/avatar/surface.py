"""A head's rest surface, discs that tile it, and Gaussians before they are bound to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slp_mouthing.avatar.binding import Avatar, triangle_frames, triangle_shapes

if TYPE_CHECKING:
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

OVERLAP = 2.45
"""Standard deviation of a disc over that of the triangle it covers: neighbours blend without holes."""
FACE_RADIUS_M = 0.105
CREASE_BELOW_M = 0.038
"""How far the crease between lower lip and chin lies below the middle of the face."""
CREASE_REACH_M = (0.034, 0.012, 0.040)
"""Half-axes of the ellipsoid about it."""
THINNESS = 0.12
CURVE = 0.75
"""How far discs are lifted from the flat triangle onto the surface that its normals mean (Phong tessellation)."""


@dataclass(frozen=True, slots=True)
class Surface:
    """Corners of all triangles at rest, with what is known at them."""

    corners: Floats  # [F, 3, 3] m
    normals: Floats  # [F, 3, 3] unit, smooth
    colors: Floats  # [F, 3, 3] linear albedo
    curvature: Floats  # [F] rad/m, the largest of the triangle and those that touch it
    regions: NDArray[np.uint8]  # [F]
    region_names: tuple[str, ...]
    face_center: Floats  # [3] m

    @staticmethod
    def of(head: Head) -> Surface:
        points = head.neutral_m.astype(np.float64)
        corners = points[head.triangles]
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        total = np.zeros_like(points)
        for k in range(3):
            np.add.at(total, head.triangles[:, k], faces)
        total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)
        colors = head.colors.astype(np.float64)
        center = points[head.landmarks["nose_tip"]].mean(0) - (0.0, 0.01, 0.01)
        normals = total[head.triangles]
        curvature = _around(_bend(normals) / np.maximum(_longest(corners), 1e-9), head.triangles)
        return Surface(corners, normals, colors[head.triangles], curvature, head.regions, head.region_names, center)

    def triangles_of(self, region: str) -> Indices:
        """Those of a region that have an area. -> [n]"""
        if region not in self.region_names:
            return np.empty(0, np.intp)
        found = np.flatnonzero(self.regions == self.region_names.index(region))
        return found[self.areas(found) > 1e-12]

    def areas(self, triangles: Indices) -> Floats:
        a, b, c = np.moveaxis(self.corners[triangles], 1, 0)
        return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)

    def coarseness(self, points: Floats) -> Floats:
        """1 in the face, growing with the distance from it. [n, 3] -> [n]"""
        # Depth counts less: ears and jaw are outlines of the face.
        distance = np.linalg.norm((points - self.face_center) * (1, 1, 0.6), axis=1)
        return np.asarray(1 + np.clip((distance - FACE_RADIUS_M) / 0.03, 0, 1.8))

    def at_crease(self, points: Floats) -> NDArray[np.bool_]:
        """Whether points lie under the lower lip, where the skin bends as the mouth opens. [n, 3] -> [n]"""
        offsets = (points - self.face_center + (0.0, CREASE_BELOW_M, 0.0)) / CREASE_REACH_M
        return np.asarray((offsets**2).sum(1) < 1)

    def at(self, values: Floats, triangles: Indices, weights: Floats) -> Floats:
        """Corner values [F, 3, 3] at barycentric weights [n, 3] of triangles [n]. -> [n, 3]"""
        return np.asarray(np.einsum("nk,nkc->nc", weights, values[triangles]))


@dataclass(frozen=True, slots=True)
class Gaussians:
    """n Gaussians of one material on the rest surface, in the world's frame."""

    material: str
    triangle: Indices  # [n]
    mean: Floats  # [n, 3] m
    axes: Floats  # [n, 3, 3] columns
    deviation: Floats  # [n, 3] m
    opacity: Floats  # [n]
    color: Floats  # [n, 3]


@dataclass(frozen=True, slots=True)
class Look:
    """How the triangles of a region become discs."""

    edge_mm: float = 3.0
    """Longest edge of the triangle that one disc covers in the face; longer away from it, where there is little to see."""
    bend_rad: float = math.inf
    """Largest angle over which one disc may stand for a bent surface: small ones keep outlines sharp."""
    crease_mm: float = math.inf
    """As `edge_mm`, under the lower lip, where discs of one shade each would show as dots."""
    opacity: float = 0.99
    speckle: float = 0.0
    """Standard deviation of the albedo, relative."""
    lift_mm: float = 0.0
    """Along the normal, from the surface."""
    albedo: tuple[float, float, float] | None = None
    """In place of the head's own colour."""


def discs(surface: Surface, region: str, look: Look, density: float, rng: np.random.Generator) -> Gaussians:
    """Every triangle of a region cut into pieces that are small enough, and a disc for each piece."""
    triangles = surface.triangles_of(region)
    corners = surface.corners[triangles]
    limit = np.minimum(
        look.edge_mm * 1e-3 * surface.coarseness(corners.mean(1)),
        look.bend_rad / np.maximum(surface.curvature[triangles], 1e-6),
    )
    limit = np.where(surface.at_crease(corners.mean(1)), np.minimum(limit, look.crease_mm * 1e-3), limit)
    owner, pieces = _bisected(corners, limit / density)
    owned, weights = triangles[owner], pieces.mean(1)
    mean = _lifted(surface, owned, weights) + look.lift_mm * 1e-3 * surface.at(surface.normals, owned, weights)
    albedo = np.broadcast_to(look.albedo, mean.shape) if look.albedo else surface.at(surface.colors, owned, weights)
    color = albedo * (1 + look.speckle * rng.standard_normal((len(owned), 1)))
    axes, deviation = _flat_covariance(pieces @ corners[owner])
    return Gaussians(region, owned, mean, axes, OVERLAP * deviation, np.full(len(owned), look.opacity), color)


def bound(parts: list[Gaussians], head: Head) -> Avatar:
    """All parts as an avatar, each in the frame of its triangle."""
    triangle = np.concatenate([p.triangle for p in parts])
    frames = triangle_frames(head.neutral_m, head.triangles)
    rotation, scale, center = (array[triangle].astype(np.float64) for array in frames)
    mean = np.concatenate([p.mean for p in parts]) - center
    axes = np.concatenate([p.axes for p in parts])
    deviation = np.concatenate([p.deviation for p in parts])
    names = tuple(dict.fromkeys(p.material for p in parts))
    material = np.concatenate([np.full(len(p.triangle), names.index(p.material), np.uint8) for p in parts])
    return Avatar(
        binding=triangle.astype(np.int32),
        position=_single(np.einsum("nji,nj->ni", rotation, mean) / scale[:, None]),
        rotation_wxyz=_quaternions(np.einsum("nji,njk->nik", rotation, axes)),
        log_scale=_single(np.log(np.maximum(deviation, 1e-7) / scale[:, None])),
        opacity=_single(np.concatenate([p.opacity for p in parts])),
        color=_single(np.clip(np.concatenate([p.color for p in parts]), 0, 1)),
        material=material,
        material_names=names,
        rest_shape=triangle_shapes(head.neutral_m, head.triangles)[triangle],
    )


def _longest(corners: Floats) -> Floats:
    """Longest edges of triangles. [n, 3, 3] -> [n]"""
    return np.asarray(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1, initial=0))


def _bend(normals: Floats) -> Floats:
    """Largest angle between the normals at two corners. [n, 3, 3] -> [n] rad"""
    cosine = (normals * np.roll(normals, 1, axis=1)).sum(2).min(1, initial=1)
    return np.asarray(np.arccos(np.clip(cosine, -1, 1)))


def _around(values: Floats, triangles: NDArray[np.int32]) -> Floats:
    """The largest value of each triangle and of those that share a corner with it. [F] -> [F]"""
    at_vertex = np.zeros(triangles.max(initial=-1) + 1)
    for k in range(3):
        np.maximum.at(at_vertex, triangles[:, k], values)
    return np.asarray(at_vertex[triangles].max(1, initial=0))


def _bisected(corners: Floats, limit: Floats) -> tuple[Indices, Floats]:
    """Triangles [n, 3, 3] halved across their longest edge until none is longer than its limit [n].

    Returns the triangle of each piece [m], and the barycentric weights of the piece's corners [m, 3, 3].
    """
    owner, pieces = np.arange(len(corners)), np.broadcast_to(np.eye(3), corners.shape).copy()
    while True:
        points = pieces @ corners[owner]
        edges = np.linalg.norm(points - np.roll(points, -1, axis=1), axis=2)
        long = np.flatnonzero(edges.max(1, initial=0) > limit[owner])
        if not len(long):
            return owner, pieces
        at = edges[long].argmax(1)
        a, b, c = (pieces[long, (at + k) % 3] for k in range(3))
        middle = (a + b) / 2
        pieces[long] = np.stack([a, middle, c], axis=1)
        owner = np.concatenate([owner, owner[long]])
        pieces = np.concatenate([pieces, np.stack([middle, b, c], axis=1)])


def _lifted(surface: Surface, triangles: Indices, weights: Floats) -> Floats:
    """Points of triangles, carried onto the curved surface that the normals mean. -> [n, 3]"""
    flat = surface.at(surface.corners, triangles, weights)
    corners, normals = surface.corners[triangles], surface.normals[triangles]
    above = ((flat[:, None] - corners) * normals).sum(2, keepdims=True)
    return np.asarray(flat - CURVE * np.einsum("nk,nkc->nc", weights, above * normals))


def _flat_covariance(corners: Floats) -> tuple[Floats, Floats]:
    """Axes (columns: long, short, normal) and deviations of evenly filled triangles. [n, 3, 3] -> [n, 3, 3], [n, 3]"""
    centered = corners - corners.mean(1, keepdims=True)
    variance, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", centered, centered) / 12)
    axes = axes[:, :, ::-1]
    axes[:, :, 2] *= np.sign(np.linalg.det(axes))[:, None]
    deviation = np.sqrt(np.maximum(variance[:, ::-1], 0))
    deviation[:, 2] = THINNESS * deviation[:, 1]
    return axes, deviation


def _quaternions(matrices: Floats) -> Array:  # [n, 3, 3] -> [n, 4]
    from scipy.spatial.transform import Rotation

    if not len(matrices):
        return np.empty((0, 4), np.float32)
    return _single(Rotation.from_matrix(matrices).as_quat(scalar_first=True))


def _single(values: Floats) -> Array:
    return np.ascontiguousarray(values, np.float32)
