"""Where a body format keeps each channel: the one description from which files of the format are read and written."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.body.annotation import read_signs
from slp_mouthing.body.frames import FrameFolder
from slp_mouthing.errors import InputError
from slp_mouthing.types import BodySequence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.body.records import Record

    Floats = NDArray[np.floating[Any]]
    Places = Mapping[str, tuple["Place", ...]]

FPS_KEYS = ("mocap_frame_rate", "mocap_framerate", "fps")
FACE = ("jaw_pose", "eyes_pose", "expressions")
"""The channels a merge may write."""
MAX_FPS = 1000.0


@dataclass(frozen=True, slots=True)
class Place:
    """Columns `first` to `end` of the array `key` [T, D]; all to the last one without `end`."""

    key: str
    first: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """How one kind of body file is known, read and written."""

    name: str
    title: str
    recognises: Callable[[Record], bool]
    channels: Places
    """Field of `BodySequence` -> where its columns lie, in order."""
    copies: Places = field(default_factory=lambda: MappingProxyType({}))
    """Where a file may hold a channel a second time; kept equal to the first."""
    default_fps: float | None = None
    """Frame rate of files that do not say theirs; None: they must, or the user does."""
    widen: Callable[[Record], Record] | None = None
    """Gives a file the face channels that its format lacks."""
    widened_note: str = ""
    """What the user must know about a widened file."""


def has_columns(record: Record, key: str, columns: int) -> bool:
    """Whether a record holds an array [T, columns] under `key`."""
    if key not in record.names:
        return False
    shape = record.array(key).shape
    return len(shape) == 2 and shape[1] == columns


def read_sequence(form: BodyFormat, record: Record, fps: float | None = None) -> BodySequence:
    """A record as a body sequence; channels are views where they lie in one array.

    Args:
        fps: the frame rate, instead of the file's own or the format's.

    Raises `InputError`, naming file and key, for what is missing, not finite, or does not fit together.
    """
    copies = [key for key in _keys(form.copies) if key in record.names]
    arrays = {key: _floats(record, key) for key in [*_keys(form.channels), *copies]}
    for place in (place for places in form.channels.values() for place in places):
        if place.end is not None and place.end > (columns := arrays[place.key].shape[1]):
            raise InputError(f"'{place.key}' has {columns} columns, expected at least {place.end}", where=record.where)
    frames = _frames(arrays, record.where)
    channels = {name: _joined([arrays[p.key][:, p.first : p.end] for p in places]) for name, places in form.channels.items()}
    rate = _fps(form, record, fps)
    numbers = np.array(record.numbers) if isinstance(record, FrameFolder) else np.arange(frames)
    time_s = (numbers - numbers[0]) / rate
    return BodySequence(format=form.name, fps=rate, time_s=time_s, signs=read_signs(record), extra=record, **channels)


def write_sequence(form: BodyFormat, body: BodySequence, path: Path) -> None:
    """Write the file that `body` was read from, with the face of `body`; nothing else changes. Raises `OutputError`."""
    record: Any = body.extra
    replaced: dict[str, NDArray[Any]] = {}
    for places in (form.channels, form.copies):
        for name in FACE:
            if name in places:
                _fill(replaced, record, places[name], getattr(body, name))
    record.save(path, {key: array for key, array in replaced.items() if not _equal(array, record.array(key))})


def _keys(places: Places) -> list[str]:
    return list(dict.fromkeys(place.key for several in places.values() for place in several))


def keys_of(form: BodyFormat, fields: Sequence[str]) -> set[str]:
    """Names of the arrays that hold these fields."""
    return {place.key for places in (form.channels, form.copies) for name in fields for place in places.get(name, ())}


def _fill(replaced: dict[str, NDArray[Any]], record: Record, places: tuple[Place, ...], values: Floats) -> None:
    first = 0
    for place in places:
        if place.key not in record.names:
            continue
        array = replaced.setdefault(place.key, np.array(record.array(place.key)))
        target = array[:, place.first : place.end]
        target[...] = values[:, first : first + target.shape[1]]
        first += target.shape[1]


def _equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.tobytes() == b.tobytes()


def _joined(parts: list[Floats]) -> Floats:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _floats(record: Record, key: str) -> Floats:
    array = record.array(key)
    if array.dtype.kind != "f" or array.ndim != 2:
        expected = "expected floating-point numbers [frames, columns]"
        raise InputError(f"'{key}' is {array.dtype}{list(array.shape)}, {expected}", where=record.where)
    finite = np.isfinite(array)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(f"'{key}' is {array[row, column]} in frame {row}, column {column}", where=record.where)
    return array


def _frames(arrays: Mapping[str, Floats], where: str) -> int:
    counts = {key: len(array) for key, array in arrays.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"'{key}' {count}" for key, count in counts.items())
        raise InputError(f"arrays differ in their number of frames ({listed})", where=where)
    frames = next(iter(counts.values()))
    if not frames:
        raise InputError(f"'{next(iter(counts))}' has zero frames", where=where)
    return frames


def stored_fps(record: Record) -> float | None:
    """The frame rate that a record says, or None. Raises `InputError` when it is no frame rate."""
    key = next((key for key in FPS_KEYS if key in record.names), None)
    if key is None:
        return None
    array = record.array(key)
    fps = float(array.ravel()[0]) if array.size == 1 and array.dtype.kind in "fiu" else float("nan")
    if not 0.0 < fps <= MAX_FPS:
        raise InputError(f"'{key}' is {fps:g}, expected up to {MAX_FPS:g} frames per second", where=record.where)
    return fps


def _fps(form: BodyFormat, record: Record, given: float | None) -> float:
    if given is not None and not 0.0 < given <= MAX_FPS:
        raise InputError(f"the frame rate is {given:g}, expected more than 0 and at most {MAX_FPS:g} frames per second")
    fps = given or stored_fps(record) or form.default_fps
    if fps is None:
        raise InputError(f"a {form.title} file does not say its frame rate", where=record.where, hint="say it with --fps N")
    return fps
