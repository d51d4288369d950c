"""Who speaks in a corpus: accents and variants of espeak-ng, voices of flite; who trains and who never does."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slp_mouthing.speech.espeak import DEFAULT_PITCH, DEFAULT_PITCH_RANGE, DEFAULT_RATE_WPM, Espeak, variants
from slp_mouthing.speech.flite import Flite

if TYPE_CHECKING:
    import numpy as np

    from slp_mouthing.training.clip import Split
    from slp_mouthing.types import Phone, Speech

DEFAULT_VOICE = "en-gb"
"""The voice of the BSL lexicon: what the shipped model hears most."""
ACCENTS: dict[Split, tuple[str, ...]] = {
    "train": ("en-gb", "en-gb-x-rp", "en-gb-x-gbclan", "en-us", "en-029"),
    "validation": ("en-gb-x-gbcwmd",),
    "test": ("en-gb-scotland", "en-us-nyc"),
}
"""Accents by the split that hears them first; validation and test also speak those of training, with variants of their own."""
VARIANTS_HELD_OUT: dict[Split, float] = {"validation": 0.08, "test": 0.15}
"""Share of the variants of a speaker, by hash of the name."""
RECORDED: dict[Split, tuple[str, ...]] = {
    "train": ("flite/awb", "flite/kal16", "flite/slt"),
    "validation": ("flite/rms",),
    "test": ("flite/rms",),
}
"""Voices of flite by the split that hears them; the last one never trains."""
_FLITE = "flite/"
_NOT_HUMAN = ("robo", "unirobot", "anikarobot", "croak", "tweaky", "fast", "kaukovalta")

_RATES_WPM = (110, 250)
_PITCHES = (15, 85)
_DEFAULT_SHARE = {"train": 0.4, "validation": 0.5, "test": 0.5}
"""Share of the clips that the default voice speaks, by split."""
_ACCENT_ALONE = 0.15
"""Share of the other clips that have an accent and no variant."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker at one rate."""

    name: str
    """espeak-ng's, or `flite/` and flite's."""
    rate_wpm: int = DEFAULT_RATE_WPM
    pitch: int = DEFAULT_PITCH
    pitch_range: int = DEFAULT_PITCH_RANGE

    def __str__(self) -> str:
        return f"{self.name} {self.rate_wpm} wpm, pitch {self.pitch} +- {self.pitch_range}"

    def speak(self, text: str | None, ipa: str | None = None) -> Speech:
        """Raises `SpeechError` as `Espeak.speak` does, for IPA that the accent cannot say among others."""
        return self._speaker.speak(text or "", ipa, self.rate_wpm)

    def pronounce(self, text: str | None, ipa: str | None = None) -> tuple[Phone, ...]:
        """The phones at natural speed, the first from 0 s. Raises as `speak` does."""
        return self._speaker.pronounce(text or "", ipa, self.rate_wpm)

    @property
    def _speaker(self) -> Espeak | Flite:
        if self.name.startswith(_FLITE):
            return Flite(self.name.removeprefix(_FLITE), self.pitch)
        return _espeak(self.name, self.pitch, self.pitch_range)


def draw_voice(rng: np.random.Generator, split: Split, recorded: float = 0.0) -> Voice:
    """A voice that the split may hear. Validation and test have voices that training never hears, beside the default one.

    `recorded`: share of the voices that are flite's.
    """
    if recorded and rng.random() < recorded:
        rate_wpm, pitch = int(rng.integers(*_RATES_WPM)), int(rng.integers(*_PITCHES))
        return Voice(str(rng.choice(RECORDED[split])), rate_wpm, pitch)
    if rng.random() < _DEFAULT_SHARE[split]:
        # At its usual rate in every second clip: that is what it is asked for when it mouths signs.
        usual = split != "train" or rng.random() < 0.5
        return Voice(DEFAULT_VOICE) if usual else Voice(DEFAULT_VOICE, int(rng.integers(*_RATES_WPM)))
    return Voice(
        draw_name(rng, split),
        rate_wpm=int(rng.integers(*_RATES_WPM)),
        pitch=int(rng.integers(*_PITCHES)),
        pitch_range=int(rng.integers(*_PITCHES)),
    )


def draw_name(rng: np.random.Generator, split: Split) -> str:
    """An accent with a variant of the speaker, or alone, that no other split hears."""
    own = ACCENTS[split]
    # Of the held-out splits a new accent, or an accent of training from a new mouth.
    if rng.random() < _ACCENT_ALONE:
        return str(rng.choice(own))
    accents = own if rng.random() < 0.5 else ACCENTS["train"]
    return f"{rng.choice(accents)}+{rng.choice(variants_of(split))}"


@functools.cache
def variants_of(split: Split) -> tuple[str, ...]:
    """Names of the variants that only this split hears."""
    human = [name for name in sorted(variants()) if not name.startswith(_NOT_HUMAN)]
    return tuple(name for name in human if _variant_split(name) == split)


def _variant_split(name: str) -> Split:
    return split_of(f"variant {name}", VARIANTS_HELD_OUT["validation"], VARIANTS_HELD_OUT["test"])


def split_of(key: str, validation: float, test: float) -> Split:
    """The split of whatever `key` names, the same for ever: the hash as a number in [0, 1), cut at the shares."""
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    if share < test:
        return "test"
    return "validation" if share < test + validation else "train"


@functools.lru_cache(maxsize=64)
def _espeak(name: str, pitch: int, pitch_range: int) -> Espeak:
    return Espeak(name, pitch=pitch, pitch_range=pitch_range)
