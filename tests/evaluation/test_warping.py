"""Dynamic time warping of many pairs against one pair at a time, in loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.evaluation import warping
from slp_mouthing.evaluation.warping import derivative_path, distances


def plain_distance(a: np.ndarray, b: np.ndarray) -> float:
    total = np.full((len(a) + 1, len(b) + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(len(a)):
        for j in range(len(b)):
            cost = float(np.linalg.norm(a[i] - b[j]))
            total[i + 1, j + 1] = cost + min(total[i, j], total[i, j + 1], total[i + 1, j])
    return float(total[-1, -1])


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
@settings(deadline=None, max_examples=30)
def test_distances_are_those_of_plain_loops(seed: int, queries: int, templates: int, length: int, other: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((queries, length, 3)), rng.standard_normal((templates, other, 3))
    assert distances(a, b) == pytest.approx(np.array([[plain_distance(x, y) for y in b] for x in a]), abs=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((7, 5, 2)), rng.standard_normal((3, 5, 2))
    whole = distances(a, b)
    monkeypatch.setattr(warping, "_BLOCK", 1)
    assert distances(a, b) == pytest.approx(whole)


def test_slower_motion_is_the_same_motion() -> None:
    t = np.linspace(0.0, 1.0, 20)
    quick, slow, other = (np.sin(np.pi * t)[:, None], np.sin(np.pi * t**2)[:, None], np.cos(np.pi * t)[:, None])
    near, far = distances(quick[None], np.stack([slow, other]))[0]
    assert near < 0.2 * far


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 30))
@settings(deadline=None, max_examples=30)
def test_paths_go_on_from_corner_to_corner(seed: int, length: int, other: int) -> None:
    rng = np.random.default_rng(seed)
    path = derivative_path(rng.standard_normal(length), rng.standard_normal(other))
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [length - 1, other - 1]
    steps = np.diff(path, axis=0)
    assert np.all((steps >= 0) & (steps <= 1)) and np.all(steps.sum(axis=1) >= 1)
