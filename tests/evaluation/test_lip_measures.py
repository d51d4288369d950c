"""What is seen of a mouth, against the whole posed head."""

from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.articulation import articulate
from slp_mouthing.evaluation.lip_measures import MEASURES, Onlooker, onlooker
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.identity import draw_identity
from slp_mouthing.types import CONTROL_NAMES, ControlCurves, MouthScore, Phone

FPS = 30.0


@pytest.fixture(scope="module")
def look() -> Onlooker:
    return onlooker(load_builtin())


def posed(**weights: float) -> ControlCurves:
    values = np.zeros((1, len(CONTROL_NAMES)), np.float32)
    for name, weight in weights.items():
        values[0, CONTROL_NAMES.index(name)] = weight
    return ControlCurves(FPS, values)


def said(*symbols: str) -> ControlCurves:
    phones = tuple(Phone(symbol, 0.2 + 0.2 * k, 0.4 + 0.2 * k) for k, symbol in enumerate(symbols))
    return articulate(MouthScore(phones, (), phones[-1].end_s + 0.3, ((0.2, phones[-1].end_s),)), FPS)


def measure(look: Onlooker, curves: ControlCurves, name: str) -> np.ndarray:
    return look(curves).measures[:, MEASURES.index(name)]


def test_rest_is_zero_with_the_lips_shut(look: Onlooker) -> None:
    seen = look(posed())
    assert np.abs(seen.measures).max() < 1e-4
    assert seen.shut().all() and not seen.on_teeth().any()
    assert np.array_equal(seen.lips_m[0], look.neutral_lips_m)


def test_lips_and_gap_are_the_heads(look: Onlooker) -> None:
    curves, head = said("m", "ɑː", "f", "uː"), load_builtin()
    seen, whole = look(curves), head.pose(curves.blendshapes, curves.tongue)
    assert np.allclose(seen.lips_m, whole[:, look.lips], atol=1e-7)
    upper, lower = (whole[:, head.landmarks[name][0]] for name in ("lip_upper_mid", "lip_lower_mid"))
    assert np.allclose(seen.lips_m[:, look.middle_of_lips[0]], upper, atol=1e-7)
    assert np.allclose(seen.lips_m[:, look.middle_of_lips[1]], lower, atol=1e-7)
    opening, width = head.lips(curves.blendshapes, curves.tongue)
    assert seen.measures[:, MEASURES.index("gap3")] == pytest.approx(1e3 * opening, abs=1e-3)
    assert np.ptp(seen.measures[:, MEASURES.index("width")] - 1e3 * width) < 0.2


def test_shapes_are_told_by_their_measures(look: Onlooker) -> None:
    assert measure(look, posed(jawOpen=0.6), "gap3")[0] > 10.0
    assert measure(look, posed(jawOpen=0.6), "jaw")[0] < -5.0
    assert measure(look, posed(mouthPucker=0.9), "width")[0] < -8.0
    assert measure(look, posed(mouthPucker=0.9), "protrusion")[0] > 1.0
    assert measure(look, posed(mouthStretchLeft=0.6, mouthStretchRight=0.6), "width")[0] > 3.0
    assert measure(look, posed(jawOpen=0.4, tongueOut=0.8), "tongue_out")[0] > 10.0


def test_a_tongue_behind_shut_lips_is_not_seen(look: Onlooker) -> None:
    assert measure(look, posed(tongueUp=1.0), "tongue_up")[0] == 0.0


def test_contacts(look: Onlooker) -> None:
    lips, teeth = look(said("ɑː", "m", "ɑː")), look(said("ɑː", "f", "ɑː"))
    middle = slice(round(0.45 * FPS), round(0.55 * FPS))
    assert lips.shut()[middle].any() and not lips.on_teeth()[middle].any()
    assert teeth.on_teeth()[middle].any() and not teeth.shut()[middle].any()


def test_another_person_is_measured_alike() -> None:
    other = onlooker(load_builtin(draw_identity(3)))
    seen = other(said("ɑː", "m", "ɑː"))
    assert seen.shut()[round(0.5 * FPS)]
    assert seen.measures[round(0.3 * FPS), MEASURES.index("gap3")] > 8.0
