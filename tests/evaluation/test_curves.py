"""Correlation of control curves, and stillness at rest."""

from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.articulation.likeness import moments
from slp_mouthing.errors import InputError
from slp_mouthing.evaluation import curves
from slp_mouthing.types import CONTROL_NAMES, MouthScore

JAW, FUNNEL = CONTROL_NAMES.index("jawOpen"), CONTROL_NAMES.index("mouthFunnel")
LEFT, RIGHT = CONTROL_NAMES.index("mouthSmileLeft"), CONTROL_NAMES.index("mouthSmileRight")


def clip(seed: int, frames: int = 40) -> np.ndarray:
    values = np.zeros((frames, len(CONTROL_NAMES)))
    values[:, [JAW, FUNNEL]] = np.random.default_rng(seed).uniform(0, 1, (frames, 2))
    return values


def test_correlation_is_pearsons_over_all_frames_of_all_clips() -> None:
    true = [clip(1), clip(2)]
    predicted = [0.7 * values + 0.3 * clip(10 + k) for k, values in enumerate(true)]
    found = curves.correlation([moments(p, t) for p, t in zip(predicted, true, strict=True)])
    a, b = np.concatenate(predicted), np.concatenate(true)
    expected = np.mean([np.corrcoef(a[:, k], b[:, k])[0, 1] for k in (JAW, FUNNEL)])
    assert found.value == pytest.approx(expected)
    assert found.low <= found.value <= found.high


def test_both_sides_count_once_and_what_stands_still_has_none() -> None:
    true, predicted = clip(1), clip(1)
    true[:, LEFT] = true[:, RIGHT] = np.linspace(0, 1, 40)
    assert curves.correlation([moments(predicted, true)]).value == pytest.approx(2 / 3)
    predicted[:, RIGHT] = true[:, RIGHT]
    assert curves.correlation([moments(predicted, true)]).value == pytest.approx(2 / 3)
    predicted[:, LEFT] = true[:, LEFT]
    assert curves.correlation([moments(predicted, true)]).value == pytest.approx(1.0)


def test_frames_can_be_chosen() -> None:
    true, predicted = clip(1), clip(1)
    predicted[20:] = 0.0
    frames = np.arange(40) < 20
    assert curves.correlation([moments(predicted, true, frames)]).value == pytest.approx(1.0)
    assert curves.correlation([moments(predicted, true)]).value < 0.9


def test_nothing_that_moves_has_no_correlation() -> None:
    still = np.zeros((5, len(CONTROL_NAMES)))
    assert np.isnan(curves.correlation([moments(still, still)]).value)
    assert np.isnan(curves.correlation([]).value)


def test_frames_that_do_not_match_are_refused() -> None:
    with pytest.raises(InputError, match="the same frames"):
        moments(clip(1), clip(1)[:-1])


def test_rest_and_mouthing_by_the_plan() -> None:
    score = MouthScore((), (), 1.0, ((0.2, 0.4),))
    assert np.flatnonzero(~curves.resting(score, 10.0, 10)).tolist() == [2, 3, 4, 5, 6]
    assert np.flatnonzero(curves.mouthing(score, 10.0, 10)).tolist() == [2, 3, 4]


def test_rest_is_judged_by_the_furthest_vertex() -> None:
    neutral = np.zeros((2, 3))
    vertices = np.zeros((4, 2, 3))
    vertices[1, 0, 0] = 0.003
    vertices[3, 1, 1] = 1.0  # Not at rest.
    at_rest = np.array([True, True, True, False])
    assert curves.rest_error_mm(vertices, neutral, at_rest) == pytest.approx(3.0)
    assert curves.rest_jitter_mm(vertices, at_rest) == pytest.approx(3.0)
    assert curves.rest_jitter_mm(vertices, np.array([True, False, True, False])) == 0.0
    assert curves.rest_error_mm(vertices, neutral, np.zeros(4, bool)) == 0.0
