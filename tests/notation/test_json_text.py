"""JSON: lists of signs, and plans read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError
from slp_mouthing.mouthing.plan import plan_to_json
from slp_mouthing.notation import read
from slp_mouthing.types import MouthAction, MouthingPlan, MouthOverride, Sign

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHY = {"gloss": "WHY", "start_s": 0.2, "end_s": 0.68}


@pytest.fixture
def file(tmp_path: Path) -> Callable[[object], Path]:
    def write(content: object) -> Path:
        path = tmp_path / "signs.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def test_signs(file: Callable[[object], Path]) -> None:
    rows = [{**WHY, "mouth": "why"}, {"gloss": "FS:LEEDS"}, {"gloss": "X", "mouth": "%C01"}, {"gloss": "Y", "mouth": ""}]
    (utterance,) = read(file({"signs": rows}))
    first, second, third, last = utterance.signs
    assert (first.start_s, first.end_s, first.override) == (0.2, 0.68, MouthOverride("text", "why"))
    assert (second.start_s, second.kind, second.text, second.override) == (0.68, "fingerspelling", "LEEDS", None)
    assert (third.override, last.override) == (MouthOverride("gesture", "C01"), MouthOverride("none"))


def test_a_list_is_an_utterance_each_and_a_bad_one_leaves_the_others(file: Callable[[object], Path]) -> None:
    good = {"signs": [WHY]}
    utterances = read(file([good, {"signs": [{}]}, good]))
    assert [utterance.name for utterance in utterances] == ["signs-001", "signs-003"]
    assert "[1].signs[0].gloss is missing" in utterances[0].warnings[0]


def test_a_plan_comes_back_with_its_times(tmp_path: Path) -> None:
    signs = (Sign("WHY", "lexical", 0.0, 0.5), Sign("PT:LOC", "pointing", 0.5, 0.7), Sign("WELL", "gesture", 0.7, 1.0))
    actions = (
        MouthAction("Mouthing", "why", "waɪ", None, 0.06, 0.6, (0, 1), "lexicon"),
        MouthAction("MG", None, None, "puffed-cheeks", 0.7, 1.0, (2,), "override"),
    )
    path = tmp_path / "a.plan.json"
    path.write_text(plan_to_json(MouthingPlan(signs, actions, offset_s=3.5)), encoding="utf-8")
    (utterance,) = read(path)
    assert utterance.signs == signs
    assert utterance.offset_s == 3.5
    found = [(m.override.kind, m.override.value, m.word, m.start_s, m.end_s) for m in utterance.mouthings]
    assert found == [("ipa", "waɪ", "why", 0.06, 0.6), ("gesture", "puffed-cheeks", "", 0.7, 1.0)]


def test_a_plan_without_a_mouthing_stays_at_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.plan.json"
    rest = MouthAction("None", None, None, None, 0.0, 0.5, (0,), "rule")
    path.write_text(plan_to_json(MouthingPlan((Sign("WHY", "lexical", 0.0, 0.5),), (rest,))), encoding="utf-8")
    assert read(path)[0].signs[0].override == MouthOverride("none")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", r"json:1:2: is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("9" * 5000, "is not JSON that can be read"),
        ("[]", "no sign"),
        ({}, "signs is missing"),
        ({"signs": {}}, "signs is {}, expected a list"),
        ({"signs": [1]}, r"signs\[0\] is 1, expected an object"),
        ({"signs": [{"gloss": " "}]}, "expected a gloss"),
        ({"signs": [{"gloss": "A\x07"}]}, "expected text"),
        ({"signs": [{"gloss": "A\ud800"}]}, "expected text"),
        ({"signs": [{**WHY, "end_s": 0.1}]}, r"end_s is 0.1, expected above its start"),
        ({"signs": [{**WHY, "end_s": True}]}, "expected seconds"),
        ('{"signs": [{"gloss": "A", "start_s": NaN}]}', "expected seconds"),
        ({"signs": [WHY, WHY]}, r"signs\[1\].start_s is 0.2, expected at least 0.68"),
        ({"signs": [{**WHY, "kind": "verb"}]}, "expected one of"),
        ({"signs": [{**WHY, "mouth": "/a"}]}, "is not IPA"),
        ({"signs": [WHY], "actions": [{"text": "a", "start_s": 1, "end_s": 1}]}, "above its start"),
    ],
)
def test_errors_name_the_value(file: Callable[[object], Path], content: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(file(content))
    assert "\n" not in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["signs", "actions", "gloss", "start_s", "end_s", "mouth", "kind", "text", "offset_s"]), inner
        )
    ),
    max_leaves=12,
)


@given(anything)
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_read_or_refused(file: Callable[[Any], Path], content: Any) -> None:
    try:
        read(file(json.dumps({"signs": [content]} if not isinstance(content, dict) else content)))
    except InputError as error:
        assert "\n" not in str(error)
