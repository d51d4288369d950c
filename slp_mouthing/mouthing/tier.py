"""Mouthings that the input times by itself, and the signs they stand on."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slp_mouthing.types import Sign, TimedMouthing


def signs_under(mouthings: Sequence[TimedMouthing], signs: Sequence[Sign]) -> list[tuple[int, ...]]:
    """Indices of the signs that each mouthing stands on: those it shares at least half of the shorter one's time with.

    A mouthing that shares so much with none stands on the nearest sign. Both are in order of time, and there is a sign.
    """
    ends_s = [sign.end_s for sign in signs]
    return [_under(mouthing, signs, bisect_left(ends_s, mouthing.start_s)) for mouthing in mouthings]


def free_slot(sign: Sign, mouthings: Sequence[TimedMouthing]) -> tuple[float, float]:
    """Start and end of what the mouthings leave of a slot that none of them stands on. Empty where they leave nothing."""
    after = bisect_left(mouthings, sign.start_s, key=lambda one: one.end_s)
    start_s, end_s = sign.start_s, sign.end_s
    for mouthing in mouthings[after:]:
        if mouthing.start_s >= sign.end_s:
            break
        if mouthing.start_s <= start_s:
            start_s = min(mouthing.end_s, end_s)
        else:
            end_s = mouthing.start_s
            break
    return start_s, end_s


def _under(mouthing: TimedMouthing, signs: Sequence[Sign], first: int) -> tuple[int, ...]:
    found: list[int] = []
    last = first
    while last < len(signs) and signs[last].start_s < mouthing.end_s:
        if _shared_s(mouthing, signs[last]) >= min(signs[last].duration_s, mouthing.end_s - mouthing.start_s) / 2 - 1e-9:
            found.append(last)
        last += 1
    if found:
        return tuple(found)
    near = range(max(0, first - 1), min(last + 1, len(signs)))
    return (max(near, key=lambda index: _shared_s(mouthing, signs[index])),)


def _shared_s(mouthing: TimedMouthing, sign: Sign) -> float:
    """Time that both last; negative: the gap between them."""
    return min(mouthing.end_s, sign.end_s) - max(mouthing.start_s, sign.start_s)
