"""How near two pictures are: PSNR and SSIM."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slp_mouthing.avatar.torch_binding import torch

if TYPE_CHECKING:
    from torch import Tensor

WINDOW_PX = 11
"""Of SSIM's Gaussian, whose standard deviation is 1.5 px (Wang et al. 2004)."""
_SIGMA_PX = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures in [0, 1] of any equal shape; infinite for equal ones."""
    error = float((a - b).square().mean())
    return math.inf if error == 0 else -10 * math.log10(error)


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean structural similarity of pictures [H, W, C] in [0, 1], over the windows that lie inside, differentiable.

    Raises `ValueError` for pictures of different shape, or smaller than the window.
    """
    if a.shape != b.shape or a.ndim != 3 or min(a.shape[:2]) < WINDOW_PX:
        raise ValueError(f"pictures of shape {tuple(a.shape)} and {tuple(b.shape)}, expected equal, at least {WINDOW_PX} px")
    planes = torch.stack([a, b, a * a, b * b, a * b]).permute(0, 3, 1, 2).flatten(0, 1)[None]
    # One group per plane: twenty times quicker on a CPU than planes as a batch.
    count, conv2d = planes.shape[1], torch.nn.functional.conv2d
    kernel = _gaussian(a).expand(count, 1, WINDOW_PX)
    blurred = conv2d(conv2d(planes, kernel[..., None], groups=count), kernel[:, :, None], groups=count)
    mean_a, mean_b, aa, bb, ab = blurred.reshape(5, -1, *blurred.shape[2:])
    variances, covariance = aa + bb - mean_a**2 - mean_b**2, ab - mean_a * mean_b
    structure = (2 * covariance + _C2) / (variances + _C2)
    similarity: Tensor = ((2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1) * structure).mean()
    return similarity


def _gaussian(like: Tensor) -> Tensor:
    x = torch.arange(WINDOW_PX, dtype=like.dtype, device=like.device) - WINDOW_PX // 2
    weights = torch.exp(-x.square() / (2 * _SIGMA_PX**2))
    return weights / weights.sum()
