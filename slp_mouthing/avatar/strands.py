"""Hair, brows and lashes as long thin Gaussians that lie along the way the hair grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.surface import Gaussians

if TYPE_CHECKING:
    from slp_mouthing.avatar.surface import Floats, Indices, Surface

CROWN = np.array([0.07, 0.86, -0.50])
"""From where the hair falls, as a direction from the middle of the head."""
STRANDS = 4000
"""About as many at most of the hair: long hair has wider gaps between them."""

BROW_LIFT_M = 1.1e-3
"""Off the skin, so that its larger discs do not cover the hairs."""


def hair_strands(surface: Surface, rng: np.random.Generator) -> Gaussians:
    """Locks that run from the crown downwards and break up the hairline."""
    area = surface.areas(surface.triangles_of("hair")).sum()
    triangles, weights = _scattered(surface, "hair", min(0.07e6, STRANDS / max(area, 1e-9)), rng)
    mean, normal = _points(surface, triangles, weights)
    along = _across(-CROWN / np.linalg.norm(CROWN) + 0.07 * rng.standard_normal((len(mean), 3)), normal)
    lock = _lock_shade(mean)
    color = surface.at(surface.colors, triangles, weights) * (lock * np.exp(0.16 * rng.standard_normal(len(mean))))[:, None]
    mean = mean + normal * rng.uniform(-0.1e-3, 1.0e-3, (len(mean), 1))
    size = np.array([3.0e-3, 0.68e-3, 0.30e-3]) * np.exp(0.15 * rng.standard_normal((len(mean), 1)))
    return _strands("strand", triangles, mean, along, normal, size, 0.85, color)


def brow_strands(surface: Surface, rng: np.random.Generator) -> Gaussians:
    """Short hairs, upwards at the nose and outwards at the temple."""
    triangles, weights = _scattered(surface, "brow", 2.2e6, rng)
    mean, normal = _points(surface, triangles, weights)
    outwards = _outwards(mean, normal)
    direction = outwards + 0.18 * rng.standard_normal(outwards.shape)
    color = surface.at(surface.colors, triangles, weights) * np.exp(0.25 * rng.standard_normal((len(mean), 1)))
    mean = mean + BROW_LIFT_M * normal
    size = np.array([1.30e-3, 0.26e-3, 0.18e-3]) * np.exp(0.2 * rng.standard_normal((len(mean), 1)))
    return _strands("brow", triangles, mean, _across(direction, normal), normal, size, 0.75, color)


def lash_strands(surface: Surface, rng: np.random.Generator) -> Gaussians:
    """Lashes from the lid's edge outwards."""
    triangles, weights = _scattered(surface, "lash", 4.0e6, rng)
    mean, normal = _points(surface, triangles, weights)
    side = np.sign(mean[:, :1])
    direction = np.concatenate([0.35 * side, np.full_like(side, 0.45), np.full_like(side, 0.8)], axis=1)
    direction = direction + 0.15 * rng.standard_normal(direction.shape)
    color = surface.at(surface.colors, triangles, weights)
    size = np.broadcast_to([0.75e-3, 0.13e-3, 0.10e-3], (len(mean), 3))
    return _strands("lash", triangles, mean, _across(direction, normal), normal, size, 0.55, color)


def _scattered(surface: Surface, region: str, per_m2: float, rng: np.random.Generator) -> tuple[Indices, Floats]:
    """Random places on a region: triangles [n] and barycentric weights [n, 3]."""
    found = surface.triangles_of(region)
    wanted = surface.areas(found) * per_m2
    count = np.floor(wanted + rng.random(len(found))).astype(int)
    triangles = np.repeat(found, count)
    u, v = np.sqrt(rng.random(len(triangles))), rng.random(len(triangles))
    return triangles, np.stack([1 - u, u * (1 - v), u * v], axis=1)


def _points(surface: Surface, triangles: Indices, weights: Floats) -> tuple[Floats, Floats]:
    normal = surface.at(surface.normals, triangles, weights)
    return surface.at(surface.corners, triangles, weights), normal / np.maximum(
        np.linalg.norm(normal, axis=1, keepdims=True), 1e-9
    )


def _across(direction: Floats, normal: Floats) -> Floats:
    """The part of a direction that lies in the surface, of unit length."""
    flat = direction - (direction * normal).sum(1, keepdims=True) * normal
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))


def _outwards(mean: Floats, normal: Floats) -> Floats:
    side = np.sign(mean[:, 0])
    along = np.clip((np.abs(mean[:, 0]) - 0.014) / 0.037, 0, 1)
    rise = np.interp(along, (0, 0.25, 0.65, 1), (1.6, 0.65, 0.15, -0.35))
    return _across(np.stack([side, rise, np.zeros_like(side)], axis=1), normal)


def _lock_shade(mean: Floats) -> Floats:
    """Light and dark locks around the crown's axis."""
    axis = CROWN / np.linalg.norm(CROWN)
    right = np.cross((0.0, 0.0, 1.0), axis)
    right /= np.linalg.norm(right)
    middle = mean - (0.0, 0.035, -0.008)
    turn = np.arctan2(middle @ right, middle @ np.cross(axis, right))
    down = np.arccos(np.clip(middle @ axis / np.linalg.norm(middle, axis=1), -1, 1))
    wave = np.sin(23 * turn + 2.1 * down) + 0.7 * np.sin(57 * turn - 1.7 * down) + 0.5 * np.sin(97 * turn + 3 * down)
    return np.asarray(np.exp(0.24 * wave))


def _strands(
    material: str, triangles: Indices, mean: Floats, along: Floats, normal: Floats, size: Floats, opacity: float, color: Floats
) -> Gaussians:
    axes = np.stack([along, np.cross(normal, along), normal], axis=2)
    return Gaussians(material, triangles, mean, axes, size, np.full(len(mean), opacity), color)
