"""`mouth corpus`: sets of speech with faces to train on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Flame
from .progress import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress

    from slp_mouthing.training.corpus import BuildProgress, Manifest
    from slp_mouthing.training.dataset import Dataset

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Corpora to train on: build, info.")


@app.command("build")
def build(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="words, words-flite (a third of it by flite's recorded voices), clean (like VOCASET) or mead-like "
            "(with a tracker's errors).",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder for the corpus.")],
    clips: Annotated[int | None, typer.Option(help="How many; default: as many as the kind has.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.", min=0)] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes.", min=1)] = 1,
) -> None:
    """Make a corpus of synthetic speech with the motion of the mouth, from a seed and without a network.

    Killed at any moment, it loses a hundred clips at most: start it again and it goes on, and it makes anew what was lost or
    damaged. The shipped model's corpus, for which flite must be installed: mouth corpus build words-flite -o DIR --clips 14000
    """
    from slp_mouthing.training.corpus import CorpusOptions, build_corpus

    with _Bar() as bar:
        corpus = build_corpus(out, CorpusOptions(kind, seed, clips, jobs), bar.show)
    typer.echo(f"{out}: {_summary(corpus)}")


@app.command("info")
def info(
    folder: Annotated[Path, typer.Argument(readable=False, help="A built corpus, VOCASET, or tracked MEAD.", metavar="DIR")],
    check: Annotated[bool, typer.Option("--check", help="Read every clip.")] = False,
    flame: Flame = None,
) -> None:
    """Print what a set of clips holds: clips by split, hours, how it was made, and what training never hears."""
    from slp_mouthing.training.corpus import Corpus
    from slp_mouthing.training.dataset import open_dataset

    dataset = open_dataset(folder, flame)
    typer.echo(f"{folder}: {_summary(dataset)}")
    if isinstance(dataset, Corpus):
        _print_manifest(dataset.manifest)
    if check:
        for clip in dataset.clips():
            del clip
        typer.echo("every clip is there and whole")


def _print_manifest(manifest: Manifest) -> None:
    made_by = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    typer.echo(f"{manifest.kind}, seed {manifest.seed}, by {made_by}")
    for what, by_split in manifest.held_out.items():
        typer.echo(f"{what} held out: " + ", ".join(f"{len(names)} for {split}" for split, names in by_split.items()))


def _summary(dataset: Dataset) -> str:
    splits = ", ".join(f"{split} {count}" for split, count in dataset.counts().items())
    return f"{len(dataset)} clips ({splits}), {sum(dataset.durations_s) / 3600:.2f} h"


class _Bar:
    """A progress bar on a terminal; elsewhere a plain line now and then."""

    EVERY_S = 10.0

    def __init__(self) -> None:
        self.start_s = self.said_s = time.monotonic()
        self.first: int | None = None
        self._progress: Progress | None = None

    def __enter__(self) -> _Bar:
        if is_terminal():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speech]}"), TimeRemainingColumn())
            self._progress = Progress(*columns, console=Console(stderr=True))
            self._progress.start()
            self._task = self._progress.add_task("", total=None, speech="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    def show(self, progress: BuildProgress) -> None:
        speech = f"{progress.speech_s / 3600:.2f} h of speech"
        if self._progress:
            self._progress.update(self._task, total=progress.count, completed=progress.clips, speech=speech)
        elif time.monotonic() - self.said_s > self.EVERY_S:
            self.said_s = time.monotonic()
            typer.echo(f"{progress.clips} of {progress.count} clips, {speech}{self._remaining(progress)}", err=True)
        if self.first is None:
            self.first, self.start_s = progress.clips, time.monotonic()

    def _remaining(self, progress: BuildProgress) -> str:
        made = progress.clips - (self.first or 0)
        if made <= 0:
            return ""
        left_s = (time.monotonic() - self.start_s) / made * (progress.count - progress.clips)
        return f", {left_s:.0f} s to go"
