"""Body files as they lie on disk: named arrays, of which a few are replaced while all others keep their bits.

Nothing but arrays is ever decoded: members of an .npz that hold Python objects are carried over unread, and a pickle is read
by `slp_mouthing.assets`, which runs none of it.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slp_mouthing.body.pickles import PickleRecord, found
from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED, atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

MAX_BYTES = 4 * 2**30
"""Largest body file that is read, unpacked: some 28 hours of SMPL-X at 30 fps."""

UNNAMED = "array"
"""Name of the one array of an .npy file."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_DEFLATE_LEVEL = 1


class Record(Protocol):
    """Arrays by name, wherever they are stored."""

    @property
    def where(self) -> str:
        """The file or folder, for errors."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Everything the file holds, in its order, arrays or not."""
        ...

    def array(self, name: str) -> NDArray[Any]:
        """An array of numbers, read-only. Raises `InputError` when the file holds none of that name."""
        ...

    def save(self, path: Path, replaced: Arrays) -> None:
        """Write the same file with some arrays replaced or added, whole or not at all. Raises `OutputError`."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an .npz, as stored."""

    name: str
    content: bytes
    compression: int
    date: tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class NpzRecord:
    where: str
    members: tuple[Member, ...]
    arrays: Arrays

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(member.name.removesuffix(".npy") for member in self.members)

    def array(self, name: str) -> NDArray[Any]:
        return found(self.arrays, name, self.where)

    def save(self, path: Path, replaced: Arrays) -> None:
        kept = {member.name: member for member in self.members}
        compression = self.members[0].compression if self.members else zipfile.ZIP_STORED
        new = {name: Member(name, _encode(array), compression, _EPOCH) for name, array in _with_suffix(replaced)}
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for member in (kept | new).values():
                info = zipfile.ZipInfo(member.name, member.date)
                info.external_attr = 0o600 << 16
                archive.writestr(info, member.content, member.compression, _DEFLATE_LEVEL)


@dataclass(frozen=True, slots=True)
class NpyRecord:
    where: str
    arrays: Arrays

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    def array(self, name: str) -> NDArray[Any]:
        return found(self.arrays, name, self.where)

    def save(self, path: Path, replaced: Arrays) -> None:
        with atomic_path(path) as temporary:
            temporary.write_bytes(_encode((dict(self.arrays) | dict(replaced))[UNNAMED]))


def _with_suffix(arrays: Arrays) -> Iterable[tuple[str, NDArray[Any]]]:
    return ((f"{name}.npy", array) for name, array in arrays.items())


def read_record(path: Path) -> Record:
    """Read a file by its content. Raises `InputError` when it is missing, damaged, too large, or a pickle with code."""
    where = str(path)
    content = read_bytes(path)
    if content.startswith(b"PK"):
        return _read_npz(content, where)
    if content.startswith(b"\x93NUMPY"):
        return NpyRecord(where, {UNNAMED: _decode_npy(content, where)})
    if content.startswith(b"\x80"):
        return PickleRecord.read(path, content)
    hint = "give an .npz, .npy or .pkl file, or a folder with one file per frame"
    raise InputError("is not a body file" if content else "is empty", where=where, hint=hint)


def read_bytes(path: Path) -> bytes:
    """A file's content. Raises `InputError`."""
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise InputError(f"{size / 2**30:.1f} GiB, at most {MAX_BYTES // 2**30} GiB are read", where=str(path))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path)) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _read_npz(content: bytes, where: str) -> NpzRecord:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if (size := sum(info.file_size for info in infos)) > MAX_BYTES:
                raise InputError(f"unpacks to {size / 2**30:.1f} GiB, at most {MAX_BYTES // 2**30} GiB are read", where=where)
            members = tuple(Member(i.filename, archive.read(i), i.compress_type, i.date_time) for i in infos)
    except DAMAGED as error:
        raise InputError(f"is damaged, or not an .npz file ({error})", where=where, hint="copy it again") from error
    decoded = {member.name.removesuffix(".npy"): _decoded(member.content) for member in members}
    return NpzRecord(where, members, {name: array for name, array in decoded.items() if array is not None})


def _decoded(content: bytes) -> NDArray[Any] | None:
    """A member as an array; None for objects and for what is no array."""
    try:
        return _decode(content)
    except DAMAGED:
        return None


def _decode_npy(content: bytes, where: str) -> NDArray[Any]:
    try:
        return _decode(content)
    except DAMAGED as error:
        raise InputError(f"is damaged, or not an array of numbers ({error})", where=where, hint="copy it again") from error


def _decode(content: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    array.flags.writeable = False
    return array


def _encode(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()
