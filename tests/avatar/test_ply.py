"""GaussianAvatars' PLY: read as its authors write it, written as they read it, refused with a reason when it cannot be drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slp_mouthing.avatar.ply import MAX_HEADER_BYTES, read_avatar, write_avatar, write_world
from slp_mouthing.avatar.splats import SplatAvatar
from slp_mouthing.errors import InputError, MouthError, OutputError

from .conftest import assert_same, field_columns, make_avatar, ply_bytes


@pytest.mark.parametrize("degree", range(4))
def test_the_fields_file_is_read_and_written_byte_for_byte(tmp_path, degree):
    avatar = make_avatar(degree=degree)
    theirs, ours = tmp_path / "point_cloud.ply", tmp_path / "ours.ply"
    theirs.write_bytes(ply_bytes(field_columns(avatar)))
    assert_same(read_avatar(theirs, 12), avatar)
    write_avatar(avatar, ours)
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("form", ["binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("kind", ["float", "double", "float32"])
def test_other_types_byte_orders_and_orders_of_properties(tmp_path, form, kind):
    avatar = make_avatar()
    columns = field_columns(avatar)
    shuffled = {name: columns[name] for name in sorted(columns)} | {"label": np.arange(len(avatar))}
    (tmp_path / "a.ply").write_bytes(ply_bytes(shuffled, kind, form))
    assert_same(read_avatar(tmp_path / "a.ply"), avatar)


def test_windows_lines_comments_and_further_elements(tmp_path):
    avatar = make_avatar()
    head, end, body = ply_bytes(field_columns(avatar)).partition(b"end_header\n")
    head = head.replace(b"element", b"comment trained with love\nobj_info x\nelement", 1)
    head += b"element face 2\nproperty list uchar int vertex_indices\n"
    (tmp_path / "a.ply").write_bytes((head + end).replace(b"\n", b"\r\n") + body + bytes(26))
    assert_same(read_avatar(tmp_path / "a.ply"), avatar)


def test_another_programs_reader_agrees_on_a_baked_frame(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    splats = make_avatar(degree=1).local
    write_world(splats, tmp_path / "frame.ply")
    cloud = trimesh.load(tmp_path / "frame.ply")
    np.testing.assert_array_equal(np.float32(cloud.vertices), splats.position)
    raw = cloud.metadata["_ply_raw"]["vertex"]["data"]
    assert "binding_0" not in raw.dtype.names
    np.testing.assert_array_equal(raw["f_rest_3"].ravel(), splats.sh[:, 1, 1])


def broken(**changes: object) -> bytes:
    """An avatar's file with columns replaced, or left out (None)."""
    columns = field_columns(make_avatar()) | changes
    return ply_bytes({name: values for name, values in columns.items() if values is not None})


def with_value(name: str, row: int, value: float) -> bytes:
    column = field_columns(make_avatar())[name].astype(np.float64)
    column[row] = value
    return broken(**{name: column})


