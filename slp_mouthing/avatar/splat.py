"""Baked frames for viewers: `.splat`, `.spz`, `.ply`, one file or a numbered sequence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.ply import write_world
from slp_mouthing.avatar.splats import SH_C0
from slp_mouthing.errors import MissingExtra, OutputError
from slp_mouthing.files import atomic_folder, atomic_path, atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.avatar.splats import Splats
    from slp_mouthing.types import Array

_RECORD = np.dtype([("position", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])
"""One Gaussian of a `.splat`, 32 bytes."""
_SPZ_FRACTION_BITS = 16
"""Positions to 0.015 mm within 128 m; the format's usual 12 bits, 0.24 mm, are coarser than a lash."""


def splat_bytes(splats: Splats) -> bytes:
    """A frame as antimatter15's `.splat`: without harmonics above degree 0, and what matters most first.

    That viewer draws while it loads, so that Gaussians come in order of volume times opacity.
    """
    order = np.argsort(-np.exp(splats.log_scale.sum(axis=1, dtype=np.float64)) * splats.opacity, kind="stable")
    unit = splats.rotation_wxyz / np.maximum(np.linalg.norm(splats.rotation_wxyz, axis=1, keepdims=True), 1e-20)
    records = np.empty(len(splats), _RECORD)
    records["position"] = splats.position
    records["scale"] = np.exp(splats.log_scale)
    records["rgba"] = _bytes(255 * np.column_stack([0.5 + SH_C0 * splats.sh[:, 0], splats.opacity]))
    records["rotation"] = _bytes(128 * unit + 128)
    return records[order].tobytes()


def write_splat(splats: Splats, path: str | Path) -> None:
    """Write one frame as `.splat`. Raises `OutputError`."""
    atomic_write(path, splat_bytes(splats))


def write_spz(splats: Splats, path: str | Path) -> None:
    """Write one frame as Niantic's `.spz`, a tenth of the PLY's size. Raises `OutputError`, `MissingExtra`."""
    try:
        import gsply
    except ImportError as error:
        raise MissingExtra("gsply", "spz", why="writing .spz") from error
    data = gsply.GSData.from_arrays(
        splats.position, splats.log_scale, splats.rotation_wxyz, splats.opacity_logit, splats.sh[:, 0],
        np.ascontiguousarray(splats.sh[:, 1:]) if splats.sh_degree else None, format="ply",
    )  # fmt: skip
    with atomic_path(path) as temporary:
        gsply.write_spz(temporary, data, fractional_bits=_SPZ_FRACTION_BITS)


WRITERS: dict[str, Callable[[Splats, Path], None]] = {"ply": write_world, "splat": write_splat, "spz": write_spz}
"""File suffix (without its dot) -> what writes one frame."""


def write_sequence(frames: Iterable[Splats], path: Path) -> int:
    """Write the folder `STEM.SUFFIX/` of `STEM_000001.SUFFIX`, ...; an earlier sequence in it is replaced. -> frame count

    Raises `OutputError`, also for an unknown suffix.
    """
    stem, suffix = path.stem, path.suffix.removeprefix(".")
    if suffix not in WRITERS:
        raise OutputError(f"unknown format '{suffix}', allowed: {', '.join(WRITERS)}", where=str(path))
    ours = re.compile(rf"{re.escape(stem)}_\d+\.{suffix}")
    number = 0
    with atomic_folder(path, owned=lambda entry: bool(ours.fullmatch(entry.name)) and entry.is_file()) as folder:
        for number, splats in enumerate(frames, start=1):
            WRITERS[suffix](splats, folder / f"{stem}_{number:06d}.{suffix}")
    return number


def _bytes(values: Array) -> NDArray[np.uint8]:
    rounded: Array = np.rint(values)
    return rounded.clip(0, 255).astype(np.uint8)
