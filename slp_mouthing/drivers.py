"""What moves the mouth: the rules, or the trained decoder. Each says the channels of a score, of which the face is composed."""

from __future__ import annotations

import importlib.resources
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from slp_mouthing.articulation import CHANNELS, Style, channels, presence, styled
from slp_mouthing.articulation.motion import frame_times_s
from slp_mouthing.assets import checksum
from slp_mouthing.decoder.features import Normaliser, log_mel
from slp_mouthing.decoder.light import LightNetwork
from slp_mouthing.decoder.phone_stream import phone_frames
from slp_mouthing.decoder.speech_input import SpeechInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from slp_mouthing.speech.espeak import Espeak
    from slp_mouthing.types import Array, MouthScore, Speech

    Floats = NDArray[np.float64]

_FPS = (20.0, 32.0)
"""Rates at which the decoder was trained, with a margin."""
_CONTACTS = slice(CHANNELS.index("lipsShut"), CHANNELS.index("lipOnTeeth") + 1)
_SAMPLE = "The quick brown fox jumps over a lazy dog while my father, who chose this, sings of beige vowels and yawning youth."
"""Measures a voice: every sound of English."""


class Driver(Protocol):
    @property
    def checksum(self) -> str:
        """Of what decides the motion, for a track's meta."""
        ...

    def __call__(self, score: MouthScore, speech: Callable[[], Speech], fps: float, style: Style) -> Floats:
        """Channels [T, H] at `fps` of a score and its voice on the same clock, which is asked for only where it is heard."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """Coarticulation by dominance functions."""

    checksum: str = "rules"

    def __call__(self, score: MouthScore, speech: Callable[[], Speech], fps: float, style: Style) -> Floats:
        return channels(score, fps, style)


@dataclass(frozen=True, slots=True)
class Neural:
    """The trained decoder: hears the voice and knows its phones; the plan says when the mouth rests."""

    network: LightNetwork
    checksum: str
    normaliser: Normaliser | None = None
    """Of the voice; None: of each recording itself."""

    def __call__(self, score: MouthScore, speech: Callable[[], Speech], fps: float, style: Style) -> Floats:
        times_s = frame_times_s(score, fps)
        if not score.phones:
            return np.zeros((len(times_s), len(CHANNELS)))
        values = self.predict(times_s, fps, speech(), score)
        values[:, -1] = presence(score, fps)
        return styled(values, style)

    def predict(self, times_s: Floats, fps: float, speech: Speech, score: MouthScore | None = None) -> Floats:
        """What the decoder itself says, [T, H]; of a recording whose words nobody knows, without a score."""
        mel = log_mel(speech.samples, speech.sample_rate_hz)
        heard = (self.normaliser or Normaliser.of(mel))(mel)
        phones = phone_frames(score.phones, len(heard)) if score else None
        return _at_rate(lambda times: self.network.predict(SpeechInput(times, heard, phones)), times_s, fps)


def find_driver(name: str, voice: Espeak | None) -> Driver:
    """One of `pipeline.DRIVERS`, for a voice or, without one, for any recording.

    Raises `InputError` when the decoder's file is missing or damaged.
    """
    if name == "rules":
        return Rules()
    return replace(shipped(), normaliser=voice_normaliser(voice)) if voice else shipped()


def _at_rate(predict: Callable[[Floats], Array], times_s: Floats, fps: float) -> Floats:
    """Frames at any rate from a decoder that knows some: faster ones in turns, slower ones from among more."""
    turns, among = math.ceil(fps / _FPS[1]), math.ceil(_FPS[0] / fps)
    if among > 1:
        steps = np.arange(among) / (among * fps)
        dense = predict((times_s[:, None] + steps).ravel()).reshape(len(times_s), among, -1)
        values = dense[:, 0].astype(np.float64)
        # A contact between two frames is seen in the nearer one.
        values[:, _CONTACTS] = dense[:, : among // 2 + 1, _CONTACTS].max(axis=1)
        values[1:, _CONTACTS] = np.maximum(values[1:, _CONTACTS], dense[:-1, among // 2 + 1 :, _CONTACTS].max(axis=1, initial=0))
        return values
    values = np.empty((len(times_s), len(CHANNELS)))
    for turn in range(min(turns, len(times_s))):
        values[turn::turns] = predict(times_s[turn::turns])
    return values


# ---- the shipped decoder --------------------------------------------------------------------------------------------------
@lru_cache(maxsize=1)
def shipped() -> Neural:
    """The decoder that comes with the package, for recordings. Raises `InputError`."""
    with importlib.resources.as_file(importlib.resources.files("slp_mouthing.avatars") / "default" / "decoder.npz") as path:
        return Neural(LightNetwork.load(path), checksum(path))


@lru_cache(maxsize=16)
def voice_normaliser(voice: Espeak) -> Normaliser:
    """A voice's own level and colour, measured once, so that an utterance does not depend on what else is said."""
    speech = voice.speak(_SAMPLE)
    return Normaliser.of(log_mel(speech.samples, speech.sample_rate_hz))
