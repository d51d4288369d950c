"""Plans: what decides, how mouthings fit their slots, and that every sign has exactly one action."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError, InstallationError, LexiconError, SpeechError
from slp_mouthing.mouthing.lexicon_file import parse as parse_lexicon
from slp_mouthing.mouthing.plan import PlanOptions, plan, plan_from_json, plan_to_json
from slp_mouthing.mouthing.reduction import is_closure
from slp_mouthing.types import MouthAction, MouthingPlan, MouthOverride, MouthSpan, Phone, Sign, SignKind, Utterance

if TYPE_CHECKING:
    from collections.abc import Callable

    Pronounce = Callable[[str | None, str | None], tuple[Phone, ...]]
    Planner = Callable[..., MouthingPlan]

LEXICON = parse_lexicon(
    """
    entries:
      WHY: {mouthing: why, contrasts: [BECAUSE]}
      BECAUSE: because
      GOVERNMENT: government
      DEAF: {mouthing: deaf, spreads: true}
      AREA: {mouthing: area, takes_spread: true}
      COOK: {ipa: ˈkəʊ.kən, mouthing: koken, repeat: 2}
      READ-PAST: {ipa: ɹɛd, mouthing: read}
      NOT-YET: {gesture: shh}
      FEEL:
      NOW: now
      SUSHI: {mouthing: because, reduction: first_syllable}
      REASON: {mouthing: why, reduction: first_syllable}
    """,
    "test.yaml",
)
KINDS: dict[str, SignKind] = {"PT:": "pointing", "FS:": "fingerspelling", "SN:": "name", "DS": "depicting", "G:": "gesture"}
KIND_BY_GLOSS: dict[str, SignKind] = {"LBUOY": "buoy", "FALSE-START": "unknown"}


def sign(gloss: str, start_s: float, end_s: float, override: MouthOverride | None = None) -> Sign:
    kind = KIND_BY_GLOSS.get(gloss) or next((kind for prefix, kind in KINDS.items() if gloss.startswith(prefix)), "lexical")
    text = gloss[3:] or None if kind in ("fingerspelling", "name") else None
    return Sign(gloss, kind, start_s, end_s, text, override, line=3, column=1 + round(start_s * 10))


def utterance(*signs: tuple[str, float] | tuple[str, float, MouthOverride], spans: tuple[MouthSpan, ...] = ()) -> Utterance:
    """Signs one after the other, each with its duration."""
    placed: list[Sign] = []
    now_s = 0.0
    for gloss, duration_s, *override in signs:
        placed.append(sign(gloss, now_s, now_s + duration_s, *override))
        now_s += duration_s
    return Utterance(tuple(placed), spans, name="talk")


@pytest.fixture(scope="module")
def make(pronounce: Pronounce) -> Planner:
    """The plan of signs, options by keyword."""

    def planned(*signs: tuple[str, float], spans: tuple[MouthSpan, ...] = (), **options: float) -> MouthingPlan:
        return plan(utterance(*signs, spans=spans), LEXICON, pronounce, PlanOptions(**options))  # type: ignore[arg-type]

    return planned


def said(action: MouthAction) -> str:
    return "".join(phone.symbol for phone in action.phones)


# ---- what -----------------------------------------------------------------------------------------------------------------
def test_the_input_goes_before_the_lexicon(make: Planner) -> None:
    actions = make(
        ("WHY", 0.5, MouthOverride("text", "now")),
        ("WHY", 0.5, MouthOverride("ipa", "bɪ.ˈkɒz")),
        ("WHY", 0.5, MouthOverride("gesture", "C01")),
        ("WHY", 0.5, MouthOverride("none")),
        ("WHY", 0.5),
    ).actions
    assert [(a.type, a.text, a.ipa, a.gesture, a.source) for a in actions] == [
        ("Mouthing", "now", "naʊ", None, "override"),
        ("Mouthing", None, "bɪˈkɒz", None, "override"),
        ("MG", None, None, "puffed-cheeks", "override"),
        ("None", None, None, None, "override"),
        ("Mouthing", "why", "waɪ", None, "lexicon"),
    ]


def test_lexicon_entries(make: Planner) -> None:
    actions = make(("READ-PAST", 0.5), ("NOT-YET", 0.5), ("FEEL", 0.5), ("?WHY2", 0.5), ("WHY^NOW", 0.8)).actions
    assert [(a.type, a.text, a.ipa, a.gesture, a.source) for a in actions] == [
        ("Mouthing", "read", "ɹɛd", None, "lexicon"),
        ("MG", None, None, "shh", "lexicon"),
        ("None", None, None, None, "lexicon"),
        ("Mouthing", "why", "waɪ", None, "lexicon"),
        ("Mouthing", "why now", "ˈwhynow", None, "lexicon"),
    ]


def test_rules_by_kind(make: Planner) -> None:
    made = make(("PT:PRO1SG", 0.3), ("DSEW(2)-MOVE", 0.6), ("G:WELL", 0.3), ("LBUOY", 0.5), ("FS:LEEDS", 0.9), ("SN:Ann", 0.8))
    assert [(a.type, a.text, a.source) for a in made.actions] == [
        ("None", None, "rule"),
        ("None", None, "rule"),
        ("None", None, "rule"),
        ("None", None, "rule"),
        ("Mouthing", "leeds", "rule"),
        ("Mouthing", "Ann", "rule"),
    ]
    assert not made.warnings


def test_an_unknown_gloss_is_mouthed_by_its_words_and_told_once(make: Planner) -> None:
    made = make(("RED-BUS2", 0.9), ("RED-BUS2", 0.9), ("BECUASE", 0.9))
    assert [(a.text, a.source) for a in made.actions][:2] == [("red bus", "default")] * 2
    assert made.warnings == (
        "talk:3:1: unknown gloss RED-BUS2, mouthed as 'red bus'",
        "talk:3:19: unknown gloss BECUASE, mouthed as 'becuase'; did you mean BECAUSE?",
    )


def test_strict_refuses_an_unknown_gloss(make: Planner) -> None:
    with pytest.raises(LexiconError, match=r"talk:3:6: unknown gloss BECUASE; did you mean BECAUSE"):
        make(("WHY", 0.5), ("BECUASE", 0.5), strict=True)
    make(("WHY", 0.5), ("PT:PRO2SG", 0.3), ("FS:ZZZ", 0.8), strict=True)


def test_an_unknown_gesture_is_an_error_with_its_place(make: Planner) -> None:
    with pytest.raises(InputError, match=r"talk:3:6: unknown mouth gesture 'puffed-cheks'; did you mean puffed-cheeks"):
        make(("WHY", 0.5), ("NOW", 0.5, MouthOverride("gesture", "puffed-cheks")))


def test_an_error_of_the_voice_has_its_place() -> None:
    def silent(text: str | None, ipa: str | None) -> tuple[Phone, ...]:
        raise SpeechError("unknown symbol '%'", hint="write IPA")

    with pytest.raises(SpeechError, match="talk:3:1: unknown symbol"):
        plan(utterance(("WHY", 0.5)), LEXICON, silent)


@pytest.mark.parametrize("lenient", [False, True])
def test_a_broken_installation_is_no_fault_of_the_gloss(lenient: bool) -> None:
    fault = InstallationError("espeak-ng's file is missing", where="/data/phontab", hint="install it again")

    def broken(text: str | None, ipa: str | None) -> tuple[Phone, ...]:
        raise fault

    with pytest.raises(InstallationError, match=r"^/data/phontab: espeak-ng's file is missing; install it again$"):
        plan(utterance(("WHY", 0.5, MouthOverride("text", "why", lenient=lenient))), LEXICON, broken)


def test_nothing_to_say_is_rest_with_a_warning(make: Planner) -> None:
    made = make(("WHY", 0.5, MouthOverride("text", "!?")), ("FS:", 0.5), ("FALSE-START", 0.4))
    assert [a.type for a in made.actions] == ["None", "None", "None"]
    assert len(made.warnings) == 3


def test_density_leaves_out_what_can_be_spared(make: Planner) -> None:
    signs = [("NOW", 0.5), ("GOVERNMENT", 0.8)] * 5 + [
        ("WHY", 0.5),
        ("SN:ANN", 0.8),
        ("READ-PAST", 0.5, MouthOverride("text", "now")),
    ]
    counts = {x: sum(a.type == "Mouthing" for a in make(*signs, density=x).actions) for x in (0.0, 0.5, 1.0)}
    assert counts == {0.0: 3, 0.5: 8, 1.0: 13}
    with pytest.raises(InputError, match="density"):
        PlanOptions(density=1.5)


# ---- when -----------------------------------------------------------------------------------------------------------------
def test_with_room_a_mouthing_is_stretched_up_to_a_limit(make: Planner) -> None:
    short, long = make(("BECAUSE", 0.5), ("BECAUSE", 3.0)).actions
    assert short.stretch == pytest.approx((0.5 - 0.06) / 0.4)
    assert (short.start_s, short.end_s) == pytest.approx((0.06, 0.5))
    assert long.stretch == pytest.approx(PlanOptions().max_stretch)
    assert long.end_s < 3.5


def test_names_are_held_longer(make: Planner) -> None:
    name, word = make(("SN:now", 2.0), ("NOW", 2.0)).actions
    assert name.duration_s > word.duration_s


@pytest.mark.parametrize(
    ("duration_s", "form", "mouthed"),
    [(0.80, "full", "ɡʌvənmənt"), (0.55, "full", "ɡʌvənmənt"), (0.50, "tonic", "ɡʌv"), (0.18, "tonic", "ɡʌv")],
)
def test_reduction_before_compression(make: Planner, duration_s: float, form: str, mouthed: str) -> None:
    made = make(("GOVERNMENT", duration_s))
    (action,) = made.actions
    assert (action.reduction, said(action)) == (form, mouthed)
    assert action.stretch >= 0.75 - 1e-9
    assert not made.warnings


def test_reduction_is_stepwise(make: Planner) -> None:
    forms = {d: make(("BECAUSE", d)).actions[0] for d in (0.31, 0.29, 0.13)}
    assert [(a.reduction, said(a)) for a in forms.values()] == [
        ("full", "bɪkɒz"),
        ("first_syllable", "bɪ"),
        ("first_syllable", "bɪ"),
    ]


def test_a_usual_reduction_is_taken_with_room(make: Planner) -> None:
    (action,) = make(("SUSHI", 0.6)).actions
    assert (action.reduction, said(action)) == ("first_syllable", "bɪ")


def test_a_word_too_short_for_its_usual_reduction_is_whole_and_said_so(make: Planner) -> None:
    (action,) = make(("REASON", 0.6)).actions
    assert (action.reduction, said(action)) == ("full", "waɪ")
    assert "cut" not in action.rule


def test_too_little_room_spreads_onto_a_pointing_sign(make: Planner) -> None:
    made = make(("WHY", 0.10), ("PT:PRO2SG", 0.30), ("NOW", 0.4))
    assert [a.signs for a in made.actions] == [(0, 1), (2,)]
    assert made.actions[0].reduction == "full"
    assert "spread" in made.actions[0].rule
    assert made.actions[0].end_s <= 0.4


@pytest.mark.parametrize("between", [("NOW", 0.3), ("PT:PRO2SG", 0.3, MouthOverride("none"))])
def test_no_spreading_onto_other_signs_or_what_the_input_forbids(make: Planner, between: tuple[str, float]) -> None:
    assert [a.signs for a in make(("WHY", 0.10), between).actions] == [(0,), (1,)]


def test_no_spreading_over_a_pause(pronounce: Pronounce) -> None:
    apart = Utterance((sign("WHY", 0.0, 0.1), sign("PT:PRO2SG", 0.5, 0.8)))
    assert [a.signs for a in plan(apart, LEXICON, pronounce).actions] == [(0,), (1,)]


def test_some_signs_spread_even_with_room(make: Planner) -> None:
    made = make(("DEAF", 0.5), ("PT:PRO2SG", 0.3), ("DEAF", 0.5), ("AREA", 0.4), ("DEAF", 0.5), ("NOW", 0.5))
    assert [a.signs for a in made.actions] == [(0, 1), (2, 3), (4,), (5,)]


def test_at_last_it_is_compressed_and_told(make: Planner) -> None:
    made = make(("NOW", 0.16), ("WHY", 0.08))
    assert [a.reduction for a in made.actions] == ["first_consonant", "full"]
    (action,) = make(("WHY", 0.08)).actions
    assert (action.start_s, action.end_s) == (0.0, 0.08)
    assert "compressed" in action.rule
    assert "compressed" in make(("WHY", 0.08)).warnings[0]


def test_a_slot_of_a_frame_shows_no_mouthing_unless_asked(make: Planner) -> None:
    rest, asked = make(("WHY", 0.04), ("WHY", 0.04, MouthOverride("text", "why"))).actions
    assert (rest.type, asked.type) == ("None", "Mouthing")


def test_hands_that_repeat_take_the_first_syllable_along(make: Planner) -> None:
    twice, once = make(("COOK", 0.5), ("COOK", 0.15)).actions
    assert (said(twice), twice.reduction) == ("kəʊkəʊ", "first_syllable")
    assert said(once) == "kəʊ"


def test_a_span_is_one_action_over_its_signs(make: Planner) -> None:
    span = MouthSpan(MouthOverride("text", "because"), 1, 2)
    made = make(("NOW", 0.4), ("WHY", 0.4), ("PT:LOC", 0.3), ("NOW", 0.4), spans=(span,))
    assert [a.signs for a in made.actions] == [(0,), (1, 2), (3,)]
    assert (made.actions[1].text, made.actions[1].source) == ("because", "override")
    assert 0.4 <= made.actions[1].start_s < made.actions[1].end_s <= 1.1


def test_an_utterance_without_signs(pronounce: Pronounce) -> None:
    assert plan(Utterance(()), LEXICON, pronounce).actions == ()


# ---- properties -----------------------------------------------------------------------------------------------------------
glosses = st.sampled_from(
    [
        "WHY",
        "BECAUSE",
        "GOVERNMENT",
        "DEAF",
        "AREA",
        "COOK",
        "NOT-YET",
        "FEEL",
        "NOPE",
        "PT:PRO1SG",
        "FS:LEEDS",
        "SN:ANN",
        "DSH",
        "G:X",
    ]
)
overrides = st.sampled_from(
    [None, None, None, MouthOverride("none"), MouthOverride("text", "because"), MouthOverride("gesture", "mm")]
)
tokens = st.tuples(glosses, st.floats(0.04, 1.5), st.sampled_from([0.0, 0.0, 0.05, 0.5]), overrides)


@given(rows=st.lists(tokens, min_size=1, max_size=8), density=st.sampled_from([1.0, 1.0, 0.4]))
@settings(deadline=None, max_examples=150)
def test_every_sign_has_one_action_inside_its_slot(
    pronounce: Pronounce, rows: list[tuple[str, float, float, MouthOverride | None]], density: float
) -> None:
    signs: list[Sign] = []
    now_s = 0.0
    for gloss, duration_s, gap_s, override in rows:
        signs.append(sign(gloss, now_s + gap_s, now_s + gap_s + duration_s, override))
        now_s = signs[-1].end_s
    made = plan(Utterance(tuple(signs), name="talk"), LEXICON, pronounce, PlanOptions(density=density))
    assert [i for action in made.actions for i in action.signs] == list(range(len(signs)))
    for action in made.actions:
        first, last = signs[action.signs[0]], signs[action.signs[-1]]
        assert first.start_s <= action.start_s < action.end_s <= last.end_s
        assert bool(action.phones) == (action.type == "Mouthing")
        if action.phones and first.duration_s >= 0.16:
            whole = pronounce(action.text, None if action.text != "koken" else "ˈkəʊ.kən")
            assert any(map(is_closure, action.phones)) == any(map(is_closure, whole))
    assert plan_to_json(plan_from_json(plan_to_json(made))) == plan_to_json(made)


# ---- files ----------------------------------------------------------------------------------------------------------------
def test_a_plan_file_reads_back(make: Planner) -> None:
    made = make(("WHY", 0.5), ("PT:PRO2SG", 0.2), ("NOPE", 0.5), ("NOT-YET", 0.4))
    back = plan_from_json(plan_to_json(made), "talk.plan.json")
    assert back.actions == tuple(
        replace(a, phones=(), start_s=round(a.start_s, 6), end_s=round(a.end_s, 6), stretch=round(a.stretch, 6))
        for a in made.actions
    )
    assert [(s.gloss, s.kind) for s in back.signs] == [(s.gloss, s.kind) for s in made.signs]
    assert (back.name, back.fps, back.warnings) == (made.name, made.fps, made.warnings)


def test_a_plan_file_has_the_documented_keys(make: Planner) -> None:
    content = json.loads(plan_to_json(make(("WHY", 0.5))))
    assert content.keys() >= {"version", "fps", "signs", "actions", "warnings"}
    assert content["signs"] == [{"gloss": "WHY", "kind": "lexical", "start_s": 0.0, "end_s": 0.5}]
    assert content["actions"][0].keys() >= {
        "type", "text", "ipa", "gesture", "start_s", "end_s", "signs", "source", "reduction", "stretch",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"version": 1', '"version": 7', "version 7"),
        ('"signs": [0]', '"signs": [5]', r"actions\[0\].signs"),
        ('"source": "lexicon"', '"source": "me"', "one of lexicon, rule"),
        ('"type": "Mouthing"', '"type": 3', "one of Mouthing"),
        ('"start_s": 0.0,', '"start_s": "0",', "a number"),
        ('"start_s": 0.0,', '"start_s": NaN,', "a number"),
        ('"start_s": 0.0,', '"start_s": 9,', "at least its start"),
        ('"kind": "lexical", ', "", "lacks kind"),
        ('"warnings": []', '"warnings": {}', "a list"),
        ('"fps"', "fps", "not JSON"),
        ('"fps": 30.0', '"fps": ' + "9" * 5000, "not JSON"),
    ],
)
def test_a_damaged_plan_file_names_what_is_wrong(make: Planner, old: str, new: str, said: str) -> None:
    text = plan_to_json(make(("WHY", 0.5)))
    assert old in text
    with pytest.raises(InputError, match=said) as caught:
        plan_from_json(text.replace(old, new, 1), "talk.plan.json")
    assert caught.value.where == "talk.plan.json"
