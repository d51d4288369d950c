"""Which writer takes which file, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slp_mouthing.errors import OutputError
from slp_mouthing.export import WRITERS, export, suffix_for
from slp_mouthing.types import FaceTrack


@pytest.fixture(autouse=True)
def usd_where_it_is_installed(request):
    if "suffix" in request.fixturenames and request.getfixturevalue("suffix") == "usd":
        pytest.importorskip("pxr", reason="usd-core is not installed")


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_writes_what_its_suffix_says(take, tmp_path, suffix):
    path = tmp_path / f"why-because.{suffix}"
    export(take, path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_npz_is_the_track(take, tmp_path):
    export(take, tmp_path / "a.track.npz")
    np.testing.assert_array_equal(FaceTrack.load(tmp_path / "a.track.npz").blendshapes, take.track.blendshapes)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("npz", "track.npz"), ("track.npz", "track.npz"), (".GLB", "glb"), ("glb ", "glb"), ("livelink", "livelink.csv"),
        ("csv", "livelink.csv"), ("arkit.json", "arkit.json"), ("obj", "obj"), ("usd", "usd"), ("oculus", "oculus.csv"),
        ("vrm", "vrm.json"), ("rhubarb", "rhubarb.json"),
    ],
)  # fmt: skip
def test_formats_by_name(name, suffix):
    assert suffix_for(name) == suffix


def test_a_format_can_be_added(take, tmp_path):
    def write_hello(take, path):
        path.write_text(f"hello {take.name}")

    export(take, tmp_path / "a.hello", {**WRITERS, "hello": write_hello})
    assert (tmp_path / "a.hello").read_text() == "hello why-because"


@pytest.mark.parametrize(("name", "near"), [("glbb", "glb"), ("livelnk.csv", "livelink.csv"), ("objs", "obj")])
def test_an_unknown_format_names_the_nearest(name, near):
    with pytest.raises(OutputError, match=f"did you mean {near}"):
        suffix_for(name)


@pytest.mark.parametrize("file_name", ["a.xyz", "a", "glb", "a.npz"])
def test_an_unknown_suffix_lists_the_allowed(take, tmp_path, file_name):
    with pytest.raises(OutputError, match=r"allowed: track\.npz, glb"):
        export(take, tmp_path / file_name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "reason"), [("bvh", "no channel for a face"), ("fbx", "specification"), ("abc", "Alembic")])
def test_formats_without_a_face_are_refused_with_the_reason_and_the_next_step(take, tmp_path, name, reason):
    with pytest.raises(OutputError, match=rf"'{name}': .*{reason}.*; .*\.usd"):
        suffix_for(name)
    with pytest.raises(OutputError, match=rf"'a\.{name}': .*{reason}"):
        export(take, tmp_path / f"a.{name}")
    assert not list(tmp_path.iterdir())


def test_two_formats_with_one_name_are_not_guessed():
    with pytest.raises(OutputError, match="json"):
        suffix_for("json", {"arkit.json": WRITERS["arkit.json"], "vrm.json": WRITERS["arkit.json"]})


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("field", ["blendshapes", "tongue", "eyes_pose"])
def test_not_a_number_is_refused(take, tmp_path, suffix, field):
    broken = getattr(take.track, field).copy()
    broken[3, 2] = np.nan
    with pytest.raises(OutputError, match=f"{field} holds values that are not finite"):
        export(replace(take, track=replace(take.track, **{field: broken})), tmp_path / f"a.{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", WRITERS)
def test_an_empty_track_is_refused(perform, tmp_path, suffix):
    with pytest.raises(OutputError, match="no frames"):
        export(perform(0), tmp_path / f"a.{suffix}")


def test_a_track_of_another_head_is_refused(take, tmp_path):
    with pytest.raises(OutputError, match="flame2020"):
        export(replace(take, track=replace(take.track, head="flame2020")), tmp_path / "a.glb")


@pytest.mark.parametrize("suffix", [suffix for suffix in WRITERS if suffix != "obj"])
def test_a_folder_in_the_way_is_reported(take, tmp_path, suffix):
    (tmp_path / f"a.{suffix}").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        export(take, tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", WRITERS)
def test_an_unwritable_place_is_reported(take, tmp_path, suffix):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        export(take, tmp_path / "file" / f"a.{suffix}")
