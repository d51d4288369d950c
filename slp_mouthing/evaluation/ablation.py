"""VisualSpeaker's ablation (tables 1 and 2) on our own corpora: what the adaptation and the lip-reading loss each do.

Three networks are compared for each seed: after the first stage on clean motion; after adapting to motion as a tracker saw it;
and after the same number of steps of which the last ones add the lip-reading loss. All are judged running free, on people and
sentences that no stage saw, against the motion that the tracker did not see.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from slp_mouthing.articulation import compose
from slp_mouthing.avatar.image_metrics import psnr, ssim
from slp_mouthing.errors import InputError
from slp_mouthing.evaluation.closures import tally
from slp_mouthing.evaluation.lip_measures import Onlooker
from slp_mouthing.evaluation.metrics import lip_errors_m, lve_mm, lve_squared_m2
from slp_mouthing.evaluation.report import Report, Row
from slp_mouthing.evaluation.statistics import exact, over_seeds
from slp_mouthing.files import atomic_write
from slp_mouthing.lipreading.checkpoint import load_reader
from slp_mouthing.lipreading.symbols import REST, viseme_frames
from slp_mouthing.render.lip_crop import reader_input
from slp_mouthing.training.batches import ArticulationTarget, examples
from slp_mouthing.training.corpus import load_corpus
from slp_mouthing.training.curriculum import TrainOptions, train
from slp_mouthing.training.faces import vertices_m
from slp_mouthing.training.lip_reading import subject_of
from slp_mouthing.training.validation import Validation
from slp_mouthing.types import ControlCurves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slp_mouthing.decoder.network import MouthingNetwork
    from slp_mouthing.evaluation.closures import Tally
    from slp_mouthing.lipreading.reader import LipReader
    from slp_mouthing.training.batches import Example
    from slp_mouthing.training.clip import Clip
    from slp_mouthing.training.loop import OnReport
    from slp_mouthing.types import Array

Arm = Literal["pretraining", "without L_read", "with L_read"]
ARMS: tuple[Arm, ...] = get_args(Arm)

_NOTES = (
    "truth: the motion before the tracker's noise. Intervals of 95% over seeds (Student's t).",
    "tracker: the noisy motion itself, which is what training sees; ceiling: the true motion.",
    "the reader that judges visemes is the one of the loss; the people and sentences it judges on are held out from both.",
)


@dataclass(frozen=True, slots=True)
class AblationOptions:
    """How much is trained and judged."""

    seeds: int = 3
    geometric_steps: int = 500
    adapt_steps: int = 250
    read_steps: int = 120
    """Of the last stage, with the lip-reading loss or without."""
    test_clips: int = 24
    frames: int = 60
    """Of each test clip that are rendered for the reader and for PSNR and SSIM."""
    size: Literal["small", "base", "large"] = "small"
    reader: Path | None = None
    """Lip reader; None for the one that comes with the package."""

    def __post_init__(self) -> None:
        for name in ("seeds", "geometric_steps", "adapt_steps", "read_steps", "test_clips", "frames"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}, at least 1")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one motion of the test clips against the true one."""

    lve_mm: float
    """Largest error of a lip vertex, mean over frames."""
    lve_squared: float
    """The same squared, as released with FaceFormer, 1e-5 m^2."""
    closure_recall: float
    """Phones /p b m/ in which the lips are seen to touch."""
    closure_precision: float
    """Closures that are seen where there is one; NaN when none is seen."""
    visemes: float
    """Frames of speech whose viseme the reader tells."""
    psnr_db: float
    """Of the lip crop."""
    ssim: float


def ablate(
    clean: str | Path, tracked: str | Path, folder: str | Path, options: AblationOptions | None = None, *,
    on_stage: Callable[[str], None] = lambda _: None, on_report: OnReport = lambda _: None,
) -> Report:  # fmt: skip
    """Train and judge every network. What is in `folder` already is kept, so that a killed run goes on.

    Args:
        clean: corpus of clean motion (`mouth corpus build clean`).
        tracked: corpus with a tracker's noise (`mouth corpus build mead-like`).
        folder: for runs and figures.

    Raises `InputError` for corpora that cannot be read.
    """
    options, folder = options or AblationOptions(), Path(folder)
    corpus = load_corpus(tracked)
    clips = list(examples(list(corpus.clips("test"))[: options.test_clips], ArticulationTarget((30.0,))))
    if not clips:
        raise InputError("has no test clips", where=str(tracked), hint="build it with more clips")
    judge = _Judge(clips, load_reader(options.reader), options)
    bounds = [
        _kept(folder / "tracker.json", lambda: judge([_observed(example.clip) for example in clips])),
        _kept(folder / "ceiling.json", lambda: judge([example.clip.truth() for example in clips])),
    ]
    found: dict[Arm, list[Figures]] = {arm: [] for arm in ARMS}
    for seed in range(options.seeds):
        run = folder / f"seed-{seed}"
        for arm in ARMS:

            def judged(arm: Arm = arm, run: Path = run, seed: int = seed) -> Figures:
                on_stage(f"seed {seed + 1} of {options.seeds}: {arm}")
                return judge.network(_trained(arm, clean, tracked, run, seed, options, on_report))

            found[arm].append(_kept(run / f"{arm.replace(' ', '-')}.json", judged))
    return _report(found, bounds)


def _observed(clip: Clip) -> Array:
    if clip.observed is None:
        raise InputError(f"clip '{clip.name}' has no tracker's noise", hint="mouth corpus build mead-like")
    return clip.observed


def _kept(path: Path, make: Callable[[], Figures]) -> Figures:
    if path.exists():
        return Figures(**json.loads(path.read_text()))
    figures = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(asdict(figures), indent=1) + "\n")
    return figures


