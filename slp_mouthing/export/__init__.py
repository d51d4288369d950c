"""A take in the formats that other tools read: one file per format."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import OutputError
from slp_mouthing.export import oculus, rhubarb, vrm
from slp_mouthing.export.arkit import write_arkit
from slp_mouthing.export.eaf import write_eaf
from slp_mouthing.export.glb import write_glb
from slp_mouthing.export.livelink import write_livelink
from slp_mouthing.export.obj import write_obj
from slp_mouthing.export.usd import write_usd
from slp_mouthing.types import Take

if TYPE_CHECKING:
    from slp_mouthing.types import FaceTrack

Writer = Callable[[Take, Path], None]
"""Writes one format, whole or not at all; raises `OutputError`."""


def write_npz(take: Take, path: Path) -> None:
    """Write `take.track` as `.track.npz`."""
    take.track.save(path)


WRITERS: dict[str, Writer] = {
    "track.npz": write_npz,
    "glb": write_glb,
    "usd": write_usd,
    "obj": write_obj,
    "livelink.csv": write_livelink,
    "arkit.json": write_arkit,
    "oculus.csv": oculus.write_oculus,
    "vrm.json": vrm.write_vrm,
    "rhubarb.json": rhubarb.write_rhubarb,
    "eaf": write_eaf,
}
"""File suffix (without its first dot) -> what writes it."""

Losses = Callable[[Take], tuple[str, ...]]
"""What a format cannot show of a take, a line each."""

LOSSES: dict[str, Losses] = {"oculus.csv": oculus.losses, "vrm.json": vrm.losses, "rhubarb.json": rhubarb.losses}
"""File suffix -> what is lost in it; formats that are not named here keep the whole face."""

SHORT_NAMES = {"npz": "track.npz", "csv": "livelink.csv"}
"""Names that several suffixes end in, and which one they mean."""

REFUSED = {
    "bvh": (
        "BVH moves joints and has no channel for a face",
        "write .glb or .usd, or a body with a face: .smplx.npz, mouth merge",
    ),
    "fbx": ("FBX has no open specification to write it by", "import .glb or .usd in Blender or Unreal and save FBX there"),
    "abc": ("Alembic is not written here", "import .usd or .glb in Blender and save Alembic there"),
}
"""Formats that are asked for and cannot be: the reason, and the next step."""


def export(take: Take, path: str | Path, writers: Mapping[str, Writer] = WRITERS) -> None:
    """Write `path` in the format of its suffix. Raises `OutputError`, also for a track that has nothing to show."""
    path = Path(path)
    suffix = _suffix_of(path.name, writers)
    _check(take)
    writers[suffix](take, path)


def losses(take: Take, path: str | Path, table: Mapping[str, Losses] = LOSSES) -> tuple[str, ...]:
    """What the file `path` cannot show of the take, for the user; empty for formats that show all."""
    path = Path(path)
    return tuple(
        f"{path.name}: {line}"
        for suffix, find in table.items()
        if path.name.lower().endswith(f".{suffix}")
        for line in find(take)
    )


def suffix_for(name: str, writers: Mapping[str, Writer] = WRITERS) -> str:
    """The suffix that a format's name means: `npz` and `track.npz` are `track.npz`, `livelink` is `livelink.csv`.

    Raises `OutputError` for an unknown format, with the nearest one.
    """
    name = name.strip().lower().lstrip(".")
    name = SHORT_NAMES.get(name, name)
    matches = [suffix for suffix in writers if suffix == name] or [suffix for suffix in writers if name in suffix.split(".")]
    if len(matches) == 1:
        return matches[0]
    raise _unknown(f"unknown format '{name}'", name, writers)


def _suffix_of(file_name: str, writers: Mapping[str, Writer]) -> str:
    endings = [suffix for suffix in writers if file_name.lower().endswith(f".{suffix}")]
    if endings:
        return max(endings, key=len)
    raise _unknown(f"unknown format of '{file_name}'", file_name.partition(".")[2], writers)


def _unknown(what: str, name: str, writers: Mapping[str, Writer]) -> OutputError:
    if refused := REFUSED.get(name.rpartition(".")[2].lower()):
        return OutputError(refused[0], where=what.removeprefix("unknown "), hint=refused[1])
    near = difflib.get_close_matches(name, writers, n=1, cutoff=0.5)
    return OutputError(f"{what}, allowed: {', '.join(writers)}", hint=f"did you mean {near[0]}?" if near else "")


def _check(take: Take) -> None:
    track, head = take.track, take.head
    if track.head != head.name:
        raise OutputError(f"the track was made for the head '{track.head}', not for '{head.name}'", where=take.name)
    if not len(track):
        raise OutputError("the track has no frames", where=take.name, hint="give at least one sign a duration")
    if bad := _not_finite(track):
        raise OutputError(f"the track's {bad} holds values that are not finite", where=take.name, hint="render it again")


def _not_finite(track: FaceTrack) -> str:
    """The first of the track's arrays that holds NaN or infinity; empty if none does."""
    names = ("blendshapes", "tongue", "jaw_pose", "eyes_pose", "lip_opening_m", "lip_width_m")
    return next((name for name in names if not np.isfinite(getattr(track, name)).all()), "")
