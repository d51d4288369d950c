from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slp_mouthing as mouth
from slp_mouthing import dubbing
from slp_mouthing.dubbing import Said, dub
from slp_mouthing.errors import InputError
from slp_mouthing.notation import parse
from slp_mouthing.speech.alignment import Alignment, SpokenWord
from slp_mouthing.speech.recording import Recording
from slp_mouthing.types import Phone, Utterance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slp_mouthing.speech.alignment import Word
    from slp_mouthing.types import MouthingPlan


@pytest.fixture(scope="module")
def studio() -> mouth.Studio:
    return mouth.Studio(driver="rules")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """Sets where words are said: `heard(why=(0.5, 0.9))`; -> what was asked for, call by call."""

    def at(doubtful: bool = False, **times: tuple[float, float]) -> list[list[str]]:
        asked: list[list[str]] = []

        def align(recording: Recording, words: Sequence[Word]) -> Alignment:
            asked.append([word.text for word in words])
            return Alignment(tuple(_spoken(word, times.get(word.text)) for word in words), doubtful)

        monkeypatch.setattr(dubbing, "align", align)
        return asked

    return at


def _spoken(word: Word, span: tuple[float, float] | None) -> SpokenWord | None:
    if span is None:
        return None
    edges = np.linspace(*span, len(word.phones) + 1)
    phones = zip(word.phones, edges[:-1], edges[1:], strict=True)
    return SpokenWord(word.text, tuple(phone.at(float(a), float(b)) for phone, a, b in phones))


def silence(transcript: str = "") -> Recording:
    return Recording(np.zeros(160000, np.int16), 16000, "talk.wav", transcript)


def dubbed(studio: mouth.Studio, glosses: str | Utterance, recording: Recording | None = None) -> MouthingPlan:
    (utterance,) = parse(glosses) if isinstance(glosses, str) else (glosses,)
    return dub(utterance, recording or silence(), studio.plan, studio._pronounce)


def slots(plan: MouthingPlan) -> list[tuple[float, float]]:
    return [(sign.start_s, sign.end_s) for sign in plan.signs]


def mouthings(plan: MouthingPlan) -> dict[str, tuple[float, float]]:
    return {action.text or "": (action.start_s, action.end_s) for action in plan.actions if action.phones}


def test_signs_without_times_stand_where_their_words_are_said(studio: mouth.Studio, heard: Any) -> None:
    heard(why=(1.0, 1.5), late=(2.5, 2.9))
    plan = dubbed(studio, "WHY PT:PRO2SG LATE")
    assert slots(plan) == [(1.0, 1.5), (1.5, pytest.approx(1.78)), (2.5, 2.9)]
    assert mouthings(plan) == {"why": (1.0, 1.5), "late": (2.5, 2.9)}
    assert plan.warnings == ()


def test_words_without_a_pause_lend_time_to_the_sign_between_them(studio: mouth.Studio, heard: Any) -> None:
    heard(why=(1.0, 1.4), late=(1.4, 1.8))
    plan = dubbed(studio, "WHY PT:PRO2SG LATE")
    (_, why_end), pointing, (late_start, _) = slots(plan)
    assert pointing == (why_end, late_start)
    assert pointing[1] - pointing[0] > 0.1
    assert mouthings(plan) == {"why": (1.0, 1.4), "late": (1.4, 1.8)}
    assert sorted(index for action in plan.actions for index in action.signs) == [0, 1, 2]


def test_the_phones_are_as_long_as_they_are_said(studio: mouth.Studio, heard: Any) -> None:
    heard(why=(1.0, 2.0))
    (action,) = dubbed(studio, "WHY@0.3").actions
    assert [(phone.symbol, phone.start_s, phone.end_s) for phone in action.phones] == [("w", 0.0, 0.5), ("aɪ", 0.5, 1.0)]
    assert action.reduction == "full"
    assert action.stretch == pytest.approx(1.0 / sum(phone.duration_s for phone in studio.voice.pronounce("why")))
    assert "talk.wav" in action.rule


def test_signs_with_times_keep_them_and_the_mouth_follows_the_sound(studio: mouth.Studio, heard: Any) -> None:
    heard(why=(0.45, 0.95), late=(3.0, 3.4))
    plan = dubbed(studio, "WHY@0.20-0.68 LATE@1.0-1.5")
    assert slots(plan) == [(0.2, 0.68), (1.0, 1.5)]
    assert mouthings(plan) == {"why": (0.45, 0.95), "late": (3.0, 3.4)}
    (warning,) = plan.warnings
    assert "'late' is said at 3.00 s, while LATE is signed from 1.00 s" in warning


def test_a_word_that_is_not_heard_is_mouthed_in_its_slot(studio: mouth.Studio, heard: Any) -> None:
    heard(why=(1.0, 1.5))
    plan = dubbed(studio, "WHY LATE")
    start_s, end_s = mouthings(plan)["late"]
    assert plan.signs[1].start_s == 1.5
    assert 1.5 <= start_s < end_s <= plan.signs[1].end_s
    (warning,) = plan.warnings
    assert "not heard" in warning
    assert "'late'" in warning


def test_a_transcript_may_say_more_and_inflect(studio: mouth.Studio, heard: Any) -> None:
    asked = heard(why=(1.0, 1.2), are=(1.2, 1.3), you=(1.3, 1.4), on=(1.5, 1.6), holidays=(1.6, 2.2))
    plan = dubbed(studio, "WHY HOLIDAY", silence("Why are you on holidays?"))
    assert asked == [["why", "are", "you", "on", "holidays"]]
    assert mouthings(plan) == {"why": (1.0, 1.2), "holiday": (1.6, 2.2)}
    assert plan.actions[-1].phones[-1].symbol == "z"


