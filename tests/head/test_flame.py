"""FLAME: files, skinning, teeth, landmarks, and what is said about bad files."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.errors import HeadError
from slp_mouthing.head.flame import FlameHead, full_pose, load_flame
from slp_mouthing.head.flame_files import read_flame
from slp_mouthing.head.flame_teeth import tooth_triangles
from slp_mouthing.head.skinning import TorchSkin, rotation_matrices, skin
from tests.head.flame_files import FULL, SMALL, make_arrays, make_embedding, python2_pickle, write_folder

if TYPE_CHECKING:
    from pathlib import Path

TEETH = 120
UPPER, LOWER = [0, 2, 4, 5], [1, 3, 6, 7]
"""Rows of teeth: root and edge in front, root and edge behind."""
SHAPES, EXPRESSIONS = SMALL.shapes, SMALL.expressions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flame")
    write_folder(path)
    return path


@pytest.fixture(scope="module")
def head(folder: Path) -> FlameHead:
    return load_flame(folder, shape_count=SHAPES)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def motion(head: FlameHead, rng: np.random.Generator, frames: int = 7) -> dict[str, Any]:
    def draw(count: int, scale: float) -> np.ndarray:
        return (scale * rng.normal(size=(frames, count))).astype(np.float32)

    return {
        "expressions": draw(head.expression_count, 1), "jaw_pose": draw(3, 0.15), "eyes_pose": draw(6, 0.2),
        "neck_pose": draw(3, 0.2), "rotation": draw(3, 0.3), "translation": draw(3, 0.1),
    }  # fmt: skip


# ---- skinning -------------------------------------------------------------------------------------------------------------
def test_rotation_matrices_are_rotations_by_the_angle(rng: np.random.Generator) -> None:
    from scipy.spatial.transform import Rotation

    vectors = np.concatenate([np.zeros((1, 3)), rng.normal(size=(20, 3)), 1e-9 * rng.normal(size=(3, 3))])
    np.testing.assert_allclose(rotation_matrices(vectors), Rotation.from_rotvec(vectors).as_matrix(), atol=1e-14)


def test_tensors_and_numpy_agree(head: FlameHead, rng: np.random.Generator) -> None:
    import torch

    moved = motion(head, rng)
    pose = full_pose(*(moved[name] for name in ("jaw_pose", "eyes_pose", "neck_pose", "rotation")))
    plain = skin(head.rig.astype(np.float64), moved["expressions"], pose, moved["translation"])
    tensors = head.torch_skin()(*(torch.from_numpy(x) for x in (moved["expressions"], pose, moved["translation"])))
    assert tensors.dtype == torch.float32
    np.testing.assert_allclose(tensors.numpy(), plain, atol=1e-6, rtol=0)
    np.testing.assert_allclose(head.pose_flame(**moved), plain, atol=1e-6, rtol=0)


def test_gradients_are_those_of_finite_differences(head: FlameHead, rng: np.random.Generator) -> None:
    import torch

    near_lips = head.landmarks["lips_outer"]
    rigged = TorchSkin(head.rig.at_vertices(near_lips), dtype=torch.float64)
    pose = torch.tensor(0.2 * rng.normal(size=(2, 5, 3)), requires_grad=True)
    expression = torch.tensor(rng.normal(size=(2, EXPRESSIONS)), requires_grad=True)
    shift = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rigged, (expression, pose, shift))


def test_gradients_at_rest_are_finite(head: FlameHead) -> None:
    import torch

    pose = torch.zeros(1, 5, 3, requires_grad=True)
    head.torch_skin()(torch.zeros(1, EXPRESSIONS), pose)[0, int(head.landmarks["chin"][0])].sum().backward()
    assert pose.grad is not None and torch.isfinite(pose.grad).all() and pose.grad[0, 2].abs().max() > 0


def test_head_rotation_and_translation_move_rigidly(head: FlameHead) -> None:
    turn, shift = np.float32([[0.1, 0.7, -0.2]]), np.float32([[1, 2, 3]])
    still = np.zeros((1, 3), np.float32)
    moved = head.pose_flame(np.zeros((1, 0), np.float32), still, rotation=turn, translation=shift)[0]
    np.testing.assert_allclose(_distances(moved), _distances(head.neutral_m), atol=2e-6)
    turned = (head.neutral_m - head.rig.joints[0]).mean(axis=0) @ rotation_matrices(turn[0]).T
    np.testing.assert_allclose(moved.mean(axis=0) - head.rig.joints[0] - shift[0], turned, atol=1e-5)


def _distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[::7] - points[3], axis=1)


def test_jaw_moves_the_chin_and_leaves_the_brow(head: FlameHead) -> None:
    opened = head.pose_flame(np.zeros((1, 0), np.float32), np.float32([[0.3, 0, 0]]))[0]
    moved = np.linalg.norm(opened - head.neutral_m, axis=1)
    lower_lip = head.landmarks["lip_lower_mid"]
    assert opened[lower_lip, 1] < head.neutral_m[lower_lip, 1] - 0.005
    assert moved[head.landmarks["nose_tip"]] < 0.003 < moved[head.landmarks["chin"]]


@pytest.mark.parametrize("seed", [0, 1])
def test_equals_smplx_on_files_of_full_size(tmp_path: Path, seed: int) -> None:
    smplx = pytest.importorskip("smplx", reason="smplx is not installed: pip install 'slp-mouthing[flame]'")
    import torch

    arrays = write_folder(tmp_path, FULL, seed=seed)
    # smplx unpickles with everything allowed and needs chumpy for the published kind.
    (tmp_path / "FLAME_NEUTRAL.pkl").write_bytes(pickle.dumps(arrays))
    frames, rng = 6, np.random.default_rng(seed)
    theirs = smplx.FLAME(str(tmp_path), num_betas=300, num_expression_coeffs=100, batch_size=frames, use_face_contour=False)
    shape, expression = (rng.normal(size=(frames, n)).astype(np.float32) for n in (300, 100))
    pose = (0.4 * rng.normal(size=(frames, 5, 3))).astype(np.float32)
    shift = rng.normal(size=(frames, 3)).astype(np.float32)
    names = ("global_orient", "neck_pose", "jaw_pose", "leye_pose", "reye_pose")
    given = {name: torch.from_numpy(pose[:, joint]) for joint, name in enumerate(names)}
    given |= {"betas": shape, "expression": expression, "transl": shift}
    out = theirs(**{name: torch.as_tensor(value) for name, value in given.items()})
    wanted = out.vertices.detach().numpy()

    files = read_flame(tmp_path)
    coefficients = np.concatenate([shape, expression], axis=1)
    ours = TorchSkin(files.model)(*(torch.from_numpy(x) for x in (coefficients, pose, shift))).numpy()
    np.testing.assert_allclose(ours, wanted, atol=1e-6, rtol=0)
    np.testing.assert_allclose(skin(files.model, coefficients, pose, shift), wanted, atol=1e-6, rtol=0)

    head = load_flame(tmp_path, shape=shape[0])
    posed = head.pose_flame(
        expression[:1],
        pose[:1, 2],
        pose[:1, 3:].reshape(1, 6),
        neck_pose=pose[:1, 1],
        rotation=pose[:1, 0],
        translation=shift[:1],
    )
    np.testing.assert_allclose(posed[0, :-TEETH], wanted[0], atol=1e-6, rtol=0)
    np.testing.assert_allclose(head.landmarks_m(posed)[0], out.joints.detach().numpy()[0, -51:], atol=1e-6, rtol=0)


# ---- files ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("FLAME_NEUTRAL.pkl", "flame2020"), ("generic_model.pkl", "flame2020"), ("FLAME_NEUTRAL.npz", "flame2020"),
        ("flame2023.pkl", "flame2023"), ("flame2023_Open.pkl", "flame2023"), ("flame2023_no_jaw.npz", "flame2023"),
    ],
)  # fmt: skip
def test_every_release_by_its_published_name(tmp_path: Path, head: FlameHead, name: str, release: str) -> None:
    write_folder(tmp_path, name=name)
    for given in (tmp_path, tmp_path / name):
        read = load_flame(given, shape_count=SHAPES)
        assert read.name == release
        np.testing.assert_array_equal(read.neutral_m, head.neutral_m)
        np.testing.assert_array_equal(read.rig.shapes, head.rig.shapes)


def test_release_may_be_said_or_follow_from_the_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "FLAME2023Open")
    assert read_flame(tmp_path / "FLAME2023Open", shape_count=SHAPES).release == "flame2023"
    assert read_flame(tmp_path / "FLAME2023Open", shape_count=SHAPES, release="flame2020").release == "flame2020"


def test_two_different_models_in_one_folder_are_ambiguous(tmp_path: Path) -> None:
    write_folder(tmp_path, seed=0, name="flame2023.pkl")
    write_folder(tmp_path, seed=0, name="flame2023_no_jaw.pkl")
    assert read_flame(tmp_path, shape_count=SHAPES).path.name == "flame2023.pkl"
    write_folder(tmp_path, seed=0, name="FLAME_NEUTRAL.pkl")
    assert read_flame(tmp_path, shape_count=SHAPES).path.name == "FLAME_NEUTRAL.pkl"
    write_folder(tmp_path, seed=1, name="generic_model.pkl")
    with pytest.raises(HeadError, match="several FLAME models"):
        read_flame(tmp_path, shape_count=SHAPES)
    assert read_flame(tmp_path / "generic_model.pkl", shape_count=SHAPES).path.name == "generic_model.pkl"


@pytest.mark.parametrize("shape_count", [0, 3, SHAPES])
def test_expression_starts_where_it_is_said_to(folder: Path, shape_count: int) -> None:
    head = load_flame(folder, shape_count=shape_count, shape=np.ones(shape_count))
    assert head.expression_count == SHAPES + EXPRESSIONS - shape_count
    arrays = make_arrays()
    neutral = arrays["v_template"] + arrays["shapedirs"][:, :, :shape_count].sum(axis=2)
    np.testing.assert_allclose(head.neutral_m[:-TEETH], neutral, atol=1e-7)
    np.testing.assert_allclose(head.rig.shapes[0, :-TEETH], arrays["shapedirs"][:, :, shape_count], atol=1e-8)
    np.testing.assert_allclose(head.rig.joints, arrays["J_regressor"] @ neutral, atol=1e-7)


def test_model_of_few_directions_needs_to_be_told(folder: Path) -> None:
    with pytest.raises(HeadError, match="--flame-shape"):
        load_flame(folder)


def tooth_rows(vertices: np.ndarray) -> np.ndarray:
    """[..., V, 3] -> [..., 8, 15, 3]"""
    return vertices[..., -TEETH:, :].reshape(*vertices.shape[:-2], 8, 15, 3)


# ---- surface --------------------------------------------------------------------------------------------------------------
def test_sizes_with_teeth_are_those_of_the_field(tmp_path: Path) -> None:
    write_folder(tmp_path, FULL)
    head = load_flame(tmp_path)
    assert head.neutral_m.shape == (5143, 3)
    assert head.triangles.shape == (10144, 3)
    assert head.expression_count == 100
    assert len(head.regions) == len(head.triangles)
    assert head.colors.shape == head.neutral_m.shape


def test_upper_teeth_stay_with_the_skull_and_lower_teeth_go_with_the_jaw(head: FlameHead, rng: np.random.Generator) -> None:
    moved = motion(head, rng) | {"neck_pose": None, "rotation": None, "translation": None}
    rows, neutral = tooth_rows(head.pose_flame(**moved)), tooth_rows(head.neutral_m)
    np.testing.assert_allclose(rows[:, UPPER], np.broadcast_to(neutral[UPPER], rows[:, UPPER].shape), atol=1e-6)
    # The jaw's pivot follows the expression's joints; relative to it the row only turns.
    lower, rest = (points.reshape(-1, TEETH // 2, 3) for points in (rows[:, LOWER], neutral[LOWER]))
    turned = (rest[0] - rest[0, -1]) @ rotation_matrices(moved["jaw_pose"]).swapaxes(1, 2)
    np.testing.assert_allclose(lower - lower[:, -1:], turned, atol=1e-6)


def test_teeth_stand_behind_the_lips_from_left_to_right_and_face_outwards(head: FlameHead) -> None:
    rows = tooth_rows(head.neutral_m)
    lips = head.neutral_m[head.landmarks["lips_outer"]]
    assert rows[..., 2].max() < lips[:, 2].max()
    assert np.ptp(rows[..., 0]) <= 1.1 * np.ptp(lips[:, 0])
    assert (np.diff(rows[..., 0], axis=1) < 0).all()
    heights = rows[:, 7, 1]
    assert heights[0] > heights[2] > heights[3] > heights[1]
    triangles = head.triangles[-168:]
    a, b, c = (head.neutral_m[triangles[:, k]] for k in range(3))
    front, back, edge = np.cross(b - a, c - a).reshape(2, 3, 28, 3).swapaxes(0, 1)
    assert (front[..., 2] > 0).all() and (back[..., 2] < 0).all()
    assert (edge[0, :, 1] < 0).all() and (edge[1, :, 1] > 0).all()


def test_teeth_are_numbered_as_released_avatars_bind_to_them() -> None:
    triangles = tooth_triangles()
    assert triangles.shape == (168, 3) and triangles.max() == TEETH - 1
    # Either side of where the diagonals turn, in each strip of the upper and of the lower teeth.
    wanted = {
        0: [0, 31, 30], 13: [6, 7, 37], 14: [7, 8, 37], 27: [14, 44, 43],
        28: [60, 75, 76], 41: [66, 82, 67], 42: [67, 82, 68], 55: [74, 88, 89],
        56: [75, 30, 76], 69: [82, 36, 37], 70: [82, 37, 38], 83: [88, 44, 89],
        84: [45, 46, 15], 97: [52, 22, 21], 98: [52, 23, 22], 111: [58, 59, 29],
        112: [90, 106, 105], 125: [96, 97, 112], 126: [97, 98, 112], 139: [104, 119, 118],
        140: [105, 106, 45], 153: [112, 52, 51], 154: [112, 53, 52], 167: [118, 119, 59],
    }  # fmt: skip
    np.testing.assert_array_equal(triangles[list(wanted)], list(wanted.values()))
    edges = {frozenset(map(int, pair)) for t in triangles for pair in (t[:2], t[1:], t[::2])}
    assert len(edges) == 2 * (4 * 14 + 3 * 15 + 3 * 14)


def test_each_column_takes_the_identity_of_its_lip_vertices(folder: Path, head: FlameHead) -> None:
    shape = np.float32([2, -1, 0.5])
    moved = load_flame(folder, shape=shape, shape_count=SHAPES).neutral_m - head.neutral_m
    outer = head.landmarks["lips_outer"]
    rows = tooth_rows(moved)
    np.testing.assert_allclose(rows, np.broadcast_to(rows[0], rows.shape), atol=1e-6)
    for column, (upper, lower) in {0: (6, 6), 7: (3, 9), 14: (0, 0)}.items():
        np.testing.assert_allclose(rows[0, column], (moved[outer[upper]] + moved[outer[lower]]) / 2, atol=1e-6)


# ---- a person's offset ----------------------------------------------------------------------------------------------------
def test_static_offset_moves_the_face_and_its_joints(tmp_path: Path, head: FlameHead, rng: np.random.Generator) -> None:
    arrays = write_folder(tmp_path)
    offset = (1e-3 * rng.normal(size=head.neutral_m.shape)).astype(np.float32)
    offset[:, 1] += 0.01
    person = load_flame(tmp_path, shape_count=SHAPES, static_offset=offset)
    np.testing.assert_allclose(person.neutral_m, head.neutral_m + offset, atol=1e-7)
    regressed = arrays["J_regressor"] @ (arrays["v_template"] + offset[:-TEETH])
    np.testing.assert_allclose(person.rig.joints, regressed, atol=1e-6)
    # A whole head that lies elsewhere turns its jaw there just the same.
    shifted = load_flame(tmp_path, shape_count=SHAPES, static_offset=np.full_like(offset, 0.02))
    moved = motion(head, rng) | {"translation": None, "rotation": None}
    np.testing.assert_allclose(shifted.pose_flame(**moved), head.pose_flame(**moved) + 0.02, atol=1e-6)


def test_teeth_go_with_the_lips_where_the_offset_has_none(folder: Path, head: FlameHead) -> None:
    offset = np.full((len(head.neutral_m) - TEETH, 3), 0.02, np.float32)
    person = load_flame(folder, shape_count=SHAPES, static_offset=offset)
    np.testing.assert_allclose(person.neutral_m, head.neutral_m + 0.02, atol=1e-7)


@pytest.mark.parametrize("offset", [np.zeros((5, 3)), np.zeros((2080, 2)), np.full((2080, 3), np.nan), np.zeros((1, 2080, 3))])
def test_an_offset_of_another_mesh(folder: Path, offset: np.ndarray) -> None:
    with pytest.raises(HeadError, match=r"static_offset is .*expected 2080 x 3, or 2200 x 3 with teeth"):
        load_flame(folder, shape_count=SHAPES, static_offset=offset)


def test_regions_come_from_the_masks_or_without_them_from_the_landmarks(tmp_path: Path, head: FlameHead) -> None:
    write_folder(tmp_path, masks=True)
    masked = load_flame(tmp_path, shape_count=SHAPES)
    for one in (head, masked):
        lips, teeth, skin_ = (one.regions == one.region_names.index(n) for n in ("lip", "tooth", "skin"))
        assert teeth.sum() == 168 and teeth[-168:].all()
        assert 0 < lips.sum() < 0.1 * skin_.sum()
        middle = one.neutral_m[one.triangles[lips]].mean(axis=(0, 1))
        np.testing.assert_allclose(middle[:2], [0, -0.045], atol=0.01)
        eyes = one.regions >= one.region_names.index("sclera")
        assert (one.triangles[eyes] >= SMALL.head).all()
    assert masked.files.masks.keys() == {"lips", "left_eyeball", "right_eyeball"}


def test_landmarks_lie_where_their_names_say(head: FlameHead) -> None:
    at = {name: head.neutral_m[vertices[0]] for name, vertices in head.landmarks.items()}
    assert at["lip_corner_left"][0] > 0.01 > -0.01 > at["lip_corner_right"][0]
    assert at["eye_left"][0] > 0.02 > -0.02 > at["eye_right"][0]
    assert at["nose_tip"][1] > at["lip_upper_mid"][1] > at["lip_lower_mid"][1] > at["chin"][1]
    assert head.landmarks["lips_outer"][0] == head.landmarks["lip_corner_right"][0]


def test_lip_measures_follow_the_jaw(head: FlameHead) -> None:
    jaw = np.zeros((3, 3), np.float32)
    jaw[:, 0] = (0, 0.15, 0.3)
    opening, width = head.lip_measures(head.pose_flame(np.zeros((3, 0), np.float32), jaw))
    assert (np.diff(opening) > 0.002).all()
    assert (width > 0.03).all()


def test_arrays_are_read_only(head: FlameHead) -> None:
    for array in (head.neutral_m, head.triangles, head.colors, head.landmarks["chin"]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


# ---- bad input ------------------------------------------------------------------------------------------------------------
MODEL_ENTRIES = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")


def without(name: str) -> Any:
    return lambda arrays: arrays.pop(name)


def changed(name: str, change: Any) -> Any:
    return lambda arrays: arrays.update({name: change(arrays[name])})


def with_nan(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flat[7] = np.nan
    return array


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        *((without(n), f"lacks {n}") for n in MODEL_ENTRIES),
        (changed("v_template", lambda a: a[:, :2]), r"v_template is 2080 x 2, expected n x 3"),
        (changed("v_template", lambda a: a[:0]), r"v_template is 0 x 3"),
        (changed("shapedirs", lambda a: a[:-1]), r"shapedirs is 2079 x 3 x 14, expected 2080 x 3 x n"),
        (changed("posedirs", lambda a: a[..., :27]), r"expected 2080 x 3 x 36"),
        (changed("weights", lambda a: a[:, :4]), r"weights is 2080 x 4, expected 2080 x 5"),
        (changed("J_regressor", lambda a: a.T), r"J_regressor is 2080 x 5, expected 5 x 2080"),
        (changed("f", lambda a: a + 1), "indices below 2080"),
        (changed("f", lambda a: a.astype(float)), "indices below 2080"),
        (changed("kintree_table", lambda a: a[:, ::-1]), "parents"),
        (changed("v_template", with_nan), "v_template holds values that are not finite"),
        (changed("shapedirs", with_nan), "shapedirs holds values that are not finite"),
    ],
)  # fmt: skip
def test_a_model_that_is_not_one(tmp_path: Path, spoil: Any, message: str) -> None:
    arrays = write_folder(tmp_path)
    spoil(arrays)
    (tmp_path / "FLAME_NEUTRAL.pkl").write_bytes(pickle.dumps(arrays))
    with pytest.raises(HeadError, match=message) as caught:
        load_flame(tmp_path, shape_count=SHAPES)
    assert "FLAME_NEUTRAL.pkl" in str(caught.value)


def test_folders_without_what_they_need(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="no such folder"):
        load_flame(tmp_path / "nowhere")
    with pytest.raises(HeadError, match="holds no FLAME model"):
        load_flame(tmp_path)
    write_folder(tmp_path)
    (tmp_path / "flame_static_embedding.pkl").unlink()
    with pytest.raises(HeadError, match="lacks flame_static_embedding"):
        load_flame(tmp_path, shape_count=SHAPES)


def test_embedding_and_masks_beyond_the_mesh(tmp_path: Path) -> None:
    arrays = write_folder(tmp_path)
    embedding = make_embedding(arrays, SMALL.head)
    (tmp_path / "FLAME_masks.pkl").write_bytes(python2_pickle({"lips": np.array([0, 2080])}))
    with pytest.raises(HeadError, match=r"FLAME_masks.pkl: lips is not made of indices below 2080"):
        load_flame(tmp_path, shape_count=SHAPES)
    embedding["lmk_face_idx"][3] = 10**6
    (tmp_path / "flame_static_embedding.pkl").write_bytes(python2_pickle(embedding))
    with pytest.raises(HeadError, match="lmk_face_idx"):
        load_flame(tmp_path, shape_count=SHAPES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"jaw_pose": np.zeros((7, 2), np.float32)}, "jaw_pose"),
        ({"eyes_pose": np.zeros((7, 5), np.float32)}, "eyes_pose"),
        ({"neck_pose": np.zeros((6, 3), np.float32)}, "neck_pose"),
        ({"translation": np.zeros((6, 3), np.float32)}, "translation"),
        ({"expressions": np.zeros((7, EXPRESSIONS + 1), np.float32)}, "at most 8"),
        ({"expressions": np.zeros((6, EXPRESSIONS), np.float32)}, "expressions"),
        ({"jaw_pose": np.full((7, 3), np.nan, np.float32)}, "not finite"),
    ],
)
def test_parameters_that_do_not_fit(head: FlameHead, rng: np.random.Generator, change: dict[str, Any], message: str) -> None:
    with pytest.raises(HeadError, match=message):
        head.pose_flame(**(motion(head, rng) | change))


@pytest.mark.parametrize("shape", [np.zeros(SHAPES + 1), np.zeros((1, 2)), np.array([np.inf])])
def test_identity_that_does_not_fit(folder: Path, shape: np.ndarray) -> None:
    with pytest.raises(HeadError, match="shape is"):
        load_flame(folder, shape=shape, shape_count=SHAPES)


def test_no_frames_give_no_vertices(head: FlameHead) -> None:
    assert head.pose_flame(np.zeros((0, 8), np.float32), np.zeros((0, 3), np.float32)).shape == (0, len(head.neutral_m), 3)
