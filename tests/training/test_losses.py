from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.articulation import CHANNELS, compose
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.training.controls import composed, control_basis
from slp_mouthing.training.losses import (
    ArticulationLoss,
    BasisVertexLoss,
    PerceptualLoss,
    VertexLoss,
    channel_deviations,
    quadratic_form,
    region_weights,
)
from tests.training.small_clips import batches, clip, made

if TYPE_CHECKING:
    from slp_mouthing.training.batches import MotionBatch

SHUT = CHANNELS.index("lipsShut")


@pytest.fixture(scope="module")
def batch() -> MotionBatch:
    return batches()(0)


def with_motion(batch: MotionBatch, motion: torch.Tensor) -> MotionBatch:
    return replace(batch, motion=motion)


# ---- equation 4 -----------------------------------------------------------------------------------------------------------
def test_vertex_loss_is_the_sum_of_the_paper(batch: MotionBatch) -> None:
    rng = torch.Generator().manual_seed(0)
    B, T, V = (*batch.motion.shape[:2], 5)
    true, found = torch.rand(B, T, 3 * V, generator=rng), torch.rand(B, T, 3 * V, generator=rng)
    weights = torch.rand(V, generator=rng)
    expected = 0.0
    for b, frames in enumerate(batch.speech.frames.tolist()):
        for t in range(frames):
            for v in range(V):
                apart = (found - true)[b, t, 3 * v : 3 * v + 3]
                expected += float(apart @ apart * weights[v])
    loss = VertexLoss(weights)(found, with_motion(batch, true))
    assert float(loss) == pytest.approx(expected / B, rel=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_vertices_through_a_basis_cost_what_the_vertices_do(batch: MotionBatch, seed: int) -> None:
    rng = np.random.default_rng(seed)
    basis, weights = rng.normal(size=(4, 15)).astype(np.float32), rng.random(5).astype(np.float32)
    form = quadratic_form(basis, weights)
    found, true = (torch.from_numpy(rng.normal(size=(*batch.motion.shape[:2], 4)).astype(np.float32)) for _ in range(2))
    direct = found.clone().requires_grad_()
    through = found.clone().requires_grad_()
    plain = VertexLoss(torch.from_numpy(weights))(
        direct @ torch.from_numpy(basis), with_motion(batch, true @ torch.from_numpy(basis))
    )
    quick = BasisVertexLoss(lambda _: form, lift=lambda values: values)(through, with_motion(batch, true))
    torch.testing.assert_close(quick, plain, rtol=1e-4, atol=1e-4)
    plain.backward()
    quick.backward()
    torch.testing.assert_close(through.grad, direct.grad, rtol=1e-3, atol=1e-3)


def test_padding_costs_nothing(batch: MotionBatch) -> None:
    beyond = ~batch.frame_mask[..., None]
    assert beyond.any()
    wild = batch.motion + 1e3 * beyond
    deviations = channel_deviations([example.motions[30.0] for example in made()])
    for loss in (VertexLoss(torch.ones(5)), ArticulationLoss(deviations)):
        assert float(loss(wild, batch)) == pytest.approx(float(loss(batch.motion, batch)), abs=1e-5)


def test_weights_by_region() -> None:
    head = load_builtin()
    assert (region_weights(head, adapted=False) == 1.0).all()
    weights = region_weights(head, adapted=True)
    of = {name: np.unique(head.triangles[head.regions == k]) for k, name in enumerate(head.region_names)}
    assert (weights[of["skin"]] == 1.0).all()
    assert (weights[of["tooth"]] == 0.5).all()
    assert (weights[of["pupil"]] == 0.0).all()


# ---- articulation ---------------------------------------------------------------------------------------------------------
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_composed_is_compose(seed: int) -> None:
    values = np.random.default_rng(seed).random((7, len(CHANNELS)))
    np.testing.assert_allclose(composed(torch.from_numpy(values)).numpy(), compose(values), atol=1e-12)


def test_composed_has_gradients() -> None:
    values = torch.rand(2, len(CHANNELS), dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    assert torch.autograd.gradcheck(composed, (values,))


def test_basis_moves_what_the_mouth_moves() -> None:
    head = load_builtin()
    basis = control_basis(head)
    assert basis.shape == (58, 3 * len(head.neutral_m))
    assert np.abs(basis[17]).max() > 0.005, "the jaw"
    assert not basis[0].any(), "no channel blinks"


@pytest.fixture(scope="module")
def articulation_loss() -> ArticulationLoss:
    return ArticulationLoss(channel_deviations([example.motions[30.0] for example in made()]))


def test_truth_costs_next_to_nothing(batch: MotionBatch, articulation_loss: ArticulationLoss) -> None:
    assert float(articulation_loss(batch.motion, batch)) < 0.2 * float(articulation_loss(batch.motion + 0.1, batch))


def test_beyond_the_range_is_at_its_end(batch: MotionBatch, articulation_loss: ArticulationLoss) -> None:
    """A driver clips: to overshoot a complete closure is no error, to stop short of it is one."""
    shut = batch.motion[..., SHUT] > 0.999
    assert shut.any()
    over, short = batch.motion.clone(), batch.motion.clone()
    over[..., SHUT][shut] += 0.1
    short[..., SHUT][shut] -= 0.1
    truth = float(articulation_loss(batch.motion, batch))
    assert float(articulation_loss(over, batch)) <= truth + 1e-3
    assert float(articulation_loss(short, batch)) > truth + 1e-2


def test_a_missed_closure_costs_more_than_one_made_up(batch: MotionBatch, articulation_loss: ArticulationLoss) -> None:
    shut, present = batch.motion[..., SHUT], batch.motion[..., -1]
    closed, open_ = torch.nonzero((shut > 0.999) & (present > 0.999))[0], torch.nonzero((shut < 0.001) & (present > 0.999))[0]
    missed, made_up = batch.motion.clone(), batch.motion.clone()
    missed[closed[0], closed[1], SHUT] = 0.0
    made_up[open_[0], open_[1], SHUT] = 1.0
    assert float(articulation_loss(missed, batch)) > float(articulation_loss(made_up, batch))


def test_doubt_is_best_answered_by_a_decision(batch: MotionBatch, articulation_loss: ArticulationLoss) -> None:
    """Where three of four clips with the same sound shut the lips, shut lips cost less than three quarters shut ones."""
    motion = batch.motion[:1, :1].repeat(4, 1, 1)
    motion[..., -1] = 1.0
    motion[:3, :, SHUT], motion[3:, :, SHUT] = 1.0, 0.0
    speech = batches(6, 4, pool=1)(0).speech
    four = replace(batch, motion=motion, speech=replace(speech, times_s=speech.times_s[:, :1], frames=torch.ones(4).long()))

    def cost(answer: float) -> float:
        found = motion.clone()
        found[..., SHUT] = answer
        return float(articulation_loss(found, four))

    assert cost(1.0) < cost(0.75)


# ---- equation 6 -----------------------------------------------------------------------------------------------------------
def test_perceptual_loss_adds_the_mean_of_the_clips(batch: MotionBatch) -> None:
    seen: list[tuple[str, int]] = []

    def reads(prediction: torch.Tensor, of: object) -> torch.Tensor:
        seen.append((of.name, len(prediction)))  # type: ignore[attr-defined]
        return prediction.sum() * 0.0 + len(seen)

    geometric = VertexLoss(torch.ones(5))
    loss = PerceptualLoss(geometric, reads, weight=0.5)
    found = batch.motion + 0.1
    assert float(loss(found, batch)) == pytest.approx(float(geometric(found, batch)) + 0.5 * 1.5, rel=1e-6)
    assert seen == [(c.name, n) for c, n in zip(batch.clips, batch.speech.frames.tolist(), strict=True)]
    assert len(clip().truth()) > 10
