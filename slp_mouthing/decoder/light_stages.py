"""The network's stages over rows that arrive in parts: each gives what it can, and keeps the little past that it still needs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.features import FEATURE_HZ, MEL_BANDS
from slp_mouthing.decoder.light_weights import BLOCK, normalised, silu
from slp_mouthing.decoder.options import KERNEL, TAPS, TIMINGS, USUAL_FPS

if TYPE_CHECKING:
    from slp_mouthing.decoder.light_weights import LayerWeights, Linear, StemWeights
    from slp_mouthing.decoder.options import EncoderOptions
    from slp_mouthing.decoder.phone_stream import PhoneFrames
    from slp_mouthing.decoder.speech_input import SpeechInput
    from slp_mouthing.types import Array


class Convolution:
    """A centred convolution over rows that arrive in parts; before and after them there are zeros."""

    def __init__(self, linear: Linear) -> None:
        self._linear = linear
        self._rows = np.zeros((KERNEL // 2, len(linear.weight) // KERNEL), np.float32)

    def run(self, rows: Array, final: bool) -> tuple[Array, Array]:
        """Next rows -> the rows whose neighbours are known, and what the convolution makes of them."""
        after = np.zeros((KERNEL // 2 if final else 0, self._rows.shape[1]), np.float32)
        known = np.concatenate([self._rows, rows, after])
        count = max(len(known) - (KERNEL - 1), 0)
        self._rows = known[count:]
        if not count:
            return known[:0], np.zeros((0, len(self._linear.bias)), np.float32)
        around = np.lib.stride_tricks.sliding_window_view(known, KERNEL, axis=0).transpose(0, 2, 1)
        return known[KERNEL // 2 :][:count], self._linear(around.reshape(count, -1))


class Stem:
    """Features at 100 Hz to video frames."""

    def __init__(self, weights: StemWeights, options: EncoderOptions, fps: float, audio: bool, phones: bool) -> None:
        self._weights = weights
        self._hear = Convolution(weights.hear) if audio else None
        self._read = Convolution(weights.read) if phones else None
        self._mix = Convolution(weights.mix)
        self._absent = np.zeros(options.stem, np.float32)
        if not audio:
            self._absent += weights.absent[0] + weights.hear.bias
        if not phones:
            self._absent += weights.absent[1] + weights.read.bias
        self._pace = np.float32(USUAL_FPS / fps - 1.0) * weights.pace
        self._features = np.zeros((TAPS // 2, options.stem), np.float32)
        self._first = -(TAPS // 2)
        """Index of the first of `_features`."""
        self._times_s = np.zeros(0)

    def fork(self) -> Stem:
        other = copy.copy(self)
        other._hear, other._read, other._mix = copy.copy(self._hear), copy.copy(self._read), copy.copy(self._mix)
        return other

    def run(self, speech: SpeechInput | None, final: bool) -> Array:  # -> [t, D]
        heard = 0.0 if self._hear is None else self._hear.run(_mel(speech), final)[1]
        read = 0.0 if self._read is None else self._read.run(self._letters(speech), final)[1]
        x, mixed = self._mix.run(silu(heard + read + self._absent), final)
        self._features = np.concatenate([self._features, x + silu(mixed)])
        if speech is not None:
            self._times_s = np.concatenate([self._times_s, speech.times_s])
        return self._sample(final)

    def _letters(self, speech: SpeechInput | None) -> Array:  # [m, letter + TIMINGS]
        if speech is None or speech.phones is None:
            return np.zeros((0, self._weights.letters.shape[1] + TIMINGS), np.float32)
        phones = speech.phones
        return np.concatenate([self._weights.letters[phones.ids], _letter_timing(phones)], axis=1)

    def _sample(self, final: bool) -> Array:
        """The frames whose features are all known; those before are dropped."""
        position = self._times_s * FEATURE_HZ
        first = np.floor(position).astype(np.int64)
        end = self._first + len(self._features)
        count = len(first) if final else int(np.searchsorted(first + TAPS // 2 + 1, end))
        index = first[:count, None] + np.arange(-(TAPS // 2), TAPS // 2 + 2)
        around = self._features[np.clip(index - self._first, 0, len(self._features) - 1)]
        around *= ((index >= 0) & (index < end))[..., None]
        share = (position[:count] - first[:count]).astype(np.float32)[:, None, None]
        taps = around[:, :-1] + share * (around[:, 1:] - around[:, :-1])
        self._times_s = self._times_s[count:]
        if count:
            self._forget(int(first[count - 1]) - TAPS // 2)
        return self._weights.sample(taps.reshape(count, taps.shape[1] * taps.shape[2])) + self._pace

    def _forget(self, before: int) -> None:
        """Features that no later frame takes."""
        gone = max(before - self._first, 0)
        self._features, self._first = self._features[gone:], self._first + gone


class Layer:
    """A transformer layer over frames that arrive in parts."""

    def __init__(self, weights: LayerWeights, options: EncoderOptions) -> None:
        self._weights, self._heads = weights, options.heads
        self._back, self._ahead = options.back, options.ahead
        self._x = np.zeros((0, options.dim), np.float32)
        """Frames that wait for those after them."""
        self._qkv = np.zeros((0, 3 * options.dim), np.float32)
        """Of the frames that wait, and of as many before them as they may see."""

    def run(self, x: Array, final: bool) -> Array:  # [t, D] -> [t', D]
        self._x = np.concatenate([self._x, x])
        self._qkv = np.concatenate([self._qkv, self._weights.qkv(normalised(x))])
        count = len(self._x) if final else max(len(self._x) - self._ahead, 0)
        past = len(self._qkv) - len(self._x)
        attended = [self._attend(past + k, past + min(k + BLOCK, count)) for k in range(0, count, BLOCK)]
        x, self._x = self._x[:count], self._x[count:]
        self._qkv = self._qkv[max(past + count - self._back, 0) :]
        if not count:
            return x
        x = x + self._weights.out(np.concatenate(attended))
        return np.asarray(x + self._weights.down(silu(self._weights.up(normalised(x)))))

    def _attend(self, start: int, end: int) -> Array:
        """Rows `start` to `end`, a block at most -> [end - start, D]"""
        first, last = max(start - self._back, 0), min(end + self._ahead, len(self._qkv))
        offset = first - (start - self._back)
        bias = self._weights.bias[:, : end - start, offset : offset + last - first]
        seen = self._qkv[first:last].reshape(last - first, 3, self._heads, -1)
        q = self._qkv[start:end].reshape(end - start, 3, self._heads, -1)[:, 0].transpose(1, 0, 2)  # [H, t, D / H]
        k, v = seen[:, 1].transpose(1, 2, 0), seen[:, 2].transpose(1, 0, 2)
        scores = q @ k + bias
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        attended = (scores @ v) / scores.sum(axis=-1, keepdims=True)
        return np.asarray(attended.transpose(1, 0, 2).reshape(end - start, -1))


def _mel(speech: SpeechInput | None) -> Array:  # [m, 80]
    return np.zeros((0, MEL_BANDS), np.float32) if speech is None or speech.mel is None else speech.mel


def _letter_timing(phones: PhoneFrames) -> Array:  # [m, TIMINGS]
    length = np.exp(phones.duration)
    return np.column_stack([phones.phase, phones.duration, phones.phase * length, (1.0 - phones.phase) * length])
