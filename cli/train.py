"""`mouth train`: the stages of the curriculum."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from slp_mouthing.training.avatar_people import TargetName
    from slp_mouthing.training.curriculum import DecoderName, LossName, OnPrepared, PrecisionName, SizeName, StageName
    from slp_mouthing.training.loop import OnReport, Report

_EVERY_S, _MANY = 10.0, 1000

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Train the neural driver and the lip reader.")

Corpus = Annotated[Path, typer.Argument(readable=False, help="A built corpus, VOCASET, or tracked MEAD.", metavar="CORPUS")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="RUN", help="Folder for checkpoints, the best network and the curve.")]
Start = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="NETWORK", help="Go on from a network: best.safetensors of the stage before; geometric needs none."
    ),
]
Recipe = Annotated[str, typer.Option(help="shipped, as the default model was made, or paper, VisualSpeaker's settings.")]
Loss = Annotated[str | None, typer.Option(help="articulation or vertices (equation 4); default: as the recipe has it.")]
Epochs = Annotated[int | None, typer.Option(help="How often every clip is seen; default: as the recipe has it.", min=1)]
Steps = Annotated[int | None, typer.Option(help="Updates of the weights, instead of epochs.", min=1)]
Minutes = Annotated[float | None, typer.Option(help="Time instead of epochs; the schedule is stretched over it.", min=0.001)]
Batch = Annotated[int | None, typer.Option(help="Clips in a batch; default: as the recipe has it.", min=1)]
Rate = Annotated[float | None, typer.Option("--learning-rate", help="Greatest; default: as the recipe has it.", min=0.0)]
Precision = Annotated[str | None, typer.Option(help="Of products: float32 or bfloat16; default: as the recipe has it.")]
Patience = Annotated[int, typer.Option(help="Stop after so many validations without a better one; 0: never.", min=0)]
ValidateEvery = Annotated[int | None, typer.Option(help="Steps between two validations; default: as the recipe has it.", min=1)]
Decoder = Annotated[
    str | None, typer.Option(help="none, or autoregressive: it corrects the draft, or works alone; default: by the recipe.")
]
Sampled = Annotated[
    float | None,
    typer.Option(help="Scheduled sampling: the past's own share at the end; default: by the recipe.", min=0.0, max=1.0),
]
Rolled = Annotated[
    float | None,
    typer.Option(help="Share of batches with a past of the network's own; default: by the recipe.", min=0.0, max=1.0),
]
Freeze = Annotated[bool, typer.Option("--freeze", help="Train the decoder alone.")]
Size = Annotated[str, typer.Option(help="Of an untrained network: small, base (as shipped) or large.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...; several: start mouth with accelerate launch.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same run.", min=0)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN.")]
TensorBoard = Annotated[bool, typer.Option("--tensorboard", help="Write RUN/tensorboard as well.")]
Flame = Annotated[Path | None, typer.Option(metavar="DIR", help="Your FLAME, for MEAD and VOCASET.")]
Avatars = Annotated[
    Path | None,
    typer.Option(
        "--avatars", "--avatar", metavar="DIR",
        help="Of the perceptual stage on MEAD or VOCASET: DIR/SUBJECT has the avatar of each, or DIR is one for all.",
    ),
]  # fmt: skip
Targets = Annotated[
    str | None,
    typer.Option(help="What is true there: video, or renders of the captured motion; default: video where there is any."),
]
Reader = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Of the perceptual stage, ours or Auto-AVSR's; default: the shipped one."),
]
ReadWeight = Annotated[float | None, typer.Option(help="Of the lip-reading loss; default: as the recipe has it.", min=0.0)]
Wav2Vec2 = Annotated[Path | None, typer.Option(metavar="DIR", help="Your wav2vec2 model, to hear with instead of log-mel.")]


def train(
    context: typer.Context, corpus: Corpus, out: Out, start: Start = None, recipe: Recipe = "shipped", loss: Loss = None,
    epochs: Epochs = None, steps: Steps = None, minutes: Minutes = None, batch: Batch = None, learning_rate: Rate = None,
    precision: Precision = None, patience: Patience = 0, validate_every: ValidateEvery = None, device: Device = "cpu",
    seed: Seed = 0, resume: Resume = False, tensorboard: TensorBoard = False, flame: Flame = None, wav2vec2: Wav2Vec2 = None,
    size: Size = "base", decoder: Decoder = None, sampled: Sampled = None, rolled: Rolled = None, freeze: Freeze = False,
    reader: Reader = None, read_weight: ReadWeight = None, avatars: Avatars = None, targets: Targets = None,
) -> None:  # fmt: skip
    """RUN/best.safetensors is the network that did best on held-out clips, running free. Killed at any time, --resume goes on."""
    from slp_mouthing.training import curriculum

    options = curriculum.TrainOptions(
        stage=cast("StageName", context.info_name), recipe=recipe, start=start, size=cast("SizeName", size), wav2vec2=wav2vec2,
        flame=flame, epochs=epochs, steps=steps, minutes=minutes, batch=batch, learning_rate=learning_rate,
        loss=cast("LossName | None", loss), precision=cast("PrecisionName | None", precision), patience=patience,
        validate_every=validate_every, decoder=cast("DecoderName | None", decoder), sampled=sampled, rolled=rolled,
        freeze=freeze, device=device, seed=seed, reader=reader, read_weight=read_weight, avatars=avatars,
        targets=cast("TargetName | None", targets),
    )  # fmt: skip
    tell = telling(out, tensorboard)
    best = curriculum.train(corpus, out, options, tell, on_prepared=_preparing(), resume=resume)
    typer.echo(f"{best}")


app.command("geometric", help=f"Learn the motion of clean clips. {train.__doc__}")(train)
app.command("adapt", help=f"Go on with motion as a tracker saw it: what is noisy there counts less. {train.__doc__}")(train)
app.command(
    "perceptual",
    help="Go on with what a lip reader sees in renders (equation 6). People of MEAD and VOCASET are drawn on your --flame by "
    f"their --avatars, against their videos. {train.__doc__}",
)(train)


def _preparing() -> OnPrepared:
    """A line now and then while the clips are made ready."""
    said_s = time.monotonic()

    def tell(done: int, count: int) -> None:
        nonlocal said_s
        if time.monotonic() - said_s > _EVERY_S or (done == count and count > _MANY):
            said_s = time.monotonic()
            typer.echo(f"features of {done} of {count} clips", err=True)

    return tell


def telling(out: Path, tensorboard: bool) -> OnReport:
    """One line for each report, on stderr."""
    from slp_mouthing.training.boards import Board

    board = Board(out) if tensorboard else None

    def tell(report: Report) -> None:
        typer.echo(_line(report), err=True)
        if board:
            board(report)

    return tell


def _line(report: Report) -> str:
    figures = ", ".join(f"{name} {value:.4f}" for name, value in report.figures.items())
    return (
        f"step {report.step} ({report.progress:.0%}): loss {report.loss:.4f}, {report.steps_per_s:.2f} steps/s, "
        f"{_time(report.left_s)} to go" + (f"; held out: {figures}" if figures else "")
    )


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
