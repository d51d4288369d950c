"""A head on the built-in half body: one mesh, which speaks as the head does and moves by the joints of SMPL-X."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.bands import NeckSize
from slp_mouthing.figure.contrast import contrasting
from slp_mouthing.figure.half_body import REGION_NAMES, HalfBodyOptions, build_half_body
from slp_mouthing.figure.skeleton import SKELETON
from slp_mouthing.figure.skinning import carried, joint_places, motions
from slp_mouthing.figure.weights import head_weights, strongest
from slp_mouthing.types import Binding, Skeleton

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.figure.half_body import Color, HalfBody
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array, JointMotion

    Index = NDArray[np.int64]

_EYES_M = np.array([0.0, 0.0, 0.0786])
"""Middle between the pupils of the built-in head, for which the half body is made."""
_FACE_M = 0.1102
"""From there down to its chin."""
_CUT_M, _CUT_SLANT = -0.178, 0.25
"""Heads end here, below the collar: height at the ears' depth, and how it falls towards the front."""
_COLLAR_M = (-0.166, -0.150)
"""Heights between which the neck is measured for the collar."""
_CROWN = 24
"""Vertices that tell where the head is: those highest, which no face moves."""


@lru_cache(maxsize=4)
def make_signer(head: Head) -> Signer:
    """A head on its half body; kept for the last few."""
    return Signer(head)


class Signer:
    """A `Figure` (see `head/rig.py`) with a body in the pose in which it was made. Immutable; threads may share it."""

    def __init__(self, head: Head) -> None:
        self.head, self.name = head, head.name
        fit = _Fit(head)
        self.kept_triangles: NDArray[np.bool_] = _kept_triangles(head, fit)
        """[F of the head] those that the signer has too; its first triangles, in their order."""
        named = np.concatenate([index.ravel() for index in head.landmarks.values()])
        self._kept = np.unique(np.concatenate([head.triangles[self.kept_triangles].ravel(), named]))
        self.body_from = len(self._kept)
        body = build_half_body(_options(head, fit))
        self._body_m = fit.out_of_builtin(body.vertices_m)
        self.neutral_m: Array = np.concatenate([head.neutral_m[self._kept], self._body_m])
        self.region_names = (*head.region_names, *(name for name in REGION_NAMES if name not in head.region_names))
        self.triangles, self.regions = self._triangles(body)
        self.colors: Array = np.concatenate([head.colors[self._kept], body.colors])
        self.landmarks = self._landmarks()
        self.skeleton = Skeleton(SKELETON.names, SKELETON.parents, fit.out_of_builtin(SKELETON.joints_m))
        self.binding = self._binding(body, fit)

    def pose(self, blendshapes: Array, tongue: Array, eyes_pose: Array | None = None) -> Array:
        """Vertices with a speaking face and the body at rest. -> [T, V, 3] m"""
        face = self.head.pose(blendshapes, tongue, eyes_pose)
        out = np.empty((len(face), *self.neutral_m.shape), np.float32)
        np.take(face, self._kept, axis=1, out=out[:, : self.body_from])
        out[:, self.body_from :] = self._body_m
        return out

    def moved(self, vertices_m: Array, motion: JointMotion, first: int = 0) -> Array:
        """Posed vertices [T, V, 3] carried along by the body's frames from `first` on. -> [T, V, 3] m"""
        rotations = motion.rotations_wxyz[first : first + len(vertices_m)]
        steps = motions(self.binding, joint_places(self.skeleton, rotations, motion.root_m))
        return np.stack([carried(frame, self.binding, step) for frame, step in zip(vertices_m, steps, strict=True)])

    def target(self, name: str) -> Array:
        """Offsets of one control at weight 1. -> [V, 3] m"""
        return np.concatenate([self.head.target(name)[self._kept], np.zeros_like(self._body_m)])

    def jaw_pose(self, blendshapes: Array) -> Array:
        return self.head.jaw_pose(blendshapes)

    def eyes_pose(self, blendshapes: Array) -> Array:
        return self.head.eyes_pose(blendshapes)

    def lips(self, blendshapes: Array, tongue: Array) -> tuple[Array, Array]:
        return self.head.lips(blendshapes, tongue)

    def _triangles(self, body: HalfBody) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        own = np.searchsorted(self._kept, self.head.triangles[self.kept_triangles])
        regions = np.array([self.region_names.index(name) for name in REGION_NAMES], np.uint8)[body.regions]
        return (
            np.concatenate([own, body.triangles + self.body_from]).astype(np.int32),
            np.concatenate([self.head.regions[self.kept_triangles], regions]),
        )

    def _landmarks(self) -> Mapping[str, NDArray[np.int32]]:
        head = {name: np.searchsorted(self._kept, index).astype(np.int32) for name, index in self.head.landmarks.items()}
        crown = np.argsort(-self.neutral_m[: self.body_from, 1], kind="stable")[:_CROWN]
        return head | {"crown": crown.astype(np.int32)}

    def _binding(self, body: HalfBody, fit: _Fit) -> Binding:
        joints, weights = strongest(head_weights(1e3 * fit.into_builtin(self.head.neutral_m[self._kept]).astype(np.float64)))
        places = body.binding.places.copy()
        places[:, :, 3] = fit.out_of_builtin(places[:, :, 3])
        return Binding(
            np.concatenate([joints.astype(np.int32), body.binding.joints]),
            np.concatenate([weights.astype(np.float32), body.binding.weights]),
            places,
        )


