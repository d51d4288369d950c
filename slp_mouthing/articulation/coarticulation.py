"""Visemes to articulator curves: dominance functions with hard contacts.

Each viseme pulls every articulator towards its target with a dominance that is full through its middle and fades on both sides;
the articulator is where the pulls balance (Cohen & Massaro 1993, "Modeling coarticulation in synthetic visual speech"). Jaw and
lips are scaled apart (Edwards et al. 2016, "JALI"). A balance never closes the mouth of itself, so lip and lip-teeth contacts
are activations of their own, laid over it, that last at least a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation.visemes import ARTICULATORS, JAW, LIPS, TONGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.articulation.visemes import Contact, Segment

    Floats = NDArray[np.float64]

_ONSET_S = np.array([0.07, 0.13, 0.13, 0.09, 0.09, 0.06, 0.06, 0.05, 0.06, 0.05, 0.06, 0.05])
_OFFSET_S = np.array([0.07, 0.07, 0.07, 0.07, 0.07, 0.06, 0.06, 0.05, 0.06, 0.05, 0.06, 0.05])
"""By articulator: how early and how long a target is felt around its phone. Rounding starts early ("blue")."""
_TRANSITION_S = 0.06
"""At most this much of each end of a phone is transition, so that a stretched vowel is held, not slowed."""
_REACH = 4.0
"""Dominance is dropped beyond this many of its time constants."""

_CLOSING_S, _RELEASE_S = 0.06, 0.045
"""Lips come together more slowly than a burst parts them."""
RELAXATION_S = 0.15
"""From the end of a mouthing to rest, rounded to whole frames."""
LINK_S = 0.2
"""Across a shorter pause than this neighbouring mouthings join: the mouth does not come all the way to rest."""
_KEPT = 0.2
"""Part of a neighbouring phone that closing or release leaves alone."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A contact that is complete from `start_s` to `end_s`, with the time it takes to come and go."""

    start_s: float
    end_s: float
    closing_s: float
    release_s: float


def balance(segments: Sequence[Segment], times_s: Floats, gain: Floats) -> Floats:
    """Where each articulator is. `times_s` [T] evenly spaced, `gain` [A] -> [T, A]."""
    pull = np.zeros((len(times_s), len(ARTICULATORS)))
    total = np.full_like(pull, 1e-12)
    reach_s = _REACH * max(_ONSET_S.max(), _OFFSET_S.max())
    for segment in segments:
        edge = min(_TRANSITION_S, 0.35 * segment.duration_s)
        first, last = np.searchsorted(times_s, [segment.start_s - reach_s, segment.end_s + reach_s])
        early = np.maximum(segment.start_s + edge - times_s[first:last], 0.0)[:, None] / _ONSET_S
        late = np.maximum(times_s[first:last] - segment.end_s + edge, 0.0)[:, None] / _OFFSET_S
        dominance = segment.viseme.dominance * np.exp(-(early**2) - late**2)
        total[first:last] += dominance
        pull[first:last] += dominance * np.minimum(segment.viseme.targets * gain, 1.0)
    return pull / total


def gains(intensity: float, jaw: float, lip: float) -> Floats:
    """Factor on each articulator's targets -> [A]"""
    gain = np.empty(len(ARTICULATORS))
    gain[JAW], gain[LIPS], gain[TONGUE] = intensity * jaw, intensity * lip, min(intensity * max(jaw, lip), 1.0)
    return gain


# ---- contacts -------------------------------------------------------------------------------------------------------------
def holds(segments: Sequence[Segment], contact: Contact, frame_s: float) -> list[Hold]:
    """The contacts of one kind. Each spans at least a frame, so that a sample falls into it; adjacent ones are held through."""
    found: list[Hold] = []
    for k, segment in enumerate(segments):
        if segment.viseme.contact != contact:
            continue
        start_s, end_s = _plateau(segment, frame_s)
        before, after = segments[max(k - 1, 0) : k], segments[k + 1 : k + 2]
        closing_s = min([_CLOSING_S, *(start_s - _free_from(other, frame_s) for other in before)])
        release_s = min([_RELEASE_S, *(_free_until(other, frame_s) - end_s for other in after)])
        # Out of rest and into it the lips are shut or bitten at once: nothing has opened them, or opens them again.
        if not before or segment.start_s - before[0].end_s >= LINK_S:
            start_s = segment.start_s - 2 * frame_s
        if not after or after[0].start_s - segment.end_s >= LINK_S:
            end_s = segment.end_s + RELAXATION_S
        if before and before[0].viseme.contact == contact and segment.start_s - before[0].end_s < frame_s:
            start_s, closing_s = found[-1].start_s, found.pop().closing_s
        found.append(Hold(start_s, end_s, max(closing_s, 0.0), max(release_s, 0.0)))
    return found


def activation(holds: Sequence[Hold], times_s: Floats) -> Floats:
    """How complete the contact is over time, 1 throughout each hold. [T] -> [T]"""
    apart = np.ones_like(times_s)
    for hold in holds:
        closed = smoothstep((times_s - hold.start_s) / max(hold.closing_s, 1e-6) + 1.0)
        apart *= 1.0 - closed * (1.0 - smoothstep((times_s - hold.end_s) / max(hold.release_s, 1e-6)))
    return 1.0 - apart


def smoothstep(x: Floats) -> Floats:
    """0 below 0, 1 above 1, and between them without a corner."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _plateau(segment: Segment, frame_s: float) -> tuple[float, float]:
    """When the segment's contact is complete: its part of the phone, widened to a frame around its middle."""
    first, last = segment.viseme.hold
    middle_s = segment.start_s + 0.5 * (first + last) * segment.duration_s
    # A hair more than half a frame: a sample may stand at either end.
    half_s = max(0.5 * (last - first) * segment.duration_s, 0.501 * frame_s)
    return middle_s - half_s, middle_s + half_s


def _free_from(segment: Segment, frame_s: float) -> float:
    """When lips may leave `segment` for a contact after it."""
    return _plateau(segment, frame_s)[1] if segment.viseme.contact else segment.start_s + _KEPT * segment.duration_s


def _free_until(segment: Segment, frame_s: float) -> float:
    """When lips must have arrived at `segment` from a contact before it."""
    return _plateau(segment, frame_s)[0] if segment.viseme.contact else segment.end_s - _KEPT * segment.duration_s
