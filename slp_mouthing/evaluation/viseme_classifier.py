"""A reader of single visemes: trained on true motion of some words, tested on the motion of others.

It sees what an onlooker sees, in a window that is as long as the phone, so that how long a phone lasts tells nothing. What it
reads of true motion is the ceiling, what it reads when motions and phones are shuffled the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.evaluation.classifier import balanced_accuracy, train
from slp_mouthing.evaluation.statistics import Estimate, percentiles, resamples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.evaluation.classifier import Classifier
    from slp_mouthing.types import Floats, MouthScore

_CLASSES = (
    "pbm", "fv", "θð", "tdnl", "sz", "ʃʒ", "ɹ", "w", "kɡŋx",
    "iɪᵻ", "eɛ", "aæ", "ɑʌɐ", "ɒɔ", "uʊᵿ", "ɜə",
)  # fmt: skip
"""Phones that lips and tongue alike show, by the letters they begin with; /h/ and /j/ have no shape of their own."""
VISEMES: dict[str, str] = {letter: letters[0] for letters in _CLASSES for letter in letters}
_POINTS = np.array([-0.25, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25])
"""Of the window, in durations of the phone from its start."""
MOST_EXAMPLES = 3000
"""Training takes their square in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Phones of a clip as they are seen."""

    features: Floats  # [P, D]
    visemes: NDArray[np.str_]  # [P]


def windows(score: MouthScore, measures: Floats, fps: float) -> Windows:
    """Of every phone of `score` that has a viseme, in measures [T, D] of its motion."""
    phones = [phone for phone in score.phones if viseme(phone.symbol)]
    starts_s, durations_s = (np.array([getattr(phone, name) for phone in phones]) for name in ("start_s", "duration_s"))
    at = (starts_s[:, None] + durations_s[:, None] * _POINTS) * fps if phones else np.zeros((0, len(_POINTS)))
    return Windows(sampled(measures, at).reshape(len(phones), -1), np.array([viseme(phone.symbol) for phone in phones], np.str_))


def viseme(symbol: str) -> str:
    """The class of a phone; empty for pauses and phones without a shape of their own. An affricate looks like its second part."""
    letters = symbol.removeprefix("t").removeprefix("d") if len(symbol) > 1 and symbol[1] in "ʃʒ" else symbol
    return "" if symbol == "sil" else VISEMES.get(letters[:1], "")


def sampled(measures: Floats, frames: Floats) -> Floats:
    """Measures [T, D] at times in frames [...], linear between them -> [..., D]"""
    at = np.clip(frames, 0.0, len(measures) - 1)
    before = np.minimum(at.astype(np.intp), max(len(measures) - 2, 0))
    share = (at - before)[..., None]
    after = np.minimum(before + 1, len(measures) - 1)
    return np.asarray(measures[before] * (1.0 - share) + measures[after] * share)


def train_reader(clips: Sequence[Windows], seed: int = 0) -> Classifier:
    """The reader of true motion."""
    features = np.concatenate([clip.features for clip in clips])
    visemes = np.concatenate([clip.visemes for clip in clips])
    if len(visemes) > MOST_EXAMPLES:
        kept = np.random.default_rng([seed, 0xBEAD]).choice(len(visemes), MOST_EXAMPLES, replace=False)
        features, visemes = features[kept], visemes[kept]
    return train(features, visemes)


@dataclass(frozen=True, slots=True)
class Reading:
    """How well visemes are read, as balanced accuracy: a reader that always says the commonest gains nothing."""

    predicted: Estimate
    ceiling: Estimate
    """Of the true motion."""
    floor: Estimate
    """Of the prediction, with the phones shuffled."""
    share: Estimate
    """Predicted over ceiling."""


def read(reader: Classifier, predicted: Sequence[Windows], true: Sequence[Windows], seed: int = 0) -> Reading:
    """What the reader reads of clips' predicted and true windows."""
    asked = np.concatenate([clip.visemes for clip in true])
    said, best = (reader(np.concatenate([clip.features for clip in clips])) for clips in (predicted, true))
    owner = np.repeat(np.arange(len(true)), [len(clip.visemes) for clip in true])
    shuffled = np.random.default_rng([seed, 0xF1]).permutation(said)
    tables = [_table(labels, asked, owner) for labels in (said, best, shuffled)]
    drawn = resamples(len(true), seed)
    replicates = [_balanced(*(part[drawn].sum(axis=1) for part in table)) for table in tables]
    values = [balanced_accuracy(labels, asked) for labels in (said, best, shuffled)]
    made, ceiling, floor = (percentiles(*pair, len(true)) for pair in zip(values, replicates, strict=True))
    share = percentiles(values[0] / values[1], replicates[0] / replicates[1], len(true))
    return Reading(made, ceiling, floor, share)


def _table(said: NDArray[np.str_], asked: NDArray[np.str_], owner: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Phones rightly read and phones, by clip and viseme. -> [N, K], [N, K]"""
    names, number = np.unique(asked, return_inverse=True)
    wholes = np.zeros((owner.max() + 1, len(names)))
    right = np.zeros_like(wholes)
    np.add.at(wholes, (owner, number), 1.0)
    np.add.at(right, (owner, number), said == asked)
    return right, wholes


def _balanced(right: Floats, wholes: Floats) -> Floats:
    """[R, K], [R, K] -> [R]; visemes that a draw lacks are left out."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nanmean(right / wholes, axis=1))
