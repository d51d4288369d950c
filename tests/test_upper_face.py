"""Eyes and brows: what they say, that they live, and that they leave tracks alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError
from slp_mouthing.notation import format_utterance, parse
from slp_mouthing.pipeline import Studio
from slp_mouthing.types import CONTROL_NAMES, ControlCurves, MouthingPlan, Sign
from slp_mouthing.upper_face import UpperFaceOptions, add_upper_face, brow_actions

STUDIO = Studio()


def _curve(gloss: str, name: str, studio: Studio = STUDIO) -> np.ndarray:
    return studio.render(gloss).preview().curves.values[:, CONTROL_NAMES.index(name)]


def _shapes(gloss: str) -> list[tuple[str, float, float]]:
    plan = STUDIO.plan(parse(gloss)[0])
    meanings = {k: m for k, sign in enumerate(plan.signs) if (m := STUDIO.lexicon.meaning(sign.gloss))}
    return [(a.shape, round(a.start_s, 2), round(a.end_s, 2)) for a in brow_actions(plan, meanings)]


def test_brows_say_what_kind_of_sentence_it_is() -> None:
    assert _shapes("TEA@0.5 WANT@0.5") == []
    assert _shapes("TEA@0.5 WANT@0.5 ?") == [("yes_no_question", 0.0, 1.3)]
    assert _shapes("WHY@0.5 LATE@0.5") == [("wh_question", 0.0, 1.3)]
    assert _shapes("NAME@0.5 WHAT@0.5 ?") == [("wh_question", 0.0, 1.3)]
    assert _shapes("HOUSE@0-0.5 WHERE@0.8-1.3") == [("topic", 0.0, 0.5), ("wh_question", 0.8, 1.6)]
    assert _shapes("WHY@0.5 LATE@0.5 . TEA@0.5 NOT@0.5 WANT@0.5") == [("wh_question", 0.0, 1.3), ("negation", 2.0, 2.5)]
    assert _shapes("TEA@0.5 NOT@0.5 WANT@0.5") == [("negation", 0.5, 1.0)]


def test_questions_furrow_or_raise_the_brows() -> None:
    assert _curve("TEA@0.5 WANT@0.5 ?", "browOuterUpLeft").max() > 0.4
    assert _curve("TEA@0.5 WANT@0.5", "browOuterUpLeft").max() == 0
    assert _curve("WHY@0.5 LATE@0.5", "browDownRight").max() > 0.5


def test_a_question_mark_is_no_sign_and_is_kept() -> None:
    (utterance,) = parse("TEA@0.5 WANT@0.5 ?")
    assert utterance.question and len(utterance.signs) == 2 and not utterance.warnings
    assert parse(format_utterance(utterance))[0].question
    assert not parse("TEA@0.5 WANT@0.5")[0].question


def test_lids_close_at_the_end_of_a_phrase_and_open_again() -> None:
    lids = _curve("TEA@0.2-0.7 WANT@1.4-1.9", "eyeBlinkLeft")
    assert lids[21:30].max() > 0.99
    assert lids[0] == 0 and lids[35] == 0


def test_tracks_have_them_only_when_asked() -> None:
    result = STUDIO.render("WHY@0.5 LATE@0.5")
    assert not result.track.curves.values[:, CONTROL_NAMES.index("browDownLeft")].any()
    assert Studio(upper_face="always").render("WHY@0.5").track.curves.values[:, CONTROL_NAMES.index("browDownLeft")].any()
    never = Studio(upper_face="never").render("WHY@0.5")
    assert np.array_equal(never.preview().blendshapes, never.track.blendshapes)
    with pytest.raises(InputError, match="upper face 'often'"):
        Studio(upper_face="often")


def test_the_mouth_is_left_as_it_is() -> None:
    result = STUDIO.render("WHY@0.5 LATE@0.5 TEA@0.6 ?")
    mouth = [k for k, name in enumerate(CONTROL_NAMES) if name.startswith(("jaw", "mouth", "tongue", "cheekPuff"))]
    assert np.array_equal(result.preview().curves.values[:, mouth], result.track.curves.values[:, mouth])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5), st.sampled_from([12.5, 25.0, 30.0, 60.0]), st.integers(2, 12))
def test_a_face_lives_within_bounds_and_always_alike(seed: int, fps: float, count: int) -> None:
    plan = MouthingPlan(tuple(Sign("TEA", "lexical", 0.6 * k, 0.6 * k + 0.4) for k in range(count)), ())
    rest = ControlCurves(fps, np.zeros((round((0.6 * count + 0.2) * fps), len(CONTROL_NAMES)), np.float32))
    options = UpperFaceOptions(seed=seed)
    plan = replace(plan, brows=brow_actions(plan, {0: "wh"}))
    lively = add_upper_face(rest, plan, options).values
    assert np.all((lively >= 0) & (lively <= 1))
    assert np.array_equal(lively, add_upper_face(rest, plan, options).values)
    blinks = lively[:, CONTROL_NAMES.index("eyeBlinkLeft")] > 0.9
    assert np.diff(blinks.astype(int), prepend=0).clip(0).sum() >= 1


def test_a_silly_blink_rate_is_refused() -> None:
    with pytest.raises(InputError, match=r"blink every 0\.1 s"):
        UpperFaceOptions(blink_every_s=0.1)
