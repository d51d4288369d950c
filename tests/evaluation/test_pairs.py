"""Signs told apart by their motion, and the check that nothing but motion tells them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slp_mouthing.errors import InputError, LexiconError
from slp_mouthing.evaluation import minimal_pairs, realisations
from slp_mouthing.evaluation.drivers import find_judged
from slp_mouthing.evaluation.minimal_pairs import PairOptions, contrasts, homophenes, judge_pairs
from slp_mouthing.evaluation.realisations import POINTS, Stage, Word
from slp_mouthing.mouthing.lexicon import Lexicon, load_lexicon
from slp_mouthing.phonetics import has_lip_contact

PAT, BAT = Word("pat"), Word("bat")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.fixture
def stage(lexicon: Lexicon) -> Stage:
    return Stage(find_judged("rules"), lexicon)


def test_all_sets_of_the_lexicon_are_pairs(lexicon: Lexicon) -> None:
    names = {tuple(sorted((a.name, b.name))) for a, b in contrasts(lexicon)}
    assert {("BECAUSE", "WHY"), ("GARAGE", "GOVERNMENT"), ("KING", "QUEEN"), ("NEPHEW", "NIECE")} <= names
    assert ("ABLE", "POSSIBLE") in names and ("REST", "RELAX") not in names and ("RELAX", "REST") in names
    assert len(names) >= 37


def test_realisations_differ_and_are_the_same_every_time(stage: Stage, lexicon: Lexicon) -> None:
    found = stage.realise(PAT, "train", 3)
    assert found.shape == (3, POINTS * 16)
    assert np.abs(found[0] - found[1]).max() > 1.0
    assert np.array_equal(found, Stage(find_judged("rules"), lexicon).realise(PAT, "train", 3))


def test_pools_share_neither_people_nor_voices_nor_neighbours() -> None:
    for pools in (realisations._VOICES, realisations._PEOPLE, realisations._CONTEXTS):
        assert not set(pools["train"]) & set(pools["test"])


def durations(stage: Stage, word: Word, count: int = 40) -> np.ndarray:
    """Share of each phone in its word, in each realisation."""
    trials = [stage._trial(word, "train", k) for k in range(count)]
    actions = [trial.plan.actions[trial.target] for trial in trials]
    return np.array([[phone.duration_s / action.duration_s for phone in action.phones] for action in actions])


def test_level_timing_is_alike_in_words_that_look_alike(lexicon: Lexicon) -> None:
    """As spoken, /p/ takes a larger share of its word than /b/."""
    level, spoken = (Stage(find_judged("rules"), lexicon, clock=clock) for clock in ("level", "spoken"))
    shares = [[durations(one, word)[:, 0] for word in (PAT, BAT)] for one in (level, spoken)]
    differences = [abs(p.mean() - b.mean()) / np.hypot(p.std(), b.std()) for p, b in shares]
    assert differences[0] < 0.35
    assert differences[1] > 0.8


def test_slots_are_alike_for_long_and_short_words(stage: Stage) -> None:
    spans = []
    for word in (Word("WHY", True), Word("COMFORTABLE", True)):
        trials = [stage._trial(word, "train", k) for k in range(60)]
        spans.append([np.diff(trial.score.actions[trial.target]).item() for trial in trials])
    assert np.mean(spans[0]) == pytest.approx(np.mean(spans[1]), abs=0.06)


def test_contacts_last_a_frame_in_any_slot(stage: Stage) -> None:
    for k in range(30):
        for action in stage._trial(Word("POSSIBLE", True), "train", k).plan.actions:
            assert all(phone.duration_s > 1.2 / 30 for phone in action.phones if has_lip_contact(phone.symbol))
            assert action.phones[-1].end_s == action.end_s


def test_signs_are_told_apart_and_homophenes_are_not(lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minimal_pairs, "_HOMOPHENES", "pat bat")
    monkeypatch.setattr(minimal_pairs, "_NEAR", "pat fat")
    monkeypatch.setattr(minimal_pairs, "_NASALS", "pat mat")
    told: list[tuple[int, int]] = []
    report = judge_pairs(
        find_judged("rules"),
        lexicon,
        PairOptions(training=14, test=12),
        lambda done, total: told.append((done, total)),
        [(Word("WHY", True), Word("BECAUSE", True))],
    )
    figures = {row.name: row.cells[0].value for row in report.rows if row.cells[0]}
    assert figures["signs alike on the hands"] == figures["  WHY / BECAUSE"] > 0.95
    assert figures["words one visible phone apart"] > 0.9
    assert 0.25 < figures["homophenes"] < 0.75  # 24 trials.
    assert told[-1] == (8, 8)


def test_homophenes_are_words_of_the_same_visemes(stage: Stage) -> None:
    from slp_mouthing.evaluation.viseme_classifier import viseme
    from slp_mouthing.training.voices import Voice

    for pair in homophenes():
        looks = [[viseme(phone.symbol) for phone in stage._action(word, Voice("en-gb")).phones] for word in pair]
        assert looks[0] == looks[1], pair


def test_what_cannot_be_judged(stage: Stage, lexicon: Lexicon) -> None:
    with pytest.raises(LexiconError, match="'NOT-YET' is not mouthed"):
        stage.realise(Word("NOT-YET", True), "train", 1)
    with pytest.raises(InputError, match="no pairs of signs"):
        judge_pairs(find_judged("rules"), replace(lexicon, entries={}))
    with pytest.raises(InputError, match="at least 2"):
        PairOptions(test=1)
