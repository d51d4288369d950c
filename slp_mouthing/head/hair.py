"""Short hair, brows and lashes. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from slp_mouthing.head.hairline import HAIR, above_hairline
from slp_mouthing.head.paint import SKIN, skin_colors
from slp_mouthing.head.part import Part, grid, make_part, outward, tube
from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from slp_mouthing.head.subdivision import Indices, Points
    from slp_mouthing.head.surface import Skin

_BROW = np.array([0.090, 0.052, 0.034])
_LASH = np.array([0.022, 0.015, 0.012])
_CENTER = np.array([0.0, 25.0, -12.0])
_CROWN = np.array([0.0, 0.90, -0.436])
_LOCKS, _ROWS = 96, 11


def build_hair(skin: Skin) -> Part:
    """Locks that run from the crown to a broken hairline, full on top and cropped at the sides."""
    rng = np.random.default_rng(3)
    around = np.linspace(0, 2 * np.pi, _LOCKS, endpoint=False)
    strand = _wavy(rng, 0.5) + 0.6 * rng.standard_normal(_LOCKS)
    tip = np.tile((0.0, 2.2, 0.8), _LOCKS // 3) + 1.6 * _wavy(rng, 0.3) + 2.6 * rng.random(_LOCKS)
    along = np.linspace(0, 1, _ROWS + 1)[1:] ** 0.85
    swept = 0.30 * np.cos(around)
    end = _hairline_angle(skin, around + swept) + tip / 95
    rays = _rays(around[:, None] + swept[:, None] * along**2, along * end[:, None])
    radius = _skull_radius(skin, rays)
    top = smoothstep(25, 90, (_CENTER + rays * radius[..., None])[..., 1])
    front = smoothstep(0.35, 0.95, np.cos(around))[:, None]
    thickness = 2.6 + 9.5 * top + 4.0 * front * top * along + (0.5 + 1.3 * top) * strand[:, None] * along
    thickness = thickness * (1 - along ** (2.0 + 5.0 * front)) ** 0.7 + 0.3
    points = _CENTER + rays * (radius + thickness)[..., None]
    rows, triangles = tube(points.swapaxes(0, 1), start=_CENTER + _CROWN * (_skull_radius(skin, _CROWN[None])[0] + 11.5))
    shade = 1 + 0.25 * strand[:, None] * (0.4 + 0.6 * along) + 0.10 * rng.standard_normal((_LOCKS, _ROWS))
    cropped = (0.16 * (1 - top) * smoothstep(0.45, 1.0, along))[..., None]
    colors = HAIR * np.clip(shade, 0.55, 1.7)[..., None] * (1 - cropped) + SKIN * cropped
    return make_part(rows, outward(rows, triangles), "hair", np.concatenate([colors.swapaxes(0, 1).reshape(-1, 3), HAIR[None]]))


def _wavy(rng: np.random.Generator, roughness: float) -> Points:
    """Periodic smooth noise round the head, about 1 in size. -> [locks]"""
    around = np.linspace(0, 2 * np.pi, _LOCKS, endpoint=False)
    waves = [np.sin(k * around + rng.uniform(0, 7)) * k**-roughness for k in (5, 9, 14, 23)]
    return np.asarray(sum(waves)) * 0.7


def _rays(around: Points, away: Points) -> Points:
    """Directions at the angle `away` from the crown; `around` 0 points to the forehead. -> [..., 3]"""
    front = np.array([0.0, -_CROWN[2], _CROWN[1]])
    flat = np.sin(around)[..., None] * (1, 0, 0) + np.cos(around)[..., None] * front
    return np.asarray(np.cos(away)[..., None] * _CROWN + np.sin(away)[..., None] * flat)


def _skull_radius(skin: Skin, rays: Points) -> Points:
    """Distance from the hair's centre to the skin along unit `rays` [..., 3]."""
    from scipy.spatial import cKDTree

    away = skin.points - _CENTER
    outer = (skin.ring >= 7.9) & (skin.lid >= 7.9) & (skin.nostril == 0)
    away = away[outer]
    length = np.linalg.norm(away, axis=1)
    distance, nearest = cKDTree(away / length[:, None]).query(rays, k=5)
    weight = 1 / (np.asarray(distance) ** 2 + 1e-5)
    return np.asarray((weight * length[nearest]).sum(-1) / weight.sum(-1))


def _hairline_angle(skin: Skin, around: Points) -> Points:
    """Angle from the crown at which the scalp meets the hairline. [N] -> [N]"""
    away = np.linspace(0.5, 2.4, 96)
    rays = _rays(around[:, None], away[None])
    above = above_hairline(_CENTER + rays * _skull_radius(skin, rays)[..., None])
    return np.asarray(away[np.argmax(above < 0, axis=1)])


