from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.timing import TimingOptions, fit, score, sound
from slp_mouthing.types import MouthAction, MouthGesture, MouthingPlan, Phone, Sign, Speech

RATE = 16000
PUFF = MouthGesture("puffed-cheeks", "", (("cheekPuff", 1.0),))


def phones_of(*timed: tuple[str, float]) -> tuple[Phone, ...]:
    edges = np.concatenate([[0.0], np.cumsum([duration for _, duration in timed])]).tolist()
    return tuple(Phone(symbol, edges[i], edges[i + 1], syllable=i) for i, (symbol, _) in enumerate(timed))


PEOPLE = phones_of(("p", 0.08), ("iː", 0.13), ("p", 0.07), ("ə", 0.05), ("l", 0.08))


def mouthing(phones: tuple[Phone, ...], start_s: float, end_s: float, sign: int = 0, text: str = "w") -> MouthAction:
    return MouthAction("Mouthing", text, None, None, start_s, end_s, (sign,), "default", phones=phones)


def plan_of(*actions: MouthAction) -> MouthingPlan:
    return MouthingPlan(tuple(Sign("W", "lexical", a.start_s, a.end_s) for a in actions), actions)


def no_gesture(name: str) -> MouthGesture:
    raise AssertionError(name)


def lasting(phones: tuple[Phone, ...]) -> dict[int, float]:
    return {i: phone.duration_s for i, phone in enumerate(phones)}


rates = st.sampled_from([24.0, 25.0, 30.0, 50.0, 60.0])
symbols = st.sampled_from(["p", "b", "m", "f", "v", "t", "s", "l", "w", "ŋ", "iː", "ə", "aɪ", "sil", "h"])
words = st.lists(st.tuples(symbols, st.floats(0.005, 0.3)), min_size=1, max_size=9)


@settings(max_examples=80, deadline=None)
@given(words, st.floats(0.0, 5.0), st.floats(0.02, 2.0), rates)
def test_phones_fill_the_slot_exactly_and_none_is_lost(
    word: list[tuple[str, float]], start_s: float, slot_s: float, fps: float
) -> None:
    fitted = fit(phones_of(*word), start_s, start_s + slot_s, TimingOptions(fps=fps))
    assert [phone.symbol for phone in fitted] == [symbol for symbol, _ in word]
    assert (fitted[0].start_s, fitted[-1].end_s) == (start_s, start_s + slot_s)
    assert all(a.end_s == b.start_s for a, b in pairwise(fitted))
    assert all(phone.duration_s >= -1e-12 for phone in fitted)


@settings(max_examples=40, deadline=None)
@given(words, st.floats(0.05, 1.5), st.floats(0.001, 0.5))
def test_more_room_shortens_no_phone(word: list[tuple[str, float]], slot_s: float, more_s: float) -> None:
    phones, options = phones_of(*word), TimingOptions()
    tight, wide = fit(phones, 0.0, slot_s, options), fit(phones, 0.0, slot_s + more_s, options)
    assert all(b.duration_s >= a.duration_s - 1e-9 for a, b in zip(tight, wide, strict=True))


def test_vowels_take_the_stretch_and_closures_keep_their_speed() -> None:
    fitted = lasting(fit(PEOPLE, 0.0, 1.0, TimingOptions()))
    assert fitted[0] == pytest.approx(0.08)
    assert fitted[2] == pytest.approx(0.07)
    assert fitted[1] > 3 * 0.13
    assert fitted[4] < 2.5 * 0.08


def test_vowels_shrink_before_closures() -> None:
    fitted = lasting(fit(PEOPLE, 0.0, 0.3, TimingOptions()))
    assert min(fitted[0], fitted[2]) >= 0.07 - 1e-9
    assert fitted[1] < 0.1


def test_a_long_nasal_does_not_crowd_out_its_vowel() -> None:
    mum = phones_of(("m", 0.13), ("ʌ", 0.15), ("m", 0.13))
    fitted = lasting(fit(mum, 0.0, 0.3, TimingOptions()))
    assert fitted[1] > 0.09
    assert min(fitted[0], fitted[2]) > 0.07


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 50.0, 60.0])
def test_a_closure_outlasts_a_frame_in_the_shortest_slots(fps: float) -> None:
    fitted = lasting(fit(PEOPLE, 0.0, 0.16, TimingOptions(fps=fps)))
    assert min(fitted[0], fitted[2]) * fps >= 1.2 - 1e-9


def test_a_closure_too_short_to_see_is_held_longer() -> None:
    because = phones_of(("b", 0.03), ("ɪ", 0.07), ("k", 0.08), ("ɒ", 0.17), ("z", 0.1))
    assert lasting(fit(because, 0.0, 0.5, TimingOptions()))[0] == pytest.approx(0.07)


