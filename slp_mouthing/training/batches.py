"""Clips as batches of tensors: which clips, at which frame rate, and how they sound, all of it from (seed, step) alone.

A step that is asked for again, after a kill or in another process, is the same to the last bit; no loader has a state to keep.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch

from slp_mouthing.decoder.encoder import collate
from slp_mouthing.decoder.features import Normaliser, log_mel
from slp_mouthing.decoder.phone_stream import phone_frames
from slp_mouthing.decoder.speech_input import SpeechInput, frame_times_s
from slp_mouthing.errors import InputError
from slp_mouthing.training.augment import AugmentOptions, augment, noise_alone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor

    from slp_mouthing.articulation import Style
    from slp_mouthing.decoder.encoder import SpeechBatch
    from slp_mouthing.training.clip import Clip
    from slp_mouthing.types import Array

Listening = Literal["both", "phones", "audio"]
"""What of a clip the network gets."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionBatch:
    """Speech with the motion that belongs to it, filled up with zeros at the end of each clip."""

    speech: SpeechBatch
    motion: Tensor  # [B, T, K]
    clips: tuple[Clip, ...] = field(repr=False)
    style: Tensor | None = None  # [B, 3] where any is not everyday
    neutral: Tensor | None = None  # [B, V, 3] metres

    @property
    def frame_mask(self) -> Tensor:  # [B, T] bool
        return self.speech.frame_mask

    def to(self, device: torch.device | str) -> MotionBatch:
        style, neutral = (part if part is None else part.to(device) for part in (self.style, self.neutral))
        return MotionBatch(self.speech.to(device), self.motion.to(device), self.clips, style, neutral)


class Target(Protocol):
    """What the network learns to say of a clip, at a frame rate of choice."""

    @property
    def outputs(self) -> int:
        """K"""

    @property
    def rates(self) -> tuple[float, ...]:
        """Frame rates that it can be had at; empty for the clip's own alone."""

    def __call__(self, clip: Clip, fps: float) -> Array: ...  # [T, K]


@dataclass(frozen=True, slots=True)
class ArticulationTarget:
    """The channels of the rule driver: the shipped model's output."""

    rates: tuple[float, ...] = (24.0, 25.0, 30.0)
    style: Style | None = None
    """None for each subject's own."""
    outputs: int = 15

    def __call__(self, clip: Clip, fps: float) -> Array:  # [T, 15]
        if clip.observed is not None:
            return clip.observed
        return clip.truth(fps, self.style)


@dataclass(frozen=True, slots=True)
class VertexTarget:
    """Offsets of a mesh from its neutral, as captured: the papers' output."""

    vertices: int
    rates: tuple[float, ...] = ()

    @property
    def outputs(self) -> int:
        return 3 * self.vertices

    def __call__(self, clip: Clip, fps: float) -> Array:  # [T, V * 3] float16
        if clip.vertex_offsets is None:
            raise InputError(f"clip '{clip.name}' has no mesh", hint="train on a corpus with captured meshes")
        if (found := clip.vertex_offsets.shape[1]) != self.vertices:
            raise InputError(f"clip '{clip.name}' has {found} vertices, the network {self.vertices}")
        # All clips are kept in memory. Half precision rounds 3 cm by 0.008 mm, far below what capture sees.
        return clip.vertex_offsets.reshape(len(clip.vertex_offsets), -1).astype(np.float16)


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How clips become batches."""

    clips: int = 32
    """In a batch at most."""
    frames: int = 2400
    """Video frames of a batch at most, padding counted; a longer clip comes alone."""
    pool: int = 16
    """Batches whose clips are sorted by length together, so that little is padding; 1 keeps them as drawn."""
    own_normaliser: float = 0.4
    """Part of the clips normalised by themselves, as recordings are, rather than by their voice."""
    augmentation: AugmentOptions | None = field(default_factory=AugmentOptions)
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A clip with what training needs of it, made once."""

    clip: Clip
    """Without its samples and its mesh's motion."""
    mel: Array  # [M, 80] float16
    motions: dict[float, Array] = field(repr=False)  # by frame rate, [T, K] each
    wave: Array | None = field(default=None, repr=False)  # [N] in [-1, 1]


def examples(clips: Iterable[Clip], target: Target, *, waves: bool = False) -> Iterator[Example]:
    """Features and motions of `clips`, in their order; `waves` for wav2vec2."""
    for clip in clips:
        mel = log_mel(clip.samples, clip.sample_rate_hz)
        motions = {fps: target(clip, fps) for fps in target.rates or (clip.fps,)}
        wave = clip.samples if waves else None
        yield Example(replace(clip, samples=_NO_SOUND, vertex_offsets=None), mel.astype(np.float16), motions, wave)


_NO_SOUND = np.zeros(0, np.float32)


