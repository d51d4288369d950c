"""Clips on disk: some hundred of them in one `.npz` file, without pickles, the same bytes for the same clips."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED, atomic_path
from slp_mouthing.training.clip import Clip
from slp_mouthing.types import Phone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slp_mouthing.types import Array

_ARRAYS = ("samples", "observed")
"""Ragged arrays of a clip: stored end to end with the place at which each begins."""
_NOT_STORED = ("vertex_offsets", "neutral_m", "video")
"""Of captured clips, which stay in their own files."""


def write_shard(path: str | Path, clips: Sequence[Clip]) -> str:
    """Write the clips, whole or not at all. -> SHA-256 of the file. Raises `OutputError`."""
    arrays: dict[str, Any] = {"clips": np.frombuffer(json.dumps(list(map(_record, clips))).encode(), np.uint8)}
    arrays |= _ragged("samples", [_as_int16(clip.samples) for clip in clips])
    if any(clip.observed is not None for clip in clips):
        arrays |= _ragged("observed", [_observed(clip) for clip in clips])
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)
        return file_checksum(temporary)


def read_shard(path: str | Path, checksum: str | None = None) -> tuple[Clip, ...]:
    """The clips of a shard. Raises `InputError` when it is missing, damaged, or not the one that `checksum` is of."""
    path = Path(path)
    if checksum is not None and file_checksum(path) != checksum:
        raise InputError("is not the file that the manifest lists", where=str(path), hint=_REBUILD)
    try:
        with np.load(path, allow_pickle=False) as archive:
            records = json.loads(archive["clips"].tobytes())
            samples = _parts(archive, "samples", len(records))
            observed = _parts(archive, "observed", len(records)) if "observed" in archive else [None] * len(records)
        return tuple(_clip(*parts) for parts in zip(records, samples, observed, strict=True))
    except (*DAMAGED, TypeError, IndexError) as error:
        raise InputError("is damaged, or no part of a corpus", where=str(path), hint=_REBUILD) from error


_REBUILD = "run `mouth corpus build` again with the same options: it makes what is missing"


def file_checksum(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises `InputError` when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise InputError("is missing", where=str(path), hint=_REBUILD) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error


# ---- clips as records -----------------------------------------------------------------------------------------------------
def _record(clip: Clip) -> dict[str, Any]:
    """What of a clip is text and numbers; the phones as rows."""
    names = [name for name in Clip.__slots__ if name not in (*_ARRAYS, *_NOT_STORED, "phones")]
    rows = [list(asdict(phone).values()) for phone in clip.phones]
    return {name: getattr(clip, name) for name in names} | {"phones": rows}


def _clip(record: dict[str, Any], samples: Array, observed: Array | None) -> Clip:
    lists = {
        "phones": tuple(Phone(*row) for row in record["phones"]),
        "actions": tuple((float(start_s), float(end_s)) for start_s, end_s in record["actions"]),
        "style": tuple(record["style"]),
    }
    floats = samples.astype(np.float32) / np.float32(2**15)
    return Clip(**(record | lists), samples=floats, observed=None if observed is None or not len(observed) else observed)


def _as_int16(samples: Array) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.clip(np.rint(samples * 2**15), -(2**15), 2**15 - 1).astype(np.int16)


def _observed(clip: Clip) -> Array:
    return np.empty((0, 0), np.float32) if clip.observed is None else np.asarray(clip.observed, np.float32)


def _ragged(name: str, parts: Sequence[Any]) -> dict[str, Any]:
    """Arrays [n_i, ...] end to end, and where each starts."""
    starts = np.cumsum([0, *map(len, parts)])
    filled = [part for part in parts if len(part)]
    return {name: np.concatenate(filled) if filled else np.empty(0, np.int16), f"{name}_starts": starts}


def _parts(archive: Any, name: str, count: int) -> list[Any]:
    values, starts = archive[name], archive[f"{name}_starts"]
    if len(starts) != count + 1 or starts[0] != 0 or starts[-1] != len(values) or np.any(np.diff(starts) < 0):
        raise ValueError(f"{name} does not fit its index")
    return [values[a:b] for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]
