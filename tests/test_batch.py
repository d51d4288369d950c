"""Many files, unattended: what is finished is kept, and one bad file costs one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slp_mouthing.batch import BatchOptions, Record, find_jobs, run
from slp_mouthing.cli.main import run as run_command
from slp_mouthing.errors import InputError
from slp_mouthing.pipeline import StudioOptions
from slp_mouthing.types import FaceTrack

MOUTH = [sys.executable, "-c", "from slp_mouthing.cli.main import main; main()"]


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


def batch(sources: list[Path], out: Path, *, resume: bool = False, fps: float = 30.0) -> list[Record]:
    options = BatchOptions(out, StudioOptions(fps=fps), jobs=1, resume=resume)
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
    assert {record.status for record in batch(good, out, resume=True, fps=25.0)} == {"done"}


def test_workers_make_the_same_bytes_as_one_process(sources: list[Path], tmp_path: Path) -> None:
    good = [path for path in sources if path.stem != "bad"]
    batch(good, tmp_path / "workers")
    for path in good:
        assert run_command(["render", str(path), "-o", str(tmp_path / "one"), "--formats", "npz"]) == 0
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "workers" / name).read_bytes()


def test_killed_at_any_moment_it_keeps_what_was_finished(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(400):
        (source / f"{number:03}.txt").write_text(f"WHY@0.5 LATE@0.{number % 5 + 4} FAMILY BUS BECAUSE", encoding="utf-8")
    command = [*MOUTH, "batch", str(source), "-o", str(out), "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and len(list(out.glob("*.npz"))) < 5:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = sorted(path for path in out.glob("*.track.npz") if not path.name.startswith("."))
    assert 5 <= len(finished) < 400
    assert all(len(FaceTrack.load(path)) for path in finished)
    inputs = [source / path.name.replace(".track.npz", ".txt") for path in finished][:4]
    assert {record.status for record in batch(inputs, out, resume=True)} == {"skipped"}


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
