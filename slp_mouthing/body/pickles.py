"""Pickled bodies: read without running anything, and written back with the numbers of a few arrays exchanged in place.

The file is never pickled anew. Its other bytes stay, and with them the spelling of the numpy that wrote it: a dataset pickled
with numpy 1 still opens there.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from slp_mouthing.assets import load_arrays
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
_PYTHON2_BYTES = ("BINSTRING", "SHORT_BINSTRING")


@dataclass(frozen=True, slots=True)
class PickleRecord:
    """A dict of arrays in a pickle, protocol 2 or later."""

    where: str
    content: bytes
    arrays: Arrays

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    def array(self, name: str) -> NDArray[Any]:
        return found(self.arrays, name, self.where)

    @staticmethod
    def read(path: Path, content: bytes) -> PickleRecord:
        """Raises `InputError` when it is damaged, no dict, or asks Python for anything but arrays."""
        return PickleRecord(str(path), content, _arrays(path, str(path)))

    def save(self, path: Path, replaced: Arrays) -> None:
        """Write the file with some arrays' numbers exchanged. Raises `OutputError`; `InputError` for arrays that share bytes."""
        content, expected = self.content, dict(self.arrays)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
            for name, array in replaced.items():
                expected[name] = array
                for candidate in _candidates(content, self.arrays.get(name), array):
                    temporary.write_bytes(candidate)
                    if _same(_arrays(temporary, self.where), expected):
                        content = candidate
                        break
                else:
                    raise InputError(
                        f"'{name}' is not stored as an array of its own", where=self.where,
                        hint="save it again with numpy arrays and pickle.HIGHEST_PROTOCOL",
                    )  # fmt: skip


def found(arrays: Arrays, name: str, where: str) -> NDArray[Any]:
    """The array of that name. Raises `InputError` when there is none."""
    if name not in arrays:
        raise InputError(f"lacks '{name}', or it is not an array of numbers", where=where)
    return arrays[name]


def _arrays(path: Path, where: str) -> Arrays:
    try:
        return load_arrays(path)
    except HeadError as error:
        raise InputError(error.what, where=where, hint="save its arrays with numpy.savez") from error


def _candidates(content: bytes, old: NDArray[Any] | None, new: NDArray[Any]) -> Iterator[bytes]:
    """The pickle with `new` in the place of each run of bytes that spells `old`; which one is meant, its reader must say."""
    if old is None or (old.shape, old.dtype) != (new.shape, new.dtype):
        return
    spelled = {old.tobytes("F"): new.tobytes("F"), old.tobytes("C"): new.tobytes("C")}
    for (opcode, value, _), (_, _, end) in pairwise(pickletools.genops(content)):
        data = spelled.get(_data(opcode.name, value))
        if data and end:
            yield content[: end - len(data)] + data + content[end:]


def _data(opcode: str, value: Any) -> bytes:
    """The bytes that an operation puts on the stack; empty for any other operation."""
    if opcode in _PYTHON2_BYTES:
        return bytes(value.encode("latin1"))
    return bytes(value) if opcode in _BYTES else b""


def _same(got: Arrays, expected: Arrays) -> bool:
    # Bytes, not values: NaN equals itself, and -0 is not 0.
    return got.keys() == expected.keys() and all(got[name].tobytes() == array.tobytes() for name, array in expected.items())
