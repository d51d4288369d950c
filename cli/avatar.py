"""`mouth avatar`: Gaussians that ride on a head, brought in and looked at."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.avatar.fit import FitOptions, FitReport
    from slp_mouthing.avatar.flame_param import FlameIdentity
    from slp_mouthing.avatar.splats import SplatAvatar
    from slp_mouthing.head.identity import Identity

TELL_EVERY_S = 5.0

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Gaussian avatars: people, info, import, fit.")


@app.command("people")
def people() -> None:
    """List the people of the built-in head: names for --avatar."""
    from slp_mouthing.head.identities import IDENTITIES

    for name, identity in IDENTITIES.items():
        typer.echo(f"{name:<10} {_appearance(identity)}")


@app.command("info")
def info(
    path: Annotated[
        Path,
        typer.Argument(
            readable=False, help="An avatar's folder, a PLY of GaussianAvatars, or a built-in person.", metavar="PATH|NAME"
        ),
    ],
) -> None:
    """Check an avatar and print what it holds."""
    from slp_mouthing.avatar.ply import read_avatar
    from slp_mouthing.cast import stored_avatar

    if path.is_file():
        _print(_gaussian_lines(read_avatar(path)))
        return
    if (stored := stored_avatar(str(path))) is None:
        _print(_built_in_lines(str(path)))
        return
    card = stored.card
    about = {"head": f"{card.head}, {card.triangles} triangles", "source": card.source, "license": card.license or "not stated"}
    _print(about | _gaussian_lines(stored.gaussians) | _person_lines(stored.person))


@app.command("import")
def import_(
    ply: Annotated[
        Path, typer.Argument(readable=False, help="point_cloud.ply of an avatar that GaussianAvatars trained.", metavar="PLY")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Folder to make; give it to --avatar.")],
    flame_param: Annotated[Path | None, typer.Option(metavar="NPZ", help="The person's flame_param.npz, for FLAME.")] = None,
    head: Annotated[str, typer.Option(help="Head it is bound to: flame2023, flame2020, builtin, or yours.")] = "flame2023",
    triangles: Annotated[int | None, typer.Option(help="Triangles of that head's mesh; default: as known.", min=1)] = None,
    source: Annotated[str | None, typer.Option(help="Where it comes from; default: the PLY's name.")] = None,
    license: Annotated[str, typer.Option(help="Licence under which it may be used.")] = "",
) -> None:
    """Check an avatar against the mesh it is bound to, and store it as a folder that --avatar takes."""
    from slp_mouthing.avatar.folder import import_avatar

    counts = (triangles,) if triangles else _triangle_counts(head)
    card = import_avatar(
        ply,
        out,
        head=head,
        triangles=counts,
        flame_param=flame_param,
        source=ply.name if source is None else source,
        license=license,
    )
    typer.echo(f"{out}: {card.gaussians} Gaussians of degree {card.sh_degree} on {card.head}, {card.triangles} triangles")


@app.command("fit")
def fit(
    dataset: Annotated[
        Path, typer.Argument(readable=False, help="Folder with transforms_train.json, as VHAP exports it.", metavar="DATASET")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Folder to make; give it to --avatar.")],
    iterations: Annotated[int, typer.Option(help="Pictures to look at; the papers' avatars took 600000.", min=1)] = 30_000,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint beside FOLDER.")] = False,
    report_every: Annotated[int, typer.Option(help="Pictures between two reports and checkpoints.", min=1)] = 500,
    flame: Annotated[Path | None, typer.Option(metavar="DIR", help="Your FLAME, for recordings with its parameters.")] = None,
    flame_shape: Annotated[int, typer.Option(help="Where the expression starts among its directions.", min=0)] = 300,
    device: Annotated[str, typer.Option(help="cpu, or cuda where the renderer has it.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Of the order of pictures and their backgrounds.", min=0)] = 0,
    license: Annotated[str, typer.Option(help="Licence under which the avatar may be used.")] = "",
    lpips: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Your LPIPS weights (alex.pth and alexnet*.pth): measure held-out views.")
    ] = None,
) -> None:
    """Fit an avatar to pictures from many sides with masks, cameras and the face's parameters."""
    from slp_mouthing.avatar.fit import FitOptions
    from slp_mouthing.fitting import fit_avatar

    options = FitOptions(iterations=iterations, report_every=report_every, seed=seed, device=device)
    card, _ = fit_avatar(
        dataset,
        out,
        options,
        resume=resume,
        flame=flame,
        flame_shape=flame_shape,
        license=license,
        lpips=lpips,
        on_report=lambda report: typer.echo(_progress(report, options)),
        on_checked=_checked(),
    )
    typer.echo(f"{out}: {card.gaussians} Gaussians of degree {card.sh_degree} on {card.head}, {card.triangles} triangles")


