"""Gaussians that ride on a head, drawn for a camera: what is seen of them, in which colours, and the picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.render import light
from slp_mouthing.render.bound import project_bound
from slp_mouthing.render.harmonics import harmonic_colors
from slp_mouthing.render.rasterise import Projected, composite_all, make_tiles
from slp_mouthing.render.shade import find_facing, shade_gaussians

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Head
    from slp_mouthing.render.camera import Camera
    from slp_mouthing.render.lit import FaceLight, LitHead
    from slp_mouthing.types import Array

    ColorsOf = Callable[[NDArray[np.int32], Array], Array]
    """Ids [M] of Gaussians and their means [M, 3] -> display colours [M, 3]."""


class LocalGaussians(Protocol):
    """N Gaussians in the frames of their triangles, see `avatar.binding`."""

    @property
    def position(self) -> Array: ...  # [N, 3]
    @property
    def rotation_wxyz(self) -> Array: ...  # [N, 4]
    @property
    def log_scale(self) -> Array: ...  # [N, 3]


class BoundGaussians(Protocol):
    """N Gaussians on a head's triangles."""

    @property
    def binding(self) -> NDArray[np.int32]: ...  # [N] triangle
    @property
    def opacity(self) -> Array: ...  # [N]


@runtime_checkable
class LitGaussians(BoundGaussians, LocalGaussians, Protocol):
    """With albedo and material: they take the light of the scene."""

    @property
    def rest_shape(self) -> Array: ...  # [N, 3] or [0, 3]
    @property
    def color(self) -> Array: ...  # [N, 3] linear albedo
    @property
    def material(self) -> NDArray[np.uint8]: ...  # [N]
    @property
    def material_names(self) -> tuple[str, ...]: ...
    def to_world(self, vertices_m: Array, triangles: NDArray[np.int32]) -> tuple[Array, Array, Array]:
        """Means [N, 3] m, quaternions [N, 4], standard deviations [N, 3] m on a posed mesh."""
        ...


@runtime_checkable
class CapturedGaussians(BoundGaussians, Protocol):
    """With the colours of a capture, light included, as harmonics."""

    @property
    def local(self) -> LocalGaussians: ...
    @property
    def sh(self) -> Array: ...  # [N, K, 3]


class Drawable(ABC):
    """An avatar on a head, ready to be drawn. Immutable; threads may share it."""

    def __init__(
        self, binding: NDArray[np.int32], local: LocalGaussians, rest_shape: Array, triangles: NDArray[np.int32]
    ) -> None:
        """Raises `HeadError` for Gaussians on triangles that the mesh lacks."""
        if len(binding) and not 0 <= binding.min() <= binding.max() < len(triangles):
            raise HeadError(f"the avatar is bound to triangle {binding.max()}, and the mesh has {len(triangles)}")
        self.triangles = triangles
        self._binding = np.ascontiguousarray(binding, np.int32)
        self._position = np.ascontiguousarray(local.position, np.float32)
        self._axes = local_axes(local.rotation_wxyz, local.log_scale)
        self._rest_shape = np.ascontiguousarray(rest_shape, np.float32)

    def draw(self, vertices_m: Array, camera: Camera, threads: int = 1) -> tuple[Array, Array]:
        """Premultiplied image [H, W, 3] and alpha [H, W] of a posed mesh [V, 3]."""
        n, size = len(self._binding), (camera.width, camera.height)
        ids, depths = np.empty(n, np.int32), np.empty(n, np.float32)
        means, means2d, conics = (np.empty((n, k), np.float32) for k in (3, 2, 3))
        opacity, colors_of = self._seen(vertices_m, camera)
        # What faces away has no opacity: it is neither bound, nor projected, nor shaded.
        count = project_bound(
            self._binding, self._position, self._axes, self._rest_shape, opacity, vertices_m, self.triangles,
            camera.world_to_camera, camera.intrinsics, *size, ids, means, means2d, conics, depths,
        )  # fmt: skip
        ids = ids[:count]
        projected = Projected(means2d[:count], conics[:count], depths[:count])
        tiles = make_tiles(projected, opacity[ids], colors_of(ids, means[:count]), *size)
        return composite_all(tiles, *size, threads)

    @abstractmethod
    def _seen(self, vertices_m: Array, camera: Camera) -> tuple[Array, ColorsOf]:
        """Opacities [N] on a posed mesh as the camera sees them, and what gives the colours of those in its view."""


