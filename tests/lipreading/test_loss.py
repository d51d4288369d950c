"""The lip-reading loss, alone and through pictures of a mesh."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from slp_mouthing.avatar.binding import Avatar  # noqa: E402
from slp_mouthing.lipreading.conformer import ConformerOptions  # noqa: E402
from slp_mouthing.lipreading.frontend import FrontendOptions  # noqa: E402
from slp_mouthing.lipreading.loss import lip_reading_loss  # noqa: E402
from slp_mouthing.lipreading.reader import ReaderOptions, SmallReader  # noqa: E402
from slp_mouthing.render.camera import look_at  # noqa: E402
from slp_mouthing.render.lip_crop import Appearance, LipCrop  # noqa: E402

CAMERA = look_at((0, 0, 0.9), (0, 0, 0), span_m=0.1, width=96, height=96)


def features(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(seed))


def test_equation_5_by_hand() -> None:
    predicted, target = features(0), features(1)
    cosines = [(p @ t / (p.norm() * t.norm())).item() for p, t in zip(predicted.flatten(0, 1), target.flatten(0, 1), strict=True)]
    assert lip_reading_loss(predicted, target).item() == pytest.approx(1 - sum(cosines) / len(cosines), abs=1e-6)


@given(st.floats(0.01, 100), st.integers(0, 1000))
def test_only_directions_count(scale: float, seed: int) -> None:
    found = features(seed)
    assert lip_reading_loss(scale * found, found).item() == pytest.approx(0, abs=1e-5)
    assert lip_reading_loss(-scale * found, found).item() == pytest.approx(2, abs=1e-5)


def test_frames_that_do_not_count() -> None:
    predicted, target, mask = features(0), features(1), torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    predicted[1, 3] = torch.nan
    kept = torch.cat([predicted[0], predicted[1, :2]]), torch.cat([target[0], target[1, :2]])
    assert lip_reading_loss(predicted, target, mask).item() == pytest.approx(lip_reading_loss(*kept).item(), abs=1e-6)


def test_gradient_goes_to_the_prediction_alone() -> None:
    predicted, target = features(0).requires_grad_(), features(1).requires_grad_()
    lip_reading_loss(predicted, target).backward()
    assert predicted.grad.abs().max() > 0 and target.grad is None


def bent_sheet(bend: float) -> np.ndarray:
    """6 x 6 vertices, 8 cm wide. [V, 3]"""
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(-0.04, 0.04, 6), np.linspace(-0.04, 0.04, 6)))
    z = 0.01 * np.cos(40 * x) + 0.013 * np.sin(50 * y) + 0.1 * x
    return np.stack([x + bend * np.sin(60 * y), y + bend * np.cos(50 * x), z], axis=1).astype(np.float32)


def blobs() -> LipCrop:
    """Forty on the sheet's triangles, large and faint, and of one colour: which lies before which makes no jumps."""
    rng, count = np.random.default_rng(0), 40
    corner = (6 * np.arange(5)[:, None] + np.arange(5)).ravel()
    triangles = np.concatenate([np.stack([corner, corner + 1, corner + 6], 1), np.stack([corner + 1, corner + 7, corner + 6], 1)])
    turned = rng.standard_normal((count, 4)).astype(np.float32)
    opacity, flat = np.full(count, 0.5, np.float32), np.zeros((0, 3), np.float32)
    avatar = Avatar(
        rng.permutation(50)[:count].astype(np.int32), np.zeros((count, 3), np.float32), turned,
        np.full((count, 3), np.log(0.6), np.float32), opacity, np.zeros((count, 3), np.float32), np.zeros(count, np.uint8),
        ("skin",), flat,
    )  # fmt: skip
    return LipCrop(avatar, Appearance(opacity, sh=np.full((count, 1, 3), 1.5, np.float32)), triangles.astype(np.int32))


def alert_reader(pictures: torch.Tensor) -> SmallReader:
    """Untrained, but its first layers are normalised to these pictures: small differences between them count."""
    torch.manual_seed(0)
    conformer = ConformerOptions(8, heads=2, feed_forward=8, layers=1, kernel=3, dropout=0.0)
    reader = SmallReader(ReaderOptions(FrontendOptions(2, 4, 5, False, (4, 8), 1, 2), conformer)).double()
    for module in reader.frontend.modules():
        if hasattr(module, "momentum"):
            module.momentum = 1.0
    reader.frontend(pictures)
    return reader.eval().requires_grad_(False)


def test_gradient_reaches_the_vertices_as_finite_differences_say() -> None:
    crop, frames = blobs(), np.arange(8)
    seen = crop(torch.from_numpy(np.stack([bent_sheet(0.004 * np.sin(t)) for t in frames])), CAMERA)[None].double()
    reader = alert_reader(seen)
    target = reader.features(seen)

    def loss(mesh: torch.Tensor) -> torch.Tensor:
        return lip_reading_loss(reader.features(crop(mesh, CAMERA)[None].double()), target)

    late = np.stack([bent_sheet(0.004 * np.sin(t + 0.7)) for t in frames])
    mesh = torch.from_numpy(late).requires_grad_()
    loss(mesh).backward()
    step, pairs, rng = 2e-4, [], np.random.default_rng(3)
    for _ in range(4):
        direction = torch.from_numpy(np.sin(late @ rng.normal(0, 50, (3, 3))).astype(np.float32))
        with torch.no_grad():
            expected = float(loss(mesh + step * direction) - loss(mesh - step * direction)) / (2 * step)
        pairs.append((float((mesh.grad * direction).sum()), expected))
    found, expected = np.array(pairs).T
    # Gaussians end at 1/255: their edge is no part of the gradient, see the crop's own tests.
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
