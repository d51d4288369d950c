"""A head, its Gaussians, light and a camera: vertices in, frames out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.render import light
from slp_mouthing.render.camera import VIEWS, picture_size
from slp_mouthing.render.frame import Backdrop, finish
from slp_mouthing.render.gaussians import Drawable, drawable
from slp_mouthing.render.lit import LitHead
from slp_mouthing.render.mesh import draw_mesh
from slp_mouthing.render.shade import shade_vertices
from slp_mouthing.render.threads import default_threads, map_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Figure, Head
    from slp_mouthing.render.camera import Camera
    from slp_mouthing.render.gaussians import CapturedGaussians, LitGaussians
    from slp_mouthing.types import Array, FaceTrack, JointMotion

    Pixels = NDArray[np.uint8]

CHUNK = 16
"""Frames posed at once."""


class SceneRenderer(ABC):
    """A head seen by one camera. Safe to share between threads; a frame depends on its vertices alone."""

    def __init__(self, lit: LitHead, camera: Camera, backdrop: Backdrop | None, threads: int | None) -> None:
        self.lit, self.head, self.camera = lit, lit.head, camera
        self.threads = threads or default_threads()
        self._backdrop = (backdrop or Backdrop()).rows(camera.height)

    def frame(self, vertices_m: Array) -> Pixels:
        """One frame of a posed mesh [V, 3]. -> [H, W, 3]. Raises `HeadError` for another mesh's, or what is not finite."""
        vertices = np.ascontiguousarray(vertices_m, np.float32)
        if vertices.shape != self.head.neutral_m.shape:
            raise HeadError(f"vertices have shape {list(vertices.shape)}, the head has {list(self.head.neutral_m.shape)}")
        if not np.isfinite(vertices).all():
            raise HeadError("vertices of the mesh are not finite")
        return self._frame(vertices, self.threads)

    def frames(self, track: FaceTrack, joints: JointMotion | None = None) -> Iterator[Pixels]:
        """All frames of a track, one by one: memory does not grow with its length. `joints`: of a head on a body."""
        yield from map_ahead(lambda vertices: self._frame(vertices, 1), poses(self.head, track, joints), self.threads)

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
        avatar: LitGaussians | CapturedGaussians | Drawable,
        camera: Camera,
        backdrop: Backdrop | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        """`head`: with its light, to share that between cameras (it takes some 0.3 s to find); `threads`: None for all.

        Raises `HeadError` for an avatar that is bound to triangles the head lacks.
        """
        super().__init__(head if isinstance(head, LitHead) else LitHead(head), camera, backdrop, threads)
        self.avatar = avatar if isinstance(avatar, Drawable) else drawable(avatar, self.lit)

    def seen_by(self, camera: Camera) -> Renderer:
        return Renderer(self.lit, self.avatar, camera, threads=self.threads)

    def _frame(self, vertices_m: Array, threads: int) -> Pixels:
        return finish(*self.avatar.draw(vertices_m, self.camera, threads), self._backdrop)


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
    head: Head | LitHead,
    avatar: LitGaussians | CapturedGaussians | Drawable | None,
    *,
    size: int = 512,
    view: str = "portrait",
    style: str = "splat",
) -> SceneRenderer:
    """A renderer of `size` pixels across for a named view and style (`splat` or `mesh`; an avatar is needed for `splat`)."""
    lit = head if isinstance(head, LitHead) else LitHead(head)
    camera = VIEWS[view](lit.head, *picture_size(view, size))
    if style == "mesh" or avatar is None:
        return MeshRenderer(lit, camera)
    return Renderer(lit, avatar, camera)


def poses(head: Head | Figure, track: FaceTrack, joints: JointMotion | None = None) -> Iterator[Array]:
    """The posed mesh [V, 3] of each frame; `joints`: of a head on a body."""
    for start in range(0, len(track), CHUNK):
        frames = slice(start, start + CHUNK)
        posed = head.pose(track.blendshapes[frames], track.tongue[frames], track.eyes_pose[frames])
        yield from posed if joints is None else cast("Figure", head).moved(posed, joints, start)
