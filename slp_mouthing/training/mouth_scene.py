"""A person's mouth before the lip reader's camera: posed meshes to crops, with gradients where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation import CHANNELS
from slp_mouthing.avatar.default import AvatarOptions, default_avatar
from slp_mouthing.render.gaussians import LitDrawable
from slp_mouthing.render.lip_crop import Appearance, LipCrop
from slp_mouthing.render.lit import LitHead
from slp_mouthing.render.mouth_camera import mouth_camera, mouth_points
from slp_mouthing.training.faces import vertices_m

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.avatar.splats import SplatAvatar
    from slp_mouthing.head.builtin import BuiltinHead
    from slp_mouthing.render.camera import Camera
    from slp_mouthing.render.light import Lighting
    from slp_mouthing.types import Array

_AVATAR = AvatarOptions(density=0.6, strands=False)
"""A crop of 96 pixels shows no more."""
_MARGIN_PX = 6.0
"""Gaussians this far beyond the crop are kept: part of them may reach into it."""
_RANDOM_POSES = 40


@dataclass(frozen=True, slots=True, eq=False)
class MouthScene:
    """The Gaussians about one mouth under one light. Immutable; threads may share it."""

    head: BuiltinHead
    camera: Camera
    crop: LipCrop

    @staticmethod
    def of(
        head: BuiltinHead, lighting: Lighting | None = None, camera: Camera | None = None, *, baked: bool = False
    ) -> MouthScene:
        """Some two seconds of work.

        Args:
            head: of the person.
            lighting: None for the renderer's own.
            camera: None for `mouth_camera` of the head at rest.
            baked: keep the light of the rest pose, which is quicker; else each pose is lit anew, so that the mouth is dark where
                it is hardly open, as in the rendered video.
        """
        camera = camera or mouth_camera(mouth_points(head.neutral_m, head.landmarks))
        lit = LitHead(head, lighting)
        avatar = _in_view(default_avatar(head, _AVATAR), lit, head, camera)
        drawn = LitDrawable(avatar, lit)
        rest = drawn.baked_colors(head.neutral_m) if baked else None

        def shade(vertices: Array) -> tuple[Array, Array]:
            if rest is not None:
                return rest, drawn.opacities(vertices, camera)
            return drawn.colors_and_opacities(vertices, camera)

        look = Appearance(avatar.opacity, shade=shade)
        return MouthScene(head, camera, LipCrop(avatar, look, head.triangles, rest_shape=avatar.rest_shape))

    def crops(self, vertices_m: Tensor) -> Tensor:
        """What the lip reader takes of a mesh in motion. [T, V, 3] -> [T, 1, 88, 88]"""
        return self.crop(vertices_m, self.camera)

    def pictures(self, vertices_m: Tensor) -> Tensor:
        """The whole crops in colour. [T, V, 3] -> [T, 96, 96, 3]"""
        return self.crop.pictures(vertices_m, self.camera)


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a crop asks for of Gaussians on triangles."""

    binding: NDArray[np.int32]
    position: Array
    rotation_wxyz: Array
    log_scale: Array


def avatar_crop(avatar: SplatAvatar, triangles: NDArray[np.int32]) -> LipCrop:
    """The mouth of an avatar with harmonics of its own, as `load_avatar` gives it, on a mesh with `triangles` [F, 3].

    Raises `HeadError` when the mesh lacks a triangle.
    """
    local = avatar.local
    bound = _Bound(avatar.binding, local.position, local.rotation_wxyz, local.log_scale)
    return LipCrop(bound, Appearance(avatar.opacity, sh=avatar.sh), triangles)


def _in_view(avatar: Avatar, lit: LitHead, head: BuiltinHead, camera: Camera) -> Avatar:
    """The Gaussians that the camera sees in some pose."""
    drawn, seen = LitDrawable(avatar, lit), np.zeros(len(avatar), np.bool_)
    view = camera.world_to_camera
    for vertices in vertices_m(head, _many_poses()):
        means, _, _ = avatar.to_world(vertices, head.triangles)
        pixels = (means @ view[:3, :3].T + view[:3, 3]) @ camera.intrinsics.T
        pixels = pixels[:, :2] / pixels[:, 2:]
        inside = (pixels > -_MARGIN_PX) & (pixels < (camera.width + _MARGIN_PX, camera.height + _MARGIN_PX))
        seen |= inside.all(1) & (drawn.opacities(vertices, camera) > 0)
    return avatar.only(seen)


def _many_poses() -> Array:
    """Channels at random, sparse and strong, after rest. -> [P, H]"""
    rng = np.random.default_rng(0)
    values = rng.uniform(0.0, 1.0, (_RANDOM_POSES, len(CHANNELS))) * (rng.random((_RANDOM_POSES, len(CHANNELS))) < 0.4)
    values[:, -1] = np.arange(_RANDOM_POSES) > 0
    return values.astype(np.float32)
