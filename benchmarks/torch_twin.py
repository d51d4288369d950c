"""Projection, harmonics and compositing in plain torch, as well as plain torch does it: what the kernels are timed against.

All tiles of a chunk are padded to one list length, tiles of like length together, so that torch works on large dense arrays. The
lists themselves come from our kernel, in the twin's favour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from slp_mouthing.render.binning import TILE, bin_tiles
from slp_mouthing.render.compositing import MAX_ALPHA, MIN_ALPHA, MIN_TRANSMITTANCE
from slp_mouthing.render.projection import DILATION_PX2, MARGIN, NEAR_M

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 32
"""Tiles at once: more no longer fit in the cache."""


@dataclass(frozen=True, slots=True)
class Flat:
    """Gaussians as the camera sees them."""

    means2d: Tensor  # [N, 2] px
    conics: Tensor  # [N, 3]
    depths: Tensor  # [N] m, 0 behind the camera


def project(means: Tensor, quats: Tensor, scales: Tensor, view: Tensor, K: Tensor, width: int, height: int) -> Flat:
    w, x, y, z = (quats / quats.norm(dim=1, keepdim=True)).unbind(1)
    rotation = torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
                            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], 1).view(-1, 3, 3)  # fmt: skip
    seen = means @ view[:3, :3].T + view[:3, 3]
    depth = seen[:, 2]
    focal, center, size = K.diagonal()[:2], K[:2, 2], torch.tensor([width, height], dtype=means.dtype)
    ratio = seen[:, :2] / depth[:, None]
    clamped = torch.minimum(torch.maximum(ratio, -(center + MARGIN * size) / focal), (size - center + MARGIN * size) / focal)
    # The Jacobian's rows times the camera's rotation, without the zeros.
    rows = (focal / depth[:, None])[:, :, None] * (view[None, :2, :3] - clamped[:, :, None] * view[None, 2:3, :3])
    factor = (rows @ rotation) * scales[:, None, :]
    a, b, c = (
        (factor[:, 0] ** 2).sum(1) + DILATION_PX2,
        (factor[:, 0] * factor[:, 1]).sum(1),
        (factor[:, 1] ** 2).sum(1) + DILATION_PX2,
    )
    det = a * c - b * b
    return Flat(ratio * focal + center, torch.stack([c, -b, a], 1) / det[:, None], torch.where(depth > NEAR_M, depth, 0))


def harmonics(means: Tensor, sh: Tensor, view: Tensor) -> Tensor:
    """Degree 3. [N, 3], [N, 16, 3] -> [N, 3]"""
    direction = means + view[:3, :3].T @ view[:3, 3]
    x, y, z = (direction / direction.norm(dim=1, keepdim=True)).unbind(1)
    xx, yy, zz = x * x, y * y, z * z
    basis = [torch.full_like(x, 0.28209479), -0.48860251 * y, 0.48860251 * z, -0.48860251 * x,
             1.09254843 * x * y, -1.09254843 * y * z, 0.31539157 * (2 * zz - xx - yy), -1.09254843 * x * z,
             0.54627422 * (xx - yy),
             -0.59004359 * y * (3 * xx - yy), 2.89061144 * x * y * z, -0.4570458 * y * (4 * zz - xx - yy),
             0.37317633 * z * (2 * zz - 3 * xx - 3 * yy), -0.4570458 * x * (4 * zz - xx - yy), 1.44530572 * z * (xx - yy),
             -0.59004359 * x * (xx - 3 * yy)]  # fmt: skip
    return (torch.einsum("nk,nkc->nc", torch.stack(basis, 1), sh) + 0.5).clamp_min(0)


def composite(flat: Flat, opacities: Tensor, colors: Tensor, width: int, height: int) -> tuple[Tensor, Tensor]:
    """Premultiplied image [H, W, 3] and alpha [H, W]."""
    across, down = -(-width // TILE), -(-height // TILE)
    arrays = (t.detach().contiguous().numpy() for t in (flat.means2d, flat.conics, flat.depths, opacities, colors))
    ids, _, _, _, starts_of, lists = bin_tiles(*arrays, across, down)
    entries, starts = torch.from_numpy(ids[lists]).long(), torch.from_numpy(starts_of)
    counts = starts.diff()
    order = counts.argsort(descending=True)
    y, x = torch.meshgrid(torch.arange(TILE), torch.arange(TILE), indexing="ij")
    pixels = torch.stack([x, y], -1).view(-1, 2) + 0.5
    layers = []
    for tiles in order.split(CHUNK):
        slots = torch.arange(int(counts[tiles].max()))
        listed = slots < counts[tiles, None]
        chosen = entries[(starts[tiles, None] + slots).clamp_max(max(len(entries) - 1, 0))] if len(slots) else listed.long()
        at = (torch.stack([tiles % across, tiles // across], -1) * TILE)[:, None] + pixels
        layers.append(
            _blend(flat.means2d[chosen][:, None] - at[:, :, None], flat.conics[chosen], opacities[chosen], colors[chosen], listed)
        )
    found = torch.cat(layers)[order.argsort()].view(down, across, TILE, TILE, 4)
    image = found.permute(0, 2, 1, 3, 4).reshape(down * TILE, across * TILE, 4)[:height, :width]
    return image[..., :3], image[..., 3]


def _blend(d: Tensor, conics: Tensor, opacities: Tensor, colors: Tensor, listed: Tensor) -> Tensor:
    """Tiles' offsets [t, P, n, 2] and lists [t, n, ...] -> colours and alpha [t, P, 4]."""
    a, b, c = conics[:, None].unbind(-1)
    sigma = 0.5 * (a * d[..., 0] ** 2 + c * d[..., 1] ** 2) + b * d[..., 0] * d[..., 1]
    alpha = (opacities[:, None] * torch.exp(-sigma)).clamp_max(float(MAX_ALPHA))
    alpha = torch.where((sigma >= 0) & (alpha >= float(MIN_ALPHA)) & listed[:, None], alpha, 0)
    after = torch.cumprod(1 - alpha, 2)
    before = torch.cat([torch.ones_like(after[..., :1]), after[..., :-1]], -1)
    weights = torch.where(after > float(MIN_TRANSMITTANCE), alpha * before, 0)
    return torch.cat([torch.bmm(weights, colors), weights.sum(-1, keepdim=True)], -1)


def rasterize(
    means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, sh: Tensor, view: Tensor, K: Tensor, width: int, height: int
) -> tuple[Tensor, Tensor]:
    """As `slp_mouthing.render.rasterize` with harmonics, on the CPU."""
    return composite(project(means, quats, scales, view, K, width, height), opacities, harmonics(means, sh, view), width, height)
