"""`.ply`: avatars as GaussianAvatars stores them, and baked frames as every viewer of Gaussian splats reads them.

One float32 row per Gaussian: `x y z nx ny nz f_dc_0..2 f_rest_0..R opacity scale_0..2 rot_0..3`, and `binding_0`, the triangle,
for an avatar. `opacity` is a logit, `scale` a logarithm, `rot` is w, x, y, z. Harmonics above degree 0 run channel by channel
(all red, then green, then blue); ours run basis by basis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.avatar.splats import SplatAvatar, Splats
from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from slp_mouthing.types import Array

    Table = NDArray[np.void]

MAX_HEADER_BYTES = 2**16
"""Of a file that is read; an avatar's header has some 1,500."""
MAX_SH_DEGREE = 3
MAX_LOG_SCALE = 80.0
"""Standard deviations beyond exp of this overflow."""

_POSITION, _NORMAL = ("x", "y", "z"), ("nx", "ny", "nz")
_DC, _SCALE, _ROTATION = ("f_dc_0", "f_dc_1", "f_dc_2"), ("scale_0", "scale_1", "scale_2"), ("rot_0", "rot_1", "rot_2", "rot_3")
_OPACITY, _BINDING = "opacity", "binding_0"
_REQUIRED = (*_POSITION, *_DC, _OPACITY, *_SCALE, *_ROTATION)
_REST_COUNTS = tuple(3 * ((degree + 1) ** 2 - 1) for degree in range(MAX_SH_DEGREE + 1))
_EXACT_INTEGERS = 2**24
"""Triangles from here on are not exact as float32."""

_BYTE_ORDER = {"binary_little_endian": "<", "binary_big_endian": ">"}
_NUMPY_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
_GET_AVATAR = "give the point_cloud.ply of an avatar that GaussianAvatars trained"
_GET_AGAIN = "copy or download it again"


# ---- writing --------------------------------------------------------------------------------------------------------------
def write_avatar(avatar: SplatAvatar, path: str | Path) -> None:
    """Write Gaussians with the triangles that they are bound to; the same avatar gives the same bytes. Raises `OutputError`."""
    if len(avatar) and avatar.binding.max() >= _EXACT_INTEGERS:
        raise OutputError(f"a mesh of more than {_EXACT_INTEGERS} triangles does not fit the format", where=str(path))
    _write(path, *_columns(avatar.local), ((_BINDING,), avatar.binding[:, None]))


def write_world(splats: Splats, path: str | Path) -> None:
    """Write one baked frame for viewers; the same frame gives the same bytes. Raises `OutputError`."""
    _write(path, *_columns(splats))


