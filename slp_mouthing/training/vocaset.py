"""VOCASET as FaceFormer and its successors lay it out:

templates.pkl                                neutral mesh of each subject, by name: [5023, 3] m
vertices_npy/SUBJECT_sentenceNN.npy          [T60, 15069] m, 60 frames a second
wav/SUBJECT_sentenceNN.wav

Splits are the published ones by subject; of the subjects of validation and test the sentences 21 to 40 are taken, which no
subject of training says. A `splits.json` of the user's own beside `templates.pkl` takes their place.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.assets import load_arrays
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.files import DAMAGED
from slp_mouthing.training.captured import FPS, Captured, Take, read_sound
from slp_mouthing.training.clip import SAMPLE_RATE_HZ, Clip
from slp_mouthing.training.dataset import SPLITS_FILE, read_splits
from slp_mouthing.training.words import at_rate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slp_mouthing.training.clip import Split
    from slp_mouthing.types import Array

_TEMPLATES = "templates.pkl"
_FPS = 60.0
_STEP = round(_FPS / FPS)
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
    """Whether a folder is laid out like VOCASET."""
    return (folder / _TEMPLATES).exists() or (folder / "vertices_npy").is_dir()


def open_vocaset(folder: Path) -> Captured:
    """The clips of the folder. Raises `InputError` for what is missing in it, and for an unsafe pickle."""
    templates = _templates(folder / _TEMPLATES)
    splits = read_splits(folder)
    takes = [take for path in sorted((folder / "vertices_npy").glob("*.npy")) if (take := _take(path, folder, splits))]
    if not takes:
        raise InputError("holds no clips", where=str(folder / "vertices_npy"), hint="it should have SUBJECT_sentenceNN.npy")
    if missing := {take.subject for take in takes} - set(templates):
        raise InputError(f"has no template of {min(missing)}", where=str(folder / _TEMPLATES))
    return Captured(tuple(takes), partial(_read, templates=templates))


def _templates(path: Path) -> Mapping[str, Array]:
    try:
        found = load_arrays(path)
    except HeadError as error:
        raise InputError(error.what, where=error.where, hint=error.hint) from error
    for subject, template in found.items():
        if template.ndim != 2 or template.shape[1] != 3:
            raise InputError(f"the template of {subject} is {template.shape}, expected vertices x 3", where=str(path))
    return {subject: template.astype(np.float32) for subject, template in found.items()}


def _take(path: Path, folder: Path, splits: Mapping[str, Split] | None) -> Take | None:
    """The clip of a file of vertices; None when no split has it."""
    named = re.fullmatch(r"(.+)_sentence(\d+)", path.stem)
    if not named:
        raise InputError("is not named SUBJECT_sentenceNN.npy", where=str(path))
    subject, sentence = named[1], int(named[2])
    split = (_SPLITS if splits is None else splits).get(subject)
    if split is None:
        raise InputError(f"{subject} is in no split", where=str(path), hint=f"name the split of each subject in {SPLITS_FILE}")
    if splits is None and split != "train" and sentence not in _UNSHARED:
        return None
    sound = folder / "wav" / f"{path.stem}.wav"
    if not sound.is_file():
        raise InputError("its sound is missing", where=str(sound))
    frames = -(-len(_vertices(path)) // _STEP)
    return Take(path.stem, subject, split, path, sound, duration_s=frames / FPS)


def _vertices(path: Path) -> Array:
    """The motion as it lies on the disk, [T60, V * 3]. Raises `InputError`."""
    try:
        values: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGED as error:
        raise InputError("is damaged, or no array", where=str(path), hint="copy or make it again") from error
    if values.ndim != 2 or values.shape[1] % 3 or values.dtype.kind != "f" or not len(values):
        raise InputError(f"holds {values.dtype} {values.shape}, expected frames x 3 coordinates of each vertex", where=str(path))
    return values


def _read(take: Take, templates: Mapping[str, Array]) -> Clip:
    neutral_m = templates[take.subject]
    values = np.asarray(_vertices(take.motion)[::_STEP], np.float32)
    if values.shape[1] != neutral_m.size:
        raise InputError(f"{values.shape[1] // 3} vertices, the subject's template has {len(neutral_m)}", where=str(take.motion))
    if not np.isfinite(values).all():
        raise InputError("holds values that are not finite", where=str(take.motion))
    return Clip(
        take.name, "", voice="", subject=take.subject, split=take.split,
        samples=at_rate(*read_sound(take.sound)), sample_rate_hz=SAMPLE_RATE_HZ, phones=(), actions=(),
        duration_s=take.duration_s, fps=FPS, identity=take.subject,
        vertex_offsets=values.reshape(len(values), -1, 3) - neutral_m, neutral_m=neutral_m,
    )  # fmt: skip
