"""The same pictures from an NVIDIA GPU: gsplat behind our own call.

gsplat shares our conventions (0.3 px of dilation, near plane at 0.01 m, alpha below 1/255 skipped, pixels done at 1e-4, harmonics
with 0.5 added and cut off at zero). It clamps alpha to 0.999 up to version 1.5.3 and to 0.99 later: the extra pins the former.

Written against gsplat's documented interface on a machine without a GPU and not run there: the test that compares it with the
kernels for the CPU is skipped where there is none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from slp_mouthing.errors import MissingExtra

if TYPE_CHECKING:
    from torch import Tensor

EPS2D_PX2, NEAR_M, TILE = 0.3, 0.01, 16


def rasterize_cuda(
    gaussians: list[Tensor], world_to_camera: Tensor, intrinsics: Tensor, width: int, height: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Tensors on a GPU: means, quaternions, scales, opacities, and colours [N, 3] or harmonics [N, K, 3].

    Cameras are [C, 4, 4] and [C, 3, 3]. Returns premultiplied images [C, H, W, 3], alphas [C, H, W] and expected depths
    [C, H, W] m. Raises `MissingExtra`.
    """
    try:
        import gsplat
    except ImportError as error:
        raise MissingExtra("gsplat", "cuda", why="rendering on a GPU") from error

    render: Any = gsplat.rasterization
    colors = gaussians[-1]
    image, alpha, _ = render(
        *gaussians, world_to_camera, intrinsics, width, height,
        near_plane=NEAR_M, eps2d=EPS2D_PX2, tile_size=TILE, packed=False, render_mode="RGB+ED",
        sh_degree=math.isqrt(colors.shape[1]) - 1 if colors.ndim == 3 else None,
    )  # fmt: skip
    return image[..., :3], alpha[..., 0], image[..., 3]