def test_several_words_are_one_mouthing_with_a_pause_where_there_is_one(studio: mouth.Studio, heard: Any) -> None:
    heard(go=(1.0, 1.3), home=(1.6, 2.0))
    (action,) = dubbed(studio, "⌘go home(GO HOME)").actions
    assert (action.start_s, action.end_s, action.signs) == (1.0, 2.0, (0, 1))
    assert [phone.symbol for phone in action.phones] == ["ɡ", "əʊ", "sil", "h", "əʊ", "m"]
    assert [phone.syllable for phone in action.phones] == [0, 0, 0, 1, 1, 1]
    for before, after in pairwise(action.phones):
        assert before.end_s == after.start_s


def test_doubtful_words_are_told(studio: mouth.Studio, heard: Any) -> None:
    heard(doubtful=True, why=(1.0, 1.5))
    assert any("few of the words are clearly heard" in warning for warning in dubbed(studio, "WHY").warnings)


def test_an_utterance_of_a_longer_recording_is_looked_for_at_its_place(studio: mouth.Studio, monkeypatch: Any) -> None:
    lengths = []

    def align(recording: Recording, words: Sequence[Word]) -> Alignment:
        lengths.append(recording.duration_s)
        return Alignment(tuple(_spoken(word, (1.5, 2.0)) for word in words))

    monkeypatch.setattr(dubbing, "align", align)
    (utterance,) = parse("WHY@0.20-0.68")
    plan = dubbed(studio, Utterance(utterance.signs, offset_s=4.0))
    assert lengths == [pytest.approx(2 * dubbing.MARGIN_S + 0.68)]
    assert mouthings(plan) == {"why": (pytest.approx(0.5), pytest.approx(1.0))}


def test_several_utterances_need_places_on_the_recording() -> None:
    one, two = parse("WHY\nLATE")
    with pytest.raises(InputError, match="2 utterances, a recording is of one"):
        dubbing.check_places([one, two], silence())
    dubbing.check_places([one], silence())
    dubbing.check_places([one, Utterance(two.signs, offset_s=3.0)], silence())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_signs_and_actions_stay_in_order_whatever_is_said(data: st.DataObject) -> None:
    tokens = data.draw(st.lists(st.sampled_from(["A", "B@0.4", "C@0.05", "⌘word(D E)"]), min_size=1, max_size=8))
    times = data.draw(st.lists(st.floats(0, 20), min_size=1, max_size=4, unique=True).map(sorted))
    timed = data.draw(st.lists(st.integers(0, 60), max_size=2, unique=True).map(sorted))
    text = " ".join(tokens) + "".join(f" T@{start + 10}-{start + 10.6}" for start in timed)
    (utterance,) = parse(text)
    firsts = sorted({span.first for span in utterance.spans} | set(range(len(utterance.signs))))
    edges = np.repeat(times, 2)[1:-1] if len(times) > 1 else []
    spans = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 0.06]
    chosen = sorted(data.draw(st.permutations(firsts))[: len(spans)])
    said = {(index, 1): Said((Phone("a", float(a), float(b)),), 0.3) for index, (a, b) in zip(chosen, spans, strict=False)}
    moved = dubbing._moved(utterance, said)
    assert [sign.gloss for sign in moved] == [sign.gloss for sign in utterance.signs]
    assert moved[0].start_s >= 0
    for sign, before in zip(moved, utterance.signs, strict=True):
        assert sign.end_s > sign.start_s
        if before.timed:
            assert (sign.start_s, sign.end_s) == (before.start_s, before.end_s)
    for before, after in pairwise(moved):
        assert after.start_s >= before.end_s - 1e-6


# ---- from end to end ------------------------------------------------------------------------------------------------------
def test_a_recording_is_the_voice_and_the_clock_of_what_is_rendered(say: Any) -> None:
    recording, spans = say("mother because finish")
    studio = mouth.Studio(driver="rules")
    result = studio.render("MOTHER PT:PRO1SG WHY{because} FINISH", recording)
    for (start_s, end_s), (low_s, high_s) in zip(mouthings(result.plan).values(), spans, strict=True):
        assert start_s == pytest.approx(low_s, abs=0.12)
        assert end_s == pytest.approx(high_s, abs=0.16)
    heard = result.sound
    assert heard.sample_rate_hz == recording.sample_rate_hz
    assert heard.phones == result.score.phones
    assert heard.duration_s == pytest.approx(result.score.duration_s, abs=1e-3)
    count = min(len(heard.samples), len(recording.samples))
    assert np.array_equal(heard.samples[:count], recording.samples[:count] / np.float32(2**15))
    meta = json.loads(result.track.meta)
    assert meta["voice"] == "said.wav"
    assert meta["recording"] == recording.checksum
    open_mouth = result.track.lip_opening_m
    (vowel,) = [phone for phone in result.score.phones if phone.symbol == "ʌ"]
    assert open_mouth[round((vowel.start_s + vowel.end_s) / 2 * result.track.fps)] > 0.001
    assert open_mouth[round((spans[0][0] - 0.2) * result.track.fps)] == 0


def test_the_trained_decoder_hears_recordings(say: Any) -> None:
    recording, _ = say("mother because finish")
    result = mouth.Studio(driver="neural").render("MOTHER WHY{because} FINISH", recording)
    closures = [phone for phone in result.score.phones if phone.symbol in ("m", "b")]
    for phone in closures:
        frames = range(round(phone.start_s * 30), round(phone.end_s * 30) + 1)
        assert min(result.track.lip_opening_m[frame] for frame in frames) == 0
    assert result.track.lip_opening_m.max() > 0.003
