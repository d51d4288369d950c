"""Speech to one vector per video frame: sound and timed phones together, through a transformer with a bounded view.

Letters in shapes: B clips, T video frames, M feature frames at 100 Hz, D memory, H heads, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from slp_mouthing.decoder.features import FEATURE_HZ, MEL_BANDS
from slp_mouthing.decoder.options import KERNEL, TAPS, TIMINGS, USUAL_FPS, EncoderOptions
from slp_mouthing.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the neural driver's network") from error

from torch import nn
from torch.nn.functional import scaled_dot_product_attention, silu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from slp_mouthing.decoder.speech_input import SpeechInput

_MASKED = -1e9
_BLOCK = 256
"""Frames whose attention is computed at a time: memory grows with the length, not with its square."""


# ---- what goes in -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class SpeechBatch:
    """Clips of unequal lengths, filled up with zeros at the end."""

    mel: Tensor  # [B, M, 80]
    phone_ids: Tensor  # [B, M] into `PHONES`
    phone_phase: Tensor  # [B, M]
    phone_duration: Tensor  # [B, M]
    lengths: Tensor  # [B] feature frames of each clip
    times_s: Tensor  # [B, T] float64: late frames of long clips keep their place between the features
    frames: Tensor  # [B] video frames of each clip
    fps: Tensor  # [B]
    has_audio: Tensor  # [B] bool
    has_phones: Tensor  # [B] bool
    wave: Tensor | None = None  # [B, N] when every clip has one
    samples: Tensor | None = None  # [B] of each wave

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def frame_mask(self) -> Tensor:
        """[B, T] bool: True where a clip has a frame."""
        return torch.arange(self.times_s.shape[1], device=self.frames.device) < self.frames[:, None]

    @property
    def feature_mask(self) -> Tensor:
        """[B, M] bool: True where a clip has a feature."""
        return torch.arange(self.mel.shape[1], device=self.lengths.device) < self.lengths[:, None]

    def to(self, device: torch.device | str) -> SpeechBatch:
        present = {name: part for name in self.__slots__ if (part := getattr(self, name)) is not None}
        return SpeechBatch(**{name: part.to(device) for name, part in present.items()})


def collate(clips: Sequence[SpeechInput]) -> SpeechBatch:
    """Clips as one batch."""
    lengths = [clip.length for clip in clips]
    frames = [len(clip.times_s) for clip in clips]
    B, M, T = len(clips), max(lengths), max(frames)
    mel, times_s = np.zeros((B, M, MEL_BANDS), np.float32), np.zeros((B, T))
    ids, phase, duration = np.zeros((B, M), np.int64), np.zeros((B, M), np.float32), np.zeros((B, M), np.float32)
    for b, clip in enumerate(clips):
        times_s[b, : frames[b]] = clip.times_s
        if clip.mel is not None:
            mel[b, : lengths[b]] = clip.mel
        if (phones := clip.phones) is not None:
            ids[b, : lengths[b]], phase[b, : lengths[b]] = phones.ids, phones.phase
            duration[b, : lengths[b]] = phones.duration
    return SpeechBatch(
        torch.from_numpy(mel), torch.from_numpy(ids), torch.from_numpy(phase), torch.from_numpy(duration),
        torch.tensor(lengths), torch.from_numpy(times_s), torch.tensor(frames),
        torch.tensor([clip.fps for clip in clips]), torch.tensor([clip.mel is not None for clip in clips]),
        torch.tensor([clip.phones is not None for clip in clips]),
        *_waves(clips),
    )  # fmt: skip


def _waves(clips: Sequence[SpeechInput]) -> tuple[Tensor | None, Tensor | None]:
    waves = [torch.from_numpy(clip.wave) for clip in clips if clip.wave is not None]
    if len(waves) < len(clips):
        return None, None
    return nn.utils.rnn.pad_sequence(waves, batch_first=True), torch.tensor([len(wave) for wave in waves])


# ---- encoders -----------------------------------------------------------------------------------------------------------------
class SpeechEncoder(Protocol):
    """Anything that turns speech into memory at the video rate."""

    def __call__(self, batch: SpeechBatch) -> Tensor: ...  # [B, T, D], zero beyond a clip's end


class LogMelEncoder(nn.Module):
    """The shipped model's encoder: a slim convolutional stem at 100 Hz, and a transformer at the video rate."""

    def __init__(self, options: EncoderOptions | None = None) -> None:
        super().__init__()
        self.options = options = options or EncoderOptions()
        self.stem = Stem(options)
        self.layers = nn.ModuleList(WindowLayer(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.dim)

    def forward(self, batch: SpeechBatch) -> Tensor:  # [B, T, D]
        mask = batch.frame_mask
        x = self.stem(batch)
        for layer in self.layers:
            x = layer(x, mask)
        memory: Tensor = self.norm(x) * mask[..., None]
        return memory


class Stem(nn.Module):
    """Features at 100 Hz, of which each video frame takes the `TAPS` around it."""

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__()
        self.drop_phones, self.drop_audio = options.drop_phones, options.drop_audio
        self.letters = nn.Embedding(options.vocabulary, options.letter)
        self.hear = nn.Conv1d(MEL_BANDS, options.stem, KERNEL, padding=KERNEL // 2)
        self.read = nn.Conv1d(options.letter + TIMINGS, options.stem, KERNEL, padding=KERNEL // 2)
        self.absent = nn.Parameter(torch.zeros(2, options.stem))
        self.mix = nn.Conv1d(options.stem, options.stem, KERNEL, padding=KERNEL // 2)
        self.sample = nn.Linear(TAPS * options.stem, options.dim)
        self.pace = nn.Parameter(torch.zeros(options.dim))

    def forward(self, batch: SpeechBatch) -> Tensor:  # [B, T, D]
        inside = batch.feature_mask[..., None].to(batch.mel.dtype)
        heard, known = self._present(batch)
        letters = torch.cat([self.letters(batch.phone_ids), letter_timing(batch.phone_phase, batch.phone_duration)], dim=-1)
        audio, phones = self.hear((batch.mel * (inside * heard)).mT), self.read((letters * (inside * known)).mT)
        absent = (1.0 - heard) * self.absent[0] + (1.0 - known) * self.absent[1]
        x = silu(audio + phones + absent.mT) * inside.mT
        x = (x + silu(self.mix(x))) * inside.mT
        sampled: Tensor = self.sample(sample(x.mT, batch.times_s, batch.lengths))
        # A closure lasts a frame at least, however long frames are.
        return sampled + (USUAL_FPS / batch.fps - 1.0)[:, None, None] * self.pace

    def _present(self, batch: SpeechBatch) -> tuple[Tensor, Tensor]:
        """Whether a clip has sound and phones, [B, 1, 1] each: in training one of the two is now and then taken away."""
        heard, known = batch.has_audio, batch.has_phones
        if self.training:
            chance = torch.rand(len(batch), device=heard.device)
            both = heard & known
            known = known & ~(both & (chance < self.drop_phones))
            heard = heard & ~(both & (chance > 1.0 - self.drop_audio))
        return heard.to(batch.mel.dtype)[:, None, None], known.to(batch.mel.dtype)[:, None, None]


def letter_timing(phase: Tensor, duration: Tensor) -> Tensor:
    """Phase, log length, and the tenths of a second since the letter's start and to its end. [B, M] each -> [B, M, 4]"""
    length = duration.exp()
    return torch.stack([phase, duration, phase * length, (1.0 - phase) * length], dim=-1)


def sample(features: Tensor, times_s: Tensor, lengths: Tensor) -> Tensor:
    """The `TAPS` features around each video frame, interpolated. [B, M, C], [B, T], [B] -> [B, T, TAPS * C]

    Beyond a clip's end the features are 0. The linear layer after it makes this a convolution that is evaluated where the video
    frames lie.
    """
    B, M, C = features.shape
    position = times_s * FEATURE_HZ
    first = position.floor()
    share = (position - first)[..., None, None].to(features.dtype)
    index = first.long()[..., None] + torch.arange(-(TAPS // 2), TAPS // 2 + 2, device=features.device)  # [B, T, TAPS + 1]
    inside = (index >= 0) & (index < lengths[:, None, None])
    flat = index.clamp(0, M - 1) + M * torch.arange(B, device=features.device)[:, None, None]
    around = features.reshape(B * M, C).index_select(0, flat.flatten()).reshape(*index.shape, C) * inside[..., None]
    taps = torch.lerp(around[:, :, :-1], around[:, :, 1:], share)
    return taps.flatten(2)


class WindowLayer(nn.Module):
    """A pre-norm transformer layer whose frames see `back` frames before and `ahead` frames after themselves."""

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__()
        dim = options.dim
        self.heads, self.back, self.ahead = options.heads, options.back, options.ahead
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, options.feed_forward), nn.Linear(options.feed_forward, dim)
        self.dropout = nn.Dropout(options.dropout)
        self.distance_bias = nn.Parameter(_distance_bias(options))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # [B, T, D], [B, T] -> [B, T, D]
        x = x + self.dropout(self.out(self._attend(self.norm1(x), mask)))
        fed: Tensor = self.dropout(self.down(silu(self.up(self.norm2(x)))))
        return x + fed

    def _attend(self, x: Tensor, mask: Tensor) -> Tensor:
        B, T, D = x.shape
        q, k, v = self.qkv(x).reshape(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)  # [B, H, T, D / H] each
        padded = torch.where(mask, 0.0, _MASKED)[:, None, None].to(x.dtype)  # [B, 1, 1, T]
        blocks: list[Tensor] = []
        for start in range(0, T, _BLOCK):
            end = min(start + _BLOCK, T)
            seen = slice(max(start - self.back, 0), min(end + self.ahead, T))
            bias = self._bias(start, end, seen, x.device) + padded[..., seen]
            blocks.append(scaled_dot_product_attention(q[:, :, start:end], k[:, :, seen], v[:, :, seen], attn_mask=bias))
        return torch.cat(blocks, dim=2).transpose(1, 2).reshape(B, T, D)

    def _bias(self, start: int, end: int, seen: slice, device: torch.device) -> Tensor:
        """Of frames `start` to `end` for the frames that they may see, [H, T, S]."""
        distance = torch.arange(seen.start, seen.stop, device=device) - torch.arange(start, end, device=device)[:, None]
        outside = torch.where((distance < -self.back) | (distance > self.ahead), _MASKED, 0.0)
        return self.distance_bias[:, (distance + self.back).clamp(0, self.back + self.ahead)] + outside


def _distance_bias(options: EncoderOptions) -> Tensor:
    """Before training each head prefers near frames, with slopes as in ALiBi (Press et al. 2022). [H, back + 1 + ahead]"""
    slopes = torch.tensor([4.0 ** -(head + 1) for head in range(options.heads)])
    distance = torch.arange(-options.back, options.ahead + 1).abs()
    return -slopes[:, None] * distance
