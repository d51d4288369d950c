"""Frames of a face while signs still arrive: for each sign the plan, the voice and the motion of what is new.

What has been given out stays. A sign's mouthing is settled when the first frame of it leaves, which is when `lookahead` more
signs are known: a later sign can then no longer take or lend a mouthing. With a look-ahead of one sign, frames equal those of the
whole utterance rendered at once wherever signs are not so short that a third one reaches into them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from slp_mouthing.errors import InputError
from slp_mouthing.types import FaceFrame, MouthingPlan, Sign, Utterance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slp_mouthing.notation.conventions import GlossStyle
    from slp_mouthing.pipeline import Studio
    from slp_mouthing.types import FaceTrack, MouthAction

_PAST_S = 3.4
"""How far back what is said now depends on what was said: the decoder's view, and the coarticulation's."""
_FUTURE_S = 0.6
"""How far ahead a frame looks: decoder and coarticulation."""
_PLANNED_BEFORE = 6
"""Signs before the new ones that are planned again with them, for the rules between neighbours."""


@dataclass
class _Stream:
    """Times count from the stream's start."""

    studio: Studio
    lookahead: int
    signs: list[Sign] = field(default_factory=list)
    """Those that a frame to come may still depend on."""
    actions: list[MouthAction] = field(default_factory=list)
    """Settled ones among them. Which signs they stand on is no longer kept."""
    given: int = 0
    """Frames given out."""

    def add(self, signs: Iterable[Sign]) -> None:
        self.signs += signs
        for before, after in pairwise(self.signs):
            if after.start_s < before.end_s - 1e-9:
                raise InputError(
                    f"sign '{after.gloss}' starts at {after.start_s:g} s, before '{before.gloss}' ends at {before.end_s:g} s",
                    hint="signs of a stream come in order of time",
                )

    def frames(self, *, final: bool) -> Iterator[FaceFrame]:
        """Those that are settled now; all that are left when no more signs come."""
        if not self.signs:
            return
        fps = self.studio.options.fps
        until_s = float("inf") if final else self._settled_s()
        if until_s * fps <= self.given:
            return
        origin_s, plan = self._plan()
        track = self.studio.perform(plan).track
        first = round(origin_s * fps)
        last = min(first + len(track), int(until_s * fps + 1e-6) if not final else first + len(track))
        for frame in range(self.given, last):
            yield _frame(track, frame - first, frame)
        if last > self.given:
            self._settle(plan, origin_s, last / fps)

    def _settled_s(self) -> float:
        """Until when nothing changes any more, whatever comes."""
        if not self.lookahead:
            return self.signs[-1].end_s
        if len(self.signs) <= self.lookahead:
            return 0.0
        return min(self.signs[-self.lookahead].start_s, self.signs[-1].end_s - _FUTURE_S)

    def _plan(self) -> tuple[float, MouthingPlan]:
        """What is settled and what is new, on a clock that starts at a full second, so that frames fall where they always do."""
        given_s = self.given / self.studio.options.fps
        begin_s = self.signs[0].start_s
        plan = self.studio.plan(Utterance(tuple(_moved(sign, -begin_s) for sign in self.signs)))
        free_s = max([given_s, *(action.end_s for action in self.actions)])
        planned = [_at(action, begin_s) for action in plan.actions]
        actions = [*self.actions, *(action for action in planned if action.start_s >= free_s - 1e-9)]
        origin_s = float(math.floor(max(min([given_s - _PAST_S, *(action.start_s for action in self.actions)]), 0.0)))
        last = _moved(self.signs[-1], -origin_s)
        return origin_s, replace(plan, signs=(last,), actions=tuple(_at(action, -origin_s) for action in actions))

    def _settle(self, plan: MouthingPlan, origin_s: float, until_s: float) -> None:
        """Keep what later frames depend on."""
        self.given = round(until_s * self.studio.options.fps)
        begun = [_at(a, origin_s) for a in plan.actions if a.start_s + origin_s < until_s and a.type != "None"]
        self.actions = [action for action in begun if action.end_s > until_s - _PAST_S]
        old = next((k for k, sign in enumerate(self.signs) if sign.end_s > until_s - _PAST_S), len(self.signs))
        self.signs = self.signs[max(min(old, len(self.signs) - _PLANNED_BEFORE), 0) :]


def stream(studio: Studio, signs: Iterable[str | Sign], lookahead: int = 1) -> Iterator[FaceFrame]:
    """See `Studio.stream`."""
    from slp_mouthing.notation.gloss_text import FULL_STOP_S

    if not isinstance(lookahead, int) or lookahead < 0:
        raise InputError(f"a look-ahead of {lookahead} signs, allowed: 0, 1, 2, ...")
    if not studio.streams:
        raise InputError(f"the driver {studio.options.driver} hears an utterance as a whole: it cannot stream",
                         hint="take neural, rules, or a network of your own without --decoder and --wav2vec2")  # fmt: skip
    state, rest_s = _Stream(studio, lookahead), 0.0
    for item in signs:
        if item == ".":
            rest_s = FULL_STOP_S
            continue
        state.add(_read(item, state.signs[-1].end_s if state.signs else 0.0, rest_s, studio.options.read.style or "bsl"))
        rest_s = 0.0
        yield from state.frames(final=False)
    yield from state.frames(final=True)


def _read(item: str | Sign, end_s: float, rest_s: float, style: GlossStyle) -> Iterator[Sign]:
    """Signs of an item; those without a start of their own follow the last one, after a rest."""
    from slp_mouthing.notation import parse

    if isinstance(item, Sign):
        if not 0.0 <= item.start_s <= item.end_s < math.inf:
            raise InputError(f"sign '{item.gloss}' is from {item.start_s:g} to {item.end_s:g} s, expected times from 0 in order")
        yield item
        return
    if not isinstance(item, str):
        raise InputError(f"got {type(item).__name__}, expected gloss text or a Sign")
    for utterance in parse(item, style=style):
        if utterance.spans or utterance.mouthings:
            raise InputError("a mouthing over several signs cannot be streamed", where=item, hint="give each sign its own")
        shift_s = end_s + rest_s if utterance.signs[0].start_s < end_s else 0.0
        yield from (_moved(sign, shift_s) for sign in utterance.signs)
        end_s = utterance.signs[-1].end_s + shift_s


def _at(action: MouthAction, by_s: float) -> MouthAction:
    return replace(action, start_s=action.start_s + by_s, end_s=action.end_s + by_s, signs=())


def _moved(sign: Sign, by_s: float) -> Sign:
    return replace(sign, start_s=sign.start_s + by_s, end_s=sign.end_s + by_s)


def _frame(track: FaceTrack, row: int, number: int) -> FaceFrame:
    return FaceFrame(
        number / track.fps, track.jaw_pose[row], track.blendshapes[row], track.eyes_pose[row], track.tongue[row],
        float(track.lip_opening_m[row]), float(track.lip_width_m[row]),
    )  # fmt: skip
