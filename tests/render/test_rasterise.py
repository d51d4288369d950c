from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slp_mouthing.render import rasterize_numpy
from slp_mouthing.render.binning import FIELDS, bin_tiles
from slp_mouthing.render.reference import rasterize_reference

from .conftest import Scene, make_scene


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("harmonics", [0, 1, 4, 9, 16])
def test_equals_the_plain_twin(seed: int, harmonics: int) -> None:
    scene = make_scene(seed=seed, harmonics=harmonics)
    background = np.array([0.2, 0.5, 0.9])
    expected, expected_alpha = rasterize_reference(**scene.arguments(background=background))
    image, alpha = rasterize_numpy(**scene.arguments(background=background))
    np.testing.assert_allclose(image, expected, atol=1e-5)
    np.testing.assert_allclose(alpha, expected_alpha, atol=1e-5)


def test_opaque_layers_end_a_pixel_where_the_twin_does() -> None:
    scene = make_scene(count=400, seed=3)
    scene.gaussians["opacities"] = np.full(400, 1.0)
    expected, expected_alpha = rasterize_reference(**scene.arguments())
    image, alpha = rasterize_numpy(**scene.arguments())
    np.testing.assert_allclose(image, expected, atol=1e-5)
    assert (1 - expected_alpha < 5e-3).any()
    np.testing.assert_allclose(alpha, expected_alpha, atol=1e-5)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(scene: Scene, threads: int) -> None:
    one, alpha = rasterize_numpy(**scene.arguments(threads=1))
    several, several_alpha = rasterize_numpy(**scene.arguments(threads=threads))
    np.testing.assert_array_equal(one, several)
    np.testing.assert_array_equal(alpha, several_alpha)


@pytest.mark.parametrize("name", ["means", "quats_wxyz", "scales", "opacities", "colors"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_left_out(scene: Scene, name: str, value: float) -> None:
    broken = scene.gaussians[name].copy()
    broken[7] = value
    without = {k: np.delete(v, 7, axis=0) for k, v in scene.gaussians.items()}
    image, alpha = rasterize_numpy(**scene.arguments(**{name: broken}))
    expected, expected_alpha = rasterize_numpy(**scene.arguments(**without))
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(alpha, expected_alpha)


def test_no_gaussians_give_the_background() -> None:
    scene = make_scene(count=0)
    image, alpha = rasterize_numpy(**scene.arguments(background=(0.1, 0.2, 0.3)))
    np.testing.assert_allclose(image, np.broadcast_to(np.float32([0.1, 0.2, 0.3]), image.shape))
    assert not alpha.any()


@pytest.mark.parametrize("width, height", [(0, 0), (0, 8), (1, 1), (16, 16), (17, 33)])
def test_any_size(scene: Scene, width: int, height: int) -> None:
    image, alpha = rasterize_numpy(**scene.arguments(width=width, height=height))
    assert image.shape == (height, width, 3)
    assert alpha.shape == (height, width)
    if width and height:
        expected, _ = rasterize_reference(**scene.arguments(width=width, height=height))
        np.testing.assert_allclose(image, expected, atol=1e-5)


def test_behind_the_camera_and_on_it_nothing_is_seen(scene: Scene) -> None:
    for z in (-3.0, -1.0, -0.995):
        means = np.tile([0.0, 0.0, z], (len(scene.gaussians["means"]), 1))
        view = np.eye(4)
        view[2, 3] = 1.0
        _, alpha = rasterize_numpy(**scene.arguments(means=means, world_to_camera=view))
        assert not alpha.any()


@pytest.mark.parametrize("change", [{"scales": 1e6}, {"means": 1e6}, {"scales": 0.0}, {"quats_wxyz": 0.0}, {"means": 1e30}])
def test_absurd_values_do_no_harm(scene: Scene, change: dict[str, float]) -> None:
    (name, value), = change.items()  # fmt: skip
    image, alpha = rasterize_numpy(**scene.arguments(**{name: np.full_like(scene.gaussians[name], value)}))
    assert np.isfinite(image).all()
    assert (alpha >= 0).all()
    assert (alpha <= 1).all()


@pytest.mark.parametrize(
    "change",
    [{"means": np.zeros((3, 2))}, {"means": np.zeros((3, 3))}, {"sh": np.zeros((150, 5, 3))}, {"colors": None}],
    ids=["columns", "rows", "harmonics", "no colours"],
)
def test_wrong_shapes_are_refused(scene: Scene, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|needed|give"):
        rasterize_numpy(**scene.arguments(**change))


def test_lists_hold_every_tile_that_a_gaussian_reaches_front_to_back() -> None:
    rng = np.random.default_rng(1)
    n, tiles = 60, 4
    means2d = np.float32(rng.uniform(-10, 74, (n, 2)))
    conics = np.tile(np.float32([0.1, 0.02, 0.2]), (n, 1))
    depths, opacities = np.float32(rng.uniform(0.1, 9, n)), np.float32(rng.uniform(0.01, 1, n))
    ids, packed, _, _, starts, lists = bin_tiles(means2d, conics, depths, opacities, np.ones((n, 3), np.float32), tiles, tiles)
    assert packed.shape == (len(ids), FIELDS)
    assert (np.diff(depths[ids]) >= 0).all()
    for tile in range(tiles * tiles):
        y, x = np.mgrid[0:16, 0:16] + 0.5
        d = means2d[:, None, None] - np.stack([x + tile % tiles * 16, y + tile // tiles * 16], -1)
        sigma = 0.05 * d[..., 0] ** 2 + 0.02 * d[..., 0] * d[..., 1] + 0.1 * d[..., 1] ** 2
        reached = (opacities[:, None, None] * np.exp(-sigma) >= 1 / 255).any((1, 2))
        listed = lists[starts[tile] : starts[tile + 1]]
        assert (np.diff(listed) > 0).all()
        assert set(np.flatnonzero(reached)) <= set(ids[listed])
