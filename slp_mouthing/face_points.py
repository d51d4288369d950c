"""The built-in head as MediaPipe's face mesh sees it: what a track does to the points of a detected face."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.body.face_mesh import ANCHORS, LOWER_LIPS, UPPER_LIPS
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.types import FaceTrack

    Floats = NDArray[np.float64]
    Indices = NDArray[np.int64]

_TO_IMAGE = np.array([1.0, -1.0, -1.0])
"""From the head's axes to the image's: y down, z away."""
_ROWS = (4, 7, 10, 12)
"""Rows of the head's lip columns on which the mesh's loops lie, from where the lips meet to the edge of their red."""
_NEAREST = 4
"""Vertices whose motion a point takes, by distance."""
_MOVES_M = (0.0008, 0.004)
"""Motion below which a point is not the mouth's, and above which it is all the mouth's."""
_FRONT_M = 0.02
"""Of faces without depth: skin this much behind the foremost at a place is not seen there."""


class BuiltinFacePoints:
    """A `FaceModel` (see `body/pose_merge.py`)."""

    def __init__(self) -> None:
        self._head = load_builtin()
        neutral = self._head.neutral_m.astype(np.float64) * _TO_IMAGE
        self.anchors: Mapping[int, Floats] = {n: neutral[self._head.landmarks[name]].mean(0) for n, name in ANCHORS.items()}
        names = self._head.region_names
        skin = np.isin(self._head.regions, [names.index("skin"), names.index("lip")])
        self._skin = np.unique(self._head.triangles[skin])
        self._places = neutral[self._skin]

    def follow(self, track: FaceTrack, points_m: Floats, numbers: Indices) -> Floats:
        """The motion of the skin at points [N, 3] (NaN depths: the foremost skin). -> [T, N, 3] m"""
        index, weights = self._riders(points_m, numbers)
        chosen, local = np.unique(index, return_inverse=True)
        head = self._head.at_vertices(chosen)
        posed = head.pose(track.blendshapes, track.tongue, track.eyes_pose)[:, : len(chosen)]
        moved = (posed - self._head.neutral_m[chosen]).astype(np.float64) * _TO_IMAGE
        return np.asarray(np.einsum("nk,tnkx->tnx", weights, moved[:, local.reshape(index.shape)]))

    def reach(self, points_m: Floats, numbers: Indices) -> Floats:
        """How far the mouth can move the skin at points [N, 3]: 0 not at all, 1 as much as the lips. -> [N]"""
        index, weights = self._riders(points_m, numbers)
        low, high = _MOVES_M
        part = np.clip(((weights * self._most_m[index]).sum(1) - low) / (high - low), 0, 1)
        return np.asarray(part * part * (3 - 2 * part))

    @cached_property
    def _most_m(self) -> Floats:
        """The largest motion of each vertex by any control of jaw or mouth alone. -> [V]"""
        names = [name for name in ARKIT_NAMES if name.startswith(("jaw", "mouth"))]
        weights = np.zeros((len(names), len(ARKIT_NAMES)), np.float32)
        weights[np.arange(len(names)), [ARKIT_NAMES.index(name) for name in names]] = 1
        posed: Any = self._head.pose(weights, np.zeros((len(names), len(TONGUE_NAMES)), np.float32))
        return np.asarray(np.linalg.norm(posed - self._head.neutral_m, axis=2).max(0), np.float64)

    def _riders(self, points_m: Floats, numbers: Indices) -> tuple[Indices, Floats]:
        """The vertices that each point goes with, and their shares. -> [N, K], [N, K]"""
        index, weights = self._near(points_m)
        for k, number in enumerate(numbers.tolist()):
            if number in self._lips:
                index[k], weights[k] = self._lips[number], np.eye(_NEAREST)[0]
        return index, weights

    def _near(self, points_m: Floats) -> tuple[Indices, Floats]:
        from scipy.spatial import cKDTree

        flat = bool(np.isnan(points_m[:, 2]).any())
        members = self._skin
        if flat:
            members = self._skin[self._foremost()]
        places = (self._head.neutral_m[members].astype(np.float64) * _TO_IMAGE)[:, : 2 if flat else 3]
        away, near = cKDTree(places).query(points_m[:, : places.shape[1]], k=_NEAREST)
        weights = 1 / np.maximum(away, 1e-4)
        return members[near].astype(np.int64), np.asarray(weights / weights.sum(1, keepdims=True))

    def _foremost(self) -> NDArray[np.bool_]:
        """Skin that a camera in front sees. -> [skin]"""
        cell = np.round(self._places[:, :2] / 0.006).astype(np.int64)
        _, group = np.unique(cell, axis=0, return_inverse=True)
        nearest = np.full(group.max() + 1, np.inf)
        np.minimum.at(nearest, group.ravel(), self._places[:, 2])
        return np.asarray(self._places[:, 2] < nearest[group.ravel()] + _FRONT_M)

    @cached_property
    def _lips(self) -> Mapping[int, int]:
        """The vertex of each point of the mesh's lip loops, at even steps along each lip."""
        columns = self._head.lip_columns
        found: dict[int, int] = {}
        corners: dict[int, int] = {}
        for loops, lip in ((UPPER_LIPS, columns[0]), (LOWER_LIPS, columns[1])):
            for loop, row in zip(loops, _ROWS, strict=True):
                steps = np.linspace(0, len(lip) - 1, len(loop)).round().astype(int)
                found |= {number: int(lip[step, row]) for number, step in zip(loop[1:-1], steps[1:-1], strict=True)}
                corners |= {loop[0]: int(lip[0, row]), loop[-1]: int(lip[-1, row])}
        return found | corners
