"""How good a network is when it runs free: what checkpoints are chosen by.

Teacher-forced scores mislead (0.92 was 0.63 free-running), so there are none here. Frames at rest, where every driver is right,
do not count for the correlation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from slp_mouthing.articulation import CHANNELS, compose
from slp_mouthing.articulation.likeness import mean_r, moments, stacked
from slp_mouthing.articulation.measure import runs
from slp_mouthing.training.batches import motion_batch, voice_normalisers, voice_of
from slp_mouthing.training.forcing import speakers

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from slp_mouthing.decoder.network import MouthingNetwork
    from slp_mouthing.training.batches import Example, Listening
    from slp_mouthing.types import Array, Floats

    Run = tuple[int, int]

TOTAL = "total"
"""Name of the figure by which checkpoints are chosen: the greatest is the best."""
LISTENINGS: tuple[Listening, ...] = ("both", "phones", "audio")

CLOSED = 0.85
"""Of lipsShut times presence: from here on lips are seen to touch."""
_PRESENT = 0.02
_NEAR = 1
"""Frames that a closure may be early or late."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Of articulation, over all clips together."""

    correlation: float
    """Mean over controls of Pearson's r with the true curve, in frames of a mouthing: that of `mouth evaluate driver`."""
    recall: float
    """Part of the true closures of the lips (runs of `CLOSED` frames) that the prediction makes within a frame."""
    precision: float
    """Part of the predicted closures that are true."""

    @property
    def total(self) -> float:
        return (self.correlation + self.recall + self.precision) / 3.0


def score_articulation(predicted: Sequence[Floats], true: Sequence[Floats]) -> Scores:
    """Channels [T, 15] of clips, as predicted and as they are."""
    hits = np.array([_closures(*pair) for pair in zip(predicted, true, strict=True)]).sum(axis=0)
    recalled, real, confirmed, claimed = hits
    return Scores(
        correlation(predicted, true), float(recalled / max(real, 1)), float(confirmed / claimed) if claimed else float(real == 0)
    )


def correlation(predicted: Sequence[Floats], true: Sequence[Floats]) -> float:
    """Mean Pearson's r of the control curves that move (`mean_r`), in frames of a mouthing; 1 where nothing moves."""
    pairs = [[values.astype(np.float64) for values in pair] for pair in zip(predicted, true, strict=True)]
    count, sums = stacked([moments(compose(found), compose(truth), truth[:, -1] > _PRESENT) for found, truth in pairs])
    value = float(mean_r(count.sum()[None], sums.sum(axis=0)[None])[0])
    return 1.0 if np.isnan(value) else value


def _closures(predicted: Floats, true: Floats) -> tuple[int, int, int, int]:
    """(true closures that are predicted, true ones, predicted closures that are true, predicted ones)"""
    claimed, real = shut_runs(predicted), shut_runs(true)
    return _near(real, claimed), len(real), _near(claimed, real), len(claimed)


def shut_runs(channels: Floats) -> list[Run]:
    """First frame and the frame after the last of each closure of the lips. [T, 15]"""
    shut = channels[:, CHANNELS.index("lipsShut")] * channels[:, CHANNELS.index("presence")] >= CLOSED
    return runs(np.asarray(shut))


def _near(some: Sequence[Run], others: Sequence[Run]) -> int:
    return sum(any(a - _NEAR < d and c < b + _NEAR for c, d in others) for a, b in some)


# ---- a network over clips -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Validation:
    """Clips that training never sees, at one frame rate."""

    examples: tuple[Example, ...]
    fps: float = 30.0
    batch: int = 16
    device: str = "cpu"

    @property
    def true(self) -> list[Array]:  # [T, K] each
        return [example.motions[self.fps] for example in self.examples]

    def articulation(self, network: MouthingNetwork, listening: Listening = "both") -> Scores:
        """With phones the plan is known, and with it when the mouth rests: then the presence is the true one."""
        predicted, true = list(self.predictions(network, listening)), self.true
        if listening != "audio":
            for values, truth in zip(predicted, true, strict=True):
                values[:, -1] = truth[:, -1]
        return score_articulation(predicted, true)

    def vertex_error_mm(self, network: MouthingNetwork) -> float:
        """Mean distance of vertices, over all frames. For outputs that are offsets in metres."""
        pairs = zip(self.predictions(network), self.true, strict=True)
        errors = [np.linalg.norm((found - true).reshape(len(true), -1, 3), axis=-1).mean(axis=1) for found, true in pairs]
        return float(1e3 * np.concatenate(errors).mean())

    def predictions(self, network: MouthingNetwork, listening: Listening = "both") -> Iterator[Array]:  # [T, K] each
        normalisers = voice_normalisers(self.examples)
        for start in range(0, len(self.examples), self.batch):
            chosen = self.examples[start : start + self.batch]
            mels = [normalisers[voice_of(example)](example.mel.astype(np.float32)) for example in chosen]
            batch = motion_batch(chosen, mels, [self.fps] * len(chosen), listening).to(self.device)
            with torch.no_grad():
                speaker = speakers(network, batch)
                values = network.predict(batch.speech, speaker).float().cpu().numpy()
            yield from (row[:length].copy() for row, length in zip(values, batch.speech.frames.tolist(), strict=True))


def articulation_figures(groups: Mapping[str, Validation], network: MouthingNetwork) -> dict[str, float]:
    """Scores of each group of clips, with sound and phones, phones alone, sound alone, by name; `total` is their mean."""
    figures: dict[str, float] = {}
    totals: list[float] = []
    for name, clips in groups.items():
        for listening in LISTENINGS:
            scores = clips.articulation(network, listening)
            figures |= {f"{name}/{listening}/{measure}": value for measure, value in asdict(scores).items()}
            totals.append(scores.total)
    return figures | {TOTAL: float(np.mean(totals))}


def vertex_figures(groups: Mapping[str, Validation], network: MouthingNetwork) -> dict[str, float]:
    """Mean vertex error of each group in mm; `total` is their mean, negative so that more is better."""
    errors = {name: clips.vertex_error_mm(network) for name, clips in groups.items()}
    return {f"{name}/error_mm": error for name, error in errors.items()} | {TOTAL: -float(np.mean(list(errors.values())))}


def groups_of(
    examples: Iterable[Example], known: Container[str], fps: float, most: int, device: str = "cpu"
) -> dict[str, Validation]:
    """`most` clips each of the subjects in `known` and of those that training never heard, as far as there are any."""
    kinds: dict[str, list[Example]] = {"known": [], "unknown": []}
    for example in examples:
        kind = kinds["known" if example.clip.subject in known else "unknown"]
        if len(kind) < most:
            kind.append(example)
    return {name: Validation(tuple(found), fps, device=device) for name, found in kinds.items() if found}
