"""The autoregressive decoder in numpy: one frame after the other, with what attention needs of the past kept.

Two identities of `generate.rollout` hold here too. A frame is fed back through `vertice_map_r` and `vertice_map`, one product
that is folded beforehand; and since each frame hears its own memory alone, cross-attention is a linear layer, computed for all
frames before the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.light_weights import Linear, layer_norm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slp_mouthing.decoder.light_weights import Named
    from slp_mouthing.decoder.options import DecoderOptions
    from slp_mouthing.types import Array, Floats

_ROOM = 256
"""Frames for which a cache has room at first; it doubles."""


@dataclass(frozen=True, slots=True, eq=False)
class _LayerWeights:
    qkv: Linear
    out: Linear
    hear: Linear  # what is heard -> what cross-attention gives
    up: Linear
    down: Linear
    norms: tuple[tuple[Array, Array], ...]  # scale and shift of each of three

    @staticmethod
    def of(weights: Named, dim: int) -> _LayerWeights:
        value, out = weights.projection("multihead_attn.in_proj").columns(2 * dim), weights.linear("multihead_attn.out_proj")
        norms = tuple((weights[f"norm{k}.weight"], weights[f"norm{k}.bias"]) for k in (1, 2, 3))
        return _LayerWeights(
            weights.projection("self_attn.in_proj"), weights.linear("self_attn.out_proj"), value.then(out),
            weights.linear("linear1"), weights.linear("linear2"), norms,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class DecoderWeights:
    """`autoregressive.AutoregressiveDecoder` with the speaker's embedding before it and the encoder's last norm worked in."""

    speaker: Linear
    hear: Linear
    draft: Linear | None
    feed: Linear  # a frame's motion to what comes into the loop
    say: Linear
    again: Linear  # what comes out of the loop to what comes in
    layers: tuple[_LayerWeights, ...]
    positions: Array  # [period, D]
    slopes: Array  # [H]

    @staticmethod
    def of(weights: Named, options: DecoderOptions) -> DecoderWeights:
        decoder, dim = weights.under("decoder."), options.model_dim
        feed, say = decoder.linear("vertice_map"), decoder.linear("vertice_map_r")
        hear = decoder.linear("audio_feature_map").after_norm(weights["encoder.norm.weight"], weights["encoder.norm.bias"])
        names = (f"transformer_decoder.layers.{k}." for k in range(options.layers))
        return DecoderWeights(
            weights.linear("speaker"), hear, decoder.linear("draft_map") if options.draft else None, feed, say, say.then(feed),
            tuple(_LayerWeights.of(decoder.under(name), dim) for name in names), decoder["PPE.pe"][0], _slopes(options.heads),
        )  # fmt: skip


def decoder_shapes(options: DecoderOptions) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every weight by torch's name, with its shape."""
    dim = options.model_dim
    linear = {"audio_feature_map": (dim, options.memory_dim), "vertice_map": (dim, options.outputs)}
    linear |= {"vertice_map_r": (options.outputs, dim)}
    if options.draft:
        linear["draft_map"] = (dim, options.outputs)
    for layer in (f"transformer_decoder.layers.{k}" for k in range(options.layers)):
        for attention in ("self_attn", "multihead_attn"):
            yield from (
                (f"{layer}.{attention}.in_proj_weight", (3 * dim, dim)),
                (f"{layer}.{attention}.in_proj_bias", (3 * dim,)),
            )
            linear[f"{layer}.{attention}.out_proj"] = (dim, dim)
        linear |= {f"{layer}.linear1": (options.feed_forward, dim), f"{layer}.linear2": (dim, options.feed_forward)}
        for k in (1, 2, 3):
            yield from ((f"{layer}.norm{k}.weight", (dim,)), (f"{layer}.norm{k}.bias", (dim,)))
    for name, shape in linear.items():
        yield from ((f"{name}.weight", shape), (f"{name}.bias", shape[:1]))
    yield "PPE.pe", (1, options.period, dim)


def _slopes(heads: int) -> Array:
    return (2.0 ** (-8.0 / heads * np.arange(1, heads + 1))).astype(np.float32)


