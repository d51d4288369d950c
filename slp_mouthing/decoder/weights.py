"""A network's file without torch: `.npz` with the weights in half precision, and options and meta as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.decoder.options import options_from_json
from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED, atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slp_mouthing.decoder.options import NetworkOptions
    from slp_mouthing.types import Array

FORMAT = "slp-mouthing network 1"
_HEADER = "header"
_LARGEST_HALF = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True, eq=False)
class StoredNetwork:
    """What a file holds."""

    options: NetworkOptions
    weights: Mapping[str, Array]
    """By torch's parameter names, in float32."""
    meta: Mapping[str, Any]
    """What training noted: anything JSON holds."""


def write_weights(stored: StoredNetwork, path: str | Path) -> None:
    """Write `.npz` in half precision, whole or not at all. Raises `OutputError`; `InputError` for weights beyond its range."""
    for name, weight in stored.weights.items():
        if not np.abs(weight).max(initial=0.0) <= _LARGEST_HALF:
            raise InputError(f"weight '{name}' holds values that half precision cannot", where=str(path), hint="train it again")
    buffer = BytesIO()
    arrays: dict[str, Any] = {name: weight.astype(np.float16) for name, weight in stored.weights.items()}
    arrays[_HEADER] = np.array(header_json(stored.options, stored.meta))
    np.savez(buffer, **arrays)
    atomic_write(path, buffer.getvalue())


def read_weights(path: str | Path) -> StoredNetwork:
    """Raises `InputError` for a file that is missing, damaged, of another program, or holds weights that are not finite."""
    where = str(path)
    if not Path(path).is_file():
        raise InputError("no such file", where=where)
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = str(archive[_HEADER]) if _HEADER in archive.files else "{}"
            weights = {name: archive[name].astype(np.float32) for name in archive.files if name != _HEADER}
    except (*DAMAGED, AttributeError) as error:  # Of what is no array in an archive, numpy gives the bytes.
        # It takes any file that it does not know for a pickle.
        pickled = "pickle" in str(error)
        told = "holds pickled objects, which are refused: they may run code" if pickled else f"not an .npz file ({error})"
        raise InputError(f"is damaged, or {told}", where=where, hint="give the .npz or .safetensors file of a run") from error
    options, meta = read_header(header, where)
    for name, weight in weights.items():
        if not np.isfinite(weight).all():
            raise InputError(f"weight '{name}' holds values that are not finite", where=where, hint="train it again")
    return StoredNetwork(options, weights, meta)


def header_json(options: NetworkOptions, meta: Mapping[str, Any]) -> str:
    return json.dumps({"format": FORMAT, "options": asdict(options), "meta": dict(meta)})


def read_header(header: str, where: str) -> tuple[NetworkOptions, dict[str, Any]]:
    """What `header_json` wrote. Raises `InputError`."""
    try:
        found = json.loads(header)
        if found.get("format") != FORMAT:
            raise InputError("is no network of ours", where=where, hint="bring others in with `mouth model import`")
        return options_from_json(found["options"]), dict(found["meta"])
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"its options are not understood ({error})", where=where) from error
