"""The network without torch: numpy alone, for whole utterances and for streams of any length.

There is one way through: chunks go in, frames come out as soon as all that they may look at is known, and a whole utterance is
a stream of a few chunks. Since every layer's view is bounded, each keeps the little past that it needs; memory does not grow.
`network.MouthingNetwork` is the reference, equal to 1e-5.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.decoder.features import FEATURE_HZ, MEL_BANDS
from slp_mouthing.decoder.options import KERNEL, STYLE, TAPS, TIMINGS, USUAL_FPS
from slp_mouthing.decoder.speech_input import SpeechInput
from slp_mouthing.decoder.weights import read_weights
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from slp_mouthing.decoder.options import EncoderOptions, NetworkOptions
    from slp_mouthing.decoder.phone_stream import PhoneFrames
    from slp_mouthing.decoder.weights import StoredNetwork
    from slp_mouthing.types import Array, Floats

    Weights = Mapping[str, Array]

_CHUNK_FRAMES = 256
"""Video frames that a whole utterance is worked through at a time."""
_BLOCK = 64
"""Frames whose attention is computed at a time."""
_MASKED = np.float32(-1e9)
_EPSILON = np.float32(1e-5)
"""Of the layer norms, as torch's."""


class LightNetwork:
    """A trained network, ready to run. Immutable, and safe to share between threads."""

    def __init__(self, stored: StoredNetwork) -> None:
        self.options: NetworkOptions = stored.options
        self.meta: Mapping[str, Any] = stored.meta
        encoder = stored.options.encoder
        weights = _Named(stored.weights)
        self._stem = _StemWeights.of(weights.under("encoder.stem."))
        self._layers = [_LayerWeights.of(weights.under(f"encoder.layers.{k}."), encoder) for k in range(encoder.layers)]
        self._head = _HeadWeights.of(weights, stored.options)

    @staticmethod
    def load(path: str | Path) -> LightNetwork:
        """Of `.npz`. Raises `InputError` for a file that is missing, damaged, or of another program or topology."""
        stored = read_weights(path)
        try:
            return LightNetwork(stored)
        except (KeyError, ValueError) as error:
            raise InputError(f"its weights are of another topology ({error})", where=str(path)) from error

    def predict(self, speech: SpeechInput, style: Floats | None = None) -> Array:
        """Motion at `speech.times_s`, [T, K]. `style` [3]: intensity, jaw, lip; without it everyday mouthing."""
        stream = self.stream(speech.fps, style, audio=speech.mel is not None, phones=speech.phones is not None)
        parts = [stream.push(chunk) for chunk in _chunks(speech)]
        return np.concatenate([*parts, stream.finish()])

    def stream(self, fps: float, style: Floats | None = None, *, audio: bool = True, phones: bool = True) -> LightStream:
        """An utterance that arrives in parts; `audio` and `phones` say which of the two its parts hold."""
        return LightStream(self, fps, style, audio, phones)


class LightStream:
    """One utterance on its way through a network."""

    def __init__(self, network: LightNetwork, fps: float, style: Floats | None, audio: bool, phones: bool) -> None:
        self._stem = _Stem(network._stem, network.options.encoder, fps, audio, phones)
        self._layers = [_Layer(weights, network.options.encoder) for weights in network._layers]
        self._head = network._head.styled(style)
        self._streams = audio, phones

    def push(self, speech: SpeechInput) -> Array:
        """The next features and the next frames' times (both on the clock of the whole) -> the frames now known, [t, K].

        Either may be empty; times may run ahead of the features. A frame is known once the look-ahead after it is there.
        """
        if ((speech.mel is not None), (speech.phones is not None)) != self._streams:
            raise ValueError("the part holds other streams than the utterance was begun with")
        return self._run(speech, final=False)

    def finish(self) -> Array:
        """The rest of the frames, [t, K]: nothing comes after what was pushed."""
        return self._run(None, final=True)

    def fork(self) -> LightStream:
        """Another stream that goes on from here: its `finish` tells what comes if nothing else does."""
        # No stage changes an array that it holds: it takes a new one.
        other = copy.copy(self)
        other._stem, other._layers = self._stem.fork(), [copy.copy(layer) for layer in self._layers]
        return other

    def _run(self, speech: SpeechInput | None, final: bool) -> Array:
        x = self._stem.run(speech, final)
        for layer in self._layers:
            x = layer.run(x, final)
        return self._head(x)


