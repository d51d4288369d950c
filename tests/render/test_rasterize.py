"""The call for torch: batches of cameras, depth, other devices, wrong requests."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from slp_mouthing.errors import MissingExtra
from slp_mouthing.render.reference import project

from .conftest import Scene, make_scene

torch = pytest.importorskip("torch")


def _tensors(scene: Scene, **changes: Any) -> dict[str, Any]:
    """Everything in single precision, but the sizes."""
    found = {k: torch.tensor(v, dtype=torch.float32) if isinstance(v, np.ndarray) else v for k, v in scene.arguments().items()}
    return {**found, **changes}


@pytest.fixture
def views(scene: Scene) -> Any:
    moved = scene.camera["world_to_camera"].copy()
    moved[0, 3] += 0.05
    return torch.tensor(np.stack([scene.camera["world_to_camera"], moved]), dtype=torch.float32)


@pytest.mark.parametrize("harmonics", [0, 9])
def test_a_batch_is_its_cameras_one_by_one(views: Any, harmonics: int) -> None:
    from slp_mouthing.render import rasterize

    scene, background = make_scene(harmonics=harmonics), torch.tensor([0.1, 0.2, 0.3])
    together = rasterize(**_tensors(scene, world_to_camera=views, background=background, depth=True))
    assert [tuple(layer.shape) for layer in together] == [(2, 37, 53, 3), (2, 37, 53), (2, 37, 53)]
    for k, view in enumerate(views):
        alone = rasterize(**_tensors(scene, world_to_camera=view, background=background, depth=True))
        for one, many in zip(alone, together, strict=True):
            torch.testing.assert_close(one, many[k], rtol=0, atol=0)


def test_gradients_of_a_batch_add_up(scene: Scene, views: Any) -> None:
    from slp_mouthing.render import rasterize

    def gradient(world_to_camera: Any) -> Any:
        means = torch.tensor(scene.gaussians["means"], dtype=torch.float32, requires_grad=True)
        image, _ = rasterize(**_tensors(scene, means=means, world_to_camera=world_to_camera))
        (image**2).sum().backward()
        return means.grad

    torch.testing.assert_close(gradient(views), gradient(views[0]) + gradient(views[1]))


def test_depth_is_where_the_gaussian_is() -> None:
    from slp_mouthing.render import rasterize

    scene = make_scene(count=1, seed=5)
    scene.gaussians["opacities"][:] = 0.9
    means = torch.tensor(scene.gaussians["means"], dtype=torch.float32, requires_grad=True)
    _, alpha, depth = rasterize(**_tensors(scene, means=means, depth=True))
    names = ("means", "quats_wxyz", "scales", "world_to_camera", "intrinsics", "width", "height")
    _, _, expected = project(*(scene.arguments()[name] for name in names))
    assert depth[alpha > 0].detach().numpy() == pytest.approx(expected[0], rel=1e-5)
    assert not depth[alpha == 0].any()
    depth[alpha > 0].mean().backward()
    np.testing.assert_allclose(means.grad[0], scene.camera["world_to_camera"][2, :3], atol=1e-3)


@pytest.mark.parametrize(
    "change, match",
    [
        ({"means": torch.zeros(150, 2)}, "expected"),
        ({"opacities": torch.zeros(150, 1)}, "expected"),
        ({"means": torch.zeros(3, 3)}, "as many"),
        ({"colors": None}, "give colors or sh"),
        ({"sh": torch.zeros(150, 5, 3)}, "sh has shape"),
        ({"world_to_camera": torch.zeros(3, 4)}, "cameras"),
        ({"world_to_camera": torch.eye(4).repeat(2, 1, 1), "intrinsics": torch.eye(3).repeat(3, 1, 1)}, "cameras"),
        ({"world_to_camera": torch.full((4, 4), torch.nan)}, "not finite"),
    ],
)
def test_wrong_requests_are_refused(scene: Scene, change: dict[str, Any], match: str) -> None:
    from slp_mouthing.render import rasterize

    with pytest.raises(ValueError, match=match):
        rasterize(**_tensors(scene, **change))


def test_gradients_stay_finite_where_gaussians_are_not(scene: Scene) -> None:
    from slp_mouthing.render import rasterize

    means = torch.tensor(scene.gaussians["means"], dtype=torch.float32)
    means[3], means[5, 1] = torch.nan, torch.inf
    means.requires_grad_()
    image, _ = rasterize(**_tensors(scene, means=means))
    image.sum().backward()
    assert torch.isfinite(image).all()
    assert torch.isfinite(means.grad).all()


def test_without_torch_the_extra_is_named() -> None:
    code = "import sys; sys.modules['torch'] = None\nfrom slp_mouthing.render import rasterize"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "slp-mouthing[torch]" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("gsplat") is not None, reason="gsplat is installed")
def test_without_gsplat_the_extra_is_named() -> None:
    from slp_mouthing.render.cuda import rasterize_cuda

    gaussians = [torch.zeros(1, 3), torch.zeros(1, 4), torch.zeros(1, 3), torch.zeros(1), torch.zeros(1, 3)]
    with pytest.raises(MissingExtra, match=r"slp-mouthing\[cuda\]"):
        rasterize_cuda(gaussians, torch.eye(4)[None], torch.eye(3)[None], 8, 8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("harmonics", [0, 16])
def test_the_gpu_agrees(harmonics: int) -> None:
    pytest.importorskip("gsplat")
    from slp_mouthing.render import rasterize

    arguments = _tensors(make_scene(harmonics=harmonics), depth=True)
    there = {k: v.cuda() if isinstance(v, torch.Tensor) else v for k, v in arguments.items()}
    for cpu, gpu in zip(rasterize(**arguments), rasterize(**there), strict=True):
        torch.testing.assert_close(gpu.cpu(), cpu, rtol=1e-3, atol=1e-3)
