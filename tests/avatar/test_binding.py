from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from slp_mouthing.avatar.binding import Avatar, triangle_frames, triangle_shapes

TRIANGLES = np.array([[0, 1, 2], [1, 3, 2]], np.int32)


def _avatar(vertices: np.ndarray, seed: int, *, shears: bool) -> Avatar:
    rng = np.random.default_rng(seed)
    binding = np.array([0, 1, 0, 1], np.int32)
    rotation = Rotation.random(4, rng=rng).as_quat(scalar_first=True)
    shape = triangle_shapes(vertices, TRIANGLES)[binding] if shears else np.empty((0, 3), np.float32)
    return Avatar(
        binding, rng.normal(size=(4, 3)).astype(np.float32), rotation.astype(np.float32),
        rng.normal(-1, 0.5, (4, 3)).astype(np.float32), np.ones(4, np.float32), np.ones((4, 3), np.float32),
        np.zeros(4, np.uint8), ("skin",), shape,
    )  # fmt: skip


def _vertices(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, 3)).astype(np.float32)


def _covariances(quats: np.ndarray, scales: np.ndarray) -> np.ndarray:
    axes = Rotation.from_quat(quats, scalar_first=True).as_matrix() * scales[:, None, :]
    return axes @ axes.swapaxes(1, 2)


@pytest.mark.parametrize("shears", [False, True])
def test_at_rest_follows_the_convention(shears: bool) -> None:
    vertices = _vertices(1)
    avatar = _avatar(vertices, 2, shears=shears)
    means, quats, scales = avatar.to_world(vertices, TRIANGLES)
    rotation, scale, center = (x[avatar.binding].astype(float) for x in triangle_frames(vertices, TRIANGLES))
    expected = np.einsum("nij,nj->ni", rotation, avatar.position) * scale[:, None] + center
    np.testing.assert_allclose(means, expected, atol=1e-5)
    local = _covariances(avatar.rotation_wxyz, np.exp(avatar.log_scale))
    expected_covariance = rotation @ local @ rotation.swapaxes(1, 2) * scale[:, None, None] ** 2
    np.testing.assert_allclose(_covariances(quats, scales), expected_covariance, rtol=1e-3, atol=1e-4)


def test_frames_are_rotations_with_the_normal_in_the_middle() -> None:
    vertices = _vertices(3)
    rotation, _, center = triangle_frames(vertices, TRIANGLES)
    np.testing.assert_allclose(rotation @ rotation.swapaxes(1, 2), np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, atol=1e-6)
    a, b, c = (vertices[TRIANGLES[:, k]] for k in range(3))
    assert (np.einsum("fi,fi->f", rotation[:, :, 1], np.cross(b - a, c - a)) > 0).all()
    np.testing.assert_allclose(center, vertices[TRIANGLES].mean(1), atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.booleans())
def test_rigid_motion_carries_gaussians_along(seed: int, shears: bool) -> None:
    rng = np.random.default_rng(seed)
    vertices = _vertices(seed)
    avatar = _avatar(vertices, seed, shears=shears)
    turn, shift = Rotation.random(rng=rng).as_matrix(), rng.normal(size=3)
    means, quats, scales = avatar.to_world(vertices, TRIANGLES)
    moved_means, moved_quats, moved_scales = avatar.to_world((vertices @ turn.T + shift).astype(np.float32), TRIANGLES)
    size = np.abs(means).max() + 1
    np.testing.assert_allclose(moved_means, means @ turn.T + shift, atol=1e-4 * size)
    covariance = _covariances(quats, scales)
    expected = turn @ covariance @ turn.T
    np.testing.assert_allclose(_covariances(moved_quats, moved_scales), expected, atol=2e-3 * np.abs(covariance).max())


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_discs_stretch_with_their_triangle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rest = _vertices(5)
    stretch = np.eye(3) + 0.4 * rng.normal(size=(3, 3))
    avatar = _avatar(rest, seed, shears=True)
    # Flat discs on the surface: their third axis is the triangle's normal.
    half = rng.uniform(0, np.pi, 4) / 2
    turn = np.stack([np.cos(half), 0 * half, np.sin(half), 0 * half], axis=1)
    swap = Rotation.from_euler("x", 90, degrees=True)
    flat = (Rotation.from_quat(turn, scalar_first=True) * swap).as_quat(scalar_first=True)
    position = avatar.position * (1, 0, 1)
    log_scale = np.where([True, True, False], avatar.log_scale, -14)
    avatar = replace(
        avatar,
        position=position.astype(np.float32),
        rotation_wxyz=flat.astype(np.float32),
        log_scale=log_scale.astype(np.float32),
    )
    means, quats, scales = avatar.to_world(rest, TRIANGLES)
    moved_means, moved_quats, moved_scales = avatar.to_world((rest @ stretch.T).astype(np.float32), TRIANGLES)
    np.testing.assert_allclose(moved_means, means @ stretch.T, atol=1e-4 * (1 + np.abs(means).max()))
    covariance = _covariances(quats, scales)
    expected = stretch @ covariance @ stretch.T
    np.testing.assert_allclose(_covariances(moved_quats, moved_scales), expected, atol=2e-3 * np.abs(expected).max())


def test_a_collapsed_triangle_gives_finite_numbers() -> None:
    vertices = _vertices(6)
    for shears in (False, True):
        avatar = _avatar(vertices, 6, shears=shears)
        assert all(np.isfinite(x).all() for x in avatar.to_world(np.zeros_like(vertices), TRIANGLES))


def test_a_triangle_that_is_a_point_at_rest_has_no_shape() -> None:
    vertices = _vertices(6)
    vertices[TRIANGLES[0]] = vertices[TRIANGLES[0, 0]]
    shapes = triangle_shapes(vertices, TRIANGLES)
    assert np.isfinite(shapes).all() and not shapes[0].any() and shapes[1].any()
