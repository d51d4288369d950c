"""Many inputs, several processes, unattended: every input ends as one line of `batch.jsonl`, and a killed run resumes."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import os
import time
from collections import Counter, deque
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from slp_mouthing.errors import InputError, MouthError, OutputError
from slp_mouthing.files import atomic_write, safe_stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from slp_mouthing.pipeline import Studio, StudioOptions

Status = Literal["done", "skipped", "failed"]


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


def find_jobs(inputs: Iterable[Path], suffixes: Iterable[str]) -> list[Job]:
    """One job per input file; folders stand for the files in them that have one of `suffixes`. Raises `InputError`."""
    wanted = tuple(suffixes)
    paths = list(dict.fromkeys(path for given in inputs for path in _expand(given, wanted)))
    if not paths:
        raise InputError("no input files", hint=f"give files or folders with {', '.join(wanted)} files")
    return [Job(path, stem) for path, stem in zip(paths, _unique_stems(paths), strict=True)]


def _expand(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if path.is_dir():
        # Results of an earlier run may lie beside the inputs.
        results = (".plan.json", ".arkit.json")
        return sorted(p for p in path.rglob("*") if p.name.endswith(suffixes) and not p.name.endswith(results) and p.is_file())
    # A file that is missing is a failure of its own line, not of the batch.
    return [path]


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
    log = options.out / "batch.jsonl"
    atomic_write(log, "")
    records: dict[Path, Record] = {}
    try:
        with log.open("a", encoding="utf-8") as lines:
            for job, record in _work(jobs, options):
                records[job.input] = record
                lines.write(record.line())
                lines.flush()
                on_record(record)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=str(log)) from error
    ordered = [records[job.input] for job in jobs]
    atomic_write(log, "".join(record.line() for record in ordered))
    return ordered


def _work(jobs: Sequence[Job], options: BatchOptions) -> Iterator[tuple[Job, Record]]:
    """Records as they come. A worker that dies (killed, out of memory) costs only the job that killed it."""
    waiting, suspects = deque(jobs), deque[Job]()
    while waiting or suspects:
        # After a death nobody knows which running job was the cause: each of them runs again, alone.
        queue, width = (suspects, 1) if suspects else (waiting, 2 * options.jobs)
        workers = 1 if suspects else options.jobs
        running: dict[concurrent.futures.Future[Record], Job] = {}
        executor = _executor(workers, options)
        try:
            while queue or running:
                while queue and len(running) < width:
                    job = queue.popleft()
                    running[executor.submit(_render_job, job)] = job
                try:
                    finished, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in finished:
                        record = future.result()
                        yield running.pop(future), record
                except BrokenProcessPool:
                    if width == 1:
                        job = next(iter(running.values()))
                        yield job, Record(str(job.input), "failed", error="its worker process died (killed, or out of memory)")
                    else:
                        suspects.extend(running.values())
                    break
        finally:
            executor.shutdown(cancel_futures=True)


def _executor(workers: int, options: BatchOptions) -> concurrent.futures.ProcessPoolExecutor:
    # spawn: forking a process that has threads (the progress bar's) can hang.
    return concurrent.futures.ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(options,)
    )


_worker: tuple[Studio, BatchOptions] | None = None


def _start_worker(options: BatchOptions) -> None:
    """Load everything once per process; one numeric thread each, since the processes share the machine."""
    import signal

    # Ctrl-C reaches the whole group: the parent decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
        return Record(str(job.input), "failed", error=str(error), seconds=round(time.perf_counter() - start, 4))
    except Exception as error:  # a defect of ours, in one file of thousands, must not end the night's run
        text = f"internal error, please report it: {type(error).__name__}: {error}"
        return Record(str(job.input), "failed", error=text, seconds=round(time.perf_counter() - start, 4))
    return Record(
        str(job.input),
        "done" if report.made else "skipped",
        tuple(str(path) for path in report.outputs),
        seconds=round(time.perf_counter() - start, 4),
        signing_s=round(report.signing_s, 3),
    )