def _chunks(speech: SpeechInput) -> Iterator[SpeechInput]:
    """`speech` in parts of `_CHUNK_FRAMES`."""
    size = max(round(_CHUNK_FRAMES / speech.fps * FEATURE_HZ), 1)
    count = max(-(-speech.length // size), -(-len(speech.times_s) // _CHUNK_FRAMES))
    for k in range(count):
        part = slice(k * size, (k + 1) * size)
        mel = None if speech.mel is None else speech.mel[part]
        phones = None if speech.phones is None else speech.phones[part]
        yield SpeechInput(speech.times_s[k * _CHUNK_FRAMES : (k + 1) * _CHUNK_FRAMES], mel, phones)


# ---- weights ----------------------------------------------------------------------------------------------------------------
class _Named:
    """Weights by torch's names, of which one part is looked at."""

    def __init__(self, weights: Weights, prefix: str = "") -> None:
        self._weights, self._prefix = weights, prefix

    def under(self, prefix: str) -> _Named:
        return _Named(self._weights, self._prefix + prefix)

    def __getitem__(self, name: str) -> Array:
        return self._weights[self._prefix + name]

    def linear(self, name: str) -> _Linear:
        return _Linear(np.ascontiguousarray(self[f"{name}.weight"].T), self[f"{name}.bias"])

    def convolution(self, name: str) -> _Linear:
        """As one product with `KERNEL` neighbouring rows laid side by side."""
        weight = self[f"{name}.weight"]  # [out, in, KERNEL]
        return _Linear(np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, len(weight))), self[f"{name}.bias"])

    def normed(self, norm: str, name: str) -> _Linear:
        """The linear layer after a layer norm, whose scale and shift it takes over."""
        linear = self.linear(name)
        scale, shift = self[f"{norm}.weight"], self[f"{norm}.bias"]
        return _Linear(scale[:, None] * linear.weight, linear.bias + shift @ linear.weight)


