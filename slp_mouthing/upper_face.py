"""Eyes and brows: blinks, small movements of gaze, and what the brows say of the sentence.

In BSL a question with a question word is asked with furrowed brows, one that wants yes or no with raised brows and wide eyes, a
topic is set off with raised brows and a pause, and negation is on the face, here as a furrow and a wrinkled nose (Sutton-Spence
& Woll 1999, "The Linguistics of British Sign Language"). Signers blink at the ends of phrases (Wilbur 1994) and now and then
between. The same plan and seed give the same face.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, BrowAction, ControlCurves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import BrowShape, Meaning, MouthingPlan, Sign

    Floats = NDArray[np.float64]

_SHAPES: dict[BrowShape, dict[str, float]] = {
    "wh_question": {"browDown": 0.85, "browInnerUp": 0.1, "eyeSquint": 0.35},
    "yes_no_question": {"browInnerUp": 0.8, "browOuterUp": 0.75, "eyeWide": 0.4},
    "topic": {"browInnerUp": 0.6, "browOuterUp": 0.6, "eyeWide": 0.2},
    "negation": {"browDown": 0.65, "noseSneer": 0.3, "eyeSquint": 0.2},
}
"""Controls that have sides are moved on both."""
_ATTACK_S, _RELEASE_S = 0.18, 0.25
_TOPIC_PAUSE_S = (0.18, 0.45)
"""A pause between these after the first signs sets them off as the topic; a longer one is a full stop."""
_LONGEST_TOPIC = 3
"""Signs."""
_HOLD_S = 0.3
"""For which a question's brows stay after its last sign."""

_CLOSING_S, _CLOSED_S, _OPENING_S = 0.07, 0.03, 0.14
_BLINK_GAP_S = 0.9
"""Least time between two blinks."""
_PHRASE_PAUSE_S = 0.15
_GLANCE_S = (0.7, 2.4)
"""Time between two small movements of gaze."""
_GLANCE = 0.07
"""Their size, as weight of the eyeLook controls: some two degrees."""


