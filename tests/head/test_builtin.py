"""The built-in head as its users see it: mesh, shapes, lips, jaw, eyes."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import trimesh

from slp_mouthing.errors import HeadError
from slp_mouthing.head.anthropometry import BUILTIN, Anthropometry, measure
from slp_mouthing.head.builtin import REGION_NAMES, BuiltinHead, load_builtin
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, TONGUE_NAMES

MOUTH_NAMES = tuple(name for name in ARKIT_NAMES if name.startswith(("mouth", "cheek", "jaw")))


@pytest.fixture(scope="module")
def head() -> BuiltinHead:
    return load_builtin()


def controls(**weights: float) -> tuple[np.ndarray, np.ndarray]:
    """One frame; a name without its side moves both sides."""
    row = np.zeros((1, len(CONTROL_NAMES)), np.float32)
    for name, weight in weights.items():
        for full in (name,) if name in CONTROL_NAMES else (name + "Left", name + "Right"):
            row[0, CONTROL_NAMES.index(full)] = weight
    return row[:, : len(ARKIT_NAMES)], row[:, len(ARKIT_NAMES) :]


def lips_mm(head: BuiltinHead, **weights: float) -> tuple[float, float]:
    opening, width = head.lips(*controls(**weights))
    return 1e3 * float(opening[0]), 1e3 * float(width[0])


def point_mm(head: BuiltinHead, landmark: str, **weights: float) -> np.ndarray:
    return 1e3 * head.pose(*controls(**weights))[0, head.landmarks[landmark][0]]


def random_mixes(count: int, names: tuple[str, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`count` frames of three controls each, half of them with an open jaw."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((count, len(CONTROL_NAMES)), np.float32)
    for row in rows:
        row[[CONTROL_NAMES.index(n) for n in rng.choice(names, 3, replace=False)]] = rng.random(3)
    rows[::2, CONTROL_NAMES.index("jawOpen")] = rng.random(len(rows[::2])) * 0.8
    return rows[:, : len(ARKIT_NAMES)], rows[:, len(ARKIT_NAMES) :]


def skin(head: BuiltinHead) -> np.ndarray:
    """Triangles of the connected skin, which comes first in the mesh."""
    pieces = trimesh.Trimesh(head.neutral_m, head.triangles, process=False).face_adjacency
    labels = trimesh.graph.connected_component_labels(pieces, node_count=len(head.triangles))
    return head.triangles[labels == labels[0]]


# ---- mesh -------------------------------------------------------------------------------------------------------------------
def test_mesh_is_whole(head: BuiltinHead) -> None:
    mesh = trimesh.Trimesh(head.neutral_m, head.triangles, process=False)
    assert np.isfinite(head.neutral_m).all()
    assert mesh.area_faces.min() > 1e-9
    assert mesh.is_winding_consistent
    assert np.unique(head.triangles).size == len(head.neutral_m)
    _, faces_per_edge = np.unique(np.sort(mesh.edges, axis=1), axis=0, return_counts=True)
    assert faces_per_edge.max() == 2


def test_arrays_fit_and_are_read_only(head: BuiltinHead) -> None:
    assert head.colors.shape == head.neutral_m.shape
    assert head.regions.shape == (len(head.triangles),)
    assert {head.region_names[r] for r in np.unique(head.regions)} == set(REGION_NAMES)
    assert head.colors.min() >= 0 and head.colors.max() <= 1
    for array in (head.neutral_m, head.triangles, head.regions, head.colors, *head.landmarks.values()):
        assert not array.flags.writeable


def test_skin_is_symmetric_and_faces_outwards(head: BuiltinHead) -> None:
    triangles = skin(head)
    points = head.neutral_m[np.unique(triangles)]
    away = trimesh.proximity.cKDTree(points).query(points * (-1, 1, 1))[0]
    assert away.max() < 1e-6
    surface = trimesh.Trimesh(head.neutral_m, triangles, process=False)
    assert surface.volume > 0.003
    normal = surface.vertex_normals[head.landmarks["nose_tip"][0]]
    assert normal[2] > 0.8


def test_sizes_are_those_of_the_table(head: BuiltinHead) -> None:
    found = measure(head.neutral_m, head.landmarks)
    for size in fields(Anthropometry):
        assert getattr(found, size.name) == pytest.approx(getattr(BUILTIN, size.name), abs=2.0), size.name


def test_face_looks_along_z_with_its_left_at_positive_x(head: BuiltinHead) -> None:
    left, right = (head.neutral_m[head.landmarks[f"eye_{side}"][0]] for side in ("left", "right"))
    chin, nose = (head.neutral_m[head.landmarks[name][0]] for name in ("chin", "nose_tip"))
    assert left[0] > 0.02 and right[0] < -0.02
    assert nose[2] > left[2] > 0 and chin[1] < nose[1] < left[1]


# ---- pose -------------------------------------------------------------------------------------------------------------------
def test_rest_is_the_neutral_mesh(head: BuiltinHead) -> None:
    np.testing.assert_array_equal(head.pose(*controls())[0], head.neutral_m)
    assert lips_mm(head)[0] == 0
    assert head.jaw_pose(controls()[0]).tolist() == [[0, 0, 0]]


def test_every_control_moves_something_and_stays_near(head: BuiltinHead) -> None:
    for name in CONTROL_NAMES:
        moved = np.linalg.norm(head.target(name), axis=1)
        assert 8e-4 < moved.max() < 0.05, name


def test_left_shapes_mirror_right_shapes(head: BuiltinHead) -> None:
    vertices = np.unique(skin(head))
    points = head.neutral_m[vertices]
    partner = trimesh.proximity.cKDTree(points).query(points * (-1, 1, 1))[1]
    for name in CONTROL_NAMES:
        if name.endswith("Left"):
            left, right = head.target(name)[vertices], head.target(name.replace("Left", "Right"))[vertices]
            np.testing.assert_allclose(left[partner] * (-1, 1, 1), right, atol=2e-6, err_msg=name)
            if name.startswith(("eye", "brow", "cheek", "mouthSmile", "mouthStretch")):
                assert points[np.argmax(np.linalg.norm(left, axis=1)), 0] > 0.005, name


def test_frames_are_independent_of_their_neighbours(head: BuiltinHead) -> None:
    blendshapes, tongue = random_mixes(70, MOUTH_NAMES)
    together = head.pose(blendshapes, tongue)
    for t in (0, 63, 64, 69):
        np.testing.assert_allclose(head.pose(blendshapes[t : t + 1], tongue[t : t + 1])[0], together[t], atol=2e-7)


def test_no_mix_of_controls_breaks_the_mesh(head: BuiltinHead) -> None:
    posed = head.pose(*random_mixes(60, CONTROL_NAMES, seed=1))
    triangles = skin(head)
    visible = triangles[head.regions[: len(triangles)] != REGION_NAMES.index("mouth_cavity")]

    def edges_and_normals(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        corners = points[..., visible, :]
        normal = np.cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
        length = np.linalg.norm(corners - np.roll(corners, 1, axis=-2), axis=-1)
        return length, normal / np.linalg.norm(normal, axis=-1, keepdims=True)

    rest_length, rest_normal = edges_and_normals(head.neutral_m)
    length, normal = edges_and_normals(posed)
    assert np.isfinite(posed).all()
    assert (length - rest_length).max() < 0.010
    assert (np.sum(normal * rest_normal, -1) < -0.3).mean() < 0.002


def test_wrong_shapes_and_names_are_refused(head: BuiltinHead) -> None:
    with pytest.raises(HeadError, match="expected"):
        head.pose(np.zeros((3, 51), np.float32), np.zeros((3, len(TONGUE_NAMES)), np.float32))
    with pytest.raises(HeadError, match="jawOpened"):
        head.target("jawOpened")


# ---- lips -------------------------------------------------------------------------------------------------------------------
def test_lips_equal_the_posed_mesh(head: BuiltinHead) -> None:
    blendshapes, tongue = random_mixes(120, MOUTH_NAMES, seed=2)
    posed = head.pose(blendshapes, tongue)
    opening, width = head.lips(blendshapes, tongue)
    middle = head.lip_columns[:, head.lip_columns.shape[1] // 2]
    gap = posed[:, middle[0], 1].min(-1) - posed[:, middle[1], 1].max(-1)
    np.testing.assert_allclose(opening, np.maximum(gap, 0), atol=3e-6)
    corners = [posed[:, head.landmarks[f"lip_corner_{side}"][0]] for side in ("left", "right")]
    np.testing.assert_allclose(width, np.linalg.norm(corners[0] - corners[1], axis=1), atol=1e-6)


def test_lips_never_cross(head: BuiltinHead) -> None:
    posed = head.pose(*random_mixes(300, MOUTH_NAMES, seed=3))
    upper, lower = (posed[:, columns, 1] for columns in head.lip_columns)
    assert (upper.min(-1) - lower.max(-1)).min() > -2e-6


@pytest.mark.parametrize("opening", [0.1, 0.3, 0.6, 1.0])
def test_mouth_close_seals_an_open_jaw(head: BuiltinHead, opening: float) -> None:
    assert lips_mm(head, jawOpen=opening)[0] > 10 * opening
    assert lips_mm(head, jawOpen=opening, mouthClose=opening)[0] < 0.05
    assert point_mm(head, "chin", jawOpen=opening, mouthClose=opening)[1] < point_mm(head, "chin")[1] - 12 * opening


def test_jaw_turns_and_slides(head: BuiltinHead) -> None:
    opened, rest = point_mm(head, "chin", jawOpen=1), point_mm(head, "chin")
    assert 18 < rest[1] - opened[1] < 40
    assert opened[2] < rest[2]
    assert point_mm(head, "chin", jawForward=1)[2] - rest[2] > 3
    assert point_mm(head, "chin", jawLeft=1)[0] > 3 and point_mm(head, "chin", jawRight=1)[0] < -3
    assert head.jaw_pose(controls(jawOpen=0.5)[0])[0, 0] == pytest.approx(np.radians(9.5), abs=1e-4)


# Opening and width of the lips, and how far the upper lip's middle stands before its rest: ranges in mm.
VISEMES: dict[str, tuple[dict[str, float], tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "p": ({"jawOpen": 0.1, "mouthClose": 0.1, "mouthPress": 0.3, "mouthRollLower": 0.1, "mouthRollUpper": 0.1},
          (0, 0), (44, 53), (-4, 1)),
    "aa": ({"jawOpen": 0.65, "mouthLowerDown": 0.1, "mouthUpperUp": 0.1}, (14, 26), (40, 52), (-3, 3)),
    "ii": ({"mouthStretch": 0.3, "mouthSmile": 0.3, "jawOpen": 0.12, "mouthLowerDown": 0.25, "mouthUpperUp": 0.25},
           (3, 11), (52, 64), (-5, 1)),
    "uu": ({"mouthPucker": 0.9, "jawOpen": 0.1, "mouthFunnel": 0.15}, (2, 8), (8, 22), (5, 12)),
    "ff": ({"mouthRollLower": 0.5, "mouthUpperUp": 0.25, "jawOpen": 0.08}, (0.2, 5), (44, 53), (-3, 2)),
    "sh": ({"mouthFunnel": 0.55, "mouthPucker": 0.3, "jawOpen": 0.12}, (4, 11), (22, 38), (3, 10)),
    "ww": ({"mouthPucker": 1.0}, (0, 4.5), (7, 18), (5, 12)),
    "oo": ({"mouthFunnel": 0.6, "jawOpen": 0.4}, (11, 22), (28, 42), (1, 8)),
}  # fmt: skip


@pytest.mark.parametrize("viseme", VISEMES)
def test_visemes_open_spread_and_protrude_as_they_should(head: BuiltinHead, viseme: str) -> None:
    weights, opening_mm, width_mm, protrusion_mm = VISEMES[viseme]
    opening, width = lips_mm(head, **weights)
    protrusion = point_mm(head, "lip_upper_mid", **weights)[2] - point_mm(head, "lip_upper_mid")[2]
    assert opening_mm[0] - 1e-3 <= opening <= opening_mm[1] + 1e-3, opening
    assert width_mm[0] <= width <= width_mm[1], width
    assert protrusion_mm[0] <= protrusion <= protrusion_mm[1], protrusion


@pytest.mark.parametrize("viseme", VISEMES)
def test_lips_stay_in_front_of_the_incisors(head: BuiltinHead, viseme: str) -> None:
    posed = 1e3 * head.pose(*controls(**VISEMES[viseme][0]))[0]
    teeth = posed[np.unique(head.triangles[head.regions == REGION_NAMES.index("tooth")])]
    for column in head.lip_columns[:, 12:-12].reshape(-1, head.lip_columns.shape[2]):
        for x, y, z in posed[column]:
            near = (np.abs(teeth[:, 0] - x) < 1.5) & (np.abs(teeth[:, 1] - y) < 1.0)
            assert not near.any() or z > teeth[near, 2].max() - 0.6


MIXES = {name: weights for name, (weights, *_) in VISEMES.items()} | {
    "laugh": {"mouthSmile": 1.0, "jawOpen": 0.6}, "grimace": {"mouthLowerDown": 1.0, "mouthUpperUp": 1.0},
    "shout": {"jawOpen": 1.0, "mouthStretch": 1.0}, "retracted": {"mouthStretch": 1.0, "mouthRollLower": 0.7},
}  # fmt: skip


@pytest.mark.parametrize("name", MIXES)
def test_teeth_and_gums_never_come_through_the_skin(head: BuiltinHead, name: str) -> None:
    assert teeth_before_skin_mm(head, **MIXES[name]) < 0.05


def teeth_before_skin_mm(head: BuiltinHead, **weights: float) -> float:
    """How far a tooth or the gums stand before the foremost skin over them; negative where they lie behind it."""
    posed = 1e3 * head.pose(*controls(**weights))[0].astype(float)
    hard = [REGION_NAMES.index(region) for region in ("tooth", "gum")]
    points = posed[np.unique(head.triangles[np.isin(head.regions, hard)])]
    a, b, c = np.moveaxis(posed[head.triangles[head.regions == REGION_NAMES.index("skin")]], 1, 0)
    facing = cross_xy(b - a, c - a) > 1e-3
    points = points[points[:, 2] > 75]
    low, high = (np.min([a, b, c], axis=0) <= points.max(axis=0)), (np.max([a, b, c], axis=0) >= points.min(axis=0))
    before = facing & low[:, :2].all(axis=1) & high[:, :2].all(axis=1)
    a, b, c = a[before], b[before], c[before]
    area = cross_xy(b - a, c - a)
    worst = -np.inf
    for p in points:
        v, w = cross_xy(p - a, c - a) / area, cross_xy(b - a, p - a) / area
        over = (v >= 0) & (w >= 0) & (v + w <= 1)
        if over.any():
            worst = max(worst, p[2] - ((1 - v - w) * a[:, 2] + v * b[:, 2] + w * c[:, 2])[over].max())
    return float(worst)


def cross_xy(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


# ---- eyes and tongue --------------------------------------------------------------------------------------------------------
def test_eyes_turn_where_they_look(head: BuiltinHead) -> None:
    rest = point_mm(head, "eye_left")
    assert point_mm(head, "eye_left", eyeLookUp=1)[1] > rest[1] + 3
    assert point_mm(head, "eye_left", eyeLookDown=1)[1] < rest[1] - 3
    assert point_mm(head, "eye_left", eyeLookOutLeft=1)[0] > rest[0] + 3
    assert point_mm(head, "eye_right", eyeLookOutRight=1)[0] < -rest[0] - 3
    given = head.pose(*controls(eyeLookUp=1), np.zeros((1, 6), np.float32))[0]
    np.testing.assert_allclose(given[head.landmarks["eye_left"]], head.neutral_m[head.landmarks["eye_left"]], atol=1e-7)


@pytest.mark.parametrize("weight", [0.25, 0.5, 0.75, 1.0])
def test_lids_clear_the_globe_during_a_blink(head: BuiltinHead, weight: float) -> None:
    posed = 1e3 * head.pose(*controls(eyeBlink=weight))[0]
    lashes = np.unique(head.triangles[head.regions == REGION_NAMES.index("lash")])
    lashes = lashes[(posed[lashes, 0] > 22) & (posed[lashes, 0] < 40)]
    from_eye = np.linalg.norm(posed[lashes] - (31.0, 0.0, 64.8), axis=1)
    assert from_eye.min() > 13.6


def test_blink_closes_the_eye(head: BuiltinHead) -> None:
    lash = np.unique(head.triangles[head.regions == REGION_NAMES.index("lash")])
    rest, closed = (1e3 * head.pose(*controls(eyeBlink=w))[0, lash] for w in (0, 1))
    middle = (np.abs(np.abs(rest[:, 0]) - 31) < 3) & (rest[:, 1] > 3)
    assert (rest[middle, 1] - closed[middle, 1]).min() > 6.5


def test_tongue_comes_out_between_the_teeth_only_when_they_part(head: BuiltinHead) -> None:
    tongue = np.unique(head.triangles[head.regions == REGION_NAMES.index("tongue")])

    def tip_mm(**weights: float) -> float:
        return 1e3 * float(head.pose(*controls(**weights))[0, tongue, 2].max())

    assert tip_mm(tongueOut=1) < 93
    assert tip_mm(tongueOut=0.35, jawOpen=0.18) > 96
    assert tip_mm(tongueOut=1, jawOpen=0.5) > 110


def test_some_vertices_alone_move_as_they_do_on_the_whole_head() -> None:
    head, draw = load_builtin(), np.random.default_rng(7)
    weights = (draw.random((30, len(CONTROL_NAMES))) ** 3).astype(np.float32)
    blendshapes, tongue = weights[:, : len(ARKIT_NAMES)], weights[:, len(ARKIT_NAMES) :]
    chosen = np.sort(draw.choice(len(head.neutral_m), 1500, replace=False))
    few = head.at_vertices(chosen)
    np.testing.assert_allclose(few.pose(blendshapes, tongue)[:, :1500], head.pose(blendshapes, tongue)[:, chosen], atol=1e-6)
    assert np.array_equal(few.lips(blendshapes, tongue), head.lips(blendshapes, tongue))