def build_brow(skin: Skin) -> Part:
    """The left brow: a soft-edged strip that lies on the skin and follows it."""
    along, across = np.linspace(0, 1, 30), np.linspace(-1, 1, 5)
    x = 13.0 + 38 * along
    middle = np.interp(along, (0, 0.15, 0.35, 0.55, 0.7, 0.85, 1), (18.8, 20.2, 22.2, 23.8, 24.0, 22.8, 20.2))
    half = np.interp(along, (0, 0.08, 0.35, 0.7, 1), (2.2, 3.5, 3.4, 2.5, 1.2))
    y = middle + across[:, None] * half
    flat, triangles = grid(np.stack([np.broadcast_to(x, y.shape), y, np.zeros_like(y)], -1), wrap=False)
    ends = smoothstep(0, 0.14, along) * smoothstep(1, 0.8, along)
    dense = np.array((0.0, 0.8, 1.0, 0.8, 0.0))[:, None] * ends
    comb = 0.90 + 0.10 * np.sin(61 * along + 3.0 * across[:, None]) * np.sin(23 * along)
    follows, points = _laid_on(skin, flat, lift=0.12 + 0.55 * dense.ravel())
    share = (dense * comb).ravel()[:, None]
    # Where hairs are few, the strip is skin.
    regions = np.where(share[triangles, 0].mean(1) > 0.3, "brow", "skin")
    colors = (follows @ skin_colors(skin)) * (1 - share) + _BROW * share
    return Part(points, triangles, regions, colors, np.asarray(follows @ skin.jaw), follows=follows)


def _laid_on(skin: Skin, points: Points, lift: Points) -> tuple[sp.csr_array, Points]:
    """`points` dropped along z onto the front of the skin: shares of its vertices, and where they come to lie."""
    corners = skin.points[skin.triangles]
    front = np.flatnonzero(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0)
    a, b, c = np.moveaxis(corners[front], 1, 0)
    det = _cross(b - a, c - a)
    shares, vertices = np.empty((len(points), 3)), np.empty((len(points), 3), int)
    for k, p in enumerate(points):
        v, w = _cross(p - a, c - a) / det, _cross(b - a, p - a) / det
        hit = np.flatnonzero(np.minimum(np.minimum(v, w), 1 - v - w) > -1e-9)
        best = hit[np.argmax(((1 - v - w) * a[:, 2] + v * b[:, 2] + w * c[:, 2])[hit])]
        shares[k] = 1 - v[best] - w[best], v[best], w[best]
        vertices[k] = skin.triangles[front[best]]
    starts = np.arange(0, 3 * len(points) + 1, 3)
    follows = sp.csr_array((shares.ravel(), vertices.ravel(), starts), (len(points), len(skin.points)))
    normals = follows @ _normals(skin.points, skin.triangles)
    return follows, np.asarray(follows @ skin.points + normals * lift[:, None])


def _cross(u: Points, v: Points) -> Points:
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])


def _normals(points: Points, triangles: Indices) -> Points:
    corners = points[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(points)
    for k in range(3):
        np.add.at(total, triangles[:, k], face)
    return np.asarray(total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-12))


def build_lashes(skin: Skin) -> Part:
    """The left eye's upper lashes: a dark strip from the lid's edge outwards, longer towards the temple."""
    on_edge = (np.abs(skin.lid - 2) < 1e-6) & (skin.side > 0) & (skin.lid_column > 0.2) & (skin.lid_column <= 6)
    edge = np.flatnonzero(on_edge & (skin.points[:, 1] > -1.2))
    edge = edge[np.argsort(skin.points[edge, 0])]
    base = skin.points[edge]
    along = (base[:, 0] - base[0, 0]) / (base[-1, 0] - base[0, 0])
    length = 0.3 + 1.9 * smoothstep(0, 0.75, along) * smoothstep(1.03, 0.85, along)
    length = length * (1 + 0.25 * (np.arange(len(edge)) % 2))
    outwards = np.stack([0.7 * (along - 0.35), np.full_like(along, 0.3), np.full_like(along, 0.8)], 1)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    rows = np.stack([base - (0, 0.15, 0.1), base + outwards * 0.2 + (0, 0.32, 0.2), base + outwards * length[:, None]])
    points, triangles = grid(rows, wrap=False)
    shares = (np.ones(len(points)), np.tile(edge, 3), np.arange(len(points) + 1))
    follows = sp.csr_array(shares, (len(points), len(skin.points)))
    jaw, colors = np.asarray(follows @ skin.jaw), np.broadcast_to(_LASH, points.shape)
    return Part(points, triangles, np.full(len(triangles), "lash"), colors, jaw, follows=follows)
