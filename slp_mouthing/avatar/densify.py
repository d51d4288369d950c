"""More Gaussians where the picture still pulls at them, fewer where they do nothing; at least one per triangle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.torch_binding import torch
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from slp_mouthing.avatar.trainable import Trainable

SPLIT_SHRINK = 1.6
"""By which the two halves of a Gaussian are smaller than it."""
RESET_OPACITY = 0.01


@dataclass(frozen=True, slots=True)
class DensityOptions:
    """GaussianAvatars' numbers for 600,000 steps; see `schedule`."""

    first: int = 10_000
    """Step from which Gaussians are added and taken away."""
    every: int = 2_000
    reset_every: int = 60_000
    """Steps between two resets of the opacity, after which what does not help fades away."""
    until_share: float = 0.85
    """Of the run: the rest settles."""
    gradient: float = 2e-4
    """Mean pull at a Gaussian's middle across the line of sight, per half a picture, above which one becomes two."""
    split_above_m: float = 0.01
    """Largest deviation above which a Gaussian is split; below, it is doubled."""
    min_opacity: float = 0.005
    max_gaussians: int = 500_000

    def __post_init__(self) -> None:
        if min(self.first, self.every, self.reset_every) < 1:
            raise InputError("steps between changes of density must be at least 1")

    @staticmethod
    def schedule(iterations: int) -> DensityOptions:
        """The same shares of a shorter run, though never so dense that Adam could not settle between two changes."""
        scale = iterations / 600_000
        return DensityOptions(
            first=max(300, round(10_000 * scale)), every=max(200, round(2_000 * scale)),
            reset_every=max(3_000, round(60_000 * scale)),
        )  # fmt: skip


class Density:
    """The pull at each Gaussian, gathered over steps."""

    def __init__(self, count: int, device: str) -> None:
        self.pull, self.seen = torch.zeros(count, device=device), torch.zeros(count, device=device)

    def note(self, d_means: Tensor, means: Tensor, world_to_camera: Tensor, focal_px: float, side_px: int) -> None:
        """Gather the gradient of the world's means [N, 3] of one picture.

        Moving a mean by a pixel takes depth / focal length metres across the line of sight; the published threshold counts in
        halves of a picture.
        """
        rotation = world_to_camera[:3, :3]
        depth = means @ rotation[2] + world_to_camera[2, 3]
        across = (d_means @ rotation[:2].T).norm(dim=1)
        pull = across * depth.clamp_min(0) * (side_px / 2 / focal_px)
        visible = pull > 0
        self.pull += torch.where(visible, pull, 0)
        self.seen += visible

    @property
    def mean_pull(self) -> Tensor:  # [N]
        return self.pull / self.seen.clamp_min(1)


def change_density(gaussians: Trainable, pull: Tensor, scales_m: Tensor, options: DensityOptions, seed: int) -> None:
    """Double or split what is pulled at, then prune. Mean pull [N], deviations in the world [N, 3]."""
    pulled = pull > options.gradient
    if int(pulled.sum()) + len(gaussians) > options.max_gaussians:
        pulled = torch.zeros_like(pulled)
    large = scales_m.amax(dim=1) > options.split_above_m
    doubled, halved = pulled & ~large, pulled & large
    twins = {name: tensor.detach()[doubled] for name, tensor in gaussians.parameters.items()}
    halves, owners = split(gaussians, torch.nonzero(halved)[:, 0], seed), gaussians.binding[halved].repeat(2)
    gaussians.append(twins, gaussians.binding[doubled])
    gaussians.append(halves, owners)
    new = torch.ones(len(gaussians) - len(halved), dtype=torch.bool, device=halved.device)
    gaussians.select(torch.cat([~halved, new]))
    gaussians.select(worth_keeping(gaussians["opacity_logit"].detach().sigmoid(), gaussians.binding, options.min_opacity))


def split(gaussians: Trainable, rows: Tensor, seed: int) -> dict[str, Tensor]:
    """Two smaller Gaussians at random places within each of these. -> values of twice as many"""
    values = {name: tensor.detach()[rows].repeat(2, *[1] * (tensor.ndim - 1)) for name, tensor in gaussians.parameters.items()}
    # Drawn by numpy: the same on every device.
    normal = np.random.default_rng(seed).standard_normal((2 * len(rows), 3)).astype(np.float32)
    offset = torch.from_numpy(normal).to(values["position"]) * values["log_scale"].exp()
    values["position"] = values["position"] + rotate(values["rotation"], offset)
    values["log_scale"] = values["log_scale"] - float(np.log(SPLIT_SHRINK))
    return values


def rotate(rotation_wxyz: Tensor, v: Tensor) -> Tensor:
    """Vectors [N, 3] turned by quaternions [N, 4] of any length."""
    q = torch.nn.functional.normalize(rotation_wxyz, dim=1)
    w, axis = q[:, :1], q[:, 1:]
    twice = 2 * torch.linalg.cross(axis, v)
    turned: Tensor = v + w * twice + torch.linalg.cross(axis, twice)
    return turned


def worth_keeping(opacity: Tensor, binding: Tensor, min_opacity: float) -> Tensor:
    """Mask [N] of those above `min_opacity`, and of the strongest on each triangle."""
    order = torch.argsort(opacity, descending=True, stable=True)
    order = order[torch.argsort(binding[order], stable=True)]
    sorted_binding = binding[order]
    first = torch.ones_like(sorted_binding, dtype=torch.bool)
    first[1:] = sorted_binding[1:] != sorted_binding[:-1]
    keep = opacity >= min_opacity
    keep[order[first]] = True
    return keep


def reset_opacity(gaussians: Trainable) -> None:
    """Nearly clear, all of them: the picture brings back those it needs."""
    limit = torch.logit(torch.tensor(RESET_OPACITY))
    gaussians.overwrite("opacity_logit", gaussians["opacity_logit"].detach().clamp_max(float(limit)))