@dataclass(frozen=True, slots=True)
class UpperFaceOptions:
    """What eyes and brows do."""

    blinks: bool = True
    gaze: bool = True
    """Small movements; the signer looks at the addressee."""
    brows: bool = True
    """Questions, topics, negation."""
    blink_every_s: float = 4.0
    """Mean time between blinks that no phrase asks for."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.blink_every_s <= 60.0:
            raise InputError(f"a blink every {self.blink_every_s:g} s, allowed: 0.5 to 60")


def add_upper_face(curves: ControlCurves, plan: MouthingPlan, options: UpperFaceOptions | None = None) -> ControlCurves:
    """`curves` with eyes that live and brows that do what the plan says; what a mouth gesture asks of them stays."""
    options = options or UpperFaceOptions()
    times_s = np.arange(len(curves)) / curves.fps
    added = np.zeros((len(curves), len(CONTROL_NAMES)))
    if options.brows:
        for action in plan.brows:
            _lay(added, _SHAPES[action.shape], _swell(action, times_s))
    rng = _random(plan, options.seed)
    if options.gaze:
        _glance(added, times_s, rng)
    if options.blinks:
        closed = _lids(list(_blink_times_s(plan, times_s[-1] if len(times_s) else 0.0, options, rng)), times_s)
        _lay(added, {"eyeBlink": 1.0}, closed)
        for name in ("eyeWideLeft", "eyeWideRight", "eyeSquintLeft", "eyeSquintRight"):
            added[:, CONTROL_NAMES.index(name)] *= 1.0 - closed
    return ControlCurves(curves.fps, np.maximum(curves.values, added).astype(np.float32))


# ---- brows ----------------------------------------------------------------------------------------------------------------
def brow_actions(plan: MouthingPlan, meanings: Mapping[int, Meaning], without: Collection[str] = ()) -> tuple[BrowAction, ...]:
    """What the brows say of each sentence, in order of time, not overlapping.

    `meanings`: what signs of the plan (by index) mean for the brows; `without`: shapes that are turned off. A full stop, which is
    a pause, ends a sentence.
    """
    signs = plan.signs
    stops = [k for k in range(1, len(signs)) if signs[k].start_s - signs[k - 1].end_s >= _TOPIC_PAUSE_S[1]]
    found: list[BrowAction] = []
    for first, last in pairwise([0, *stops, len(signs)]):
        meant = {k - first: meaning for k, meaning in meanings.items() if first <= k < last}
        found += _of_sentence(signs[first:last], meant, plan.question and last == len(signs))
    return tuple(action for action in found if action.shape not in without)


def _of_sentence(signs: Sequence[Sign], meanings: Mapping[int, Meaning], question: bool) -> list[BrowAction]:
    topic = _topic(signs)
    found = [BrowAction("topic", signs[0].start_s, signs[topic - 1].end_s)] if topic else []
    asks = [k for k, meaning in meanings.items() if meaning == "wh"]
    clause = signs[topic:]
    if asks:
        # The furrow goes over the question word and what follows it; a word that ends the question takes its clause along.
        first = min(asks) if min(asks) < len(signs) - 1 else topic
        found.append(BrowAction("wh_question", signs[max(first, topic)].start_s, signs[-1].end_s + _HOLD_S))
    elif question and clause:
        found.append(BrowAction("yes_no_question", clause[0].start_s, signs[-1].end_s + _HOLD_S))
    else:
        found += [BrowAction("negation", signs[k].start_s, signs[k].end_s) for k in sorted(meanings) if k >= topic]
    return found


def _topic(signs: Sequence[Sign]) -> int:
    """How many first signs a pause sets off from the rest; 0 for none."""
    for k in range(1, min(_LONGEST_TOPIC + 1, len(signs))):
        if _TOPIC_PAUSE_S[0] <= signs[k].start_s - signs[k - 1].end_s < _TOPIC_PAUSE_S[1]:
            return k
    return 0


def _swell(action: BrowAction, times_s: Floats) -> Floats:  # [T]
    rise = _smooth((times_s - action.start_s + _ATTACK_S) / _ATTACK_S)
    return rise * (1.0 - _smooth((times_s - action.end_s) / _RELEASE_S))


# ---- eyes -----------------------------------------------------------------------------------------------------------------
def _blink_times_s(plan: MouthingPlan, end_s: float, options: UpperFaceOptions, rng: np.random.Generator) -> Iterator[float]:
    """When lids begin to fall: where phrases end, and now and then between."""
    pairs = zip(plan.signs, plan.signs[1:], strict=False)
    ends = [a.end_s for a, b in pairs if b.start_s - a.end_s >= _PHRASE_PAUSE_S] + [plan.end_s]
    between = np.cumsum(rng.gamma(4.0, options.blink_every_s / 4.0, size=int(end_s / options.blink_every_s * 2) + 4))
    last_s = -_BLINK_GAP_S
    for time_s in sorted([*ends, *(float(t) for t in between if all(abs(t - e) > _BLINK_GAP_S for e in ends))]):
        if time_s - last_s >= _BLINK_GAP_S and time_s + _CLOSING_S < end_s + 1e-9:
            last_s = time_s
            yield time_s


def _lids(starts_s: Sequence[float], times_s: Floats) -> Floats:
    """How far the lids are closed, [T]: they fall faster than they rise, and one frame at least shows them closed."""
    closed = np.zeros_like(times_s)
    frame_s = float(times_s[1] - times_s[0]) if len(times_s) > 1 else 0.0
    held_s = max(_CLOSED_S, 1.01 * frame_s)
    for start_s in starts_s:
        since_s = times_s - start_s
        blink = _smooth(since_s / _CLOSING_S) * (1.0 - _smooth((since_s - _CLOSING_S - held_s) / _OPENING_S))
        closed = np.maximum(closed, blink)
    return closed


def _glance(added: Floats, times_s: Floats, rng: np.random.Generator) -> None:
    """Small jumps of both eyes about the addressee, each held until the next."""
    if not len(times_s):
        return
    jumps_s = np.cumsum(rng.uniform(*_GLANCE_S, size=int(times_s[-1] / _GLANCE_S[0]) + 2))
    across, down = _GLANCE * rng.uniform(-1, 1, (2, len(jumps_s) + 1))
    held = np.searchsorted(jumps_s, times_s)
    across[0] = down[0] = 0.0
    for name, weight in (("Left", across[held]), ("Right", -across[held])):
        # What is outwards for one eye is inwards for the other.
        _column(added, f"eyeLookOut{name}", np.maximum(weight, 0.0))
        _column(added, f"eyeLookIn{name}", np.maximum(-weight, 0.0))
        _column(added, f"eyeLookDown{name}", np.maximum(down[held], 0.0))
        _column(added, f"eyeLookUp{name}", np.maximum(-down[held], 0.0))


# ---- shared ---------------------------------------------------------------------------------------------------------------
def _lay(added: Floats, shape: Mapping[str, float], weight: Floats) -> None:
    for name, size in shape.items():
        for key in (name, f"{name}Left", f"{name}Right"):
            if key in ARKIT_NAMES:
                _column(added, key, size * weight)


def _column(added: Floats, name: str, weight: Floats) -> None:
    column = CONTROL_NAMES.index(name)
    added[:, column] = np.maximum(added[:, column], weight)


def _smooth(x: Floats) -> Floats:
    """0 below 0, 1 above 1, and between them without a corner."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))


def _random(plan: MouthingPlan, seed: int) -> np.random.Generator:
    """Of what is signed, so that sentences do not all blink alike, and always the same."""
    said = " ".join(f"{sign.gloss}@{sign.start_s:.3f}" for sign in plan.signs)
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big")])
