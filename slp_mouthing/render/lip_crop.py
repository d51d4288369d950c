"""Posed meshes to what a lip reader sees: grey crops of an avatar's mouth, with exact gradients to the vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slp_mouthing.errors import HeadError, MissingExtra
from slp_mouthing.render.bound import project_bound, project_bound_gradient
from slp_mouthing.render.gaussians import local_axes
from slp_mouthing.render.gradients import SLOT, composite_gradient, gather
from slp_mouthing.render.harmonics import harmonic_colors, harmonic_gradient
from slp_mouthing.render.rasterise import Projected, composite_all, make_tiles
from slp_mouthing.render.threads import deal, default_threads, map_ahead

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the differentiable lip crop") from error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from slp_mouthing.render.camera import Camera
    from slp_mouthing.render.rasterise import Tiles
    from slp_mouthing.types import Array

    Shade = Callable[[Array], tuple[Array, Array]]
    """Posed vertices [V, 3] -> display colours [N, 3] and opacities [N]."""

GREY = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue (BT.601), as torchvision's and OpenCV's."""
GREY_MEAN, GREY_STD = 0.421, 0.165
"""Of the lip reader's training data."""
READER_PX = 88
"""Side of the crop's centre that the reader takes."""


class LocalGaussians(Protocol):
    """N Gaussians in the frames of their triangles, see `avatar.binding`; with harmonics of their own or shaded by the caller."""

    @property
    def binding(self) -> NDArray[np.int32]: ...  # [N]
    @property
    def position(self) -> Array: ...  # [N, 3]
    @property
    def rotation_wxyz(self) -> Array: ...  # [N, 4]
    @property
    def log_scale(self) -> Array: ...  # [N, 3]


@dataclass(frozen=True, slots=True)
class Appearance:
    """How Gaussians look: harmonics, or what a light makes of them in each pose."""

    opacity: Array  # [N]
    sh: Array | None = None  # [N, K, 3]
    shade: Shade | None = None
    """In place of harmonics. The light is held while gradients are taken."""


