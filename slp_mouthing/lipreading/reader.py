"""Lip readers: what any of them offers, and our own small one of the shape of Auto-AVSR's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slp_mouthing.errors import InputError, MissingExtra
from slp_mouthing.lipreading.conformer import Conformer, ConformerOptions
from slp_mouthing.lipreading.frontend import FrontendOptions, VisualFrontend
from slp_mouthing.lipreading.symbols import PHONES, VISEMES, greedy

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the lip reader") from error

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """What a reader's network is made of: ours by default."""

    frontend: FrontendOptions = field(
        default_factory=lambda: FrontendOptions(
            shrink=2, stem=16, stem_kernel=5, pooled=False, widths=(32, 64, 128), blocks=1, first_stride=2
        )
    )
    conformer: ConformerOptions = field(
        default_factory=lambda: ConformerOptions(dim=128, heads=4, feed_forward=256, layers=3, kernel=15)
    )


class LipReader(nn.Module):
    """Crops of a mouth, [B, T, 1, 88, 88] as `render.lip_crop` makes them, to what they show.

    B clips of T frames; those beyond a clip's `lengths` [B] hold zeros and change nothing. Names of weights are those of
    Auto-AVSR's checkpoints.
    """

    def __init__(self, options: ReaderOptions) -> None:
        super().__init__()
        self.options = options
        self.frontend = VisualFrontend(options.frontend)
        self.proj_encoder = nn.Linear(options.frontend.dim, options.conformer.dim)
        self.encoder = Conformer(options.conformer)

    def resnet_features(self, crops: Tensor) -> Tensor:
        """Of each frame and its neighbours alone: what SPECTRE and EMOTE compare. -> [B, T, R]"""
        if crops.ndim != 5 or crops.shape[2] != 1:
            raise ValueError(f"crops have shape {tuple(crops.shape)}, expected [B, T, 1, H, W]")
        vectors: Tensor = self.frontend(crops)
        return vectors

    def features(self, crops: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Of each frame in the whole clip: what VisualSpeaker compares. -> [B, T, D]"""
        mask = None
        if lengths is not None:
            mask = torch.arange(crops.shape[1], device=crops.device) < lengths.to(crops.device)[:, None]
        found: Tensor = self.encoder(self.proj_encoder(self.resnet_features(crops)), mask)
        return found

    def viseme_logits(self, crops: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Of `symbols.VISEMES` in each frame. -> [B, T, K]. Raises `InputError` for a reader that knows none."""
        raise InputError("this lip reader tells no visemes", hint="use the one that comes with the package")

    def transcribe(self, crops: Tensor, lengths: Tensor | None = None) -> list[list[str]]:
        """The phones of each clip, letter by letter. Raises `InputError` for a reader that knows none."""
        raise InputError("this lip reader tells no phones", hint="use the one that comes with the package")


class SmallReader(LipReader):
    """Ours: it reads `symbols.PHONES` by CTC, and beside them the viseme of each frame."""

    def __init__(self, options: ReaderOptions | None = None) -> None:
        super().__init__(options or ReaderOptions())
        self.phones = nn.Linear(self.options.conformer.dim, len(PHONES))
        self.visemes = nn.Linear(self.options.conformer.dim, len(VISEMES))

    def forward(self, crops: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits of phones [B, T, P] and of visemes [B, T, K] in each frame."""
        found = self.features(crops, lengths)
        return self.phones(found), self.visemes(found)

    def viseme_logits(self, crops: Tensor, lengths: Tensor | None = None) -> Tensor:
        logits: Tensor = self(crops, lengths)[1]
        return logits

    @torch.no_grad()
    def transcribe(self, crops: Tensor, lengths: Tensor | None = None) -> list[list[str]]:
        best = self(crops, lengths)[0].argmax(-1).tolist()
        counts = [crops.shape[1]] * len(crops) if lengths is None else lengths.tolist()
        return [greedy(labels[:count]) for labels, count in zip(best, counts, strict=True)]
