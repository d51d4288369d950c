"""Fitting a small recording."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.avatar.dataset import Dataset, load_dataset  # noqa: E402
from slp_mouthing.avatar.densify import DensityOptions  # noqa: E402
from slp_mouthing.avatar.fit import CHECKPOINT_FORMAT, FitOptions, FitReport, check_cameras, fit, winding  # noqa: E402
from slp_mouthing.avatar.trainable import Rates  # noqa: E402
from slp_mouthing.errors import InputError  # noqa: E402
from slp_mouthing.render.differentiable import rasterize  # noqa: E402

from .conftest import assert_same  # noqa: E402
from .fit_scene import Ball, write_recording  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.avatar.splats import SplatAvatar

QUICK = FitOptions(
    iterations=160, report_every=80, sh_every=60, rates=Rates(sh_base=0.02, sh_rest=1e-3),
    density=DensityOptions(first=40, every=40, reset_every=1000),
)  # fmt: skip


@pytest.fixture(scope="module")
def ball() -> Ball:
    return Ball.make()


@pytest.fixture(scope="module")
def recording(ball: Ball, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("recording")
    write_recording(folder, ball)
    return load_dataset(folder)


def run(recording: Dataset, ball: Ball, options: FitOptions = QUICK, **more: object) -> tuple[SplatAvatar, list[FitReport]]:
    return fit(recording.train, recording.val, ball, rasterize, options, **more)


def test_held_out_views_are_learnt(recording: Dataset, ball: Ball) -> None:
    told: list[FitReport] = []
    avatar, reports = run(recording, ball, on_report=told.append)
    assert told == reports and [r.iteration for r in reports] == [80, 160]
    first, last = reports
    assert last.val_psnr_db > max(24.0, first.val_psnr_db)
    assert last.val_ssim > 0.85
    assert set(avatar.binding.tolist()) == set(range(len(ball.triangles)))
    assert last.gaussians == len(avatar) and avatar.local.sh_degree == 3


def test_resumed_fit_is_the_uninterrupted_one(recording: Dataset, ball: Ball, tmp_path: Path) -> None:
    whole, reports = run(recording, ball)

    def stop(report: FitReport) -> None:
        # After the first checkpoint is written, as when the machine goes down.
        if report.iteration == 160:
            raise KeyboardInterrupt

    file = tmp_path / "me.fit.pt"
    with pytest.raises(KeyboardInterrupt):
        run(recording, ball, checkpoint=file, on_report=stop)
    again, resumed = run(recording, ball, checkpoint=file, resume=True)
    assert_same(again, whole)
    assert [replace(r, elapsed_s=0) for r in resumed] == [replace(r, elapsed_s=0) for r in reports]


def test_checkpoint_of_another_fit_is_refused(recording: Dataset, ball: Ball, tmp_path: Path) -> None:
    file = tmp_path / "me.fit.pt"
    short = replace(QUICK, iterations=2, report_every=2)
    run(recording, ball, short, checkpoint=file)
    with pytest.raises(InputError, match="other pictures or options"):
        run(recording, ball, replace(short, seed=5), checkpoint=file, resume=True)
    place = torch.zeros(3, requires_grad=True)

    class Corrected(Ball):
        def parameters(self) -> tuple[tuple[str, torch.Tensor, float], ...]:
            return (("place", place, 3e-4),)

    with pytest.raises(InputError, match="other pictures or options"):
        run(recording, Corrected(ball.triangles, ball.rest), short, checkpoint=file, resume=True)
    file.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="not a readable checkpoint"):
        run(recording, ball, short, checkpoint=file, resume=True)
    torch.save({"format": CHECKPOINT_FORMAT}, file)
    with pytest.raises(InputError, match="is not of the format"):
        run(recording, ball, short, checkpoint=file, resume=True)


def test_motion_is_corrected_too(recording: Dataset, ball: Ball) -> None:
    class Shifted(Ball):
        """Stands beside where it should; its place may be corrected."""

        def vertices(self, timestep: int) -> torch.Tensor:
            return super().vertices(timestep) + place

        def parameters(self) -> tuple[tuple[str, torch.Tensor, float], ...]:
            return (("place", place, 3e-4),)

    place = torch.tensor([0.004, 0.0, 0.0], requires_grad=True)
    run(recording, Shifted(ball.triangles, ball.rest), QUICK)
    assert float(place.detach()[0].abs()) < 0.003


def test_cameras_must_stand_outside(recording: Dataset, ball: Ball) -> None:
    check_cameras(recording.views, ball)
    inside = recording.train[0].world_to_camera.copy()
    inside[:3, 3] = 0
    view = replace(recording.train[0], world_to_camera=inside)
    with pytest.raises(InputError, match="camera '0' stands inside the head"):
        fit([view], [], ball, rasterize, QUICK)
    with pytest.raises(InputError, match="no frames"):
        fit([], [], ball, rasterize, QUICK)


def test_winding_tells_inside_from_outside(ball: Ball) -> None:
    corners = ball.rest[ball.triangles].astype(np.float64)
    assert winding(corners) == pytest.approx(1)
    assert winding(corners - (0.3, 0, 0)) == pytest.approx(0, abs=1e-9)
