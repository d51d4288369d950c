"""Motion from head to head: what the lips do carries over, contact included."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.errors import HeadError
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.choose import resolve_head
from slp_mouthing.head.flame import FlameHead, load_flame
from slp_mouthing.head.flame_controls import ControlledFlame
from slp_mouthing.head.gltf_head import GlbHead, load_glb_head
from slp_mouthing.head.transfer import Transfer
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, FaceTrack
from tests.head.flame_files import SMALL, write_folder
from tests.head.flame_like import SHAPES, write_flame_like
from tests.head.glb_files import other_head, write_glb
from tests.head.speech_curves import correlation, protrusion, speech_track

if TYPE_CHECKING:
    from pathlib import Path

CONTACT_M, OPEN_M = 3e-4, 6e-4
BUILTIN = load_builtin()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> FlameHead:
    folder = tmp_path_factory.mktemp("flame")
    write_flame_like(folder)
    return load_flame(folder, shape_count=SHAPES)


@pytest.fixture(scope="module")
def glb(tmp_path_factory: pytest.TempPathFactory) -> GlbHead:
    return load_glb_head(write_glb(tmp_path_factory.mktemp("glb") / "other.glb", [other_head()]))


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    return speech_track(BUILTIN)


@pytest.fixture(scope="module")
def to_flame(flame: FlameHead, cache: Path) -> Transfer:
    return Transfer(BUILTIN, flame, cache=cache)


@pytest.fixture(scope="module")
def on_flame(to_flame: Transfer, track: FaceTrack) -> FaceTrack:
    return to_flame(track)


def vertices(track: FaceTrack, head: object) -> np.ndarray:
    if isinstance(head, FlameHead):
        return head.pose_flame(track.expressions, track.jaw_pose, track.eyes_pose)
    return head.pose(track.blendshapes, track.tongue, track.eyes_pose)  # type: ignore[attr-defined]


def check_lips(before: FaceTrack, source: object, after: FaceTrack, target: object) -> None:
    assert correlation(before.lip_opening_m, after.lip_opening_m) >= 0.98
    assert correlation(before.lip_width_m, after.lip_width_m) >= 0.98
    depths = protrusion(vertices(before, source), source), protrusion(vertices(after, target), target)
    assert correlation(*depths) >= 0.98
    contact = before.lip_opening_m <= CONTACT_M
    assert contact.sum() > 10
    assert (after.lip_opening_m[contact] <= CONTACT_M).all()
    assert (after.lip_opening_m[before.lip_opening_m > OPEN_M] > CONTACT_M).all()


# ---- what carries over ----------------------------------------------------------------------------------------------------
def test_lips_carry_over_to_flame(track: FaceTrack, on_flame: FaceTrack, flame: FlameHead) -> None:
    check_lips(track, BUILTIN, on_flame, flame)


def test_lips_carry_over_from_flame(on_flame: FaceTrack, flame: FlameHead, track: FaceTrack, cache: Path) -> None:
    back = Transfer(flame, BUILTIN, cache=cache)(on_flame)
    check_lips(on_flame, flame, back, BUILTIN)
    check_lips(track, BUILTIN, back, BUILTIN)


def test_lips_carry_over_to_a_glb_head_and_back(track: FaceTrack, glb: GlbHead, cache: Path) -> None:
    there = Transfer(BUILTIN, glb, cache=cache)(track)
    check_lips(track, BUILTIN, there, glb)
    check_lips(there, glb, Transfer(glb, BUILTIN, cache=cache)(there), BUILTIN)


def test_the_skin_moves_as_on_the_source(track: FaceTrack, on_flame: FaceTrack, flame: FlameHead) -> None:
    """The made-up FLAME is the built-in head's skin in other proportions, so that its true motion is known."""
    from tests.head.flame_like import proportions, skin_triangles

    faces = BUILTIN.triangles[skin_triangles(BUILTIN)]
    true = proportions(vertices(track, BUILTIN)[:, faces].mean(axis=2).astype(float))
    made = vertices(on_flame, flame)[:, : true.shape[1]]
    still = np.broadcast_to(flame.neutral_m[: true.shape[1]], true.shape)
    near_lips = np.linalg.norm(true[0] - true[0][flame.landmarks["lip_upper_mid"]], axis=-1) < 0.03

    def rms(points: np.ndarray) -> float:
        return float(np.sqrt(np.square(points - true)[:, near_lips].sum(axis=-1).mean()))

    assert rms(made) < 0.35 * rms(still)


def test_a_head_onto_itself_keeps_its_curves(track: FaceTrack, cache: Path) -> None:
    same = Transfer(BUILTIN, BUILTIN, cache=cache)(track)
    np.testing.assert_allclose(same.blendshapes, track.blendshapes, atol=1e-6)
    np.testing.assert_allclose(same.lip_opening_m, track.lip_opening_m, atol=1e-7)


def test_what_says_nothing_of_the_lips_stays(track: FaceTrack, glb: GlbHead, flame: FlameHead, cache: Path) -> None:
    blendshapes = track.blendshapes.copy()
    others = [k for k, name in enumerate(ARKIT_NAMES) if name.startswith(("brow", "eye"))]
    blendshapes[:, others] = 0.4
    looking = replace(track, blendshapes=blendshapes, eyes_pose=BUILTIN.eyes_pose(blendshapes))
    np.testing.assert_allclose(
        Transfer(BUILTIN, glb, cache=cache)(looking).blendshapes[:, others], blendshapes[:, others], atol=0.02
    )
    np.testing.assert_array_equal(Transfer(BUILTIN, flame, cache=cache)(looking).eyes_pose, looking.eyes_pose)