class _Fit:
    """Where a head stands and how large it is, against the built-in one."""

    def __init__(self, head: Head) -> None:
        eyes = np.stack([head.neutral_m[head.landmarks[f"eye_{side}"]].mean(0) for side in ("left", "right")]).mean(0)
        chin = float(head.neutral_m[head.landmarks["chin"], 1].mean())
        # People differ in the length of their faces more than in their bodies: the default's own size counts half.
        self.scale = float(np.sqrt(max(eyes[1] - chin, 1e-3) / _FACE_M)) if head.name == "builtin" else (eyes[1] - chin) / _FACE_M
        self.origin = eyes.astype(np.float64) - self.scale * _EYES_M

    def out_of_builtin(self, points: Array) -> Array:
        return np.asarray(points * self.scale + self.origin, points.dtype)

    def into_builtin(self, points: Array) -> Array:
        return np.asarray((points - self.origin) / self.scale, points.dtype)


def _kept_triangles(head: Head, fit: _Fit) -> NDArray[np.bool_]:
    """Without clothes, and without what lies deep below the collar."""
    points = fit.into_builtin(head.neutral_m)
    buried = (points[:, 1] + _CUT_SLANT * points[:, 2] < _CUT_M)[head.triangles].all(1)
    clothes = [k for k, name in enumerate(head.region_names) if name == "garment"]
    return np.asarray(~buried & ~np.isin(head.regions, clothes))


def _options(head: Head, fit: _Fit) -> HalfBodyOptions:
    skin = _mean_color(head, "skin") or HalfBodyOptions().skin
    cloth = _mean_color(head, "garment") or HalfBodyOptions().garment
    return HalfBodyOptions(skin, contrasting(cloth, skin), _neck(head, fit))


def _neck(head: Head, fit: _Fit) -> NeckSize:
    points = fit.into_builtin(head.neutral_m[np.unique(head.triangles[_of_region(head, "skin")])])
    ring = 1e3 * points[(points[:, 1] > _COLLAR_M[0]) & (points[:, 1] < _COLLAR_M[1])]
    if len(ring) < 8:
        return NeckSize()
    low, high = ring.min(0), ring.max(0)
    return NeckSize(*(round(float(x), 1) for x in ((high[0] - low[0]) / 2, (high[2] - low[2]) / 2, (high[2] + low[2]) / 2)))


def _mean_color(head: Head, region: str) -> Color | None:
    triangles = head.triangles[_of_region(head, region)]
    if not len(triangles):
        return None
    red, green, blue = (round(float(x), 4) for x in np.median(head.colors[np.unique(triangles)], axis=0))
    return red, green, blue


def _of_region(head: Head, region: str) -> NDArray[np.bool_]:
    index = head.region_names.index(region) if region in head.region_names else 255
    return np.asarray(head.regions == index)
