"""One clip in the autoregressive loop, without torch: a decoder's weights multiplied out beforehand, and what it has said so far.

Letters in shapes: D dimension, L layers, H heads, P period, n frames, R as in `rollout_kernel`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.light_weights import Linear
from slp_mouthing.decoder.options import head_slopes
from slp_mouthing.decoder.rollout_kernel import LANES, advance

if TYPE_CHECKING:
    from slp_mouthing.decoder.light_weights import Named
    from slp_mouthing.types import Array

_BEGIN = 256
"""Frames that a cache has room for at first; it doubles."""


@dataclass(frozen=True, slots=True, eq=False)
class LoopWeights:
    """The layers of a post-norm transformer decoder; matrices as [L, in, out], queries scaled."""

    qkv_weight: Array
    qkv_bias: Array
    out_weight: Array
    out_bias: Array
    up_weight: Array
    up_bias: Array
    down_weight: Array
    down_bias: Array
    norms: Array  # [L, 6, D] scale and shift of each
    fold: Array  # [D, D] a frame's hidden vector to the next token
    positions: Array  # [P, D]
    slopes: Array  # [H]
    span: int
    """Memory vectors that a frame looks at."""
    cross: tuple[CrossAttention, ...]

    @staticmethod
    def of(layers: Named, count: int, heads: int, span: int, positions: Array, fold: Array) -> LoopWeights:
        """Of torch's `TransformerDecoder.layers`. Raises `ValueError` for sizes that are no multiples of four."""
        parts = [layers.under(f"{k}.") for k in range(count)]
        dim, inner = positions.shape[1], len(parts[0]["linear1.bias"])
        if dim % (4 * heads) or inner % 4:
            raise ValueError(f"dimension {dim} for {heads} heads, feed-forward {inner}: expected multiples of four")
        scale = np.ones(3 * dim, np.float32)
        scale[:dim] = (dim // heads) ** -0.5

        def stacked(name: str) -> Array:
            return np.stack([np.ascontiguousarray(part[name].T) for part in parts])

        norms = [stacked(f"norm{k}.{part}") for k in (1, 2, 3) for part in ("weight", "bias")]
        return LoopWeights(
            stacked("self_attn.in_proj_weight") * scale, stacked("self_attn.in_proj_bias") * scale,
            stacked("self_attn.out_proj.weight"), stacked("self_attn.out_proj.bias"),
            stacked("linear1.weight"), stacked("linear1.bias"), stacked("linear2.weight"), stacked("linear2.bias"),
            np.stack(norms, axis=1), np.ascontiguousarray(fold), np.ascontiguousarray(positions),
            np.array(head_slopes(heads), np.float32), span,
            tuple(CrossAttention.of(part.under("multihead_attn."), heads, span) for part in parts),
        )  # fmt: skip

    def hear(self, memory: Array) -> Heard:
        """Memory as the layers see it, [n * span, D]."""
        found = [cross(memory) for cross in self.cross]
        keys, biases, values = (np.stack(part) for part in zip(*found, strict=True))
        L, _, heads, D = values.shape
        shape = (L, len(memory) // self.span, self.span * heads)
        return Heard(keys.reshape(*shape, D), biases.reshape(shape), values.reshape(*shape, D))


@dataclass(frozen=True, slots=True, eq=False)
class CrossAttention:
    """Attention to memory with the projections of query and output worked into keys and values, for each head."""

    keys: tuple[Linear, ...]
    biases: Linear
    values: tuple[Linear, ...]

    @staticmethod
    def of(attention: Named, heads: int, span: int) -> CrossAttention:
        """With one vector to look at, neither query nor key matters: the heads' values are added up, and are all there is."""
        projection, out = attention.projection("in_proj"), attention.linear("out_proj")
        size = len(out.weight) // heads
        queries, keys, values = (Linear(*parts) for parts in zip(*_thirds(projection), strict=True))
        if span == 1:
            return CrossAttention((), Linear(queries.weight[:, :0], queries.bias[:0]), (values.then(out),))
        by_head = [slice(h * size, (h + 1) * size) for h in range(heads)]
        share = out.bias / np.float32(heads)  # The weights of a head add up to 1.
        scaled = Linear(keys.weight * np.float32(size**-0.5), keys.bias * np.float32(size**-0.5))
        asked = [Linear(queries.weight[:, part].T, np.zeros_like(out.bias)) for part in by_head]
        offset = np.zeros((len(queries.bias), heads), np.float32)
        for h, part in enumerate(by_head):
            offset[part, h] = queries.bias[part]
        return CrossAttention(
            tuple(_columns(scaled, part).then(ask) for part, ask in zip(by_head, asked, strict=True)),
            scaled.then(Linear(offset, np.zeros(heads, np.float32))),
            tuple(_columns(values, part).then(Linear(out.weight[part], share)) for part in by_head),
        )

    def __call__(self, memory: Array) -> tuple[Array, Array, Array]:
        """[S, D] -> keys [S, R / span, D], biases [S, R / span], values [S, R / span, D]"""
        values = np.stack([value(memory) for value in self.values], axis=1)
        if not self.keys:
            return values, np.zeros(values.shape[:2], np.float32), values
        return np.stack([key(memory) for key in self.keys], axis=1), self.biases(memory), values


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What n frames look at, see `rollout_kernel.advance`."""

    keys: Array  # [L, n, R, D]
    biases: Array  # [L, n, R]
    values: Array  # [L, n, R, D]


class ClipLoop:
    """What one clip has said so far."""

    def __init__(self, weights: LoopWeights, first: Array) -> None:
        """`first` [D]: the token of frame 0."""
        self.weights = weights
        self.token = np.array(first, np.float32)
        """Of the frame to come."""
        self.frame = 0
        L, D = weights.out_bias.shape
        self._keys, self._values = np.zeros((L, D, _BEGIN), np.float32), np.zeros((L, D, _BEGIN), np.float32)

    def run(self, heard: Heard, added: Array, hidden: Array) -> None:
        """As many frames as `hidden` [n, D or more] has rows, which are filled. `added` [n, D] goes to the tokens after them."""
        self._make_room(len(hidden))
        w = self.weights
        advance(
            self.token, self.frame, self._keys, self._values, w.qkv_weight, w.qkv_bias, w.out_weight, w.out_bias, w.up_weight,
            w.up_bias, w.down_weight, w.down_bias, w.norms, w.fold, w.positions, w.slopes, heard.keys, heard.biases,
            heard.values, added, hidden,
        )  # fmt: skip
        self.frame += len(hidden)

    def fork(self) -> ClipLoop:
        """Another that goes on from here."""
        return copy.deepcopy(self, {id(self.weights): self.weights})

    def _make_room(self, count: int) -> None:
        room = self._keys.shape[2]
        if (needed := self.frame + count) > room:
            more = -(-max(needed, 2 * room) // LANES) * LANES - room
            self._keys, self._values = (np.pad(kept, ((0, 0), (0, 0), (0, more))) for kept in (self._keys, self._values))


def _thirds(projection: Linear) -> tuple[list[Array], list[Array]]:
    return np.split(projection.weight, 3, axis=1), np.split(projection.bias, 3)


def _columns(linear: Linear, part: slice) -> Linear:
    return Linear(linear.weight[:, part], linear.bias[part])
