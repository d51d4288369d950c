"""`mouth train reader`: the small lip reader that comes with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .train import Out, Resume, Seed, telling

Corpus = Annotated[Path, typer.Argument(readable=False, help="A built corpus.", metavar="CORPUS")]
Steps = Annotated[int | None, typer.Option(help="Updates of the weights; default: as the shipped reader.", min=1)]
Minutes = Annotated[float | None, typer.Option(help="Time instead, over which the schedule is stretched.", min=0.001)]

People = Annotated[int, typer.Option(help="To render and to train on.", min=1)]
TestPeople = Annotated[int, typer.Option("--test-people", help="To render and to test with alone.", min=1)]
Clips = Annotated[int, typer.Option(help="Of each person to train on.", min=1)]


def reader(
    corpus: Corpus, out: Out, people: People = 24, test_people: TestPeople = 6, clips: Clips = 20, steps: Steps = None,
    minutes: Minutes = None, seed: Seed = 0, resume: Resume = False,
) -> None:  # fmt: skip
    """Learn to read lips from renders of CORPUS, as drawn people mouth it.

    RUN/renders holds the pictures, RUN/lipreader.safetensors the reader that did best on held-out words. Killed at any time,
    --resume goes on. The shipped reader: mouth corpus build words -o CORPUS; mouth train reader CORPUS -o RUN
    """
    from dataclasses import replace

    from slp_mouthing.errors import InputError
    from slp_mouthing.training.reader import BEST, ReaderTraining, train_reader
    from slp_mouthing.training.renders import RenderOptions

    if steps and minutes:
        raise InputError("steps and minutes: give one of them")
    usual = ReaderTraining()
    length: dict[str, Any] = {"steps": 0, "minutes": minutes} if minutes else {"steps": steps or usual.loop.steps}
    rendered = RenderOptions(people, test_people, clips, seed=seed)
    options = replace(usual, renders=rendered, loop=replace(usual.loop, seed=seed, **length))
    figures = train_reader(corpus, out, options, telling(out, False), _rendered, resume=resume)
    typer.echo(f"{out / BEST}: words and people never seen: {figures}")


def _rendered(done: int, count: int, frames: int) -> None:
    typer.echo(f"{done} of {count} people rendered, {frames} frames", err=True)
