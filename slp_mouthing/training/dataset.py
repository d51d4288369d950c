"""Any set of clips that is trained on, whoever made it: our own corpora, VOCASET, MEAD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from slp_mouthing.errors import InputError
from slp_mouthing.files import read_text
from slp_mouthing.training.clip import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slp_mouthing.training.clip import Clip, Split

SPLITS_FILE = "splits.json"
"""Subjects by split, of the user's own: `{"train": ["name", ...], "validation": [...], "test": [...]}`."""


class Dataset(Protocol):
    """Clips by index, each read when it is asked for."""

    @property
    def durations_s(self) -> tuple[float, ...]:
        """Of every clip, without reading it."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Clip:
        """Raises `InputError` when the clip's file is missing or damaged."""

    def indices(self, split: Split | None = None) -> list[int]:
        """Of the clips of a split; None: of all."""

    def clips(self, split: Split | None = None) -> Iterator[Clip]:
        """The clips of a split in order."""

    def counts(self) -> dict[Split, int]:
        """Clips by split."""


def open_dataset(folder: str | Path, flame: str | Path | None = None) -> Dataset:
    """The set of clips in a folder; its layout tells what it is.

    Args:
        folder: as `corpus`, `vocaset`, `vocaset_original` or `mead` describe theirs.
        flame: the folder of the user's FLAME, for MEAD; None: the configured one.

    Raises `InputError` for a folder that is none of these, or is incomplete; `HeadError` for a missing FLAME.
    """
    from slp_mouthing.training import corpus, mead, vocaset, vocaset_original

    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder), hint="make one: mouth corpus build KIND -o DIR")
    if (folder / corpus.MANIFEST).exists():
        return corpus.load_corpus(folder)
    if vocaset.is_layout(folder):
        return vocaset.open_vocaset(folder)
    if vocaset_original.is_layout(folder):
        return vocaset_original.open_original(folder)
    if mead.is_layout(folder):
        return mead.open_mead(folder, flame)
    raise InputError(
        "holds no corpus: no manifest.json (ours), vertices_npy or subj_seq_to_idx.pkl (VOCASET), or ACTOR/flame (MEAD)",
        where=str(folder),
        hint="give the folder itself, not the one above it",
    )


def read_splits(folder: Path) -> dict[str, Split] | None:
    """The split of each subject as the user's `splits.json` has it; None when there is no such file. Raises `InputError`."""
    path = folder / SPLITS_FILE
    if not path.exists():
        return None
    try:
        content = json.loads(read_text(path))
        if unknown := set(content) - set(SPLITS):
            raise InputError(f"unknown split '{min(unknown)}', allowed: {', '.join(SPLITS)}", where=str(path))
        subjects: dict[str, Split] = {}
        for split in SPLITS:
            for subject in content.get(split, []):
                if subjects.setdefault(str(subject), split) != split:
                    raise InputError(f"'{subject}' is in two splits", where=str(path))
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError("is not an object of lists of subjects", where=str(path)) from error
    return subjects
