"""Brows and lashes, which lie on the skin and follow it. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from slp_mouthing.head.part import Part, grid
from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from slp_mouthing.head.appearance import Albedo
    from slp_mouthing.head.subdivision import Indices, Points
    from slp_mouthing.head.surface import Skin

_LASH = np.array([0.022, 0.015, 0.012])


def build_brow(skin: Skin, skin_color: Points, color: Albedo, weight: float) -> Part:
    """The left brow: a soft-edged strip that lies on the skin of `skin_color` [S, 3]; `weight` 1 is the default's fullness."""
    along, across = np.linspace(0, 1, 30), np.linspace(-1, 1, 7)
    x = 13.0 + 38 * along
    middle = np.interp(along, (0, 0.15, 0.35, 0.55, 0.7, 0.85, 1), (18.8, 20.2, 22.2, 23.8, 24.0, 22.8, 20.2))
    half = np.interp(along, (0, 0.08, 0.35, 0.7, 1), (3.0, 4.4, 4.3, 3.3, 1.6))
    y = middle + across[:, None] * half * weight**0.6
    flat, triangles = grid(np.stack([np.broadcast_to(x, y.shape), y, np.zeros_like(y)], -1), wrap=False)
    ends = smoothstep(0, 0.12, along) * smoothstep(1, 0.86, along)
    dense = np.array((0.0, 0.75, 1.0, 1.0, 1.0, 0.75, 0.0))[:, None] * ends * (1 - 0.2 * smoothstep(0.5, 0.9, along))
    comb = 0.90 + 0.10 * np.sin(61 * along + 3.0 * across[:, None]) * np.sin(23 * along)
    follows, points = _laid_on(skin, flat, lift=0.12 + 0.55 * dense.ravel())
    share = np.clip(weight**0.5 * dense * comb, 0, 1).ravel()[:, None]
    # Where hairs are few, the strip is skin.
    regions = np.where(share[triangles, 0].mean(1) > 0.3, "brow", "skin")
    colors = (follows @ skin_color) * (1 - share) + color * share
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
