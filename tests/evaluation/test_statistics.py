"""Figures with their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.evaluation.statistics import exact, mean, over_seeds, ratio


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, 400)
    found = mean(values)
    half = 1.96 * values.std(ddof=1) / 20.0
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.05)
    assert found.count == 400


def test_the_same_values_give_the_same_interval() -> None:
    values = np.arange(30.0)
    assert mean(values) == mean(values)
    assert mean(values) != mean(values, seed=1)


def test_what_could_not_be_measured_is_left_out() -> None:
    assert mean([1.0, float("nan"), 3.0]).value == 2.0
    assert np.isnan(mean([]).value)
    assert np.isnan(ratio([0.0], [0.0]).value)
    assert f"{mean([]):.2f}" == "-"


def test_a_ratio_weighs_clips_by_their_size() -> None:
    found = ratio([1, 0], [1, 9])
    assert found.value == pytest.approx(0.1)
    assert found.low <= found.value <= found.high


def test_seeds_get_students_interval() -> None:
    found = over_seeds([1.0, 2.0, 3.0])
    assert found.value == pytest.approx(2.0)
    assert found.high - found.value == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    assert not np.isfinite(over_seeds([1.0]).low)


def test_as_text() -> None:
    assert f"{exact(0.5):.2f}" == "0.50"
    assert f"{ratio([1, 1], [1, 1]):.2f}" == "1.00"
    assert f"{over_seeds([1.0, 2.0, 3.0]):.1f}" == "2.0 (-0.5 to 4.5)"
