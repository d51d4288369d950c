"""VisualSpeaker's three stages (section 3.4), as data: what each learns from, with which loss, and for how long.

geometric    clean motion; all vertices count alike
adapt        motion as a tracker saw it; teeth and tongue count half, eyes not at all
perceptual   the same, and what a lip reader sees in renders of the prediction (equations 5 and 6)

The shipped model takes the first stage alone, on articulation (`ArticulationLoss`); networks that give vertices, or whose
articulation is judged by the vertices that it moves, take all three.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch

from slp_mouthing.decoder.network import MouthingNetwork, load_network, save_network
from slp_mouthing.decoder.options import DecoderOptions, EncoderOptions, NetworkOptions
from slp_mouthing.errors import InputError
from slp_mouthing.lipreading.checkpoint import load_reader
from slp_mouthing.training import checkpoints
from slp_mouthing.training.avatar_people import TARGETS, TargetName, people_of
from slp_mouthing.training.batches import ArticulationTarget, Batches, BatchOptions, VertexTarget, examples
from slp_mouthing.training.captured import flame_files
from slp_mouthing.training.controls import control_basis
from slp_mouthing.training.dataset import open_dataset
from slp_mouthing.training.faces import head_of
from slp_mouthing.training.fleet import join_fleet
from slp_mouthing.training.forcing import Forcing
from slp_mouthing.training.lip_reading import LipReading
from slp_mouthing.training.loop import Loop, LoopOptions
from slp_mouthing.training.losses import (
    READ_WEIGHT,
    ArticulationLoss,
    BasisVertexLoss,
    PerceptualLoss,
    VertexLoss,
    channel_deviations,
    quadratic_form,
    region_weights,
)
from slp_mouthing.training.teeth import head_on
from slp_mouthing.training.validation import articulation_figures, groups_of, vertex_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from slp_mouthing.training.batches import Example, Target
    from slp_mouthing.training.clip import Clip, Split
    from slp_mouthing.training.dataset import Dataset
    from slp_mouthing.training.loop import OnReport
    from slp_mouthing.training.losses import Loss, Perceptual
    from slp_mouthing.training.validation import Validation

    OnPrepared = Callable[[int, int], None]
    """Clips whose features are made, of how many."""

StageName = Literal["geometric", "adapt", "perceptual"]
STAGES: tuple[StageName, ...] = get_args(StageName)
LossName = Literal["articulation", "vertices"]
PrecisionName = Literal["float32", "bfloat16"]
SizeName = Literal["small", "base", "large"]
DecoderName = Literal["none", "corrects", "alone"]
SHIPPED_RATES = (24.0, 25.0, 30.0)
"""Frame rates that the shipped model learns; 50 and 60 are two of them interleaved."""


SIZES: dict[SizeName, dict[str, int]] = {
    "small": {"dim": 128, "layers": 3, "feed_forward": 512, "stem": 96},
    "base": {},
    "large": {"dim": 256, "layers": 6, "feed_forward": 1024, "stem": 160},
}
"""Of an untrained log-mel encoder; base is the shipped model's, `EncoderOptions`' own: 0.9, 2.2 and 5.4 million weights."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a recipe. `loop.steps` and `loop.minutes` are filled in from `epochs` unless the user gives others."""

    epochs: int
    loop: LoopOptions = field(default_factory=LoopOptions)
    batches: BatchOptions = field(default_factory=BatchOptions)
    encoder: EncoderOptions = field(default_factory=lambda: EncoderOptions(dropout=0.0, drop_phones=0.4, drop_audio=0.2))
    decoder: DecoderName = "none"
    """An autoregressive one after the draft, correcting it, or without a draft."""
    forcing: Forcing = field(default_factory=Forcing)
    loss: LossName = "articulation"
    rates: tuple[float, ...] = SHIPPED_RATES
    """Of articulation; empty: the clip's own, as captured motion comes, and as the lip reader's truth is drawn."""
    read_weight: float = READ_WEIGHT
    """Equation 6's, of the lip-reading loss."""
    captured_read_weight: float | None = None
    """The same on captured meshes, where geometric losses are far smaller numbers; None: alike."""


_PAPER_LOOP = LoopOptions(
    optimiser="adam", learning_rate=1e-4, schedule="constant", warm_up=0, weight_decay=0.0, clip_norm=0.0, ramp=(1.0, 1.0),
    validate_every=500,
)  # fmt: skip
_PAPER_BATCHES = BatchOptions(clips=4, frames=10_000, pool=1, own_normaliser=1.0, augmentation=None)
_PAPER_ENCODER = EncoderOptions(dropout=0.3, drop_phones=0.0, drop_audio=0.0)
_PAPER = Stage(250, _PAPER_LOOP, _PAPER_BATCHES, _PAPER_ENCODER, "alone", loss="vertices", rates=(30.0,))
_SHIPPED = Stage(
    30, LoopOptions(learning_rate=1e-3, warm_up=300, precision="bfloat16"), BatchOptions(clips=16, frames=1200)
)  # fmt: skip
_FINE = replace(_SHIPPED.loop, learning_rate=2e-4)

