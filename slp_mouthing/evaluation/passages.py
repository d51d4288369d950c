"""Mouthings to judge a driver on: words that training never hears, on the signs' clock, by voices of choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing import timing
from slp_mouthing.mouthing import gestures
from slp_mouthing.mouthing.lexicon import Lexicon
from slp_mouthing.mouthing.plan import PlanOptions, plan
from slp_mouthing.training.texts import texts_of
from slp_mouthing.training.voices import DEFAULT_VOICE, Voice, draw_voice
from slp_mouthing.types import MouthOverride, Sign, Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slp_mouthing.training.clip import Split
    from slp_mouthing.types import MouthingPlan, MouthScore, Speech

WORDS = 5
"""In a passage."""
_STRETCHES = (0.75, 1.6)
"""Slot over natural duration, least and greatest."""
_PAUSES_S = (0.0, 0.0, 0.1, 0.4)
_LEAD_S, _TAIL_S = (0.1, 0.5), 0.4
_NO_LEXICON = Lexicon("none", "bfi", DEFAULT_VOICE, {})


@dataclass(frozen=True, slots=True)
class Passage:
    """A few words with rests, as the pipeline would perform them."""

    words: tuple[str, ...]
    """One for each of the score's actions."""
    voice: Voice
    plan: MouthingPlan
    score: MouthScore

    def sound(self) -> Speech:
        """The voice on the signs' clock."""
        return timing.sound(self.plan, self.score, self.voice.speak)


def passages(split: Split, voices: list[Voice], count: int, seed: int = 0, fps: float = 30.0) -> Iterator[Passage]:
    """`count` passages of words of a split, the voices in turn; the same for the same seed.

    Closures are made long enough to be seen at `fps`.
    """
    words = texts_of(split).words
    for k in range(count):
        rng = np.random.default_rng([seed, k, 0xEA])
        chosen = rng.choice(words, min(WORDS, len(words)), replace=False)
        yield passage(tuple(map(str, chosen)), voices[k % len(voices)], rng, fps)


def passage(words: tuple[str, ...], voice: Voice, rng: np.random.Generator, fps: float) -> Passage:
    """`words` in slots of chance lengths."""
    signs: list[Sign] = []
    now_s = float(rng.uniform(*_LEAD_S))
    for word in words:
        end_s = now_s + voice.pronounce(word)[-1].end_s * float(rng.uniform(*_STRETCHES))
        signs.append(Sign(word.upper(), "lexical", now_s, end_s, override=MouthOverride("text", word)))
        now_s = end_s + float(rng.choice(_PAUSES_S)) + float(rng.uniform(0.0, 0.05))
    signs.append(Sign("REST", "buoy", now_s, now_s + _TAIL_S))
    planned = plan(Utterance(tuple(signs)), _NO_LEXICON, voice.pronounce, PlanOptions(fps=fps))
    score = timing.score(planned, gestures.find, timing.TimingOptions(fps=fps))
    said = tuple(action.text or "" for action in planned.actions if action.phones)
    return Passage(said, voice, planned, score)


def held_out_voices(count: int, seed: int = 0) -> list[Voice]:
    """Voices that training never hears: other accents, other mouths, at all rates and pitches."""
    rng = np.random.default_rng([seed, 0x401CE])
    found: list[Voice] = []
    while len(found) < count:
        voice = draw_voice(rng, "test")
        if voice.name != DEFAULT_VOICE:
            found.append(voice)
    return found


def training_voices(count: int, seed: int = 0) -> list[Voice]:
    """The default voice and others that training hears."""
    rng = np.random.default_rng([seed, 0x7E])
    return [Voice(DEFAULT_VOICE), *(draw_voice(rng, "train") for _ in range(count - 1))]
