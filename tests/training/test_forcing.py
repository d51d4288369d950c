"""What a decoder goes on from while it learns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from slp_mouthing.decoder.network import MouthingNetwork
from slp_mouthing.decoder.options import DecoderOptions
from slp_mouthing.errors import InputError
from slp_mouthing.training.forcing import Forcing
from tests.training.small_clips import SMALL, batches

if TYPE_CHECKING:
    from slp_mouthing.training.batches import MotionBatch


@pytest.fixture(scope="module")
def batch() -> MotionBatch:
    return batches()(0)


def network(draft: bool = True) -> MouthingNetwork:
    """With a past that matters: an untrained decoder's last layer is 0."""
    torch.manual_seed(1)
    made = MouthingNetwork(replace(SMALL, decoder=DecoderOptions(draft=draft, dropout=0.0)))
    assert made.decoder is not None
    torch.nn.init.normal_(made.decoder.vertice_map_r.weight, std=0.3)
    return made.eval()


@pytest.mark.parametrize("draft", [True, False])
def test_teacher_forcing_goes_on_from_the_truth(batch: MotionBatch, draft: bool) -> None:
    made = network(draft)
    found = Forcing()(made, batch, 0.5)
    torch.testing.assert_close(found, made(batch.speech, None, batch.motion))
    changed = replace(batch, motion=batch.motion + 0.5)
    other = Forcing()(made, changed, 0.5)
    torch.testing.assert_close(other[:, 0], found[:, 0])
    assert not torch.allclose(other[:, 1:], found[:, 1:])


def test_a_rolled_past_is_the_networks_own(batch: MotionBatch) -> None:
    """From its own free run a network says, without dropout, just that run again."""
    made = network()
    free = made.predict(batch.speech)
    found = Forcing(rolled=1.0)(made, batch, 0.0)
    inside = batch.frame_mask
    torch.testing.assert_close(found.clamp(0, 1)[inside], free[inside], atol=1e-4, rtol=1e-4)
    truthless = Forcing(rolled=1.0)(made, replace(batch, motion=torch.zeros_like(batch.motion)), 0.0)
    torch.testing.assert_close(truthless[inside], found[inside])


def test_sampling_grows_from_the_truth_to_the_networks_own(batch: MotionBatch) -> None:
    made = network()
    truth = Forcing()(made, batch, 0.0)
    torch.testing.assert_close(Forcing(sampled=1.0)(made, batch, 0.0), truth)
    apart = [float((Forcing(sampled=1.0)(made, batch, progress) - truth).detach().abs().mean()) for progress in (0.1, 1.0)]
    assert 0.0 < apart[0] < apart[1]


def test_gradients_reach_decoder_and_encoder(batch: MotionBatch) -> None:
    made = network()
    Forcing(sampled=0.5, rolled=0.5)(made, batch, 0.5).square().sum().backward()
    for part in (made.encoder, made.head, made.decoder):
        assert part is not None
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())


def test_without_a_decoder_there_is_no_past(batch: MotionBatch) -> None:
    made = MouthingNetwork(SMALL).eval()
    torch.testing.assert_close(Forcing(rolled=1.0)(made, batch, 0.0), made(batch.speech))


def test_shares_are_shares() -> None:
    with pytest.raises(InputError, match=r"rolled is 1\.5, allowed: 0 to 1"):
        Forcing(rolled=1.5)