class LipCrop:
    """Grey crops of an avatar's mouth for a lip reader: call it with vertices. Immutable; gradients go to the vertices alone."""

    def __init__(
        self, gaussians: LocalGaussians, appearance: Appearance, triangles: NDArray[np.int32], *,
        rest_shape: Array | None = None, background: float = GREY_MEAN,
    ) -> None:  # fmt: skip
        """`rest_shape` [N, 3]: of Gaussians that shear with their triangles; `background`: grey behind the head."""
        if (appearance.sh is None) == (appearance.shade is None):
            raise ValueError("give sh or shade")
        # By triangle: the kernels then find each triangle's frame once.
        self.order = order = np.argsort(gaussians.binding, kind="stable")
        self.binding = gaussians.binding[order].astype(np.int32)
        if len(order) and self.binding[-1] >= len(triangles):
            raise HeadError(f"the avatar is bound to triangle {self.binding[-1]}, and the mesh has {len(triangles)}")
        self.position = gaussians.position[order].astype(np.float32)
        self.axes = local_axes(gaussians.rotation_wxyz[order], gaussians.log_scale[order])
        self.rest_shape = np.zeros((0, 3), np.float32) if rest_shape is None else rest_shape[order].astype(np.float32)
        self.opacity = appearance.opacity[order].astype(np.float32)
        self.sh = None if appearance.sh is None else appearance.sh[order].astype(np.float32)
        self.shade = appearance.shade
        self.triangles = np.ascontiguousarray(triangles, np.int32)
        self.background = background

    def __call__(self, vertices_m: Tensor, camera: Camera | Sequence[Camera]) -> Tensor:
        """What the reader takes: grey, normalised, the crop's centre. [T, V, 3] -> [T, 1, 88, 88]

        `camera`: one for all frames or one per frame, see `mouth_camera`. Raises `HeadError` for vertices that are not finite.
        """
        return reader_input(self.pictures(vertices_m, camera))

    def pictures(self, vertices_m: Tensor, camera: Camera | Sequence[Camera]) -> Tensor:
        """The whole crop in colour, over the background. [T, V, 3] -> [T, H, W, 3]"""
        if vertices_m.ndim != 3 or vertices_m.shape[-1] != 3:
            raise ValueError(f"vertices have shape {tuple(vertices_m.shape)}, expected [T, V, 3]")
        if not len(vertices_m):
            raise HeadError("no frames to crop")
        if vertices_m.shape[1] <= int(self.triangles.max()):
            raise HeadError(f"the mesh has {vertices_m.shape[1]} vertices, and its triangles reach {self.triangles.max()}")
        if not bool(torch.isfinite(vertices_m).all()):
            raise HeadError("vertices of the mesh are not finite")
        cameras = list(camera) if isinstance(camera, (list, tuple)) else [camera] * len(vertices_m)
        if len(cameras) != len(vertices_m):
            raise ValueError(f"{len(cameras)} cameras for {len(vertices_m)} frames")
        image, alpha = _render(vertices_m, self, cameras)
        return image + (1 - alpha)[..., None] * self.background

    def draw(self, vertices: Array, camera: Camera, threads: int) -> _Drawn:
        """One frame [V, 3] with all that its gradient needs."""
        opacity = self.opacity
        if self.shade is not None:
            shaded, opacity = (values[self.order] for values in self.shade(vertices))
        n = len(self.binding)
        ids, depths = np.empty(n, np.int32), np.empty(n, np.float32)
        means, means2d, conics = (np.empty((n, k), np.float32) for k in (3, 2, 3))
        count = project_bound(
            self.binding, self.position, self.axes, self.rest_shape, opacity, vertices, self.triangles, camera.world_to_camera,
            camera.intrinsics, camera.width, camera.height, ids, means, means2d, conics, depths,
        )  # fmt: skip
        ids, means = ids[:count], means[:count]
        if self.sh is None:
            colors, sh = shaded[ids], None
        else:
            colors, sh = np.empty((count, 3), np.float32), self.sh[ids]
            harmonic_colors(means, sh, camera.position_m, colors)
        projected = Projected(means2d[:count], conics[:count], depths[:count])
        tiles = make_tiles(projected, opacity[ids], colors, camera.width, camera.height)
        image, alpha = composite_all(tiles, camera.width, camera.height, threads)
        return _Drawn(vertices, camera, ids, means, projected, colors, sh, tiles, image, alpha)

    def draw_gradient(self, drawn: _Drawn, d_image: Array, d_alpha: Array, threads: int) -> Array:
        """Gradients of image [H, W, 3] and alpha [H, W] -> of the vertices [V, 3]."""
        tiles, camera, projected = drawn.tiles, drawn.camera, drawn.projected
        slots = np.empty((int(tiles.slots[-1]), SLOT), np.float32)
        deal(
            lambda first, step: composite_gradient(
                tiles.packed, tiles.boxes, tiles.slots, tiles.starts, tiles.lists, first, step, camera.width, camera.height,
                drawn.image, drawn.alpha, d_image, d_alpha, slots,
            ),
            threads,
        )  # fmt: skip
        d_means2d, d_conics = np.zeros_like(projected.means2d), np.zeros_like(projected.conics)
        d_means, d_colors = np.zeros_like(drawn.means), np.zeros_like(drawn.colors)
        gather(tiles.ids, tiles.slots, slots, d_means2d, d_conics, np.empty(len(d_means), np.float32), d_colors)
        if drawn.sh is not None:
            harmonic_gradient(drawn.means, drawn.sh, camera.position_m, drawn.colors, d_colors, d_means, np.empty_like(drawn.sh))
        d_vertices = np.zeros_like(drawn.vertices)
        project_bound_gradient(
            self.binding, self.position, self.axes, self.rest_shape, drawn.vertices, self.triangles, camera.world_to_camera,
            camera.intrinsics, camera.width, camera.height, drawn.ids, drawn.means, projected.conics, projected.depths,
            d_means2d, d_conics, d_means, d_vertices,
        )  # fmt: skip
        return d_vertices


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One frame; M of its Gaussians are seen."""

    vertices: Array  # [V, 3]
    camera: Camera
    ids: NDArray[np.int32]  # [M]
    means: Array  # [M, 3]
    projected: Projected  # of M
    colors: Array  # [M, 3]
    sh: Array | None  # [M, K, 3]
    tiles: Tiles
    image: Array  # [H, W, 3]
    alpha: Array  # [H, W]


class _Render(torch.autograd.Function):
    """Frames in parallel: each has its own gradient, so that any number of threads gives the same bits."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
        vertices, crop, cameras = arguments
        meshes = np.ascontiguousarray(vertices.detach().to("cpu", torch.float32).numpy())
        threads = default_threads()
        within = threads if len(meshes) == 1 else 1
        jobs = zip(meshes, cameras, strict=True)
        drawn = list(map_ahead(lambda job: crop.draw(*job, within), jobs, threads if within == 1 else 1))
        ctx.state = crop, drawn, vertices.device, vertices.dtype, threads, within
        images = torch.from_numpy(np.stack([frame.image for frame in drawn]))
        alphas = torch.from_numpy(np.stack([frame.alpha for frame in drawn]))
        return images.to(vertices), alphas.to(vertices)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        crop, drawn, device, dtype, threads, within = ctx.state
        d_images, d_alphas = (np.ascontiguousarray(g.detach().to("cpu", torch.float32).numpy()) for g in gradients)
        jobs = zip(drawn, d_images, d_alphas, strict=True)
        found = map_ahead(lambda job: crop.draw_gradient(*job, within), jobs, threads if within == 1 else 1)
        return torch.from_numpy(np.stack(list(found))).to(device, dtype), None, None


_render: Callable[..., tuple[Tensor, Tensor]] = _Render.apply


def reader_input(pictures: Tensor) -> Tensor:
    """Colour in [0, 1] -> grey, normalised as the lip reader was trained, centre-cropped. [T, H, W, 3] -> [T, 1, 88, 88]"""
    height, width = pictures.shape[1:3]
    if min(height, width) < READER_PX:
        raise ValueError(f"pictures are {width} x {height}, the lip reader takes {READER_PX} x {READER_PX}")
    top, left = (height - READER_PX) // 2, (width - READER_PX) // 2
    centre = pictures[:, top : top + READER_PX, left : left + READER_PX]
    grey = centre @ torch.tensor(GREY, dtype=pictures.dtype, device=pictures.device)
    return ((grey - GREY_MEAN) / GREY_STD)[:, None]