RECIPES: dict[str, dict[StageName, Stage]] = {
    "shipped": {
        "geometric": _SHIPPED,
        "adapt": replace(_SHIPPED, epochs=10, loop=_FINE, loss="vertices"),
        "perceptual": replace(
            _SHIPPED,
            epochs=5,
            loop=_FINE,
            batches=replace(_SHIPPED.batches, clips=2, pool=1),
            loss="vertices",
            rates=(),
            read_weight=8.0,
            captured_read_weight=0.01,
        ),
    },
    "paper": {
        "geometric": _PAPER,
        "adapt": _PAPER,
        "perceptual": replace(
            _PAPER, epochs=100, loop=replace(_PAPER_LOOP, accumulate=4), batches=replace(_PAPER_BATCHES, clips=1)
        ),
    },
}
"""By name: how the shipped model was made, and VisualSpeaker's own settings (sections 3.3, 3.4 and 4)."""


_OF_PERCEPTUAL = ("reader", "read_weight", "avatars", "targets")
"""Options that another stage would pass over."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a user asks of one stage, beyond its recipe."""

    stage: StageName = "geometric"
    recipe: str = "shipped"
    start: Path | None = None
    """Network of the stage before; None: an untrained one."""
    size: SizeName = "base"
    """Of an untrained network."""
    wav2vec2: Path | None = None
    """Folder of the user's own model, for an untrained network that hears with it."""
    flame: Path | None = None
    """Of the user, for MEAD and for weights of its regions."""
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    batch: int | None = None
    """Clips."""
    learning_rate: float | None = None
    loss: LossName | None = None
    decoder: DecoderName | None = None
    sampled: float | None = None
    rolled: float | None = None
    """See `Forcing`."""
    freeze: bool = False
    """Train the decoder alone: encoder and draft stay as they are."""
    precision: PrecisionName | None = None
    reader: Path | None = None
    """Lip reader of the perceptual stage, our own format or Auto-AVSR's; None: the one that comes with the package."""
    read_weight: float | None = None
    """Of the lip-reading loss; 0 for the stage without it."""
    avatars: Path | None = None
    """Of captured data, for the perceptual stage: an avatar's folder, or one that has an avatar for each subject."""
    targets: TargetName | None = None
    """What the lip reader sees of captured data; None: the videos where there are any, else renders of the tracked motion."""
    patience: int = 0
    """Validations without a better one until training stops."""
    validate_every: int | None = None
    """Steps."""
    validation_clips: int = 48
    """Of known subjects and of others each."""
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise InputError(f"unknown stage '{self.stage}', allowed: {', '.join(STAGES)}")
        if self.recipe not in RECIPES:
            raise InputError(f"unknown recipe '{self.recipe}', allowed: {', '.join(RECIPES)}")
        choices = {
            "loss": get_args(LossName),
            "decoder": get_args(DecoderName),
            "precision": get_args(PrecisionName),
            "size": get_args(SizeName),
            "targets": TARGETS,
        }
        for name, allowed in choices.items():
            if (given := getattr(self, name)) is not None and given not in allowed:
                raise InputError(f"unknown {name} '{given}', allowed: {', '.join(allowed)}")
        if sum(given is not None for given in (self.epochs, self.steps, self.minutes)) > 1:
            raise InputError("epochs, steps and minutes: give one of them")
        if self.stage != "geometric" and self.start is None:
            raise InputError(f"stage '{self.stage}' goes on from a network", hint="give the one of the stage before, --from PATH")
        if self.stage != "perceptual" and (given := [name for name in _OF_PERCEPTUAL if getattr(self, name) is not None]):
            what = f"{given[0].replace('_', '-')} is of the perceptual stage, this one is '{self.stage}'"
            raise InputError(what, hint="leave it out, or take the other stage")
        if self.start is not None and self.wav2vec2 is not None:
            what = "wav2vec2 is for an untrained network; one to go on from keeps what it hears with"
            raise InputError(what, hint="leave --from or --wav2vec2 out")


