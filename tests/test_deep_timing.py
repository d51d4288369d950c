"""The face against annotated slots: onsets and closures where the plan says, at any frame rate, by either driver, for long."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.mouthing import gestures
from slp_mouthing.notation import parse
from slp_mouthing.phonetics import BILABIALS
from slp_mouthing.pipeline import Studio
from slp_mouthing.report import report
from slp_mouthing.timing import TimingOptions, score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.pipeline import Result
    from slp_mouthing.types import FaceTrack, MouthScore, Phone

RATES = (24.0, 25.0, 30.0, 50.0, 60.0)
DRIVERS = ("rules", "neural")
SLOTS = (
    "MOTHER@0.313-0.777 HOME@1.204-1.617 PT:PRO1SG@1.617-1.83 FAMILY@2.31-2.791 BUS@3.377-3.702 BIG@4.206-4.561 PEOPLE@5.11-5.63"
)
"""Everyday slots that start and end between frames."""


@lru_cache
def studio(driver: str, fps: float) -> Studio:
    return Studio(driver=driver, fps=fps)


@lru_cache
def rendered(driver: str, fps: float) -> Result:
    return studio(driver, fps).render(SLOTS)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_onsets_and_closures_are_where_the_plan_says(driver: str, fps: float) -> None:
    result = rendered(driver, fps)
    rows = [row for row in report(result.plan, result.track) if row.start_s is not None]
    assert len(rows) == 6
    for row in rows:
        assert row.onset_s is not None and row.start_s is not None
        assert abs(row.onset_s - row.start_s) <= 1.0 / fps + 1e-9, row
        assert row.rest_s is not None and row.end_s is not None
        assert 0.0 < row.rest_s - row.end_s <= 0.25, row
    assert sum(row.closures for row in rows) >= 7
    assert [row.closures_kept for row in rows] == [row.closures for row in rows]


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_lips_are_apart_where_no_closure_is_planned(driver: str, fps: float) -> None:
    """A mouth that is always shut keeps every closure: stressed vowels of some length must open."""
    result = rendered(driver, fps)
    vowels = [phone for phone in result.score.phones if phone.symbol[0] in "aʌəiɪɔʊ" and phone.duration_s > 0.1]
    assert len(vowels) >= 5
    assert all(opening_m(result.track, phone) > 0.001 for phone in vowels)


def opening_m(track: FaceTrack, phone: Phone) -> float:
    first, last = round(phone.start_s * track.fps), round(phone.end_s * track.fps)
    return float(track.lip_opening_m[first : last + 1].max())


# ---- ten minutes ----------------------------------------------------------------------------------------------------------
LONG_S = 600.0
HOLD = 0.35
"""Where in a stop the middle of its hold is: the burst comes at some 0.62 of it."""
PERIOD_S = 1.3337
"""Between signs: no multiple of a frame."""


@pytest.mark.parametrize("fps", (25.0, 60.0))
def test_ten_minutes_do_not_drift(fps: float) -> None:
    """The last closure of a long sentence is as near to its time as the first."""
    count = int(LONG_S / PERIOD_S)
    starts_s = [round(k * PERIOD_S, 6) for k in range(count)]
    text = " ".join(f"BABY@{start_s}-{round(start_s + 0.52, 6)}" for start_s in starts_s)
    result = studio("rules", fps).render(text)
    shut = result.track.lip_opening_m <= 0.0
    bilabials = [phone for phone in result.score.phones if phone.symbol in BILABIALS]
    assert len(bilabials) == 2 * count
    errors = [closure_error_frames(shut, phone, fps) for phone in bilabials[1::2]]
    assert max(map(abs, errors)) <= 1.0
    early, late = np.mean(errors[: count // 5]), np.mean(errors[-count // 5 :])
    assert abs(late - early) < 0.25
    assert len(result.track) == int(np.ceil(round(result.score.duration_s * fps, 6)))


def closure_error_frames(shut: NDArray[np.bool_], phone: Phone, fps: float) -> float:
    """From the middle of a stop's hold, which ends at its burst, to the middle of the run of frames in which the lips touch."""
    at = phone.start_s * fps + HOLD * phone.duration_s * fps
    near = np.flatnonzero(shut[round(at) - 6 : round(at) + 7]) + round(at) - 6
    assert len(near)
    nearest = near[np.argmin(np.abs(near - at))]
    first = last = int(nearest)
    while shut[first - 1]:
        first -= 1
    while shut[last + 1]:
        last += 1
    return (first + last) / 2 - at


def test_the_score_of_ten_minutes_is_exact() -> None:
    """Each mouthing starts and ends on its slot's own clock: nothing adds up."""
    scored = long_score()
    for k, (start_s, end_s) in enumerate(scored.actions):
        assert start_s >= k * PERIOD_S - 1e-6
        assert end_s <= k * PERIOD_S + 0.52 + 1e-6
    assert abs(scored.actions[-1][0] - scored.actions[0][0] - (len(scored.actions) - 1) * PERIOD_S) < 1e-5


def long_score() -> MouthScore:
    text = " ".join(f"BABY@{k * PERIOD_S:.6f}-{k * PERIOD_S + 0.52:.6f}" for k in range(int(LONG_S / PERIOD_S)))
    plan = studio("rules", 30.0).plan(parse(text)[0])
    return score(plan, gestures.find, TimingOptions(fps=30.0))
