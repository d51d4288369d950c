"""The kernels' gradients against central differences of the plain twin, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slp_mouthing.render.reference import rasterize_reference

from .conftest import Scene, make_scene

torch = pytest.importorskip("torch")

STEP = 1e-6


def _loss(scene: Scene, d_image: Any, d_alpha: Any, **changes: Any) -> float:
    image, alpha = rasterize_reference(**scene.arguments(**changes))
    return float((image * d_image).sum() + (alpha * d_alpha).sum())


def _gradients(scene: Scene, d_image: Any, d_alpha: Any) -> dict[str, Any]:
    from slp_mouthing.render import rasterize

    leaves = {k: torch.tensor(v, dtype=torch.float32, requires_grad=True) for k, v in scene.gaussians.items() if v is not None}
    camera = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in scene.camera.items()}
    image, alpha = rasterize(**{"colors": None, **leaves}, **camera)
    ((image * torch.tensor(d_image)).sum() + (alpha * torch.tensor(d_alpha)).sum()).backward()
    return {k: leaf.grad.numpy() for k, leaf in leaves.items()}


@pytest.mark.parametrize("harmonics", [0, 4, 9, 16])
@pytest.mark.parametrize("seed", [0, 1])
def test_equal_central_differences(harmonics: int, seed: int) -> None:
    scene = make_scene(count=14, width=21, height=18, seed=seed, harmonics=harmonics)
    scene.gaussians["scales"] *= 1.5
    rng = np.random.default_rng(seed)
    d_image, d_alpha = rng.normal(size=(18, 21, 3)), rng.normal(size=(18, 21))
    gradients = _gradients(scene, d_image, d_alpha)
    for name, gradient in gradients.items():
        values = scene.gaussians[name]
        expected = np.zeros_like(values)
        for index in np.ndindex(values.shape):
            changed = [values.copy(), values.copy()]
            changed[0][index] += STEP
            changed[1][index] -= STEP
            high, low = (_loss(scene, d_image, d_alpha, **{name: v}) for v in changed)
            expected[index] = (high - low) / (2 * STEP)
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max(), err_msg=name)
