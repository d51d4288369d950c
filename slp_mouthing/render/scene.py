"""A head, its Gaussians, light and a camera: vertices in, frames out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from slp_mouthing.render import light
from slp_mouthing.render.camera import VIEWS
from slp_mouthing.render.frame import Backdrop, finish
from slp_mouthing.render.lit import LitHead
from slp_mouthing.render.mesh import draw_mesh
from slp_mouthing.render.rasterise import composite_all, harmonics_to_colors, make_tiles, project_all
from slp_mouthing.render.shade import shade_gaussians, shade_vertices
from slp_mouthing.render.threads import default_threads, map_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Head
    from slp_mouthing.render.camera import Camera
    from slp_mouthing.types import Array, FaceTrack

    Pixels = NDArray[np.uint8]

CHUNK = 16
"""Frames posed at once."""


class BoundGaussians(Protocol):
    """N Gaussians on a head's triangles."""

    @property
    def binding(self) -> NDArray[np.int32]: ...  # [N] triangle
    @property
    def opacity(self) -> Array: ...  # [N]
    def to_world(self, vertices_m: Array, triangles: NDArray[np.int32]) -> tuple[Array, Array, Array]:
        """Means [N, 3] m, quaternions [N, 4], standard deviations [N, 3] m on a posed mesh."""
        ...


@runtime_checkable
class LitGaussians(BoundGaussians, Protocol):
    """With albedo and material: they take the light of the scene."""

    @property
    def color(self) -> Array: ...  # [N, 3] linear albedo
    @property
    def material(self) -> NDArray[np.uint8]: ...  # [N]
    @property
    def material_names(self) -> tuple[str, ...]: ...


@runtime_checkable
class CapturedGaussians(BoundGaussians, Protocol):
    """With the colours of a capture, light included, as harmonics."""

    @property
    def sh(self) -> Array: ...  # [N, K, 3]


class SceneRenderer(ABC):
    """A head seen by one camera. Safe to share between threads; a frame depends on its vertices alone."""

    def __init__(self, lit: LitHead, camera: Camera, backdrop: Backdrop | None, threads: int | None) -> None:
        self.lit, self.head, self.camera = lit, lit.head, camera
        self.threads = threads or default_threads()
        self._backdrop = (backdrop or Backdrop()).rows(camera.height)

    def frame(self, vertices_m: Array) -> Pixels:
        """One frame of a posed mesh [V, 3]. -> [H, W, 3]"""
        return self._frame(np.ascontiguousarray(vertices_m, np.float32), self.threads)

    def frames(self, track: FaceTrack) -> Iterator[Pixels]:
        """All frames of a track, one by one: memory does not grow with its length."""
        yield from map_ahead(lambda vertices: self._frame(vertices, 1), poses(self.head, track), self.threads)

    @abstractmethod
    def seen_by(self, camera: Camera) -> SceneRenderer:
        """The same head and light through another camera."""

    @abstractmethod
    def _frame(self, vertices_m: Array, threads: int) -> Pixels: ...


