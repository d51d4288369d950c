"""The user's files: what is read, and what is refused."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slp_mouthing.assets import checksum, load_arrays, user_folder
from slp_mouthing.errors import HeadError
from tests.head.flame_files import fake_chumpy, make_arrays, published_pickle, python2_pickle

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {
    "floats": np.linspace(-1, 1, 12).reshape(3, 4),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "single": np.arange(4, dtype=np.float32),
    "big_endian": np.arange(5, dtype=">i4"),
    "unsigned": np.array([[2**32 - 1, 0]], np.uint32),
    "flags": np.array([True, False]),
    "scalar": np.float64(0.25),
    "count": 7,
    "rows": [[1, 2], [3, 4]],
}


def same(read: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert read.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(read[name], value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_reads_arrays_of_every_pickle_protocol(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(VALUES, protocol=protocol))
    same(load_arrays(tmp_path / "a.pkl"), VALUES)


def test_reads_python2_pickles(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(python2_pickle(VALUES))
    same(load_arrays(tmp_path / "a.pkl"), VALUES)


@pytest.mark.parametrize("protocol", [1, 2, 4])
def test_chumpy_and_sparse_become_plain_arrays(tmp_path: Path, protocol: int) -> None:
    dense = np.array([[0, 5.0, 0], [1, 0, 2]])
    with fake_chumpy() as (make_ch, make_select):
        chosen = np.array([5, 0, 3, 4])
        entries = {
            "ch": make_ch(dense), "select": make_select(make_ch(dense), chosen, (2, 2)),
            "csc": sp.csc_matrix(dense), "csr": sp.csr_matrix(dense),
        }  # fmt: skip
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(entries, protocol=protocol))
    same(load_arrays(tmp_path / "a.pkl"), {"ch": dense, "select": [[2, 0], [1, 0]], "csc": dense, "csr": dense})


def test_leaves_out_what_is_no_numeric_array(tmp_path: Path) -> None:
    entries = {"kept": np.ones(2), "text": "lrotmin", "names": np.array(["a", "b"]), "set": {1}, "none": None,
               "objects": np.array([None, {}], dtype=object)}  # fmt: skip
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(entries, protocol=4))
    assert list(load_arrays(tmp_path / "a.pkl")) == ["kept"]


def test_reads_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **VALUES)
    same(load_arrays(tmp_path / "a.npz"), VALUES)


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("function", [os.system, os.mkdir, eval, getattr, np.load, np.lib.format.open_memmap])
def test_refuses_a_pickle_that_runs_code(tmp_path: Path, function: Any, protocol: int) -> None:
    trace = tmp_path / "trace"
    argument = f"mkdir {trace}" if function is os.system else f"__import__('os').mkdir({str(trace)!r})"
    call = Calls(function, str(trace) if function is os.mkdir else argument)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"v_template": call}, protocol=protocol))
    with pytest.raises(HeadError, match="refused: it asks Python for"):
        load_arrays(tmp_path / "a.pkl")
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["numpy ndarray.__class__", "numpy core", "copyreg add_extension", "chumpy.ch load", "builtins getattr", "a b\u20ac"]
)
def test_refuses_any_other_name(tmp_path: Path, name: str) -> None:
    module, attribute = name.split(" ")
    text = [b"\x8c" + bytes([len(part.encode())]) + part.encode() for part in (module, attribute)]
    (tmp_path / "a.pkl").write_bytes(b"\x80\x04" + text[0] + text[1] + b"\x93.")
    with pytest.raises(HeadError, match=f"refused: it asks Python for {module}"):
        load_arrays(tmp_path / "a.pkl")


def test_a_pickle_cannot_change_the_reader(tmp_path: Path) -> None:
    # BUILD on a function that the pickle may call: sets attributes on ordinary functions.
    content = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}U\x08__name__U\x04evils\x86b."
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(HeadError, match="damaged"):
        load_arrays(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "damaged"),
        (b"<!DOCTYPE html><html>Please log in</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "damaged"),
        (pickle.dumps([1, 2]), "expected a dict"),
        (b"\x80\x04\x8a\xff.", "damaged"),
    ],
)
def test_says_what_a_foreign_file_is(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(HeadError, match=what) as caught:
        load_arrays(tmp_path / "a.pkl")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.pkl", "a.npz"])
def test_missing_file_and_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(HeadError, match="no such file"):
        load_arrays(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(HeadError, match="cannot be read"):
        load_arrays(tmp_path / name)


@pytest.mark.parametrize("name", ["a.pkl", "a.npz"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_truncated_files(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    arrays = make_arrays()
    if name == "a.npz":
        np.savez(path, **{k: v for k, v in arrays.items() if not isinstance(v, str)})
    else:
        path.write_bytes(published_pickle(arrays))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(HeadError, match="damaged"):
        load_arrays(path)


def test_npz_with_pickled_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", objects=np.array([Calls(os.mkdir, str(tmp_path / "trace"))], dtype=object))
    with pytest.raises(HeadError):
        load_arrays(tmp_path / "a.npz")
    assert not (tmp_path / "trace").exists()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_bytes_never_get_past_a_head_error(tmp_path: Path, changes: list[tuple[float, int]]) -> None:
    content = bytearray(python2_pickle({"a": np.arange(5.0), "b": sp.csc_matrix(np.eye(2))}))
    for place, byte in changes:
        content[int(place * len(content))] = byte
    (tmp_path / "a.pkl").write_bytes(content)
    try:
        arrays = load_arrays(tmp_path / "a.pkl")
    except HeadError:
        return
    assert all(isinstance(array, np.ndarray) and array.dtype.kind in "biuf" for array in arrays.values())


def test_folder_comes_from_the_argument_the_variable_or_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLP_MOUTHING_FLAME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with pytest.raises(HeadError, match="SLP_MOUTHING_FLAME"):
        user_folder("flame")
    for folder in ("data/slp-mouthing/flame", "variable", "argument"):
        (tmp_path / folder).mkdir(parents=True)
    assert user_folder("flame") == tmp_path / "data/slp-mouthing/flame"
    monkeypatch.setenv("SLP_MOUTHING_FLAME", str(tmp_path / "variable"))
    assert user_folder("flame") == tmp_path / "variable"
    assert user_folder("flame", tmp_path / "argument") == tmp_path / "argument"


def test_checksum_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert checksum(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