def test_frames_do_not_depend_on_those_around_them(track: FaceTrack, to_flame: Transfer, on_flame: FaceTrack) -> None:
    few = replace(
        track,
        **{
            n: getattr(track, n)[20:27]
            for n in ("jaw_pose", "blendshapes", "eyes_pose", "tongue", "lip_opening_m", "lip_width_m")
        },
    )
    assert on_flame.expressions is not None
    np.testing.assert_allclose(to_flame(few).jaw_pose, on_flame.jaw_pose[20:27], atol=1e-5)


# ---- the track ------------------------------------------------------------------------------------------------------------
def test_a_flame_track_holds_both_descriptions(track: FaceTrack, on_flame: FaceTrack, flame: FlameHead, tmp_path: Path) -> None:
    assert on_flame.head == flame.name
    assert on_flame.expressions is not None
    assert on_flame.expressions.shape == (len(track), flame.expression_count)
    np.testing.assert_array_equal(on_flame.blendshapes, track.blendshapes)
    on_flame.save(tmp_path / "x.track.npz")
    assert FaceTrack.load(tmp_path / "x.track.npz").head == flame.name


def test_measures_are_those_of_the_posed_mesh(on_flame: FaceTrack, flame: FlameHead) -> None:
    opening, width = flame.lip_measures(vertices(on_flame, flame))
    np.testing.assert_allclose(on_flame.lip_opening_m, opening, atol=1e-6)
    np.testing.assert_allclose(on_flame.lip_width_m, width, atol=1e-6)


def test_a_track_of_another_head_is_refused(track: FaceTrack, to_flame: Transfer) -> None:
    with pytest.raises(HeadError, match=r"head 'my\.glb', expected 'builtin'"):
        to_flame(replace(track, head="my.glb"))


# ---- cache ----------------------------------------------------------------------------------------------------------------
def test_results_are_kept_by_pair_and_a_damaged_one_is_made_again(glb: GlbHead, track: FaceTrack, tmp_path: Path) -> None:
    first = Transfer(BUILTIN, glb, cache=tmp_path)(track)
    (kept,) = tmp_path.iterdir()
    from_cache = Transfer(BUILTIN, glb, cache=tmp_path)(track)
    np.testing.assert_array_equal(from_cache.blendshapes, first.blendshapes)
    kept.write_bytes(kept.read_bytes()[:1000])
    np.testing.assert_array_equal(Transfer(BUILTIN, glb, cache=tmp_path)(track).blendshapes, first.blendshapes)
    Transfer(glb, BUILTIN, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_no_error(glb: GlbHead, track: FaceTrack, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    uncached = Transfer(BUILTIN, glb, cache=tmp_path / "file")(track)
    assert (tmp_path / "file").read_text() == "in the way"
    np.testing.assert_array_equal(uncached.blendshapes, Transfer(BUILTIN, glb, cache=tmp_path / "cache")(track).blendshapes)


# ---- heads by name --------------------------------------------------------------------------------------------------------
def test_flame_takes_controls_like_any_head(flame: FlameHead, to_flame: Transfer, track: FaceTrack, on_flame: FaceTrack) -> None:
    head = ControlledFlame(to_flame, BUILTIN, flame)
    posed = head.pose(track.blendshapes, track.tongue)
    np.testing.assert_allclose(posed, vertices(on_flame, flame), atol=2e-5)
    rest = np.zeros((1, len(CONTROL_NAMES)), np.float32)
    np.testing.assert_array_equal(head.pose(rest[:, :52], rest[:, 52:])[0], head.neutral_m)
    opening, _ = head.lips(track.blendshapes, track.tongue)
    np.testing.assert_allclose(opening, on_flame.lip_opening_m, atol=2e-5)
    chin = head.landmarks["lip_lower_mid"][0]
    assert head.target("jawOpen")[chin, 1] < -0.01
    assert head.target("mouthClose")[chin, 1] > 0.01
    with pytest.raises(HeadError, match="no control named 'smirk'"):
        head.target("smirk")


def test_heads_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert resolve_head("builtin") is BUILTIN
    path = write_glb(tmp_path / "My.GLB", [other_head(("jawOpen", "mouthClose"))])
    assert resolve_head(str(path)).name == "My.GLB"


@pytest.mark.parametrize("spec", ["smplx", "head.fbx", "", "./builtin"])
def test_unknown_heads_are_refused_with_what_is_allowed(spec: str) -> None:
    with pytest.raises(HeadError, match=r"unknown head .*; one of builtin, flame, a \.glb file"):
        resolve_head(spec)


def test_flame_without_its_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="give --flame DIR"):
        resolve_head("flame", tmp_path / "nowhere")


def test_a_flame_whose_shapes_are_no_mouth_is_still_finite(track: FaceTrack, tmp_path: Path) -> None:
    """Random waves on an egg: lips cannot follow, but nothing breaks."""
    write_folder(tmp_path / "flame")
    egg = load_flame(tmp_path / "flame", shape_count=SMALL.shapes)
    on_egg = Transfer(BUILTIN, egg, cache=tmp_path)(track)
    assert np.isfinite(on_egg.expressions).all()
    assert np.abs(on_egg.jaw_pose).max() < 1.5
