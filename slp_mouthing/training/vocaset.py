"""VOCASET as FaceFormer and its successors lay it out (`vocaset_original` has the authors' own layout):

templates.pkl                                neutral mesh of each subject, by name: [5023, 3] m
vertices_npy/SUBJECT_sentenceNN.npy          [T60, 15069] m, 60 frames a second
wav/SUBJECT_sentenceNN.wav

Splits are the published ones by subject; of the subjects of validation and test the sentences 21 to 40 are taken, which no
subject of training says. A `splits.json` of the user's own beside `templates.pkl` takes their place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.assets import load_tree
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.files import DAMAGED
from slp_mouthing.training.captured import FPS, Captured, Take, read_sound
from slp_mouthing.training.clip import SAMPLE_RATE_HZ, Clip
from slp_mouthing.training.dataset import SPLITS_FILE, read_splits
from slp_mouthing.training.words import at_rate

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.training.clip import Split
    from slp_mouthing.types import Array

TEMPLATES = "templates.pkl"
_FPS = 60.0
STEP = round(_FPS / FPS)
_UNSHARED = range(21, 41)
"""Sentences that are nobody else's."""
_SUBJECTS: dict[Split, tuple[str, ...]] = {
    "train": (
        "170728_03272", "170904_00128", "170725_00137", "170915_00223", "170811_03274", "170913_03279", "170904_03276",
        "170912_03278",
    ),
    "validation": ("170811_03275", "170908_03277"),
    "test": ("170809_00138", "170731_00024"),
}  # fmt: skip
_SPLITS: dict[str, Split] = {f"FaceTalk_{date}_TA": split for split, dates in _SUBJECTS.items() for date in dates}


def is_layout(folder: Path) -> bool:
    """Whether a folder is laid out as above."""
    return (folder / "vertices_npy").is_dir()


def open_vocaset(folder: Path) -> Captured:
    """The clips of the folder. Raises `InputError` for what is missing in it, and for an unsafe pickle."""
    templates = load_templates(folder)
    splits = Splits(read_splits(folder))
    takes = [take for path in sorted((folder / "vertices_npy").glob("*.npy")) if (take := _take(path, folder, splits))]
    if not takes:
        raise InputError("holds no clips", where=str(folder / "vertices_npy"), hint="it should have SUBJECT_sentenceNN.npy")
    if missing := {take.subject for take in takes} - set(templates):
        raise InputError(f"has no template of {min(missing)}", where=str(folder / TEMPLATES))

    def read(take: Take) -> Clip:
        sound = read_sound(take.sound)
        return captured_clip(take, open_frames(take.motion)[::STEP], sound, templates[take.subject])

    return Captured(tuple(takes), read)


def _take(path: Path, folder: Path, splits: Splits) -> Take | None:
    """The clip of a file of vertices; None when no split has it."""
    named = re.fullmatch(r"(.+)_sentence(\d+)", path.stem)
    if not named:
        raise InputError("is not named SUBJECT_sentenceNN.npy", where=str(path))
    split = splits.of(named[1], int(named[2]), where=path)
    sound = folder / "wav" / f"{path.stem}.wav"
    if split is not None and not sound.is_file():
        raise InputError("its sound is missing", where=str(sound))
    return split and Take(path.stem, named[1], split, path, sound, video_frames(len(open_frames(path))) / FPS)


# ---- what both layouts share ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Splits:
    """The split of each sentence: the published ones, or the user's own."""

    own: dict[str, Split] | None

    def of(self, subject: str, sentence: int, where: Path) -> Split | None:
        """None for a sentence that no split has. Raises `InputError` for an unknown subject."""
        split = (_SPLITS if self.own is None else self.own).get(subject)
        if split is None:
            hint = f"name the split of each subject in {SPLITS_FILE}"
            raise InputError(f"{subject} is in no split", where=str(where), hint=hint)
        shared = self.own is None and split != "train" and sentence not in _UNSHARED
        return None if shared else split


def load_templates(folder: Path) -> dict[str, Array]:
    """The neutral mesh of each subject. -> [V, 3] m by name. Raises `InputError`."""
    path = folder / TEMPLATES
    found = load_pickle(path)
    for subject, template in found.items():
        if isinstance(template, dict) or template.ndim != 2 or template.shape[1] != 3:
            raise InputError(f"the template of {subject} is not an array of vertices x 3", where=str(path))
    return {str(subject): template.astype(np.float32) for subject, template in found.items()}


def load_pickle(path: Path) -> dict[Any, Any]:
    """What a pickle holds of arrays and dicts; nothing in it is run. Raises `InputError`."""
    try:
        return load_tree(path)
    except HeadError as error:
        raise InputError(error.what, where=error.where, hint=error.hint) from error


def open_frames(path: Path) -> Array:
    """Vertices as they lie on the disk, [frames, V * 3] or [frames, V, 3] m. Raises `InputError`."""
    try:
        values: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path)) from error
    except DAMAGED as error:
        raise InputError("is damaged, or no array", where=str(path), hint="copy or make it again") from error
    if values.ndim not in (2, 3) or values.shape[-1] % 3 or values.dtype.kind != "f" or not len(values):
        raise InputError(f"holds {values.dtype} {values.shape}, expected frames x 3 coordinates of each vertex", where=str(path))
    return values


def video_frames(frames: int) -> int:
    """Frames at `captured.FPS` of so many captured ones."""
    return -(-frames // STEP)


def captured_clip(take: Take, values: Array, sound: tuple[Array, int], neutral_m: Array) -> Clip:
    """The clip of vertices at `captured.FPS`, [T, V * 3] or [T, V, 3] m, and its sound [N] with its rate. Raises `InputError`."""
    frames = np.asarray(values, np.float32).reshape(len(values), -1, 3)
    if frames.shape[1:] != neutral_m.shape:
        what = f"{take.name} has {frames.shape[1]} vertices, the subject's template has {len(neutral_m)}"
        raise InputError(what, where=str(take.motion))
    if not np.isfinite(frames).all():
        raise InputError(f"{take.name} holds values that are not finite", where=str(take.motion))
    return Clip(
        take.name, "", voice="", subject=take.subject, split=take.split, samples=at_rate(*sound), sample_rate_hz=SAMPLE_RATE_HZ,
        phones=(), actions=(), duration_s=take.duration_s, fps=FPS, identity=take.subject, vertex_offsets=frames - neutral_m,
        neutral_m=neutral_m,
    )  # fmt: skip
