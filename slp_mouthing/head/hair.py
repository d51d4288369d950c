"""Hair, brows and lashes. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from slp_mouthing.head.part import Part, grid
from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from slp_mouthing.head.subdivision import Indices, Points
    from slp_mouthing.head.surface import Skin

_HAIR = np.array([0.060, 0.034, 0.022])
_BROW = np.array([0.095, 0.055, 0.036])
_LASH = np.array([0.020, 0.014, 0.012])
_HAIRLINE_Z = (-100, -70, -55, -40, -28, -18, -8, 4, 12, 18, 26, 36, 48, 60, 74, 86, 92, 99)
_HAIRLINE_Y = (-80, -78, -72, -56, -34, 0, 20, 22, 12, -4, -3, 16, 40, 55, 65, 68.5, 66, 63)


def above_hairline(points: Points) -> Points:
    """Height over the hairline, negative below it. [N, 3] -> [N] mm"""
    return np.asarray(points[:, 1] - np.interp(points[:, 2], _HAIRLINE_Z, _HAIRLINE_Y))


def build_hair(skin: Skin) -> Part:
    """A shell over the scalp that thins out towards the hairline."""
    above = above_hairline(skin.points)
    outer = skin.ring > 7.9
    keep = (above[skin.triangles] > -6).all(1) & outer[skin.triangles].all(1)
    used, triangles = np.unique(skin.triangles[keep], return_inverse=True)
    points = skin.points[used]
    grown = np.clip((above[used] + 2) / np.interp(points[:, 2], (0, 60), (26, 44)), 0, 1)
    thickness = 9.5 * (0.42 + 0.58 * smoothstep(20, 75, points[:, 1])) * grown * (2 - grown) - 1.5
    points = points + _normals(skin.points, skin.triangles)[used] * thickness[:, None]
    turn = np.arctan2(points[:, 0], points[:, 2] + 8)
    colors = _HAIR * (1 + 0.25 * np.sin(23 * turn))[:, None]
    triangles = triangles.reshape(-1, 3)
    return Part(points, triangles, np.full(len(triangles), "hair"), colors, np.zeros(len(points)))


def _normals(points: Points, triangles: Indices) -> Points:
    corners = points[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(points)
    for k in range(3):
        np.add.at(total, triangles[:, k], face)
    return np.asarray(total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-12))


def build_brow(skin: Skin) -> Part:
    """The left brow: a thin strip that lies on the skin and follows it."""
    along = np.linspace(0, 1, 22)
    x = 13.5 + 37 * along
    middle = np.interp(along, (0, 0.15, 0.35, 0.55, 0.7, 0.85, 1), (18.8, 20.2, 22.4, 24.0, 24.2, 22.9, 20.0))
    half = np.interp(along, (0, 0.08, 0.35, 0.7, 1), (1.4, 2.9, 3.0, 2.0, 0.3))
    across = np.array([-1.0, 0.0, 1.0])
    y = middle + across[:, None] * half
    rows = np.stack([np.broadcast_to(x, y.shape), y, np.zeros_like(y)], -1)
    points, triangles = grid(rows, wrap=False)
    follows, points = _laid_on(skin, points, lift=np.repeat((0.15, 0.7, 0.15), len(along)))
    return Part(points, triangles, np.full(len(triangles), "brow"), np.broadcast_to(_BROW, points.shape),
                follows @ skin.jaw, follows=follows)  # fmt: skip


def _laid_on(skin: Skin, points: Points, lift: Points) -> tuple[sp.csr_matrix, Points]:
    """`points` dropped along z onto the front of the skin: shares of its vertices, and where they come to lie."""
    corners = skin.points[skin.triangles]
    front = np.flatnonzero(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0)
    a, b, c = np.moveaxis(corners[front], 1, 0)
    det = _cross(b - a, c - a)
    rows = np.empty((len(points), 3))
    vertices = np.empty((len(points), 3), int)
    for k, p in enumerate(points):
        v, w = _cross(p - a, c - a) / det, _cross(b - a, p - a) / det
        inside = np.minimum(np.minimum(v, w), 1 - v - w)
        hit = np.flatnonzero(inside > -1e-9)
        best = hit[np.argmax(((1 - v - w) * a[:, 2] + v * b[:, 2] + w * c[:, 2])[hit])]
        rows[k] = 1 - v[best] - w[best], v[best], w[best]
        vertices[k] = skin.triangles[front[best]]
    shares = sp.csr_matrix(
        (rows.ravel(), vertices.ravel(), np.arange(0, 3 * len(points) + 1, 3)), (len(points), len(skin.points))
    )
    normals = shares @ _normals(skin.points, skin.triangles)
    return shares, np.asarray(shares @ skin.points + normals * lift[:, None])


def _cross(u: Points, v: Points) -> Points:
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])


def build_lashes(skin: Skin) -> Part:
    """The left eye's upper lashes: a dark strip from the lid's edge outwards, longer towards the temple."""
    edge = np.flatnonzero((np.abs(skin.lid - 2) < 1e-6) & (skin.side > 0) & (skin.lid_column <= 6) & (skin.points[:, 1] > -2))
    edge = edge[np.argsort(skin.points[edge, 0])]
    base = skin.points[edge]
    along = (base[:, 0] - base[0, 0]) / (base[-1, 0] - base[0, 0])
    length = 0.5 + 3.0 * np.sin(np.pi * np.clip(along, 0, 1) ** 1.5) ** 0.7 + 0.9 * along
    outwards = np.stack([0.6 * (along - 0.35), np.full_like(along, 0.35), np.full_like(along, 0.8)], 1)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    rows = np.stack([base - (0, 0.35, 0.1), base + outwards * 0.25 + (0, 0.55, 0.25), base + outwards * length[:, None]])
    points, triangles = grid(rows, wrap=False)
    follows = sp.csr_matrix(
        (np.ones(3 * len(edge)), (np.arange(3 * len(edge)), np.tile(edge, 3))), (3 * len(edge), len(skin.points))
    )
    return Part(points, triangles, np.full(len(triangles), "lash"), np.broadcast_to(_LASH, points.shape),
                follows @ skin.jaw, follows=follows)  # fmt: skip
