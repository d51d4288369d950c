"""The rasteriser for torch: the same kernels, with gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import MissingExtra
from slp_mouthing.render.gradients import SLOT, composite_gradient, gather, project_gradient
from slp_mouthing.render.harmonics import harmonic_colors, harmonic_gradient
from slp_mouthing.render.rasterise import camera_position, check_counts, check_harmonics, composite_all, make_tiles, project_all
from slp_mouthing.render.threads import deal, default_threads

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "train", why="the differentiable renderer") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from slp_mouthing.types import Array


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
) -> tuple[Tensor, Tensor]:
    """Render Gaussians with gradients: means [N, 3] m, quaternions [N, 4], scales [N, 3] m, opacities [N], colours [N, 3].

    `sh` [N, K, 3], K = 1, 4, 9 or 16 harmonics, stands for colours when given. Differentiable in all of these and in the
    background [3], not in the camera. Works on the CPU in single precision; results come back to the means' device. Returns the
    image [H, W, 3] over the background (black) and alpha [H, W]. Raises `ValueError` for wrong shapes.
    """
    view, K = _array(world_to_camera), _array(intrinsics)
    inputs = [_single(t, columns) for t, columns in ((means, 3), (quats_wxyz, 4), (scales, 3))]
    if sh is not None:
        colors = _harmonics(inputs[0], _single(sh, None), camera_position(view))
    elif colors is None:
        raise ValueError("give colors or sh")
    inputs += [_single(opacities, 0), _single(colors, 3)]
    check_counts(*inputs)
    image, alpha = _rasterize(*inputs, view, K, width, height)
    if background is not None:
        image = image + (1 - alpha)[..., None] * background.to(image)
    return image.to(means.device), alpha.to(means.device)


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


def _single(tensor: Tensor, columns: int | None) -> Tensor:
    """On the CPU, in single precision; [N, columns], [N] for 0 columns, any shape for None."""
    if (columns is not None and tuple(tensor.shape[1:]) != ((columns,) if columns else ())) or tensor.ndim == 0:
        raise ValueError(f"got shape {tuple(tensor.shape)}, expected [N{f', {columns}' if columns else ''}]")
    return tensor.to("cpu", torch.float32)


def _array(tensor: Tensor) -> Array:
    return np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())
