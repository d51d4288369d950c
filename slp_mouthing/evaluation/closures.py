"""Contacts that must be seen, /p b m/ and /f v/, against those that are: recall by phone, precision by contact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from slp_mouthing.articulation.measure import runs
from slp_mouthing.evaluation.statistics import Estimate, ratio
from slp_mouthing.phonetics import BILABIALS, LABIODENTALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.evaluation.lip_measures import Seen
    from slp_mouthing.types import MouthScore, Phone

    Flags = NDArray[np.bool_]

Kind = Literal["lips", "teeth"]
KINDS: dict[Kind, frozenset[str]] = {"lips": BILABIALS, "teeth": LABIODENTALS}
"""Phones that ask for each contact: lip on lip, lower lip on upper teeth."""
SLACK_FRAMES, SLACK_M = 1, 0.0003
"""A contact that is seen may be this much beside the true one, and where it is the true lips may be this far from a contact."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Contacts of a clip."""

    wanted: int = 0
    """Phones that ask for one."""
    reached: int = 0
    """Of these, seen within the phone."""
    made: int = 0
    """Contacts seen within mouthings."""
    right: int = 0
    """Of these, where the truth has one too, or a phone asks for one."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def tally(kind: Kind, score: MouthScore, predicted: Seen, true: Seen, fps: float) -> Tally:
    """The contacts of one kind in one clip, at the lips of the posed head.

    A phone's contact is reached when a frame whose interval overlaps the phone has it. Where the mouth rests the lips are shut
    anyway: contacts count as made only between the first and the last phone of a mouthing, without those that touch its ends.
    """
    seen, real = _flags(kind, predicted), _flags(kind, true, SLACK_M)
    asked = [phone for phone in score.phones if phone.symbol[:1] in KINDS[kind]]
    found = Tally(wanted=len(asked), reached=sum(bool(seen[_frames(phone, fps, len(seen))].any()) for phone in asked))
    wanted = _widened(real | _any_of(asked, fps, len(seen)))
    made = right = 0
    for start, stop in runs(seen & _inner(score, fps, len(seen))):
        made, right = made + 1, right + bool(wanted[start:stop].any())
    return replace(found, made=made, right=right)


def recall(tallies: Sequence[Tally]) -> Estimate:
    """Share of the phones that ask for a contact in which it is seen; the interval is over clips."""
    return ratio([t.reached for t in tallies], [t.wanted for t in tallies])


def precision(tallies: Sequence[Tally]) -> Estimate:
    """Share of the contacts seen that are right; the interval is over clips."""
    return ratio([t.right for t in tallies], [t.made for t in tallies])


def _flags(kind: Kind, seen: Seen, within_m: float = 0.0) -> Flags:
    return seen.shut(within_m) if kind == "lips" else seen.on_teeth(within_m)


def _frames(phone: Phone, fps: float, count: int) -> slice:
    """Frames whose interval overlaps the phone."""
    return slice(max(int(np.ceil(phone.start_s * fps - 0.5)), 0), min(int(np.floor(phone.end_s * fps + 0.5)) + 1, count))


def _any_of(phones: Sequence[Phone], fps: float, count: int) -> Flags:
    flags = np.zeros(count, bool)
    for phone in phones:
        flags[_frames(phone, fps, count)] = True
    return flags


def _inner(score: MouthScore, fps: float, count: int) -> Flags:
    """Frames within mouthings, but for the shut lips of rest at their ends: a frame's distance from both."""
    times = np.arange(count)
    flags = np.zeros(count, bool)
    for start_s, end_s in score.actions:
        flags |= (times >= start_s * fps + 1.5) & (times <= end_s * fps - 0.5)
    return flags


def _widened(flags: Flags) -> Flags:
    out = flags.copy()
    for k in range(1, SLACK_FRAMES + 1):
        out[k:] |= flags[:-k]
        out[:-k] |= flags[k:]
    return out
