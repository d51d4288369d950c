"""Mouthings that the input times by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slp_mouthing.errors import InputError, SpeechError
from slp_mouthing.mouthing.lexicon import load_lexicon
from slp_mouthing.mouthing.plan import PlanOptions, plan
from slp_mouthing.types import MouthingPlan, MouthOverride, Phone, Sign, TimedMouthing, Utterance

if TYPE_CHECKING:
    from collections.abc import Callable

    Pronounce = Callable[[str | None, str | None], tuple[Phone, ...]]

SIGNS = (Sign("WHY", "lexical", 0.0, 0.5), Sign("PT:LOC", "pointing", 0.5, 0.9), Sign("LATE", "lexical", 1.0, 1.5))


def planned(pronounce: Pronounce, *mouthings: TimedMouthing, strict: bool = False) -> MouthingPlan:
    return plan(Utterance(SIGNS, mouthings=mouthings), load_lexicon(), pronounce, PlanOptions(strict=strict))


def text(word: str, start_s: float, end_s: float) -> TimedMouthing:
    return TimedMouthing(MouthOverride("text", word, lenient=True), start_s, end_s)


def test_a_mouthing_keeps_its_time_and_names_its_signs(pronounce: Pronounce) -> None:
    result = planned(pronounce, text("why", 0.07, 0.8))
    first, rest = result.actions
    assert (first.type, first.text, first.start_s, first.end_s, first.signs) == ("Mouthing", "why", 0.07, 0.8, (0, 1))
    assert (rest.type, rest.signs, rest.rule) == ("None", (2,), "the input has no mouthing here")


def test_the_mouth_rests_on_what_the_mouthings_leave_of_a_slot(pronounce: Pronounce) -> None:
    result = planned(pronounce, text("why", 0.1, 0.6), text("late", 0.85, 1.4))
    assert [(a.type, a.start_s, a.end_s, a.signs) for a in result.actions] == [
        ("Mouthing", 0.1, 0.6, (0,)), ("None", 0.6, 0.85, (1,)), ("Mouthing", 0.85, 1.4, (2,)),
    ]  # fmt: skip


def test_a_mouthing_between_signs_stands_on_the_nearest(pronounce: Pronounce) -> None:
    result = planned(pronounce, text("now", 0.92, 0.99))
    assert [a.signs for a in result.actions if a.type == "Mouthing"] == [(2,)]
    assert sorted(i for a in result.actions for i in a.signs) == [0, 1, 2]


def test_a_short_time_takes_the_reduced_word_but_all_of_an_ipa(pronounce: Pronounce) -> None:
    (short, *_) = planned(pronounce, text("government", 0.0, 0.3)).actions
    assert short.reduction != "full"
    (whole, *_) = planned(pronounce, TimedMouthing(MouthOverride("ipa", "ˈɡʌ.vən.mənt"), 0.0, 0.3)).actions
    assert whole.reduction == "full"
    assert len(whole.phones) > len(short.phones)


def test_what_a_corpus_asks_in_vain_is_a_warning(pronounce: Pronounce) -> None:
    odd = TimedMouthing(MouthOverride("gesture", "no-such", lenient=True), 0.0, 0.4)
    result = planned(pronounce, odd)
    assert result.actions[0].type == "None"
    assert "unknown mouth gesture 'no-such', the mouth rests" in result.warnings[0]
    with pytest.raises(InputError, match="no-such"):
        planned(pronounce, odd, strict=True)


def test_ipa_falls_back_to_its_word_where_the_voice_reads_none(pronounce: Pronounce) -> None:
    def say(word: str | None, ipa: str | None) -> tuple[Phone, ...]:
        if ipa is not None:
            raise SpeechError("IPA needs another voice")
        return pronounce(word, None)

    result = planned(say, TimedMouthing(MouthOverride("ipa", "waɪ"), 0.0, 0.4, word="why"))
    assert result.actions[0].phones
    with pytest.raises(SpeechError):
        planned(say, TimedMouthing(MouthOverride("ipa", "waɪ"), 0.0, 0.4))


def test_a_sign_is_looked_up_by_its_lemma(pronounce: Pronounce) -> None:
    sign = Sign("ADD-TO-SIGNBANK(WHY)", "unknown", 0.0, 0.5, lemma="WHY")
    (action,) = plan(Utterance((sign,)), load_lexicon(), pronounce).actions
    assert (action.text, action.source) == ("why", "lexicon")
