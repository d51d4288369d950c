from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slp_mouthing.articulation import Style, articulate
from slp_mouthing.articulation.coarticulation import RELAXATION_S
from slp_mouthing.articulation.measure import bouts
from slp_mouthing.errors import InputError
from slp_mouthing.head.builtin import BuiltinHead, load_builtin
from slp_mouthing.types import CONTROL_NAMES, ControlCurves, MouthGesture, MouthScore, Phone, TimedGesture

if TYPE_CHECKING:
    from collections.abc import Callable

RATES = (24.0, 25.0, 30.0, 50.0, 60.0)


def mouthing(symbols: str, start_s: float = 0.3, end_s: float = 0.9) -> list[Phone]:
    """Phones of equal length in the slot."""
    names = symbols.split()
    edges = np.linspace(start_s, end_s, len(names) + 1).tolist()
    return [Phone(name, a, b) for name, a, b in zip(names, edges[:-1], edges[1:], strict=True)]


def score_of(*words: list[Phone], gestures: tuple[TimedGesture, ...] = (), tail_s: float = 0.2) -> MouthScore:
    spans = tuple((word[0].start_s, word[-1].end_s) for word in words)
    end_s = max([span[1] for span in spans] + [gesture.end_s for gesture in gestures], default=0.0)
    return MouthScore(tuple(phone for word in words for phone in word), gestures, end_s + tail_s, spans)


def curve(curves: ControlCurves, name: str) -> np.ndarray:
    return curves.values[:, CONTROL_NAMES.index(name)]


def at(curves: ControlCurves, name: str, time_s: float) -> float:
    return float(curve(curves, name)[round(time_s * curves.fps)])


def middle(phone: Phone) -> float:
    return 0.5 * (phone.start_s + phone.end_s)


@cache
def head() -> BuiltinHead:
    return load_builtin()


# ---- shape of the result --------------------------------------------------------------------------------------------------
phone_symbols = st.sampled_from([*"pbmfvtsʃlwkhθə☃", "iː", "ɑː", "uː", "aɪ", "tʃ", "øː"])
size = st.floats(0.0, 2.0)
words = st.lists(phone_symbols, min_size=1, max_size=6)


@settings(max_examples=30, deadline=None)
@given(st.lists(words, min_size=1, max_size=4), st.floats(0.0, 0.6), st.sampled_from(RATES), st.builds(Style, size, size, size))
def test_weights_stay_in_their_range(said: list[list[str]], gap_s: float, fps: float, style: Style) -> None:
    spoken, start_s = [], 0.1
    for word in said:
        spoken.append(mouthing(" ".join(word), start_s, start_s + 0.3))
        start_s += 0.3 + gap_s
    curves = articulate(score_of(*spoken), fps, style)
    assert curves.values.dtype == np.float32
    assert np.isfinite(curves.values).all()
    assert 0.0 <= curves.values.min() <= curves.values.max() <= 1.0


@pytest.mark.parametrize(("duration_s", "fps", "frames"), [(0.7, 30.0, 21), (1.0, 24.0, 24), (1.01, 25.0, 26), (0.0, 30.0, 0)])
def test_frames_cover_the_duration(duration_s: float, fps: float, frames: int) -> None:
    assert articulate(MouthScore((), (), duration_s), fps).values.shape == (frames, len(CONTROL_NAMES))


def test_both_sides_move_alike() -> None:
    curves = articulate(score_of(mouthing("p iː p ə l")), 30.0)
    for name in ("mouthSmile", "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp"):
        assert np.array_equal(curve(curves, f"{name}Left"), curve(curves, f"{name}Right"))


def test_frame_rates_sample_the_same_motion() -> None:
    score = score_of(mouthing("w aɪ t ɔː s"))
    slow, fast = articulate(score, 25.0), articulate(score, 50.0)
    inside = slice(10, 22)
    assert np.abs(slow.values[inside] - fast.values[::2][inside]).max() < 0.03


def test_motion_has_no_jumps() -> None:
    curves = articulate(score_of(mouthing("w aɪ ɹ ɪ l iː"), mouthing("s ɪ ŋ", 1.0, 1.5)), 240.0)
    steps = np.abs(np.diff(curves.values, axis=0))
    assert steps.max() < 0.1
    assert np.abs(np.diff(steps, axis=0)).max() < 0.04


