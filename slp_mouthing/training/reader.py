"""Training of our small lip reader on renders: phones by CTC, and beside them the viseme of each frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, ctc_loss

from slp_mouthing.errors import InputError
from slp_mouthing.lipreading.checkpoint import load_own, save_reader
from slp_mouthing.lipreading.reader import ReaderOptions, SmallReader
from slp_mouthing.lipreading.symbols import BLANK, PHONES, REST, VISEME_OF, edit_distance, greedy
from slp_mouthing.render.lip_crop import GREY_MEAN, GREY_STD, READER_PX
from slp_mouthing.training import checkpoints
from slp_mouthing.training.corpus import load_corpus
from slp_mouthing.training.loop import Loop, LoopOptions
from slp_mouthing.training.renders import RenderOptions, build_renders, load_renders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from slp_mouthing.training.loop import OnReport
    from slp_mouthing.training.renders import Crops, OnScene
    from slp_mouthing.types import Array

BEST = "lipreader.safetensors"
_IGNORED = -100
"""Viseme of frames beyond a clip's end."""
_LEVELS = np.arange(256) / 255
_MOST_SHIFT = 4
"""Pixels by which a crop is off its centre at most: what the renders have beyond the reader's crop."""


@dataclass(frozen=True, slots=True)
class ReaderTraining:
    """How the reader is trained."""

    renders: RenderOptions = field(default_factory=RenderOptions)
    reader: ReaderOptions = field(default_factory=ReaderOptions)
    clips: int = 12
    """In a batch."""
    frames: int = 64
    """Of each clip at most."""
    viseme_weight: float = 1.0
    """Of the visemes' cross entropy beside CTC's loss per phone."""
    loop: LoopOptions = field(
        default_factory=lambda: LoopOptions(
            steps=1600, learning_rate=1e-3, warm_up=100, weight_decay=0.02, precision="bfloat16", validate_every=200,
            report_every=50, ramp=(0.0, 0.0),
        )
    )  # fmt: skip


def train_reader(
    corpus: str | Path, folder: str | Path, options: ReaderTraining, on_report: OnReport = lambda _: None,
    on_scene: OnScene = lambda *_: None, *, resume: bool = False,
) -> ReaderFigures:  # fmt: skip
    """Render a corpus of mouthings, learn to read them, and read words and people that were held out.

    `folder` gets `renders/`, which may be there already, and `lipreader.safetensors`, the reader that did best on validation.
    Raises `InputError` for a corpus, renders or a checkpoint that cannot be read, `OutputError` for a folder that is in use.
    """
    folder = Path(folder)
    renders, settings = folder / "renders", asdict(options)
    begun = checkpoints.open_run(folder, settings, resume=resume)
    build_renders(load_corpus(corpus), renders, options.renders, on_scene)
    train, validation = (load_renders(renders, split) for split in ("train", "validation"))
    torch.manual_seed(options.loop.seed)
    reader: Any = SmallReader(options.reader)
    batches: Any = WindowBatches(train, options)
    loss: Any = ReaderLoss(options.viseme_weight)
    loop = Loop(
        reader, batches, loss, options.loop, folder, validate=lambda network: _figures(network, validation),
        save_best=lambda network, where: save_reader(_bare(network), where / BEST, settings), forward=_logits,
    )  # fmt: skip
    loop.run(on_report, resume=begun)
    return judge(load_own(folder / BEST), load_renders(renders, "test"))


def _bare(network: nn.Module) -> SmallReader:
    if not isinstance(network, SmallReader):
        raise TypeError(type(network).__name__)
    return network


def _figures(network: nn.Module, clips: Sequence[Crops]) -> Mapping[str, float]:
    judged = judge(_bare(network), clips)
    return asdict(judged) | {"total": judged.viseme_accuracy - judged.phone_error_rate}


# ---- batches --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Part of a clip, or the whole."""

    pictures: Array  # [T, 88, 88] as the reader takes them
    visemes: NDArray[np.int64]  # [T]
    letters: NDArray[np.int64]  # [L]


@dataclass(frozen=True, slots=True, eq=False)
class WindowBatch:
    """Windows, filled up with zeros at the end of each."""

    crops: Tensor  # [B, T, 1, 88, 88]
    lengths: Tensor  # [B] frames
    visemes: Tensor  # [B, T]
    letters: Tensor  # [sum of counts] end to end
    counts: Tensor  # [B] letters

    def to(self, device: torch.device | str) -> WindowBatch:
        return WindowBatch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


class WindowBatches:
    """Batches for ever, by number: each depends on the seed and its number alone."""

    def __init__(self, clips: Sequence[Crops], options: ReaderTraining) -> None:
        if not clips:
            raise InputError("no renders to train on", hint="render some first")
        self.clips, self.options = clips, options

    def __call__(self, number: int, strength: float = 1.0) -> WindowBatch:
        """`strength` is for the loop, and not used: the augmentation is mild."""
        rng = np.random.default_rng([self.options.loop.seed, number])
        chosen = rng.integers(len(self.clips), size=self.options.clips)
        return stacked([drawn_window(self.clips[k], self.options.frames, rng) for k in chosen])


def drawn_window(clip: Crops, frames: int, rng: np.random.Generator) -> Window:
    """Part of a clip about one of its letters, with the letters whose middle lies in it, seen a little differently."""
    first = int(rng.choice(clip.middles) - frames * rng.random()) if len(clip.middles) else 0
    first = min(max(first, 0), max(len(clip) - frames, 0))
    part, inside = slice(first, first + frames), (clip.middles >= first) & (clip.middles < first + frames)
    return Window(_jittered(clip.pictures[part], rng), clip.visemes[part], clip.letters[inside])


