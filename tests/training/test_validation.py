from __future__ import annotations

import numpy as np
import pytest
import torch

from slp_mouthing.articulation import CHANNELS
from slp_mouthing.training.validation import (
    Validation,
    articulation_figures,
    correlation,
    groups_of,
    score_articulation,
    shut_runs,
    vertex_figures,
)
from tests.training.small_clips import SMALL, made

SHUT, PRESENCE = CHANNELS.index("lipsShut"), CHANNELS.index("presence")
TRUE = [example.motions[30.0] for example in made()]


def closing(*frames: int, length: int = 30) -> np.ndarray:
    """Lips shut in these frames, and open otherwise."""
    values = np.zeros((length, len(CHANNELS)), np.float32)
    values[:, PRESENCE] = 1.0
    values[list(frames), SHUT] = 1.0
    return values


def test_the_truth_is_perfect() -> None:
    scores = score_articulation(TRUE, TRUE)
    assert (scores.correlation, scores.recall, scores.precision) == (pytest.approx(1.0), 1.0, 1.0)
    assert scores.total == pytest.approx(1.0)


def test_shuffled_motion_is_not() -> None:
    shuffled = [values[np.random.default_rng(0).permutation(len(values))] for values in TRUE]
    assert score_articulation(shuffled, TRUE).correlation < 0.5


def test_rest_does_not_lift_the_correlation() -> None:
    """Seconds of rest, that any driver gets right, change nothing."""
    noisy = [np.clip(values + np.random.default_rng(1).normal(0, 0.2, values.shape), 0, 1) for values in TRUE]
    rest = np.zeros((100, len(CHANNELS)), np.float32)
    with_rest = correlation([np.concatenate([v, rest]) for v in noisy], [np.concatenate([v, rest]) for v in TRUE])
    assert with_rest == pytest.approx(correlation(noisy, TRUE), abs=1e-9)


def test_closures_are_counted_within_a_frame() -> None:
    assert shut_runs(closing(3, 4, 9)) == [(3, 5), (9, 10)]
    truth = [closing(5, 6, 20)]
    assert score_articulation([closing(4, 19)], truth).recall == 1.0
    late = score_articulation([closing(9, 20)], truth)
    assert (late.recall, late.precision) == (0.5, 0.5)
    nothing = score_articulation([closing()], truth)
    assert (nothing.recall, nothing.precision) == (0.0, 0.0)
    assert score_articulation([closing()], [closing()]).precision == 1.0


def test_lips_that_stop_short_do_not_close() -> None:
    short = closing(5, 6)
    short[:, SHUT] *= 0.8
    assert shut_runs(short) == []


class Knows:
    """A network that says the truth of whatever it is asked, with all presence."""

    options = SMALL

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.asked = torch.from_numpy(values), []

    def predict(self, batch: object, style: object = None) -> torch.Tensor:
        self.asked.append((bool(batch.has_audio.all()), bool(batch.has_phones.all())))  # type: ignore[attr-defined]
        return self.values[None].repeat(len(batch), 1, 1)  # type: ignore[arg-type]


def test_presence_is_the_plans_where_the_phones_are_known() -> None:
    example = made(1)[0]
    awake = example.motions[30.0].copy()
    awake[:, PRESENCE] = 1.0
    network, clips = Knows(awake), Validation((example,))
    assert clips.articulation(network, "phones").correlation == pytest.approx(1.0)
    assert clips.articulation(network, "audio").correlation < 1.0
    assert network.asked == [(False, True), (True, False)]


def test_figures_by_group() -> None:
    examples = made(3)
    groups = groups_of(examples, known=set(), fps=30.0, most=1)
    assert list(groups) == ["unknown"]
    assert len(groups["unknown"].examples) == 1
    figures = articulation_figures(groups, Knows(groups["unknown"].true[0]))
    assert figures["unknown/phones/recall"] == 1.0
    assert figures["total"] == pytest.approx(np.mean([figures[f"unknown/{w}/{m}"] for w in ("both", "phones", "audio") for m in
                                                      ("correlation", "recall", "precision")]))  # fmt: skip


def test_vertex_error_is_a_mean_distance_in_mm() -> None:
    example = made(1)[0]
    groups = {"known": Validation((example,))}
    figures = vertex_figures(groups, Knows(example.motions[30.0] + np.float32(0.001)))
    assert figures["known/error_mm"] == pytest.approx(np.sqrt(3.0), rel=1e-3)
    assert figures["total"] == -figures["known/error_mm"]
