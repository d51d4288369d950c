"""What is judged: anything that moves a mouth for a score and its voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from slp_mouthing import drivers
from slp_mouthing.articulation import perform, presence, styled
from slp_mouthing.articulation.motion import frame_times_s
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.articulation import Style
    from slp_mouthing.speech.espeak import Espeak
    from slp_mouthing.training.voices import Voice
    from slp_mouthing.types import ControlCurves, MouthScore, Speech

    Move = Callable[[MouthScore, Callable[[], Speech], float, Style, Voice], ControlCurves]
    """Score, its sound where it is heard, frames per second, size of the movements, who speaks -> the face."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A way to move a mouth, under a name."""

    name: str
    move: Move


def find_judged(name: str) -> Judged:
    """One of `JUDGED`. Raises `InputError` for another name, and when the decoder's file is missing or damaged."""
    if name not in JUDGED:
        raise InputError(f"unknown driver '{name}', allowed: {', '.join(JUDGED)}")
    return Judged(name, JUDGED[name])


def judged(name: str, move: Callable[[MouthScore, Speech], ControlCurves]) -> Judged:
    """A driver that knows one frame rate and one style."""
    return Judged(name, lambda score, sound, fps, style, voice: move(score, sound()))


def _rules(score: MouthScore, sound: Callable[[], Speech], fps: float, style: Style, voice: Voice) -> ControlCurves:
    return perform(drivers.Rules()(score, sound, fps, style), score, fps)


def _neural(score: MouthScore, sound: Callable[[], Speech], fps: float, style: Style, voice: Voice) -> ControlCurves:
    driver = drivers.find_driver("neural", cast("Espeak", voice))  # It asks the voice to speak, which this one does too.
    return perform(driver(score, sound, fps, style), score, fps)


def _by_ear(score: MouthScore, sound: Callable[[], Speech], fps: float, style: Style, voice: Voice) -> ControlCurves:
    values = drivers.shipped().predict(frame_times_s(score, fps), fps, sound())
    values[:, -1] = presence(score, fps)
    return perform(styled(values, style), score, fps)


JUDGED: dict[str, Move] = {"rules": _rules, "neural": _neural, "neural-by-ear": _by_ear}
"""`neural-by-ear` is the decoder without the phones, as for a recording whose words nobody knows; the plan says when it rests."""
