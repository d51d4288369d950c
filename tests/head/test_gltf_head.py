"""Heads from GLB files: what other tools write, what must be guessed, and what is said about bad files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import HeadError
from slp_mouthing.export.glb import write_glb as export_glb
from slp_mouthing.head.arkit_names import by_control, control_name
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.gltf_file import read_glb
from slp_mouthing.head.gltf_head import GlbHead, load_glb_head
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, TONGUE_NAMES, Take
from tests.head.glb_files import Part, container, other_head, write_glb
from tests.head.speech_curves import correlation, speech_track

if TYPE_CHECKING:
    from pathlib import Path

BUILTIN = load_builtin()


@pytest.fixture(scope="module")
def part() -> Part:
    return other_head()


@pytest.fixture(scope="module")
def head(part: Part, tmp_path_factory: pytest.TempPathFactory) -> GlbHead:
    return load_glb_head(write_glb(tmp_path_factory.mktemp("glb") / "other.glb", [part]))


def weights(**values: float) -> tuple[np.ndarray, np.ndarray]:
    controls = np.zeros((1, len(CONTROL_NAMES)), np.float32)
    for name, value in values.items():
        controls[0, CONTROL_NAMES.index(name)] = value
    return controls[:, : len(ARKIT_NAMES)], controls[:, len(ARKIT_NAMES) :]


# ---- our own file ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.glb"
    export_glb(Take(speech_track(BUILTIN, syllables=3), BUILTIN, "own"), path)
    return path


def test_our_own_file_plays_to_the_same_mesh(own: Path) -> None:
    mesh, track = read_glb(own), speech_track(BUILTIN, syllables=3)
    assert mesh.clip is not None
    np.testing.assert_allclose(mesh.clip.times_s, track.time_s, atol=1e-6)
    played = mesh.points + sum(w[:, None, None] * mesh.targets[name] for name, w in mesh.clip.weights.items())
    assert np.linalg.norm(played - BUILTIN.pose(track.blendshapes, track.tongue, track.eyes_pose), axis=-1).max() < 1e-4


def test_our_own_file_is_a_head(own: Path) -> None:
    head, track = load_glb_head(own), speech_track(BUILTIN, syllables=3)
    assert (head.name, head.missing, head.warnings) == ("own.glb", (), ())
    np.testing.assert_allclose(head.neutral_m, BUILTIN.neutral_m, atol=1e-6)
    np.testing.assert_allclose(head.colors, BUILTIN.colors, atol=1e-6)
    assert sorted(map(sorted, head.triangles.tolist())) == sorted(map(sorted, BUILTIN.triangles.tolist()))
    for name in ("jawOpen", "mouthPucker", "eyeLookUpLeft", "tongueUp"):
        np.testing.assert_allclose(head.target(name), BUILTIN.target(name), atol=2e-6)
    opening, width = head.lips(track.blendshapes, track.tongue)
    assert correlation(opening, track.lip_opening_m) > 0.98
    assert correlation(width, track.lip_width_m) > 0.98


def test_landmarks_are_found_where_they_are(own: Path) -> None:
    head = load_glb_head(own)
    for name in head.landmarks:
        found, true = (h.neutral_m[h.landmarks[name]] for h in (head, BUILTIN))
        away = np.linalg.norm(found[:, None] - true, axis=-1)
        # The chin is a region; contours lie apart in depth where lips are round.
        limit = 0.012 if name in ("chin", "eye_left", "eye_right") else 0.005
        assert max(away.min(axis=0).max(), away.min(axis=1).max()) < limit, name
    right, left = (head.neutral_m[head.landmarks[f"lip_corner_{side}"][0], 0] for side in ("right", "left"))
    assert right < 0 < left


# ---- posing ---------------------------------------------------------------------------------------------------------------
def test_controls_add_up(head: GlbHead, part: Part) -> None:
    posed = head.pose(*weights(jawOpen=0.5, browInnerUp=0.25))[0]
    expected = part.points + 0.5 * part.targets["jawOpen"] + 0.25 * part.targets["browInnerUp"]
    np.testing.assert_allclose(posed, expected, atol=1e-6)


def test_lips_close_and_never_cross(head: GlbHead) -> None:
    rng = np.random.default_rng(3)
    blendshapes = (rng.random((60, 52)) * (rng.random((60, 52)) < 0.2)).astype(np.float32)
    posed = head.pose(blendshapes, np.zeros((60, len(TONGUE_NAMES)), np.float32))
    assert head.pairs.gaps(posed).min() > -2e-4
    shut = weights(jawOpen=0.4, mouthClose=0.4, mouthPressLeft=0.4, mouthPressRight=0.4)
    assert head.lips(*shut)[0][0] == 0
    assert head.lips(*weights(jawOpen=0.4))[0][0] > 0.008


def test_lips_are_those_of_the_posed_mesh(head: GlbHead) -> None:
    track = speech_track(BUILTIN, syllables=4)
    opening, width = head.lips(track.blendshapes, track.tongue)
    posed = head.pose(track.blendshapes, track.tongue)
    corners = posed[:, [head.landmarks["lip_corner_left"][0], head.landmarks["lip_corner_right"][0]]]
    np.testing.assert_allclose(opening, head.pairs.opening(posed), atol=1e-6)
    np.testing.assert_allclose(width, np.linalg.norm(corners[:, 0] - corners[:, 1], axis=-1), atol=1e-6)


def test_jaw_and_eyes_turn_as_the_controls_mean(head: GlbHead) -> None:
    jaw, true = (h.jaw_pose(weights(jawOpen=1)[0])[0, 0] for h in (head, BUILTIN))
    assert abs(jaw - true) < 0.15 * true
    looking = weights(eyeLookUpLeft=0.5, eyeLookOutRight=0.7)
    np.testing.assert_allclose(head.eyes_pose(looking[0]), BUILTIN.eyes_pose(looking[0]), atol=1e-6)
    np.testing.assert_allclose(head.pose(*weights(), head.eyes_pose(looking[0])), head.pose(*looking), atol=1e-6)


def test_controls_of_another_size_are_refused(head: GlbHead) -> None:
    with pytest.raises(HeadError, match="expected"):
        head.pose(np.zeros((3, 51), np.float32), np.zeros((3, len(TONGUE_NAMES)), np.float32))
    with pytest.raises(HeadError, match="no control named 'smirk'"):
        head.target("smirk")


# ---- names ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("jawOpen", "jawOpen"), ("JawOpen", "jawOpen"), ("jaw_open", "jawOpen"), ("JAW-OPEN", "jawOpen"),
        ("mouthSmile_L", "mouthSmileLeft"), ("mouthSmileR", "mouthSmileRight"), ("eyeBlink.L", "eyeBlinkLeft"),
        ("head.mouthLeft", "mouthLeft"), ("ARKit_BrowDown_Right", "browDownRight"), ("Face_blendShape1.cheekPuff", "cheekPuff"),
        ("tongue_tip_up", "tongueTipUp"), ("viseme_PP", None), ("jaw", None), ("", None), ("jawOpenWide", None),
    ],
)  # fmt: skip
def test_common_spellings(spelling: str, name: str | None) -> None:
    assert control_name(spelling) == name


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(CONTROL_NAMES), st.sampled_from(("", "head.", "bs_", "Mesh:")), st.sampled_from((str, str.upper)))
def test_every_control_is_found_whatever_stands_before_it(name: str, prefix: str, case: type[str]) -> None:
    assert control_name(prefix + case(name)) == name


def test_the_first_of_two_spellings_counts() -> None:
    assert by_control(["jaw_open", "nothing", "jawOpen"]) == {"jawOpen": "jaw_open"}


# ---- what other tools write -----------------------------------------------------------------------------------------------
def check_same(found: GlbHead, head: GlbHead, atol: float = 2e-6) -> None:
    np.testing.assert_allclose(found.neutral_m, head.neutral_m, atol=atol)
    np.testing.assert_allclose(found.targets, head.targets, atol=atol)


def test_sparse_targets(part: Part, head: GlbHead, tmp_path: Path) -> None:
    check_same(load_glb_head(write_glb(tmp_path / "a.glb", [part], sparse=True)), head)


def test_normalised_integers(part: Part, head: GlbHead, tmp_path: Path) -> None:
    found = load_glb_head(write_glb(tmp_path / "a.glb", [part], integers=True))
    check_same(found, head, atol=1e-5)


@pytest.mark.parametrize(("factor", "unit"), [(100.0, "centimetres"), (1000.0, "millimetres"), (1 / 0.0254, "inches")])
def test_other_units_become_metres_with_a_warning(
    part: Part, head: GlbHead, tmp_path: Path, factor: float, unit: str
) -> None:  # fmt: skip
    large = replace(part, points=part.points * factor, targets={n: t * factor for n, t in part.targets.items()})
    found = load_glb_head(write_glb(tmp_path / "a.glb", [large]))
    check_same(found, head)
    assert any(unit in line for line in found.warnings)


@pytest.mark.parametrize("turn", [[0, 1, 0, 0], [0, -(0.5**0.5), 0, 0.5**0.5], [-(0.5**0.5), 0, 0, 0.5**0.5]])
def test_heads_that_look_elsewhere_are_turned_with_a_warning(
    part: Part, head: GlbHead, tmp_path: Path, turn: list[float]
) -> None:  # fmt: skip
    found = load_glb_head(write_glb(tmp_path / "a.glb", [replace(part, node={"rotation": turn})]))
    check_same(found, head)
    assert any("turned" in line for line in found.warnings)


def test_nodes_place_their_meshes(part: Part, head: GlbHead, tmp_path: Path) -> None:
    half = replace(part, points=part.points * 2 - (0, 3.0, 0), targets={n: 2 * t for n, t in part.targets.items()})
    matrix = [0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 1.5, 0, 1]
    for node in ({"scale": [0.5] * 3, "translation": [0, 1.5, 0]}, {"matrix": matrix}):
        check_same(load_glb_head(write_glb(tmp_path / "a.glb", [replace(half, node=node)])), head)


def test_several_meshes_become_one(part: Part, head: GlbHead, tmp_path: Path) -> None:
    teeth = Part(
        part.points[:30] - np.array([0, 0, 0.2]), np.array([[0, 1, 2], [3, 4, 5]]), {"Jaw_Open": np.tile([0, -0.01, 0], (30, 1))},
        material="Teeth_Lower", color=(0.9, 0.8, 0.7),
    )  # fmt: skip
    found = load_glb_head(write_glb(tmp_path / "a.glb", [replace(part, targets=part.targets), teeth]))
    assert len(found.neutral_m) == len(head.neutral_m) + 30
    assert [found.region_names[r] for r in found.regions[-2:]] == ["tooth", "tooth"]
    np.testing.assert_allclose(found.colors[-1], (0.9, 0.8, 0.7), atol=1e-6)
    # The first spelling of a control is that of the whole file: a second one beside it moves nothing.
    teeth.targets = {"jawOpen": teeth.targets["Jaw_Open"]}
    found = load_glb_head(write_glb(tmp_path / "b.glb", [part, teeth]))
    np.testing.assert_allclose(found.target("jawOpen")[-1], (0, -0.01, 0), atol=1e-6)


def test_named_landmarks_win(part: Part, tmp_path: Path) -> None:
    named = replace(part, extras={"landmarks": {"nose_tip": 17, "lips_outer": [3, 4, 5]}})
    found = load_glb_head(write_glb(tmp_path / "a.glb", [named]))
    assert found.landmarks["nose_tip"].tolist() == [17]
    assert found.landmarks["lips_outer"].tolist() == [3, 4, 5]
    with pytest.raises(HeadError, match="landmark 'chin' names a vertex beyond"):
        load_glb_head(write_glb(tmp_path / "b.glb", [replace(part, extras={"landmarks": {"chin": 10**6}})]))


def test_missing_shapes_are_named(part: Part, tmp_path: Path) -> None:
    few = replace(part, targets={n: t for n, t in part.targets.items() if n in ("jawOpen", "mouthClose", "mouthPucker")})
    found = load_glb_head(write_glb(tmp_path / "a.glb", [few]))
    assert "mouthFunnel" in found.missing
    assert any("lacks 49 of ARKit's 52 shapes" in line and "mouthFunnel" in line for line in found.warnings)
    assert not found.target("mouthFunnel").any()


# ---- bad files ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lost", ["jawOpen", "mouthClose"])
def test_a_head_that_cannot_open_or_close_is_refused(part: Part, tmp_path: Path, lost: str) -> None:
    path = write_glb(tmp_path / "a.glb", [replace(part, targets={n: t for n, t in part.targets.items() if n != lost})])
    with pytest.raises(HeadError, match=rf"a\.glb: has no shape {lost} among 57 targets; export"):
        load_glb_head(path)


def test_a_mesh_without_lips_says_what_to_do(part: Part, tmp_path: Path) -> None:
    down = np.zeros_like(part.points)
    down[:, 1] = -0.1 - part.points[:, 1]
    smooth = replace(part, targets={"jawOpen": 0.1 * down, "mouthClose": -0.1 * down})
    with pytest.raises(HeadError, match=r"lips cannot be told from jawOpen; its jawOpen must move"):
        load_glb_head(write_glb(tmp_path / "a.glb", [smooth]))


def test_a_cut_file_is_refused_wherever_it_ends(own: Path, tmp_path: Path) -> None:
    content = own.read_bytes()
    for end in (0, 3, 11, 19, 100, 5000, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.glb").write_bytes(content[:end])
        with pytest.raises(HeadError, match=r"cut\.glb: "):
            load_glb_head(tmp_path / "cut.glb")


@settings(deadline=None, max_examples=60)
@given(st.integers(12, 3000), st.integers(0, 255))
def test_a_damaged_header_never_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:  # fmt: skip
    content = bytearray(_small_file(tmp_path_factory))
    content[at % len(content)] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.glb"
    path.write_bytes(bytes(content))
    try:
        read_glb(path)
    except HeadError as error:
        assert "\n" not in str(error)


def _small_file(factory: pytest.TempPathFactory) -> bytes:
    path = factory.getbasetemp() / "small.glb"
    if not path.exists():
        points = np.eye(3)
        write_glb(path, [Part(points, np.array([[0, 1, 2]]), {"jawOpen": points, "mouthClose": -points})], sparse=True)
    return path.read_bytes()


def test_values_that_are_not_finite_are_named(part: Part, tmp_path: Path) -> None:
    broken = part.targets["mouthPucker"].copy()
    broken[7] = np.nan
    path = write_glb(tmp_path / "a.glb", [replace(part, targets={**part.targets, "mouthPucker": broken})])
    with pytest.raises(HeadError, match="target 'mouthPucker' holds values that are not finite"):
        load_glb_head(path)


def test_triangles_beyond_the_mesh_are_refused(part: Part, tmp_path: Path) -> None:
    path = write_glb(tmp_path / "a.glb", [replace(part, triangles=part.triangles + len(part.points))])
    with pytest.raises(HeadError, match="a triangle names vertex"):
        load_glb_head(path)


def test_compression_and_outside_data_are_refused_with_what_to_do(part: Part, tmp_path: Path) -> None:
    packed = write_glb(tmp_path / "a.glb", [part], extensionsRequired=["KHR_draco_mesh_compression"])
    with pytest.raises(HeadError, match="needs KHR_draco_mesh_compression; export it without compression"):
        load_glb_head(packed)
    outside = write_glb(tmp_path / "b.glb", [part], buffers=[{"byteLength": 10**6, "uri": "head.bin"}])
    with pytest.raises(HeadError, match="keeps its data in another file"):
        load_glb_head(outside)


@pytest.mark.parametrize(
    "content", [b"", b"<!doctype html><html></html>", b"solid head", container({"asset": {"version": "2.0"}}, b"")]
)
def test_what_is_no_head_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.glb").write_bytes(content)
    with pytest.raises(HeadError, match=r"a\.glb: (is not a binary glTF|holds no triangles|is damaged)"):
        load_glb_head(tmp_path / "a.glb")


def test_nodes_in_a_circle_are_refused(tmp_path: Path) -> None:
    document = {"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"children": [1]}, {"children": [0]}]}
    (tmp_path / "a.glb").write_bytes(container(json.loads(json.dumps(document)), b""))
    with pytest.raises(HeadError, match="in a circle"):
        load_glb_head(tmp_path / "a.glb")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match=r"nowhere\.glb: no such file"):
        load_glb_head(tmp_path / "nowhere.glb")
