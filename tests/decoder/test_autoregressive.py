"""The autoregressive decoder, teacher-forced: what a frame depends on, its biases, and who speaks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.decoder.autoregressive import (  # noqa: E402
    AutoregressiveDecoder,
    OneHotStyle,
    PeriodicPositions,
    StyleFromMesh,
    alignment_mask,
    temporal_bias,
)  # fmt: skip
from slp_mouthing.decoder.options import head_slopes  # noqa: E402
from tests.decoder.small_decoders import SMALL, make_decoder  # noqa: E402


def _forced(decoder: AutoregressiveDecoder, past: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return decoder(past, memory, torch.ones(1, 32))[0]


def test_a_frame_depends_on_the_past_and_its_own_memory_alone() -> None:
    decoder, past, memory = make_decoder(), torch.randn(1, 20, 9), torch.randn(1, 20, 12)
    before = _forced(decoder, past, memory)
    later, elsewhere = past.clone(), memory.clone()
    later[:, 8:] += 1.0
    elsewhere[:, 8] += 1.0
    changed_past = (_forced(decoder, later, memory) - before).abs().amax(dim=1) > 1e-6
    changed_memory = (_forced(decoder, past, elsewhere) - before).abs().amax(dim=1) > 1e-6
    assert changed_past.nonzero().min() == 9, "the true motion of a frame must not be seen in that frame"
    assert changed_memory.nonzero().flatten().tolist() == [8]


def test_several_memories_for_a_frame() -> None:
    decoder, past, memory = make_decoder(span=2), torch.randn(1, 6, 9), torch.randn(1, 12, 12)
    before = _forced(decoder, past, memory)
    memory[:, 7] += 1.0
    changed = (_forced(decoder, past, memory) - before).abs().amax(dim=1) > 1e-6
    assert changed.nonzero().flatten().tolist() == [3]
    assert alignment_mask(3, 6, 2).logical_not().nonzero()[:, 1].tolist() == [0, 1, 2, 3, 4, 5]


def test_the_bias_falls_in_steps_of_a_period() -> None:
    bias = temporal_bias(4, 65, 30)
    assert bias[:, 64, 4].tolist() == [-0.5, -0.125, -2 / 64, -2 / 256]
    assert bias[0, 64, [5, 34, 35, 64]].tolist() == [-0.25, -0.25, 0.0, 0.0]
    assert (bias[:, 3, 4:] == -math.inf).all()
    assert head_slopes(4) == (1 / 4, 1 / 16, 1 / 64, 1 / 256)


def test_positions_repeat() -> None:
    positions = PeriodicPositions(8, 5)
    placed = positions(torch.zeros(1, 12, 8))
    assert torch.equal(placed[:, 5:10], placed[:, :5]) and torch.equal(placed[:, 10:], placed[:, :2])
    assert placed[0, 1, :2].tolist() == pytest.approx([math.sin(1), math.cos(1)])


def test_before_training_a_draft_is_what_comes_out() -> None:
    decoder = AutoregressiveDecoder(replace(SMALL, draft=True)).eval()
    past, memory, draft = torch.randn(2, 7, 9), torch.randn(2, 7, 12), torch.randn(2, 7, 9)
    assert torch.equal(decoder(past, memory, torch.randn(2, 32), draft), draft)
    with pytest.raises(ValueError, match="draft"):
        decoder(past, memory, torch.randn(2, 32))


def test_every_weight_learns() -> None:
    decoder = make_decoder(draft=True, layers=2).train()
    draft = torch.randn(2, 7, 9)
    decoder(torch.randn(2, 7, 9), torch.randn(2, 7, 12), torch.randn(2, 32), draft).square().mean().backward()
    assert not [name for name, weight in decoder.named_parameters() if weight.grad is None or not weight.grad.any()]


def test_parameters_have_faceformers_names() -> None:
    names = set(make_decoder().state_dict())
    layer = "transformer_decoder.layers.0"
    attention = {f"{layer}.self_attn.in_proj_weight", f"{layer}.multihead_attn.out_proj.bias", f"{layer}.norm3.weight"}
    assert {"vertice_map.weight", "vertice_map_r.bias", "audio_feature_map.weight", "PPE.pe"} | attention <= names


def test_who_speaks() -> None:
    assert OneHotStyle(8, 16)(torch.eye(8)).shape == (8, 16)
    assert StyleFromMesh(11, 16)(torch.randn(3, 11, 3)).shape == (3, 16)
