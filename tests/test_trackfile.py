"""The `.track.npz` file: what is kept, what is refused, and that the same track gives the same bytes."""

from __future__ import annotations

import json
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError, MouthError, OutputError
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack

FRAMES = 7


def make_track(frames: int = FRAMES, **changes: object) -> FaceTrack:
    rng = np.random.default_rng(5)

    def array(*shape: int) -> np.ndarray:
        return rng.uniform(0, 1, (frames, *shape)).astype(np.float32)

    track = FaceTrack(
        fps=29.97, head="builtin", jaw_pose=array(3), blendshapes=array(52), eyes_pose=array(6), tongue=array(len(TONGUE_NAMES)),
        lip_opening_m=array(), lip_width_m=array(), meta=json.dumps({"input": "WHY ⌘café(A)", "seed": 0}),
    )  # fmt: skip
    return replace(track, **changes)


def assert_equal(a: FaceTrack, b: FaceTrack) -> None:
    for field in fields(FaceTrack):
        left, right = getattr(a, field.name), getattr(b, field.name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right)
            assert left.dtype == right.dtype
        else:
            assert left == right, field.name


def rewrite(path, **changes: object) -> None:
    """Write the file again by numpy's own means, with arrays replaced, or left out (None)."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files} | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.track.npz"
    make_track().save(path)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"expressions": np.ones((FRAMES, 100), np.float32), "head": "flame2020"},
        {"vertex_offsets": np.full((FRAMES, 30, 3), 0.001, np.float32)},
        {"tongue_names": ("tongueUp",), "tongue": np.ones((FRAMES, 1), np.float32)},
    ],
    ids=["plain", "flame", "vertices", "other tongue"],
)
def test_round_trip(tmp_path, changes):
    track = make_track(**changes)
    track.save(tmp_path / "a.track.npz")
    assert_equal(FaceTrack.load(tmp_path / "a.track.npz"), track)


def test_an_empty_track_survives(tmp_path):
    make_track(0).save(tmp_path / "a.track.npz")
    assert len(FaceTrack.load(tmp_path / "a.track.npz")) == 0


def test_plain_numpy_reads_it(path):
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_allclose(archive["time_s"], np.arange(FRAMES) / 29.97)
        assert tuple(archive["blendshape_names"]) == ARKIT_NAMES
        assert json.loads(str(archive["meta"]))["input"] == "WHY ⌘café(A)"
        assert "vertex_offsets" not in archive.files


def test_same_track_same_bytes(tmp_path, path):
    make_track().save(tmp_path / "b.track.npz")
    assert path.read_bytes() == (tmp_path / "b.track.npz").read_bytes()


def test_it_is_compressed(tmp_path):
    make_track(vertex_offsets=np.zeros((FRAMES, 9000, 3), np.float32)).save(tmp_path / "a.track.npz")
    assert (tmp_path / "a.track.npz").stat().st_size < 50_000


def test_a_file_that_numpy_wrote_is_read(path):
    rewrite(path, blendshapes=np.zeros((FRAMES, 52)))
    track = FaceTrack.load(path)
    assert track.blendshapes.dtype == np.float32 and not track.blendshapes.any()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"blendshapes": None}, "lacks blendshapes"),
        ({"fps": None, "meta": None}, "lacks fps, meta"),
        ({"blendshapes": np.zeros((FRAMES, 51))}, r"blendshapes has shape \(7, 51\), expected \(7, 52\)"),
        ({"blendshapes": np.float32(1)}, "blendshapes has shape"),
        ({"jaw_pose": np.zeros((FRAMES + 1, 3))}, "jaw_pose has shape"),
        ({"vertex_offsets": np.zeros((FRAMES, 30))}, r"vertex_offsets has shape .* expected \(7, any, 3\)"),
        ({"expressions": np.zeros((FRAMES - 1, 100))}, "expressions has shape"),
        ({"lip_width_m": np.full(FRAMES, np.nan)}, "lip_width_m holds values that are not finite"),
        ({"vertex_offsets": np.full((FRAMES, 2, 3), np.inf)}, "vertex_offsets holds values that are not finite"),
        ({"tongue": np.full((FRAMES, 6), "a")}, "tongue holds <U1, expected numbers"),
        ({"blendshape_names": np.array(sorted(ARKIT_NAMES))}, "Live Link order"),
        ({"blendshape_names": np.arange(52)}, "not a list of names"),
        ({"tongue_names": np.array("tongueUp")}, "not a list of names"),
        ({"fps": np.float64(0)}, "fps is 0"),
        ({"fps": np.array("fast")}, "fps holds"),
        ({"fps": np.array([30.0, 25.0])}, "fps has shape"),
        ({"time_s": np.arange(FRAMES) / 25}, "time_s"),
        ({"meta": np.array("{")}, "meta"),
        ({"meta": np.array("[1]")}, "meta"),
    ],
)
def test_wrong_content_is_named(path, changes, problem):
    rewrite(path, **changes)
    with pytest.raises(InputError, match=problem) as caught:
        FaceTrack.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        FaceTrack.load(tmp_path / "a.track.npz")


def test_a_folder(tmp_path):
    with pytest.raises(InputError, match="not a readable"):
        FaceTrack.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"WHY LATE", bytes(range(256)) * 9], ids=["empty", "short", "text", "binary"])
def test_something_else(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable"):
        FaceTrack.load(path)


def test_a_single_array_is_not_a_track(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(InputError, match="not a readable"):
        FaceTrack.load(tmp_path / "a.npy")


def test_pickled_objects_are_never_run(path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was run",))

    rewrite(path, meta=np.array([Bomb()], dtype=object))
    with pytest.raises(InputError, match="not a readable"):
        FaceTrack.load(path)


def test_other_members_of_the_archive_do_no_harm(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("notes.txt", "made by hand")
    assert_equal(FaceTrack.load(path), make_track())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_is_reported_or_harmless(path, tmp_path, data):
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans(), "cut"):
        content = content[: data.draw(st.integers(0, len(content) - 1), "length")]
    else:
        content[data.draw(st.integers(0, len(content) - 1), "place")] = data.draw(st.integers(0, 255), "byte")
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(bytes(content))
    try:
        track = FaceTrack.load(damaged)
    except MouthError as error:
        assert "\n" not in str(error)
    else:
        assert len(track) == FRAMES


def test_it_is_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "a.track.npz").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        make_track().save(tmp_path / "a.track.npz")
    assert not list((tmp_path / "a.track.npz").iterdir())


def test_time_is_frame_over_rate():
    track = make_track()
    np.testing.assert_allclose(track.time_s, np.arange(FRAMES) / 29.97)
    assert track.curves.values.shape == (FRAMES, 58)