class Renderer(SceneRenderer):
    """Frames of an avatar's Gaussians."""

    def __init__(
        self,
        head: Head | LitHead,
        avatar: LitGaussians | CapturedGaussians,
        camera: Camera,
        backdrop: Backdrop | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        """`head`: with its light, to share that between cameras (it takes some 0.3 s to find); `threads`: None for all."""
        super().__init__(head if isinstance(head, LitHead) else LitHead(head), camera, backdrop, threads)
        self.avatar = avatar
        if isinstance(avatar, LitGaussians):
            self._materials = light.table(avatar.material_names)
            self._weights = footpoints(avatar, self.head)

    def seen_by(self, camera: Camera) -> Renderer:
        return Renderer(self.lit, self.avatar, camera, threads=self.threads)

    def _frame(self, vertices_m: Array, threads: int) -> Pixels:
        camera = self.camera
        means, quats, scales = self.avatar.to_world(vertices_m, self.head.triangles)
        colors, opacities = self._seen(vertices_m, means)
        projected = project_all(
            means, quats, scales, opacities, camera.world_to_camera, camera.intrinsics, camera.width, camera.height, threads
        )
        tiles = make_tiles(projected, opacities, colors, camera.width, camera.height)
        image, alpha = composite_all(tiles, camera.width, camera.height, threads)
        return finish(image, alpha, self._backdrop)

    def _seen(self, vertices_m: Array, means: Array) -> tuple[Array, Array]:
        """Display colours [N, 3] and opacities [N] as this camera sees them; 0 for what faces away."""
        if isinstance(self.avatar, LitGaussians):
            return self._shaded(self.avatar, vertices_m, means)
        return harmonics_to_colors(means, self.avatar.sh, self.camera.world_to_camera), self.avatar.opacity

    def _shaded(self, avatar: LitGaussians, vertices_m: Array, means: Array) -> tuple[Array, Array]:
        lit = self.lit.at(vertices_m)
        colors, opacities = np.zeros_like(means), np.empty(len(means), np.float32)
        shade_gaussians(
            means, avatar.binding, self.head.triangles, self._weights, lit.normals, lit.sky, lit.key, avatar.color,
            avatar.material, avatar.opacity, self._materials, self.lit.lights, lit.face, self.camera.position_m,
            colors, opacities,
        )  # fmt: skip
        return colors, opacities


class MeshRenderer(SceneRenderer):
    """Frames of the head's own triangles, smoothly shaded, four samples to a pixel."""

    def __init__(
        self, head: Head | LitHead, camera: Camera, backdrop: Backdrop | None = None, *, threads: int | None = None
    ) -> None:
        super().__init__(head if isinstance(head, LitHead) else LitHead(head), camera, backdrop, threads)
        self._materials = light.table(self.head.region_names)
        self._vertex_material = np.zeros(len(self.head.neutral_m), np.uint8)
        self._vertex_material[self.head.triangles] = self.head.regions[:, None]

    def seen_by(self, camera: Camera) -> MeshRenderer:
        return MeshRenderer(self.lit, camera, threads=self.threads)

    def _frame(self, vertices_m: Array, threads: int) -> Pixels:
        lit, colors = self.lit.at(vertices_m), np.empty_like(vertices_m)
        shade_vertices(
            vertices_m, lit.normals, lit.sky, lit.key, self.head.colors, self._vertex_material, self._materials, self.lit.lights,
            lit.face, self.camera.position_m, colors,
        )  # fmt: skip
        image, alpha = draw_mesh(vertices_m, self.head.triangles, colors, self.camera)
        return finish(image, alpha, self._backdrop)


def make_renderer(
    head: Head, avatar: LitGaussians | CapturedGaussians | None, *, size: int = 512, view: str = "portrait", style: str = "splat"
) -> SceneRenderer:
    """A square renderer for a named view and style (`splat` or `mesh`; an avatar is needed for `splat`)."""
    camera = VIEWS[view](head, size, size)
    if style == "mesh" or avatar is None:
        return MeshRenderer(head, camera)
    return Renderer(head, avatar, camera)


def poses(head: Head, track: FaceTrack) -> Iterator[Array]:
    """The posed mesh [V, 3] of each frame."""
    for start in range(0, len(track), CHUNK):
        frames = slice(start, start + CHUNK)
        yield from head.pose(track.blendshapes[frames], track.tongue[frames], track.eyes_pose[frames])


def footpoints(avatar: BoundGaussians, head: Head) -> Array:
    """Barycentric weights [N, 3], none negative, of the point of its triangle over which each Gaussian lies at rest."""
    means = avatar.to_world(head.neutral_m, head.triangles)[0].astype(np.float64)
    a, b, c = (head.neutral_m[head.triangles[avatar.binding, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    double_area = np.maximum((normal * normal).sum(1), 1e-30)
    wb = (np.cross(means - a, c - a) * normal).sum(1) / double_area
    wc = (np.cross(b - a, means - a) * normal).sum(1) / double_area
    weights = np.maximum(np.stack([1 - wb - wc, wb, wc], axis=1), 0)
    return np.ascontiguousarray(weights / weights.sum(1, keepdims=True), np.float32)