# ---- contacts -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("word", ["p iː p ə l", "m ʌ m", "f a m ɪ l iː", "b uː m", "iː m uː", "ɑː p", "uː b iː", "b f b v"])
def test_lips_meet_in_every_bilabial(word: str, fps: float) -> None:
    for start_s in (0.3, 0.311, 0.327):
        phones = mouthing(word, start_s, start_s + 0.052 * len(word.split()))
        curves = articulate(score_of(phones), fps)
        opening_m, _ = head().lips(curves.blendshapes, curves.tongue)
        for phone in phones:
            frames = slice(int(np.ceil(phone.start_s * fps)), int(np.floor(phone.end_s * fps)) + 1)
            if phone.symbol in "pbm":
                assert opening_m[frames].min() == 0.0, phone


@pytest.mark.parametrize("style", [Style(2.0), Style(0.3), Style(jaw=2.0, lip=0.0), Style(jaw=0.0, lip=2.0)])
@pytest.mark.parametrize("vowel", ["iː", "uː", "ɑː", "ɔː"])
def test_style_does_not_keep_lips_from_meeting(vowel: str, style: Style) -> None:
    phones = mouthing(f"{vowel} m {vowel}")
    curves = articulate(score_of(phones), 60.0, style)
    opening_m, _ = head().lips(curves.blendshapes, curves.tongue)
    assert opening_m[round(middle(phones[1]) * 60)] == 0.0


@pytest.mark.parametrize("fps", RATES)
def test_the_lower_lip_is_bitten_in_every_labiodental(fps: float) -> None:
    for start_s in (0.3, 0.311, 0.327):
        phones = mouthing("f aɪ v ə m f iː", start_s, start_s + 0.36)
        curves = articulate(score_of(phones), fps)
        for phone in phones:
            frames = slice(int(np.ceil(phone.start_s * fps)), int(np.floor(phone.end_s * fps)) + 1)
            if phone.symbol in "fv":
                assert curve(curves, "mouthRollLower")[frames].max() == pytest.approx(0.6, abs=1e-6)


def test_the_mouth_opens_between_closures() -> None:
    phones = mouthing("m ɑː m ɑː m", 0.2, 0.9)
    curves = articulate(score_of(phones), 30.0)
    opening_m, _ = head().lips(curves.blendshapes, curves.tongue)
    assert all(opening_m[round(middle(phones[i]) * 30)] > 0.008 for i in (1, 3))


def test_contacts_reach_no_further_than_their_own_mouthing() -> None:
    vowel, closure = mouthing("ɑː", 0.2, 0.6), mouthing("m", 0.8, 1.2)
    alone, before = articulate(score_of(vowel), 60.0), articulate(score_of(vowel, closure), 60.0)
    assert at(before, "jawOpen", 0.6) == pytest.approx(at(alone, "jawOpen", 0.6))
    after = articulate(score_of(mouthing("m", 0.2, 0.6), mouthing("ɑː", 0.8, 1.2)), 60.0)
    assert not curve(after, "mouthClose")[round(0.8 * 60) :].any()


def test_adjacent_closures_are_one() -> None:
    phones = mouthing("a m p a", 0.2, 0.8)
    curves = articulate(score_of(phones), 60.0)
    opening_m, _ = head().lips(curves.blendshapes, curves.tongue)
    assert opening_m[round(0.39 * 60) : round(0.55 * 60)].max() == 0.0


def test_release_is_faster_than_closing() -> None:
    curves = articulate(score_of(mouthing("ɑː b ɑː", 0.2, 1.1)), 1000.0)
    press = curve(curves, "mouthPressLeft")
    partly = (press > 0.01) & (press < 0.29)
    held = np.flatnonzero(press > 0.299)
    assert partly[held[-1] :].sum() < 0.85 * partly[: held[0]].sum()


def test_a_final_nasal_stays_shut_to_rest() -> None:
    curves = articulate(score_of(mouthing("m ʌ m", 0.2, 0.7)), 30.0)
    opening_m, _ = head().lips(curves.blendshapes, curves.tongue)
    assert opening_m[round(0.62 * 30) :].max() == 0.0


# ---- coarticulation -------------------------------------------------------------------------------------------------------
def test_rounding_starts_before_its_vowel() -> None:
    blue, bleed = (articulate(score_of(mouthing(f"b l {vowel}", 0.3, 0.8)), 60.0) for vowel in ("uː", "iː"))
    assert at(blue, "mouthPucker", 0.5) > 0.3
    assert at(bleed, "mouthPucker", 0.5) < 0.01
    assert at(bleed, "mouthSmileLeft", 0.5) > 0.03


