"""The half body: a sound mesh, joints that mean what SMPL-X's do, and skin that keeps its shape where they turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from slp_mouthing.figure.contrast import LEAST, contrast, contrasting
from slp_mouthing.figure.half_body import HalfBodyOptions, build_half_body
from slp_mouthing.figure.hand import hand_surface
from slp_mouthing.figure.handshapes import SHAPES, hand_pose
from slp_mouthing.figure.pullover import pullover_surface
from slp_mouthing.figure.reach import Reach, arm_turns
from slp_mouthing.figure.skeleton import SKELETON, SMPLX_BODY, SMPLX_HAND
from slp_mouthing.figure.skinning import carried, carried_plainly, joint_places, motions
from slp_mouthing.figure.turns import joint_rotations, pose_rotations

if TYPE_CHECKING:
    from slp_mouthing.figure.half_body import HalfBody
    from slp_mouthing.types import Array

SMPLX_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)


@pytest.fixture(scope="module")
def body() -> HalfBody:
    return build_half_body(HalfBodyOptions())


def _edges(quads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges, and how many faces each has."""
    ends = np.sort(np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
    return np.unique(ends, axis=0, return_counts=True)


def _posed(body: HalfBody, pose: dict[str, tuple[float, float, float]]) -> Array:
    places = joint_places(SKELETON, pose_rotations(pose)[None])
    return carried(body.vertices_m, body.binding, motions(body.binding, places)[0])


def _places(pose: dict[str, tuple[float, float, float]]) -> dict[str, np.ndarray]:
    return dict(zip(SKELETON.names, joint_places(SKELETON, pose_rotations(pose)[None])[0], strict=True))


def test_the_pullover_is_closed_and_symmetric() -> None:
    points, quads = pullover_surface()
    assert set(_edges(quads)[1]) == {2}
    mirrored = points * (-1, 1, 1)
    assert max(np.abs(points - p).sum(1).min() for p in mirrored[::37]) < 0.5


def test_the_hand_is_open_at_the_wrist_alone() -> None:
    points, quads = hand_surface()
    edges, faces = _edges(quads)
    assert set(faces) == {1, 2}
    assert points[edges[faces == 1], 0].max() < -50, "the open border lies in the sleeve"


def test_every_vertex_is_carried_by_up_to_four_joints(body: HalfBody) -> None:
    assert body.binding.joints.shape == (len(body.vertices_m), 4)
    np.testing.assert_allclose(body.binding.weights.sum(1), 1, atol=1e-6)
    assert body.binding.weights.min() >= 0


def test_at_the_zero_pose_arms_point_sideways_and_palms_down(body: HalfBody) -> None:
    vertices = _posed(body, {})
    hands = np.ptp(vertices[:, 0])
    assert 1.6 < hands < 1.9, "arm span of an adult"
    left = vertices[vertices[:, 0] > 0.72]
    assert np.ptp(left[:, 1]) < 0.08, "the hand lies flat"
    assert _places({})["left_thumb3"][2, 3] > _places({})["left_middle1"][2, 3], "thumbs point forwards"


def test_in_the_pose_in_which_it_was_made_nothing_moves(body: HalfBody) -> None:
    steps = motions(body.binding, body.binding.places[None])[0]
    np.testing.assert_allclose(carried(body.vertices_m, body.binding, steps), body.vertices_m, atol=1e-6)


def test_skinning_equals_its_plain_twin(body: HalfBody) -> None:
    rng = np.random.default_rng(0)
    pose = {name: tuple(rng.normal(0, 0.4, 3)) for name in SKELETON.names}
    steps = motions(body.binding, joint_places(SKELETON, pose_rotations(pose)[None]))[0]  # type: ignore[arg-type]
    fast, plain = carried(body.vertices_m, body.binding, steps), carried_plainly(body.vertices_m, body.binding, steps)
    np.testing.assert_allclose(fast, plain, atol=1e-6)


def test_joints_turn_as_smplx_turns_them() -> None:
    """Helpers change nothing about where SMPL-X's own joints go: a plain chain of its 22 + 30 joints gives the same."""
    rng = np.random.default_rng(1)
    body_pose, hands = rng.normal(0, 0.5, (1, 66)), rng.normal(0, 0.5, (2, 1, 45))
    rotations = joint_rotations(body_pose[:, :3], body_pose[:, 3:], hands[0], hands[1])
    ours = dict(zip(SKELETON.names, joint_places(SKELETON, rotations)[0], strict=True))
    turns: list[Rotation] = []
    for j, parent in enumerate(SMPLX_PARENTS):
        own = Rotation.from_rotvec(body_pose[0, 3 * j : 3 * j + 3])
        turns.append(own if parent < 0 else turns[parent] * own)
    for name, turn in zip(SMPLX_BODY, turns, strict=True):
        if name in ours:
            np.testing.assert_allclose(ours[name][:, :3], turn.as_matrix(), atol=2e-6, err_msg=name)
    for side, hand in (("left", hands[0]), ("right", hands[1])):
        turn = turns[SMPLX_BODY.index(f"{side}_wrist")]
        for k, name in enumerate(SMPLX_HAND):
            turn = turns[SMPLX_BODY.index(f"{side}_wrist")] if k % 3 == 0 else turn
            turn = turn * Rotation.from_rotvec(hand[0, 3 * k : 3 * k + 3])
            np.testing.assert_allclose(ours[f"{side}_{name}"][:, :3], turn.as_matrix(), atol=2e-6, err_msg=name)


@given(st.floats(-2.0, 2.0), st.floats(0.0, 1.0))
@settings(max_examples=25, deadline=None)
def test_a_forearm_turns_evenly_wherever_the_capture_has_its_twist(twist: float, in_wrist: float) -> None:
    bend = Rotation.from_rotvec((0, -1.1, 0.2))
    elbow = bend * Rotation.from_rotvec((twist * (1 - in_wrist), 0, 0))
    wrist = Rotation.from_rotvec((twist * in_wrist, 0, 0))
    places = _places({"left_elbow": tuple(elbow.as_rotvec()), "left_wrist": tuple(wrist.as_rotvec())})
    for k, part in ((1, 1 / 3), (2, 2 / 3), (3, 1.0)):
        wished = bend * Rotation.from_rotvec((part * twist, 0, 0))
        np.testing.assert_allclose(places[f"left_forearm{k}"][:, :3], wished.as_matrix(), atol=1e-5)


@pytest.mark.parametrize(
    ("joint", "axis"),
    [("left_elbow", (0, -2.2, 0)), ("left_index2", (0, 0, -1.8)), ("right_middle1", (0, 0, 1.5)), ("left_wrist", (0, 0, -1.2))],
)
def test_bent_joints_keep_their_volume(body: HalfBody, joint: str, axis: tuple[float, float, float]) -> None:
    def volume(vertices: Array) -> float:
        a, b, c = (vertices[near][:, k].astype(float) for k in range(3))
        return float(np.einsum("ni,ni->", a, np.cross(b, c)) / 6)

    index = SKELETON.index(joint)
    around = body.binding.places[index, :, 3]
    close = np.linalg.norm(body.vertices_m - around, axis=1) < (0.12 if "elbow" in joint or "wrist" in joint else 0.03)
    near = body.triangles[close[body.triangles].all(1)]
    straight, bent = (_posed(body, pose) for pose in ({}, {joint: axis}))
    # The patch is open: measured from the joint, which both poses leave where it is, its cone's volume compares.
    places = [_places(pose)[joint][:, 3] for pose in ({}, {joint: axis})]
    assert volume(bent - places[1]) > 0.72 * volume(straight - places[0])


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_arm_brings_the_hand_where_it_should_be(side: str) -> None:
    reach = Reach(wrist=(120, -330, 300), fingers=(0, 1, 0.1), palm=(0, 0.1, 1))
    places = _places({name: tuple(turn) for name, turn in arm_turns(side, reach).items()})
    sign = 1 if side == "left" else -1
    np.testing.assert_allclose(places[f"{side}_wrist"][:, 3], np.array([sign * 0.120, -0.330, 0.300]), atol=2e-3)
    hand = places[f"{side}_wrist"][:, :3]
    np.testing.assert_allclose(hand @ (sign, 0, 0), np.array([0, 1, 0.1]) / np.hypot(1, 0.1), atol=1e-5)
    np.testing.assert_allclose(hand @ (0, -1, 0), np.array([0, -0.1, 1]) / np.hypot(1, 0.1), atol=1e-5)


def test_a_hand_out_of_reach_stretches_the_arm() -> None:
    places = _places({n: tuple(t) for n, t in arm_turns("left", Reach((900, -200, 500), (1, 0, 0), (0, -1, 0))).items()})
    shoulder, wrist = (places[f"left_{name}"][:, 3] for name in ("shoulder", "wrist"))
    assert 0.49 < np.linalg.norm(wrist - shoulder) < 0.53


@pytest.mark.parametrize("shape", SHAPES)
def test_hand_shapes_are_mirror_images(shape: str) -> None:
    left, right = (hand_pose(shape, side).reshape(15, 3) for side in ("left", "right"))
    np.testing.assert_array_equal(left * (1, -1, -1), right)


def test_a_fist_folds_fingers_onto_the_palm_and_an_index_hand_leaves_one_out() -> None:
    def tips(shape: str) -> dict[str, float]:
        turns = dict(zip(SMPLX_HAND, hand_pose(shape, "left").reshape(15, 3), strict=True))
        places = _places({f"left_{name}": tuple(turn) for name, turn in turns.items()})
        wrist = places["left_wrist"][:, 3]
        return {n: float(np.linalg.norm(places[f"left_{n}3"][:, 3] - wrist)) for n in ("index", "middle", "ring", "pinky")}

    fist, pointing = tips("fist"), tips("index")
    assert max(fist.values()) < 0.09
    assert pointing["index"] > 0.14 > max(pointing["middle"], pointing["ring"], pointing["pinky"])


def test_cloth_stands_out_from_skin() -> None:
    dark, fair, navy = (0.06, 0.04, 0.03), (0.6, 0.4, 0.3), (0.06, 0.105, 0.165)
    assert contrasting(navy, fair) == navy
    assert contrast(contrasting(navy, dark), dark) >= LEAST
    assert contrast(contrasting((0.5, 0.5, 0.5), fair), fair) >= LEAST
