"""A head on a body that moves, under a light: shadows fall where the arms are, and the mouth is lit wherever the head turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.render.cast_shadow import cast, shadow_map
from slp_mouthing.render.lit import FaceLight, LitHead
from slp_mouthing.render.occlusion import frame, smoother

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Figure
    from slp_mouthing.render.light import Lighting
    from slp_mouthing.types import Array

MAP_PIXELS, MAP_SPAN_M = 360, 1.5
"""Of the shadow map; it follows the mesh."""
DARKEST = np.float32(0.75)
"""Share of the key light that a hand can take from a chest: rooms are bright, and shadows must not look like stains."""


class LitSigner(LitHead):
    """`LitHead` for a head on a body."""

    def __init__(self, signer: Figure, lighting: Lighting | None = None) -> None:
        super().__init__(signer, lighting)
        self._body_from = signer.body_from
        self._crown = signer.landmarks["crown"]
        self._crown_at_rest = signer.neutral_m[self._crown].astype(np.float64)
        of_body = (signer.triangles >= signer.body_from).all(axis=1)
        skin = np.isin(signer.regions, [k for k, name in enumerate(signer.region_names) if name in ("skin", "hair")])
        self._body_triangles = np.ascontiguousarray(signer.triangles[of_body])
        self._head_triangles = np.ascontiguousarray(signer.triangles[skin & ~of_body])
        self._axes = frame(self.lights[0])
        self._smooth = smoother(signer.triangles, len(signer.neutral_m))

    def at(self, vertices_m: Array) -> FaceLight:
        """The light on a posed mesh [V, 3]."""
        to_rest = rigid_motion(vertices_m[self._crown].astype(np.float64), self._crown_at_rest)
        lips = vertices_m[[self._upper, self._lower]] @ to_rest[:, :3].T + to_rest[:, 3]
        gap = max(0.0, float(lips[0, 1] - lips[1, 1]) - self._rest_gap_m)
        share = np.float32(min(1.0, gap / self._full_gap_m))
        normals = self.normals(vertices_m)
        sky = self._rest.sky + share * (self._opened.sky - self._rest.sky)
        key = self._rest.key + share * (self._opened.key - self._rest.key)
        key[self._body_from :] = 1
        key *= self._unshadowed(vertices_m, normals)
        return FaceLight(normals, sky, key, self._face(gap, vertices_m, to_rest))

    def _unshadowed(self, vertices_m: Array, normals: Array) -> Array:
        """Share of the key light that arms and hands let through to each vertex, and the head to the body's. -> [V]"""
        screen = np.ascontiguousarray((vertices_m - vertices_m.mean(0)) @ self._axes.T)
        up = np.ascontiguousarray(normals @ self._axes.T)
        lit, nearest = np.empty(len(screen), np.float32), np.full((MAP_PIXELS, MAP_PIXELS), -np.inf, np.float32)
        scale, half = np.float32(MAP_PIXELS / MAP_SPAN_M), self._body_from
        shadow_map(screen, self._body_triangles, scale, nearest)
        cast(screen[:half], up[:half], nearest, scale, lit[:half])
        shadow_map(screen, self._head_triangles, scale, nearest)
        cast(screen[half:], up[half:], nearest, scale, lit[half:])
        return 1 - DARKEST * (1 - self._smooth(lit))


def rigid_motion(points: NDArray[np.float64], target: NDArray[np.float64]) -> Array:
    """The turn and shift that bring points [N, 3] nearest to a target [N, 3]. -> [3, 4]

    W. Kabsch, A solution for the best rotation to relate two sets of vectors, Acta Cryst. A32, 1976.
    """
    center, aim = points.mean(0), target.mean(0)
    u, _, vt = np.linalg.svd((points - center).T @ (target - aim))
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    turn = (u @ flip @ vt).T
    return np.concatenate([turn, (aim - turn @ center)[:, None]], axis=1).astype(np.float32)
