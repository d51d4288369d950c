"""Many inputs, several processes, unattended: every input ends as one line of `batch.jsonl`, and a killed run resumes."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from slp_mouthing.errors import InputError, MouthError, OutputError
from slp_mouthing.files import atomic_write, safe_stem, shown
from slp_mouthing.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from slp_mouthing.pipeline import Studio
    from slp_mouthing.settings import StudioOptions

Status = Literal["done", "skipped", "failed"]
RESULTS = (".plan.json", ".arkit.json", ".vrm.json", ".rhubarb.json", ".livelink.csv", ".oculus.csv",
           ".report.csv", ".report.txt")  # fmt: skip
"""Endings of results that end like inputs."""
DIED = "its worker process died (killed, or out of memory)"


@dataclass(frozen=True, slots=True)
class Job:
    input: Path
    stem: str
    """File name of the outputs without suffix; unique within the batch."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one input: a line of `batch.jsonl`."""

    input: str
    status: Status
    outputs: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0
    """Wall time it took."""
    signing_s: float = 0.0
    """Seconds of signing that were rendered."""
    warnings: tuple[str, ...] = ()
    """What the user should know of a file that was rendered all the same."""

    def line(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch runs, for every input alike."""

    out: Path
    studio: StudioOptions
    formats: tuple[str, ...] = ("npz",)
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Worker processes."""
    resume: bool = False
    """Skip inputs whose outputs are there, whole, and made from the same input by the same settings."""


def find_jobs(inputs: Iterable[Path], suffixes: Iterable[str], out: Path | None = None) -> list[Job]:
    """One job per input file; folders stand for the files in them that have one of `suffixes`, but for results.

    Results are what lies in `out`, when that is a folder inside of an input folder, and files named as results are. Raises
    `InputError`.
    """
    wanted = tuple(suffixes)
    paths = list(dict.fromkeys(path for given in inputs for path in _expand(given, wanted, out)))
    if not paths:
        raise InputError("no input files", hint=f"give files or folders with {', '.join(wanted)} files")
    return [Job(path, stem) for path, stem in zip(paths, _unique_stems(paths), strict=True)]


def _expand(path: Path, suffixes: tuple[str, ...], out: Path | None) -> list[Path]:
    if not path.is_dir():
        # A file that is missing is a failure of its own line, not of the batch.
        return [path]
    inside = out.resolve() if out and out.resolve() != path.resolve() else None
    return sorted(p for p in path.rglob("*") if _is_input(p, suffixes) and not (inside and p.resolve().is_relative_to(inside)))


def _is_input(path: Path, suffixes: tuple[str, ...]) -> bool:
    name = path.name.lower()
    return name.endswith(suffixes) and not name.endswith(RESULTS) and path.is_file()


def _unique_stems(paths: Sequence[Path]) -> list[str]:
    """Stems that stay the same whatever else is in the batch, unless two inputs share one."""
    plain = [safe_stem(path.stem) for path in paths]
    shared = {stem for stem, count in Counter(stem.casefold() for stem in plain).items() if count > 1}
    stems: list[str] = []
    taken: set[str] = set()
    for path, stem in zip(paths, plain, strict=True):
        unique = safe_stem("-".join((*path.resolve().parent.parts[-1:], path.name))) if stem.casefold() in shared else stem
        candidate, number = unique, 2
        while candidate.casefold() in taken:
            candidate, number = f"{unique}-{number}", number + 1
        taken.add(candidate.casefold())
        stems.append(candidate)
    return stems


def run(jobs: Sequence[Job], options: BatchOptions, on_record: Callable[[Record], None]) -> list[Record]:
    """Render every job and write `out/batch.jsonl`. Returns the records in the order of the jobs.

    `on_record` is called in this process as each job ends. The file grows by a line per job while the batch runs, and is put
    in the order of the jobs at its end. Raises `OutputError` when the folder cannot be written.
    """
    from slp_mouthing.pipeline import Studio

    Studio(options.studio).check()
    log = options.out / "batch.jsonl"
    earlier = log.read_bytes() if options.resume and log.is_file() else b""
    atomic_write(log, earlier)
    records: dict[Path, Record] = {}
    workers = Workers(options.jobs, partial(_start_worker, options), _render_job)
    try:
        with log.open("a", encoding="utf-8") as lines:
            for job, outcome in workers.run(jobs):
                record = outcome or Record(shown(job.input), "failed", error=DIED)
                records[job.input] = record
                lines.write(record.line())
                lines.flush()
                on_record(record)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=str(log)) from error
    ordered = [records[job.input] for job in jobs]
    atomic_write(log, "".join(record.line() for record in ordered))
    return ordered


_worker: tuple[Studio, BatchOptions] | None = None


def _start_worker(options: BatchOptions) -> None:
    """Load everything once per process; one numeric thread each, since the processes share the machine."""
    if options.jobs > 1:
        for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[variable] = "1"
    from slp_mouthing.pipeline import Studio

    global _worker
    _worker = Studio(options.studio), options


def _render_job(job: Job) -> Record:
    assert _worker is not None
    studio, options = _worker
    start = time.perf_counter()
    try:
        report = studio.render_file(job.input, options.out, stem=job.stem, formats=options.formats, reuse=options.resume)
    except MouthError as error:
        return _failed(job, str(error), start)
    except Exception as error:  # a defect of ours, in one file of thousands, must not end the night's run
        return _failed(job, f"internal error, please report it: {type(error).__name__}: {error}", start)
    return Record(
        shown(job.input),
        "done" if report.made else "skipped",
        tuple(shown(path) for path in report.outputs),
        seconds=_since(start),
        signing_s=round(report.signing_s, 3),
        warnings=report.warnings,
    )


def _failed(job: Job, error: str, start: float) -> Record:
    return Record(shown(job.input), "failed", error=error, seconds=_since(start))


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 4)
