"""The rasteriser for torch: the same kernels, with gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from slp_mouthing.errors import MissingExtra
from slp_mouthing.render.gradients import SLOT, composite_gradient, gather, project_gradient
from slp_mouthing.render.harmonics import harmonic_colors, harmonic_gradient
from slp_mouthing.render.rasterise import camera_position, check_counts, check_harmonics, composite_all, make_tiles, project_all
from slp_mouthing.render.threads import deal, default_threads

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the differentiable renderer") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from slp_mouthing.types import Array


@overload
def rasterize(
    means: Tensor, quats_wxyz: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor | None, world_to_camera: Tensor,
    intrinsics: Tensor, width: int, height: int, background: Tensor | None = None, *, sh: Tensor | None = None,
    depth: Literal[False] = False,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip


@overload
def rasterize(
    means: Tensor, quats_wxyz: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor | None, world_to_camera: Tensor,
    intrinsics: Tensor, width: int, height: int, background: Tensor | None = None, *, sh: Tensor | None = None,
    depth: Literal[True],
) -> tuple[Tensor, Tensor, Tensor]: ...  # fmt: skip


def rasterize(
    means: Tensor,
    quats_wxyz: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor | None,
    world_to_camera: Tensor,
    intrinsics: Tensor,
    width: int,
    height: int,
    background: Tensor | None = None,
    *,
    sh: Tensor | None = None,
    depth: bool = False,
) -> tuple[Tensor, ...]:
    """Render Gaussians with gradients: means [N, 3] m, quaternions [N, 4], scales [N, 3] m, opacities [N], colours [N, 3].

    Args:
        world_to_camera: [4, 4], or [C, 4, 4] for a batch of cameras.
        intrinsics: [3, 3] px, or [C, 3, 3].
        background: [3] colour, black if None.
        sh: [N, K, 3], K = 1, 4, 9 or 16 harmonics, in place of colours.
        depth: also return the expected depth along the camera's axis, m, 0 where nothing is.

    Differentiable in all of the Gaussians and in the background, not in the camera. On the CPU by our own kernels in single
    precision, where Gaussians that are not finite are left out; tensors on a GPU go to gsplat (`render.cuda`).

    Returns the image [H, W, 3] over the background, alpha [H, W] and, if asked for, depth [H, W]; [C, H, W, ...] for a batch.
    Raises `ValueError` for wrong shapes or a camera that is not finite, `MissingExtra` on a GPU without gsplat.
    """
    inputs = [_checked(t, columns) for t, columns in ((means, 3), (quats_wxyz, 4), (scales, 3), (opacities, 0))]
    if sh is not None:
        inputs.append(_single(sh))
    elif colors is not None:
        inputs.append(_checked(colors, 3))
    else:
        raise ValueError("give colors or sh")
    check_counts(*inputs)
    views, Ks = _cameras(world_to_camera, intrinsics)
    if means.is_cuda:
        from slp_mouthing.render.cuda import rasterize_cuda

        found: tuple[Tensor, ...] = rasterize_cuda(inputs, views.to(means.device), Ks.to(means.device), width, height)
    else:
        shots = [_one(inputs, _array(view), _array(K), width, height, depth) for view, K in zip(views, Ks, strict=True)]
        found = tuple(torch.stack(layers) for layers in zip(*shots, strict=True))
    image, alpha, *rest = found if depth else found[:2]
    if background is not None:
        image = image + (1 - alpha)[..., None] * background.to(image)
    return tuple(layer if world_to_camera.ndim == 3 else layer[0] for layer in (image, alpha, *rest))


def _one(inputs: list[Tensor], view: Array, K: Array, width: int, height: int, depth: bool) -> tuple[Tensor, ...]:
    """Premultiplied image, alpha and, if asked for, expected depth of one camera, on the CPU."""
    means, quats, scales, opacities, colors = inputs
    if colors.ndim == 3:
        colors = _harmonics(means, colors, camera_position(view))
    image, alpha = _rasterize(means, quats, scales, opacities, colors, view, K, width, height)
    if not depth:
        return image, alpha
    # Depth is one more colour: its gradient to the means comes by itself.
    along = means @ torch.from_numpy(view[2, :3].copy()) + float(view[2, 3])
    total, _ = _rasterize(means, quats, scales, opacities, along[:, None].expand(-1, 3), view, K, width, height)
    return image, alpha, total[..., 0] / alpha.clamp_min(1e-10)


def _cameras(world_to_camera: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
    """As batches [C, 4, 4], [C, 3, 3]; one camera's intrinsics serve all."""
    views = world_to_camera if world_to_camera.ndim == 3 else world_to_camera[None]
    Ks = intrinsics if intrinsics.ndim == 3 else intrinsics[None]
    if views.shape[1:] != (4, 4) or Ks.shape[1:] != (3, 3) or len(Ks) not in (1, len(views)) or not len(views):
        raise ValueError(
            f"cameras have shapes {tuple(world_to_camera.shape)} and {tuple(intrinsics.shape)}, "
            "expected [4, 4] or [C, 4, 4] and [3, 3] or [C, 3, 3]"
        )
    if not bool(torch.isfinite(views).all() and torch.isfinite(Ks).all()):
        raise ValueError("a camera is not finite")
    return views, Ks.expand(len(views), 3, 3)


