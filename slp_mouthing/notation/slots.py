"""Annotations into the slots of one signer: both hands as one stream, nothing overlapping, and what was changed on the way."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIN_SLOT_S = 0.04
"""Shortest slot that is left of an annotation: one frame at 25 fps."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of a tier, or one row of a table."""

    value: str
    start_s: float
    end_s: float
    line: int
    tier: str = ""

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2

    def overlap_s(self, other: Annotation) -> float:
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


class Notes:
    """What a reader has to tell: one line per kind of problem, at its first place, with the number of others."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._lines: dict[str, list[int]] = {}

    def add(self, line: int, what: str, tier: str = "") -> None:
        self._lines.setdefault(f"tier '{tier}': {what}" if tier else what, []).append(line)

    def texts(self) -> tuple[str, ...]:
        return tuple(
            f"{self.where}:{lines[0]}: {what}{f' (and {len(lines) - 1} more)' if len(lines) > 1 else ''}"
            for what, lines in self._lines.items()
        )


def one_stream(hands: Sequence[Sequence[Annotation]], notes: Notes) -> list[Annotation]:
    """The signs of both hands, each once, in order of time and not overlapping.

    A two-handed sign stands on both tiers. What the less busy hand does while the other signs (a hold, a buoy) has no mouth
    action of its own and is left out; what it signs alone is kept.
    """
    kept: list[Annotation] = []
    for hand in sorted(hands, key=len, reverse=True):
        busy = _Busy(kept)
        alone = [annotation for annotation in hand if not busy.covers(annotation)]
        kept = sorted([*kept, *alone], key=lambda one: (one.start_s, one.end_s))
    return list(apart(kept, notes))


def apart(annotations: Sequence[Annotation], notes: Notes) -> Iterator[Annotation]:
    """Annotations in order of time without their overlaps: the earlier one ends where the later one starts."""
    before: Annotation | None = None
    for annotation in annotations:
        if before is None or annotation.start_s >= before.end_s:
            if before:
                yield before
            before = annotation
            continue
        if before.tier == annotation.tier:
            notes.add(annotation.line, "overlaps the annotation before it; the overlap is given to one of them", before.tier)
        if annotation.start_s - before.start_s >= MIN_SLOT_S:
            yield replace(before, end_s=annotation.start_s)
            before = annotation
        elif annotation.end_s - before.end_s >= MIN_SLOT_S:
            yield before
            before = replace(annotation, start_s=before.end_s)
        else:
            notes.add(annotation.line, f"'{annotation.value}' has no time of its own and is left out", annotation.tier)
    if before:
        yield before


class _Busy:
    """Where the busier hand signs."""

    def __init__(self, signs: Sequence[Annotation]) -> None:
        self.signs = signs
        self.starts_s = [sign.start_s for sign in signs]
        self.longest_s = max((sign.duration_s for sign in signs), default=0.0)

    def covers(self, annotation: Annotation) -> bool:
        first = bisect_left(self.starts_s, annotation.start_s - self.longest_s)
        last = bisect_left(self.starts_s, annotation.end_s)
        meeting = [sign for sign in self.signs[first:last] if sign.overlap_s(annotation)]
        if any(sign.value == annotation.value for sign in meeting):
            return True
        return sum(sign.overlap_s(annotation) for sign in meeting) >= annotation.duration_s / 2
