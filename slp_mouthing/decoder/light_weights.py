"""The network's weights as numpy takes them: layers ready to call, layer norms worked into what follows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.features import MEL_BANDS
from slp_mouthing.decoder.options import KERNEL, STYLE, TAPS, TIMINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slp_mouthing.decoder.options import EncoderOptions, NetworkOptions
    from slp_mouthing.types import Array, Floats

BLOCK = 64
"""Frames whose attention is computed at a time."""
_MASKED = np.float32(-1e9)
_EPSILON = np.float32(1e-5)
"""Of the layer norms, as torch's."""


def encoder_shapes(options: NetworkOptions) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Weights of the encoder and the draft head by torch's names, with their shapes."""
    encoder, dim, stem = options.encoder, options.encoder.dim, options.encoder.stem
    yield from (("encoder.stem.letters.weight", (encoder.vocabulary, encoder.letter)), ("encoder.stem.absent", (2, stem)))
    yield "encoder.stem.pace", (dim,)
    for name, rows in (("hear", MEL_BANDS), ("read", encoder.letter + TIMINGS), ("mix", stem)):
        yield from ((f"encoder.stem.{name}.weight", (stem, rows, KERNEL)), (f"encoder.stem.{name}.bias", (stem,)))
    linear = {"encoder.stem.sample": (dim, TAPS * stem)}
    norms = ["encoder.norm"]
    for layer in (f"encoder.layers.{k}" for k in range(encoder.layers)):
        yield f"{layer}.distance_bias", (encoder.heads, encoder.back + 1 + encoder.ahead)
        linear |= {f"{layer}.qkv": (3 * dim, dim), f"{layer}.out": (dim, dim)}
        linear |= {f"{layer}.up": (encoder.feed_forward, dim), f"{layer}.down": (dim, encoder.feed_forward)}
        norms += [f"{layer}.norm1", f"{layer}.norm2"]
    if options.drafts:
        linear |= {"head.hidden": (options.hidden, dim), "head.style": (2 * options.hidden, STYLE)}
        linear["head.out"] = (options.outputs, options.hidden)
    for name, shape in linear.items():
        yield from ((f"{name}.weight", shape), (f"{name}.bias", shape[:1]))
    for name in norms:
        yield from ((f"{name}.weight", (dim,)), (f"{name}.bias", (dim,)))


class Named:
    """Weights by torch's names, of which one part is looked at."""

    def __init__(self, weights: Mapping[str, Array], prefix: str = "") -> None:
        self._weights, self._prefix = weights, prefix

    def under(self, prefix: str) -> Named:
        return Named(self._weights, self._prefix + prefix)

    def __getitem__(self, name: str) -> Array:
        return self._weights[self._prefix + name]

    def linear(self, name: str) -> Linear:
        return Linear(np.ascontiguousarray(self[f"{name}.weight"].T), self[f"{name}.bias"])

    def convolution(self, name: str) -> Linear:
        """As one product with `KERNEL` neighbouring rows laid side by side."""
        weight = self[f"{name}.weight"]  # [out, in, KERNEL]
        return Linear(np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, len(weight))), self[f"{name}.bias"])

    def projection(self, name: str) -> Linear:
        """An attention's queries, keys and values side by side, by torch's names for them."""
        return Linear(np.ascontiguousarray(self[f"{name}_weight"].T), self[f"{name}_bias"])

    def normed(self, norm: str, name: str) -> Linear:
        """The linear layer after a layer norm."""
        return self.linear(name).after_norm(self[f"{norm}.weight"], self[f"{norm}.bias"])


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    weight: Array  # [in, out]
    bias: Array  # [out]

    def __call__(self, x: Array) -> Array:
        return np.asarray(x @ self.weight + self.bias)

    def after_norm(self, scale: Array, shift: Array) -> Linear:
        """With the scale and shift of the layer norm before it worked in."""
        return Linear(scale[:, None] * self.weight, self.bias + shift @ self.weight)

    def columns(self, first: int) -> Linear:
        """The outputs from `first` on."""
        return Linear(self.weight[:, first:], self.bias[first:])

    def then(self, other: Linear) -> Linear:
        """This and the other as one."""
        return Linear(self.weight @ other.weight, self.bias @ other.weight + other.bias)


