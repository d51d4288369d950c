"""Progress and warnings on stderr: a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

import typer

MOST_WARNINGS = 20


@contextlib.contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done now."""
    if not sys.stderr.isatty():
        yield lambda text: typer.echo(text, err=True)
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


def warn(warnings: Sequence[str]) -> None:
    """Print warnings, the first ones in full and the rest as a count."""
    for text in warnings[:MOST_WARNINGS]:
        typer.echo(f"warning: {text}", err=True)
    if len(warnings) > MOST_WARNINGS:
        typer.echo(f"warning: {len(warnings) - MOST_WARNINGS} more; `mouth plan --json` lists all", err=True)
