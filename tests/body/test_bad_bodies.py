"""Bodies that cannot be used: one line with file and key, nothing run, nothing written."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.body import merge_file, read_body
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POSES = np.zeros((40, 165))


def _with(array: np.ndarray, at: tuple[int, int], value: float) -> np.ndarray:
    changed = array.copy()
    changed[at] = value
    return changed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"poses": _with(POSES, (7, 12), np.nan)}, "'poses' is nan in frame 7, column 12"),
        ({"trans": _with(POSES[:, :3], (3, 1), np.inf)}, "'trans' is inf in frame 3, column 1"),
        ({"poses": POSES[:0], "expressions": POSES[:0, :100], "trans": POSES[:0, :3]}, "'poses' has zero frames"),
        ({"trans": POSES[:12, :3]}, "differ in their number of frames .*'poses' 40.*'trans' 12"),
        ({"expressions": POSES[:39, :10]}, "differ in their number of frames .*'expressions' 39"),
        ({"trans": None}, "lacks 'trans'"),
        ({"trans": POSES[:, :2]}, "'trans' has 2 columns, expected at least 3"),
        ({"poses": POSES.astype(int)}, r"'poses' is int64\[40, 165\], expected floating-point"),
        ({"mocap_frame_rate": 0}, "'mocap_frame_rate' is 0"),
        ({"mocap_frame_rate": "fast"}, "'mocap_frame_rate' is nan"),
        ({"poses": POSES[:, :72]}, "no body sequence that is known: it holds 'betas', 'poses'"),
        ({"poses": np.array([{"x": 1}], object)}, "lacks 'poses', or it is not an array of numbers"),
    ],
)
def test_bad_arrays(changes: dict[str, Any], message: str, makers: dict[str, Callable[..., Path]], tmp_path: Path) -> None:
    path = makers["beat2"](tmp_path / "signer.npz", **changes)
    with pytest.raises(InputError, match=message) as caught:
        read_body(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_unknown_keys_are_kept_and_named(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    path = makers["beat2"](tmp_path / "signer.npz", my_notes=np.array(["take two"]))
    report = merge_file(track, path, tmp_path / "out.npz")
    assert "my_notes" in report.kept and "poses" not in report.kept
    assert np.load(tmp_path / "out.npz")["my_notes"].tolist() == ["take two"]


class _Attack:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "signer.pkl"
    path.write_bytes(pickle.dumps({"smplx": np.zeros((3, 182)), "extra": _Attack(tmp_path / "owned")}))
    with pytest.raises(InputError, match=r"signer\.pkl: refused: it asks Python for posix\.mkdir|nt\.mkdir"):
        read_body(path)
    assert not (tmp_path / "owned").exists()


def test_a_frame_with_code_is_refused_and_named(makers: dict[str, Callable[..., Path]], tmp_path: Path) -> None:
    folder = makers["soke"](tmp_path / "signer")
    (folder / "clip7_12_3D.pkl").write_bytes(pickle.dumps({"smplx_jaw_pose": _Attack(tmp_path / "owned")}))
    with pytest.raises(InputError, match=r"clip7_12_3D\.pkl: refused"):
        read_body(folder, fps=20.0)
    assert not (tmp_path / "owned").exists()


def test_objects_inside_an_npz_are_never_unpickled(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    path = makers["beat2"](tmp_path / "signer.npz", labels=np.array([_Attack(tmp_path / "owned")], object))
    merge_file(track, path, tmp_path / "out.npz")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"GLOSS WHY@0.5", "is not a body file; give an .npz"),
        (b"PK\x03\x04 and then nothing", "damaged, or not an .npz"),
        (b"\x93NUMPY\x01\x00 and then nothing", "damaged, or not an array"),
        (b"\x80\x04 and then nothing", "damaged"),
        (pickle.dumps([1, 2, 3]), "expected a dict"),
        (pickle.dumps({"vertices": np.zeros(3)}), "it holds 'vertices'"),
    ],
)
def test_files_that_are_no_bodies(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "body.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_body(path)


def test_a_cut_file_is_damaged(makers: dict[str, Callable[..., Path]], tmp_path: Path) -> None:
    path = makers["amass-smplx"](tmp_path / "signer.npz")
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match="damaged"):
        read_body(path)


def test_missing_files_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_body(tmp_path / "none.npz")
    with pytest.raises(InputError, match="folder without frames"):
        read_body(tmp_path)


@pytest.mark.parametrize("name", ["soke", "smplerx"])
def test_frames_do_not_say_their_rate(name: str, makers: dict[str, Callable[..., Path]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not say its frame rate; say it with --fps"):
        read_body(makers[name](tmp_path / "signer"))


def test_two_people_in_one_folder(makers: dict[str, Callable[..., Path]], tmp_path: Path) -> None:
    folder = makers["smplerx"](tmp_path / "signer")
    (folder / "00003_1.npz").write_bytes((folder / "00003_0.npz").read_bytes())
    with pytest.raises(InputError, match="several people or clips"):
        read_body(folder, fps=30.0)


def test_frames_that_differ_are_named(makers: dict[str, Callable[..., Path]], tmp_path: Path) -> None:
    folder = makers["smplerx"](tmp_path / "signer")
    with np.load(folder / "00009_0.npz") as arrays:
        frame = dict(arrays)
    np.savez(folder / "00009_0.npz", **(frame | {"expression": np.zeros((1, 50), np.float32)}))
    with pytest.raises(InputError, match=r"00009_0\.npz: 'expression' is float32\[1, 50\], and float32\[1, 10\] in the first"):
        read_body(folder, fps=30.0)


def test_arrays_that_share_their_bytes_are_not_written(track: Path, tmp_path: Path) -> None:
    shared = np.zeros((40, 182))
    path = tmp_path / "signer.pkl"
    path.write_bytes(pickle.dumps({"smplx": shared, "again": shared}))
    with pytest.raises(InputError, match="'smplx' is not stored as an array of its own"):
        merge_file(track, path, tmp_path / "out.pkl")
    assert not (tmp_path / "out.pkl").exists()
