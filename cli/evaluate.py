"""`mouth evaluate`: how good a driver is, how well its words are told apart, and tracks against true ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Avatar, Flame, FlameShape, Head, Lexicons
from .progress import is_terminal, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.evaluation.report import Report

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Figures of quality: driver, pairs, tracks, ablation.")

_Judged = Annotated[
    str, typer.Option("--driver", help="rules, neural, or neural-by-ear (the decoder without the phones, as for a recording).")
]
_Network = Annotated[
    Path | None, typer.Option("--network", metavar="FILE", help="A decoder of `mouth train` to judge instead of the shipped one.")
]
_Fps = Annotated[float, typer.Option(help="Frames per second.", min=10.0, max=120.0)]
_Seed = Annotated[int, typer.Option(help="Of all that is drawn.", min=0)]
_Json = Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")]
_Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the figures too, as PNG.")]


@app.command("driver")
def driver(
    judged: _Judged = "neural",
    network: _Network = None,
    voices: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Voices of espeak-ng, or flite/rms, ..., with commas, a column each; default: usual and held out.",
        ),
    ] = "",
    passages: Annotated[int, typer.Option(help="Of five words, for each column.", min=1)] = 40,
    training: Annotated[int, typer.Option(help="Passages that the reader of visemes learns from.", min=5)] = 120,
    fps: _Fps = 30.0,
    seed: _Seed = 0,
    as_json: _Json = False,
    plot: _Plot = None,
) -> None:
    """Judge what moves the mouth, on words that training never hears, against the rules' motion.

    Correlation of the control curves, contacts of the lips on the posed head, LVE, MTM, what a reader of visemes and a matcher
    of words make of the motion (with what they make of the truth, and of shuffled motion), and rest.
    """
    from slp_mouthing.evaluation.driver_judge import JudgeOptions, judge
    from slp_mouthing.evaluation.drivers import find_judged

    names = tuple(name.strip() for name in voices.split(",") if name.strip())
    with _bar("passages") as show:
        report = judge(find_judged(judged, network), JudgeOptions(names, passages, training, fps, seed), show)
    _show(report, as_json, plot)


@app.command("pairs")
def pairs(
    judged: _Judged = "neural",
    network: _Network = None,
    lexicon: Lexicons = None,
    training: Annotated[int, typer.Option(help="Realisations of each word to learn from.", min=2)] = 24,
    test: Annotated[int, typer.Option(help="Realisations of each word to test.", min=2)] = 16,
    fps: _Fps = 30.0,
    seed: _Seed = 0,
    as_json: _Json = False,
    plot: _Plot = None,
) -> None:
    """Tell apart by the mouth alone the signs that are alike on the hands; and words that no mouth can tell apart, which must
    stay at chance: otherwise something else than the lips gives them away.
    """
    from slp_mouthing.evaluation.drivers import find_judged
    from slp_mouthing.evaluation.minimal_pairs import PairOptions, judge_pairs
    from slp_mouthing.mouthing.lexicon import load_lexicon

    with _bar("words") as show:
        options = PairOptions(training, test, fps, seed)
        report = judge_pairs(find_judged(judged, network), load_lexicon(tuple(lexicon or ())), options, show)
    _show(report, as_json, plot)


@app.command("tracks")
def tracks(
    predicted: Annotated[Path, typer.Argument(readable=False, help="Folder of .track.npz files.", metavar="PREDICTED")],
    true: Annotated[Path, typer.Argument(readable=False, help="Folder of the true tracks, by the same names.", metavar="TRUE")],
    audio: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the sounds (.wav, ...), by the same names; default: beside the true tracks."),
    ] = None,
    head: Head = "builtin",
    flame: Flame = None,
    flame_shape: FlameShape = None,
    avatar: Avatar = "default",
    as_json: _Json = False,
    plot: _Plot = None,
) -> None:
    """Compare tracks by the field's metrics: LVE (both definitions), FDD, MTM, and SLCC where there is sound.

    A track's first folder is its identity; a folder called level_1, level_2, ... the intensity for SLCC by level.
    """
    from slp_mouthing.cast import CastOptions
    from slp_mouthing.evaluation.tracks import find_pairs, judge_tracks

    found, alone = find_pairs(predicted, true, audio)
    with _bar("tracks") as show:
        report = judge_tracks(found, CastOptions(head, flame, flame_shape, avatar), show)
    warn([f"{name}: in one folder alone, left out" for name in alone])
    _show(report, as_json, plot)


@app.command("ablation")
def ablation(
    clean: Annotated[Path, typer.Argument(readable=False, help="Corpus of clean motion.", metavar="CLEAN")],
    tracked: Annotated[Path, typer.Argument(readable=False, help="Corpus with a tracker's noise.", metavar="TRACKED")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder for runs and figures; a killed run goes on.")],
    seeds: Annotated[int, typer.Option(help="Runs of each, with other beginnings.", min=1)] = 3,
    geometric_steps: Annotated[int, typer.Option(help="Of the first stage.", min=1)] = 500,
    adapt_steps: Annotated[int, typer.Option(help="Of the second.", min=1)] = 250,
    read_steps: Annotated[int, typer.Option(help="Of the third, with the lip-reading loss and without.", min=1)] = 120,
    test_clips: Annotated[int, typer.Option(help="To judge on.", min=1)] = 24,
    reader: Annotated[Path | None, typer.Option(metavar="FILE", help="Lip reader; default: the shipped one.")] = None,
    as_json: _Json = False,
    plot: _Plot = None,
) -> None:
    """VisualSpeaker's tables 1 and 2 on our corpora: pretraining, adapting, and adapting with the lip-reading loss.

    mouth corpus build clean -o CLEAN; mouth corpus build mead-like -o TRACKED; mouth evaluate ablation CLEAN TRACKED -o RUNS
    """
    from slp_mouthing.evaluation.ablation import AblationOptions, ablate

    from .train import telling

    options = AblationOptions(seeds, geometric_steps, adapt_steps, read_steps, test_clips, reader=reader)
    report = ablate(clean, tracked, out, options, on_stage=lambda name: typer.echo(name, err=True), on_report=telling(out, False))
    _show(report, as_json, plot)


def _show(report: Report, as_json: bool, plot: Path | None) -> None:
    if plot is not None:
        from slp_mouthing.evaluation.plot import draw_report

        draw_report(report, plot)
    if as_json:
        typer.echo(report.to_json())
        return
    _print_table(report)
    for note in report.notes:
        typer.echo(note)


def _print_table(report: Report) -> None:
    """On a terminal a drawn table, elsewhere plain columns."""
    import sys

    typer.echo(report.title)
    head, *rows = report.cells()
    if sys.stdout is not None and sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(*head)
        for row in rows:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    for row in (head, *rows):
        typer.echo("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


@contextlib.contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar with the time that is left, on a terminal."""
    if not is_terminal():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
