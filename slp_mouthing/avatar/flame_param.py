"""`flame_param.npz`: a person's FLAME parameters and motion, as GaussianAvatars keeps them beside an avatar's PLY."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED, atomic_path

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import Array, FaceTrack

SHAPE_COUNT = 300

_SHAPES: dict[str, tuple[str | int, ...]] = {
    "shape": ("S",), "expr": ("T", "E"), "rotation": ("T", 3), "neck_pose": ("T", 3), "jaw_pose": ("T", 3), "eyes_pose": ("T", 6),
    "translation": ("T", 3), "static_offset": ("V", 3), "dynamic_offset": ("T", "V", 3),
}  # fmt: skip
"""Sizes of each array; a letter stands for one number throughout the file."""
_OPTIONAL = ("static_offset", "dynamic_offset")


@dataclass(frozen=True, slots=True)
class FlameIdentity:
    """Whose head it is."""

    shape: Array  # [S] identity coefficients
    static_offset: Array | None = field(default=None, repr=False)  # [V, 3] m, what shape cannot say of this person

    @staticmethod
    def load(path: str | Path) -> FlameIdentity:
        """Read the person of a `flame_param.npz` and leave its motion, which may be large, alone. Raises `InputError`."""
        arrays = _read(path, ("shape", "static_offset"))
        return FlameIdentity(arrays["shape"], arrays.get("static_offset"))


@dataclass(frozen=True, slots=True)
class FlameParam:
    """T frames of one person in FLAME's parameters. Poses are axis-angle in rad."""

    shape: Array  # [S] identity coefficients
    expr: Array  # [T, E]
    rotation: Array  # [T, 3] of the whole head about the root joint
    neck_pose: Array  # [T, 3]
    jaw_pose: Array  # [T, 3]
    eyes_pose: Array  # [T, 6] left then right
    translation: Array  # [T, 3] m
    static_offset: Array | None = field(default=None, repr=False)  # [V, 3] m
    dynamic_offset: Array | None = field(default=None, repr=False)  # [T, V, 3] m

    def __len__(self) -> int:
        return len(self.expr)

    @property
    def identity(self) -> FlameIdentity:
        return FlameIdentity(self.shape, self.static_offset)

    @staticmethod
    def load(path: str | Path) -> FlameParam:
        """Read a `flame_param.npz`; arrays beyond ours are left out. Raises `InputError`."""
        return FlameParam(**_read(path, tuple(_SHAPES)))

    @staticmethod
    def of_track(track: FaceTrack, person: FlameIdentity | None = None) -> FlameParam:
        """A track of a FLAME head as motion of a person (None: FLAME's mean face). Head and neck are at rest.

        Raises `InputError` for a track without FLAME's expressions.
        """
        if track.expressions is None:
            raise InputError(f"the track of the head '{track.head}' has no FLAME expressions", hint="render with --head flame")
        person = person or FlameIdentity(np.zeros(SHAPE_COUNT, np.float32))
        still, offset = np.zeros((len(track), 3), np.float32), person.static_offset
        return FlameParam(
            shape=person.shape, expr=track.expressions, rotation=still, neck_pose=still, jaw_pose=track.jaw_pose,
            eyes_pose=track.eyes_pose, translation=still, static_offset=offset,
            # GaussianAvatars asks for this array where there is a static one; a view of one zero takes no memory.
            dynamic_offset=None if offset is None else np.broadcast_to(np.float32(0), (len(track), *offset.shape)),
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write `flame_param.npz`, whole or not at all; the same parameters give the same bytes. Raises `OutputError`."""
        arrays = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
        if self.static_offset is not None:
            arrays["static_offset"] = self.static_offset[None]
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, array in arrays.items():
                # A fixed date: files must be equal byte for byte.
                member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                member.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(member, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array.astype("<f4", copy=False), allow_pickle=False)


def _read(path: str | Path, names: tuple[str, ...]) -> dict[str, Array]:
    """The arrays of these names, as float32. Raises `InputError`."""
    where = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            stored = set(archive.namelist())
            found = {name: _array(archive, name) for name in names if f"{name}.npy" in stored}
    except FileNotFoundError as error:
        raise InputError("no such file", where=where) from error
    except DAMAGED as error:
        raise InputError(f"is not a readable flame_param.npz ({error})", where=where, hint="copy or download it again") from error
    if missing := [name for name in names if name not in found and name not in _OPTIONAL]:
        raise InputError(f"lacks {missing[0]}", where=where, hint="give the flame_param.npz beside the avatar's PLY")
    if "static_offset" in found and found["static_offset"].ndim == 3:
        # Stored with a leading axis of one identity.
        found["static_offset"] = found["static_offset"][0] if len(found["static_offset"]) == 1 else found["static_offset"]
    return _checked(found, where)


def _array(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(f"{name}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _checked(arrays: dict[str, Any], where: str) -> dict[str, Array]:
    sizes: dict[str | int, int] = {}
    for name, array in arrays.items():
        expected = _SHAPES[name]
        if array.dtype.kind not in "fiu":
            raise InputError(f"{name} holds {array.dtype}, expected numbers", where=where)
        fits = array.ndim == len(expected) and all(
            got > 0 and got == (size if isinstance(size, int) else sizes.setdefault(size, got))
            for size, got in zip(expected, array.shape, strict=True)
        )
        if not fits:
            wanted = " x ".join(f"{sizes.get(size, size)}" for size in expected)
            raise InputError(f"{name} is {' x '.join(map(str, array.shape))}, expected {wanted}", where=where)
        if not np.isfinite(array).all():
            raise InputError(f"{name} holds values that are not finite", where=where)
    return {name: array.astype(np.float32) for name, array in arrays.items()}