def train(
    corpus: str | Path, folder: str | Path, options: TrainOptions, on_report: OnReport = lambda _: None, *,
    on_prepared: OnPrepared = lambda done, count: None, resume: bool = False, perceptual: Perceptual | None = None,
) -> Path:  # fmt: skip
    """Run one stage in `folder`; with `resume`, go on with the run that is there. -> the best network's file

    Raises `InputError` for a corpus or a network that does not fit, `OutputError` for a folder that is in use.
    """
    fleet = join_fleet(options.device)
    stage = _stage(options)
    dataset = open_dataset(corpus, options.flame)
    perceptual = _perceptual(options, stage, dataset, perceptual)
    target = target_of(dataset, stage)
    network = _network(options, stage, target)
    made = _examples(dataset, "train", target, network, on_prepared)
    batches = Batches(made, replace(stage.batches, seed=options.seed))
    loop_options = _loop_options(options, stage, batches.per_epoch)
    begun = fleet.rank == 0 and checkpoints.open_run(folder, _settings(corpus, options), resume=resume)
    geometric = _geometric(options, stage, made, target)
    loss = PerceptualLoss(geometric, perceptual, _read_weight(options, stage, target)) if perceptual else geometric
    validate = _validate(dataset, target, made, options, network)
    meta = {"stage": options.stage, "recipe": options.recipe, "corpus": Path(corpus).name, "seed": options.seed}
    loop = Loop(
        network, batches, loss, loop_options, folder, validate=validate, save_best=functools.partial(_save_best, meta=meta),
        forward=stage.forcing, fleet=fleet,
    )  # fmt: skip
    loop.run(on_report, resume=bool(fleet.same(float(begun))))
    return Path(folder) / checkpoints.BEST


def _stage(options: TrainOptions) -> Stage:
    stage = RECIPES[options.recipe][options.stage]
    loop = {name: getattr(options, name) for name in ("learning_rate", "precision", "validate_every")}
    loop = {name: value for name, value in loop.items() if value is not None}
    batches = stage.batches if options.batch is None else replace(stage.batches, clips=options.batch)
    changed = replace(stage.loop, patience=options.patience, seed=options.seed, **loop)
    forcing = {name: value for name in ("sampled", "rolled") if (value := getattr(options, name)) is not None}
    return replace(
        stage, loop=changed, batches=batches, loss=options.loss or stage.loss, decoder=options.decoder or stage.decoder,
        read_weight=stage.read_weight if options.read_weight is None else options.read_weight,
        forcing=replace(stage.forcing, **forcing),
    )  # fmt: skip


