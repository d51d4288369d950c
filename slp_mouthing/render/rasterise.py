"""Gaussians to a picture, on the CPU, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.render.binning import TILE, bin_tiles
from slp_mouthing.render.compositing import composite
from slp_mouthing.render.harmonics import harmonic_colors
from slp_mouthing.render.projection import project
from slp_mouthing.render.threads import deal, default_threads

if TYPE_CHECKING:
    from collections.abc import Sized

    from numpy.typing import ArrayLike, NDArray

    from slp_mouthing.types import Array


@dataclass(frozen=True, slots=True)
class Projected:
    """Gaussians as the camera sees them; depth 0 for those it does not."""

    means2d: Array  # [N, 2] px
    conics: Array  # [N, 3] xx, xy, yy of the inverse covariance, 1/px^2
    depths: Array  # [N] m


@dataclass(frozen=True, slots=True)
class Tiles:
    """Visible Gaussians in order of depth, and their lists by tile; see `binning.bin_tiles`."""

    ids: NDArray[np.int32]  # [M]
    packed: Array  # [M, FIELDS]
    boxes: NDArray[np.int32]  # [M, 4]
    slots: NDArray[np.int64]  # [M + 1]
    starts: NDArray[np.int64]  # [tiles + 1]
    lists: NDArray[np.int32]


def rasterize_numpy(
    means: ArrayLike,
    quats_wxyz: ArrayLike,
    scales: ArrayLike,
    opacities: ArrayLike,
    colors: ArrayLike | None,
    world_to_camera: ArrayLike,
    intrinsics: ArrayLike,
    width: int,
    height: int,
    background: ArrayLike | None = None,
    *,
    sh: ArrayLike | None = None,
    threads: int | None = None,
) -> tuple[Array, Array]:
    """Render Gaussians: means [N, 3] m, quaternions [N, 4], standard deviations [N, 3] m, opacities [N], colours [N, 3].

    `sh` [N, K, 3], K = 1, 4, 9 or 16 harmonics, stands for colours when given; `background` is [3]. Gaussians that are not finite
    are left out. Returns the image [H, W, 3] over the background (black) and alpha [H, W]. Raises `ValueError` for wrong shapes.
    """
    means, quats, scales = as_matrix(means, 3), as_matrix(quats_wxyz, 4), as_matrix(scales, 3)
    opacities = as_vector(opacities)
    view, K = as_matrix(world_to_camera, 4), as_matrix(intrinsics, 3)
    threads = threads or default_threads()
    if sh is None:
        if colors is None:
            raise ValueError("give colors or sh")
        rgb = as_matrix(colors, 3)
    else:
        rgb = harmonics_to_colors(means, sh, view)
    check_counts(means, quats, scales, opacities, rgb)
    projected = project_all(means, quats, scales, opacities, view, K, width, height, threads)
    tiles = make_tiles(projected, opacities, rgb, width, height)
    image, alpha = composite_all(tiles, width, height, threads)
    if background is not None:
        image += (1 - alpha)[..., None] * np.asarray(background, np.float32)
    return image, alpha


def project_all(
    means: Array, quats: Array, scales: Array, opacities: Array, view: Array, K: Array, width: int, height: int, threads: int = 1
) -> Projected:
    n = len(means)
    out = Projected(np.empty((n, 2), np.float32), np.empty((n, 3), np.float32), np.empty(n, np.float32))
    deal(
        lambda first, step: project(
            means, quats, scales, opacities, view, K, width, height, first, step, out.means2d, out.conics, out.depths
        ),
        threads,
    )
    return out


def make_tiles(projected: Projected, opacities: Array, colors: Array, width: int, height: int) -> Tiles:
    return Tiles(
        *bin_tiles(
            projected.means2d, projected.conics, projected.depths, opacities, colors, -(-width // TILE), -(-height // TILE)
        )
    )


def composite_all(tiles: Tiles, width: int, height: int, threads: int = 1) -> tuple[Array, Array]:
    """Premultiplied image [H, W, 3] and alpha [H, W]."""
    image, alpha = np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32)
    deal(
        lambda first, step: composite(tiles.packed, tiles.starts, tiles.lists, first, step, width, height, image, alpha),
        threads,
    )
    return image, alpha


def harmonics_to_colors(means: Array, sh: ArrayLike, view: Array) -> Array:
    """[N, 3], [N, K, 3] and the camera -> colours [N, 3]."""
    coefficients = np.ascontiguousarray(sh, np.float32)
    check_harmonics(means, coefficients)
    colors = np.empty((len(means), 3), np.float32)
    harmonic_colors(means, coefficients, camera_position(view), colors)
    return colors


def check_harmonics(means: Array, sh: Array) -> None:
    if sh.ndim != 3 or sh.shape[1] not in (1, 4, 9, 16) or sh.shape[2] != 3:
        raise ValueError(f"sh has shape {sh.shape}, expected [N, 1 | 4 | 9 | 16, 3]")
    check_counts(means, sh)


def camera_position(view: Array) -> Array:  # [4, 4] -> [3]
    return np.ascontiguousarray(-view[:3, :3].T @ view[:3, 3], np.float32)


def as_matrix(value: ArrayLike, columns: int) -> Array:
    array = np.ascontiguousarray(value, np.float32)
    if array.ndim != 2 or array.shape[1] != columns:
        raise ValueError(f"got shape {array.shape}, expected [N, {columns}]")
    return array


def as_vector(value: ArrayLike) -> Array:
    array = np.ascontiguousarray(value, np.float32)
    if array.ndim != 1:
        raise ValueError(f"got shape {array.shape}, expected [N]")
    return array


def check_counts(*arrays: Sized) -> None:
    if len({len(array) for array in arrays}) != 1:
        raise ValueError(f"as many of each are needed, got {', '.join(str(len(a)) for a in arrays)}")