GOOD = broken()
BAD = {
    "empty": (b"", "not a PLY file"),
    "text": (b"hello\n", "not a PLY file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "not a PLY file"),
    "unbound": (broken(binding_0=None), "not bound to a mesh"),
    "no rotation": (broken(rot_3=None), "lacks the property rot_3"),
    "a mesh": (ply_bytes({"x": np.zeros(3), "y": np.zeros(3), "z": np.zeros(3)}), "lacks the property f_dc_0"),
    "no first harmonic": (broken(f_rest_0=None), "44 properties f_rest_*"),
    "a gap in the harmonics": (broken(f_rest_3=None, f_rest_99=np.zeros(40)), "from f_rest_0 on"),
    "nan": (with_value("y", 7, np.nan), "y of Gaussian 7 is nan, expected finite"),
    "infinite": (with_value("f_rest_44", 2, np.inf), "f_rest_44 of Gaussian 2 is inf"),
    "huge": (with_value("scale_1", 5, 1e4), "scale_1 of Gaussian 5 is 10000, expected less than 80"),
    "negative triangle": (with_value("binding_0", 3, -1), "binding_0 of Gaussian 3 is -1"),
    "half a triangle": (with_value("binding_0", 4, 1.5), "binding_0 of Gaussian 4 is 1.5"),
    "nan triangle": (with_value("binding_0", 4, np.nan), "binding_0 of Gaussian 4 is nan"),
    "huge triangle": (with_value("binding_0", 4, 1e20), "binding_0 of Gaussian 4 is 1e+20"),
    "beyond the mesh": (with_value("binding_0", 4, 12), "binding_0 reaches triangle 12, and the mesh has 12"),
    "cut": (GOOD[:-1], "is cut short"),
    "cut in the header": (GOOD[:200], "header does not end"),
    "longer": (GOOD + b"\0", "goes on after its last Gaussian"),
    "fewer than it says": (ply_bytes(field_columns(make_avatar()), count=41), "41 Gaussians in the header"),
    "a number beyond any disk": (ply_bytes(field_columns(make_avatar()), count=10**14), "is cut short"),
    "a number of digits without end": (
        ply_bytes(field_columns(make_avatar()), count="9" * 9000),
        "expected 'vertex' and a number",
    ),
    "a negative number": (ply_bytes(field_columns(make_avatar()), count=-3), "expected 'vertex' and a number"),
    "none": (ply_bytes({n: v[:0] for n, v in field_columns(make_avatar()).items()}), "holds no Gaussians"),
    "ascii": (GOOD.replace(b"binary_little_endian", b"ascii"), "its format is ascii"),
    "no format": (GOOD.replace(b"format binary_little_endian 1.0\n", b""), "its format is missing"),
    "no element": (b"ply\nformat binary_little_endian 1.0\nend_header\n", "names no element"),
    "no properties": (b"ply\nformat binary_little_endian 1.0\nelement vertex 3\nend_header\n", "have no properties"),
    "faces first": (GOOD.replace(b"element vertex", b"element face 0\nelement vertex"), "first element is 'face 0'"),
    "compressed": (GOOD.replace(b"element vertex", b"element chunk"), "compressed PLY"),
    "a list": (GOOD.replace(b"property float x", b"property list uchar int x"), "its property 'list uchar int x'"),
    "an unknown type": (GOOD.replace(b"property float x", b"property half x"), "its property 'x'"),
    "twice": (GOOD.replace(b"property float nx", b"property float x"), "its property 'x' (twice"),
    "an endless header": (b"ply\n" + b"comment x\n" * MAX_HEADER_BYTES, f"within {MAX_HEADER_BYTES} bytes"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line_with_file_and_reason(tmp_path, case):
    content, reason = BAD[case]
    (tmp_path / "bad.ply").write_bytes(content)
    with pytest.raises(InputError) as error:
        read_avatar(tmp_path / "bad.ply", 12)
    assert reason in str(error.value)
    assert str(tmp_path / "bad.ply") in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 9500


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_avatar(tmp_path / "none.ply")
    with pytest.raises(InputError, match="is not a file"):
        read_avatar(tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_read_or_refused(tmp_path, data):
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly in the header, where it hurts.
        at = data.draw(st.one_of(st.integers(0, 1600), st.integers(0, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
    (tmp_path / "a.ply").write_bytes(content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])
    try:
        avatar = read_avatar(tmp_path / "a.ply", 12)
    except MouthError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(avatar.local.position).all()
        assert 0 <= avatar.binding.min() <= avatar.binding.max() < 12


def test_a_mesh_too_large_for_the_format_is_refused(tmp_path):
    avatar = make_avatar(count=2)
    with pytest.raises(OutputError, match="triangles"):
        write_avatar(SplatAvatar(avatar.local, np.array([0, 2**24], np.int32)), tmp_path / "a.ply")
