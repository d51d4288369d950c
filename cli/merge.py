"""`mouth merge`: a track's face into a body sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def merge(
    track: Annotated[Path, typer.Argument(readable=False, help="A .track.npz file.", metavar="TRACK")],
    body: Annotated[
        Path,
        typer.Argument(
            readable=False, help="A body file (.npz, .npy, .pkl, .pose), or a folder with one file per frame.", metavar="BODY"
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The result, in the body's own format.")],
    fps: Annotated[float | None, typer.Option(help="The body's frame rate, where its file says none or a wrong one.")] = None,
    offset: Annotated[float, typer.Option(help="When the track begins on the body's clock, in seconds.")] = 0.0,
    trim: Annotated[
        tuple[float, float] | None, typer.Option(help="Use this part of the track, seconds.", metavar="START END")
    ] = None,
    channels: Annotated[str, typer.Option(help="What to replace: jaw, expression, eyes, with commas.")] = "jaw,expression",
    eyes: Annotated[bool, typer.Option("--eyes", help="Replace the eyes too; else the body keeps its gaze.")] = False,
    blend: Annotated[
        float, typer.Option(help="Seconds from the body's own face to the track's, beyond its ends.", min=0.0)
    ] = 0.1,
    widen: Annotated[
        bool, typer.Option("--widen", help="Add the face channels that the file lacks (SMPL+H becomes SMPL-X).")
    ] = False,
) -> None:
    """Give a body sequence the face of a track, for example: mouth merge why.track.npz signer.npz -o signing.npz

    Knows AMASS (SMPL-X; SMPL+H with --widen), BEAT2, SignAvatars, Motion-X, SOKE and SMPLer-X, and the face points of .pose
    files. Everything else in the file stays bit for bit.
    """
    from slp_mouthing.body import MergeOptions
    from slp_mouthing.merging import merge_file

    from .progress import warn

    asked = [name.strip() for name in channels.split(",") if name.strip()] + ["eyes"] * eyes
    options = MergeOptions(
        fps=fps, offset_s=offset, trim_s=trim or (0.0, None), channels=tuple(dict.fromkeys(asked)), blend_s=blend, widen=widen
    )
    report = merge_file(track, body, output, options)
    warn(report.warnings)
    for line in report.lines():
        typer.echo(line)
    typer.echo(str(output))
