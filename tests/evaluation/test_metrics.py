"""The metrics against figures worked out by hand, and against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from slp_mouthing.errors import InputError
from slp_mouthing.evaluation import metrics
from slp_mouthing.evaluation.warping import derivative_path

LIPS = np.array([1, 2])
FPS = 25.0


def mesh(*offsets_mm: tuple[float, float, float], frames: int = 2) -> np.ndarray:
    """Three vertices; the first frame as given, the others at 0."""
    out = np.zeros((frames, 3, 3))
    out[0] = 1e-3 * np.array(offsets_mm)
    return out


# ---- LVE ------------------------------------------------------------------------------------------------------------------
def test_both_definitions_of_lve() -> None:
    # Vertex 0 is no lip: its metre does not count. The lips are 3 mm and 5 mm off in the first frame, right in the second.
    errors = metrics.lip_errors_m(mesh((1000, 0, 0), (0, 3, 0), (3, 0, 4)), np.zeros((2, 3, 3)), LIPS)
    assert errors == pytest.approx([0.005, 0.0])
    assert metrics.lve_mm(errors) == pytest.approx(2.5)
    assert metrics.lve_squared_m2([errors]) == pytest.approx(12.5e-6)


def test_squared_lve_pools_frames_and_the_other_clips() -> None:
    short, long = np.array([0.002]), np.array([0.0, 0.0, 0.0])
    assert metrics.lve_squared_m2([short, long]) == pytest.approx(1e-6)
    assert np.mean([metrics.lve_mm(short), metrics.lve_mm(long)]) == pytest.approx(1.0)


def test_frames_that_do_not_match_are_refused() -> None:
    with pytest.raises(InputError, match="the same frames"):
        metrics.lip_errors_m(np.zeros((2, 3, 3)), np.zeros((3, 3, 3)), LIPS)


# ---- FDD ------------------------------------------------------------------------------------------------------------------
def test_fdd_is_positive_when_the_prediction_moves_less() -> None:
    true, neutral = np.zeros((2, 3, 3)), np.zeros((3, 3))
    true[1, 0] = (0.002, 0.0, 0.0)
    # Squared motion of the one upper vertex: 0 and 4e-6, deviation 2e-6; the prediction stands still.
    assert metrics.fdd_m2(np.zeros((2, 3, 3)), true, neutral, np.array([0])) == pytest.approx(2e-6)
    assert metrics.fdd_m2(true, np.zeros((2, 3, 3)), neutral, np.array([0])) == pytest.approx(-2e-6)
    assert metrics.fdd_m2(true, true, neutral, np.array([0, 1])) == 0.0


# ---- MTM ------------------------------------------------------------------------------------------------------------------
def waves(frames: int, late: float = 0.0) -> np.ndarray:
    """Openings of growing size every 20 frames, so that each has its like."""
    t = np.arange(frames) - late
    return (1.0 + 0.01 * t) * np.maximum(np.sin(np.pi * t / 20.0), 0.0) ** 2


def test_motion_that_is_late_is_misaligned_by_as_much() -> None:
    true = waves(200)
    assert metrics.mtm_ms(true, true, FPS) == 0.0
    assert metrics.mtm_ms(waves(200, late=3), true, FPS) == pytest.approx(3 * 1e3 / FPS, rel=0.15)


def test_motion_without_extrema_has_no_misalignment() -> None:
    assert np.isnan(metrics.mtm_ms(np.linspace(0.0, 1.0, 40), np.linspace(0.0, 1.0, 40), FPS))


def plain_mtm_ms(predicted: np.ndarray, true: np.ndarray, fps: float) -> float:
    """The same in loops."""
    true, predicted = gaussian_filter1d(true, 2.0), gaussian_filter1d(predicted, 2.0)
    kinds = []
    for curve in (true, predicted):
        found = dict.fromkeys(find_peaks(curve)[0].tolist(), "max")
        kinds.append(found | dict.fromkeys(find_peaks(-curve)[0].tolist(), "min"))
    order, apart = sorted(kinds[0]), []
    for i, j in plain_path(true, predicted):
        if i in kinds[0] and kinds[0][i] == kinds[1].get(j):
            before = [k for k in order if k < i]
            after = [k for k in order if k > i]
            if (before[-1] if before else 0) <= j <= (after[0] if after else len(true) - 1):
                apart.append(abs(i - j))
    return float(np.mean(apart) * 1e3 / fps) if apart else float("nan")


def plain_path(a: np.ndarray, b: np.ndarray) -> list[tuple[int, int]]:
    slope_a, slope_b = ([0.0, *(y - x for x, y in itertools.pairwise(c))] for c in (a.tolist(), b.tolist()))
    total: dict[tuple[int, int], float] = {}
    for i in range(len(a)):
        for j in range(len(b)):
            before = [total[k] for k in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if k in total]
            total[i, j] = abs(slope_a[i] - slope_b[j]) + min(before, default=0.0)
    path = [(len(a) - 1, len(b) - 1)]
    while path[-1] != (0, 0):
        i, j = path[-1]
        path.append(min((k for k in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if k in total), key=total.__getitem__))
    return path[::-1]


@given(st.integers(0, 10**6), st.integers(12, 50), st.integers(12, 50))
@settings(deadline=None, max_examples=25)
def test_mtm_is_that_of_plain_loops(seed: int, length: int, other: int) -> None:
    rng = np.random.default_rng(seed)
    true, predicted = (gaussian_filter1d(rng.standard_normal(n), 1.5) for n in (length, other))
    assert derivative_path(true, predicted).tolist() == [list(step) for step in plain_path(true, predicted)]
    assert metrics.mtm_ms(predicted, true, FPS) == pytest.approx(plain_mtm_ms(predicted, true, FPS), nan_ok=True)


def test_long_clips_are_warped_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    true, late = waves(400), waves(400, late=2)
    whole = metrics.mtm_ms(late, true, FPS)
    monkeypatch.setattr(metrics, "LONGEST_WARP", 120)
    assert metrics.mtm_ms(late, true, FPS) == pytest.approx(whole, abs=20.0)


def test_lip_gap_is_the_distance_of_the_middles() -> None:
    assert metrics.lip_gap(mesh((0, 3, 4), (0, 0, 0), (0, 0, 0)), 0, 2) == pytest.approx([0.005, 0.0])


# ---- intensity ------------------------------------------------------------------------------------------------------------
def test_lip_intensity_is_the_rms_of_mean_steps() -> None:
    vertices = np.zeros((3, 3, 3))
    vertices[1:, 1, 1] = 0.002  # One of the two lip vertices jumps 2 mm, once: steps of 1 mm and 0 on average.
    assert metrics.lip_intensity_m(vertices, LIPS) == pytest.approx(np.sqrt(0.5e-6))
    assert np.isnan(metrics.lip_intensity_m(vertices[:1], LIPS))


def test_speech_intensity_is_the_rms() -> None:
    assert metrics.speech_intensity(np.array([0.3, -0.4])) == pytest.approx(np.sqrt(0.125))


def test_slcc_is_within_identities() -> None:
    # Each speaker's louder clips have larger lips; across speakers it is the other way round.
    speech, lips = [0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [3.0, 4.0, 5.0, 0.1, 0.2, 0.3]
    identities = ["a"] * 3 + ["b"] * 3
    assert metrics.pearson(np.array(speech), np.array(lips)) < 0
    assert metrics.slcc(speech, lips, identities) == pytest.approx(1.0)


def test_slcc_of_one_level_keeps_the_scale_of_all() -> None:
    speech, lips = [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 3.0, 2.0]
    z = [(np.array(v) - np.mean(v)) / np.std(v, ddof=1) for v in (speech, lips)]
    assert metrics.slcc(speech, lips, ["a"] * 4) == pytest.approx(np.corrcoef(*z)[0, 1])
    assert metrics.slcc(speech, lips, ["a"] * 4, [False, False, True, True]) == pytest.approx(-1.0)


@pytest.mark.parametrize("identities", [["a", "b", "c"], ["a", "a", "a"]])
def test_slcc_needs_variation_within_an_identity(identities: list[str]) -> None:
    assert np.isnan(metrics.slcc([0.5, 0.5, 0.5], [1.0, 2.0, 3.0], identities))


# ---- readability ----------------------------------------------------------------------------------------------------------
def test_plrs_is_the_mean_cosine() -> None:
    speech, mesh_ = np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[5.0, 0.0], [1.0, -1.0]])
    assert metrics.plrs(speech, mesh_) == pytest.approx(0.5)
    with pytest.raises(InputError, match="the same windows"):
        metrics.plrs(speech, mesh_[:1])
