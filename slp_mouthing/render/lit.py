"""A head under a light: what every pose's shading starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.render import light
from slp_mouthing.render.occlusion import find_occlusion
from slp_mouthing.render.shade import vertex_normals
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES

if TYPE_CHECKING:
    from slp_mouthing.head.rig import Head
    from slp_mouthing.render.occlusion import Occlusion
    from slp_mouthing.types import Array

OPEN_JAW = 0.5
"""jawOpen of the second pose in which occlusion is found; the lips' opening blends between rest and it."""

_AT_REST = np.eye(3, 4, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class FaceLight:
    """What the light needs to know of a pose."""

    normals: Array  # [V, 3]
    sky: Array  # [V]
    key: Array  # [V]
    face: Array  # [15] opening of the lips, their z, height of the eyes, m; [3, 4] matrix that takes the head to its rest


class LitHead:
    """Normals and occlusion of any pose. Immutable; threads may share it."""

    def __init__(self, head: Head, lighting: light.Lighting | None = None) -> None:
        self.head = head
        self.lights = light.rows(lighting or light.Lighting())
        self._upper, self._lower = (int(head.landmarks[name][0]) for name in ("lip_upper_mid", "lip_lower_mid"))
        eyes = np.concatenate([head.landmarks["eye_left"], head.landmarks["eye_right"]])
        self._eye_height_m = float(head.neutral_m[eyes, 1].mean())
        self._rest_gap_m = float(head.neutral_m[self._upper, 1] - head.neutral_m[self._lower, 1])
        blendshapes = np.zeros((2, len(ARKIT_NAMES)), np.float32)
        blendshapes[1, ARKIT_NAMES.index("jawOpen")] = OPEN_JAW
        rest, opened = head.pose(blendshapes, np.zeros((2, len(TONGUE_NAMES)), np.float32))
        self._rest, self._opened = self._occlusion(rest), self._occlusion(opened)
        self._full_gap_m = max(1e-4, self._gap(opened))

    def at(self, vertices_m: Array) -> FaceLight:
        """The light on a posed mesh [V, 3]."""
        gap = self._gap(vertices_m)
        share = np.float32(min(1.0, gap / self._full_gap_m))
        return FaceLight(
            normals=self.normals(vertices_m),
            sky=self._rest.sky + share * (self._opened.sky - self._rest.sky),
            key=self._rest.key + share * (self._opened.key - self._rest.key),
            face=self._face(gap, vertices_m, _AT_REST),
        )

    def _face(self, gap: float, vertices_m: Array, to_rest: Array) -> Array:
        """What the shading of mouth and eyes goes by, of a mesh whose head `to_rest` [3, 4] takes to its rest."""
        lips = (vertices_m[[self._upper, self._lower]] @ to_rest[2, :3] + to_rest[2, 3]).mean()
        return np.concatenate([[gap, lips, self._eye_height_m], to_rest.ravel()]).astype(np.float32)

    def normals(self, vertices_m: Array) -> Array:
        """Smooth unit normals [V, 3]."""
        normals = np.empty_like(vertices_m)
        vertex_normals(vertices_m, self.head.triangles, normals)
        return normals

    def _gap(self, vertices_m: Array) -> float:
        return max(0.0, float(vertices_m[self._upper, 1] - vertices_m[self._lower, 1]) - self._rest_gap_m)

    def _occlusion(self, vertices_m: Array) -> Occlusion:
        return find_occlusion(vertices_m, self.head.triangles, self.normals(vertices_m), self.lights[0])
