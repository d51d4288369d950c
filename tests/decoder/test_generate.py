"""Free-running generation: the compiled loop against its plain twin, in batches, in parts, and at any length."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from slp_mouthing.decoder.generate import FoldedDecoder, reference_rollout, rollout  # noqa: E402
from tests.decoder.small_decoders import make_decoder  # noqa: E402

if TYPE_CHECKING:
    from slp_mouthing.decoder.autoregressive import AutoregressiveDecoder

VARIANTS = {
    "faceformer": {}, "spanned": {"span": 2}, "drafted": {"draft": True}, "deep": {"layers": 3, "heads": 2},
    "all": {"span": 3, "draft": True, "layers": 2, "period": 1, "heads": 8},
}  # fmt: skip
DECODERS = {name: make_decoder(**changes) for name, changes in VARIANTS.items()}


def _inputs(decoder: AutoregressiveDecoder, clips: int, frames: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
    options, source = decoder.options, torch.Generator().manual_seed(seed)
    memory = torch.randn(clips, frames * options.span, options.memory_dim, generator=source)
    style = torch.randn(clips, options.model_dim, generator=source)
    return memory, style, torch.randn(clips, frames, options.outputs, generator=source)


def _plain(decoder: AutoregressiveDecoder, memory: torch.Tensor, style: torch.Tensor, draft: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return reference_rollout(decoder, memory, style, draft)


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=8, deadline=None)
@given(lengths=st.lists(st.integers(0, 24), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_ragged_batches_equal_the_plain_twin(name: str, lengths: list[int], seed: int) -> None:
    decoder, frames, span = DECODERS[name], max(*lengths, 1), DECODERS[name].options.span
    memory, style, draft = _inputs(decoder, len(lengths), frames, seed)
    together = rollout(decoder, memory, style, torch.tensor(lengths), draft)
    assert together.shape == draft.shape
    for b, length in enumerate(lengths):
        assert not together[b, length:].any()
        if length:
            part = slice(b, b + 1)
            plain = _plain(decoder, memory[part, : length * span], style[part], draft[part, :length])[0]
            assert torch.allclose(together[b, :length], plain, atol=1e-5)
    each = list(FoldedDecoder(decoder).each(memory, style, lengths, draft))
    assert [len(motion) for motion in each] == lengths
    assert all(torch.allclose(motion, together[b, : lengths[b]], atol=1e-6) for b, motion in enumerate(each))


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 30), max_size=5))
def test_a_stream_is_the_whole(name: str, cuts: list[int]) -> None:
    decoder, span = DECODERS[name], DECODERS[name].options.span
    memory, style, draft = _inputs(decoder, 2, 30)
    stream, edges = FoldedDecoder(decoder).begin(style), [0, *sorted(cuts), 30]
    parts = [stream.push(memory[:, a * span : b * span], draft[:, a:b]) for a, b in pairwise(edges)]
    assert torch.allclose(torch.cat(parts, dim=1), rollout(decoder, memory, style, draft=draft), atol=1e-6)


def test_a_long_clip_equals_the_plain_twin() -> None:
    """Beyond the cache's first size, and beyond FaceFormer's 600 frames: positions go on."""
    decoder = make_decoder(period=30)
    memory, style, draft = _inputs(decoder, 1, 640)
    fast = rollout(decoder, memory, style)
    with torch.no_grad():
        # Teacher forcing by its own motion is free running, and one pass of the plain layers.
        forced = decoder(fast, memory, style)
    assert torch.allclose(fast, forced, atol=1e-5)
    assert torch.allclose(fast[:, :70], _plain(decoder, memory[:, :70], style, draft), atol=1e-5)


@torch.no_grad()
def test_two_steps_of_training_are_one_of_free_running() -> None:
    decoder = make_decoder()
    memory, style, _ = _inputs(decoder, 2, 5)
    motion = torch.zeros(2, 5, 9)
    for _ in range(5):
        motion = decoder(motion, memory, style)
    assert torch.allclose(motion, decoder.generate(memory, style), atol=1e-5)


def test_the_plain_twin_has_gradients_and_they_are_right() -> None:
    decoder = make_decoder().double()
    memory, style, _ = _inputs(decoder, 1, 2)
    memory = memory.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda m: reference_rollout(decoder, m, style.double()), memory)


def test_a_rollout_does_not_follow_later_training() -> None:
    decoder = make_decoder()
    memory, style, _ = _inputs(decoder, 1, 6)
    stream = FoldedDecoder(decoder).begin(style)
    first = stream.push(memory[:, :3])
    with torch.no_grad():
        decoder.transformer_decoder.layers[0].linear1.weight.zero_()
    assert torch.allclose(
        torch.cat([first, stream.push(memory[:, 3:])], dim=1), rollout(make_decoder(), memory, style), atol=1e-6
    )


def test_memory_that_does_not_fit_is_named() -> None:
    decoder = make_decoder(span=2)
    memory, style, _ = _inputs(decoder, 2, 3)
    for wrong in (memory[:1], memory[:, :5]):
        with pytest.raises(ValueError, match="memory has shape"):
            FoldedDecoder(decoder).begin(style).push(wrong)
    with pytest.raises(ValueError, match="multiples of four"):
        rollout(make_decoder(feed_forward=22), memory[:, ::2], style)


def test_large_scores_do_not_overflow() -> None:
    decoder = make_decoder()
    with torch.no_grad():
        decoder.transformer_decoder.layers[0].self_attn.in_proj_weight.mul_(30.0)
    memory, style, draft = _inputs(decoder, 1, 12)
    fast = rollout(decoder, memory, style)
    assert np.isfinite(fast.numpy()).all()
    assert torch.allclose(fast[:, :3], _plain(decoder, memory[:, :3], style, draft), atol=1e-4)


def test_threads_change_nothing() -> None:
    decoder, before = make_decoder(), torch.get_num_threads()
    memory, style, _ = _inputs(decoder, 5, 20)
    results = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(rollout(decoder, memory, style))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)
