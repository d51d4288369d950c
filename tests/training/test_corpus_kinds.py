from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.articulation import CHANNELS, Style
from slp_mouthing.errors import InputError, InstallationError
from slp_mouthing.training import texts, voices
from slp_mouthing.training.clean import CleanRecipe
from slp_mouthing.training.clip import SPLITS, Clip
from slp_mouthing.training.faces import head_of, vertices_m
from slp_mouthing.training.mead_like import MeadLikeRecipe
from slp_mouthing.training.sentences import sentence_split, sentences_of
from slp_mouthing.training.texts import FUNCTION_WORDS, texts_of, word_split, word_splits
from slp_mouthing.training.tracking import TrackingOptions, observe
from slp_mouthing.training.voices import Voice, draw_voice, split_of, variants_of
from slp_mouthing.training.words import WordsRecipe
from tests.training.small_corpora import WORDS, forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHUT = CHANNELS.index("lipsShut")


@pytest.fixture(scope="module", autouse=True)
def few_words() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "_lexicon_texts", lambda: WORDS)
        forget()
        yield
    forget()


@pytest.fixture(scope="module")
def word_clips() -> list[Clip]:
    recipe = WordsRecipe(seed=3)
    return [recipe.clip(index) for index in range(24)]


def test_a_voice_that_goes_missing_ends_a_build_rather_than_changing_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallationError, match="flite is not installed"):
        WordsRecipe(seed=3, recorded=0.9).clip(0)


# ---- what is held out -----------------------------------------------------------------------------------------------------
def test_words_are_in_one_split_and_homophones_in_the_same() -> None:
    spoken = [set(texts_of(split).words) for split in SPLITS]
    assert all(spoken)
    assert not (spoken[0] & spoken[1] or spoken[0] & spoken[2] or spoken[1] & spoken[2])
    for a, b in (("their", "there"), ("knight", "night"), ("sea", "see"), ("four", "for")):
        assert word_split(a) == word_split(b)


def test_the_shares_of_held_out_words_are_as_said() -> None:
    splits = [split_of(f"word {number}", 0.05, 0.10) for number in range(4000)]
    assert splits.count("test") / 4000 == pytest.approx(0.10, abs=0.015)
    assert splits.count("validation") / 4000 == pytest.approx(0.05, abs=0.012)


def test_phrases_with_words_of_two_splits_are_in_none() -> None:
    for split in SPLITS:
        for phrase in texts_of(split).phrases:
            assert {word_splits()[word] for word in phrase.split()} == {split}


def test_training_clips_say_no_held_out_word_and_no_held_out_voice(word_clips: list[Clip]) -> None:
    unheard = {word for word, split in word_splits().items() if split != "train"}
    for clip in word_clips:
        said = set(re.findall(r"[a-z']+", re.sub(r"/[^/]*/", "", clip.text.lower()))) - FUNCTION_WORDS
        assert (said & unheard if clip.split == "train" else said - unheard) == set()
        accent, _, variant = clip.subject.partition("+")
        assert not variant or variant in variants_of(clip.split)
        assert clip.split != "train" or accent in voices.ACCENTS["train"]


def test_voices_of_the_splits_have_nobody_in_common() -> None:
    by_split = [set(variants_of(split)) for split in SPLITS]
    assert all(by_split)
    assert sum(map(len, by_split)) == len(set.union(*by_split))


def test_half_of_the_held_out_clips_are_the_default_voice_as_it_is_used() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_voice(rng, "test") for _ in range(400)]
    assert drawn.count(Voice("en-gb")) / 400 == pytest.approx(0.5, abs=0.08)
    assert {voice.name.partition("+")[0] for voice in drawn} >= {"en-gb", "en-gb-scotland", "en-us-nyc"}


def test_sentences_follow_their_words() -> None:
    for split in SPLITS:
        assert len(sentences_of(split)) > 450
    assert not set(sentences_of("train")) & set(sentences_of("test"))
    assert sentence_split("The actor is here.") == word_split("actor") == "test"


@given(st.integers(0, 2**32), st.sampled_from(SPLITS))
@settings(max_examples=40, deadline=None)
def test_pseudo_words_can_be_said_and_stay_in_their_split(seed: int, split: str) -> None:
    word = texts.Texts(split, (), ()).draw_pseudo_word(np.random.default_rng(seed))  # type: ignore[arg-type]
    assert texts.text_split(f"pseudo {word.value}") == split
    assert Voice("en-gb").pronounce("", word.value)


# ---- clips ----------------------------------------------------------------------------------------------------------------
def test_a_clip_does_not_depend_on_those_before_it(word_clips: list[Clip]) -> None:
    again = WordsRecipe(seed=3).clip(7)
    np.testing.assert_array_equal(again.samples, word_clips[7].samples)
    assert again.phones == word_clips[7].phones
    assert WordsRecipe(seed=4).clip(7).phones != again.phones


def test_clips_are_whole(word_clips: list[Clip]) -> None:
    for clip in word_clips:
        assert clip.sample_rate_hz == 16000
        assert len(clip.samples) == pytest.approx(16000 * clip.duration_s, abs=2)
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in zip(clip.phones, clip.phones[1:], strict=False))
        assert all(0.0 <= start_s < end_s <= clip.duration_s for start_s, end_s in clip.actions)
        starts = [phone.start_s for phone in clip.phones]
        assert all(any(start_s == pytest.approx(start) for start in starts) for start_s, _ in clip.actions)


