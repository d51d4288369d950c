"""What is judged: anything that moves a mouth for a score and its voice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from slp_mouthing import drivers
from slp_mouthing.articulation import perform, presence, styled
from slp_mouthing.articulation.motion import frame_times_s
from slp_mouthing.driver_files import read_decoder
from slp_mouthing.drivers import voice_normaliser
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slp_mouthing.articulation import Style
    from slp_mouthing.drivers import Neural
    from slp_mouthing.speech.espeak import Espeak
    from slp_mouthing.training.voices import Voice
    from slp_mouthing.types import ControlCurves, MouthScore, Speech

    Move = Callable[[MouthScore, Callable[[], Speech], float, Style, Voice], ControlCurves]
    """Score, its sound where it is heard, frames per second, size of the movements, who speaks -> the face."""

NAMES = ("rules", "neural", "neural-by-ear")


@dataclass(frozen=True, slots=True)
class Judged:
    """A way to move a mouth, under a name."""

    name: str
    move: Move


def find_judged(name: str, network: str | Path | None = None) -> Judged:
    """One of `NAMES`; `network`: a file of `mouth train` instead of the shipped decoder.

    Raises `InputError` for another name, and when the decoder's file is missing, damaged or no decoder.
    """
    if name not in NAMES:
        raise InputError(f"unknown driver '{name}', allowed: {', '.join(NAMES)}")
    if name == "rules":
        if network is not None:
            raise InputError("rules need no network", where=str(network), hint="judge it with --driver neural or neural-by-ear")
        return Judged(name, _rules)
    kind = _Knowing if name == "neural" else _Hearing
    if network is None:
        return Judged(name, kind(drivers.shipped()))
    return Judged(f"{name}, {network}", kind(read_decoder(str(network))))


def judged(name: str, move: Callable[[MouthScore, Speech], ControlCurves]) -> Judged:
    """A driver that knows one frame rate and one style."""
    return Judged(name, lambda score, sound, fps, style, voice: move(score, sound()))


def _rules(score: MouthScore, sound: Callable[[], Speech], fps: float, style: Style, voice: Voice) -> ControlCurves:
    return perform(drivers.Rules()(score, sound, fps, style), score, fps)


@dataclass(frozen=True, slots=True)
class _Knowing:
    """The decoder with sound and phones, as the pipeline has it."""

    decoder: Neural

    def __call__(self, score: MouthScore, sound: Callable[[], Speech], fps: float, style: Style, voice: Voice) -> ControlCurves:
        # The normaliser asks the voice to speak, which this one does too.
        driver = replace(self.decoder, normaliser=voice_normaliser(cast("Espeak", voice)))
        return perform(driver(score, sound, fps, style), score, fps)


@dataclass(frozen=True, slots=True)
class _Hearing:
    """The decoder without the phones, as for a recording whose words nobody knows; the plan says when it rests."""

    decoder: Neural

    def __call__(self, score: MouthScore, sound: Callable[[], Speech], fps: float, style: Style, voice: Voice) -> ControlCurves:
        values = self.decoder.predict(frame_times_s(score, fps), fps, sound())
        values[:, -1] = presence(score, fps)
        return perform(styled(values, style), score, fps)
