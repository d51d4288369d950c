"""The inventory of mouth gestures."""

from __future__ import annotations

import pytest

import slp_mouthing as mouth
from slp_mouthing.errors import InputError
from slp_mouthing.mouthing.gestures import GESTURES, find
from slp_mouthing.types import CONTROL_NAMES, MouthGesture

NUMBERS = {
    "D": (1, 2, 3, 4, 5, 8, 9),
    "J": (1, 2, 3, 4),
    "L": (*range(1, 21), 22, 23, *range(25, 36)),
    "C": (*range(1, 9), 11, 12, 13),
    "T": (1, 2, *range(4, 12), 13, 16),
}
SIGML = [f"{letter}{number:02}" for letter, numbers in NUMBERS.items() for number in numbers]


@pytest.mark.parametrize("gesture", GESTURES.values(), ids=list(GESTURES))
def test_poses_are_controls_in_range(gesture: MouthGesture) -> None:
    assert gesture.pose
    for pose in (gesture.pose, gesture.away):
        names = [name for name, _ in pose]
        assert set(names) <= set(CONTROL_NAMES)
        assert len(names) == len(set(names))
        assert all(0.0 < weight <= 1.0 for _, weight in pose)


@pytest.mark.parametrize("code", SIGML)
def test_every_sigml_code_has_one_gesture(code: str) -> None:
    assert [gesture.name for gesture in GESTURES.values() if code in gesture.codes] == [find(code).name]


def test_names_in_any_case_and_spelling() -> None:
    assert find("Puffed_Cheeks") is find("c01") is GESTURES["puffed-cheeks"]


def test_an_unknown_gesture_names_near_ones() -> None:
    with pytest.raises(InputError, match="puffed-cheeks"):
        find("puffed-cheks")
    with pytest.raises(InputError, match="known are"):
        find("zzzzzzz")


@pytest.mark.parametrize("name", ["pah", "boo", "bee"])
@pytest.mark.parametrize("before", ["", "%sucked-cheeks", "%jaw-drop"])
def test_what_begins_with_shut_lips_shows_them(name: str, before: str) -> None:
    """Also straight after another gesture: a reader sees the closure before the release."""
    track = mouth.render(f"A@0-0.5{{{before}}} B@0.5-1{{%{name}}}").track
    opening_m = track.lip_opening_m[round(0.5 * track.fps) : round(1.0 * track.fps)]
    assert opening_m[:6].min() <= 0.0005
    assert opening_m[-3:].min() > 0.002
