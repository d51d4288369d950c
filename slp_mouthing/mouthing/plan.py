"""Utterance -> MouthingPlan: what the mouth does on each sign, when, and why.

Every sign stands on exactly one action. A mouthing over several signs (⌘, or spreading: what the BSL Corpus labels
Perseveration-M on the second sign) is one action of type Mouthing that names them all; a sign on which the mouth rests has an
action of type None.

Where the input times mouthings itself (a mouth tier), they keep their times, each stands on the signs below it, and the mouth
rests on the other signs.

A mouthing is fitted to its slot in this order: at natural speed or stretched, when there is room; else reduced to the fullest
form that fits at `min_stretch`; else spread onto a following pointing sign, or begun on one before; else compressed. Each of
these rules has a name and can be turned off: see `rulebook`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slp_mouthing.errors import InputError, InstallationError, MissingExtra, MouthError, SpeechError
from slp_mouthing.mouthing import reduction
from slp_mouthing.mouthing.planfile import plan_from_json, plan_to_json
from slp_mouthing.mouthing.rulebook import check_names
from slp_mouthing.mouthing.rules import NOTHING, Intent, intend, intend_mouthing, intend_span, placed
from slp_mouthing.mouthing.tier import free_slot, signs_under
from slp_mouthing.types import MouthAction, MouthingPlan, MouthOverride

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slp_mouthing.mouthing.lexicon import Lexicon
    from slp_mouthing.types import Phone, Reduction, Sign, TimedMouthing, Utterance

    Pronounce = Callable[[str | None, str | None], tuple[Phone, ...]]

__all__ = ["PlanOptions", "plan", "plan_from_json", "plan_to_json"]


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How the mouth follows the hands."""

    strict: bool = False
    """An unknown gloss is an error."""
    density: float = 1.0
    """Share of the signs that could do without it whose mouthing is kept, 0 to 1. Names, spelled words, overrides and signs that
    the mouth alone tells apart are always mouthed."""
    min_stretch: float = 0.75
    """Least duration over natural duration at which a mouthing still counts as fitting."""
    max_stretch: float = 1.8
    """Greatest; in a longer slot the mouth comes to rest early."""
    max_stretch_held: float = 2.2
    """Greatest for names, spelled words and mouthings over several signs, which are held."""
    lead_s: float = 0.06
    """By how much a whole mouthing starts after its slot when there is room: the hands get there first (as in BSL-1K)."""
    spread_gap_s: float = 0.12
    """Longest pause between two signs over which a mouthing spreads."""
    min_slot_s: float = 0.06
    """Slots below this show no mouthing unless the input asks for one: it would be a twitch."""
    fps: float = 30.0
    """Frame rate the plan is made for; it changes no time."""
    seed: int = 0
    """Of a signer's style: which mouthings are kept at a density below 1."""
    without: frozenset[str] = frozenset()
    """Names of the rules that are turned off, of `rulebook.NAMES`."""

    def __post_init__(self) -> None:
        check_names(self.without)
        if not 0.0 <= self.density <= 1.0:
            raise InputError(f"density is {self.density:g}, allowed: 0 to 1")


def plan(utterance: Utterance, lexicon: Lexicon, pronounce: Pronounce, options: PlanOptions | None = None) -> MouthingPlan:
    """What the mouth does on each sign of `utterance`.

    Args:
        utterance: signs with their slots.
        lexicon: what is known of their mouthings.
        pronounce: phones at natural speed from 0 s of words or, where the second argument is given, of IPA.
        options: how to fit mouthings to slots.

    Raises `InputError`, `LexiconError` (unknown gloss when strict) or `SpeechError`, each with its place in the input.
    """
    return _Planner(utterance, lexicon, pronounce, options or PlanOptions()).plan()


@dataclass(frozen=True, slots=True)
class _Form:
    """A mouthing, whole or reduced."""

    reduction: Reduction
    phones: tuple[Phone, ...]
    rule: str = ""

    @property
    def natural_s(self) -> float:
        return reduction.natural_s(self.phones)


