"""Every rule has a name, a source, and a switch that does what it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from slp_mouthing.cli.main import run
from slp_mouthing.errors import InputError
from slp_mouthing.mouthing.plan import plan_from_json
from slp_mouthing.mouthing.rulebook import NAMES, RULEBOOK
from slp_mouthing.notation import parse
from slp_mouthing.pipeline import Studio

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import MouthingPlan

EVERYTHING = (
    "NAME@1.4-1.6 SN:PETER@1.6-4 PT:PRO1SG@4-4.2 BECAUSE@4.2-4.28 CORNWALL@4.4-4.7 AREA@4.7-4.9 NOT-YET@5-5.4 HOME@6-6.03 WHY@7-8"
)
"""Something for each rule of the mouth, but for repetition and density."""


def planned(text: str, **settings: Any) -> MouthingPlan:
    return Studio(**settings).plan(parse(text)[0])


def shown(made: MouthingPlan) -> list[tuple[object, ...]]:
    actions = [(a.type, a.ipa, a.gesture, round(a.start_s, 3), round(a.end_s, 3), a.signs) for a in made.actions]
    return [*actions, *((b.shape, b.start_s) for b in made.brows)]


@pytest.mark.parametrize(
    ("name", "text", "settings"),
    [
        *((name, EVERYTHING, {}) for name in NAMES if name in (
            "reduction", "perseveration", "anticipation", "stretching", "holds", "lead", "echo", "short-slots", "wh_question")),
        ("density", EVERYTHING, {"density": 0.1}),
        ("yes_no_question", "YOU HAPPY ?", {}),
        ("topic", "HOUSE@0-0.5 LIVE@0.8-1.2 THERE@1.2-1.5", {}),
        ("negation", "ME NOT GO", {}),
    ],
)  # fmt: skip
def test_each_switch_changes_the_plan(name: str, text: str, settings: dict[str, Any]) -> None:
    assert shown(planned(text, **settings)) != shown(planned(text, without_rules=(name,), **settings))


def test_repetition_can_be_turned_off() -> None:
    on, off = (planned("KOKEN@0.8", lexicons="ngt", without_rules=names).actions[0] for names in ((), ("repetition",)))
    assert (on.ipa, off.ipa) == ("ˈkoːˈkoː", "ˈkoːkən")


def test_a_mouthing_without_room_begins_on_the_pointing_sign_before_it() -> None:
    (action,) = planned("PT:PRO1SG@0-0.3 BECAUSE@0.3-0.38").actions
    assert (action.signs, action.start_s, action.type) == ((0, 1), 0.0, "Mouthing")
    assert "begun on the sign before" in action.rule


def test_the_seed_is_a_signers_style() -> None:
    text = "HOUSE TEA COFFEE BREAD SUGAR MILK TABLE CAR TRAIN BOOK SCHOOL WORK"
    kept = {seed: [a.type == "Mouthing" for a in planned(text, density=0.5, seed=seed).actions] for seed in range(6)}
    assert kept[3] == [a.type == "Mouthing" for a in planned(text, density=0.5, seed=3).actions]
    assert all(5 <= sum(one) <= 7 for one in kept.values())
    assert len({tuple(one) for one in kept.values()}) > 2


def test_rules_are_listed_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--rules"]) == 0
    told = capsys.readouterr().out
    assert all(rule.name in told and rule.source in told for rule in RULEBOOK)


def test_an_unknown_rule_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="did you mean anticipation"):
        Studio(without_rules=("anticipate",))
    assert run(["plan"]) == 2
    assert "INPUT" in capsys.readouterr().err


def test_the_brows_are_in_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gloss = tmp_path / "ask.txt"
    gloss.write_text("YOU LATE WHY\n", encoding="utf-8")
    assert run(["plan", str(gloss)]) == 0
    assert "brows: wh question" in capsys.readouterr().out
    assert run(["plan", str(gloss), "--json"]) == 0
    text = capsys.readouterr().out
    assert [brow["shape"] for brow in json.loads(text)["brows"]] == ["wh_question"]
    assert plan_from_json(text).brows == planned("YOU LATE WHY").brows
    assert run(["plan", str(gloss), "--without-rule", "wh_question"]) == 0
    assert "brows" not in capsys.readouterr().out


def test_a_word_stands_in_for_ipa_that_a_voice_cannot_say(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("lexicon: {language: fsl, voice: fr}\nentries: {JOB: {mouthing: job, ipa: dʒɔb}}\n", encoding="utf-8")
    made = planned("JOB@0.6", lexicons=str(path))
    assert made.actions[0].phones
    assert "'job' is said instead" in made.warnings[0]
