"""The classifier, the reader of visemes and the matcher of words."""

from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.errors import InputError
from slp_mouthing.evaluation.classifier import balanced_accuracy, train
from slp_mouthing.evaluation.viseme_classifier import Windows, read, sampled, train_reader, viseme, windows
from slp_mouthing.evaluation.word_identification import identified, word_motions
from slp_mouthing.types import MouthScore, Phone

RNG = np.random.default_rng(0)


# ---- classifier -----------------------------------------------------------------------------------------------------------
def rings(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A blob within a ring: no line parts them."""
    rng = np.random.default_rng(seed)
    inner = 0.4 * rng.standard_normal((count, 2))
    angle = rng.uniform(0, 2 * np.pi, count)
    outer = 3.0 * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.2 * rng.standard_normal((count, 2))
    return np.concatenate([inner, outer]), np.repeat(["inner", "outer"], count)


def test_it_tells_apart_what_no_line_parts() -> None:
    said = train(*rings(60, 1))(rings(60, 2)[0])
    assert balanced_accuracy(said, rings(60, 2)[1]) > 0.97


def test_it_stays_at_chance_where_there_is_nothing_to_tell() -> None:
    labels = np.repeat(["a", "b"], 300)
    said = train(RNG.standard_normal((600, 5)), labels)(RNG.standard_normal((600, 5)))
    assert balanced_accuracy(said, labels) == pytest.approx(0.5, abs=0.08)


def test_a_rare_class_is_not_forgotten() -> None:
    rng = np.random.default_rng(5)
    features = np.concatenate([rng.normal(0, 1, (400, 2)), rng.normal(2.5, 1, (20, 2))])
    labels = np.repeat(["common", "rare"], [400, 20])
    said = train(features, labels)(features)
    assert np.mean(said[labels == "rare"] == "rare") > 0.8


def test_a_feature_that_never_varies_is_harmless() -> None:
    features, labels = rings(30, 1)
    flat = np.column_stack([features, np.full(len(features), 7.0)])
    shifted = np.column_stack([rings(30, 2)[0], np.full(len(features), -7.0)])
    assert np.array_equal(train(flat, labels)(shifted), train(flat, labels)(np.column_stack([rings(30, 2)[0], flat[:, 2]])))


def test_one_class_is_nothing_to_tell_apart() -> None:
    with pytest.raises(InputError, match="1 classes"):
        train(np.zeros((3, 2)), ["a", "a", "a"])


def test_guessing_the_commonest_gains_nothing() -> None:
    true = np.array(["a"] * 9 + ["b"])
    assert balanced_accuracy(np.array(["a"] * 10), true) == 0.5


# ---- visemes --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("symbol", "expected"),
    [("m", "p"), ("b", "p"), ("v", "f"), ("tʃ", "ʃ"), ("dʒ", "ʃ"), ("t", "t"), ("n", "t"), ("aɪ", "a"), ("iː", "i"), ("sil", ""),
     ("h", ""), ("ŋ", "k"), ("d", "t")],
)  # fmt: skip
def test_visemes_of_phones(symbol: str, expected: str) -> None:
    assert viseme(symbol) == expected


def test_windows_are_as_long_as_the_phone() -> None:
    ramp = np.arange(40.0)[:, None]
    score = MouthScore((Phone("p", 1.0, 1.2), Phone("h", 1.2, 1.4), Phone("ɑː", 1.4, 2.4)), (), 4.0, ((1.0, 2.4),))
    found = windows(score, ramp, 10.0)
    assert found.visemes.tolist() == ["p", "ɑ"]
    assert found.features[0] == pytest.approx([9.5, 10.0, 10.4, 10.8, 11.2, 11.6, 12.0, 12.5])
    assert found.features[1, [1, -2]] == pytest.approx([14.0, 24.0])


def test_sampling_holds_the_ends() -> None:
    values = np.array([[0.0], [2.0]])
    assert sampled(values, np.array([-3.0, 0.25, 9.0]))[:, 0] == pytest.approx([0.0, 0.5, 2.0])
    assert sampled(values[:1], np.array([0.0, 5.0]))[:, 0] == pytest.approx([0.0, 0.0])


def motions(count: int, noise: float, seed: int) -> list[Windows]:
    """Clips of six phones, each viseme a direction of its own."""
    rng = np.random.default_rng(seed)
    names = np.array(["p", "f", "ɑ"])
    chosen = [rng.choice(3, 6) for _ in range(count)]
    return [Windows(np.eye(3)[k] + noise * rng.standard_normal((6, 3)), names[k]) for k in chosen]


def test_ceiling_prediction_and_floor() -> None:
    reader = train_reader(motions(40, 0.1, 1))
    true = motions(30, 0.1, 2)
    poor = [Windows(clip.features + 0.5 * RNG.standard_normal(clip.features.shape), clip.visemes) for clip in true]
    found = read(reader, poor, true)
    assert found.ceiling.value > 0.98
    assert 0.5 < found.predicted.value < 0.95
    assert found.floor.value == pytest.approx(1 / 3, abs=0.12)
    assert found.share.value == pytest.approx(found.predicted.value / found.ceiling.value)
    assert found.share.low < found.share.value < found.share.high


# ---- words ----------------------------------------------------------------------------------------------------------------
def test_words_are_brought_to_one_length() -> None:
    score = MouthScore((), (), 6.0, ((1.0, 2.0), (3.0, 5.0)))
    found = word_motions(score, np.arange(60.0)[:, None], 10.0)
    assert found.shape[0] == 2
    assert found[0, [0, -1], 0] == pytest.approx([10.0, 20.0])
    assert found[1, [0, -1], 0] == pytest.approx([30.0, 50.0])


def test_the_nearest_template_names_the_word() -> None:
    templates = RNG.standard_normal((4, 8, 3))
    words = np.array(["why", "because", "king", "queen"])
    queries = templates[[2, 0, 1]] + 0.05 * RNG.standard_normal((3, 8, 3))
    assert identified(queries, np.array(["king", "why", "unheard"]), templates, words).value == 1.0
    assert identified(queries, np.array(["queen", "why", "unheard"]), templates, words).value == 0.5
    assert np.isnan(identified(queries[:1], np.array(["unheard"]), templates, words).value)
