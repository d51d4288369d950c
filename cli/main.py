"""`mouth`: the command line. Commands parse, call one function of the package, and print."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer

from slp_mouthing.errors import MouthError

from . import avatar, batch, corpus, doctor, evaluate, export, lexicon, merge, model, plan, render, train, train_reader

UsageError: Any = typer.BadParameter.__base__
"""Typer exports it by no name of its own, and newer versions no longer take it from click."""

app = typer.Typer(
    name="mouth",
    help="Mouthing for sign language production: from BSL glosses to a face that mouths them.",
    epilog="Start with: mouth render gloss.txt",
    context_settings={"max_content_width": 110},
    no_args_is_help=True,
    add_completion=False,
    # Plain help: it starts twice as fast, and pipes and narrow terminals keep its lines.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("render")(render.render)
app.command("plan")(plan.plan)
app.command("batch")(batch.batch)
app.command("merge")(merge.merge)
app.command("export")(export.export)
app.add_typer(lexicon.app, name="lexicon")
app.add_typer(avatar.app, name="avatar")
app.add_typer(corpus.app, name="corpus")
app.add_typer(model.app, name="model")
train.app.command("reader")(train_reader.reader)
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        from slp_mouthing import __version__

        typer.echo(f"slp-mouthing {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Ends the process with 0 done, 1 a `MouthError` (one line on stderr), 2 wrong usage."""
    # A scheduler's stop is orderly, as Ctrl-C is: it leaves no temporary files.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """The same without ending the process: -> exit status."""
    # Set before numpy loads: sums of one thread are the same whether `render` or a worker of `batch` makes them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # A terminal that lacks a letter of a gloss gets its code.
    try:
        return _invoke(arguments)
    except MouthError as error:
        return _fail(f"mouth: {error}", 1)
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else "mouth"
        return _fail(f"{command}: {_one_line(error.format_message()).rstrip('.')}; see '{command} --help'", 2)
    except OSError as error:
        if error.errno not in _STREAM_GONE:
            raise
        sys.stdout = sys.stderr = None  # Python must not complain again when it flushes them at exit.
        return 0 if error.errno == errno.EPIPE else 1


_STREAM_GONE = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF)
_STOPPED = 130


def _invoke(arguments: Sequence[str] | None) -> int:
    """Typer ends some runs by itself: by exit status after Ctrl-C, by `SystemExit` when the reader (`| head`) has gone."""
    try:
        status = app(args=None if arguments is None else list(arguments), standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (typer.Abort, KeyboardInterrupt):
        status = _STOPPED
    except SystemExit as end:
        status = 0 if isinstance(end.__context__, BrokenPipeError) else end.code
    if status == _STOPPED:
        return _fail("mouth: stopped; what was finished is kept", _STOPPED)
    return status if isinstance(status, int) else 0


def _fail(text: str, status: int) -> int:
    typer.echo(text, err=True)
    return status


def _one_line(text: str) -> str:
    return " ".join(text.split())
