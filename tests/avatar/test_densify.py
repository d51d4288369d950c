"""How the number of Gaussians changes, and what must stay."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from slp_mouthing.avatar.densify import Density, DensityOptions, change_density, reset_opacity, worth_keeping  # noqa: E402
from slp_mouthing.avatar.trainable import Rates, Start, Trainable  # noqa: E402

FACES = 12


def make(seed: int = 0) -> Trainable:
    """One Gaussian per face after a step of Adam, so that there are moments."""
    gaussians = Trainable.on_triangles(FACES, Start(), Rates(), "cpu")
    generator = torch.Generator().manual_seed(seed)
    sum((t * torch.randn(t.shape, generator=generator)).sum() for t in gaussians.parameters.values()).backward()
    gaussians.step(0)
    return gaussians


def moments(gaussians: Trainable, name: str) -> torch.Tensor:
    return gaussians.adam.state[gaussians[name]]["exp_avg"]


def test_small_ones_are_doubled_and_large_ones_split() -> None:
    gaussians = make()
    pull, scales = torch.zeros(FACES), torch.full((FACES, 3), 0.001)
    pull[[2, 5]] = 1.0
    scales[5] = 0.05
    before = {name: t.detach().clone() for name, t in gaussians.parameters.items()}
    change_density(gaussians, pull, scales, DensityOptions(), seed=1)
    counts = torch.bincount(gaussians.binding, minlength=FACES)
    assert counts.tolist() == [2 if face in (2, 5) else 1 for face in range(FACES)]
    twins = gaussians["position"][gaussians.binding == 2]
    assert torch.equal(twins[0], twins[1]) and torch.equal(twins[0], before["position"][2])
    halves = gaussians["log_scale"][gaussians.binding == 5]
    assert torch.allclose(halves, before["log_scale"][5] - torch.tensor(1.6).log())
    assert not torch.equal(*gaussians["position"][gaussians.binding == 5])


def test_moments_follow_their_gaussians() -> None:
    gaussians = make()
    of_face = {int(b): m.clone() for b, m in zip(gaussians.binding, moments(gaussians, "sh_rest"), strict=True)}
    pull = torch.zeros(FACES)
    pull[3] = 1.0
    change_density(gaussians, pull, torch.full((FACES, 3), 0.001), DensityOptions(), seed=1)
    found = moments(gaussians, "sh_rest")
    assert len(found) == len(gaussians) == FACES + 1
    for row, face in enumerate(gaussians.binding[:FACES].tolist()):
        assert torch.equal(found[row], of_face[face])
    assert found[FACES:].abs().max() == 0
    gaussians["position"].sum().backward()
    gaussians.step(0.5)


def test_no_more_than_allowed() -> None:
    gaussians = make()
    change_density(gaussians, torch.ones(FACES), torch.ones(FACES, 3), DensityOptions(max_gaussians=FACES + 3), seed=0)
    assert len(gaussians) == FACES


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0, 1)), min_size=1, max_size=40), st.floats(0, 1.1))
def test_pruning_leaves_one_on_every_face(rows: list[tuple[int, float]], limit: float) -> None:
    binding, opacity = torch.tensor([face for face, _ in rows]), torch.tensor([o for _, o in rows])
    kept = worth_keeping(opacity, binding, limit)
    assert set(binding[kept].tolist()) == set(binding.tolist())
    assert bool(kept[opacity >= limit].all())
    for face in set(binding[~kept].tolist()):
        assert opacity[(binding == face) & ~kept].max() <= opacity[(binding == face) & kept].max()


def test_faint_gaussians_go_and_faces_keep_theirs() -> None:
    gaussians = make()
    gaussians.select(torch.arange(FACES).repeat(2))
    gaussians.overwrite("opacity_logit", torch.full((2 * FACES,), -9.0))
    change_density(gaussians, torch.zeros(2 * FACES), torch.full((2 * FACES, 3), 0.001), DensityOptions(), seed=0)
    assert sorted(gaussians.binding.tolist()) == list(range(FACES))


def test_reset_makes_clear_and_forgets_the_moments() -> None:
    gaussians = make()
    reset_opacity(gaussians)
    assert float(gaussians["opacity_logit"].detach().sigmoid().max()) == pytest.approx(0.01)
    assert moments(gaussians, "opacity_logit").abs().max() == 0


def test_pull_counts_pictures_in_which_a_gaussian_is_seen() -> None:
    density, means = Density(2, "cpu"), torch.tensor([[0.0, 0, 2], [0, 0, 4]])
    gradient = torch.tensor([[3.0, 4, 100], [0, 0, 0]])
    density.note(gradient, means, torch.eye(4), focal_px=100.0, side_px=50)
    density.note(torch.zeros(2, 3), means, torch.eye(4), focal_px=100.0, side_px=50)
    # Across the line of sight 5 per metre; a pixel is 2 / 100 m, half a picture 25 pixels.
    assert density.mean_pull.tolist() == pytest.approx([2.5, 0])


def test_shorter_runs_keep_the_shares() -> None:
    full, short = DensityOptions.schedule(600_000), DensityOptions.schedule(120_000)
    assert (full.first, full.every, full.reset_every) == (10_000, 2_000, 60_000)
    assert (short.first, short.every, short.reset_every) == (2_000, 400, 12_000)
