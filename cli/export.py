"""`mouth export`: a track in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Avatar, Flame, FlameShape, Head


def export(
    track: Annotated[Path, typer.Argument(readable=False, help="A .track.npz file.", metavar="TRACK")],
    to: Annotated[
        list[Path], typer.Option("--to", metavar="FILE", help="Where to; the suffix is the format. Repeat for several.")
    ],
    size: Annotated[int, typer.Option(help="Width and height of videos in pixels.", min=64, max=2160)] = 512,
    view: Annotated[str, typer.Option(help="Camera: portrait, three-quarter, profile, mouth.")] = "portrait",
    style: Annotated[str, typer.Option(help="splat (Gaussians) or mesh (smooth-shaded).")] = "splat",
    frame: Annotated[
        int | None, typer.Option(help="For .ply, .splat, .spz: this frame alone, as a file; default: a folder of all.", min=0)
    ] = None,
    head: Head = "builtin",
    flame: Flame = None,
    flame_shape: FlameShape = None,
    avatar: Avatar = "default",
) -> None:
    """Write a track in other formats, for example: mouth export why.track.npz --to why.glb --to why.mp4"""
    from slp_mouthing.cast import CastOptions
    from slp_mouthing.formats import PictureOptions
    from slp_mouthing.pipeline import export_track

    from .progress import steps, warn

    with steps() as step:
        picture = PictureOptions(
            size=size, view=view, style=style, frame=frame, cast=CastOptions(head, flame, flame_shape, avatar)
        )
        lost = export_track(track, to, picture, on_step=step)
    warn(lost)
    for path in to:
        typer.echo(str(path))
