"""How different two pictures look: LPIPS (Zhang et al. 2018, version 0.1), with the weights that the user has.

A folder holds two files as their authors publish them: the features of a network trained on ImageNet in torchvision's layout
(`alexnet*.pth` or `vgg16*.pth`, keys `features.N.weight` and `.bias`), and LPIPS's own layers over them (`alex.pth` or `vgg.pth`,
keys `lin0.model.1.weight` to `lin4.model.1.weight`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing.avatar.torch_binding import torch
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

LEAST_PX = 32
"""Smaller pictures do not reach the last layer."""
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_TINY = 1e-10


@dataclass(frozen=True, slots=True)
class _Convolution:
    """One layer and its rectifier."""

    index: int
    """Of torchvision's `features`."""
    kernel: int
    stride: int = 1
    padding: int = 1
    pool: int = 0
    """Width of the largest-value pooling before it, by steps of 2; 0 for none."""
    compared: bool = True
    """Whether pictures are compared by what it finds."""


_ALEXNET = (
    _Convolution(0, 11, stride=4, padding=2), _Convolution(3, 5, padding=2, pool=3), _Convolution(6, 3, pool=3),
    _Convolution(8, 3), _Convolution(10, 3),
)  # fmt: skip
_VGG16 = tuple(
    _Convolution(index, 3, pool=2 * (k == 0 and index > 0), compared=k == len(block) - 1)
    for block in ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
    for k, index in enumerate(block)
)
_NETWORKS = {"alex": ("alexnet", _ALEXNET), "vgg": ("vgg16", _VGG16)}
"""By the name of LPIPS's file: that of the network's, and its layers."""


class Lpips:
    """LPIPS of two pictures; 0 for equal ones."""

    def __init__(self, folder: str | Path, device: str = "cpu") -> None:
        """Raises `InputError` for a folder without the two files, and for files of another layout."""
        self.network, features, heads = _find(Path(folder))
        self._layers = _NETWORKS[self.network][1]
        stored, last = _read(features), 3
        self._weights: list[tuple[Tensor, Tensor]] = []
        for layer in self._layers:
            weight = _taken(stored, f"features.{layer.index}.weight", (None, last, layer.kernel, layer.kernel), features)
            last = len(weight)
            bias = _taken(stored, f"features.{layer.index}.bias", (last,), features)
            self._weights.append((weight.to(device), bias.to(device)))
        stored = _read(heads)
        widths = [len(bias) for layer, (_, bias) in zip(self._layers, self._weights, strict=True) if layer.compared]
        self._heads = [
            _taken(stored, f"lin{k}.model.1.weight", (1, width, 1, 1), heads).to(device) for k, width in enumerate(widths)
        ]
        self._shift, self._scale = (torch.tensor(v, device=device)[:, None, None] for v in (_SHIFT, _SCALE))

    @torch.no_grad()
    def __call__(self, a: Tensor, b: Tensor) -> float:
        """Of pictures [H, W, 3] in [0, 1]. Raises `InputError` for pictures of different or too small a size."""
        if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 3 or min(a.shape[:2]) < LEAST_PX:
            raise InputError(
                f"pictures of shape {tuple(a.shape)} and {tuple(b.shape)}, LPIPS takes two of one size from {LEAST_PX} px"
            )
        pair = (2 * torch.stack([a, b]).permute(0, 3, 1, 2) - 1 - self._shift) / self._scale
        total = 0.0
        for found, head in zip(self._features(pair), self._heads, strict=True):
            unit = found / (found.square().sum(1, keepdim=True).sqrt() + _TINY)
            total += float(torch.nn.functional.conv2d((unit[:1] - unit[1:]).square(), head).mean())
        return total

    def _features(self, x: Tensor) -> Iterator[Tensor]:
        """What the compared layers find. [2, 3, H, W] -> [2, C, h, w] each"""
        for layer, (weight, bias) in zip(self._layers, self._weights, strict=True):
            if layer.pool:
                x = torch.nn.functional.max_pool2d(x, layer.pool, stride=2)
            x = torch.nn.functional.conv2d(x, weight, bias, stride=layer.stride, padding=layer.padding).relu()
            if layer.compared:
                yield x


def _find(folder: Path) -> tuple[str, Path, Path]:
    """Network, file of its features and of LPIPS's layers; AlexNet where both networks are there."""
    for name, (network, _) in _NETWORKS.items():
        features, heads = sorted(folder.glob(f"{network}*.pth")), folder / f"{name}.pth"
        if features and heads.is_file():
            return name, features[0], heads
    raise InputError(
        "holds no weights of LPIPS", where=str(folder),
        hint="put torchvision's alexnet*.pth and LPIPS's alex.pth there (or vgg16*.pth and vgg.pth)",
    )  # fmt: skip


def _read(path: Path) -> dict[str, Tensor]:
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or foreign archive makes torch raise
        raise InputError("is not a file of weights that can be read", where=str(path)) from error
    if not isinstance(stored, dict):
        raise InputError(f"holds a {type(stored).__name__}, expected tensors by name", where=str(path))
    return stored


def _taken(stored: dict[str, Tensor], key: str, shape: tuple[int | None, ...], path: Path) -> Tensor:
    """A tensor of a shape, in which None stands for any size."""
    tensor = stored.get(key)
    if not isinstance(tensor, torch.Tensor):
        raise InputError(f"lacks '{key}'", where=str(path))
    if tensor.ndim != len(shape) or any(want not in (None, got) for got, want in zip(tensor.shape, shape, strict=True)):
        wanted = " x ".join("any" if size is None else str(size) for size in shape)
        raise InputError(f"'{key}' has shape {list(tensor.shape)}, expected {wanted}", where=str(path))
    if not tensor.isfinite().all():
        raise InputError(f"'{key}' is not finite", where=str(path))
    return tensor.float()