def whole_clip(clip: Crops) -> Window:
    """As it is."""
    return Window(_seen(clip.pictures, _LEVELS, (0, 0)), clip.visemes, clip.letters)


def _jittered(pictures: NDArray[np.uint8], rng: np.random.Generator) -> Array:
    """Shifted, mirrored, with another contrast, brightness and gamma, and the noise of a sensor."""
    levels = _LEVELS ** rng.uniform(0.75, 1.35)
    levels = (levels - 0.5) * rng.uniform(0.7, 1.2) + 0.5 + rng.uniform(-0.12, 0.12)
    down, right = rng.integers(-_MOST_SHIFT, _MOST_SHIFT + 1, 2).tolist()
    seen = _seen(pictures[:, :, :: 1 if rng.random() < 0.5 else -1], levels.clip(0, 1), (down, right))
    if rng.random() < 0.5:
        seen += np.float32(rng.uniform(0, 0.15)) * rng.standard_normal(seen.shape, np.float32)
    return seen


def _seen(pictures: NDArray[np.uint8], levels: NDArray[np.float64], shift: tuple[int, int]) -> Array:
    """The reader's crop, `shift` pixels down and right of the centre, of grey `levels` [256]. [T, 96, 96] -> [T, 88, 88]"""
    top, left = ((pictures.shape[1] - READER_PX) // 2 + pixels for pixels in shift)
    normalised = ((levels - GREY_MEAN) / GREY_STD).astype(np.float32)
    return np.asarray(normalised[pictures[:, top : top + READER_PX, left : left + READER_PX]])


def stacked(windows: Sequence[Window]) -> WindowBatch:
    lengths = [len(window.visemes) for window in windows]
    crops = np.zeros((len(windows), max(lengths), READER_PX, READER_PX), np.float32)
    visemes = np.full(crops.shape[:2], _IGNORED, np.int64)
    for row, window in enumerate(windows):
        crops[row, : lengths[row]], visemes[row, : lengths[row]] = window.pictures, window.visemes
    letters = np.concatenate([window.letters for window in windows])
    counts = [len(window.letters) for window in windows]
    tensors = (torch.from_numpy(crops)[:, :, None], torch.tensor(lengths), torch.from_numpy(visemes))
    return WindowBatch(*tensors, torch.from_numpy(letters), torch.tensor(counts))


# ---- loss -----------------------------------------------------------------------------------------------------------------
def _logits(network: Any, batch: Any, progress: float) -> Tensor:
    """Phones' and visemes' logits beside each other. -> [B, T, P + K]"""
    return torch.cat(network(batch.crops, batch.lengths), dim=-1)


class ReaderLoss:
    """CTC's loss per phone, and the visemes' cross entropy."""

    def __init__(self, viseme_weight: float) -> None:
        self.viseme_weight = viseme_weight

    def __call__(self, logits: Tensor, batch: WindowBatch) -> Tensor:
        phones, visemes = logits[..., : len(PHONES)], logits[..., len(PHONES) :]
        # A window that has more letters than frames can say has no alignment: it tells nothing.
        read = ctc_loss(
            phones.log_softmax(-1).transpose(0, 1), batch.letters, batch.lengths, batch.counts, BLANK, "sum", zero_infinity=True
        )
        seen = cross_entropy(visemes.flatten(0, 1), batch.visemes.flatten(), ignore_index=_IGNORED)
        return read / batch.counts.sum().clamp(min=1) + self.viseme_weight * seen


# ---- figures --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ReaderFigures:
    """How well clips are read, all of them together."""

    phone_error_rate: float
    """Edits that make what is read into what is said, over its phones, letter by letter; p, b and m look the same."""
    viseme_error_rate: float
    """The same after phones that look alike are made one."""
    viseme_accuracy: float
    """Frames of speech whose viseme is told; those at rest do not count."""
    rest_accuracy: float
    """Frames at rest that are told as such."""

    def __str__(self) -> str:
        errors = f"phone error rate {self.phone_error_rate:.1%}, viseme error rate {self.viseme_error_rate:.1%}"
        return f"{errors}, visemes told in {self.viseme_accuracy:.1%} of the frames, rest in {self.rest_accuracy:.1%}"


@torch.no_grad()
def judge(reader: SmallReader, clips: Sequence[Crops]) -> ReaderFigures:
    """Read `clips` whole, in evaluation mode whatever the mode was. Raises `InputError` for no clips."""
    if not clips:
        raise InputError("no clips to read")
    training = reader.training
    reader.eval()
    counts = np.sum([_counts(reader, clip) for clip in clips], axis=0)
    reader.train(training)
    letters, wrong, unlike, spoken, told, resting, rested = counts.tolist()
    return ReaderFigures(wrong / max(letters, 1), unlike / max(letters, 1), told / max(spoken, 1), rested / max(resting, 1))


def _counts(reader: SmallReader, clip: Crops) -> NDArray[np.int64]:
    """Letters, edits, edits among visemes, frames of speech, those told, frames at rest, those told."""
    phones, visemes = reader(stacked([whole_clip(clip)]).crops)
    found, best = greedy(phones[0].argmax(-1).tolist()), visemes[0].argmax(-1).numpy()
    said = [PHONES[number] for number in clip.letters]
    shapes = [[VISEME_OF[letter] for letter in letters] for letters in (found, said)]
    resting = clip.visemes == REST
    right = best == clip.visemes
    edits = edit_distance(found, said), edit_distance(*shapes)
    return np.array([len(said), *edits, (~resting).sum(), right[~resting].sum(), resting.sum(), right[resting].sum()])
