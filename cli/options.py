"""Options that several commands share, and how they become what the package wants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from slp_mouthing.pipeline import Studio

Fps = Annotated[float, typer.Option(help="Frames per second of tracks and video.", min=1.0, max=240.0)]
Lexicons = Annotated[
    list[Path] | None,
    typer.Option("--lexicon", metavar="FILE", help="Your own lexicon (YAML), layered over the built-in one; repeat for several."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Make every warning about the input an error (unknown glosses, ...).")]
Voice = Annotated[str | None, typer.Option(help="espeak-ng voice; default: the lexicon's (en-gb).")]
Intensity = Annotated[float, typer.Option(help="How large the movements are; 1 is clear everyday mouthing.", min=0.0, max=2.0)]
Density = Annotated[
    float,
    typer.Option(help="Share of the mouthings kept that a sign could do without: signers differ.", min=0.0, max=1.0),
]


def studio(*, lexicon: list[Path] | None, **settings: Any) -> Studio:
    """The studio that a command's options ask for."""
    from slp_mouthing.pipeline import Studio

    return Studio(lexicons=tuple(lexicon or ()), **settings)
