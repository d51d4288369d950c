"""Bound Gaussians on a posed mesh, half a turn for viewers, and light baked into harmonics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from slp_mouthing.avatar.binding import Avatar, triangle_frames
from slp_mouthing.avatar.splats import SH_C0, Splats, lit_avatar, lit_splats
from slp_mouthing.errors import HeadError
from slp_mouthing.render.harmonics import harmonic_colors

from .conftest import make_avatar


def covariances(splats: Splats) -> np.ndarray:
    axes = Rotation.from_quat(splats.rotation_wxyz, scalar_first=True).as_matrix() * np.exp(splats.log_scale[:, None, :])
    return axes @ axes.transpose(0, 2, 1)


def test_baked_as_the_convention_says(mesh):
    vertices, triangles = mesh
    avatar = make_avatar()
    rotation, scale, center = (a[avatar.binding].astype(np.float64) for a in triangle_frames(vertices, triangles))
    frame = avatar.on_mesh(vertices, triangles)
    expected = scale[:, None] * np.einsum("nij,nj->ni", rotation, avatar.local.position) + center
    np.testing.assert_allclose(frame.position, expected, atol=1e-7)
    # Deviations of an axis are numbered anew; the ellipsoid is the same.
    turned = rotation @ covariances(avatar.local) @ rotation.transpose(0, 2, 1) * (scale**2)[:, None, None]
    np.testing.assert_allclose(covariances(frame), turned, atol=2e-6 * turned.max())
    np.testing.assert_array_equal(frame.opacity_logit, avatar.local.opacity_logit)
    np.testing.assert_array_equal(frame.sh, avatar.sh)


def test_baked_frame_is_what_the_renderer_gets(mesh):
    avatar = make_avatar()
    means, quats, scales = avatar.to_world(*mesh)
    frame = avatar.on_mesh(*mesh)
    np.testing.assert_array_equal(frame.position, means)
    np.testing.assert_array_equal(frame.rotation_wxyz, quats)
    np.testing.assert_allclose(np.exp(frame.log_scale), scales, rtol=1e-5)


def test_a_mesh_without_the_triangle_is_refused(mesh):
    vertices, triangles = mesh
    with pytest.raises(HeadError, match="triangle 11, and the mesh has 5"):
        make_avatar().to_world(vertices, triangles[:5])


def test_opacity_is_the_logistic_function():
    logits = np.float32([-200, -3, 0, 2, 200])
    splats = Splats(np.zeros((5, 3)), np.ones((5, 4)), np.zeros((5, 3)), logits, np.zeros((5, 1, 3)))
    np.testing.assert_allclose(splats.opacity, [0, 1 / (1 + np.exp(3)), 0.5, 1 / (1 + np.exp(-2)), 1], atol=1e-7)


@pytest.mark.parametrize("degree", range(4))
def test_half_a_turn_keeps_the_picture(degree):
    splats, turn = make_avatar(degree=degree).local, np.diag([1.0, -1, -1])
    flipped = splats.to_y_down()
    np.testing.assert_array_equal(flipped.position, splats.position * [1, -1, -1])
    np.testing.assert_allclose(covariances(flipped), turn @ covariances(splats) @ turn, atol=1e-5)
    camera = np.float32([0.3, -2, 5])
    before, after = np.empty_like(splats.position), np.empty_like(splats.position)
    harmonic_colors(splats.position, splats.sh, camera, before)
    harmonic_colors(flipped.position, flipped.sh, camera * np.float32([1, -1, -1]), after)
    np.testing.assert_allclose(after, before, atol=1e-5)


def lit(mesh) -> tuple[Avatar, np.ndarray]:
    from slp_mouthing.avatar.binding import triangle_shapes

    local, binding = make_avatar().local, make_avatar().binding
    rng = np.random.default_rng(1)
    avatar = Avatar(
        binding, local.position, local.rotation_wxyz, local.log_scale, np.linspace(0, 1, 40, dtype=np.float32), local.position,
        np.zeros(40, np.uint8), ("skin",), triangle_shapes(*mesh)[binding],
    )  # fmt: skip
    return avatar, rng.uniform(0, 1, (40, 3)).astype(np.float32)


def test_light_is_baked_into_the_constant_harmonic(mesh):
    avatar, colors = lit(mesh)
    vertices = mesh[0] * np.float32([1.3, 0.8, 1])
    frame = lit_splats(avatar, colors, vertices, mesh[1])
    np.testing.assert_allclose(0.5 + SH_C0 * frame.sh[:, 0], colors, atol=1e-6)
    np.testing.assert_allclose(frame.opacity, avatar.opacity, atol=2e-6)
    # Frames follow the stretch of the skin, as the avatar itself does.
    np.testing.assert_array_equal(frame.position, avatar.to_world(vertices, mesh[1])[0])


def test_an_avatar_for_the_fields_tools_is_equal_at_rest(mesh):
    avatar, colors = lit(mesh)
    frame, expected = lit_avatar(avatar, colors).on_mesh(*mesh), lit_splats(avatar, colors, *mesh)
    assert frame.sh_degree == 3
    np.testing.assert_allclose(frame.position, expected.position, atol=1e-6)
    assert not frame.sh[:, 1:].any()
