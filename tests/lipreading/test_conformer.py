"""Attention and convolution over time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from slp_mouthing.lipreading.conformer import (  # noqa: E402
    Conformer,
    ConformerLayer,
    ConformerOptions,
    by_distance,
    relative_positions,
)

OPTIONS = ConformerOptions(dim=8, heads=2, feed_forward=12, layers=2, kernel=5, dropout=0.1)
LENGTH = 7


def shaken(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Every weight and every running statistic of some size."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator) * 0.4
            tensor.copy_(noise.abs() + 0.5 if name.endswith(("running_var", "norm.weight")) else noise)
    return module.eval()


def plain_layer(weights: dict[str, torch.Tensor], hidden: torch.Tensor) -> torch.Tensor:
    """The layer frame by frame, head by head, straight from the papers. [T, D] -> [T, D]"""

    def affine(name: str, x: torch.Tensor) -> torch.Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normed(name: str, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def feed_forward(name: str, x: torch.Tensor) -> torch.Tensor:
        return affine(f"{name}.w_2", affine(f"{name}.w_1", x).clamp(min=0))

    def position(distance: int) -> torch.Tensor:
        rates = [10000 ** (-2 * (k // 2) / OPTIONS.dim) for k in range(OPTIONS.dim)]
        return torch.tensor([(math.cos if k % 2 else math.sin)(distance * rate) for k, rate in enumerate(rates)])

    def attention(x: torch.Tensor) -> torch.Tensor:
        width, heads = OPTIONS.dim // OPTIONS.heads, []
        query, key, value = (affine(f"self_attn.linear_{part}", x) for part in "qkv")
        for head in range(OPTIONS.heads):
            own = slice(head * width, (head + 1) * width)
            u, v = (weights[f"self_attn.pos_bias_{part}"][head] for part in "uv")
            scores = torch.zeros(len(x), len(x))
            for i in range(len(x)):
                for j in range(len(x)):
                    place = (weights["self_attn.linear_pos.weight"] @ position(i - j))[own]
                    scores[i, j] = ((query[i, own] + u) @ key[j, own] + (query[i, own] + v) @ place) / math.sqrt(width)
            heads.append(scores.softmax(-1) @ value[:, own])
        return affine("self_attn.linear_out", torch.cat(heads, dim=-1))

    def convolution(x: torch.Tensor) -> torch.Tensor:
        def pointwise(name: str, y: torch.Tensor) -> torch.Tensor:
            return y @ weights[f"conv_module.{name}.weight"][:, :, 0].T + weights[f"conv_module.{name}.bias"]

        value, gate = pointwise("pointwise_cov1", x).chunk(2, dim=-1)
        gated, reach = value * gate.sigmoid(), OPTIONS.kernel // 2
        kernel, mixed = weights["conv_module.depthwise_conv.weight"][:, 0], []
        for t in range(len(x)):
            taps = [gated[t + k - reach] * kernel[:, k] for k in range(OPTIONS.kernel) if 0 <= t + k - reach < len(x)]
            mixed.append(torch.stack(taps).sum(0) + weights["conv_module.depthwise_conv.bias"])
        norm = {part: weights[f"conv_module.norm.{part}"] for part in ("running_mean", "running_var", "weight", "bias")}
        y = (torch.stack(mixed) - norm["running_mean"]) / (norm["running_var"] + 1e-5).sqrt() * norm["weight"] + norm["bias"]
        return pointwise("pointwise_cov2", y * y.sigmoid())

    hidden = hidden + 0.5 * feed_forward("feed_forward_macaron", normed("norm_ff_macaron", hidden))
    hidden = hidden + attention(normed("norm_mha", hidden))
    hidden = hidden + convolution(normed("norm_conv", hidden))
    hidden = hidden + 0.5 * feed_forward("feed_forward", normed("norm_ff", hidden))
    return normed("norm_final", hidden)


def test_layer_is_the_plain_one() -> None:
    layer = shaken(ConformerLayer(OPTIONS))
    hidden = torch.randn(2, LENGTH, OPTIONS.dim, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = layer(hidden, relative_positions(LENGTH, OPTIONS.dim), None)
        expected = torch.stack([plain_layer(layer.state_dict(), clip) for clip in hidden])
    assert torch.allclose(found, expected, atol=1e-5)


def test_layer_has_the_gradients_of_the_plain_one() -> None:
    layer = shaken(ConformerLayer(OPTIONS)).requires_grad_(False)
    weights = torch.randn(LENGTH, OPTIONS.dim, generator=torch.Generator().manual_seed(2))
    hidden = torch.randn(1, LENGTH, OPTIONS.dim, generator=torch.Generator().manual_seed(1))
    fast, plain = hidden.clone().requires_grad_(), hidden.clone().requires_grad_()
    (layer(fast, relative_positions(LENGTH, OPTIONS.dim), None)[0] * weights).sum().backward()
    (plain_layer(layer.state_dict(), plain[0]) * weights).sum().backward()
    assert torch.allclose(fast.grad, plain.grad, atol=1e-4 * float(plain.grad.abs().max()))


def test_encoder_scales_its_input_and_normalises_its_output() -> None:
    encoder = shaken(Conformer(OPTIONS))
    hidden = torch.randn(1, LENGTH, OPTIONS.dim, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = math.sqrt(OPTIONS.dim) * hidden[0]
        for layer in encoder.encoders:
            expected = plain_layer(layer.state_dict(), expected)
        expected = torch.nn.functional.layer_norm(
            expected, (OPTIONS.dim,), encoder.after_norm.weight, encoder.after_norm.bias, 1e-12
        )
        assert torch.allclose(encoder(hidden)[0], expected, atol=1e-4)


@pytest.mark.parametrize("length", [1, 3, LENGTH])
def test_frames_beyond_a_clip_change_nothing(length: int) -> None:
    encoder = shaken(Conformer(OPTIONS))
    hidden = torch.randn(1, LENGTH, OPTIONS.dim, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        padded = encoder(hidden, torch.arange(LENGTH)[None] < length)
        alone = encoder(hidden[:, :length])
    assert torch.allclose(padded[:, :length], alone, atol=1e-5)


@given(st.integers(1, 9), st.integers(0, 2**31))
def test_scores_by_distance_come_to_their_keys(length: int, seed: int) -> None:
    scores = torch.randn(2, length, 2 * length - 1, generator=torch.Generator().manual_seed(seed))
    found = by_distance(scores)
    for i in range(length):
        for j in range(length):
            assert torch.equal(found[:, i, j], scores[:, i, length - 1 - i + j])
