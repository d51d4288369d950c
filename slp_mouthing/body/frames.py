"""A folder with one small file per frame, as one record with a row per frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.body.records import read_record
from slp_mouthing.errors import InputError
from slp_mouthing.files import atomic_folder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.body.records import Arrays, Record

SUFFIXES = (".npz", ".pkl")


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """Arrays are [T, D]: each frame's array flattened."""

    where: str
    files: tuple[str, ...]
    """File names in order of time."""
    frames: tuple[Record, ...]
    numbers: tuple[int, ...]
    """Frame numbers from the file names."""

    @property
    def names(self) -> tuple[str, ...]:
        return self.frames[0].names

    def array(self, name: str) -> NDArray[Any]:
        first = self.frames[0].array(name)
        arrays = [frame.array(name) for frame in self.frames]
        for frame, array in zip(self.frames, arrays, strict=True):
            if (array.shape, array.dtype) != (first.shape, first.dtype):
                raise InputError(f"'{name}' is {_kind(array)}, and {_kind(first)} in the first frame", where=frame.where)
        return np.stack([array.ravel() for array in arrays])

    def save(self, path: Path, replaced: Arrays) -> None:
        """Write a folder with the same file names. Raises `OutputError`."""
        with atomic_folder(path, owned=lambda entry: entry.suffix in SUFFIXES) as folder:
            for row, (file, frame) in enumerate(zip(self.files, self.frames, strict=True)):
                rows = {name: array[row].reshape(frame.array(name).shape) for name, array in replaced.items()}
                frame.save(folder / file, rows)


def read_frames(folder: Path) -> FrameFolder:
    """Read every frame's file. Raises `InputError`, naming the file, when one is damaged or lacks what the others have."""
    where = str(folder)
    try:
        paths = [path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file() and path.name[0] != "."]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=where) from error
    if not paths:
        hint = f"give a file, or a folder with one file per frame ({', '.join(SUFFIXES)})"
        raise InputError("is a folder without frames", where=where, hint=hint)
    numbered = _in_order(paths, where)
    frames = tuple(read_record(path) for _, path in numbered)
    return FrameFolder(where, tuple(path.name for _, path in numbered), frames, tuple(number for number, _ in numbered))


def _in_order(paths: list[Path], where: str) -> list[tuple[int, Path]]:
    """Files by frame number: the one number that differs between their names."""
    digits = {path: tuple(int(number) for number in re.findall(r"\d+", path.stem)) for path in paths}
    if len({len(numbers) for numbers in digits.values()}) > 1 or (len(paths) > 1 and not all(digits.values())):
        raise InputError("its file names do not share one pattern with a frame number", where=where, hint="leave one clip in it")
    columns = list(zip(*digits.values(), strict=True))
    varying = [k for k, column in enumerate(columns) if len(set(column)) > 1]
    if len(varying) > 1 or (len(paths) > 1 and not varying):
        a, *_, b = sorted(path.name for path in paths)
        hint = "leave one person of one clip in the folder"
        raise InputError(f"holds frames of several people or clips ('{a}', '{b}')", where=where, hint=hint)
    order = varying[0] if varying else 0
    numbered = sorted((numbers[order] if numbers else 0, path) for path, numbers in digits.items())
    if len({number for number, _ in numbered}) < len(numbered):
        raise InputError("two files have the same frame number", where=where, hint="leave one clip in the folder")
    return numbered


def _kind(array: NDArray[Any]) -> str:
    return f"{array.dtype}{list(array.shape)}"
