"""The user's own files: where they lie, which ones they are, and arrays out of them without running what is in them.

Published head models are Python 2 pickles that hold numpy arrays, scipy matrices and chumpy objects. A pickle may name any
function of any module and have it called; here it may name only what `_GLOBALS` lists, and each name stands for a class of
this module that does nothing but keep the data.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import HeadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MAX_FILE_BYTES = 2 * 2**30
"""Largest model file that is read; the published ones have 50 to 170 MB."""

_DAMAGED = (
    ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, MemoryError, NotImplementedError,
    OSError, RecursionError, TypeError, ValueError, pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy and pickle raise on bytes that are not what they claim to be."""


def user_folder(kind: str, given: str | Path | None = None) -> Path:
    """The folder of the user's `kind` of files (`flame`): `given`, else the variable SLP_MOUTHING_<KIND>, else the data folder.

    Raises `HeadError` when there is none.
    """
    variable = f"SLP_MOUTHING_{kind.upper()}"
    data_home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    folder = Path(given or os.environ.get(variable) or data_home / "slp-mouthing" / kind)
    if not folder.exists():
        raise HeadError("no such folder", where=str(folder), hint=f"give --{kind} DIR, or set {variable}")
    return folder


def checksum(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises `HeadError`."""
    return hashlib.sha256(_read(Path(path))).hexdigest()


def load_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays of a `.pkl` or `.npz` file by name; entries that are not numeric arrays are left out.

    Sparse matrices and chumpy objects come as plain dense arrays. Raises `HeadError` when the file is missing, damaged,
    foreign, or names anything in Python that is not on the list.
    """
    return {str(name): array for name, array in load_tree(path).items() if not isinstance(array, dict)}


def load_tree(path: str | Path) -> dict[Any, Any]:
    """The same with dicts within dicts as they are stored; numbers are arrays without axes. Raises `HeadError` as well."""
    path = Path(path)
    content = _read(path)
    try:
        return _plain_dict(_load_npz(content) if path.suffix == ".npz" else _load_pickle(content))
    except _Refused as error:
        raise HeadError(f"refused: it asks Python for {error}", where=str(path), hint="download it from its authors") from error
    except _DAMAGED as error:
        raise HeadError(f"{_foreign(content)} ({error})", where=str(path), hint="download it again") from error


def _read(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise HeadError(f"{size / 2**30:.1f} GiB, at most {MAX_FILE_BYTES // 2**30} GiB are read", where=str(path))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise HeadError("no such file", where=str(path)) from error
    except OSError as error:
        raise HeadError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _foreign(content: bytes) -> str:
    start = content[:64].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a web page, not a model file"
    if start.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the file itself"
    return "is damaged, or not a model file"


def _load_npz(content: bytes) -> dict[str, Any]:
    with np.load(BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _load_pickle(content: bytes) -> dict[Any, Any]:
    entries = _Unpickler(BytesIO(content), encoding="latin1").load()
    if not isinstance(entries, dict):
        raise TypeError(f"holds a {type(entries).__name__}, expected a dict")
    return entries


# ---- what a pickle may name -----------------------------------------------------------------------------------------------
class _Refused(Exception):
    """A pickle named a global that is not on the list."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _GLOBALS[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None


class _DType:
    """numpy.dtype: a kind and size, then the byte order as state."""

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        self.code, self.big_endian = code, False

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.big_endian = state[1] == ">"

    @property
    def numeric(self) -> np.dtype[Any] | None:
        """The numpy dtype; None for objects, strings and records, which no model needs."""
        dtype = np.dtype(self.code)
        return dtype.newbyteorder(">" if self.big_endian else "<") if dtype.kind in "biuf" else None


class _Array:
    """numpy.ndarray: shape, dtype and bytes as state. `value` is None when it does not hold numbers."""

    value: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, data = state
        self._fill(data, dtype, shape, "F" if is_fortran else "C")

    def _fill(self, data: Any, dtype: _DType, shape: Any, order: Any) -> None:
        if dtype.numeric is not None:
            content = data.encode("latin1") if isinstance(data, str) else data
            self.value = np.frombuffer(content, dtype.numeric).reshape(shape, order=order)


class _Sparse:
    """scipy.sparse.csc_matrix; compressed along columns."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state

    def dense(self) -> NDArray[Any]:
        return self._from_rows(self._shape()[::-1]).T

    def _shape(self) -> tuple[int, int]:
        rows, columns = self.state.get("_shape") or self.state["shape"]
        return int(rows), int(columns)

    def _from_rows(self, shape: tuple[int, int]) -> NDArray[Any]:
        data, indices, starts = (self.state[name].value for name in ("data", "indices", "indptr"))
        if len(starts) != shape[0] + 1 or not np.isin(indices, np.arange(shape[1])).all():
            raise ValueError("a sparse matrix with indices beyond its shape")
        dense = np.zeros(shape, data.dtype)
        np.add.at(dense, (np.repeat(np.arange(shape[0]), np.diff(starts)), indices), data)
        return dense


class _SparseRows(_Sparse):
    """scipy.sparse.csr_matrix; compressed along rows."""

    def dense(self) -> NDArray[Any]:
        return self._from_rows(self._shape())


class _Chumpy:
    """chumpy.ch.Ch: a number array `x` with bookkeeping for derivatives."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state

    def evaluate(self) -> NDArray[Any] | None:
        return _plain(self.state["x"])


class _Select(_Chumpy):
    """chumpy.reordering.Select: elements of a flattened array, in a new shape."""

    def evaluate(self) -> NDArray[Any] | None:
        source, chosen = _plain(self.state["a"]), _plain(self.state["idxs"])
        if source is None or chosen is None:
            return None
        selected: NDArray[Any] = source.ravel()[chosen]
        shape = self.state.get("preferred_shape")
        return selected if shape is None else selected.reshape(shape)


class _Call:
    """A function that a pickle may call; a pickle cannot change it, nor hand it anything but stored data."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a function with a state")


def _empty_array(subtype: object, shape: object, code: object) -> _Array:
    return _Array()


def _filled_array(data: Any, dtype: _DType, shape: Any, order: str, axes: Any = None) -> _Array:
    array = _Array()
    array._fill(data, dtype, shape, "C" if order == "K" else order)
    if axes is not None and array.value is not None:
        array.value = array.value.transpose(axes)
    return array


def _scalar(dtype: _DType, data: Any = b"") -> _Array:
    return _filled_array(data, dtype, (), "C")


def _bytes(text: str, encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


def _instance(kind: type, base: object, state: object) -> object:
    if kind not in (_Chumpy, _Select, _Sparse, _SparseRows):
        raise pickle.UnpicklingError("an instance of an unexpected class")
    return kind()


_GLOBALS: dict[tuple[str, str], Any] = {
    ("__builtin__", "set"): set,
    ("builtins", "set"): set,
    ("__builtin__", "object"): object,
    ("builtins", "object"): object,
    ("copy_reg", "_reconstructor"): _Call(_instance),
    ("copyreg", "_reconstructor"): _Call(_instance),
    ("_codecs", "encode"): _Call(_bytes),
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _Call(_empty_array),
    ("numpy._core.multiarray", "_reconstruct"): _Call(_empty_array),
    ("numpy.core.multiarray", "scalar"): _Call(_scalar),
    ("numpy._core.multiarray", "scalar"): _Call(_scalar),
    ("numpy.core.numeric", "_frombuffer"): _Call(_filled_array),
    ("numpy._core.numeric", "_frombuffer"): _Call(_filled_array),
    ("scipy.sparse.csc", "csc_matrix"): _Sparse,
    ("scipy.sparse._csc", "csc_matrix"): _Sparse,
    ("scipy.sparse.csr", "csr_matrix"): _SparseRows,
    ("scipy.sparse._csr", "csr_matrix"): _SparseRows,
    ("chumpy.ch", "Ch"): _Chumpy,
    ("chumpy.reordering", "Select"): _Select,
}
"""Every global that a pickle may name, old and new spellings, and what stands for it."""


def _plain_dict(entries: dict[Any, Any]) -> dict[Any, Any]:
    """The numeric arrays of `entries`, and of the dicts in it."""
    plain = {name: _plain_dict(value) if isinstance(value, dict) else _plain(value) for name, value in entries.items()}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: object) -> NDArray[Any] | None:
    """A stored value as a numeric array, or None when it is something else."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, _Sparse):
        return value.dense()
    if isinstance(value, _Chumpy):
        return value.evaluate()
    if isinstance(value, (int, float, list, tuple, np.ndarray)):
        array = np.asarray(value)
        return array if array.dtype.kind in "biuf" else None
    return None
