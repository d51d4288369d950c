"""`mouth doctor`: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Check the installation: what works here, what is missing, how to get it.

    Exit status 1 when something that every render needs is missing.
    """
    from slp_mouthing.health import check_all

    checks = check_all()
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = "ok     " if check.ok else "MISSING" if check.needed else "absent "
        typer.echo(f"{mark}  {check.name:<{width}}  {check.found or check.remedy}")
    if any(check.needed and not check.ok for check in checks):
        raise typer.Exit(1)
