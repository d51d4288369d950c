"""A set like MEAD as VisualSpeaker uses it: 43 people on video, 40 neutral sentences, the motion fitted by a tracker.

All people say the same sentences: 31 of them the first 30, to train on; 6 and 6 the other 10, to validate and to test with. The
video is that of the true motion; `Clip.observed` is what the tracker made of it (`tracking`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.training.clean import subject_clip
from slp_mouthing.training.sentences import sentences_of
from slp_mouthing.training.subjects import Subject, draw_subject
from slp_mouthing.training.tracking import observe

if TYPE_CHECKING:
    from slp_mouthing.training.clip import Clip, Split

SUBJECTS: dict[Split, int] = {"train": 31, "validation": 6, "test": 6}
SENTENCES: dict[Split, int] = {"train": 30, "validation": 10, "test": 10}
_FIRST_NUMBER = 1000
"""The people are not those of the clean set of the same seed."""
_FIRST_SENTENCE = 400
"""Nor are the sentences."""
_STREAM = 0x7AC4


@dataclass(frozen=True)
class MeadLikeRecipe:
    """Sentences by many people, with the motion that a tracker saw beside the true one."""

    seed: int
    given_count: int | None = None

    @cached_property
    def count(self) -> int:
        return len(self._takes) if self.given_count is None else min(self.given_count, len(self._takes))

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        splits = [split for split, count in SUBJECTS.items() for _ in range(count)]
        return tuple(draw_subject(self.seed, _FIRST_NUMBER + k, split, f"person-{k:02d}") for k, split in enumerate(splits))

    def clip(self, index: int) -> Clip:
        """The splits are mixed evenly, so that any number of clips has its share of each."""
        person, sentence = self._takes[index]
        subject = self.subjects[person]
        text = sentences_of(subject.split)[_FIRST_SENTENCE + sentence]
        clip = subject_clip(subject, f"{subject.name}-sentence{sentence + 1:02d}", text)
        rng = np.random.default_rng([self.seed, index, _STREAM])
        return replace(clip, observed=observe(clip.truth(), rng, clip.fps))

    @cached_property
    def _takes(self) -> tuple[tuple[int, int], ...]:
        """(person, sentence) of every clip."""
        placed: list[tuple[float, int, int]] = []
        for split in SUBJECTS:
            people = [k for k, subject in enumerate(self.subjects) if subject.split == split]
            takes = [(person, sentence) for sentence in range(SENTENCES[split]) for person in people]
            placed += [((k + 0.5) / len(takes), *take) for k, take in enumerate(takes)]
        return tuple((person, sentence) for _, person, sentence in sorted(placed))