# ---- training -------------------------------------------------------------------------------------------------------------
def _trained(
    arm: Arm, clean: str | Path, tracked: str | Path, run: Path, seed: int, options: AblationOptions, on_report: OnReport
) -> MouthingNetwork:
    """The network of one arm, with the stages before it; each is run once."""
    from slp_mouthing.decoder.network import load_network

    def stage(name: str, corpus: str | Path, chosen: TrainOptions) -> Path:
        done = run / name / "done"
        if not done.exists():
            train(corpus, run / name, chosen, on_report, resume=(run / name).exists())
            done.touch()
        return next((run / name).glob("best.*tensors"))

    common = TrainOptions(size=options.size, seed=seed, learning_rate=1e-3, validation_clips=8, validate_every=10_000)
    begun = stage("geometric", clean, replace(common, steps=options.geometric_steps))
    if arm != "pretraining":
        begun = stage("adapt", tracked, replace(common, stage="adapt", start=begun, steps=options.adapt_steps))
        last = replace(common, stage="perceptual", start=begun, steps=options.read_steps, reader=options.reader)
        weight = 0.0 if arm == "without L_read" else None
        begun = stage(arm.replace(" ", "-"), tracked, replace(last, read_weight=weight))
    return load_network(str(begun))[0]


# ---- figures --------------------------------------------------------------------------------------------------------------
class _Judge:
    """Holds motions of the test clips against the true ones."""

    def __init__(self, clips: Sequence[Example], reader: LipReader, options: AblationOptions) -> None:
        self.clips, self.reader, self.options = clips, reader, options
        self.onlookers = {clip.identity: Onlooker(subject_of(clip.identity).head) for clip in (e.clip for e in clips)}

    def network(self, network: MouthingNetwork) -> Figures:
        """Running free; the plan says when the mouth rests, as in the driver."""
        motions = list(Validation(tuple(self.clips)).predictions(network))
        for values, example in zip(motions, self.clips, strict=True):
            values[:, -1] = example.clip.truth()[:, -1]
        return self([values.clip(0.0, 1.0) for values in motions])

    def __call__(self, motions: Sequence[Array]) -> Figures:
        errors, tallies, read = [], [], []
        for values, example in zip(motions, self.clips, strict=True):
            clip = example.clip
            error, found = self._lips(values, clip)
            errors.append(error)
            tallies.append(found)
            read.append(self._pictures(values, clip))
        told, spoken, loudness, likeness = np.array(read).T
        contacts = sum(tallies[1:], tallies[0])
        return Figures(
            lve_mm=float(np.mean([lve_mm(error) for error in errors])),
            lve_squared=1e5 * lve_squared_m2(errors),
            closure_recall=contacts.reached / max(contacts.wanted, 1),
            closure_precision=contacts.right / contacts.made if contacts.made else float("nan"),
            visemes=float(told.sum() / max(spoken.sum(), 1)),
            psnr_db=float(loudness.mean()),
            ssim=float(likeness.mean()),
        )

    def _lips(self, values: Array, clip: Clip) -> tuple[Array, Tally]:
        look = self.onlookers[clip.identity]
        seen, true = (look(_curves(motion, clip.fps)) for motion in (values, clip.truth()))
        lips = np.arange(true.lips_m.shape[1])
        return lip_errors_m(seen.lips_m, true.lips_m, lips), tally("lips", clip.score, seen, true, clip.fps)

    @torch.no_grad()
    def _pictures(self, values: Array, clip: Clip) -> tuple[float, float, float, float]:
        """Frames of speech whose viseme is told, those there are, PSNR in dB (at most 60, for equal pictures), SSIM."""
        part = _middle(len(values), self.options.frames)
        subject = subject_of(clip.identity)
        pictures = [
            subject.scene.pictures(torch.from_numpy(vertices_m(subject.head, motion[part]))) for motion in (values, clip.truth())
        ]
        best = self.reader.viseme_logits(reader_input(pictures[0])[None])[0].argmax(-1).numpy()
        said = viseme_frames(clip.phones, len(values), clip.fps)[part]
        spoken = said != REST
        likeness = float(torch.stack([ssim(*pair) for pair in zip(*pictures, strict=True)]).mean())
        return float((best == said)[spoken].sum()), float(spoken.sum()), min(psnr(*pictures), 60.0), likeness


def _curves(values: Array, fps: float) -> ControlCurves:
    return ControlCurves(fps, compose(values.astype(np.float64)).astype(np.float32))


def _middle(length: int, most: int) -> slice:
    first = max(length - most, 0) // 2
    return slice(first, first + most)


def _report(found: dict[Arm, list[Figures]], bounds: Sequence[Figures]) -> Report:
    rows = []
    for name, label, unit, digits in (
        ("lve_mm", "LVE, mean of largest distances", "mm", 2), ("lve_squared", "LVE, squared, as released", "1e-5 m^2", 3),
        ("closure_recall", "closures seen, recall", "", 3), ("closure_precision", "closures seen, precision", "", 3),
        ("visemes", "visemes told by the reader", "", 3), ("psnr_db", "PSNR of the lip crop", "dB", 2), ("ssim", "SSIM", "", 4),
    ):  # fmt: skip
        cells = [over_seeds([value for f in found[arm] if isfinite(value := getattr(f, name))] or [nan]) for arm in ARMS]
        rows.append(Row(label, (*cells, *(exact(getattr(bound, name)) for bound in bounds)), unit, digits))
    title = f"ablation, {len(found['pretraining'])} seeds, against the true motion"
    return Report(title, (*ARMS, "tracker", "ceiling"), tuple(rows), _NOTES)
