"""`mouth model`: trained networks, published ones and ours: brought in and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from slp_mouthing.decoder.weights import StoredNetwork

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Networks that move the face: info, import.")

MOST_NAMES = 5
"""Missing or unknown weights that are named."""
Autoencoder = Annotated[
    Path | None,
    typer.Option("--autoencoder", metavar="FILE", help="CodeTalker's first stage, which its second does not hold."),
]


@app.command("import")
def import_(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            readable=False, metavar="FILE", help="Checkpoint of FaceFormer, SelfTalk or CodeTalker as its authors publish it."
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="File to write; it ends on .safetensors.")],
    autoencoder: Autoencoder = None,
) -> None:
    """Bring a published network in: checked, without what only training needs, and without code."""
    from slp_mouthing.decoder.checkpoint import import_model

    if out.suffix != ".safetensors":
        raise InputError("is no name for the result", where=str(out), hint="let it end on .safetensors")
    model = import_model(checkpoint, out, autoencoder)
    typer.echo(f"{out}: {model.name}, {model.vertices} vertices at {model.fps:g} fps")


@app.command("info")
def info(
    path: Annotated[
        Path, typer.Argument(readable=False, metavar="FILE", help="A published checkpoint, an imported network, or one of ours.")
    ],
    autoencoder: Autoencoder = None,
) -> None:
    """Print what a network's file holds, and what it lacks."""
    ours = _read_ours(path)
    lines = _network_lines(ours, path) if ours else _published_lines(path, autoencoder)
    for name, text in lines.items():
        typer.echo(f"{name:<11} {text}")


def _read_ours(path: Path) -> StoredNetwork | None:
    """The network of our own training in a file; None for those of others."""
    if path.suffix == ".npz":
        from slp_mouthing.decoder.weights import read_weights

        return read_weights(path)
    if path.suffix != ".safetensors":
        return None
    from slp_mouthing.decoder.checkpoint import is_imported
    from slp_mouthing.decoder.network import read_network

    return None if is_imported(path) else read_network(path)


def _published_lines(path: Path, autoencoder: Path | None) -> dict[str, str]:
    from slp_mouthing.decoder.checkpoint import describe

    found = describe(path, autoencoder)
    lines = {
        "network": f"{found.title}, trained on {found.data}" + (f"; imported from {found.source}" if found.source else ""),
        "mesh": f"{found.vertices} vertices at {found.fps:g} fps",
        "encoder": found.encoder,
        "subjects": ", ".join(found.subjects) or "one style for all",
        "parameters": f"{found.parameters / 1e6:.2f} million in use",
        "tensors": f"{found.tensors}" + (f", of which {found.unused} only for training" if found.unused else ""),
    }
    if not found.source:
        lines |= {"missing": _names(found.missing), "unknown": _names(found.unknown)}
    return lines | {"usable": f"no: {found.problem}" if found.problem else "yes"}


def _network_lines(found: StoredNetwork, path: Path) -> dict[str, str]:
    options = found.options
    encoder = "wav2vec2" if options.wav2vec2 else f"log-mel, {options.encoder.layers} layers of {options.encoder.dim}"
    return {
        "network": f"ours; it gives {options.kind}",
        "outputs": f"{options.outputs}",
        "encoder": encoder,
        "parameters": f"{sum(weight.size for weight in found.weights.values()) / 1e6:.2f} million",
        "tensors": f"{len(found.weights)}",
        "usable": _usable(path),
        **{name: str(value) for name, value in found.meta.items()},
    }


def _usable(path: Path) -> str:
    """Whether the weights of one of ours are what its options ask for."""
    try:
        if path.suffix == ".npz":
            from slp_mouthing.decoder.light import LightNetwork

            LightNetwork.load(path)
        else:
            from slp_mouthing.decoder.network import load_network

            load_network(path)
    except InputError as error:
        return f"no: {error.what}"
    return "yes"


def _names(names: tuple[str, ...]) -> str:
    if not names:
        return "nothing"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{len(names)}: {', '.join(names[:MOST_NAMES])}{more}"
