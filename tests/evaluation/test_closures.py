"""Contacts counted by phone and by contact."""

from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.evaluation.closures import Tally, precision, recall, tally
from slp_mouthing.evaluation.lip_measures import Seen
from slp_mouthing.types import MouthScore, Phone

FPS = 10.0
SCORE = MouthScore(
    (Phone("ɑː", 1.0, 1.4), Phone("p", 1.4, 1.6), Phone("ɑː", 1.6, 2.0), Phone("f", 2.0, 2.3), Phone("ɪ", 2.3, 2.6)),
    (), 3.5, ((1.0, 2.6),),
)  # fmt: skip


def seen(*, shut: tuple[int, ...] = (), on_teeth: tuple[int, ...] = (), nearly: tuple[int, ...] = (), frames: int = 35) -> Seen:
    opening_m, to_teeth_m = np.full((2, frames), 0.01, np.float32)
    opening_m[list(shut)] = 0.0
    opening_m[list(nearly)] = 0.0002
    to_teeth_m[list(on_teeth)] = 0.0005
    return Seen(np.zeros((frames, 1)), opening_m, to_teeth_m, np.zeros((frames, 1, 3), np.float32))


def test_a_contact_within_its_phone_is_reached() -> None:
    truth = seen(shut=(15,), on_teeth=(21,))
    assert tally("lips", SCORE, truth, truth, FPS) == Tally(wanted=1, reached=1, made=1, right=1)
    assert tally("teeth", SCORE, truth, truth, FPS) == Tally(wanted=1, reached=1, made=1, right=1)


def test_a_missing_one_is_not_and_one_elsewhere_is_wrong() -> None:
    truth = seen(shut=(15,))
    assert tally("lips", SCORE, seen(), truth, FPS) == Tally(wanted=1, reached=0, made=0, right=0)
    assert tally("lips", SCORE, seen(shut=(19, 20)), truth, FPS) == Tally(wanted=1, reached=0, made=1, right=0)


def test_one_frame_beside_the_truth_is_right() -> None:
    assert tally("lips", SCORE, seen(shut=(17,)), seen(shut=(15, 16)), FPS).right == 1
    assert tally("lips", SCORE, seen(shut=(18,)), seen(shut=(15, 16)), FPS).right == 0


def test_lips_that_nearly_touch_are_no_contact_and_make_none_wrong() -> None:
    assert tally("lips", SCORE, seen(nearly=(15,)), seen(shut=(15,)), FPS) == Tally(wanted=1, reached=0, made=0, right=0)
    assert tally("lips", SCORE, seen(shut=(19,)), seen(nearly=(19,)), FPS) == Tally(wanted=1, reached=0, made=1, right=1)


def test_shut_lips_at_rest_are_no_contact() -> None:
    shut = tuple(k for k in range(35) if k < 11 or k > 26)
    found = tally("lips", SCORE, seen(shut=shut), seen(shut=(*shut, 15)), FPS)
    assert (found.made, found.reached) == (0, 0)


def test_figures_pool_clips() -> None:
    tallies = [Tally(wanted=2, reached=1, made=1, right=1), Tally(wanted=2, reached=2, made=3, right=1)]
    assert recall(tallies).value == pytest.approx(0.75)
    assert precision(tallies).value == pytest.approx(0.5)
    assert np.isnan(precision([Tally()]).value)
    assert tallies[0] + tallies[1] == Tally(4, 3, 4, 2)