def test_alveolars_do_not_disturb_the_lips() -> None:
    phones = mouthing("uː t uː", 0.3, 0.75)
    assert at(articulate(score_of(phones), 60.0), "mouthPucker", middle(phones[1])) > 0.7


def test_tongue_controls_follow_their_consonants() -> None:
    for word, control in (("θ ɪ ŋ k", "tongueOut"), ("l a", "tongueTipUp"), ("k ɑː", "tongueBack")):
        phones = mouthing(word)
        assert at(articulate(score_of(phones), 60.0), control, middle(phones[0])) > 0.25


def test_jaw_and_lips_are_styled_apart() -> None:
    phones = mouthing("ɑː uː", 0.3, 0.9)
    plain, jawless = (articulate(score_of(phones), 30.0, style) for style in (Style(), Style(jaw=0.25)))
    assert at(jawless, "jawOpen", middle(phones[0])) == pytest.approx(0.25 * at(plain, "jawOpen", middle(phones[0])), abs=0.01)
    assert at(jawless, "mouthPucker", middle(phones[1])) == pytest.approx(at(plain, "mouthPucker", middle(phones[1])))


@pytest.mark.parametrize("style", [Style(intensity=0.0), Style(jaw=0.0, lip=0.0)])
def test_no_movement_is_a_still_face(style: Style) -> None:
    assert not articulate(score_of(mouthing("p iː f uː θ")), 30.0, style).values.any()


def lips_mm(vowel: str, style: Style) -> tuple[float, float]:
    """Opening and width in the middle of a vowel."""
    curves = articulate(score_of(mouthing(vowel)), 30.0, style)
    opening_m, width_m = head().lips(curves.blendshapes[18:19], curves.tongue[18:19])
    return 1e3 * float(opening_m[0]), 1e3 * float(width_m[0])


def test_jaw_and_lip_grow_from_nothing_to_a_caricature() -> None:
    sizes = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0)
    opened = [lips_mm("ɑː", Style(jaw=size))[0] for size in sizes]
    spread, rounded = ([lips_mm(vowel, Style(lip=size))[1] for size in sizes] for vowel in ("iː", "uː"))
    assert opened == sorted(opened) and opened[0] < 3.0 and 28.0 < opened[-1] < 35.0
    assert spread == sorted(spread) and spread[-1] > 1.3 * spread[0]
    assert rounded == sorted(rounded, reverse=True) and rounded[-1] < 0.3 * rounded[0]


def test_a_style_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="style jaw is 3, allowed: 0 to 2"):
        Style(jaw=3.0)


# ---- onset, offset, rest --------------------------------------------------------------------------------------------------
@settings(max_examples=100, deadline=None)
@example(["ə"], 1.0, 1.0, 60.0)
@example(["t", "ə"], 0.71, 0.3, 60.0)
@given(words, st.floats(0.1, 2.0), st.floats(0.16, 1.0), st.sampled_from(RATES))
def test_onset_and_offset_are_within_half_a_frame(word: list[str], start_s: float, slot_s: float, fps: float) -> None:
    phones = mouthing(" ".join(word), start_s, start_s + slot_s)
    [bout] = bouts(score_of(phones, tail_s=0.4), lambda score: articulate(score, fps))
    assert abs(bout.onset_s - start_s) <= 0.5 / fps + 1e-9
    assert abs(bout.offset_s - (start_s + slot_s)) <= 0.5 / fps + 1e-9
    assert bout.rest_s - bout.offset_s <= 0.2


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize(("vowel", "control"), [("ɑː", "jawOpen"), ("uː", "mouthPucker"), ("iː", "mouthSmileLeft")])
def test_a_held_vowel_is_full_until_its_end_and_falls_from_there(vowel: str, control: str, fps: float) -> None:
    for end_s in (0.9, 0.911, 0.927):
        values = curve(articulate(score_of(mouthing(vowel, 0.3, end_s), tail_s=0.4), fps), control)
        last_full = np.flatnonzero(values >= values.max() - 1e-6)[-1]
        assert abs(last_full / fps - end_s) <= 0.5 / fps + 1e-9
        falling = np.diff(values[last_full:])
        assert (falling <= 0.0).all()
        assert falling[0] < 0.0


def late(score: MouthScore) -> ControlCurves:
    """The mouth leaves its last phone 0.1 s after the plan."""
    return articulate(replace(score, actions=tuple((a, b + 0.1) for a, b in score.actions)), 30.0)


def early(score: MouthScore) -> ControlCurves:
    return articulate(replace(score, actions=tuple((a, b - 0.1) for a, b in score.actions)), 30.0)


