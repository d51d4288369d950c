"""The lip-reading loss on the built-in head: what it sees, and where its gradients lead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.articulation import CHANNELS  # noqa: E402
from slp_mouthing.errors import InputError  # noqa: E402
from slp_mouthing.lipreading.checkpoint import load_reader  # noqa: E402
from slp_mouthing.training.augment import AugmentOptions  # noqa: E402
from slp_mouthing.training.batches import ArticulationTarget, Batches, BatchOptions, examples  # noqa: E402
from slp_mouthing.training.faces import vertices_m  # noqa: E402
from slp_mouthing.training.lip_reading import LipReading, subject_of  # noqa: E402
from tests.training.small_clips import clip  # noqa: E402

SHUT = CHANNELS.index("lipsShut")


@pytest.fixture(scope="module")
def reading() -> LipReading:
    return LipReading(load_reader(), frames=12)


def test_the_mesh_is_posed_exactly_and_its_gradients_are_those_of_the_shapes() -> None:
    subject = subject_of("default")
    values = torch.rand(3, len(CHANNELS), generator=torch.Generator().manual_seed(0)).requires_grad_()
    posed = subject.posed(values)
    assert np.allclose(posed.detach().numpy(), vertices_m(subject.head, values.detach().numpy()), atol=1e-6)
    posed.square().sum().backward()
    assert torch.isfinite(values.grad).all() and values.grad.abs().max() > 0


def test_the_truth_reads_like_itself_and_lips_that_stop_short_do_not(reading: LipReading) -> None:
    one = replace(clip(0), identity="default")
    truth = torch.from_numpy(np.array(one.truth()))
    torch.manual_seed(0)
    assert reading(truth, one).item() == pytest.approx(0, abs=1e-4)
    short = truth.clone()
    short[:, SHUT] *= 0.5
    short.requires_grad_()
    torch.manual_seed(0)
    loss = reading(short, one)
    assert loss.item() > 1e-3
    loss.backward()
    closing = truth[:, SHUT] > 0.9
    assert closing.any()
    assert short.grad[closing, SHUT].sum().item() < 0, "more closure reads better"


def test_a_clip_in_which_nobody_speaks_is_read_against_a_mouth_at_rest(reading: LipReading) -> None:
    one = replace(clip(0), identity="default")
    alone = BatchOptions(augmentation=AugmentOptions(noise_alone=1.0), clips=1)
    silent = Batches(list(examples([one], ArticulationTarget((30.0,)))), alone)(0, strength=1.0)
    torch.manual_seed(0)
    reading(torch.from_numpy(np.array(one.truth())), one)
    torch.manual_seed(0)
    assert reading(silent.motion[0], silent.clips[0]).item() == pytest.approx(0, abs=1e-4)


def test_what_has_no_true_motion_is_refused(reading: LipReading) -> None:
    captured = replace(clip(0), phones=(), neutral_m=np.zeros((4, 3), np.float32))
    with pytest.raises(InputError, match=r"captured data, whose people are drawn by their avatars; give .*--avatars DIR"):
        reading(torch.zeros(20, len(CHANNELS)), captured)
