"""A set like VOCASET, without error: 12 people, 40 sentences each, 8 of them to train on, 2 to validate and 2 to test with.

As there, half of a person's sentences are shared with the others and half are nobody else's; but no sentence is in two splits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from slp_mouthing.training.sentences import sentences_of
from slp_mouthing.training.subjects import Subject, draw_subject
from slp_mouthing.training.words import spoken_clip

if TYPE_CHECKING:
    from slp_mouthing.training.clip import Clip, Split

SUBJECTS: dict[Split, int] = {"train": 8, "validation": 2, "test": 2}
SENTENCES, SHARED = 40, 20
_LEAD_S = 0.3
"""Rest before the first sound."""


@dataclass(frozen=True)
class CleanRecipe:
    """Sentences by a dozen people at their own pace; the motion is the truth."""

    seed: int
    given_count: int | None = None

    @cached_property
    def count(self) -> int:
        everything = sum(SUBJECTS.values()) * SENTENCES
        return everything if self.given_count is None else min(self.given_count, everything)

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        splits = [split for split, count in SUBJECTS.items() for _ in range(count)]
        return tuple(draw_subject(self.seed, k, split, f"clean-{k:02d}") for k, split in enumerate(splits))

    def clip(self, index: int) -> Clip:
        """Sentence by sentence, so that the first few clips have every person."""
        sentence, person = divmod(index, len(self.subjects))
        subject = self.subjects[person]
        return subject_clip(subject, f"{subject.name}-sentence{sentence + 1:02d}", self._text(person, sentence))

    def _text(self, person: int, sentence: int) -> str:
        sentences = sentences_of(self.subjects[person].split)
        return sentences[sentence if sentence < SHARED else SHARED + person * (SENTENCES - SHARED) + sentence - SHARED]


def subject_clip(subject: Subject, name: str, text: str) -> Clip:
    """What `subject` does when saying `text`."""
    clip = spoken_clip(name, subject.split, subject.voice, text, lead_s=_LEAD_S)
    return replace(clip, subject=subject.name, identity=subject.identity, style=subject.style)
