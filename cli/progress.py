"""Progress and warnings on stderr: a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from slp_mouthing.pipeline import OnStep

MOST_WARNINGS = 20


def is_terminal() -> bool:
    """Whether stderr is one; it may be closed."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextlib.contextmanager
def steps() -> Iterator[OnStep]:
    """A function that shows what is being done now; without a terminal only what takes unusually long is told."""
    if not is_terminal():
        yield lambda text, slow=False: typer.echo(text, err=True) if slow else None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield lambda text, slow=False: status.update(text)


def warn(warnings: Sequence[str]) -> None:
    """Print warnings, the first ones in full and the rest as a count."""
    for text in warnings[:MOST_WARNINGS]:
        typer.echo(f"warning: {text}", err=True)
    if len(warnings) > MOST_WARNINGS:
        typer.echo(f"warning: {len(warnings) - MOST_WARNINGS} more; `mouth plan --json` lists all", err=True)
