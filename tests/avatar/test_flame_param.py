"""`flame_param.npz`: as GaussianAvatars writes and reads it, and from a track."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from slp_mouthing.avatar.flame_param import FlameIdentity, FlameParam
from slp_mouthing.errors import InputError
from slp_mouthing.types import TONGUE_NAMES, FaceTrack

FRAMES, VERTICES = 4, 9


def make_arrays() -> dict[str, np.ndarray]:
    """What the field's code saves."""
    rng = np.random.default_rng(2)
    sizes = {"shape": (300,), "expr": (FRAMES, 100), "rotation": (FRAMES, 3), "neck_pose": (FRAMES, 3), "jaw_pose": (FRAMES, 3),
             "eyes_pose": (FRAMES, 6), "translation": (FRAMES, 3), "static_offset": (1, VERTICES, 3),
             "dynamic_offset": (FRAMES, VERTICES, 3)}  # fmt: skip
    return {name: rng.standard_normal(size).astype(np.float32) for name, size in sizes.items()}


def saved(tmp_path, **changes: object):
    arrays = make_arrays() | changes
    np.savez(tmp_path / "flame_param.npz", **{name: value for name, value in arrays.items() if value is not None})
    return tmp_path / "flame_param.npz"


def test_read_and_written_as_the_field_does(tmp_path):
    param = FlameParam.load(saved(tmp_path))
    param.save(tmp_path / "ours.npz")
    with np.load(tmp_path / "ours.npz") as ours:
        assert set(ours.files) == set(make_arrays())
        for name, expected in make_arrays().items():
            # GaussianAvatars takes motion from float32 arrays alone.
            assert ours[name].dtype == np.float32
            np.testing.assert_array_equal(ours[name], expected)


def test_the_same_parameters_give_the_same_bytes(tmp_path):
    FlameParam.load(saved(tmp_path)).save(tmp_path / "a.npz")
    FlameParam.load(tmp_path / "a.npz").save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_trackers_file_without_offsets_and_with_more_arrays(tmp_path):
    path = saved(tmp_path, static_offset=None, dynamic_offset=None, focal_length=np.ones(1), timestep_id=np.array(["a"]))
    param = FlameParam.load(path)
    assert param.static_offset is None and param.dynamic_offset is None
    param.save(tmp_path / "ours.npz")
    assert len(FlameParam.load(tmp_path / "ours.npz")) == FRAMES


def test_float64_files_are_read(tmp_path):
    param = FlameParam.load(saved(tmp_path, expr=np.full((FRAMES, 50), 0.5), static_offset=np.zeros((VERTICES, 3))))
    assert param.expr.dtype == np.float32 and param.expr.shape == (FRAMES, 50)
    assert param.static_offset.shape == (VERTICES, 3)


def make_track(**changes: object) -> FaceTrack:
    rng = np.random.default_rng(4)

    def array(*size: int) -> np.ndarray:
        return rng.uniform(0, 1, (5, *size)).astype(np.float32)

    track = FaceTrack(
        fps=30, head="flame2023", jaw_pose=array(3), blendshapes=array(52), eyes_pose=array(6), tongue=array(len(TONGUE_NAMES)),
        lip_opening_m=array(), lip_width_m=array(), expressions=array(100),
    )  # fmt: skip
    return replace(track, **changes)


def test_a_track_as_motion_of_a_person(tmp_path):
    track, person = make_track(), FlameIdentity.load(saved(tmp_path))
    FlameParam.of_track(track, person).save(tmp_path / "motion.npz")
    param = FlameParam.load(tmp_path / "motion.npz")
    np.testing.assert_array_equal(param.expr, track.expressions)
    np.testing.assert_array_equal(param.jaw_pose, track.jaw_pose)
    np.testing.assert_array_equal(param.eyes_pose, track.eyes_pose)
    np.testing.assert_array_equal(param.shape, make_arrays()["shape"])
    np.testing.assert_array_equal(param.static_offset, make_arrays()["static_offset"][0])
    assert not any(getattr(param, name).any() for name in ("rotation", "neck_pose", "translation", "dynamic_offset"))
    assert param.dynamic_offset.shape == (5, VERTICES, 3)


def test_a_track_of_nobody_is_the_mean_face():
    param = FlameParam.of_track(make_track())
    assert param.shape.shape == (300,) and not param.shape.any() and param.static_offset is None


def test_a_track_without_expressions_is_refused():
    with pytest.raises(InputError, match="no FLAME expressions"):
        FlameParam.of_track(make_track(expressions=None, head="builtin"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expr": None}, "lacks expr"),
        ({"shape": None}, "lacks shape"),
        ({"jaw_pose": np.zeros((FRAMES + 1, 3))}, f"jaw_pose is 5 x 3, expected {FRAMES} x 3"),
        ({"eyes_pose": np.zeros((FRAMES, 3))}, "eyes_pose is 4 x 3, expected 4 x 6"),
        ({"shape": np.zeros((1, 300))}, "shape is 1 x 300"),
        ({"static_offset": np.zeros((2, VERTICES, 3))}, "static_offset is 2 x 9 x 3"),
        ({"static_offset": np.zeros((1, VERTICES + 1, 3))}, "dynamic_offset is 4 x 9 x 3, expected 4 x 10 x 3"),
        ({"expr": np.zeros((0, 100))}, "expr is 0 x 100"),
        ({"neck_pose": np.full((FRAMES, 3), np.nan)}, "neck_pose holds values that are not finite"),
        ({"translation": np.full((FRAMES, 3), "x")}, "translation holds <U1"),
        ({"rotation": np.array([{"a": 1}], object)}, "not a readable flame_param.npz"),
    ],
)
def test_bad_arrays_are_named(tmp_path, changes, reason):
    path = saved(tmp_path, **changes)
    with pytest.raises(InputError) as error:
        FlameParam.load(path)
    assert reason in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello", bytes(1000)])
def test_foreign_files(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match="not a readable"):
        FlameParam.load(tmp_path / "a.npz")


def test_a_damaged_file(tmp_path):
    path = saved(tmp_path)
    content = path.read_bytes()
    for cut in range(0, len(content), 997):
        path.write_bytes(content[:cut] + bytes(40) + content[cut + 40 :])
        try:
            FlameParam.load(path)
        except InputError as error:
            assert str(path) in str(error)
    with pytest.raises(InputError, match="no such file"):
        FlameParam.load(tmp_path / "none.npz")


def test_every_field_is_stored():
    assert {field.name for field in fields(FlameParam)} == set(make_arrays())
