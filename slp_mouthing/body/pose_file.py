"""`.pose` files of the pose-format library: points of a body over time, as a detector saw them.

A header names components and their points; the body is two blocks of single-precision numbers, [T, people, points, dimensions]
and the confidence of each point, 0 for one that was not seen. Versions 0.1 and 0.2. Everything but the numbers that a merge
changes is carried over as it lies in the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.body.records import read_bytes
from slp_mouthing.errors import InputError
from slp_mouthing.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.types import Array

VERSIONS = (0.1, 0.2)
_MOST_POINTS = 20_000
_DAMAGED = (struct.error, UnicodeDecodeError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class PoseComponent:
    """Points that belong together: a face, a hand."""

    name: str
    format: str
    """A letter for each dimension, then C for the confidence: `XYZC`."""
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PoseFile:
    where: str
    version: float
    components: tuple[PoseComponent, ...]
    fps: float
    data: Array  # [T, people, points, dimensions]
    confidence: Array  # [T, people, points]
    before: bytes
    """The file up to its data."""

    @property
    def time_s(self) -> NDArray[np.float64]:  # [T]
        return np.arange(len(self.data)) / self.fps

    def find(self, name: str) -> tuple[PoseComponent, slice]:
        """A component and where its points lie. Raises `InputError` when there is none."""
        first = 0
        for component in self.components:
            if component.name == name:
                return component, slice(first, first + len(component.points))
            first += len(component.points)
        names = ", ".join(component.name for component in self.components) or "nothing"
        raise InputError(f"has no component {name}: it holds {names}", where=self.where)

    def with_data(self, data: Array) -> PoseFile:
        return replace(self, data=np.ascontiguousarray(data, np.float32))

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises `OutputError`."""
        atomic_write(path, self.before + self.data.astype("<f4").tobytes() + self.confidence.astype("<f4").tobytes())


def is_pose_file(path: Path) -> bool:
    """By its name: the format has no mark of its own."""
    return path.suffix.lower() == ".pose"


def read_pose(path: Path) -> PoseFile:
    """Raises `InputError`, naming the file, for what is damaged, of another version, or empty."""
    where, content = str(path), read_bytes(path)
    try:
        return _parse(content, where)
    except _DAMAGED as error:
        raise InputError(f"is damaged, or not a .pose file ({error})", where=where, hint="copy it again") from error


def _parse(content: bytes, where: str) -> PoseFile:
    reader = _Reader(content)
    version = round(float(reader.take("<f")[0]), 3)
    if version not in VERSIONS:
        hint = "read it with the pose-format library and write it again"
        raise InputError(f"is version {version:g}, expected 0.1 or 0.2", where=where, hint=hint)
    reader.take("<HHH")
    components = tuple(_component(reader) for _ in range(reader.take("<H")[0]))
    points, dimensions = sum(len(c.points) for c in components), max((len(c.format) for c in components), default=1) - 1
    if not (0 < points <= _MOST_POINTS and 0 < dimensions <= 4):
        raise InputError(f"has {points} points of {dimensions} dimensions", where=where)
    fps, frames, people = reader.take("<HHH") if version == 0.1 else reader.take("<fIH")
    row = people * points * (dimensions + 1) * 4
    left = len(content) - reader.at
    # Version 0.1 counts frames in 16 bits, which is too few for long files: its length tells.
    frames = left // row if version == 0.1 and row else frames
    if left != frames * row or not frames:
        raise InputError(f"has {left} bytes of points, expected {frames} frames of {row}", where=where, hint="copy it again")
    if not 0 < fps <= 1000:
        raise InputError(f"says {fps:g} frames per second", where=where)
    numbers = np.frombuffer(content, "<f4", offset=reader.at)
    split = frames * people * points * dimensions
    data = numbers[:split].reshape(frames, people, points, dimensions)
    confidence = numbers[split:].reshape(frames, people, points)
    return PoseFile(where, version, components, float(fps), data, confidence, content[: reader.at])


def _component(reader: _Reader) -> PoseComponent:
    name, form = reader.text(), reader.text()
    points, limbs, colors = reader.take("<HHH")
    names = tuple(reader.text() for _ in range(points))
    reader.skip(4 * limbs + 6 * colors)
    return PoseComponent(name, form, names)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        return values

    def text(self) -> str:
        (size,) = self.take("<H")
        self.at += size
        return self.content[self.at - size : self.at].decode("utf-8")

    def skip(self, count: int) -> None:
        self.at += count
