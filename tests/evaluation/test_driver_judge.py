"""A driver judged: the rules are right, and what is done to them shows in the figures it should show in."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.articulation import articulate
from slp_mouthing.errors import InputError
from slp_mouthing.evaluation.driver_judge import JudgeOptions, judge
from slp_mouthing.evaluation.drivers import Judged, find_judged, judged
from slp_mouthing.types import CONTROL_NAMES, ControlCurves, MouthScore, Speech

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.evaluation.report import Report

FPS = 30.0
OPTIONS = JudgeOptions(voices=("en-gb",), passages=3, training=4)
pytestmark = pytest.mark.usefixtures("few_words")


def value(report: Report, name: str) -> float:
    cell = report.row(name).cells[0]
    assert cell is not None
    return cell.value


def changed(name: str, change: object) -> Judged:
    """The rules with their controls [T, C] changed."""

    def move(score: MouthScore, sound: Speech) -> ControlCurves:
        values = articulate(score, FPS).values.copy()
        return ControlCurves(FPS, np.asarray(change(values), np.float32))  # type: ignore[operator]

    return judged(name, move)


def test_the_rules_are_the_truth() -> None:
    report = judge(find_judged("rules"), OPTIONS)
    assert value(report, "correlation within mouthings") == pytest.approx(1.0)
    for name in ("closure recall /p b m/", "closure precision /p b m/", "contact recall /f v/", "visemes, share of the ceiling"):
        assert value(report, name) == 1.0
    for name in ("LVE, mean distance", "MTM", "rest error", "jitter at rest", "motion when the input is silence"):
        assert value(report, name) == 0.0
    ceiling, floor = value(report, "visemes read of the truth (ceiling)"), value(report, "visemes read when shuffled (floor)")
    assert ceiling > floor + 0.2
    assert value(report, "words identified of the truth (ceiling)") > value(report, "words identified when shuffled (floor)")


def test_lips_that_stop_short_lose_their_closures() -> None:
    closing = [k for k, name in enumerate(CONTROL_NAMES) if name in ("mouthClose", "mouthPressLeft", "mouthPressRight")]

    def apart(values: np.ndarray) -> np.ndarray:
        values[:, closing] *= 0.6
        values[:, CONTROL_NAMES.index("jawOpen")] += 0.08 * (values.max(axis=1) > 0)
        return values

    report = judge(changed("short", apart), OPTIONS)
    assert value(report, "closure recall /p b m/") < 0.5
    assert value(report, "LVE, mean distance") > 0.5
    assert value(report, "rest error") == 0.0


def test_a_mouth_that_is_late_is_misaligned() -> None:
    def late(values: np.ndarray) -> np.ndarray:
        return np.concatenate([np.zeros_like(values[:2]), values[:-2]])

    report = judge(changed("late", late), OPTIONS)
    assert value(report, "MTM") == pytest.approx(2e3 / FPS, rel=0.35)
    assert value(report, "correlation within mouthings") < 0.9
    assert value(report, "visemes, share of the ceiling") < 0.9


def test_a_mouth_that_never_rests_is_seen() -> None:
    def restless(values: np.ndarray) -> np.ndarray:
        values[::2, CONTROL_NAMES.index("jawOpen")] += 0.05
        return values

    report = judge(changed("restless", restless), OPTIONS)
    for name in ("rest error", "jitter at rest", "motion when the input is silence"):
        assert value(report, name) > 0.1


def test_the_decoder_hears_less_without_its_phones() -> None:
    with_phones, by_ear = (judge(find_judged(name), OPTIONS) for name in ("neural", "neural-by-ear"))
    figure = "correlation within mouthings"
    assert 1.0 > value(with_phones, figure) > value(by_ear, figure) > 0.3
    for report in (with_phones, by_ear):
        assert value(report, "rest error") == value(report, "motion when the input is silence") == 0.0


def test_progress_and_seeds() -> None:
    told: list[tuple[int, int]] = []
    first = judge(find_judged("rules"), OPTIONS, lambda done, total: told.append((done, total)))
    assert told == [(k, 7) for k in range(1, 8)]
    assert judge(find_judged("rules"), OPTIONS).to_json() == first.to_json()


def test_a_network_of_ones_own_is_judged_as_the_shipped_one_is(tmp_path: Path) -> None:
    with resources.as_file(resources.files("slp_mouthing.avatars") / "default" / "decoder.npz") as shipped:
        copied = shutil.copy(shipped, tmp_path / "best.npz")
    short = replace(OPTIONS, passages=1)
    own, ours = judge(find_judged("neural-by-ear", copied), short), judge(find_judged("neural-by-ear"), short)
    assert replace(own, title=ours.title).to_json() == ours.to_json()
    assert str(copied) in own.title, "two runs are told apart"


def test_what_cannot_be_judged() -> None:
    with pytest.raises(InputError, match="at least 1"):
        JudgeOptions(passages=0)
    with pytest.raises(InputError, match="unknown driver 'magic', allowed: rules, neural"):
        find_judged("magic")
    with pytest.raises(InputError, match="rules need no network"):
        find_judged("rules", "best.npz")
    with pytest.raises(InputError, match="no such file"):
        find_judged("neural", "nowhere.npz")
    with pytest.raises(InputError, match="made frames"):
        judge(changed("cut", lambda values: values[:-1]), OPTIONS)