def test_a_mouthing_of_closures_alone_fills_its_slot() -> None:
    assert fit(phones_of(("m", 0.1)), 0.0, 0.8, TimingOptions())[0].end_s == 0.8


def test_the_score_is_on_the_signs_clock() -> None:
    scored = score(plan_of(mouthing(PEOPLE, 0.1, 0.5), mouthing(PEOPLE[:2], 0.6, 0.9, 1)), no_gesture)
    assert scored.actions == ((0.1, 0.5), (0.6, 0.9))
    assert (scored.phones[0].start_s, scored.phones[4].end_s, scored.phones[5].start_s) == (0.1, 0.5, 0.6)
    assert [phone.syllable for phone in scored.phones] == [0, 1, 2, 3, 4, 5, 6]
    assert scored.duration_s == pytest.approx(1.1)


def test_gestures_are_found_and_rests_are_left_out() -> None:
    gesture = MouthAction("MG", None, None, "puffed-cheeks", 0.2, 0.6, (0,), "lexicon")
    rest = MouthAction("None", None, None, None, 0.6, 1.0, (1,), "rule")
    scored = score(plan_of(gesture, rest), lambda name: {"puffed-cheeks": PUFF}[name])
    assert [(g.gesture, g.start_s, g.end_s) for g in scored.gestures] == [(PUFF, 0.2, 0.6)]
    assert scored.phones == ()
    assert scored.duration_s == pytest.approx(1.2)


def test_an_empty_plan_is_a_short_rest() -> None:
    assert score(MouthingPlan((), ()), no_gesture, TimingOptions(relaxation_s=0.1)).duration_s == 0.1


# ---- sound ----------------------------------------------------------------------------------------------------------------
def tones(phones: tuple[Phone, ...], hz: dict[str, float]) -> Speech:
    """A tone for each phone, so that what is heard tells which phone it is."""
    time_s = np.arange(round(phones[-1].end_s * RATE)) / RATE
    samples = np.zeros(len(time_s), np.float32)
    for phone in phones:
        inside = (time_s >= phone.start_s) & (time_s < phone.end_s)
        samples[inside] = 0.5 * np.sin(2 * np.pi * hz[phone.symbol] * time_s[inside])
    return Speech(samples, RATE, phones)


def pitch_hz(speech: Speech, time_s: float) -> float:
    middle, half = round(time_s * RATE), 400
    piece = speech.samples[middle - half : middle + half] * np.hanning(2 * half)
    return float(np.argmax(np.abs(np.fft.rfft(piece, 16384)))) * RATE / 16384


HZ = {"s": 1500.0, "a": 300.0, "m": 700.0}
WORD = phones_of(("s", 0.15), ("a", 0.2), ("m", 0.15))


def test_the_voice_is_where_the_mouth_is() -> None:
    spoken, plan = tones(WORD, HZ), plan_of(mouthing(WORD, 0.3, 1.3))
    scored = score(plan, no_gesture)
    heard = sound(plan, scored, lambda text, ipa: spoken)
    assert len(heard.samples) == round(scored.duration_s * RATE)
    for phone in scored.phones:
        assert pitch_hz(heard, 0.5 * (phone.start_s + phone.end_s)) == pytest.approx(HZ[phone.symbol], rel=0.03)
    assert np.abs(heard.samples[: round(0.27 * RATE)]).max() == 0.0
    assert np.abs(heard.samples[round(1.35 * RATE) :]).max() < 1e-3


def test_a_reduced_and_repeated_mouthing_is_cut_from_the_word() -> None:
    spoken = tones(WORD, HZ)
    plan = plan_of(mouthing(phones_of(("s", 0.15), ("a", 0.2), ("s", 0.15), ("a", 0.2)), 0.0, 0.7))
    scored = score(plan, no_gesture)
    heard = sound(plan, scored, lambda text, ipa: spoken)
    pitches = [pitch_hz(heard, 0.5 * (p.start_s + p.end_s)) for p in scored.phones]
    assert pitches == pytest.approx([1500, 300, 1500, 300], rel=0.03)


def test_a_stretched_vowel_keeps_its_loudness_and_pitch() -> None:
    vowel = phones_of(("a", 0.2))
    plan = plan_of(mouthing(vowel, 0.0, 1.0))
    heard = sound(plan, score(plan, no_gesture), lambda text, ipa: tones(vowel, HZ))
    middle = heard.samples[round(0.1 * RATE) : round(0.9 * RATE)]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert pitch_hz(heard, 0.5) == pytest.approx(300, rel=0.02)


def test_silence_is_as_long_as_the_track() -> None:
    plan = plan_of(MouthAction("None", None, None, None, 0.0, 1.0, (0,), "rule"))
    heard = sound(plan, score(plan, no_gesture), lambda text, ipa: tones(WORD, HZ))
    assert heard.duration_s == pytest.approx(1.2)
    assert not heard.samples.any()
