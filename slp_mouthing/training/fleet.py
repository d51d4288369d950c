"""One process or many that train one network: the same steps, each on its part of the batches."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

import torch

from slp_mouthing.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn


class Fleet(Protocol):
    """The processes of a run. Each draws its own batches; gradients are averaged, so that weights stay alike."""

    rank: int
    """0 writes the files."""
    world: int
    """Processes."""
    device: str

    def average(self, gradients: Sequence[Tensor]) -> None:
        """In place, over all processes."""

    def same(self, value: float) -> float:
        """The first process's value, in all."""

    def align(self, network: nn.Module) -> None:
        """The first process's weights, in all."""


class Alone:
    """One process."""

    rank, world = 0, 1

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def average(self, gradients: Sequence[Tensor]) -> None: ...

    def same(self, value: float) -> float:
        return value

    def align(self, network: nn.Module) -> None: ...


class Accelerated:
    """Processes started by `accelerate launch`, on one machine or many."""

    def __init__(self, device: str = "cpu") -> None:
        try:
            from accelerate import Accelerator
            from accelerate.utils import broadcast
        except ImportError as error:
            raise MissingExtra("accelerate", "cluster", why="training in several processes") from error
        self._broadcast: Any = broadcast
        self._accelerator: Any = Accelerator(cpu=device == "cpu")
        self.rank, self.world = int(self._accelerator.process_index), int(self._accelerator.num_processes)
        self.device = str(self._accelerator.device)

    def average(self, gradients: Sequence[Tensor]) -> None:
        flat = self._accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), reduction="mean")
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def same(self, value: float) -> float:
        return float(self._broadcast(torch.tensor([value], dtype=torch.float64, device=self.device)).item())

    def align(self, network: nn.Module) -> None:
        for parameter in network.state_dict().values():
            parameter.copy_(self._broadcast(parameter))


def join_fleet(device: str = "cpu") -> Fleet:
    """The fleet that this process was started in. Raises `InputError` for a device that is not there."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device is '{device}', and torch finds no CUDA", hint="give --device cpu, or install torch for CUDA")
    try:
        torch.device(device)
    except RuntimeError as error:
        raise InputError(f"unknown device '{device}', allowed: cpu, cuda, cuda:0, ...") from error
    return Accelerated(device) if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Alone(device)
