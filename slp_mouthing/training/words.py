"""The large set for the shipped model: mouthings on the signs' clock, as the pipeline makes them, and speech at its own pace.

A clip is planned, scored and sounded by the same functions as an utterance that is rendered, so that what training hears is
what the model is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing import timing
from slp_mouthing.errors import InstallationError, SpeechError
from slp_mouthing.mouthing import gestures
from slp_mouthing.mouthing.lexicon import Lexicon
from slp_mouthing.mouthing.plan import PlanOptions, plan
from slp_mouthing.training.clip import SAMPLE_RATE_HZ, Clip
from slp_mouthing.training.texts import texts_of
from slp_mouthing.training.voices import DEFAULT_VOICE, draw_voice
from slp_mouthing.types import Sign, Utterance

if TYPE_CHECKING:
    from slp_mouthing.training.clip import Split
    from slp_mouthing.training.texts import Texts
    from slp_mouthing.training.voices import Voice
    from slp_mouthing.types import Array, MouthingPlan, MouthOverride, Phone

COUNT = 3600
"""Clips: about three hours."""
_SPLITS: dict[Split, float] = {"train": 0.90, "validation": 0.04, "test": 0.06}
_SHARES = {"word": 0.55, "pseudo_word": 0.25, "phrase": 0.10, "sentence": 0.10}
"""What a sign mouths."""
_OWN_PACE = 0.2
"""Share of the clips that are a sentence as the voice speaks it."""
_MOST_SIGNS = 6
_STRETCHES = ((1.0, 1.0, 0.2), (0.55, 1.0, 0.3), (1.0, 1.8, 0.35), (1.8, 2.4, 0.15))
"""Slot over natural duration: least, greatest, share."""
_PAUSES_S = ((0.0, 0.0, 0.3), (0.02, 0.2, 0.3), (0.2, 1.0, 0.4))
"""Between two signs."""
_LEAD_S, _TAIL_S = 0.6, 0.5
"""Greatest rest before the first sign and after the last."""
_PLAN = PlanOptions(min_stretch=0.7, max_stretch=2.4, max_stretch_held=2.4)
_PLAN_FPS = (24.0, 25.0, 30.0)
"""Frame rates that closures are made long enough for."""
_NO_LEXICON = Lexicon("none", "bfi", DEFAULT_VOICE, {})


@dataclass(frozen=True)
class WordsRecipe:
    """Words, words of no language, phrases and sentences by many voices, in one neutral style."""

    seed: int
    given_count: int | None = None
    recorded: float = 0.0
    """Share of the clips that flite speaks."""

    @cached_property
    def count(self) -> int:
        return COUNT if self.given_count is None else self.given_count

    def clip(self, index: int) -> Clip:
        """Clip `index`; the same whatever was made before it."""
        rng = np.random.default_rng([self.seed, index, 0x30DD])
        split: Split = rng.choice(list(_SPLITS), p=list(_SPLITS.values()))
        while True:
            # An accent that lacks a sound of what was drawn cannot say it: then something else is drawn.
            try:
                return _draw_clip(rng, f"words-{index:06d}", split, self.recorded)
            except InstallationError:
                raise  # Another draw would make another corpus of the same seed.
            except SpeechError:
                continue


def _draw_clip(rng: np.random.Generator, name: str, split: Split, recorded: float) -> Clip:
    voice, texts = draw_voice(rng, split, recorded), texts_of(split)
    if rng.random() < _OWN_PACE:
        return spoken_clip(name, split, voice, texts.draw_sentence(rng).value, lead_s=float(rng.uniform(0.05, _LEAD_S)))
    planned = _plan(rng, voice, texts)
    score = timing.score(planned, gestures.find, timing.TimingOptions(fps=float(rng.choice(_PLAN_FPS))))
    sound = timing.sound(planned, score, voice.speak)
    text = " | ".join(action.text or f"/{action.ipa}/" for action in planned.actions if action.phones)
    return Clip(
        name,
        text,
        voice=str(voice),
        subject=voice.name,
        split=split,
        samples=at_rate(sound.samples, sound.sample_rate_hz),
        sample_rate_hz=SAMPLE_RATE_HZ,
        phones=score.phones,
        actions=score.actions,
        duration_s=score.duration_s,
    )


# ---- on the signs' clock --------------------------------------------------------------------------------------------------
def _plan(rng: np.random.Generator, voice: Voice, texts: Texts) -> MouthingPlan:
    """Signs with slots of all kinds, and what the mouth does on them."""
    signs: list[Sign] = []
    now_s = float(rng.uniform(0.0, _LEAD_S))
    for k in range(int(rng.integers(1, _MOST_SIGNS + 1))):
        said = _draw_text(rng, texts)
        phones = voice.pronounce(said.value) if said.kind == "text" else voice.pronounce("", said.value)
        end_s = now_s + phones[-1].end_s * _drawn(rng, _STRETCHES)
        signs.append(Sign(f"SIGN{k}", "lexical", now_s, end_s, override=said))
        now_s = end_s + _drawn(rng, _PAUSES_S)
    signs.append(Sign("REST", "buoy", now_s, now_s + float(rng.uniform(0.05, _TAIL_S))))
    return plan(Utterance(tuple(signs)), _NO_LEXICON, voice.pronounce, _PLAN)


def _draw_text(rng: np.random.Generator, texts: Texts) -> MouthOverride:
    kind = rng.choice(list(_SHARES), p=list(_SHARES.values()))
    said: MouthOverride = getattr(texts, f"draw_{kind}")(rng)
    return said


def _drawn(rng: np.random.Generator, ranges: tuple[tuple[float, float, float], ...]) -> float:
    """A number from one of the ranges (least, greatest, share)."""
    low, high, _ = ranges[rng.choice(len(ranges), p=[share for _, _, share in ranges])]
    return float(rng.uniform(low, high))


# ---- at the voice's own pace ----------------------------------------------------------------------------------------------
def spoken_clip(name: str, split: Split, voice: Voice, text: str, *, lead_s: float) -> Clip:
    """`text` as the voice speaks it, `lead_s` after the start; the mouth rests in its longer pauses."""
    speech = voice.speak(text)
    phones = tuple(phone.at(phone.start_s + lead_s, phone.end_s + lead_s) for phone in speech.phones)
    duration_s = phones[-1].end_s + timing.TimingOptions().relaxation_s
    samples = np.zeros(round(duration_s * speech.sample_rate_hz), np.float32)
    first = round(lead_s * speech.sample_rate_hz)
    samples[first : first + len(speech.samples)] = speech.samples[: len(samples) - first]
    return Clip(
        name,
        text,
        voice=str(voice),
        subject=voice.name,
        split=split,
        samples=at_rate(samples, speech.sample_rate_hz),
        sample_rate_hz=SAMPLE_RATE_HZ,
        phones=phones,
        actions=_bouts(phones),
        duration_s=duration_s,
    )


def _bouts(phones: tuple[Phone, ...]) -> tuple[tuple[float, float], ...]:
    """From pause to pause."""
    groups = [list(group) for silent, group in groupby(phones, lambda phone: phone.symbol == "sil") if not silent]
    return tuple((group[0].start_s, group[-1].end_s) for group in groups)


def at_rate(samples: Array, rate_hz: int) -> Array:
    """`samples` [N] at a corpus's sampling rate."""
    from scipy.signal import resample_poly

    if rate_hz == SAMPLE_RATE_HZ:
        return samples
    return np.asarray(resample_poly(samples, SAMPLE_RATE_HZ, rate_hz), np.float32)
