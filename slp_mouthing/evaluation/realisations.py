"""Many realisations of a word as an onlooker sees them: by different people, in different styles, voices and contexts.

Timing says nothing. Phones of one visual class last equally long but for chance, words fill slots of the same lengths, and each
is brought to the same number of points. What is left to tell two words apart is the shape of the motion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from slp_mouthing import timing
from slp_mouthing.articulation import Style
from slp_mouthing.errors import LexiconError
from slp_mouthing.evaluation.lip_measures import MEASURES, onlooker
from slp_mouthing.evaluation.word_identification import resampled
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.identity import draw_identity
from slp_mouthing.mouthing.plan import PlanOptions, plan
from slp_mouthing.phonetics import has_lip_contact, is_vowel
from slp_mouthing.training.voices import Voice
from slp_mouthing.types import ControlCurves, MouthAction, MouthingPlan, MouthOverride, MouthScore, Sign, Utterance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slp_mouthing.evaluation.drivers import Judged
    from slp_mouthing.mouthing.lexicon import Lexicon
    from slp_mouthing.types import Floats, Speech

Pool = Literal["train", "test"]
Timing = Literal["level", "spoken"]
"""`level`: by visual class, as above. `spoken`: as the voice has it, for comparison: what would leak."""

POINTS = 16
"""To which a word is brought."""
_VOICES: dict[Pool, tuple[str, ...]] = {
    "train": ("en-gb", "en-gb+f1", "en-gb-x-rp+m1", "en-gb-scotland+m3"),
    "test": ("en-gb+m7", "en-gb-x-rp+f4", "en-gb-scotland+annie"),
}
"""The same accents by other mouths: an accent that says another vowel says another word."""
_PEOPLE: dict[Pool, tuple[int, ...]] = {"train": (11, 12, 13, 14), "test": (21, 22, 23)}
"""Seeds of their heads."""
_CONTEXTS: dict[Pool, tuple[str, ...]] = {
    "train": ("good", "mother", "shoe", "five", "red", "house", "apple", "week"),
    "test": ("boy", "school", "water", "fish", "door", "evening"),
}
"""Words before and after."""
_STYLE = (0.85, 1.2)
_SLOT_S = (0.40, 0.75)
_GAP_S = (0.0, 0.0, 0.1, 0.35)
_CONTEXT_SHARE = 0.6
"""Part of the realisations that have a word before, and a word after."""
_LEAD_S, _TAIL_S = 0.25, 0.2
_TYPICAL_S = {"diphthong": 0.16, "long": 0.14, "short": 0.10, "consonant": 0.08}
_CHANCE = 0.2
"""Deviation of the logarithm of a phone's duration."""
SEEN_MM = 0.3
"""Deviation of the error with which an onlooker measures: half a pixel of a face 25 cm high on 400. What is smaller does not
count: no two drivers' homophenes are equal to the last bit.
"""
_HELD_FRAMES = 1.3
"""Shortest contact, so that a frame shows it."""


@dataclass(frozen=True, slots=True)
class Word:
    """Something to mouth: a gloss of the lexicon, or a word as it is spelled."""

    name: str
    is_gloss: bool = False


@dataclass(frozen=True, slots=True)
class _Trial:
    """One realisation, before a driver moves it."""

    score: MouthScore
    plan: MouthingPlan
    target: int
    """Index of the action in question."""
    voice: Voice
    person: int
    style: Style

    def sound(self) -> Speech:
        return timing.sound(self.plan, self.score, self.voice.speak)


