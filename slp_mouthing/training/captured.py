"""Clips of real people: a mesh and a sound in files of their own, read when they are asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.assets import user_folder
from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED
from slp_mouthing.head.flame_files import read_flame
from slp_mouthing.training.clip import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slp_mouthing.head.flame_files import FlameFiles
    from slp_mouthing.training.clip import Clip, Split
    from slp_mouthing.training.mouth_video import Footage
    from slp_mouthing.types import Array

FPS = 30.0
"""What motion is brought to."""


@dataclass(frozen=True, slots=True)
class Take:
    """Where a clip lies."""

    name: str
    subject: str
    split: Split
    motion: Path
    sound: Path
    duration_s: float
    footage: Footage | None = None


@dataclass(frozen=True)
class Captured:
    """A `dataset.Dataset` of takes."""

    takes: tuple[Take, ...]
    read: Callable[[Take], Clip] = field(repr=False)

    @property
    def durations_s(self) -> tuple[float, ...]:
        return tuple(take.duration_s for take in self.takes)

    def __len__(self) -> int:
        return len(self.takes)

    def __getitem__(self, index: int) -> Clip:
        return self.read(self.takes[index])

    def indices(self, split: Split | None = None) -> list[int]:
        return [index for index, take in enumerate(self.takes) if split in (None, take.split)]

    def take(self, name: str) -> Take:
        """Where the clip of that name lies."""
        return self.takes[self._numbers[name]]

    def named(self, name: str) -> Clip:
        return self[self._numbers[name]]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {take.name: number for number, take in enumerate(self.takes)}

    def clips(self, split: Split | None = None) -> Iterator[Clip]:
        return (self[index] for index in self.indices(split))

    def counts(self) -> dict[Split, int]:
        found = Counter(take.split for take in self.takes)
        return {split: found[split] for split in SPLITS}


def flame_files(flame: str | Path | None = None) -> FlameFiles:
    """The user's FLAME, read once, which takes seconds; None: the configured one. Raises `HeadError`."""
    return _read_flame(user_folder("flame", flame))


_read_flame = lru_cache(maxsize=2)(read_flame)


def read_sound(path: Path) -> tuple[Array, int]:
    """The first sound track of a file (wav, m4a, mp4, ...) as one channel in [-1, 1]. -> [N], samples per second

    Raises `InputError` for a file without sound.
    """
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            # Channels are averaged here: FFmpeg's own mono is louder than each of two equal ones.
            resampler = av.AudioResampler(format="fltp")
            frames = [out for frame in container.decode(stream) for out in resampler.resample(frame)]
            parts: list[Any] = [frame.to_ndarray().mean(axis=0) for frame in (*frames, *resampler.resample(None))]
            if not parts:
                raise InputError("holds no sound", where=str(path))
            return np.concatenate(parts).astype(np.float32), int(stream.rate)
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path)) from error
    except (av.FFmpegError, IndexError, *DAMAGED) as error:
        raise InputError(f"is no sound that can be read ({error})", where=str(path)) from error