@dataclass(frozen=True, slots=True, eq=False)
class StemWeights:
    letters: Array  # [vocabulary, letter]
    hear: Linear
    read: Linear
    absent: Array  # [2, stem]
    mix: Linear
    sample: Linear
    pace: Array  # [D]

    @staticmethod
    def of(weights: Named) -> StemWeights:
        hear, read, mix = (weights.convolution(name) for name in ("hear", "read", "mix"))
        return StemWeights(
            weights["letters.weight"], hear, read, weights["absent"], mix, weights.linear("sample"), weights["pace"]
        )


@dataclass(frozen=True, slots=True, eq=False)
class LayerWeights:
    qkv: Linear
    out: Linear
    up: Linear
    down: Linear
    bias: Array  # [H, BLOCK, back + BLOCK + ahead] of a block's frames for those that they may see

    @staticmethod
    def of(weights: Named, options: EncoderOptions) -> LayerWeights:
        qkv = weights.normed("norm1", "qkv")
        # Queries are scaled beforehand.
        scale = np.ones(3 * options.dim, np.float32)
        scale[: options.dim] = (options.dim // options.heads) ** -0.5
        qkv = Linear(qkv.weight * scale, qkv.bias * scale)
        bias = _window_bias(weights["distance_bias"], options)
        return LayerWeights(qkv, weights.linear("out"), weights.normed("norm2", "up"), weights.linear("down"), bias)


def _window_bias(by_distance: Array, options: EncoderOptions) -> Array:
    distance = np.arange(-options.back, BLOCK + options.ahead) - np.arange(BLOCK)[:, None]
    inside = (distance >= -options.back) & (distance <= options.ahead)
    return np.where(inside, by_distance[:, np.clip(distance + options.back, 0, options.back + options.ahead)], _MASKED)


@dataclass(frozen=True, slots=True, eq=False)
class HeadWeights:
    hidden: Linear
    style: Linear
    out: Linear
    gates: int
    margin: np.float32

    @staticmethod
    def of(weights: Named, options: NetworkOptions) -> HeadWeights:
        head = weights.under("head.")
        hidden = head.linear("hidden").after_norm(weights["encoder.norm.weight"], weights["encoder.norm.bias"])
        return HeadWeights(hidden, head.linear("style"), head.linear("out"), options.gates, np.float32(options.gate_margin))

    def styled(self, style: Floats | None) -> HeadWeights:
        """With the style's scale and shift worked in."""
        if style is None:
            return self
        if np.shape(style) != (STYLE,):
            raise ValueError(f"style has shape {np.shape(style)}, expected ({STYLE},)")
        scale, shift = np.split(self.style((np.asarray(style) - 1.0).astype(np.float32)), 2)
        hidden = Linear(self.hidden.weight * (1.0 + scale), self.hidden.bias * (1.0 + scale) + shift)
        return replace(self, hidden=hidden)

    def __call__(self, x: Array) -> Array:  # [t, D] normalised -> [t, K]
        values = self.out(silu(self.hidden(x)))
        if self.gates:
            values[:, -self.gates :] = (sigmoid(values[:, -self.gates :]) - self.margin) / (1 - 2 * self.margin)
        return values


def normalised(x: Array) -> Array:
    """Mean 0 and deviation 1 in each row: a layer norm without its scale and shift."""
    x = x - x.mean(axis=-1, keepdims=True)
    power = np.einsum("td,td->t", x, x) / np.float32(x.shape[-1])
    return np.asarray(x / np.sqrt(power + _EPSILON)[:, None])


def sigmoid(x: Array) -> Array:
    # Unlike exp, tanh does not overflow.
    return np.asarray(np.float32(0.5) * np.tanh(np.float32(0.5) * x) + np.float32(0.5))


def silu(x: Array) -> Array:
    return x * sigmoid(x)
