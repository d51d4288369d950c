"""OBJ sequences: what a mesh reader finds in the numbered files."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import OutputError
from slp_mouthing.export.obj import _rows, write_obj


def numbers(path, keyword: str) -> np.ndarray:
    rows = [line.split() for line in path.read_text().splitlines()]
    return np.array([row[1:] for row in rows if row and row[0] == keyword], float)


def test_one_file_per_frame_numbered_from_one(take, tmp_path):
    write_obj(take, tmp_path / "why.obj")
    names = sorted(path.name for path in (tmp_path / "why.obj").iterdir())
    assert names == ["materials.mtl", *(f"why_{n:06d}.obj" for n in range(1, len(take.track) + 1))]
    assert [path.name for path in tmp_path.iterdir()] == ["why.obj"], "no temporary folder is left"


def test_vertices_are_the_heads_in_its_order(take, tmp_path):
    write_obj(take, tmp_path / "why.obj")
    track = take.track
    true = take.head.pose(track.blendshapes, track.tongue, track.eyes_pose)
    for frame in (0, 17, len(track) - 1):
        path = tmp_path / "why.obj" / f"why_{frame + 1:06d}.obj"
        assert np.abs(numbers(path, "v") - true[frame]).max() <= 0.6e-6
        np.testing.assert_allclose(np.linalg.norm(numbers(path, "vn"), axis=1), 1.0, atol=1e-3)


def test_regions_are_groups_with_materials(take, tmp_path):
    write_obj(take, tmp_path / "why.obj")
    scene = trimesh.load(tmp_path / "why.obj" / "why_000002.obj", process=False, group_material=True)
    by_material = {g.visual.material.name: len(g.faces) for g in scene.geometry.values()}
    head = take.head
    assert by_material == {head.region_names[index]: int((head.regions == index).sum()) for index in np.unique(head.regions)}
    lips = next(g for g in scene.geometry.values() if g.visual.material.name == "lip")
    np.testing.assert_allclose(lips.visual.material.diffuse[:3] / 255, [0.6, 0.4, 0.3], atol=0.01)


def test_an_earlier_sequence_is_replaced_whole(perform, tmp_path):
    write_obj(perform(frames=9), tmp_path / "why.obj")
    write_obj(perform(frames=3), tmp_path / "why.obj")
    assert len(list((tmp_path / "why.obj").glob("*_*.obj"))) == 3


def test_a_folder_with_other_files_is_left_alone(take, tmp_path):
    (tmp_path / "why.obj").mkdir()
    (tmp_path / "why.obj" / "model.obj").write_text("mine")
    with pytest.raises(OutputError, match=r"model\.obj"):
        write_obj(take, tmp_path / "why.obj")
    assert (tmp_path / "why.obj" / "model.obj").read_text() == "mine"


def test_a_file_in_the_way_is_left_alone(take, tmp_path):
    (tmp_path / "why.obj").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        write_obj(take, tmp_path / "why.obj")


def test_same_take_same_bytes(take, tmp_path):
    for name in ("a", "b"):
        write_obj(take, tmp_path / name / "why.obj")
    for path in (tmp_path / "a" / "why.obj").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "why.obj" / path.name).read_bytes()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-2e4, 2e4)] * 3), min_size=1, max_size=5), st.integers(1, 6))
def test_numbers_are_written_as_printf_would(rows, decimals):
    lines = _rows("v", np.array(rows), decimals).decode().splitlines()
    for line, row in zip(lines, rows, strict=True):
        keyword, *fields = line.split()
        assert keyword == "v"
        assert [float(field) for field in fields] == pytest.approx(row, abs=0.5001 * 10**-decimals + 1e-9)
        assert all(len(field.partition(".")[2]) == decimals for field in fields)
