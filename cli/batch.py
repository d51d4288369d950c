"""`mouth batch`: many inputs, unattended."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    Avatar,
    Density,
    Driver,
    Flame,
    FlameShape,
    Fps,
    GlossStyle,
    Head,
    IgnoreMouthTiers,
    Intensity,
    Jaw,
    Lexicons,
    Lip,
    MouthTiers,
    Report,
    Seed,
    Split,
    Strict,
    Subject,
    Tiers,
    UpperFace,
    Vertices,
    Voice,
    WithoutRules,
    read_options,
    with_report,
)
from .progress import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress

    from slp_mouthing.batch import Record


def batch(
    inputs: Annotated[list[Path], typer.Argument(readable=False, help="Gloss files, or folders of them.", metavar="INPUT...")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder for the results.")],
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="Processes; default: one per processor.", min=1)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Skip what is there, whole, and made by these settings.")] = False,
    formats: Annotated[str, typer.Option(help="What to write beside the plan, separated by commas.")] = "npz",
    report: Report = False,
    fps: Fps = 30.0,
    lexicon: Lexicons = None,
    strict: Strict = False,
    voice: Voice = None,
    driver: Driver = "neural",
    subject: Subject = "",
    intensity: Intensity = 1.0,
    jaw: Jaw = 1.0,
    lip: Lip = 1.0,
    upper_face: UpperFace = "previews",
    seed: Seed = 0,
    vertices: Vertices = False,
    head: Head = "builtin",
    flame: Flame = None,
    flame_shape: FlameShape = None,
    avatar: Avatar = "default",
    density: Density = 1.0,
    without_rule: WithoutRules = None,
    tier: Tiers = None,
    mouth_tier: MouthTiers = None,
    ignore_mouth_tiers: IgnoreMouthTiers = False,
    split: Split = "",
    gloss_style: GlossStyle = None,
) -> None:
    """Render many inputs in several processes; one bad file does not stop the others.

    DIR/batch.jsonl gets a line per input: input, status (done, skipped, failed), outputs, error, seconds. Killed at any moment,
    the run loses nothing that was finished: start it again with --resume. Exit status 1 if any input failed.
    """
    from slp_mouthing.batch import BatchOptions, find_jobs, run
    from slp_mouthing.formats import suffixes
    from slp_mouthing.notation import READERS
    from slp_mouthing.settings import StudioOptions

    settings = StudioOptions(
        head=head,
        flame=flame,
        flame_shape=flame_shape,
        avatar=avatar,
        fps=fps,
        lexicons=tuple(lexicon or ()),
        strict=strict,
        voice=voice,
        driver=driver,
        subject=subject,
        intensity=intensity,
        jaw=jaw,
        lip=lip,
        upper_face=upper_face,
        seed=seed,
        vertices=vertices,
        density=density,
        without_rules=tuple(without_rule or ()),
        read=read_options(tier, mouth_tier, ignore_mouth_tiers, split, gloss_style),
    )
    options = BatchOptions(
        out, settings, suffixes(with_report(formats, report)), resume=resume, **({"jobs": jobs} if jobs else {})
    )
    work = find_jobs(inputs, READERS, out)
    with _Bar(len(work)) as bar:
        records = run(work, options, bar.advance)
    _summary(records, out)
    if any(record.status == "failed" for record in records):
        raise typer.Exit(1)


class _Bar:
    """A progress bar on a terminal; elsewhere a plain line now and then, so that a log file stays readable."""

    EVERY_S = 10.0

    def __init__(self, total: int) -> None:
        self.total, self.done, self.failed, self.signing_s = total, 0, 0, 0.0
        self.start_s = self.said_s = time.monotonic()
        self._progress: Progress | None = None

    def __enter__(self) -> _Bar:
        if is_terminal():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
            self._progress = Progress(*columns, console=Console(stderr=True))
            self._progress.start()
            self._task = self._progress.add_task("", total=self.total, rate="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    def advance(self, record: Record) -> None:
        self.done += 1
        self.failed += record.status == "failed"
        self.signing_s += record.signing_s if record.status == "done" else 0.0
        if record.status == "failed":
            self._say(f"failed: {record.input}: {record.error}")
        if self._progress:
            self._progress.update(self._task, completed=self.done, rate=self._rate())
        elif time.monotonic() - self.said_s > self.EVERY_S or self.done == self.total:
            self.said_s = time.monotonic()
            self._say(f"{self.done}/{self.total}, {self._rate()}, {self._remaining()} left")

    def _say(self, text: str) -> None:
        if self._progress:
            self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(text, err=True)

    def _rate(self) -> str:
        elapsed_s = time.monotonic() - self.start_s
        return f"{self.done / elapsed_s:.1f} files/s, {self.signing_s / elapsed_s:.0f}x real time"

    def _remaining(self) -> str:
        left_s = (time.monotonic() - self.start_s) / self.done * (self.total - self.done)
        return f"{int(left_s // 3600)}:{int(left_s // 60) % 60:02}:{int(left_s) % 60:02}"


def _summary(records: list[Record], out: Path) -> None:
    counts = Counter(record.status for record in records)
    signing_s = sum(record.signing_s for record in records)
    for status in ("done", "skipped", "failed"):
        typer.echo(f"{status:<8} {counts[status]:>7}")
    typer.echo(f"signing  {signing_s:>7.0f} s")
    if warned := sum(bool(record.warnings) for record in records):
        typer.echo(f"warnings in {warned} files: see the report")
    typer.echo(f"report   {out / 'batch.jsonl'}")