def _checked() -> Callable[[int, int], None]:
    """Tells every few seconds how far the pictures have been looked through."""
    started_s = told_s = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s >= TELL_EVERY_S:
            told_s, left_s = now_s, (now_s - started_s) / done * (total - done)
            typer.echo(f"checked {done}/{total} pictures, {left_s:.0f} s left", err=True)

    return tell


def _progress(report: FitReport, options: FitOptions) -> str:
    lpips = "" if report.val_lpips is None else f", LPIPS {report.val_lpips:.4f}"
    seen = report.val_ssim == report.val_ssim
    held_out = f"held out {report.val_psnr_db:.2f} dB, SSIM {report.val_ssim:.4f}{lpips}; " if seen else ""
    return (
        f"{report.iteration}/{options.iterations}: training {report.train_psnr_db:.2f} dB, {held_out}"
        f"{report.gaussians} Gaussians, {report.elapsed_s:.0f} s"
    )


def _triangle_counts(head: str) -> tuple[int, ...]:
    from slp_mouthing.avatar.folder import FLAME_TRIANGLES
    from slp_mouthing.errors import InputError

    if head.startswith("flame"):
        return FLAME_TRIANGLES
    if head != "builtin":
        raise InputError(f"unknown head '{head}'", hint="say how many triangles its mesh has with --triangles N")
    from slp_mouthing.head.builtin import load_builtin

    return (len(load_builtin().triangles),)


def _gaussian_lines(avatar: SplatAvatar) -> dict[str, str]:
    import numpy as np

    used, opacity = np.unique(avatar.binding), avatar.opacity
    return {
        "gaussians": f"{len(avatar)}, harmonics of degree {avatar.local.sh_degree}",
        "binding": f"{len(used)} triangles, the last is {used[-1]}; at most {np.bincount(avatar.binding).max()} Gaussians on one",
        "opacity": f"median {np.median(opacity):.2f}, {np.mean(opacity < 1 / 255):.1%} too faint to see",
    }


def _built_in_lines(name: str) -> dict[str, str]:
    from slp_mouthing.avatar.default import default_avatar
    from slp_mouthing.head.builtin import load_builtin
    from slp_mouthing.head.identities import IDENTITIES

    head = load_builtin(IDENTITIES[name])
    return {
        "head": f"{head.name}, {len(head.triangles)} triangles",
        "source": "comes with the package; names for --avatar: mouth avatar people",
        "gaussians": f"{len(default_avatar(head))}, made from the head when they are drawn",
        "person": _appearance(IDENTITIES[name]),
    }


def _appearance(identity: Identity) -> str:
    look, sizes = identity.look, identity.sizes
    grey = ", greying" if look.greying else ""
    return (
        f"{look.hair_color} {look.hair_style} hair{grey}, {look.eye_color} eyes; "
        f"face {sizes.face_height_mm:g} mm high, mouth {sizes.mouth_width_mm:g} mm wide"
    )


def _person_lines(person: FlameIdentity | None) -> dict[str, str]:
    if person is None:
        return {}
    offsets = "none" if person.static_offset is None else f"for {len(person.static_offset)} vertices"
    return {"person": f"{len(person.shape)} shape coefficients, static offsets {offsets}"}


def _print(lines: dict[str, str]) -> None:
    for name, text in lines.items():
        typer.echo(f"{name:<10} {text}")