def _columns(splats: Splats) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Property names and values [N, n], in the order of the file."""
    rest = splats.sh[:, 1:].transpose(0, 2, 1).reshape(len(splats), -1)
    yield _POSITION, splats.position
    yield _NORMAL, np.zeros((len(splats), 3))
    yield _DC, splats.sh[:, 0]
    yield _rest_names(rest.shape[1]), rest
    yield (_OPACITY,), splats.opacity_logit[:, None]
    yield _SCALE, splats.log_scale
    yield _ROTATION, splats.rotation_wxyz


def _write(path: str | Path, *columns: tuple[tuple[str, ...], Any]) -> None:
    table = np.concatenate([values for _, values in columns], axis=1, dtype="<f4", casting="same_kind")
    properties = [f"property float {name}" for names, _ in columns for name in names]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(table)}", *properties, "end_header", ""]
    atomic_write(path, "\n".join(header).encode() + table.tobytes())


def _rest_names(count: int) -> tuple[str, ...]:
    return tuple(f"f_rest_{i}" for i in range(count))


# ---- reading --------------------------------------------------------------------------------------------------------------
def read_avatar(path: str | Path, triangle_count: int | None = None) -> SplatAvatar:
    """Read Gaussians bound to the triangles of a mesh; properties may have any numeric type and order.

    `triangle_count`: of the mesh; None does not check. Raises `InputError` when the file is missing, damaged, not a bound
    avatar, or holds a value that cannot be drawn.
    """
    path = Path(path)
    table, where = _read_table(path), str(path)
    _check_properties(table, where)
    binding = _read_binding(table, where)
    if triangle_count is not None and (last := int(binding.max())) >= triangle_count:
        raise InputError(
            f"{_BINDING} reaches triangle {last}, and the mesh has {triangle_count}",
            where=where,
            hint="import it for the head it was made for (--head)",
        )
    rest = _floats(table, _rest_names(_rest_count(table, where)), where)
    sh = np.empty((len(table), 1 + rest.shape[1] // 3, 3), np.float32)
    sh[:, 0] = _floats(table, _DC, where)
    sh[:, 1:] = rest.reshape(len(table), 3, -1).transpose(0, 2, 1)
    log_scale = _floats(table, _SCALE, where, below=MAX_LOG_SCALE)
    local = Splats(
        _floats(table, _POSITION, where),
        _floats(table, _ROTATION, where),
        log_scale,
        _floats(table, (_OPACITY,), where)[:, 0],
        sh,
    )
    return SplatAvatar(local, binding)


def _check_properties(table: Table, where: str) -> None:
    names = set(table.dtype.names or ())
    if missing := [name for name in _REQUIRED if name not in names]:
        raise InputError(f"lacks the property {missing[0]}", where=where, hint=_GET_AVATAR)
    if _BINDING not in names:
        raise InputError(f"is not bound to a mesh (lacks the property {_BINDING})", where=where, hint=_GET_AVATAR)


def _rest_count(table: Table, where: str) -> int:
    """How many harmonics above degree 0 there are: those of a whole degree, numbered without gaps."""
    found = {name for name in table.dtype.names or () if name.startswith("f_rest_")}
    if len(found) not in _REST_COUNTS or found != set(_rest_names(len(found))):
        allowed = ", ".join(map(str, _REST_COUNTS))
        raise InputError(f"has {len(found)} properties f_rest_*, expected {allowed} from f_rest_0 on", where=where)
    return len(found)


def _read_binding(table: Table, where: str) -> NDArray[np.int32]:
    values = table[_BINDING].astype(np.float64)
    if len(bad := np.flatnonzero(~((values >= 0) & (values < 2**31) & (values == np.floor(values))))):
        raise InputError(
            f"{_BINDING} of Gaussian {bad[0]} is {values[bad[0]]:g}, expected a triangle's number from 0", where=where,
            hint=_GET_AVATAR,
        )  # fmt: skip
    return values.astype(np.int32)


def _floats(table: Table, names: tuple[str, ...], where: str, below: float = np.inf) -> Array:
    """Properties as columns [N, n], checked to be finite and less than `below`."""
    values = np.empty((len(table), len(names)), np.float32)
    with np.errstate(over="ignore"):
        for column, name in enumerate(names):
            values[:, column] = table[name]
    good = np.isfinite(values) & (values < below)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        allowed = "finite" if np.isinf(below) else f"less than {below:g}"
        raise InputError(f"{names[column]} of Gaussian {row} is {values[row, column]:g}, expected {allowed}", where=where)
    return values


# ---- the file -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Header:
    count: int
    dtype: np.dtype[np.void]
    size: int
    """Of the header in bytes."""
    is_alone: bool
    """No other element follows the Gaussians."""


def _read_table(path: Path) -> Table:
    """The element `vertex`, one record per Gaussian. Raises `InputError`."""
    where = str(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError("is not a file, expected a .ply", where=where)
        with path.open("rb") as file:
            header = _parse_header(file.read(MAX_HEADER_BYTES), where)
            # Before a byte is allocated: a header may claim any number.
            _check_size(header, path.stat().st_size, where)
            file.seek(header.size)
            return np.fromfile(file, header.dtype, header.count)
    except FileNotFoundError as error:
        raise InputError("no such file", where=where) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=where) from error


def _check_size(header: _Header, size: int, where: str) -> None:
    if header.count == 0:
        raise InputError("holds no Gaussians", where=where, hint=_GET_AVATAR)
    expected = header.size + header.count * header.dtype.itemsize
    if size < expected or (header.is_alone and size > expected):
        kind = "is cut short" if size < expected else "goes on after its last Gaussian"
        what = f"{kind}: {header.count} Gaussians in the header make {expected} bytes, the file has {size}"
        raise InputError(what, where=where, hint=_GET_AGAIN)


def _parse_header(content: bytes, where: str) -> _Header:
    if not re.match(rb"ply\r?\n", content):
        raise InputError("is not a PLY file", where=where, hint=_GET_AVATAR)
    end = re.search(rb"^end_header\r?\n", content, re.MULTILINE)
    if end is None:
        at_most = "" if len(content) < MAX_HEADER_BYTES else f" within {MAX_HEADER_BYTES} bytes"
        raise InputError(f"its header does not end{at_most}", where=where, hint=_GET_AGAIN)
    lines = [line.split() for line in content[: end.start()].decode("latin1").splitlines()[1:]]
    order = _byte_order(lines, where)
    elements = [i for i, line in enumerate(lines) if line[:1] == ["element"]]
    if not elements:
        raise InputError("its header names no element", where=where, hint=_GET_AVATAR)
    count = _vertex_count(lines[elements[0]], where)
    ours = lines[elements[0] + 1 : elements[1] if len(elements) > 1 else None]
    return _Header(count, _record(ours, order, where), end.end(), len(elements) == 1)


def _byte_order(lines: list[list[str]], where: str) -> str:
    name = next((line[1] for line in lines if line[:1] == ["format"] and len(line) > 1), "missing")
    if name not in _BYTE_ORDER:
        raise InputError(f"its format is {name}, expected {' or '.join(_BYTE_ORDER)}", where=where, hint="save it as binary")
    return _BYTE_ORDER[name]


def _vertex_count(line: list[str], where: str) -> int:
    """The number of Gaussians, from the first `element NAME COUNT`."""
    name, number = (*line[1:], "", "")[:2]
    if name == "chunk":
        raise InputError("is a compressed PLY, expected a plain one", where=where, hint="an avatar cannot be compressed")
    if name != "vertex" or not re.fullmatch(r"\d{1,15}", number, re.ASCII):
        raise InputError(f"its first element is '{name} {number}', expected 'vertex' and a number", where=where)
    return int(number)


def _record(lines: list[list[str]], order: str, where: str) -> np.dtype[np.void]:
    """The type of a record, from lines `property TYPE NAME`."""
    fields: dict[str, str] = {}
    for line in lines:
        if line[:1] != ["property"]:
            continue
        kind, name = line[1:] if len(line) == 3 else ("", " ".join(line[1:]))
        if kind not in _NUMPY_TYPES or name in fields:
            raise InputError(f"cannot read its property '{name}' (twice, a list, or of unknown type)", where=where)
        fields[name] = order + _NUMPY_TYPES[kind]
    if not fields:
        raise InputError("its Gaussians have no properties", where=where, hint=_GET_AVATAR)
    return np.dtype(list(fields.items()))