class _Planner:
    def __init__(self, utterance: Utterance, lexicon: Lexicon, pronounce: Pronounce, options: PlanOptions) -> None:
        self.utterance, self.lexicon, self.options = utterance, lexicon, options
        self.signs = utterance.signs
        self.pronounce = pronounce
        self.pronounced: dict[tuple[str | None, str | None], tuple[Phone, ...]] = {}
        self.warnings = list(utterance.warnings)
        self.unknown: set[str] = set()
        self.off = self.options.without

    def plan(self) -> MouthingPlan:
        actions = self.timed() if self.utterance.mouthings else self.fitted()
        return MouthingPlan(
            self.signs,
            tuple(actions),
            tuple(self.warnings),
            self.utterance.name,
            self.options.fps,
            self.utterance.input,
            self.utterance.offset_s,
            self.utterance.question,
        )

    def fitted(self) -> list[MouthAction]:
        """What lexicon, rules and overrides ask for, fitted to the slots."""
        intents = list(self.thinned(self.intents()))
        actions: list[MouthAction] = []
        spread = False
        for previous, intent, following in zip([None, *intents], intents, [*intents[1:], None], strict=False):
            if spread:
                spread = False
                continue
            before = actions[-1] if previous and self.lends(previous, actions[-1], intent) else None
            actions.append(self.action(intent, following, before))
            if actions[-1].signs[0] < intent.first:
                del actions[-2]
            spread = actions[-1].signs[-1] > intent.last
        return actions

    def timed(self) -> list[MouthAction]:
        """What the input times itself, and the mouth at rest on the other signs."""
        mouthings = self.utterance.mouthings
        under = signs_under(mouthings, self.signs)
        actions = [self.timed_action(mouthing, signs) for mouthing, signs in zip(mouthings, under, strict=True)]
        for index in set(range(len(self.signs))).difference(*under):
            start_s, end_s = free_slot(self.signs[index], mouthings)
            rest = self.rest(Intent(index, index, NOTHING, "override", "the input has no mouthing here"))
            actions.append(replace(rest, start_s=start_s, end_s=end_s))
        return sorted(actions, key=lambda action: (action.start_s, action.end_s, action.signs))

    def timed_action(self, mouthing: TimedMouthing, signs: tuple[int, ...]) -> MouthAction:
        when: dict[str, Any] = {"start_s": mouthing.start_s, "end_s": mouthing.end_s, "signs": signs}
        try:
            intent = intend_mouthing(signs[0], signs[-1], mouthing)
            if intent.mouth.kind == "gesture":
                return replace(self.rest(intent), type="MG", gesture=intent.mouth.value, **when)
            phones = self.said(intent)
        except MouthError as error:
            return replace(self.unmouthable(signs[0], signs[-1], mouthing.override, error), **when)
        if not phones:
            return replace(self.silent(intent), **when)
        room_s = mouthing.end_s - mouthing.start_s
        # IPA is what was seen on the lips, sound by sound; a word stands for whatever form of it had room.
        forms = _forms(phones, intent, self.off) if intent.mouth.kind == "text" else [_Form("full", phones)]
        form = self.fitting(forms, room_s) or forms[-1]
        return MouthAction(
            type="Mouthing",
            text=_text(intent),
            ipa=reduction.ipa(form.phones),
            gesture=None,
            source=intent.source,
            reduction=form.reduction,
            stretch=room_s / form.natural_s,
            rule="; ".join(filter(None, (intent.rule, form.rule))),
            phones=form.phones,
            **when,
        )

    # -- what
    def intents(self) -> Iterator[Intent]:
        spans = {span.first: span for span in self.utterance.spans}
        index = 0
        while index < len(self.signs):
            sign = self.signs[index]
            try:
                if span := spans.get(index):
                    intent = intend_span(span.first, span.last, span.override)
                else:
                    intent = intend(sign, index, self.lexicon, strict=self.options.strict)
            except MouthError as error:
                rest = self.unmouthable(index, index, sign.override, error)
                intent = Intent(index, index, NOTHING, "override", rest.rule)
            if intent.warning:
                self.warn_once(sign, intent.warning)
            if intent.source == "lexicon" and intent.mouth.kind == "gesture" and "echo" in self.off:
                intent = replace(intent, mouth=NOTHING, source="rule", rule=f"{intent.mouth.value} left out without echo")
            yield intent
            index = intent.last + 1

    def thinned(self, intents: Iterator[Intent]) -> Iterator[Intent]:
        """Leaves out mouthings that are not needed down to the density, evenly but for what the seed decides."""
        share, kept = 0.0, 0
        chance = random.Random(f"density {self.options.seed}")
        bar = chance.random()
        for intent in intents:
            if intent.needed or intent.mouth == NOTHING or self.options.density == 1.0 or "density" in self.off:
                yield intent
                continue
            share += self.options.density
            if share >= kept + bar - 1e-9 and self.options.density > 0.0:
                # One of each run of signs in which the density has room for one.
                kept, bar = kept + 1, chance.random()
                yield intent
            else:
                yield replace(intent, mouth=NOTHING, source="rule", rule=f"left out at density {self.options.density:g}")

    # -- when
    def action(self, intent: Intent, following: Intent | None, before: MouthAction | None = None) -> MouthAction:
        if intent.mouth.kind == "none":
            return self.rest(intent)
        if intent.mouth.kind == "gesture":
            return replace(self.rest(intent), type="MG", gesture=intent.mouth.value)
        try:
            phones = self.said(intent)
        except MouthError as error:
            return self.unmouthable(intent.first, intent.last, intent.mouth, error)
        if not phones:
            return self.silent(intent)
        return self.mouthing(intent, _forms(phones, intent, self.off), following, before)

    def mouthing(self, intent: Intent, forms: list[_Form], following: Intent | None, before: MouthAction | None) -> MouthAction:
        room_s = self.room_s(intent.first, intent.last)
        wide_s = self.spread_room_s(intent, following)
        if wide_s and intent.spreads and self.fits(forms[0], wide_s):
            return self.placed(intent, forms[0], "spreads over the next sign", onto=intent.last + 1)
        if fitting := self.fitting(forms, room_s):
            return self.placed(intent, fitting)
        if wide_s:
            # Reduced mouthings do not spread, as a rule: the fullest form that the wider room takes.
            form = self.fitting(forms, wide_s) or forms[-1]
            return self.placed(intent, form, "spread over the next sign for room", onto=intent.last + 1)
        if before:
            form = self.fitting(forms, self.room_s(before.signs[0], intent.last)) or forms[-1]
            return self.placed(replace(intent, first=before.signs[0]), form, "begun on the sign before for room")
        if "short-slots" not in self.off and room_s < self.options.min_slot_s and intent.source != "override":
            self.warn(self.signs[intent.first], f"{self.signs[intent.first].gloss} is too short to be mouthed ({room_s:.2f} s)")
            return self.rest(replace(intent, source="rule", rule="the slot is too short to be mouthed"))
        return self.placed(intent, forms[-1])

    def placed(self, intent: Intent, form: _Form, rule: str = "", *, onto: int | None = None) -> MouthAction:
        """The form in its slot, or in its slot and the one of the sign `onto`."""
        last = intent.last if onto is None else onto
        slot_start_s, slot_end_s = self.signs[intent.first].start_s, self.signs[last].end_s
        room_s, natural_s = slot_end_s - slot_start_s, form.natural_s
        leads = form.reduction == "full" and "lead" not in self.off
        lead_s = min(self.options.lead_s, max(0.0, room_s - natural_s)) if leads else 0.0
        duration_s = min(room_s - lead_s, natural_s * self.longest(intent.held or onto is not None))
        start_s = slot_start_s + lead_s
        rules = [intent.rule, form.rule, rule]
        if duration_s < natural_s * self.options.min_stretch * (1 - 1e-9):
            rules.append("compressed")
            sign = self.signs[intent.first]
            self.warn(sign, f"{sign.gloss} has {room_s:.2f} s, its mouthing is compressed to {duration_s / natural_s:.0%}")
        return MouthAction(
            type="Mouthing",
            text=_text(intent),
            ipa=reduction.ipa(form.phones),
            gesture=None,
            start_s=start_s,
            end_s=min(start_s + duration_s, slot_end_s),
            signs=tuple(range(intent.first, last + 1)),
            source=intent.source,
            reduction=form.reduction,
            stretch=duration_s / natural_s,
            rule="; ".join(filter(None, rules)),
            phones=form.phones,
        )

    def longest(self, held: bool) -> float:
        """Greatest stretch."""
        if "stretching" in self.off:
            return 1.0
        return self.options.max_stretch_held if held and "holds" not in self.off else self.options.max_stretch

    def rest(self, intent: Intent) -> MouthAction:
        """The mouth at rest on the intent's signs."""
        return MouthAction(
            type="None",
            text=None,
            ipa=None,
            gesture=None,
            start_s=self.signs[intent.first].start_s,
            end_s=self.signs[intent.last].end_s,
            signs=tuple(range(intent.first, intent.last + 1)),
            source=intent.source,
            rule=intent.rule,
        )

    def silent(self, intent: Intent) -> MouthAction:
        """The mouth at rest, since the text asked for has no sound."""
        what = intent.mouth.value
        self.warn(self.signs[intent.first], f"nothing to mouth in '{what}', the mouth rests")
        return self.rest(replace(intent, rule=f"{intent.rule}: nothing to mouth in '{what}'"))

    def unmouthable(self, first: int, last: int, override: MouthOverride | None, error: MouthError) -> MouthAction:
        """The mouth at rest for what a corpus asks for and we cannot do; from anybody else it is an error."""
        fatal = isinstance(error, (InstallationError, MissingExtra))
        if fatal or self.options.strict or override is None or not override.lenient:
            raise placed(error, self.where(self.signs[first])) from error
        self.warn(self.signs[first], f"{error.what}, the mouth rests")
        return self.rest(Intent(first, last, NOTHING, "override", f"{override.value} cannot be mouthed"))

    def said(self, intent: Intent) -> tuple[Phone, ...]:
        """The mouthing; its word where the voice cannot say its IPA."""
        try:
            return self.phones(intent)
        except SpeechError as error:
            if isinstance(error, InstallationError) or intent.mouth.kind != "ipa" or not intent.word:
                raise
            self.warn(self.signs[intent.first], f"{error.what}, '{intent.word}' is said instead")
            return self.phones(replace(intent, mouth=MouthOverride("text", intent.word)))

    def phones(self, intent: Intent) -> tuple[Phone, ...]:
        """The mouthing at natural speed."""
        ipa = intent.mouth.value if intent.mouth.kind == "ipa" else None
        text = intent.mouth.value if intent.mouth.kind == "text" else intent.word
        if (text, ipa) not in self.pronounced:
            self.pronounced[text, ipa] = self.pronounce(text, ipa)
        return self.pronounced[text, ipa]

    def room_s(self, first: int, last: int) -> float:
        return self.signs[last].end_s - self.signs[first].start_s

    def spread_room_s(self, intent: Intent, following: Intent | None) -> float:
        """Time over this sign and the next, when the next can take the mouthing; else 0."""
        if following is None or not following.takes_spread or "perseveration" in self.off:
            return 0.0
        gap_s = self.signs[following.first].start_s - self.signs[intent.last].end_s
        return self.room_s(intent.first, following.last) if gap_s <= self.options.spread_gap_s else 0.0

    def lends(self, previous: Intent, before: MouthAction, intent: Intent) -> bool:
        """Whether a mouthing without room can begin on the pointing sign before it, on which the mouth rests."""
        sign = self.signs[previous.last]
        rests = before.type == "None" and previous.takes_spread and sign.kind == "pointing"
        gap_s = self.signs[intent.first].start_s - sign.end_s
        return rests and "anticipation" not in self.off and gap_s <= self.options.spread_gap_s

    def fits(self, form: _Form, room_s: float) -> bool:
        return form.natural_s * self.options.min_stretch <= room_s + 1e-9

    def fitting(self, forms: list[_Form], room_s: float) -> _Form | None:
        return next((form for form in forms if self.fits(form, room_s)), None)

    # -- words for the user
    def where(self, sign: Sign) -> str:
        name = self.utterance.input or self.utterance.name
        place = f"{sign.line}:{sign.column}" if sign.line else sign.gloss
        return f"{name}:{place}" if name else place

    def warn(self, sign: Sign, text: str) -> None:
        self.warnings.append(f"{self.where(sign)}: {text}")

    def warn_once(self, sign: Sign, text: str) -> None:
        """Once per gloss; near misses are looked for only as long as somebody will read them."""
        if sign.gloss in self.unknown:
            return
        self.unknown.add(sign.gloss)
        near = self.lexicon.near(sign.gloss) if len(self.unknown) <= 20 and text.startswith("unknown") else []
        self.warn(sign, f"{text}; did you mean {' or '.join(near)}?" if near else text)