class Stage:
    """Lets a driver perform words again and again, and looks at it."""

    def __init__(self, driver: Judged, lexicon: Lexicon, fps: float = 30.0, seed: int = 0, clock: Timing = "level") -> None:
        self.driver, self.lexicon, self.fps, self.seed, self.clock = driver, lexicon, fps, seed, clock
        self._actions: dict[tuple[Word, Voice], MouthAction] = {}

    def realise(self, word: Word, pool: Pool, count: int) -> Floats:
        """`count` realisations of `word`, which share no person, voice or context with those of the other pool. -> [N, D]

        Raises `LexiconError` for a gloss that the lexicon does not mouth.
        """
        trials = [self._trial(word, pool, k) for k in range(count)]
        curves = [self._moved(trial) for trial in trials]
        out = np.empty((count, POINTS * len(MEASURES)))
        for person in _PEOPLE[pool]:
            own = [k for k, trial in enumerate(trials) if trial.person == person]
            if own:
                out[own] = self._seen([trials[k] for k in own], [curves[k] for k in own], person)
        rng = np.random.default_rng([self.seed, 0x5EE, pool == "test", *word.name.encode()])
        return out + SEEN_MM * rng.standard_normal(out.shape)

    def _moved(self, trial: _Trial) -> Floats:
        """The controls around the target, [T, C]."""
        values = self.driver.move(trial.score, trial.sound, self.fps, trial.style, trial.voice).values
        first, last = _span(trial, self.fps)
        return values[first:last]

    def _seen(self, trials: Sequence[_Trial], curves: Sequence[Floats], person: int) -> Floats:
        """Realisations by one person, posed together."""
        watching = onlooker(load_builtin(draw_identity(person)))
        measures = watching(ControlCurves(self.fps, np.concatenate(curves).astype(np.float32))).measures
        starts = np.cumsum([0, *map(len, curves)])
        spans = []
        for trial, start in zip(trials, starts, strict=False):
            begin_s, end_s = trial.score.actions[trial.target]
            first, _ = _span(trial, self.fps)
            spans.append((start + begin_s * self.fps - first, start + end_s * self.fps - first))
        return resampled(measures, spans, POINTS).reshape(len(trials), -1)

    def _trial(self, word: Word, pool: Pool, index: int) -> _Trial:
        rng = np.random.default_rng([self.seed, index, pool == "test", *word.name.encode()])
        voice, person = Voice(str(rng.choice(_VOICES[pool]))), int(rng.choice(_PEOPLE[pool]))
        words, target = [word], 0
        if rng.random() < _CONTEXT_SHARE:
            words, target = [Word(str(rng.choice(_CONTEXTS[pool]))), *words], 1
        if rng.random() < _CONTEXT_SHARE:
            words.append(Word(str(rng.choice(_CONTEXTS[pool]))))
        actions, now_s = [], _LEAD_S + float(rng.uniform(0.0, 1.0 / self.fps))
        for one in words:
            end_s = now_s + float(rng.uniform(*_SLOT_S))
            actions.append(self._timed(self._action(one, voice), now_s, end_s, rng))
            now_s = end_s + float(rng.choice(_GAP_S))
        phones = tuple(phone for action in actions for phone in action.phones)
        spans = tuple((action.start_s, action.end_s) for action in actions)
        score = MouthScore(phones, (), actions[-1].end_s + _TAIL_S, spans)
        style = Style(*(float(x) for x in rng.uniform(*_STYLE, 3)))
        return _Trial(score, MouthingPlan((), tuple(actions)), target, voice, person, style)

    def _action(self, word: Word, voice: Voice) -> MouthAction:
        """What is mouthed, as the pipeline would have it in a slot of everyday length."""
        if (known := self._actions.get((word, voice))) is not None:
            return known
        override = None if word.is_gloss else MouthOverride("text", word.name)
        sign = Sign(word.name, "lexical", 0.0, sum(_SLOT_S) / 2, override=override)
        planned = plan(Utterance((sign,)), self.lexicon, voice.pronounce, PlanOptions(fps=self.fps))
        if not planned.actions[0].phones:
            raise LexiconError(f"'{word.name}' is not mouthed", hint="choose glosses with a mouthing")
        self._actions[word, voice] = planned.actions[0]
        return planned.actions[0]

    def _timed(self, action: MouthAction, start_s: float, end_s: float, rng: np.random.Generator) -> MouthAction:
        natural_s = np.array(
            [phone.duration_s if self.clock == "spoken" else _typical_s(phone.symbol) for phone in action.phones]
        )
        chance = np.exp(_CHANCE * rng.standard_normal(len(natural_s)))
        held = np.array([has_lip_contact(phone.symbol) for phone in action.phones])
        durations_s = _filled(natural_s * chance, end_s - start_s, np.where(held, _HELD_FRAMES / self.fps, 0.0))
        edges_s = start_s + np.concatenate([[0.0], np.cumsum(durations_s)])
        edges_s[-1] = end_s
        phones = tuple(p.at(float(a), float(b)) for p, a, b in zip(action.phones, edges_s[:-1], edges_s[1:], strict=True))
        return replace(action, start_s=start_s, end_s=end_s, phones=phones)


def _span(trial: _Trial, fps: float) -> tuple[int, int]:
    """Frames around the target, one more on either side."""
    start_s, end_s = trial.score.actions[trial.target]
    return max(int(start_s * fps) - 1, 0), int(end_s * fps) + 3


@lru_cache(maxsize=256)
def _typical_s(symbol: str) -> float:
    """How long a phone lasts that looks like `symbol`."""
    if not is_vowel(symbol):
        return _TYPICAL_S["consonant"]
    letters = symbol.replace("ː", "")
    return _TYPICAL_S["diphthong" if len(letters) > 1 else "long" if "ː" in symbol else "short"]


def _filled(natural_s: Floats, slot_s: float, least_s: Floats) -> Floats:
    """Durations in proportion to the natural ones that fill the slot, none below its least where there is room. [P]"""
    durations_s = natural_s * slot_s / natural_s.sum()
    short = durations_s < least_s
    room_s = slot_s - least_s[short].sum()
    if not short.any() or room_s <= 0.25 * slot_s:
        return np.asarray(durations_s)
    rest = np.where(short, 0.0, natural_s)
    return np.asarray(np.where(short, least_s, rest * room_s / rest.sum()))
