"""What a viewer sees of the built-in head with the default avatar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.errors import HeadError
from slp_mouthing.render.camera import VIEWS, look_at, mouth, portrait
from slp_mouthing.render.gaussians import LitDrawable, drawable
from slp_mouthing.render.lit import LitHead
from slp_mouthing.render.scene import MeshRenderer, Renderer, make_renderer
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack

if TYPE_CHECKING:
    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.head.rig import Head

SIZE = 192


@pytest.fixture(scope="module")
def lit(head: Head) -> LitHead:
    return LitHead(head)


@pytest.fixture(scope="module", params=["splat", "mesh"])
def renderer(request: pytest.FixtureRequest, lit: LitHead, avatar: Avatar) -> Any:
    camera = portrait(lit.head, SIZE, SIZE)
    return Renderer(lit, avatar, camera, threads=1) if request.param == "splat" else MeshRenderer(lit, camera, threads=1)


def _track(head: Head, frames: int, **weights: float) -> FaceTrack:
    blendshapes = np.zeros((frames, len(ARKIT_NAMES)), np.float32)
    for name, weight in weights.items():
        blendshapes[:, ARKIT_NAMES.index(name)] = weight
    zero, tongue = np.zeros((frames, 3), np.float32), np.zeros((frames, len(TONGUE_NAMES)), np.float32)
    return FaceTrack(30.0, head.name, zero, blendshapes, head.eyes_pose(blendshapes), tongue, zero[:, 0], zero[:, 0])


def _frame(renderer: Any, **weights: float) -> np.ndarray:
    return next(iter(renderer.frames(_track(renderer.head, 1, **weights)))).astype(float)


def _pixel_of(renderer: Any, vertex: int) -> tuple[int, int]:
    camera = renderer.camera
    point = camera.world_to_camera[:3, :3] @ renderer.head.neutral_m[vertex] + camera.world_to_camera[:3, 3]
    x, y, z = camera.intrinsics @ point
    return int(y / z), int(x / z)


def test_the_head_fills_the_portrait_and_the_backdrop_the_rest(renderer: Any) -> None:
    frame = _frame(renderer)
    assert frame.shape == (SIZE, SIZE, 3)
    corner, middle = frame[4, 4], frame[SIZE // 2, SIZE // 2]
    assert np.ptp(corner) < 20
    assert middle[0] > middle[1] > middle[2], "skin is warm"
    assert np.abs(frame - corner).max(2).mean() > 20


def test_skin_has_no_holes(renderer: Any) -> None:
    frame = _frame(renderer)
    y, x = _pixel_of(renderer, int(renderer.head.landmarks["nose_tip"][0]))
    cheek = frame[y - 4 : y + 8, x - 24 : x - 12]
    assert cheek.std((0, 1)).max() < 12


def test_the_mouth_opens_dark_with_teeth_and_tongue(lit: LitHead, avatar: Avatar) -> None:
    close_up = Renderer(lit, avatar, mouth(lit.head, 128, 96), threads=1)
    shut, wide = _frame(close_up), _frame(close_up, jawOpen=0.7)
    dark = wide.mean(2) < 60
    assert (shut.mean(2) < 60).mean() < 0.02
    assert dark.mean() > 0.02
    rows = np.flatnonzero(dark.any(1))
    inside = wide[rows[0] : rows[-1] + 1, 44:84]
    assert (inside.min(2) > 110).any(), "teeth"
    red = inside[..., 0] - inside[..., 1]
    assert (red > 25).mean() > 0.2, "tongue and lips"


def test_a_still_face_does_not_flicker(renderer: Any) -> None:
    frames = list(renderer.frames(_track(renderer.head, 3, mouthPucker=0.3)))
    np.testing.assert_array_equal(frames[0], frames[1])
    np.testing.assert_array_equal(frames[0], frames[2])


def test_small_movements_change_little(renderer: Any) -> None:
    before, after = _frame(renderer, jawOpen=0.200), _frame(renderer, jawOpen=0.201)
    assert np.abs(after - before).mean() < 0.15
    assert np.abs(after - before).max() < 40


def test_threads_and_single_frames_agree(lit: LitHead, avatar: Avatar) -> None:
    camera, track = portrait(lit.head, 96, 96), _track(lit.head, 4, mouthFunnel=0.5)
    alone = list(Renderer(lit, avatar, camera, threads=1).frames(track))
    together = Renderer(lit, avatar, camera, threads=3)
    for one, other in zip(alone, together.frames(track), strict=True):
        np.testing.assert_array_equal(one, other)
    pose = lit.head.pose(track.blendshapes[:1], track.tongue[:1], track.eyes_pose[:1])[0]
    np.testing.assert_array_equal(alone[0], together.frame(pose))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_sees_the_head(head: Head, view: str) -> None:
    renderer = make_renderer(head, None, size=64, view=view, style="mesh")
    frame = renderer.frame(head.neutral_m).astype(float)
    assert np.abs(frame - frame[:1, :1]).max(2).mean() > 15


def test_views_differ_by_the_side_that_faces_the_camera(head: Head) -> None:
    assert portrait(head).position_m[2] > 1
    assert VIEWS["profile"](head).position_m[0] > 1


def test_one_pass_draws_what_the_stages_draw(lit: LitHead, avatar: Avatar) -> None:
    """Binding, culling and projection fused against the same, one after the other."""
    from slp_mouthing.avatar.splats import lit_avatar
    from slp_mouthing.render import rasterize_numpy

    captured = lit_avatar(avatar, avatar.color)
    camera, vertices = portrait(lit.head, 96, 96), lit.head.neutral_m
    means, quats, scales = captured.to_world(vertices, lit.head.triangles)
    expected, expected_alpha = rasterize_numpy(
        means, quats, scales, captured.opacity, None, camera.world_to_camera, camera.intrinsics, 96, 96, sh=captured.sh
    )
    image, alpha = drawable(captured, lit).draw(vertices, camera)
    np.testing.assert_allclose(alpha, expected_alpha, atol=2e-3)
    assert np.abs(image - expected).mean() < 1e-3


@pytest.mark.parametrize("yaw_deg", [0.0, 70.0, 180.0])
def test_baked_colors_look_like_the_light_from_every_side(lit: LitHead, avatar: Avatar, yaw_deg: float) -> None:
    from slp_mouthing.avatar.splats import lit_avatar

    found = drawable(avatar, lit)
    assert isinstance(found, LitDrawable)
    colors = found.baked_colors(lit.head.neutral_m)
    assert ((colors >= 0) & (colors <= 1)).all()
    camera = portrait(lit.head, 96, 96, yaw_deg=yaw_deg)
    shown, baked = (
        Renderer(lit, gaussians, camera, threads=1).frame(lit.head.neutral_m).astype(float)
        for gaussians in (found, lit_avatar(avatar, colors))
    )
    assert np.abs(shown - baked).mean() < 4


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_mesh_that_is_not_finite_is_refused(renderer: Any, value: float) -> None:
    vertices = renderer.head.neutral_m.copy()
    vertices[100, 1] = value
    with pytest.raises(HeadError, match="not finite"):
        renderer.frame(vertices)
    with pytest.raises(HeadError, match="shape"):
        renderer.frame(vertices[:-1])


def test_collapsed_triangles_and_a_camera_in_the_head_do_no_harm(lit: LitHead, avatar: Avatar) -> None:
    flat = lit.head.neutral_m.copy()
    flat[lit.head.triangles[::3]] = flat[lit.head.triangles[::3, :1]]
    inside = look_at(lit.head.neutral_m.mean(0), (0, 0, 1), span_m=0.5, width=48, height=48)
    for camera in (portrait(lit.head, 48, 48), inside):
        for vertices in (flat, np.zeros_like(flat), lit.head.neutral_m):
            assert Renderer(lit, avatar, camera, threads=1).frame(vertices).shape == (48, 48, 3)
            assert MeshRenderer(lit, camera, threads=1).frame(vertices).shape == (48, 48, 3)


def test_an_avatar_of_another_mesh_is_refused(lit: LitHead, avatar: Avatar) -> None:
    foreign = replace(avatar, binding=avatar.binding + len(lit.head.triangles))
    with pytest.raises(HeadError, match="triangle"):
        Renderer(lit, foreign, portrait(lit.head, 48, 48))


def test_captured_colors_are_shown_as_they_are(lit: LitHead, avatar: Avatar) -> None:
    from slp_mouthing.avatar.splats import lit_avatar

    colors = np.full((len(avatar), 3), (0.2, 0.6, 0.4), np.float32)
    frame = Renderer(lit, lit_avatar(avatar, colors), portrait(lit.head, 64, 64), threads=1).frame(lit.head.neutral_m)
    np.testing.assert_allclose(frame[32, 32], 255 * np.array([0.2, 0.6, 0.4]), atol=2)
