"""A head on a body: one mesh without gaps, faces that speak wherever the head turns, and pictures that show both."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.avatar.binding import together
from slp_mouthing.avatar.default import AvatarOptions, body_avatar, default_avatar
from slp_mouthing.avatar.faraway import from_afar
from slp_mouthing.avatar.splats import lit_avatar
from slp_mouthing.figure.reach import Reach, arm_turns
from slp_mouthing.figure.turns import pose_rotations
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.identities import IDENTITIES
from slp_mouthing.render.camera import orbit, signing
from slp_mouthing.render.gaussians import CapturedDrawable, LitDrawable
from slp_mouthing.render.joined import JoinedDrawable
from slp_mouthing.render.lit_signer import LitSigner, rigid_motion
from slp_mouthing.render.mesh import draw_mesh
from slp_mouthing.render.scene import MeshRenderer
from slp_mouthing.signer import Signer, make_signer
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, JointMotion

if TYPE_CHECKING:
    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.types import Array

Pose = dict[str, tuple[float, float, float]]
HANDS_UP: Pose = {
    name: tuple(turn)  # type: ignore[misc]
    for side in ("left", "right")
    for name, turn in arm_turns(side, Reach((150, -300, 320), (0, 1, 0), (0, 0, 1))).items()
}


@pytest.fixture(scope="module")
def signer() -> Signer:
    return make_signer(load_builtin())


@pytest.fixture(scope="module")
def lit(signer: Signer) -> LitSigner:
    return LitSigner(signer)


def _motion(signer: Signer, *poses: Pose) -> JointMotion:
    return JointMotion(30.0, np.stack([pose_rotations(p) for p in poses]), signer.skeleton.joints_m[0].astype(np.float32))


def _posed(signer: Signer, pose: Pose, **controls: float) -> Array:
    weights = np.zeros((1, 52), np.float32)
    for name, weight in controls.items():
        weights[0, ARKIT_NAMES.index(name)] = weight
    return signer.moved(signer.pose(weights, np.zeros((1, len(TONGUE_NAMES)), np.float32)), _motion(signer, pose))[0]


def test_the_face_is_the_heads_own(signer: Signer) -> None:
    head = signer.head
    weights = np.full((1, 52), 0.3, np.float32)
    face, whole = (h.pose(weights, np.zeros((1, 6), np.float32))[0] for h in (head, signer))
    kept = head.triangles[signer.kept_triangles]
    np.testing.assert_array_equal(whole[signer.triangles[: len(kept)]], face[kept])
    for name in ("chin", "lip_upper_mid", "eye_left"):
        np.testing.assert_array_equal(whole[signer.landmarks[name]], face[head.landmarks[name]])
    assert not np.any(signer.target("jawOpen")[signer.body_from :])


def test_clothes_of_the_head_give_way_to_the_bodys(signer: Signer) -> None:
    cloth = signer.triangles[signer.regions == signer.region_names.index("cloth")]
    assert cloth.min() >= signer.body_from


@pytest.mark.parametrize("name", ["default", "willow", "rowan"])
@pytest.mark.parametrize("turn", [(0.45, 0, 0), (-0.4, 0, 0), (0, 0.9, 0), (0.1, -0.9, 0.1), (0, 0, 0.4)])
def test_nothing_shows_through_the_neck(name: str, turn: tuple[float, float, float]) -> None:
    signer = make_signer(load_builtin(IDENTITIES[name]))
    half = tuple(0.5 * a for a in turn)
    vertices = _posed(signer, {"neck": half, "head": half})  # type: ignore[dict-item]
    white = np.ones_like(vertices)
    for yaw in (0, 45, 90, 180, -60):
        camera = orbit((0, -0.15, -0.02), yaw_deg=yaw, pitch_deg=5, distance_m=2, span_m=0.2, width=80, height=80)
        alpha = draw_mesh(vertices, signer.triangles, white, camera)[1]
        assert alpha[20:, 34:46].min() == 1, f"a gap, seen from {yaw} degrees"


def test_where_no_joint_is_turned_the_hands_are_where_smplx_has_them(signer: Signer) -> None:
    vertices = _posed(signer, {})
    assert np.ptp(vertices[:, 0]) > 1.6


def test_a_rigid_motion_is_found_again() -> None:
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(0)
    points, turn = rng.normal(size=(12, 3)), Rotation.from_rotvec((0.3, -0.8, 0.2))
    found = rigid_motion(turn.apply(points) + np.array([1, 2, 3]), points)
    np.testing.assert_allclose(found[:, :3], turn.inv().as_matrix(), atol=1e-6)


def test_mouth_and_eyes_are_shaded_alike_wherever_the_head_turns(lit: LitSigner, signer: Signer) -> None:
    straight, bowed = (lit.at(_posed(signer, {"head": turn}, jawOpen=0.5)) for turn in ((0.0, 0.0, 0.0), (0.5, 0.4, 0.1)))
    np.testing.assert_allclose(straight.face[:3], bowed.face[:3], atol=2e-4)


def test_a_hand_casts_a_shadow_on_the_chest(lit: LitSigner, signer: Signer) -> None:
    chest = np.linalg.norm(signer.neutral_m - (0, -0.38, 0.08), axis=1) < 0.12
    chest[: signer.body_from] = False
    down, up = (lit.at(_posed(signer, pose)).key[chest].mean() for pose in ({}, HANDS_UP))
    assert up < down - 0.05


def test_the_camera_keeps_far_reaching_hands_in_the_picture(signer: Signer) -> None:
    hands = np.array([[0.75, -0.2, 0.2], [-0.6, -0.4, 0.3]], np.float32)
    for reach, inside in ((None, False), (hands, True)):
        camera = signing(signer, 512, 640, hands_m=reach)
        seen = hands @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        x = (seen @ camera.intrinsics.T)[:, 0] / seen[:, 2]
        assert bool((x > 0).all() and (x < 512).all()) is inside


def test_mesh_and_gaussians_show_the_same_signer(lit: LitSigner, signer: Signer) -> None:
    camera = signing(signer, 128, 160)
    vertices = _posed(signer, HANDS_UP)
    # Coarse discs suffice at this size.
    gaussians = LitDrawable(together(_head_gaussians(signer), body_avatar(signer)), lit)
    image, alpha = gaussians.draw(vertices, camera)
    mesh = MeshRenderer(lit, camera, threads=1).frame(vertices).astype(float) / 255
    solid = alpha > 0.98
    assert 0.25 < solid.mean() < 0.7
    assert np.abs(image[solid] - mesh[solid]).mean() < 0.06


def test_captured_heads_join_a_body(lit: LitSigner, signer: Signer) -> None:
    """A head's Gaussians beside a body's are drawn as if they were one avatar, though each takes its colours elsewhere."""
    camera, vertices = signing(signer, 96, 120), _posed(signer, {"head": (0.0, 0.3, 0.0)})
    head, body = LitDrawable(_head_gaussians(signer), lit), LitDrawable(body_avatar(signer), lit)
    both = LitDrawable(together(_head_gaussians(signer), body_avatar(signer)), lit)
    for one, other in zip(JoinedDrawable(head, body).draw(vertices, camera), both.draw(vertices, camera), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    captured = lit_avatar(_head_gaussians(signer), head.baked_colors(vertices))
    rest = CapturedDrawable(captured, signer.triangles, _head_gaussians(signer).rest_shape)
    _, alpha = JoinedDrawable(rest, body).draw(vertices, camera)
    # Captured Gaussians are not left out where they face away: outlines differ a little.
    assert np.abs(alpha - both.draw(vertices, camera)[1]).mean() < 0.01


def test_from_afar_only_fine_hair_grows_fainter(signer: Signer) -> None:
    avatar = default_avatar(signer.head, AvatarOptions(density=0.5))
    far = from_afar(avatar, signer.head.neutral_m, signer.head.triangles, px_per_m=500)
    lash = avatar.material == avatar.material_names.index("lash")
    skin = avatar.material == avatar.material_names.index("skin")
    assert np.all(far.opacity[lash] < avatar.opacity[lash])
    np.testing.assert_array_equal(far.opacity[skin], avatar.opacity[skin])


@lru_cache
def _head_gaussians(signer: Signer) -> Avatar:
    head = default_avatar(signer.head, AvatarOptions(density=0.5, strands=False))
    return head.rebound(np.where(signer.kept_triangles, np.cumsum(signer.kept_triangles) - 1, -1))


def test_a_dark_skinned_signer_wears_light_cloth() -> None:
    hazel = IDENTITIES["hazel"]
    dark = replace(hazel, look=replace(hazel.look, garment_color=(0.05, 0.05, 0.05)))
    signer = make_signer(load_builtin(dark))
    cloth = signer.colors[signer.triangles[signer.regions == signer.region_names.index("cloth")]].mean((0, 1))
    assert cloth.min() > 0.3
