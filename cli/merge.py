"""`mouth merge`: a track's face into a body sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import FlameShape


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
    mesh: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write your SMPL-X's vertices: .npz, or a folder .obj; see --smplx.")
    ] = None,
    smplx: Annotated[Path | None, typer.Option(metavar="DIR", help="For --mesh: the folder of your SMPL-X.")] = None,
    flame: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of your FLAME: lost expressions in mm, and for --mesh its full expression."),
    ] = None,
    flame_shape: FlameShape = None,
    hand_mean: Annotated[
        bool, typer.Option("--hand-mean", help="For --mesh: the file's hands are relative to SMPL-X's relaxed hands.")
    ] = False,
) -> None:
    """Give a body sequence the face of a track, for example: mouth merge why.track.npz signer.npz -o signing.npz

    Knows AMASS (SMPL-X; SMPL+H with --widen), BEAT2, SignAvatars, Motion-X, SOKE and SMPLer-X, and the face points of .pose
    files. Everything else in the file stays bit for bit.
    """
    from slp_mouthing.body import MergeOptions
    from slp_mouthing.merging import MeshOptions, merge_file, write_merged_mesh

    from .progress import warn

    asked = [name.strip() for name in channels.split(",") if name.strip()] + ["eyes"] * eyes
    options = MergeOptions(
        fps=fps, offset_s=offset, trim_s=trim or (0.0, None), channels=tuple(dict.fromkeys(asked)), blend_s=blend, widen=widen
    )
    models = MeshOptions(smplx, flame, flame_shape, hand_mean)
    report = merge_file(track, body, output, options, models)
    if mesh:
        write_merged_mesh(track, body, mesh, options, models)
    warn(report.warnings)
    for line in report.lines():
        typer.echo(line)
    typer.echo(str(output))
    if mesh:
        typer.echo(str(mesh))