class Batches:
    """Batches of a list of examples for ever, by number."""

    def __init__(self, examples: Sequence[Example], options: BatchOptions | None = None) -> None:
        if not examples:
            raise InputError("no clips to train on", hint="build the corpus with more clips, or choose another split")
        self.examples, self.options = examples, options or BatchOptions()
        self._lengths = np.array([max(map(len, example.motions.values())) for example in examples])
        self._plan = functools.lru_cache(maxsize=2)(self._plan_of)
        self.normalisers = voice_normalisers(examples)

    def __call__(self, number: int, strength: float = 0.0) -> MotionBatch:
        """Batch `number` from 0; `strength` in [0, 1] of the augmentation."""
        epoch, place = self._find(number)
        rng = np.random.default_rng((self.options.seed, 1, number))
        return self._batch(self._plan(epoch)[place], rng, strength)

    @property
    def per_epoch(self) -> int:
        """Batches until all clips were seen once, in the first epoch."""
        return len(self._plan(0))

    def _find(self, number: int) -> tuple[int, int]:
        epoch = 0
        while number >= (length := len(self._plan(epoch))):
            number, epoch = number - length, epoch + 1
        return epoch, number

    def _plan_of(self, epoch: int) -> list[list[int]]:
        """Every clip once, in batches of clips of like length, in random order."""
        rng, options = np.random.default_rng((self.options.seed, 0, epoch)), self.options
        order = rng.permutation(len(self.examples))
        batches: list[list[int]] = []
        for start in range(0, len(order), options.pool * options.clips):
            part = order[start : start + options.pool * options.clips]
            if options.pool > 1:
                part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += self._split(part.tolist())
        return [batches[k] for k in rng.permutation(len(batches))]

    def _split(self, indices: list[int]) -> list[list[int]]:
        batches: list[list[int]] = [[]]
        for index in indices:
            longest = max(self._lengths[[*batches[-1], index]])
            full = len(batches[-1]) == self.options.clips
            if batches[-1] and (full or longest * (len(batches[-1]) + 1) > self.options.frames):
                batches.append([])
            batches[-1].append(index)
        return batches

    def _batch(self, indices: Sequence[int], rng: np.random.Generator, strength: float) -> MotionBatch:
        drawn = [self._heard(self.examples[index], rng, strength) for index in indices]
        rates = [float(rng.choice(list(example.motions))) for example, _ in drawn]
        return motion_batch([example for example, _ in drawn], [mel for _, mel in drawn], rates)

    def _heard(self, example: Example, rng: np.random.Generator, strength: float) -> tuple[Example, Array]:
        """The example with its normalised log-mel frames, or one as long in which nobody speaks."""
        options = self.options.augmentation
        if options and example.clip.phones and rng.random() < strength * options.noise_alone:
            noise = noise_alone(len(example.mel), rng)
            return _at_rest(example), Normaliser.of(noise)(noise)
        mel = example.mel.astype(np.float32)
        if options:
            mel = augment(mel, rng, options, strength)
        own = rng.random() < self.options.own_normaliser
        return example, (Normaliser.of(mel) if own else self.normalisers[voice_of(example)])(mel)


def _at_rest(example: Example) -> Example:
    """Under another name, by which the lip reader keeps what it saw."""
    rest = {fps: np.zeros_like(motion) for fps, motion in example.motions.items()}
    clip = replace(example.clip, name=f"{example.clip.name} at rest", phones=(), actions=())
    return replace(example, clip=clip, motions=rest)


def motion_batch(
    chosen: Sequence[Example], mels: Sequence[Array], rates: Sequence[float], listening: Listening = "both"
) -> MotionBatch:
    """One batch of examples at their frame rates, heard as the normalised `mels` [M, 80] and read as `listening` says."""
    motions = [example.motions[fps] for example, fps in zip(chosen, rates, strict=True)]
    motion = np.zeros((len(motions), max(map(len, motions)), motions[0].shape[1]), np.float32)
    for row, values in zip(motion, motions, strict=True):
        row[: len(values)] = values
    parts = zip(chosen, mels, map(len, motions), rates, strict=True)
    speech = collate([speech_input(*part, listening) for part in parts])
    clips = tuple(example.clip for example in chosen)
    style = torch.tensor([clip.style for clip in clips]) if any(clip.style != _EVERYDAY for clip in clips) else None
    meshes = [clip.neutral_m for clip in clips if clip.neutral_m is not None]
    neutral = torch.from_numpy(np.stack(meshes)) if len(meshes) == len(clips) else None
    return MotionBatch(speech, torch.from_numpy(motion), clips, style, neutral)


_EVERYDAY = (1.0, 1.0, 1.0)


def speech_input(example: Example, mel: Array, frames: int, fps: float, listening: Listening = "both") -> SpeechInput:
    """What the network gets of an example; one without phones is heard, whatever `listening` says."""
    clip = example.clip
    known = bool(clip.phones) and listening != "audio"
    heard = not known or listening != "phones"
    return SpeechInput(
        frame_times_s(frames, fps),
        mel if heard else None,
        phone_frames(clip.phones, len(mel)) if known else None,
        _wave(example) if heard else None,
    )


def _wave(example: Example) -> Array | None:
    if example.wave is None:
        return None
    from slp_mouthing.decoder.wav2vec2 import wave_input

    return wave_input(example.wave, example.clip.sample_rate_hz)


def voice_normalisers(examples: Sequence[Example], most: int = 48) -> dict[str, Normaliser]:
    """One for each voice, measured on `most` of its clips, spread over all."""
    by_voice: dict[str, list[Example]] = {}
    for example in examples:
        by_voice.setdefault(voice_of(example), []).append(example)
    return {voice: _normaliser(found[:: -(-len(found) // most)]) for voice, found in by_voice.items()}


def voice_of(example: Example) -> str:
    """What is normalised alike; of real people no voice is noted, and each has one."""
    return example.clip.voice or example.clip.subject


def _normaliser(examples: Sequence[Example]) -> Normaliser:
    return Normaliser.of(np.concatenate([example.mel for example in examples]).astype(np.float32))
