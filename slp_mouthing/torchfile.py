"""Files that `torch.save` wrote, read without running what is in them. Imports torch when it reads."""

from __future__ import annotations

import pickle
import re
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED

_UNREADABLE = (
    *DAMAGED, AssertionError, AttributeError, ImportError, LookupError, RecursionError, TypeError, pickle.UnpicklingError,
    struct.error,
)  # fmt: skip
"""What torch raises on bytes that are not what they claim to be."""


def read_torch(path: str | Path, hint: str = "download it again from its authors") -> Any:
    """What a file holds, on the CPU: weights, numbers, text and containers of these.

    Raises `InputError`, with `hint` as the next step, for a file that is missing, damaged, or asks Python for anything else.
    """
    import torch

    path = Path(path)
    if not path.is_file():
        raise InputError("is a folder, expected a file" if path.is_dir() else "no such file", where=str(path))
    try:
        with warnings.catch_warnings():
            # torch warns of pickles that it did not write, just before it refuses them.
            warnings.simplefilter("ignore")
            # Mapped, a file of gigabytes costs the memory of what is taken from it.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except _UNREADABLE as error:
        raise InputError(_why(path, str(error)), where=str(path), hint=hint) from error


def _why(path: Path, told: str) -> str:
    if refused := re.search(r"GLOBAL ([\w.]+)", told):
        return f"refused: it asks Python for {refused[1]}"
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a web page, not a checkpoint"
    if start.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the file itself"
    if "Unsupported operand" in told and start.startswith(b"\x80"):
        return "refused: a pickle that torch did not write, which may hold code"
    return "is damaged, or not a checkpoint"
