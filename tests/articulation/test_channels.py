"""Channels: what a driver says of a mouth, apart from how it becomes controls."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from slp_mouthing.articulation import CHANNELS, articulate, channels, compose, presence
from slp_mouthing.types import CONTROL_NAMES, MouthScore, Phone

SCORE = MouthScore(
    (Phone("p", 0.2, 0.3), Phone("ɑː", 0.3, 0.6), Phone("f", 0.6, 0.7)), (), 1.2, ((0.2, 0.7),)
)  # fmt: skip
JAW, CLOSE = CONTROL_NAMES.index("jawOpen"), CONTROL_NAMES.index("mouthClose")


def test_the_rules_are_their_channels_composed() -> None:
    values = channels(SCORE, 30.0)
    assert values.shape == (36, len(CHANNELS))
    assert np.array_equal(articulate(SCORE, 30.0).values, compose(values).astype(np.float32))
    assert np.array_equal(values[:, -1], presence(SCORE, 30.0))


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (4, len(CHANNELS)), elements=st.floats(0, 1)))
def test_any_channels_make_a_face(values: np.ndarray) -> None:
    controls = compose(values)
    assert np.all((controls >= 0) & (controls <= 1))
    values[:, -1] = 0
    assert not compose(values).any()


@given(st.floats(0, 1), st.floats(0.1, 1))
def test_shut_lips_take_back_all_that_the_jaw_opens(jaw: float, present: float) -> None:
    values = np.zeros((1, len(CHANNELS)))
    values[0, 0], values[0, -3], values[0, -1] = jaw, 1, present
    controls = compose(values)[0]
    assert controls[CLOSE] == controls[JAW]
