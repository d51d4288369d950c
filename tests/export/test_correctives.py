"""Shapes that close a residual: few, exact, and found piece by piece for long clips."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slp_mouthing.export.correctives import CHUNK_FRAMES, Correctives, fit_correctives

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLERANCE_M = 1e-4
LENGTHS_M = st.floats(-1 / 64, 1 / 64, width=32)


def played(correctives: Correctives) -> np.ndarray:
    return np.einsum("tn,nvx->tvx", correctives.weights, correctives.targets)


def furthest_m(correctives: Correctives, residuals: np.ndarray) -> float:
    return float(np.linalg.norm(played(correctives) - residuals, axis=2).max())


def low_rank(rank: int, frames: int, vertices: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shapes = rng.normal(0, 0.003, (rank, vertices, 3))
    return np.einsum("tn,nvx->tvx", rng.normal(0, 1, (frames, rank)), shapes).astype(np.float32)


def test_as_many_shapes_as_the_motion_has():
    residuals = low_rank(rank=5, frames=60, vertices=200)
    correctives = fit_correctives([residuals], TOLERANCE_M)
    assert len(correctives.targets) == 6, "five, and one against all of them"
    assert furthest_m(correctives, residuals) <= TOLERANCE_M


def test_motion_within_the_tolerance_needs_none():
    residuals = np.full((30, 50, 3), 1e-6, np.float32)
    assert len(fit_correctives([residuals], TOLERANCE_M).targets) == 0


def test_more_shapes_than_any_usual_clip():
    residuals = np.random.default_rng(1).normal(0, 0.002, (100, 400, 3)).astype(np.float32)
    correctives = fit_correctives([residuals], TOLERANCE_M)
    assert len(correctives.targets) > 64
    assert furthest_m(correctives, residuals) <= TOLERANCE_M


def test_still_vertices_stay_out_of_the_shapes():
    residuals = low_rank(rank=2, frames=40, vertices=100)
    residuals[:, 50:] = 0.0
    assert not fit_correctives([residuals], TOLERANCE_M).targets[:, 50:].any()


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 9), st.just(3)), elements=LENGTHS_M),
    st.integers(1, 5),
)
def test_any_residual_is_closed_whatever_the_chunks(residuals, size):
    chunks = [residuals[start : start + size] for start in range(0, len(residuals), size)]
    correctives = fit_correctives(chunks, TOLERANCE_M)
    assert furthest_m(correctives, residuals) <= TOLERANCE_M * 1.01
    assert correctives.weights.min(initial=0) >= 0.0, "Blender's shape keys cut off what is below"
    assert correctives.weights.max(initial=0) <= 1.0 + 1e-6


def test_between_two_frames_the_motion_is_straight():
    residuals = low_rank(rank=4, frames=20, vertices=60)
    correctives = fit_correctives([residuals], TOLERANCE_M)
    halfway = (correctives.weights[:-1] + correctives.weights[1:]) / 2
    played_m = np.einsum("tn,nvx->tvx", halfway, correctives.targets)
    assert np.linalg.norm(played_m - (residuals[:-1] + residuals[1:]) / 2, axis=2).max() <= TOLERANCE_M


def test_rest_stays_at_rest():
    residuals = low_rank(rank=4, frames=20, vertices=60)
    residuals[:5] = 0.0
    assert not fit_correctives([residuals], TOLERANCE_M).weights[:5].round(6).any()


def test_chunks_share_their_shapes():
    residuals = low_rank(rank=6, frames=300, vertices=150)
    whole = fit_correctives([residuals], TOLERANCE_M)
    pieces = fit_correctives(np.array_split(residuals, 10), TOLERANCE_M)
    assert len(pieces.targets) <= len(whole.targets) + 2
    assert furthest_m(pieces, residuals) <= TOLERANCE_M


def test_memory_does_not_grow_with_the_clip():
    def peak_bytes(chunks: int) -> int:
        def residuals() -> Iterator[np.ndarray]:
            for seed in range(chunks):
                yield low_rank(3, CHUNK_FRAMES, 500) * np.float32(1 + seed / chunks)

        tracemalloc.start()
        fit_correctives(residuals(), TOLERANCE_M)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(24) < 1.3 * peak_bytes(4)