def skipping(score: MouthScore) -> ControlCurves:
    """The second mouthing is lost."""
    return articulate(replace(score, actions=(score.actions[0],)), 30.0)


@pytest.mark.parametrize(("faulty", "error_s"), [(late, 0.1), (early, -0.1)])
def test_a_mouth_that_leaves_at_the_wrong_time_is_found_out(
    faulty: Callable[[MouthScore], ControlCurves], error_s: float
) -> None:
    for bout in bouts(score_of(mouthing("w aɪ", 0.3, 0.9), mouthing("t iː m", 1.5, 2.1), tail_s=0.5), faulty):
        assert bout.offset_s - bout.end_s == pytest.approx(error_s, abs=0.5 / 30 + 1e-9)


def test_a_mouthing_that_is_not_seen_is_found_out() -> None:
    with pytest.raises(ValueError, match="2 bouts planned, the face moves 1 times and leaves for rest 1 times"):
        bouts(score_of(mouthing("w aɪ", 0.3, 0.9), mouthing("t iː m", 1.5, 2.1)), skipping)


def test_rest_is_exactly_still_before_between_and_after() -> None:
    curves = articulate(score_of(mouthing("w aɪ", 0.5, 0.9), mouthing("m iː", 1.6, 2.0), tail_s=0.5), 30.0)
    moving = curves.values.any(axis=1)
    time_s = np.arange(len(moving)) / 30.0
    resting = (time_s < 0.48) | ((time_s > 0.9 + 0.2) & (time_s < 1.58)) | (time_s > 2.0 + 0.2)
    assert not moving[resting].any()
    assert RELAXATION_S <= 0.2


def test_neighbours_join_across_a_short_pause_and_rest_in_a_long_one() -> None:
    def least(gap_s: float) -> float:
        curves = articulate(score_of(mouthing("ɑː", 0.2, 0.6), mouthing("ɑː", 0.6 + gap_s, 1.0 + gap_s)), 60.0)
        return float(curve(curves, "jawOpen")[round(0.5 * 60) : round((0.7 + gap_s) * 60)].min())

    openings = [least(gap_s) for gap_s in (0.0, 0.06, 0.12, 0.3)]
    assert openings == sorted(openings, reverse=True)
    assert openings[0] > 0.6
    assert openings[2] > 0.1
    assert openings[3] == 0.0


# ---- gestures -------------------------------------------------------------------------------------------------------------
PUFF = MouthGesture("puffed-cheeks", "", (("cheekPuff", 1.0), ("mouthPressLeft", 0.4), ("mouthPressRight", 0.4)))
LALA = MouthGesture("lalala", "", (("tongueTipUp", 1.0),), repeat_hz=3.0, away=(("jawOpen", 0.4),))


def test_a_gesture_holds_its_pose_and_returns_to_rest() -> None:
    curves = articulate(score_of(gestures=(TimedGesture(PUFF, 0.3, 1.0),), tail_s=0.4), 30.0)
    assert at(curves, "cheekPuff", 0.7) == pytest.approx(1.0)
    puff = curve(curves, "cheekPuff")
    assert abs(np.flatnonzero(puff)[0] / 30 - 0.3) <= 0.5 / 30
    assert abs(np.flatnonzero(puff == puff.max())[-1] / 30 - 1.0) <= 0.5 / 30
    assert not curves.values[-3:].any()


def test_a_repeated_gesture_alternates_at_its_rate() -> None:
    curves = articulate(score_of(gestures=(TimedGesture(LALA, 0.2, 1.2),)), 60.0)
    tip = curve(curves, "tongueTipUp")[round(0.35 * 60) : round(1.2 * 60)]
    troughs = np.flatnonzero((tip[1:-1] < tip[:-2]) & (tip[1:-1] <= tip[2:]))
    assert len(troughs) == 3
    assert at(curves, "jawOpen", 0.2 + 0.5) == pytest.approx(0.4, abs=0.02)


def test_a_mouthing_after_a_gesture_is_not_blurred_by_it() -> None:
    gesture = TimedGesture(PUFF, 0.1, 0.5)
    phones = mouthing("b ɑː", 0.5, 1.0)
    alone, after = articulate(score_of(phones), 30.0), articulate(score_of(phones, gestures=(gesture,)), 30.0)
    assert np.allclose(alone.values[round(0.6 * 30) :], after.values[round(0.6 * 30) :], atol=1e-6)
    assert at(after, "cheekPuff", 0.4) == pytest.approx(1.0)
