"""The `.track.npz` file: a `FaceTrack` on disk, without pickled objects."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED, atomic_path
from slp_mouthing.types import ARKIT_NAMES, FaceTrack

if TYPE_CHECKING:
    from pathlib import Path

_Shape = tuple["int | None", ...]
"""None: any length."""

_SCALARS = ("fps", "head", "meta")
_NAMES = ("blendshape_names", "tongue_names")
_REQUIRED = (*_SCALARS, *_NAMES, "jaw_pose", "blendshapes", "eyes_pose", "tongue", "lip_opening_m", "lip_width_m")
_OPTIONAL = ("expressions", "vertex_offsets")


def save(track: FaceTrack, path: str | Path) -> None:
    """Write `track` to `path`, whole or not at all; the same track gives the same bytes. Raises `OutputError`."""
    arrays = {name: np.asarray(getattr(track, name)) for name in (*_REQUIRED, "time_s")}
    arrays["fps"] = np.asarray(track.fps, np.float64)
    arrays |= {name: value for name in _OPTIONAL if (value := getattr(track, name)) is not None}
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, arrays[name], allow_pickle=False)
            # A fixed date: files must be equal byte for byte.
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(member, content.getbuffer(), zipfile.ZIP_DEFLATED, compresslevel=3)


def load(path: str | Path) -> FaceTrack:
    """Read `path`. Raises `InputError` when it is missing, damaged, or not a track."""
    where = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
            arrays = {name.removesuffix(".npy"): _array(archive, name) for name in members}
    except FileNotFoundError as error:
        raise InputError("no such file", where=where) from error
    except DAMAGED as error:
        raise InputError(f"is not a readable .track.npz ({error})", where=where, hint="render it again") from error
    if missing := [name for name in _REQUIRED if name not in arrays]:
        raise InputError(f"lacks {', '.join(missing)}", where=where, hint="give a file that `mouth render` wrote")
    return _track(arrays, where)


def _array(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _track(arrays: dict[str, Any], where: str) -> FaceTrack:
    names = {name: _strings(arrays[name], name, where) for name in _NAMES}
    if names["blendshape_names"] != ARKIT_NAMES:
        raise InputError("blendshape_names are not ARKit's 52 in Live Link order", where=where)
    frames = arrays["blendshapes"].shape[0] if arrays["blendshapes"].ndim else 0
    shapes: dict[str, _Shape] = {
        "blendshapes": (frames, len(ARKIT_NAMES)), "jaw_pose": (frames, 3), "eyes_pose": (frames, 6),
        "tongue": (frames, len(names["tongue_names"])), "lip_opening_m": (frames,), "lip_width_m": (frames,),
        "expressions": (frames, None), "vertex_offsets": (frames, None, 3),
    }  # fmt: skip
    floats = {name: _floats(arrays[name], name, shape, where) for name, shape in shapes.items() if name in arrays}
    fps = float(_floats(arrays["fps"], "fps", (), where))
    if fps <= 0.0:
        raise InputError(f"fps is {fps:g}, expected more than 0", where=where)
    _check_clock(arrays, fps, frames, where)
    head, meta = str(arrays["head"]), str(arrays["meta"])
    _check_meta(meta, where)
    return FaceTrack(fps=fps, head=head, meta=meta, tongue_names=names["tongue_names"], **floats)


def _floats(array: Any, name: str, shape: _Shape, where: str) -> Any:
    """`array` as float32 (a scalar as float64), checked to be numbers of `shape`."""
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} holds {array.dtype}, expected numbers", where=where)
    if array.ndim != len(shape) or any(n not in (None, got) for n, got in zip(shape, array.shape, strict=True)):
        expected = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError(f"{name} has shape {array.shape}, expected ({expected})", where=where)
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds values that are not finite", where=where)
    return array.astype(np.float32) if shape else array


def _strings(array: Any, name: str, where: str) -> tuple[str, ...]:
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise InputError(f"{name} is not a list of names", where=where)
    return tuple(str(value) for value in array)


def _check_clock(arrays: dict[str, Any], fps: float, frames: int, where: str) -> None:
    """A track is uniform in time: frame i is at i / fps."""
    if "time_s" not in arrays:
        return
    time_s = _floats(arrays["time_s"], "time_s", (frames,), where)
    if not np.allclose(time_s, np.arange(frames) / fps, atol=0.01 / fps, rtol=1e-6):
        raise InputError(f"time_s is not frame / fps at {fps:g} fps", where=where, hint="resample the track to one frame rate")


def _check_meta(meta: str, where: str) -> None:
    try:
        known = isinstance(json.loads(meta), dict)
    except ValueError:
        known = False
    if not known:
        raise InputError("meta is not one JSON object", where=where)
