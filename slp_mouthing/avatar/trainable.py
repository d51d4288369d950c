"""An avatar while it is fitted: Gaussians on triangles as tensors, their optimiser, and how their number changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.avatar.splats import SplatAvatar, Splats
from slp_mouthing.avatar.torch_binding import torch

if TYPE_CHECKING:
    from torch import Tensor

SH_DEGREE = 3
ADAM_EPS = 1e-15
"""As Gaussian splatting's: gradients are small."""
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True)
class Rates:
    """Adam's learning rates per parameter, as GaussianAvatars'."""

    position: float = 5e-3
    """In units of the triangle's scale; falls exponentially to `position_end`."""
    position_end: float = 5e-5
    rotation: float = 1e-3
    log_scale: float = 1.7e-2
    opacity_logit: float = 5e-2
    sh_base: float = 2.5e-3
    sh_rest: float = 1.25e-4


@dataclass(frozen=True, slots=True)
class Start:
    """What a fit starts from: one Gaussian in the middle of each triangle."""

    deviation: float = 0.5
    """Over the triangle's scale."""
    thickness: float = 0.1
    """Deviation along the triangle's normal, over `deviation`."""
    opacity: float = 0.5
    color: float = 0.5
    """Grey."""


@dataclass
class Trainable:
    """N Gaussians as parameters, with one Adam over them all; N changes."""

    parameters: dict[str, Tensor]
    """position [N, 3], rotation [N, 4], log_scale [N, 3], opacity_logit [N], sh_base [N, 1, 3], sh_rest [N, 15, 3]."""
    binding: Tensor  # [N] int64
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        for tensor in self.parameters.values():
            tensor.requires_grad_()
        groups = [{"params": [t], "lr": getattr(self.rates, name), "name": name} for name, t in self.parameters.items()]
        self.adam = torch.optim.Adam(groups, eps=ADAM_EPS)

    @staticmethod
    def on_triangles(count: int, start: Start, rates: Rates, device: str) -> Trainable:
        """One Gaussian on each of `count` triangles."""
        deviation = torch.tensor([start.deviation, start.deviation * start.thickness, start.deviation])
        opacity = torch.tensor(start.opacity)
        rest = (SH_DEGREE + 1) ** 2 - 1
        parameters = {
            "position": torch.zeros(count, 3),
            "rotation": torch.tensor([1.0, 0, 0, 0]).repeat(count, 1),
            "log_scale": deviation.log().repeat(count, 1),
            "opacity_logit": torch.logit(opacity).repeat(count),
            "sh_base": torch.full((count, 1, 3), (start.color - 0.5) / 0.28209479177387814),
            "sh_rest": torch.zeros(count, rest, 3),
        }
        moved = {name: t.to(device).contiguous() for name, t in parameters.items()}
        return Trainable(moved, torch.arange(count, device=device), rates)

    def __len__(self) -> int:
        return len(self.binding)

    def __getitem__(self, name: str) -> Tensor:
        return self.parameters[name]

    def sh(self, degree: int) -> Tensor:
        """[N, (degree + 1)^2, 3]"""
        return torch.cat([self["sh_base"], self["sh_rest"][:, : (degree + 1) ** 2 - 1]], dim=1)

    def step(self, share: float) -> None:
        """One step of Adam; `share` of the run is done, in [0, 1]."""
        r = self.rates
        self.adam.param_groups[0]["lr"] = r.position * (r.position_end / r.position) ** share
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)

    def select(self, rows: Tensor) -> None:
        """Keep these rows (indices or a mask), with their moments."""
        self.binding = self.binding[rows]
        for name in self.parameters:
            self._replace(name, lambda tensor: tensor[rows].contiguous())

    def append(self, values: dict[str, Tensor], binding: Tensor) -> None:
        """Add Gaussians; their moments start at zero."""
        self.binding = torch.cat([self.binding, binding])
        for name, new in values.items():
            zero = torch.zeros_like(new)
            self._replace(name, lambda tensor, new=new: torch.cat([tensor, new]), lambda m, zero=zero: torch.cat([m, zero]))

    def overwrite(self, name: str, values: Tensor) -> None:
        """New values for one parameter, whose moments start again."""
        self._replace(name, lambda _: values, torch.zeros_like)

    def state(self) -> dict[str, Any]:
        """All that a fit needs to go on as if it had not stopped."""
        return {"parameters": {k: v.detach() for k, v in self.parameters.items()}, "binding": self.binding,
                "adam": self.adam.state_dict()}  # fmt: skip

    @staticmethod
    def of_state(state: dict[str, Any], rates: Rates, device: str) -> Trainable:
        parameters = {name: tensor.to(device) for name, tensor in state["parameters"].items()}
        found = Trainable(parameters, state["binding"].to(device), rates)
        found.adam.load_state_dict(state["adam"])
        return found

    def avatar(self) -> SplatAvatar:
        """As numbers to store, Gaussians in order of their triangles."""
        order = torch.argsort(self.binding, stable=True)
        columns = [self[name] for name in ("position", "rotation", "log_scale", "opacity_logit")]
        arrays = [tensor.detach()[order].cpu().numpy() for tensor in (*columns, self.sh(SH_DEGREE))]
        return SplatAvatar(Splats(*arrays), self.binding[order].cpu().numpy().astype(np.int32))

    def _replace(self, name: str, change: Any, change_moment: Any = None) -> None:
        group = next(g for g in self.adam.param_groups if g["name"] == name)
        old = group["params"][0]
        new = change(old.detach()).requires_grad_()
        state = self.adam.state.pop(old, None)
        if state:
            for key in _MOMENTS:
                state[key] = (change_moment or change)(state[key])
            self.adam.state[new] = state
        group["params"][0] = self.parameters[name] = new
