"""The `.track.npz` file: a `FaceTrack` on disk, without pickled objects."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import atomic_path
from slp_mouthing.types import ARKIT_NAMES, FaceTrack

if TYPE_CHECKING:
    from pathlib import Path

_REQUIRED = ("fps", "head", "jaw_pose", "blendshapes", "blendshape_names", "eyes_pose", "tongue", "tongue_names",
             "lip_opening_m", "lip_width_m", "meta")  # fmt: skip
_OPTIONAL = ("expressions", "vertex_offsets")


def save(track: FaceTrack, path: str | Path) -> None:
    """Write `track` to `path`, whole or not at all; the same track gives the same bytes. Raises `OutputError`."""
    arrays = {name: np.asarray(getattr(track, name)) for name in _REQUIRED}
    arrays |= {name: value for name in _OPTIONAL if (value := getattr(track, name)) is not None}
    arrays["time_s"] = track.time_s
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name in sorted(arrays):
            # A fixed date: numpy's own writer does the same, and files must be equal byte for byte.
            with archive.open(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, arrays[name], allow_pickle=False)


def load(path: str | Path) -> FaceTrack:
    """Read `path`. Raises `InputError` when it is missing, damaged, or not a track."""
    where = str(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise InputError("no such file", where=where) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise InputError(f"is not a readable .track.npz ({error})", where=where, hint="render it again") from error
    if missing := [name for name in _REQUIRED if name not in arrays]:
        raise InputError(f"lacks {', '.join(missing)}", where=where, hint="give a file that `mouth render` wrote")
    return _track(arrays, where)


def _track(arrays: dict[str, Any], where: str) -> FaceTrack:
    frames = len(arrays["blendshapes"])
    names = tuple(str(n) for n in arrays["blendshape_names"])
    tongue_names = tuple(str(n) for n in arrays["tongue_names"])
    shapes = {"jaw_pose": (frames, 3), "blendshapes": (frames, len(ARKIT_NAMES)), "eyes_pose": (frames, 6),
              "tongue": (frames, len(tongue_names)), "lip_opening_m": (frames,), "lip_width_m": (frames,)}  # fmt: skip
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise InputError(f"{name} has shape {arrays[name].shape}, expected {shape}", where=where)
        if not np.isfinite(arrays[name]).all():
            raise InputError(f"{name} holds values that are not finite", where=where)
    if names != ARKIT_NAMES:
        raise InputError("blendshape_names are not ARKit's 52 in Live Link order", where=where)
    floats: dict[str, Any] = {name: np.float32(arrays[name]) for name in (*shapes, *_OPTIONAL) if name in arrays}
    return FaceTrack(
        fps=float(arrays["fps"]), head=str(arrays["head"]), meta=str(arrays["meta"]), tongue_names=tongue_names, **floats
    )