def _text(intent: Intent) -> str | None:
    return intent.word or (intent.mouth.value if intent.mouth.kind == "text" else None)


_RULES: dict[Reduction, str] = {
    "full": "",
    "tonic": "cut after the stressed syllable",
    "first_syllable": "cut to the first syllable",
    "first_consonant": "cut to the first consonant",
}


def _form(name: Reduction, phones: tuple[Phone, ...]) -> _Form:
    """A reduction; of a word too short for it, the whole mouthing under its own name."""
    kept = reduction.REDUCTIONS[name](phones)
    whole = [phone.symbol for phone in kept] == [phone.symbol for phone in phones]
    return _Form("full", kept) if whole else _Form(name, kept, _RULES[name])


def _forms(phones: tuple[Phone, ...], intent: Intent, off: frozenset[str]) -> list[_Form]:
    """The mouthing and its reductions, fullest first, each shorter than the one before."""
    names = list(reduction.REDUCTIONS)
    allowed = names[:1] if "reduction" in off else names[names.index(intent.reduction) :]
    forms = [_form(name, phones) for name in allowed]
    if intent.repeat > 1 and "repetition" not in off:
        syllables = len({phone.syllable for phone in phones})
        name: Reduction = "first_syllable" if syllables > 1 else "full"
        times = range(intent.repeat, 1, -1)
        forms[:0] = [_Form(name, reduction.repeated(phones, n), f"repeated {n} times with the hands") for n in times]
    shorter: list[_Form] = []
    for form in forms:
        if form.phones and (not shorter or form.natural_s < shorter[-1].natural_s - 1e-9):
            shorter.append(form)
    return shorter