class _Rasterize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
        *tensors, view, K, width, height = arguments
        means, quats, scales, opacities, colors = map(_array, tensors)
        threads = default_threads()
        projected = project_all(means, quats, scales, opacities, view, K, width, height, threads)
        tiles = make_tiles(projected, opacities, colors, width, height)
        image, alpha = composite_all(tiles, width, height, threads)
        ctx.save_for_backward(*tensors)
        ctx.state = projected, tiles, view, K, image, alpha
        # Copies: whoever writes into the results must not change what the gradient is computed from.
        return torch.from_numpy(image.copy()), torch.from_numpy(alpha.copy())

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        d_image, d_alpha = map(_array, gradients)
        means, quats, scales, opacities, colors = map(_array, ctx.saved_tensors)
        projected, tiles, view, K, image, alpha = ctx.state
        height, width = alpha.shape
        slots = np.empty((int(tiles.slots[-1]), SLOT), np.float32)
        deal(
            lambda first, step: composite_gradient(
                tiles.packed, tiles.boxes, tiles.slots, tiles.starts, tiles.lists, first, step, width, height, image, alpha,
                d_image, d_alpha, slots,
            ),
            default_threads(),
        )  # fmt: skip
        d_means2d, d_conics = np.zeros_like(projected.means2d), np.zeros_like(projected.conics)
        d_opacities, d_colors = np.zeros_like(opacities), np.zeros_like(colors)
        gather(tiles.ids, tiles.slots, slots, d_means2d, d_conics, d_opacities, d_colors)
        d_means, d_quats, d_scales = np.zeros_like(means), np.zeros_like(quats), np.zeros_like(scales)
        project_gradient(
            means, quats, scales, view, K, width, height, projected.conics, projected.depths, d_means2d, d_conics,
            d_means, d_quats, d_scales,
        )  # fmt: skip
        return *map(torch.from_numpy, (d_means, d_quats, d_scales, d_opacities, d_colors)), None, None, None, None


class _Harmonics(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        means, sh, camera = arguments
        check_harmonics(_array(means), _array(sh))
        colors = np.empty((len(means), 3), np.float32)
        harmonic_colors(_array(means), _array(sh), camera, colors)
        ctx.save_for_backward(means, sh)
        ctx.state = camera, colors
        return torch.from_numpy(colors.copy())

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        means, sh = map(_array, ctx.saved_tensors)
        camera, colors = ctx.state
        d_means, d_sh = np.empty_like(means), np.empty_like(sh)
        harmonic_gradient(means, sh, camera, colors, _array(gradients[0]), d_means, d_sh)
        return torch.from_numpy(d_means), torch.from_numpy(d_sh), None


# Typed as what they are: torch declares `apply` without types.
_rasterize: Callable[..., tuple[Tensor, Tensor]] = _Rasterize.apply
_harmonics: Callable[..., Tensor] = _Harmonics.apply


def _checked(tensor: Tensor, columns: int) -> Tensor:
    """In single precision, [N, columns] or, for 0 columns, [N]."""
    if tensor.ndim != (2 if columns else 1) or (columns and tensor.shape[1] != columns):
        raise ValueError(f"got shape {tuple(tensor.shape)}, expected [N{f', {columns}' if columns else ''}]")
    return _single(tensor)


def _single(tensor: Tensor) -> Tensor:
    """In single precision, on the GPU or on the CPU."""
    return tensor.to(tensor.device if tensor.is_cuda else "cpu", torch.float32)


def _array(tensor: Tensor) -> Array:
    return np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())
