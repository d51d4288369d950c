"""Auto-AVSR's network for video alone (Ma et al. 2023, arXiv 2303.14307), and its published checkpoints.

Weights are the user's own. A checkpoint is a flat dictionary of 767 tensors, 250.38 M parameters: the visual encoder, which is
what a lip-reading loss takes, CTC's output over 5,049 units, and a decoder over text, which is checked and left aside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing.errors import InputError, MissingExtra
from slp_mouthing.lipreading.conformer import ConformerOptions
from slp_mouthing.lipreading.frontend import FrontendOptions
from slp_mouthing.lipreading.reader import LipReader, ReaderOptions
from slp_mouthing.torchfile import read_torch

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the lip reader") from error

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    Shapes = dict[str, tuple[int, ...]]

_OLDER_NAMES = {"encoder.frontend.": "frontend.", "encoder.embed.0.": "proj_encoder."}
"""Of the checkpoints from before the code was put in order."""
_NAMED = 4
"""Weights that a message names of all that are missing or unknown."""


@dataclass(frozen=True, slots=True)
class AutoAvsrOptions:
    """Sizes of the published network; tests have smaller ones."""

    frontend: FrontendOptions = field(default_factory=FrontendOptions)
    conformer: ConformerOptions = field(default_factory=ConformerOptions)
    decoder_layers: int = 6
    units: int = 5049
    """Pieces of words, with CTC's blank and the end of a sentence."""


class AutoAvsr(LipReader):
    """The visual encoder: features of 768 numbers, of 512 from its residual network."""

    def __init__(self, options: AutoAvsrOptions | None = None) -> None:
        self.sizes = options or AutoAvsrOptions()
        super().__init__(ReaderOptions(self.sizes.frontend, self.sizes.conformer))
        self.ctc = nn.ModuleDict({"ctc_lo": nn.Linear(self.sizes.conformer.dim, self.sizes.units)})

    def unit_logits(self, crops: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Of the pieces of words in each frame, for CTC. -> [B, T, units]"""
        logits: Tensor = self.ctc["ctc_lo"](self.features(crops, lengths))
        return logits


def checkpoint_shapes(options: AutoAvsrOptions | None = None) -> Shapes:
    """Name and shape of every tensor in a checkpoint."""
    options = options or AutoAvsrOptions()
    with torch.device("meta"):
        encoder = AutoAvsr(options)
    return {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()} | _decoder_shapes(options)


def _decoder_shapes(options: AutoAvsrOptions) -> Shapes:
    """Of the transformer over text."""
    dim, inner, units = options.conformer.dim, options.conformer.feed_forward, options.units
    shapes: Shapes = {"embed.0.weight": (units, dim), "output_layer.weight": (units, dim), "output_layer.bias": (units,)}
    shapes |= _affine("after_norm", dim)
    for layer in (f"decoders.{number}" for number in range(options.decoder_layers)):
        for attention in ("self_attn", "src_attn"):
            for part in ("q", "k", "v", "out"):
                shapes |= _affine(f"{layer}.{attention}.linear_{part}", dim, dim)
        shapes |= _affine(f"{layer}.feed_forward.w_1", inner, dim) | _affine(f"{layer}.feed_forward.w_2", dim, inner)
        for norm in ("norm1", "norm2", "norm3"):
            shapes |= _affine(f"{layer}.{norm}", dim)
    return {f"decoder.{name}": shape for name, shape in shapes.items()}


def _affine(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def load_autoavsr(path: str | Path, options: AutoAvsrOptions | None = None) -> AutoAvsr:
    """The reader of a published checkpoint, in evaluation mode, on the CPU.

    Raises `InputError` for a file that is missing, damaged, holds code, or is of another network: the message names weights
    that are missing, unknown, or of another shape.
    """
    options = options or AutoAvsrOptions()
    found = _renamed(_read(Path(path)))
    _check(found, checkpoint_shapes(options), str(path))
    with torch.device("meta"):
        reader = AutoAvsr(options)
    own = {name: found[name].float() if found[name].is_floating_point() else found[name] for name in reader.state_dict()}
    reader.load_state_dict(own, assign=True)
    return reader.requires_grad_(False).eval()


def _renamed(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of older checkpoints as the newer ones have them."""
    renamed = {}
    for name, tensor in found.items():
        older = next((prefix for prefix in _OLDER_NAMES if name.startswith(prefix)), "")
        renamed[_OLDER_NAMES.get(older, "") + name[len(older) :]] = tensor
    return renamed


def _read(path: Path) -> dict[str, Tensor]:
    content = read_torch(path)
    if not isinstance(content, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in content.values()):
        raise InputError("is no flat dictionary of weights", where=str(path), hint="give Auto-AVSR's published file")
    return content


def _check(found: Mapping[str, Tensor], expected: Shapes, where: str) -> None:
    hint = "expected Auto-AVSR's visual model"
    missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or unknown:
        kinds = (("missing", missing), ("unknown", unknown))
        parts = [f"{len(names)} {kind} ({_some(names)})" for kind, names in kinds if names]
        raise InputError(f"weights of another network: {' and '.join(parts)}", where=where, hint=hint)
    for name, tensor in found.items():
        if tuple(tensor.shape) != expected[name]:
            told = f"weight '{name}' has shape {list(tensor.shape)}, expected {list(expected[name])}"
            raise InputError(told, where=where, hint=hint)
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"weight '{name}' holds values that are not finite", where=where, hint="download it again")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
