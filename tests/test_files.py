"""Files are whole or not there, text is text, and names stay where they belong."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.files import MAX_TEXT_BYTES, atomic_folder, atomic_path, atomic_write, decode_text, read_text, safe_stem


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# ---- writing --------------------------------------------------------------------------------------------------------------
def test_a_file_appears_with_its_folders(tmp_path):
    atomic_write(tmp_path / "a" / "b.txt", "grüße")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "grüße".encode()
    assert names(tmp_path / "a") == ["b.txt"]


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_nobody_sees_a_half_file(tmp_path):
    target = tmp_path / "a.glb"
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        assert not target.exists()
        assert temporary.parent == tmp_path and temporary.name.startswith(".") and temporary.suffix == ".glb"
    assert target.read_bytes() == b"half"


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    code = (
        "import os, signal, sys\nfrom slp_mouthing.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as path:\n    path.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(target)], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert target.read_text() == "old"
    assert [name for name in names(tmp_path) if not name.startswith(".")] == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_new_files_have_the_users_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_threads_leave_the_processs_permissions_alone(tmp_path):
    before = os.umask(0o022)
    os.umask(before)
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        for turn in range(20):
            atomic_write(tmp_path / f"{number}-{turn}.txt", "a")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    after = os.umask(before)
    assert after == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o666 & ~before}


def test_writers_of_one_file_do_not_mix(tmp_path):
    contents = [str(number) * 100_000 for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda content: atomic_write(tmp_path / "a.txt", content), contents))
    assert (tmp_path / "a.txt").read_text() in contents and names(tmp_path) == ["a.txt"]


def test_a_folder_in_the_way(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        atomic_write(tmp_path, "a")


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_device_or_pipe_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is a device or a pipe"):
        atomic_write(tmp_path / "pipe", "a")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("name", ["file/a.txt", "a" * 300 + ".txt"])
def test_a_place_that_cannot_be_written(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot be written .*choose another folder"):
        atomic_write(tmp_path / name, "a")


def test_a_full_disk_is_told_as_such(tmp_path):
    with pytest.raises(OutputError, match="no space left"), atomic_path(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not names(tmp_path)


def owned(entry: Path) -> bool:
    return entry.suffix == ".obj"


def test_a_folder_appears_whole(tmp_path):
    with atomic_folder(tmp_path / "x" / "seq", owned) as folder:
        (folder / "1.obj").write_text("1")
        assert not (tmp_path / "x" / "seq").exists()
    assert names(tmp_path / "x") == ["seq"] and names(tmp_path / "x" / "seq") == ["1.obj"]


def test_our_own_earlier_folder_is_replaced(tmp_path):
    for content in (["1.obj", "2.obj"], ["3.obj"]):
        with atomic_folder(tmp_path / "seq", owned) as folder:
            for name in content:
                (folder / name).write_text(name)
    assert names(tmp_path) == ["seq"] and names(tmp_path / "seq") == ["3.obj"]


def test_a_failure_keeps_the_old_folder(tmp_path):
    (tmp_path / "seq").mkdir()
    (tmp_path / "seq" / "1.obj").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "seq", owned):
        raise ZeroDivisionError
    assert names(tmp_path) == ["seq"] and (tmp_path / "seq" / "1.obj").read_text() == "old"


def test_a_folder_of_the_users_is_never_replaced(tmp_path):
    (tmp_path / "seq").mkdir()
    (tmp_path / "seq" / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match=r"other files \('thesis\.tex'\)"), atomic_folder(tmp_path / "seq", owned):
        pytest.fail("the block must not run")
    assert (tmp_path / "seq" / "thesis.tex").read_text() == "mine"


# ---- reading --------------------------------------------------------------------------------------------------------------
def test_text_with_and_without_byte_order_mark(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfWHY caf\xc3\xa9")
    assert read_text(tmp_path / "a.txt") == "WHY café"
    assert decode_text("⌘word(A)".encode(), "x") == "⌘word(A)"
    assert decode_text(b"", "x") == ""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"WHY\nLATE\0", r"x:2: a NUL byte: this is a binary file"),
        (b"WHY\n\n\xff\n", r"x:3: byte 0xff is not UTF-8"),
        (b"\xef\xbb\xbfA\n\xe9", r"x:2: byte 0xe9 is not UTF-8"),
        ("WHY".encode("utf-16"), r"x:1: a NUL byte"),
    ],
)
def test_what_is_not_text_is_located(content, problem):
    with pytest.raises(InputError, match=problem):
        decode_text(content, "x")


@given(st.binary(max_size=40))
def test_bytes_are_text_or_one_line_of_complaint(content):
    try:
        text = decode_text(content, "x")
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert text.encode() == content.removeprefix(b"\xef\xbb\xbf")


def test_missing_folder_and_oversize(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_text(tmp_path / "none.txt")
    with pytest.raises(InputError, match="is a folder"):
        read_text(tmp_path)
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(MAX_TEXT_BYTES + 1)
    with pytest.raises(InputError, match="more than 32 MB"):
        read_text(tmp_path / "big.txt")


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_pipes_are_read_to_their_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("WHY LATE",))
    writer.start()
    assert read_text(tmp_path / "pipe") == "WHY LATE"
    writer.join()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="devices of POSIX")
def test_an_endless_device_is_not_read_for_ever():
    with pytest.raises(InputError, match="more than 32 MB"):
        read_text("/dev/zero")


# ---- names ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("WHY LATE", "WHY-LATE"), ("PT:PRO2SG", "PT-PRO2SG"), ("../../etc/passwd", "etc-passwd"), ("a\\b\0c", "a-b-c"),
        ("", "utterance"), ("...", "utterance"), (".hidden", "hidden"), ("Cafe\u0301", "Caf\u00e9"), ("NUL", "_NUL"),
        ("com1.txt", "_com1.txt"), ("console", "console"),
    ],
)  # fmt: skip
def test_stems(name, stem):
    assert safe_stem(name) == stem


@settings(deadline=None)
@given(st.text(max_size=300))
@example("字" * 200)
@example("a" * 179 + ". b")
@example("\U0001d400" * 100)
def test_any_name_is_a_file_name_in_its_folder(tmp_path_factory, name):
    stem = safe_stem(name)
    folder = tmp_path_factory.getbasetemp() / "stems"
    atomic_write(folder / f"{stem}.livelink.csv", "")
    assert (folder / f"{stem}.livelink.csv").is_file()
    assert (folder / f"{stem}.livelink.csv").resolve().parent == folder.resolve()
    assert not stem.startswith((".", "-")) and safe_stem(stem) == stem
