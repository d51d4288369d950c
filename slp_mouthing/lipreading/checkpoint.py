"""Lip readers in files: ours as safetensors with their options, Auto-AVSR's as published."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slp_mouthing.errors import InputError, MissingExtra
from slp_mouthing.files import atomic_write
from slp_mouthing.lipreading.autoavsr import load_autoavsr
from slp_mouthing.lipreading.conformer import ConformerOptions
from slp_mouthing.lipreading.frontend import FrontendOptions
from slp_mouthing.lipreading.reader import LipReader, ReaderOptions, SmallReader
from slp_mouthing.lipreading.symbols import PHONES, VISEMES

try:
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the lip reader") from error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

FORMAT = "slp-mouthing lip reader 1"
_SHIPPED = "lipreader.safetensors"
_LARGEST_SIZE, _MOST_LAYERS = 2**16, 64


def load_reader(path: str | Path | None = None) -> LipReader:
    """A lip reader in evaluation mode, on the CPU, whose weights stay as they are while gradients pass through.

    `path`: a file that `save_reader` wrote (`.safetensors`), or Auto-AVSR's checkpoint; None for the reader that comes with the
    package. Raises `InputError` for a file that is missing, damaged, of another network, or holds code.
    """
    if path is None:
        with resources.as_file(resources.files("slp_mouthing.avatars") / "default" / _SHIPPED) as shipped:
            return load_own(shipped)
    return load_own(path) if Path(path).suffix == ".safetensors" else load_autoavsr(path)


def save_reader(reader: SmallReader, path: str | Path, meta: Mapping[str, Any] | None = None) -> None:
    """Write weights, options and `meta` (anything JSON holds), whole or not at all; matrices in half precision.

    Raises `OutputError`.
    """
    about = {"options": asdict(reader.options), "phones": PHONES, "visemes": VISEMES, "meta": dict(meta or {})}
    weights = {name: _stored(tensor) for name, tensor in reader.state_dict().items()}
    atomic_write(path, save(weights, {"format": FORMAT, "about": json.dumps(about)}))


def load_own(path: str | Path) -> SmallReader:
    """A reader that `save_reader` wrote. Raises `InputError`."""
    where = str(path)
    about, weights = _read(Path(path))
    try:
        if (tuple(about["phones"]), tuple(about["visemes"])) != (PHONES, VISEMES):
            raise InputError("reads other phones or visemes than this version", where=where, hint="train it again")
        reader = SmallReader(_options(about["options"]))
        reader.load_state_dict(
            {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
        )
    except (ArithmeticError, KeyError, TypeError, ValueError, RuntimeError) as error:
        told = str(error).strip().splitlines()[-1].strip()
        raise InputError(f"its options and weights do not belong together ({told})", where=where) from error
    for name, tensor in weights.items():
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"weight '{name}' holds values that are not finite", where=where, hint="train it again")
    return reader.requires_grad_(False).eval()


def _stored(tensor: Tensor) -> Tensor:
    """Means and variances keep their precision: there are few of them."""
    tensor = tensor.detach().to("cpu").contiguous()
    return tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor


def _options(found: Mapping[str, Any]) -> ReaderOptions:
    """Raises `KeyError` and `TypeError` for names that are none, `ValueError` for sizes."""
    frontend, conformer = dict(found["frontend"]), dict(found["conformer"])
    frontend["widths"] = tuple(frontend["widths"])
    sizes = [*frontend["widths"], *(value for part in (frontend, conformer) for value in part.values() if isinstance(value, int))]
    if not all(0 <= size <= _LARGEST_SIZE for size in sizes) or conformer["layers"] > _MOST_LAYERS:
        raise ValueError(f"a size of {max(sizes)}")
    return ReaderOptions(FrontendOptions(**frontend), ConformerOptions(**conformer))


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What is said about the weights, and the weights."""
    where = str(path)
    if not path.is_file():
        raise InputError("no such file", where=where)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise InputError("is no lip reader of ours", where=where, hint="Auto-AVSR's files end on .pth")
            return json.loads(header["about"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"is damaged, or not a safetensors file ({error})", where=where) from error
