"""Many files, unattended: what is finished is kept, and one bad file costs one line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from slp_mouthing.batch import BatchOptions, Record, find_jobs, run
from slp_mouthing.cli.main import run as run_command
from slp_mouthing.errors import InputError
from slp_mouthing.settings import StudioOptions
from slp_mouthing.types import FaceTrack

MOUTH = [sys.executable, "-P", "-c", "from slp_mouthing.cli.main import main; main()"]


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "in"
    folder.mkdir()
    texts = {"a": "WHY@0.5 LATE@0.5", "b": "FAMILY@0.6\nBECAUSE@0.7", "bad": "WHY{why", "c": "BUS@0.5"}
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def lines(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "batch.jsonl").read_text(encoding="utf-8").splitlines()]


RULES = StudioOptions(driver="rules")
"""A worker is ready in half the time."""


def batch(sources: list[Path], out: Path, *, resume: bool = False, studio: StudioOptions = RULES) -> list[Record]:
    options = BatchOptions(out, studio, jobs=1, resume=resume)
    return run(find_jobs(sources, (".txt",)), options, lambda record: None)


def test_one_bad_file_does_not_stop_the_others(sources: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    status = run_command(["batch", *map(str, sources), "-o", str(out), "--jobs", "2"])
    assert status == 1
    records = lines(out)
    assert [(Path(str(r["input"])).name, r["status"]) for r in records] == [
        ("a.txt", "done"), ("b.txt", "done"), ("bad.txt", "failed"), ("c.txt", "done"),
    ]  # fmt: skip
    assert "bad.txt:1:4" in str(records[2]["error"])
    assert {path.name for path in out.glob("*.npz")} == {"a.track.npz", "b-001.track.npz", "b-002.track.npz", "c.track.npz"}
    assert "failed         1" in capsys.readouterr().out


def test_resume_renders_only_what_is_missing_damaged_or_changed(sources: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    good = [path for path in sources if path.stem != "bad"]
    assert {record.status for record in batch(good, out)} == {"done"}
    before = (out / "a.track.npz").stat().st_mtime_ns
    (out / "b-002.track.npz").write_bytes((out / "b-002.track.npz").read_bytes()[:100])
    good[2].write_text("BUS@0.6", encoding="utf-8")
    assert [record.status for record in batch(good, out, resume=True)] == ["skipped", "done", "done"]
    assert (out / "a.track.npz").stat().st_mtime_ns == before
    assert len(FaceTrack.load(out / "b-002.track.npz")) > 20
    assert {record.status for record in batch(good, out, resume=True)} == {"skipped"}
    assert {record.status for record in batch(good, out, resume=True, studio=replace(RULES, fps=25.0))} == {"done"}


def test_workers_make_the_same_bytes_as_one_process(sources: list[Path], tmp_path: Path) -> None:
    good = [path for path in sources if path.stem != "bad"]
    batch(good, tmp_path / "workers", studio=StudioOptions())
    for path in good:
        assert run_command(["render", str(path), "-o", str(tmp_path / "one"), "--formats", "npz"]) == 0
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "workers" / name).read_bytes()


def finished_in(folder: Path) -> list[Path]:
    """Tracks under their own names; those being written have hidden ones."""
    return sorted(path for path in folder.glob("*.track.npz") if not path.name.startswith("."))


def test_killed_at_any_moment_it_keeps_what_was_finished(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(400):
        (source / f"{number:03}.txt").write_text(f"WHY@0.5 LATE@0.{number % 5 + 4} FAMILY BUS BECAUSE", encoding="utf-8")
    command = [*MOUTH, "batch", str(source), "-o", str(out), "--jobs", "1", "--driver", "rules"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and len(finished_in(out)) < 5:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = finished_in(out)
    assert 5 <= len(finished) < 400
    assert all(len(FaceTrack.load(path)) for path in finished)
    inputs = [source / path.name.replace(".track.npz", ".txt") for path in finished][:4]
    assert {record.status for record in batch(inputs, out, resume=True)} == {"skipped"}


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # A thread that has ended.
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/thread-self/children").exists(), reason="looks for processes in /proc")


@needs_proc
def test_a_worker_that_is_killed_costs_no_file(tmp_path: Path) -> None:
    jobs = []
    for number in range(12):
        path = tmp_path / f"{number:02}.txt"
        path.write_text("WHY@0.5 LATE@0.5", encoding="utf-8")
        jobs.append(path)
    ended: list[Record] = []

    def kill_one(record: Record) -> None:
        ended.append(record)
        if len(ended) == 3:
            os.kill(next(child for child in children(os.getpid()) if is_worker(child)), signal.SIGKILL)
            time.sleep(0.5)

    records = run(find_jobs(jobs, (".txt",)), BatchOptions(tmp_path / "out", RULES, jobs=2), kill_one)
    assert [record.status for record in records] == ["done"] * 12


@needs_proc
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_the_batch(how: signal.Signals, tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}.txt").write_text("WHY@0.5 LATE FAMILY BUS BECAUSE", encoding="utf-8")
    out = tmp_path / "out"
    command = [*MOUTH, "batch", str(tmp_path), "-o", str(out), "-j", "1", "--driver", "rules"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and len(finished_in(out)) < 3:
        time.sleep(0.02)
    workers = [child for child in children(process.pid) if is_worker(child)]
    process.send_signal(how)
    stderr = process.communicate()[1]
    end = time.monotonic() + 60
    while any(is_worker(worker) for worker in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert workers and not any(is_worker(worker) for worker in workers)
    if how == signal.SIGTERM:
        assert process.returncode == 130 and "what was finished is kept" in stderr


def test_what_a_file_loses_is_in_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("WHY BUS\nWHY@\n", encoding="utf-8")
    assert run_command(["batch", str(tmp_path), "-o", str(tmp_path / "out"), "--jobs", "1", "--driver", "rules"]) == 0
    assert "a.txt:2:" in str(lines(tmp_path / "out")[0]["warnings"])
    assert "warnings in 1 files" in capsys.readouterr().out


def test_results_are_not_taken_for_inputs(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("WHY", encoding="utf-8")
    (tmp_path / "B.TXT").write_text("WHY", encoding="utf-8")
    for _ in range(2):
        command = ["batch", str(tmp_path), "-o", str(tmp_path / "out"), "--formats", "npz,livelink.csv,sigml"]
        assert run_command([*command, "--jobs", "1", "--driver", "rules"]) == 0
        assert len(lines(tmp_path / "out")) == 2


def test_a_damaged_result_is_made_again(tmp_path: Path) -> None:
    source, out = tmp_path / "a.txt", tmp_path / "out"
    source.write_text("WHY", encoding="utf-8")
    options = BatchOptions(out, RULES, formats=("glb",), jobs=1, resume=True)
    for suffix in ("plan.json", "glb"):
        run(find_jobs([source], (".txt",)), options, lambda record: None)
        whole = (out / f"a.{suffix}").read_bytes()
        (out / f"a.{suffix}").write_bytes(whole[: len(whole) // 2])
        assert run(find_jobs([source], (".txt",)), options, lambda record: None)[0].status == "done"
        assert (out / f"a.{suffix}").read_bytes() == whole


def test_a_wrong_setting_is_told_once_and_first(sources: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["batch", *map(str, sources), "-o", str(tmp_path / "out"), "--voice", "klingon"]) == 1
    assert capsys.readouterr().err.count("klingon") == 1
    assert not (tmp_path / "out").exists()


def test_inputs_of_one_name_get_names_of_their_own(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.txt").write_text("WHY", encoding="utf-8")
    (tmp_path / "x" / "other.txt").write_text("WHY", encoding="utf-8")
    jobs = find_jobs([tmp_path, tmp_path / "x" / "same.txt"], (".txt",))
    assert len(jobs) == 3
    assert len({job.stem for job in jobs}) == 3
    assert [job.stem for job in jobs if job.input.name == "other.txt"] == ["other"]


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no input files"):
        find_jobs([tmp_path], (".txt",))
