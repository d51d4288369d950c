"""Gaussians with spherical harmonics, as splat files store them: bound to triangles, or on a posed mesh.

Harmonics belong to the world's axes and stay as they are while a triangle turns: that is how the field trains and renders its
avatars, so turning them would change a released avatar's colours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from slp_mouthing.errors import HeadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.types import Array

SH_C0 = 0.28209479177387814
"""Value of the constant harmonic: a colour is 0.5 + SH_C0 * sh[0] from every side."""

_OPACITY_MARGIN = 1e-6
"""Opacities come this near to 0 and 1: their logit must be finite."""
_HALF_TURN = np.array([1, -1, -1], np.float32)
_HALF_TURN_SIGNS = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], np.float32)
"""What each basis function is multiplied by where y and z change sign."""


@dataclass(frozen=True, slots=True)
class Splats:
    """N Gaussians in one frame of reference, in the parameters that are optimised and stored."""

    position: Array  # [N, 3]
    rotation_wxyz: Array  # [N, 4] of any length
    log_scale: Array  # [N, 3] of the standard deviations
    opacity_logit: Array  # [N]
    sh: Array  # [N, K, 3] one row per basis function, K = (degree + 1) ** 2

    def __len__(self) -> int:
        return len(self.position)

    @property
    def sh_degree(self) -> int:
        return math.isqrt(self.sh.shape[1]) - 1

    @property
    def opacity(self) -> Array:  # [N] in [0, 1]
        # The logistic function, in a form that does not overflow.
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * self.opacity_logit), np.float32)

    def to_y_down(self) -> Splats:
        """The same after half a turn about x: y down and z away, the axes of photographs, which many viewers expect."""
        w, x, y, z = self.rotation_wxyz.T
        signs = _HALF_TURN_SIGNS[: self.sh.shape[1], None]
        return replace(
            self, position=self.position * _HALF_TURN, rotation_wxyz=np.stack([-x, w, -z, y], axis=1),
            sh=self.sh * signs,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SplatAvatar:
    """Gaussians bound to triangles, in the convention of GaussianAvatars: they move, turn and grow with them."""

    local: Splats
    """In the triangle's frame, positions and standard deviations over its scale; see `avatar.binding`."""
    binding: NDArray[np.int32]  # [N] triangle

    def __len__(self) -> int:
        return len(self.binding)

    @property
    def sh(self) -> Array:  # [N, K, 3]
        return self.local.sh

    @property
    def opacity(self) -> Array:  # [N] in [0, 1]
        return self.local.opacity

    def to_world(self, vertices_m: Array, triangles: NDArray[np.int32]) -> tuple[Array, Array, Array]:
        """Means [N, 3] m, unit quaternions [N, 4] and standard deviations [N, 3] m on a posed mesh [V, 3], [F, 3].

        Raises `HeadError` for a mesh that lacks a triangle.
        """
        from slp_mouthing.avatar.binding import bake

        local, n = self.local, len(self)
        if n and (last := int(self.binding.max())) >= len(triangles):
            raise HeadError(f"the avatar is bound to triangle {last}, and the mesh has {len(triangles)}")
        means, quats, scales = (np.empty((n, k), np.float32) for k in (3, 4, 3))
        bake(
            self.binding, local.position, local.rotation_wxyz, local.log_scale, np.empty((0, 3), np.float32),
            np.ascontiguousarray(vertices_m, np.float32), np.ascontiguousarray(triangles, np.int32), means, quats, scales,
        )  # fmt: skip
        return means, quats, scales

    def on_mesh(self, vertices_m: Array, triangles: NDArray[np.int32]) -> Splats:
        """One frame, baked into the world. [V, 3] m, [F, 3]. Raises `HeadError`."""
        return _baked(self.to_world(vertices_m, triangles), self.local.opacity_logit, self.local.sh)


class OnMesh(Protocol):
    """What rides on a mesh without harmonics of its own, such as the default avatar."""

    @property
    def opacity(self) -> Array: ...  # [N] in [0, 1]
    def to_world(self, vertices_m: Array, triangles: NDArray[np.int32]) -> tuple[Array, Array, Array]: ...


def lit_splats(avatar: OnMesh, colors: Array, vertices_m: Array, triangles: NDArray[np.int32]) -> Splats:
    """One frame of an avatar under light, baked: display colours [N, 3] in [0, 1], the same from every side."""
    return _baked(avatar.to_world(vertices_m, triangles), _logit(avatar.opacity), color_harmonics(colors))


def lit_avatar(avatar: Avatar, colors: Array, sh_degree: int = 3) -> SplatAvatar:
    """An avatar with its light baked in, for the field's tools: display colours [N, 3] in [0, 1], of the rest pose.

    Equal at rest; skin that the jaw pulls is a little more open, since this format's Gaussians do not shear. Harmonics above
    degree 0 are zero: GaussianAvatars insists on degree 3.
    """
    local = Splats(
        avatar.position, avatar.rotation_wxyz, avatar.log_scale, _logit(avatar.opacity), color_harmonics(colors, sh_degree)
    )
    return SplatAvatar(local, avatar.binding)


def color_harmonics(colors: Array, sh_degree: int = 0) -> Array:
    """Harmonics that give one display colour from every side. [N, 3] -> [N, K, 3]"""
    sh = np.zeros((len(colors), (sh_degree + 1) ** 2, 3), np.float32)
    sh[:, 0] = (colors - 0.5) / SH_C0
    return sh


def _baked(world: tuple[Array, Array, Array], opacity_logit: Array, sh: Array) -> Splats:
    means, quats, scales = world
    return Splats(means, quats, np.log(np.maximum(scales, np.finfo(np.float32).tiny)), opacity_logit, sh)


def _logit(opacity: Array) -> Array:
    p = np.clip(opacity.astype(np.float64), _OPACITY_MARGIN, 1 - _OPACITY_MARGIN)
    return np.log(p / (1 - p)).astype(np.float32)
