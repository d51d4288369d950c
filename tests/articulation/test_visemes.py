from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.articulation.visemes import ARTICULATORS, Viseme, segments, visemes
from slp_mouthing.types import Phone

ENGLISH = [
    "p", "b", "t", "d", "k", "ɡ", "m", "n", "ŋ", "f", "v", "θ", "ð", "s", "z", "ʃ", "ʒ", "h", "l", "ɹ", "r", "j", "w",
    "tʃ", "dʒ", "x", "ɪ", "i", "iː", "ɛ", "a", "ɑː", "ɒ", "ɔː", "ʊ", "u", "uː", "ʌ", "ɜː", "ə", "ɐ", "eɪ", "aɪ", "ɔɪ",
    "aʊ", "əʊ", "iə", "eə", "ʊə",
]  # fmt: skip
GERMAN_AND_DUTCH = [
    "y", "yː", "øː", "œ", "ç", "x", "ʁ", "pf", "ts", "ɔø", "œy", "ɛɪ", "ʌʊ", "aː", "oː", "eː", "ʋ", "ɣ", "ɾ", "ɵ", "ɑ̃",
    "ɜ", "ʊɐ",
]  # fmt: skip


def aim(symbol: str, articulator: str) -> float:
    return float(visemes(symbol)[0].targets[ARTICULATORS.index(articulator)])


@pytest.mark.parametrize("symbol", ENGLISH + GERMAN_AND_DUTCH)
def test_every_phone_has_a_viseme_of_its_own_kind(symbol: str) -> None:
    unknown = visemes("☃")[0]
    assert unknown not in visemes(symbol)
    for viseme in visemes(symbol):
        assert isinstance(viseme, Viseme)
        assert viseme.targets.min() >= 0.0
        assert viseme.targets.max() <= 1.0
        assert viseme.dominance.min() > 0.0


def test_vowels_open_as_far_as_they_do() -> None:
    opening = [aim(symbol, "jawOpen") for symbol in ("ɑː", "a", "ɛ", "ɪ", "iː")]
    assert opening == sorted(opening, reverse=True)
    assert 0.6 <= opening[0] <= 0.7


def test_rounding_and_spreading() -> None:
    assert aim("uː", "mouthPucker") > 0.8 > aim("ʊ", "mouthPucker") > aim("ɔː", "mouthPucker")
    assert aim("y", "mouthPucker") > 0.8
    assert aim("iː", "mouthSmile") > 0.4
    assert aim("uː", "mouthSmile") == 0.0


@pytest.mark.parametrize(
    ("symbol", "contact"), [("p", "lips"), ("b", "lips"), ("m", "lips"), ("f", "teeth"), ("v", "teeth"), ("t", "")]
)
def test_what_touches(symbol: str, contact: str) -> None:
    assert visemes(symbol)[0].contact == contact


@pytest.mark.parametrize(
    ("symbol", "control"),
    [("θ", "tongueOut"), ("l", "tongueTipUp"), ("t", "tongueTipUp"), ("k", "tongueBack"), ("j", "tongueUp")],
)
def test_the_tongue_takes_part(symbol: str, control: str) -> None:
    assert aim(symbol, control) >= 0.3


def test_alveolars_and_velars_leave_the_lips_to_their_neighbours() -> None:
    lip = ARTICULATORS.index("mouthPucker")
    assert max(visemes(symbol)[0].dominance[lip] for symbol in "tdnlkɡŋh") < 0.1
    assert visemes("w")[0].dominance[lip] == 1.0


def test_diphthongs_and_affricates_are_two_targets_in_time() -> None:
    first, second = segments([Phone("aɪ", 1.0, 1.2)])
    assert (first.start_s, second.end_s) == (1.0, 1.2)
    assert first.end_s == second.start_s == pytest.approx(1.11)
    assert np.array_equal(first.viseme.targets, visemes("a")[0].targets)
    assert len(segments([Phone("tʃ", 0.0, 0.1)])) == 2


def test_pauses_have_no_viseme_and_length_marks_change_nothing() -> None:
    assert segments([Phone("sil", 0.0, 1.0)]) == []
    assert visemes("aː") == visemes("a")
    assert visemes("ɑ̃") == visemes("ɑ")
