"""Tiny published networks that move a FLAME mesh by millimetres. Imports torch and transformers: ask for them first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from slp_mouthing.decoder.checkpoint import import_model
from tests.decoder import published_plain as plain

if TYPE_CHECKING:
    from pathlib import Path


def write_checkpoint(path: Path, vertices: int = 5023, scale: float = 0.002) -> Path:
    """FaceFormer's checkpoint, as `torch.save` wrote it."""
    weights = plain.make_faceformer(vertices).weights
    for part in ("weight", "bias"):
        weights[f"vertice_map_r.{part}"] *= scale
    torch.save(weights, path)
    return path


def write_imported(path: Path, vertices: int = 5023, scale: float = 0.002) -> Path:
    """The same brought in."""
    import_model(write_checkpoint(path.with_suffix(".pth"), vertices, scale), path)
    return path