def test_sound_is_where_the_phones_are(word_clips: list[Clip]) -> None:
    for clip in word_clips:
        level = np.abs(clip.samples)
        first, last = (round(time_s * 16000) for time_s in (clip.phones[0].start_s, clip.phones[-1].end_s))
        assert level[first:last].max() > 0.05
        assert level[: max(first - 800, 0)].max(initial=0.0) < 0.01
        assert level[last + 1600 :].max(initial=0.0) < 0.01


def test_slots_are_compressed_natural_and_stretched(word_clips: list[Clip]) -> None:
    assert max(len(clip.actions) for clip in word_clips) >= 4
    vowels = [phone.duration_s for clip in word_clips for phone in clip.phones if phone.symbol == "aɪ"]
    assert max(vowels) > 2.0 * min(vowels)


def test_the_truth_is_had_at_any_rate_and_in_any_style(word_clips: list[Clip]) -> None:
    clip = word_clips[0]
    for fps in (24.0, 25.0, 30.0, 60.0):
        truth = clip.truth(fps)
        assert truth.shape == (int(np.ceil(clip.duration_s * fps - 1e-6)), len(CHANNELS))
        assert truth.min() >= 0.0
        assert truth.max() <= 1.0
    np.testing.assert_array_equal(clip.articulation, clip.truth(30.0))
    jaw = CHANNELS.index("jawOpen")
    assert clip.truth(30.0, Style(jaw=0.5))[:, jaw].max() < clip.truth(30.0)[:, jaw].max()


def test_the_clean_set_is_twelve_people_with_forty_sentences() -> None:
    recipe = CleanRecipe(seed=0)
    assert recipe.count == 480
    assert [subject.split for subject in recipe.subjects] == ["train"] * 8 + ["validation"] * 2 + ["test"] * 2
    assert len({(subject.identity, subject.voice, subject.style) for subject in recipe.subjects}) == 12
    said = {split: set() for split in SPLITS}  # type: dict[str, set[str]]
    for person, subject in enumerate(recipe.subjects):
        said[subject.split] |= {recipe._text(person, sentence) for sentence in range(40)}
    assert [len(said[split]) for split in SPLITS] == [20 + 8 * 20, 20 + 2 * 20, 20 + 2 * 20]
    assert not said["train"] & (said["validation"] | said["test"])
    clip = recipe.clip(0)
    assert (clip.subject, clip.style, clip.identity) == ("clean-00", recipe.subjects[0].style, recipe.subjects[0].identity)
    assert clip.observed is None


def test_the_mead_like_set_is_split_as_in_the_paper() -> None:
    recipe = MeadLikeRecipe(seed=0)
    assert recipe.count == 31 * 30 + 6 * 10 + 6 * 10
    firsts = [recipe.subjects[person].split for person, _ in recipe._takes[:105]]
    assert [firsts.count(split) for split in SPLITS] == [93, 6, 6]
    clip = recipe.clip(2)
    assert clip.observed is not None
    assert clip.observed.shape == clip.truth().shape
    assert not np.array_equal(clip.observed, clip.truth())


# ---- tracking -------------------------------------------------------------------------------------------------------------
def closures(frames: int = 600, every: int = 15, length: int = 2) -> np.ndarray:
    """A mouth that is active throughout and shuts now and then. -> [T, H]"""
    truth = np.zeros((frames, len(CHANNELS)), np.float32)
    truth[:, 0], truth[:, -1] = 0.4, 1.0
    for start in range(5, frames - length, every):
        truth[start : start + length, SHUT] = 1.0
    return truth


NONE = TrackingOptions(smoothing_frames=0.0, lost_closures=0.0, jitter=0.0, dropouts_hz=0.0)


def test_a_perfect_tracker_sees_the_truth() -> None:
    truth = closures()
    np.testing.assert_allclose(observe(truth, np.random.default_rng(0), 30.0, NONE), truth, atol=1e-6)


def test_fast_closures_are_lost_sooner_than_long_ones() -> None:
    def kept(length: int) -> float:
        truth = closures(6000, 15, length)
        seen = observe(truth, np.random.default_rng(0), 30.0)[:, SHUT]
        starts = range(5, 6000 - length, 15)
        return float(np.mean([seen[start : start + length].max() > 0.7 for start in starts]))

    assert kept(1) < kept(3) < kept(8)
    assert kept(2) < 0.6


def test_jitter_has_its_size_and_a_lost_face_stands_still() -> None:
    still = closures()
    still[:, SHUT] = 0.0
    jittered = observe(still, np.random.default_rng(0), 30.0, TrackingOptions(lost_closures=0.0, dropouts_hz=0.0))
    assert jittered[:, 0].std() == pytest.approx(0.03, rel=0.25)
    lost = observe(still, np.random.default_rng(0), 30.0, TrackingOptions(dropouts_hz=2.0))
    assert np.all(lost[1:] == lost[:-1], axis=1).mean() > 0.1
    assert not np.all(jittered[1:] == jittered[:-1], axis=1).any()


def test_a_resting_mouth_rests() -> None:
    truth = np.zeros((90, len(CHANNELS)), np.float32)
    assert not observe(truth, np.random.default_rng(0), 30.0)[:, -1].any()


# ---- faces ----------------------------------------------------------------------------------------------------------------
def test_a_subject_has_a_head_of_its_own() -> None:
    truth = closures(8, 4)
    one, other = head_of("17"), head_of("18")
    assert vertices_m(one, truth).shape == (8, *one.neutral_m.shape)
    lips = one.lip_columns.ravel()
    np.testing.assert_array_equal(one.lip_columns, other.lip_columns)
    assert np.abs(one.neutral_m[lips] - other.neutral_m[lips]).max() > 5e-4
    assert head_of("default") is head_of("default")
    with pytest.raises(InputError, match="no person 'nobody': neither one of default"):
        head_of("nobody")