def _loop_options(options: TrainOptions, stage: Stage, per_epoch: int) -> LoopOptions:
    if options.minutes is not None:
        return replace(stage.loop, minutes=options.minutes)
    epochs = stage.epochs if options.epochs is None else options.epochs
    steps = options.steps or max(epochs * per_epoch // stage.loop.accumulate, 1)
    return replace(stage.loop, steps=steps, warm_up=min(stage.loop.warm_up, steps // 10))


def _settings(corpus: str | Path, options: TrainOptions) -> dict[str, Any]:
    """What a run cannot be continued with another of. The device may change."""
    given = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}
    return {"corpus": str(corpus)} | {name: value for name, value in given.items() if name != "device"}


# ---- what is learned ------------------------------------------------------------------------------------------------------
def target_of(dataset: Dataset, stage: Stage) -> Target:
    """Articulation where the clips' phones are known, else the captured vertices. Raises `InputError` without clips."""
    first = next(iter(dataset.clips("train")), None)
    if first is None:
        raise InputError("no clips to train on", hint="build a larger corpus, or name the training subjects in splits.json")
    if first.vertex_offsets is not None:
        return VertexTarget(first.vertex_offsets.shape[1])
    return ArticulationTarget((first.fps,) if first.observed is not None else stage.rates)


def _network(options: TrainOptions, stage: Stage, target: Target) -> MouthingNetwork:
    """The one to go on from, or a new one whose weights depend on the seed alone."""
    torch.manual_seed(options.seed)
    network = _begun(options, stage, target) if options.start else _untrained(options, stage, target)
    if options.freeze:
        if network.decoder is None:
            raise InputError("there is no decoder to train alone", hint="give --decoder corrects")
        for part in filter(None, (network.encoder, network.head)):
            part.requires_grad_(False)
    return network


def _begun(options: TrainOptions, stage: Stage, target: Target) -> MouthingNetwork:
    network, _ = load_network(str(options.start))
    if network.options.outputs != target.outputs:
        raise InputError(
            f"gives {network.options.outputs} outputs, the corpus has {target.outputs}", where=str(options.start),
            hint="train the stages on corpora of one kind",
        )  # fmt: skip
    if options.decoder in (None, "none") or network.decoder is not None:
        return network
    more = MouthingNetwork(replace(network.options, **_decoder(stage, target)))
    more.load_state_dict(network.state_dict(), strict=False)
    return more


def _untrained(options: TrainOptions, stage: Stage, target: Target) -> MouthingNetwork:
    kind: Literal["articulation", "offsets"] = "articulation" if isinstance(target, ArticulationTarget) else "offsets"
    encoder = replace(stage.encoder, **SIZES[options.size])
    made = NetworkOptions(encoder, outputs=target.outputs, kind=kind, **_decoder(stage, target))
    if options.wav2vec2 is None:
        return MouthingNetwork(made)
    from slp_mouthing.decoder.wav2vec2 import wav2vec2_network

    return wav2vec2_network(options.wav2vec2, made)


def _decoder(stage: Stage, target: Target) -> dict[str, Any]:
    """What `NetworkOptions` says of an autoregressive decoder."""
    if stage.decoder == "none":
        return {}
    vertices = target.vertices if isinstance(target, VertexTarget) else 0
    return {"decoder": DecoderOptions(draft=stage.decoder == "corrects", dropout=stage.encoder.dropout), "vertices": vertices}


def _save_best(network: nn.Module, folder: Path, meta: Mapping[str, Any]) -> None:
    assert isinstance(network, MouthingNetwork)
    save_network(network, folder / checkpoints.BEST, meta)
    if network.options.wav2vec2 is None:
        save_network(network, folder / checkpoints.LIGHT, meta)


def _examples(
    dataset: Dataset, split: Split, target: Target, network: MouthingNetwork, on_prepared: OnPrepared = lambda done, count: None
) -> list[Example]:
    """The clips of a split with their features, all in memory."""
    waves, count = network.options.wav2vec2 is not None, len(dataset.indices(split))
    made: list[Example] = []
    for example in examples(dataset.clips(split), target, waves=waves):
        made.append(example)
        on_prepared(len(made), count)
    return made


# ---- losses ---------------------------------------------------------------------------------------------------------------
def _perceptual(options: TrainOptions, stage: Stage, dataset: Dataset, given: Perceptual | None) -> Perceptual | None:
    """What the stage's lip-reading loss is; None for a stage without."""
    if options.stage != "perceptual" or not stage.read_weight:
        return None
    if given is not None:
        return given
    people = people_of(dataset, options.avatars, options.flame, options.targets)
    return LipReading(load_reader(options.reader), people=people)


def _read_weight(options: TrainOptions, stage: Stage, target: Target) -> float:
    if options.read_weight is None and isinstance(target, VertexTarget) and stage.captured_read_weight is not None:
        return stage.captured_read_weight
    return stage.read_weight


def _geometric(options: TrainOptions, stage: Stage, made: list[Example], target: Target) -> Loss:
    adapted = options.stage != "geometric"
    if isinstance(target, VertexTarget):
        return VertexLoss(_captured_weights(options, target, adapted))
    if stage.loss == "vertices":
        return BasisVertexLoss(functools.partial(_form, adapted=adapted))
    motions = [next(reversed(example.motions.values())) for example in made[:1000]]
    return ArticulationLoss(channel_deviations(motions))


def _form(clip: Clip, adapted: bool) -> Tensor:
    return _form_of(clip.identity, adapted)


@functools.lru_cache(maxsize=256)
def _form_of(identity: str, adapted: bool) -> Tensor:  # [C, C]
    """Equation 4's quadratic form for the head of one person."""
    head = head_of(identity)
    return quadratic_form(control_basis(head), region_weights(head, adapted))


def _captured_weights(options: TrainOptions, target: VertexTarget, adapted: bool) -> Tensor:  # [V]
    """All 1 in the first stage; in the others by the regions of the user's FLAME."""
    if not adapted:
        return torch.ones(target.vertices)
    files = flame_files(options.flame)
    if (expected := len(files.model.template)) != target.vertices:
        raise InputError(f"the corpus has {target.vertices} vertices, FLAME {expected}", hint="track it with the same head")
    weights = region_weights(head_on(files, files.model.template), adapted=True)
    return torch.from_numpy(weights[:expected])  # Captured meshes have no teeth.


# ---- validation -----------------------------------------------------------------------------------------------------------
def _validate(
    dataset: Dataset, target: Target, made: list[Example], options: TrainOptions, network: MouthingNetwork
) -> Callable[[nn.Module], Mapping[str, float]] | None:
    """Figures of held-out clips, free-running; None without any."""
    held_out = _examples(dataset, "validation", target, network)
    if not held_out:
        return None
    known = {example.clip.subject for example in made}
    fps = next(reversed(held_out[0].motions))
    groups: dict[str, Validation] = groups_of(held_out, known, fps, options.validation_clips, options.device)
    figures: Any = articulation_figures if isinstance(target, ArticulationTarget) else vertex_figures
    judged: Callable[[nn.Module], Mapping[str, float]] = functools.partial(figures, groups)
    return judged
