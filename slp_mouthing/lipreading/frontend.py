"""From pictures to one vector each: a convolution over space and time, then a residual network frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slp_mouthing.errors import MissingExtra

try:
    from torch import nn
    from torch.nn.functional import avg_pool3d, silu
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the lip reader") from error

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class FrontendOptions:
    """Auto-AVSR's by default: ResNet-18 behind five frames' worth of convolution."""

    shrink: int = 1
    """Pixels across whose mean is one, before all else."""
    stem: int = 64
    """Channels of the convolution over space and time, of 5 frames."""
    stem_kernel: int = 7
    """Pixels across one of its windows; from one to the next there are two."""
    pooled: bool = True
    """Whether every other pixel is left, the greatest of nine, behind it."""
    widths: tuple[int, ...] = (64, 128, 256, 512)
    """Channels of the residual layers; each but the first halves the picture."""
    blocks: int = 2
    """In a layer."""
    first_stride: int = 1
    """Of the first layer."""

    @property
    def dim(self) -> int:
        """Of the vector of a frame."""
        return self.widths[-1]


class VisualFrontend(nn.Module):
    """Normalised grey pictures to vectors: [B, T, 1, H, W] -> [B, T, R]. Names are those of Auto-AVSR's checkpoints."""

    def __init__(self, options: FrontendOptions) -> None:
        super().__init__()
        kernel, channels = options.stem_kernel, options.stem
        self.shrink = options.shrink
        stem = nn.Conv3d(1, channels, (5, kernel, kernel), (1, 2, 2), (2, kernel // 2, kernel // 2), bias=False)
        pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if options.pooled else nn.Identity()
        self.frontend3D = nn.Sequential(stem, nn.BatchNorm3d(channels), nn.SiLU(), pool)
        self.trunk = Trunk(options)

    def forward(self, crops: Tensor) -> Tensor:
        batch, frames = crops.shape[:2]
        seen = self.frontend3D(avg_pool3d(crops.transpose(1, 2), (1, self.shrink, self.shrink)))
        vectors: Tensor = self.trunk(seen.transpose(1, 2).flatten(0, 1))
        return vectors.view(batch, frames, -1)


class Trunk(nn.Module):
    """Residual layers and the mean over the picture. [N, C, H, W] -> [N, R]"""

    def __init__(self, options: FrontendOptions) -> None:
        super().__init__()
        channels = options.stem
        for number, width in enumerate(options.widths, start=1):
            stride = options.first_stride if number == 1 else 2
            blocks = [Block(channels, width, stride), *(Block(width, width, 1) for _ in range(options.blocks - 1))]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            channels = width

    def forward(self, seen: Tensor) -> Tensor:
        for layer in self.children():
            seen = layer(seen)
        return seen.mean((2, 3))


class Block(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.downsample = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, seen: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(silu(self.bn1(self.conv1(seen)))))
        return silu(inner + self.downsample(seen))
