"""VOCASET as its authors distribute it for training:

data_verts.npy           every frame of all sequences, [frames, 5023, 3] m, 60 a second
subj_seq_to_idx.pkl      subject -> sequence (`sentence01`) -> number of the frame in it -> row of data_verts.npy
raw_audio_fixed.pkl      subject -> sequence -> {"audio": int16 [N], "sample_rate": Hz}
templates.pkl            neutral mesh of each subject

Splits are those of `vocaset`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.training.captured import FPS, Captured, Take
from slp_mouthing.training.dataset import read_splits
from slp_mouthing.training.vocaset import STEP, Splits, captured_clip, load_pickle, load_templates, open_frames, video_frames

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.training.clip import Clip
    from slp_mouthing.types import Array

_VERTICES, _ROWS, _SOUND = "data_verts.npy", "subj_seq_to_idx.pkl", "raw_audio_fixed.pkl"
_LOUDEST = 2**15


def is_layout(folder: Path) -> bool:
    """Whether a folder is laid out as above."""
    return (folder / _ROWS).exists()


def open_original(folder: Path) -> Captured:
    """The clips of the folder; the sound of all of them stays in memory. Raises `InputError` for what is missing in it."""
    splits = Splits(read_splits(folder))
    files = _Files(folder, open_frames(folder / _VERTICES), load_pickle(folder / _SOUND), load_templates(folder))
    takes: list[Take] = []
    for subject, sequences in sorted(load_pickle(folder / _ROWS).items()):
        for sequence, rows in sorted(sequences.items()):
            if split := splits.of(subject, _sentence(sequence, folder), where=folder / _ROWS):
                files.rows[subject, sequence] = chosen = files.checked(subject, sequence, rows)
                name, duration_s = f"{subject}_{sequence}", video_frames(len(chosen)) / FPS
                takes.append(Take(name, subject, split, folder / _VERTICES, folder / _SOUND, duration_s))
    return Captured(tuple(takes), files.read)


def _sentence(sequence: str, folder: Path) -> int:
    if not (named := re.fullmatch(r"sentence(\d+)", sequence)):
        raise InputError(f"the sequence '{sequence}' is not named sentenceNN", where=str(folder / _ROWS))
    return int(named[1])


@dataclass(frozen=True, slots=True)
class _Files:
    folder: Path
    vertices: Array  # [frames, V, 3] on the disk
    sounds: dict[str, dict[str, dict[str, Any]]]
    templates: dict[str, Array]
    rows: dict[tuple[str, str], NDArray[np.int64]] = field(default_factory=dict)

    def checked(self, subject: str, sequence: str, frames: dict[int, Any]) -> NDArray[np.int64]:
        """The rows of a sequence in order of time."""
        rows = np.array([int(frames[frame]) for frame in sorted(frames)], np.int64)
        if not len(rows) or rows.min() < 0 or rows.max() >= len(self.vertices):
            raise InputError(f"{subject} {sequence} names rows that {_VERTICES} lacks", where=str(self.folder / _ROWS))
        if subject not in self.templates:
            raise InputError(f"has no template of {subject}", where=str(self.folder / "templates.pkl"))
        if not {"audio", "sample_rate"} <= set(self.sounds.get(subject, {}).get(sequence, {})):
            raise InputError(f"has no sound of {subject} {sequence}", where=str(self.folder / _SOUND))
        return rows

    def read(self, take: Take) -> Clip:
        sequence = take.name.removeprefix(f"{take.subject}_")
        sound = self.sounds[take.subject][sequence]
        samples = np.asarray(sound["audio"], np.float32) / np.float32(_LOUDEST)
        values = self.vertices[self.rows[take.subject, sequence][::STEP]]
        return captured_clip(take, values, (samples, int(sound["sample_rate"])), self.templates[take.subject])