class LitDrawable(Drawable):
    """Gaussians that take the light of a scene."""

    def __init__(self, avatar: LitGaussians, lit: LitHead) -> None:
        super().__init__(avatar.binding, avatar, avatar.rest_shape, lit.head.triangles)
        self._avatar, self._lit = avatar, lit
        self._materials = light.table(avatar.material_names)
        self._weights = footpoints(avatar, lit.head)

    def baked_colors(self, vertices_m: Array) -> Array:
        """Display colours [N, 3] of all Gaussians on a posed mesh [V, 3], the same from every side: for other viewers."""
        means, _, _ = self._avatar.to_world(vertices_m, self.triangles)
        everyone = np.arange(len(self._binding), dtype=np.int32)
        return self._shaded(self._lit.at(vertices_m), np.empty(0, np.float32), everyone, means)

    def colors_and_opacities(self, vertices_m: Array, camera: Camera) -> tuple[Array, Array]:
        """Of all Gaussians [N, 3], [N] on a posed mesh [V, 3] as the camera sees them; what faces away has neither."""
        opacity, colors_of = self._seen(vertices_m, camera)
        seen = np.flatnonzero(opacity).astype(np.int32)
        means, _, _ = self._avatar.to_world(vertices_m, self.triangles)
        colors = np.zeros((len(opacity), 3), np.float32)
        colors[seen] = colors_of(seen, means[seen])
        return colors, opacity

    def opacities(self, vertices_m: Array, camera: Camera) -> Array:
        """Of all Gaussians [N] on a posed mesh [V, 3] as the camera sees them: what faces away has none."""
        return self._seen(vertices_m, camera)[0]

    def _seen(self, vertices_m: Array, camera: Camera) -> tuple[Array, ColorsOf]:
        posed, avatar = self._lit.at(vertices_m), self._avatar
        opacity = np.empty(len(self._binding), np.float32)
        find_facing(
            vertices_m, self._binding, self.triangles, self._weights, posed.normals, avatar.material, avatar.opacity,
            self._materials, camera.position_m, opacity,
        )  # fmt: skip
        return opacity, partial(self._shaded, posed, camera.position_m)

    def _shaded(self, posed: FaceLight, camera_m: Array, ids: NDArray[np.int32], means: Array) -> Array:
        colors, avatar = np.empty_like(means), self._avatar
        shade_gaussians(
            ids, means, self._binding, self.triangles, self._weights, posed.normals, posed.sky, posed.key, avatar.color,
            avatar.material, self._materials, self._lit.lights, posed.face, camera_m, colors,
        )  # fmt: skip
        return colors


class CapturedDrawable(Drawable):
    """Gaussians with harmonics of their own."""

    def __init__(self, avatar: CapturedGaussians, triangles: NDArray[np.int32], rest_shape: Array | None = None) -> None:
        """`rest_shape` [N, 3], see `Avatar`: without it Gaussians turn and grow with their triangles, and do not shear."""
        super().__init__(
            avatar.binding, avatar.local, np.empty((0, 3), np.float32) if rest_shape is None else rest_shape, triangles
        )
        self._opacity = np.ascontiguousarray(avatar.opacity, np.float32)
        self._sh = np.ascontiguousarray(avatar.sh, np.float32)

    def _seen(self, vertices_m: Array, camera: Camera) -> tuple[Array, ColorsOf]:
        return self._opacity, partial(self._colors, camera.position_m)

    def _colors(self, camera_m: Array, ids: NDArray[np.int32], means: Array) -> Array:
        colors = np.empty_like(means)
        harmonic_colors(means, self._sh[ids], camera_m, colors)
        return colors


def drawable(avatar: LitGaussians | CapturedGaussians, lit: LitHead) -> Drawable:
    """An avatar on a head. Raises `HeadError` when they do not belong together."""
    return LitDrawable(avatar, lit) if isinstance(avatar, LitGaussians) else CapturedDrawable(avatar, lit.head.triangles)


def local_axes(rotation_wxyz: Array, log_scale: Array) -> Array:
    """Columns of Gaussians' own axes, as long as their deviations. [N, 4], [N, 3] -> [N, 3, 3]"""
    w, x, y, z = (rotation_wxyz / np.maximum(np.linalg.norm(rotation_wxyz, axis=1, keepdims=True), 1e-20)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.ascontiguousarray(np.moveaxis(np.array(rows), 2, 0) * np.exp(log_scale)[:, None, :], np.float32)


def footpoints(avatar: LitGaussians, head: Head) -> Array:
    """Barycentric weights [N, 3], none negative, of the point of its triangle over which each Gaussian lies at rest."""
    means = avatar.to_world(head.neutral_m, head.triangles)[0].astype(np.float64)
    a, b, c = (head.neutral_m[head.triangles[avatar.binding, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    double_area = np.maximum((normal * normal).sum(1), 1e-30)
    wb = (np.cross(means - a, c - a) * normal).sum(1) / double_area
    wc = (np.cross(b - a, means - a) * normal).sum(1) / double_area
    weights = np.maximum(np.stack([1 - wb - wc, wb, wc], axis=1), 0)
    return np.ascontiguousarray(weights / weights.sum(1, keepdims=True), np.float32)