class LightRollout:
    """One utterance's frames on their way out."""

    def __init__(self, weights: DecoderWeights, style: Floats | None) -> None:
        self._weights = weights
        numbers = np.zeros(len(weights.speaker.weight)) if style is None else np.asarray(style) - 1.0
        self._style = weights.speaker(numbers.astype(np.float32))
        self._token = self._style
        self._caches = [_Cache(len(self._style), weights.slopes, len(weights.positions)) for _ in weights.layers]
        self._frame = 0

    def run(self, memory: Array, draft: Array | None) -> Array:
        """The next frames, from memory before its norm's scale and shift [t, M] and the draft [t, K], if any -> [t, K]"""
        weights = self._weights
        heard = weights.hear(memory)
        after = np.broadcast_to(self._style, heard.shape)
        if weights.draft is not None and draft is not None:
            heard = heard + weights.draft(draft)
            # The draft is part of what is fed back, and its part of that is known beforehand.
            after = after + draft @ weights.feed.weight
        crossed = [layer.hear(heard) for layer in weights.layers]
        hidden = np.empty_like(heard)
        for t in range(len(heard)):
            hidden[t] = self._step([cross[t] for cross in crossed])
            self._token = weights.again(hidden[t]) + after[t]
        motion = weights.say(hidden)
        return motion if draft is None else motion + draft

    def fork(self) -> LightRollout:
        other = object.__new__(LightRollout)
        other.__dict__ = {**self.__dict__, "_caches": [cache.fork() for cache in self._caches]}
        return other

    def _step(self, crossed: list[Array]) -> Array:  # [D] each -> [D]
        x: Array = self._token + self._weights.positions[self._frame % len(self._weights.positions)]
        for layer, cache, cross in zip(self._weights.layers, self._caches, crossed, strict=True):
            x = layer_norm(x + layer.out(cache.attend(layer.qkv(x))), *layer.norms[0])
            x = layer_norm(x + cross, *layer.norms[1])
            x = layer_norm(x + layer.down(np.maximum(layer.up(x), 0.0)), *layer.norms[2])
        self._frame += 1
        return x


class _Cache:
    """Keys and values of all earlier frames of one layer."""

    def __init__(self, dim: int, slopes: Array, period: int) -> None:
        self._slopes, self._period = slopes, period
        self._keys = np.empty((len(slopes), _ROOM, dim // len(slopes)), np.float32)
        self._values = np.empty_like(self._keys)
        self._bias = _distance_bias(slopes, _ROOM, period)
        self._count = 0

    def fork(self) -> _Cache:
        other = object.__new__(_Cache)
        other.__dict__ = {**self.__dict__, "_keys": self._keys.copy(), "_values": self._values.copy()}
        return other

    def attend(self, qkv: Array) -> Array:
        """The next frame's query, key and value side by side, [3 D] -> what it takes from the past and itself, [D]"""
        if self._count == self._keys.shape[1]:
            self._grow()
        query, key, value = qkv.reshape(3, len(self._slopes), -1)
        self._keys[:, self._count], self._values[:, self._count] = key, value
        self._count += 1
        seen = slice(None, self._count)
        scores = (self._keys[:, seen] @ query[..., None])[..., 0] * np.float32(query.shape[1] ** -0.5)
        scores += self._bias[:, -self._count :]
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        attended: Array = (weights[:, None] @ self._values[:, seen])[:, 0] / weights.sum(axis=1, keepdims=True)
        return attended.ravel()

    def _grow(self) -> None:
        self._keys, self._values = (np.concatenate([kept, np.empty_like(kept)], axis=1) for kept in (self._keys, self._values))
        self._bias = _distance_bias(self._slopes, self._keys.shape[1], self._period)


def _distance_bias(slopes: Array, frames: int, period: int) -> Array:
    """Of the last of `frames` for each of them, [H, frames]: less for every period between."""
    steps = (np.arange(frames)[::-1] // period).astype(np.float32)
    return np.asarray(-slopes[:, None] * steps)
