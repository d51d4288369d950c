"""Phones as frames: times to the frame, letters of compounds, silence between."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slp_mouthing.articulation.visemes import _BY_LETTER
from slp_mouthing.decoder.phone_stream import PHONES, SILENCE, UNKNOWN, phone_frames
from slp_mouthing.types import Phone


def test_every_letter_with_a_viseme_has_a_number() -> None:
    assert set(_BY_LETTER) <= set(PHONES)
    assert len(set(PHONES)) == len(PHONES)


def test_phones_lie_at_their_times_with_silence_around() -> None:
    frames = phone_frames([Phone("b", 0.1, 0.2), Phone("iː", 0.3, 0.5)], 60)
    assert [PHONES[i] for i in frames.ids[[5, 10, 19, 20, 29, 30, 49, 50]]] == ["sil", "b", "b", "sil", "sil", "i", "i", "sil"]
    assert np.allclose(frames.phase[[10, 15, 40]], [0.0, 0.5, 0.5], atol=1e-5)
    assert np.allclose(frames.duration[[15, 40]], [0.0, np.log(2.0)], atol=1e-5)
    assert not frames.phase[frames.ids == SILENCE].any()


def test_compounds_become_their_letters() -> None:
    frames = phone_frames([Phone("aɪ", 0.0, 0.2), Phone("tʃ", 0.2, 0.4), Phone("aɪə", 0.4, 0.7)], 70)
    assert "".join(PHONES[i] for i in frames.ids[[10, 12, 30, 32, 45, 55, 65]]) == "aɪtʃaɪə"


def test_what_is_not_ipa_is_unknown() -> None:
    assert set(phone_frames([Phone("9", 0.0, 0.1)], 10).ids.tolist()) == {UNKNOWN}
    assert set(phone_frames([Phone("sil", 0.0, 0.1)], 10).ids.tolist()) == {SILENCE}


@given(
    st.lists(st.tuples(st.sampled_from(["p", "aʊ", "sil", "x", "ɜː"]), st.floats(0.0, 0.4), st.floats(0.0, 0.1))),
    st.integers(0, 200),
)
def test_any_phones_give_sound_frames(phones: list[tuple[str, float, float]], length: int) -> None:
    timed, now_s = [], 0.0
    for symbol, duration_s, gap_s in phones:
        timed.append(Phone(symbol, now_s, now_s + duration_s))
        now_s += duration_s + gap_s
    frames = phone_frames(timed, length)
    assert len(frames) == len(frames.phase) == len(frames.duration) == length
    assert ((frames.phase >= 0) & (frames.phase <= 1)).all()
    assert (np.abs(frames.duration) <= 3).all()