@dataclass(frozen=True, slots=True, eq=False)
class _Linear:
    weight: Array  # [in, out]
    bias: Array  # [out]

    def __call__(self, x: Array) -> Array:
        return np.asarray(x @ self.weight + self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class _StemWeights:
    letters: Array  # [vocabulary, letter]
    hear: _Linear
    read: _Linear
    absent: Array  # [2, stem]
    mix: _Linear
    sample: _Linear
    pace: Array  # [D]

    @staticmethod
    def of(weights: _Named) -> _StemWeights:
        hear, read, mix = (weights.convolution(name) for name in ("hear", "read", "mix"))
        return _StemWeights(
            weights["letters.weight"], hear, read, weights["absent"], mix, weights.linear("sample"), weights["pace"]
        )


@dataclass(frozen=True, slots=True, eq=False)
class _LayerWeights:
    qkv: _Linear
    out: _Linear
    up: _Linear
    down: _Linear
    bias: Array  # [H, _BLOCK, back + _BLOCK + ahead] of a block's frames for those that they may see

    @staticmethod
    def of(weights: _Named, options: EncoderOptions) -> _LayerWeights:
        qkv = weights.normed("norm1", "qkv")
        # Queries are scaled beforehand.
        scale = np.ones(3 * options.dim, np.float32)
        scale[: options.dim] = (options.dim // options.heads) ** -0.5
        qkv = _Linear(qkv.weight * scale, qkv.bias * scale)
        bias = _window_bias(weights["distance_bias"], options)
        return _LayerWeights(qkv, weights.linear("out"), weights.normed("norm2", "up"), weights.linear("down"), bias)


def _window_bias(by_distance: Array, options: EncoderOptions) -> Array:
    distance = np.arange(-options.back, _BLOCK + options.ahead) - np.arange(_BLOCK)[:, None]
    inside = (distance >= -options.back) & (distance <= options.ahead)
    return np.where(inside, by_distance[:, np.clip(distance + options.back, 0, options.back + options.ahead)], _MASKED)


@dataclass(frozen=True, slots=True, eq=False)
class _HeadWeights:
    hidden: _Linear
    style: _Linear
    out: _Linear
    gates: int
    margin: np.float32
    bounded: bool

    @staticmethod
    def of(weights: _Named, options: NetworkOptions) -> _HeadWeights:
        head = weights.under("head.")
        hidden, scale, shift = head.linear("hidden"), weights["encoder.norm.weight"], weights["encoder.norm.bias"]
        hidden = _Linear(scale[:, None] * hidden.weight, hidden.bias + shift @ hidden.weight)
        bounded = options.kind == "articulation"
        margin = np.float32(options.gate_margin)
        return _HeadWeights(hidden, head.linear("style"), head.linear("out"), options.gates, margin, bounded)

    def styled(self, style: Floats | None) -> _HeadWeights:
        """With the style's scale and shift worked in."""
        if style is None:
            return self
        if np.shape(style) != (STYLE,):
            raise ValueError(f"style has shape {np.shape(style)}, expected ({STYLE},)")
        scale, shift = np.split(self.style((np.asarray(style) - 1.0).astype(np.float32)), 2)
        hidden = _Linear(self.hidden.weight * (1.0 + scale), self.hidden.bias * (1.0 + scale) + shift)
        return replace(self, hidden=hidden)

    def __call__(self, x: Array) -> Array:  # [t, D] -> [t, K]
        values = self.out(_silu(self.hidden(_normalised(x))))
        if self.gates:
            values[:, -self.gates :] = (_sigmoid(values[:, -self.gates :]) - self.margin) / (1 - 2 * self.margin)
        return np.clip(values, 0.0, 1.0) if self.bounded else values


# ---- stages of a stream -----------------------------------------------------------------------------------------------------
class _Convolution:
    """A centred convolution over rows that arrive in parts; before and after them there are zeros."""

    def __init__(self, linear: _Linear) -> None:
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


class _Stem:
    """Features at 100 Hz to video frames."""

    def __init__(self, weights: _StemWeights, options: EncoderOptions, fps: float, audio: bool, phones: bool) -> None:
        self._weights = weights
        self._hear = _Convolution(weights.hear) if audio else None
        self._read = _Convolution(weights.read) if phones else None
        self._mix = _Convolution(weights.mix)
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

    def fork(self) -> _Stem:
        other = copy.copy(self)
        other._hear, other._read, other._mix = copy.copy(self._hear), copy.copy(self._read), copy.copy(self._mix)
        return other

    def run(self, speech: SpeechInput | None, final: bool) -> Array:  # -> [t, D]
        heard = 0.0 if self._hear is None else self._hear.run(_mel(speech), final)[1]
        read = 0.0 if self._read is None else self._read.run(self._letters(speech), final)[1]
        x, mixed = self._mix.run(_silu(heard + read + self._absent), final)
        self._features = np.concatenate([self._features, x + _silu(mixed)])
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


class _Layer:
    """A transformer layer over frames that arrive in parts."""

    def __init__(self, weights: _LayerWeights, options: EncoderOptions) -> None:
        self._weights, self._heads = weights, options.heads
        self._back, self._ahead = options.back, options.ahead
        self._x = np.zeros((0, options.dim), np.float32)
        """Frames that wait for those after them."""
        self._qkv = np.zeros((0, 3 * options.dim), np.float32)
        """Of the frames that wait, and of as many before them as they may see."""

    def run(self, x: Array, final: bool) -> Array:  # [t, D] -> [t', D]
        self._x = np.concatenate([self._x, x])
        self._qkv = np.concatenate([self._qkv, self._weights.qkv(_normalised(x))])
        count = len(self._x) if final else max(len(self._x) - self._ahead, 0)
        past = len(self._qkv) - len(self._x)
        attended = [self._attend(past + k, past + min(k + _BLOCK, count)) for k in range(0, count, _BLOCK)]
        x, self._x = self._x[:count], self._x[count:]
        self._qkv = self._qkv[max(past + count - self._back, 0) :]
        if not count:
            return x
        x = x + self._weights.out(np.concatenate(attended))
        return np.asarray(x + self._weights.down(_silu(self._weights.up(_normalised(x)))))

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


def _normalised(x: Array) -> Array:
    """Mean 0 and deviation 1 in each row: a layer norm without its scale and shift."""
    x = x - x.mean(axis=-1, keepdims=True)
    power = np.einsum("td,td->t", x, x) / np.float32(x.shape[-1])
    return np.asarray(x / np.sqrt(power + _EPSILON)[:, None])


def _sigmoid(x: Array) -> Array:
    # Unlike exp, tanh does not overflow.
    return np.asarray(np.float32(0.5) * np.tanh(np.float32(0.5) * x) + np.float32(0.5))


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)
