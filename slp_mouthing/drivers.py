"""What moves the mouth: the rules, or the trained decoder. Both say the channels of a score, of which the face is composed."""

from __future__ import annotations

import importlib.resources
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from slp_mouthing.articulation import CHANNELS, Style, channels, perform, presence, styled
from slp_mouthing.articulation.motion import frame_times_s
from slp_mouthing.assets import checksum
from slp_mouthing.decoder.features import Normaliser, log_mel
from slp_mouthing.decoder.light import LightNetwork
from slp_mouthing.decoder.options import EncoderOptions
from slp_mouthing.decoder.phone_stream import phone_frames
from slp_mouthing.decoder.speech_input import SpeechInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from slp_mouthing.decoder.trained import TrainedNetwork
    from slp_mouthing.speech.espeak import Espeak
    from slp_mouthing.types import Array, ControlCurves, MouthScore, Speech

    Floats = NDArray[np.float64]

_FPS = (20.0, 32.0)
"""Rates at which the decoder was trained, with a margin."""
_CONTACTS = slice(CHANNELS.index("lipsShut"), CHANNELS.index("lipOnTeeth") + 1)
_SAMPLE = "The quick brown fox jumps over a lazy dog while my father, who chose this, sings of beige vowels and yawning youth."
"""Measures a voice: every sound of English."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a driver makes of a score."""

    curves: ControlCurves
    lacking: Callable[[], Array] | None = None
    """Gives the offsets [T, V, 3] m by which the mesh that a network means differs from the one that its controls give."""


class Driver(Protocol):
    """What moves a mouth. Threads may share it."""

    @property
    def checksum(self) -> str:
        """Of what decides the motion, for a track's meta."""
        ...

    @property
    def name(self) -> str:
        """Of the user's file that it is in; empty for those of the package."""
        ...

    @property
    def streams(self) -> bool:
        """Whether a frame depends on nothing farther away than streams keep."""
        ...

    def for_any_voice(self) -> Driver:
        """For recordings, whose voice it does not know beforehand."""
        ...

    def move(self, score: MouthScore, speech: Callable[[], Speech], fps: float, style: Style) -> Moved:
        """The face at `fps` of a score and its voice on the same clock, which is asked for only where it is heard."""
        ...


class _OfChannels(ABC):
    """A driver that says channels, of which the face is composed."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, score: MouthScore, speech: Callable[[], Speech], fps: float, style: Style) -> Floats:
        """Channels [T, H], see `move`."""

    def move(self, score: MouthScore, speech: Callable[[], Speech], fps: float, style: Style) -> Moved:
        return Moved(perform(self(score, speech, fps, style), score, fps))


@dataclass(frozen=True, slots=True)
class Rules(_OfChannels):
    """Coarticulation by dominance functions."""

    checksum: str = "rules"
    name: str = ""
    streams: bool = True

    def for_any_voice(self) -> Rules:
        return self

    def __call__(self, score: MouthScore, speech: Callable[[], Speech], fps: float, style: Style) -> Floats:
        return channels(score, fps, style)


@dataclass(frozen=True, slots=True)
class Neural(_OfChannels):
    """The trained decoder: hears the voice and knows its phones; the plan says when the mouth rests."""

    network: LightNetwork | TrainedNetwork
    checksum: str
    normaliser: Normaliser | None = None
    """Of the voice; None: of each recording itself."""
    name: str = ""

    @property
    def streams(self) -> bool:
        options, usual = self.network.options, EncoderOptions()
        views = [(layers.layers * layers.back, layers.layers * layers.ahead) for layers in (options.encoder, usual)]
        return options.wav2vec2 is None and options.decoder is None and all(own <= kept for own, kept in zip(*views, strict=True))

    def for_any_voice(self) -> Neural:
        return replace(self, normaliser=None)

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
        wave = self._wave(speech)
        return _at_rate(lambda times: self.network.predict(SpeechInput(times, heard, phones, wave)), times_s, fps)

    def _wave(self, speech: Speech) -> Array | None:
        if self.network.options.wav2vec2 is None:
            return None
        from slp_mouthing.decoder.wav2vec2 import wave_input

        return wave_input(speech.samples, speech.sample_rate_hz)


def find_driver(name: str, voice: Espeak) -> Driver:
    """One of `settings.DRIVERS`, for a voice. Raises `InputError` when the decoder's file is missing or damaged."""
    return Rules() if name == "rules" else replace(shipped(), normaliser=voice_normaliser(voice))


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
