"""Glosses on the clock of a recording: each mouthing where its word is said, with the sounds as long as they are said.

The recording is the clock. A sign whose times the input gives keeps them; one without stands where its word is said, and the
signs between two words share the time between these. The mouth always follows the sound: a mouthing lies where its word is
heard, even if its sign stands elsewhere. A word that is not heard is mouthed in its sign's slot, as the voice would say it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from slp_mouthing.errors import InputError
from slp_mouthing.mouthing import reduction
from slp_mouthing.speech.alignment import Word, align, words_of
from slp_mouthing.types import Phone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slp_mouthing.speech.alignment import SpokenWord
    from slp_mouthing.speech.recording import Recording
    from slp_mouthing.types import MouthAction, MouthingPlan, Sign, Utterance

    Pronounce = Callable[[str | None, str | None], tuple[Phone, ...]]
    Key = tuple[int, int]
    """Of a mouthing: its first sign, and how many other mouthings that sign has before it."""

MARGIN_S = 1.0
"""Heard before and after an utterance that is part of a longer recording."""
_PAUSE_S = 0.05
"""Gaps between the words of one mouthing from which on the mouth pauses."""
_SHORTEST_S = 0.02
"""What is left of a mouth action beside a spoken one, if it is to be seen."""
_NATURAL_SHARE = 0.5
"""Of the durations of the signs between two words: the least that they get, where the words leave less."""
_GIVEN_SHARE = 1 / 3
"""Of a word's duration: the most that its own sign gives them."""
_TIME_GRID = 6
"""Times of signs are kept to a microsecond."""
_NAMED = 8
"""Words that a warning names."""


@dataclass(frozen=True, slots=True)
class Said:
    """A mouthing as it is said, on the utterance's clock."""

    phones: tuple[Phone, ...]
    natural_s: float
    """How long the voice would take for it."""

    @property
    def start_s(self) -> float:
        return self.phones[0].start_s

    @property
    def end_s(self) -> float:
        return self.phones[-1].end_s


def dub(
    utterance: Utterance, recording: Recording, plan: Callable[[Utterance], MouthingPlan], pronounce: Pronounce
) -> MouthingPlan:
    """The plan of an utterance as `recording` says it.

    Args:
        plan: decides what the mouth does on each sign.
        pronounce: phones at natural speed of words or, where the second argument is given, of IPA.

    Raises `MouthError` as these do, and `MissingExtra` without pocketsphinx.
    """
    heard, notes = hear(plan(utterance), recording, pronounce)
    moved = plan(replace(utterance, signs=_moved(utterance, heard)))
    spoken = [as_said(action, heard[key], recording.name) for key, action in keyed(moved) if key in heard]
    others = [action for key, action in keyed(moved) if key not in heard]
    actions, lost = _beside(spoken, others)
    far = [_far(action, moved) for action in spoken]
    notes = [*recording.warnings, *moved.warnings, *notes, *(f"{recording.name}: {note}" for note in (*filter(None, far), *lost))]
    return replace(moved, actions=tuple(actions), warnings=tuple(notes))


def check_places(utterances: Sequence[Utterance], recording: Recording) -> None:
    """Raises `InputError` when several utterances do not say where each is on the recording's clock."""
    if len(utterances) > 1 and not any(utterance.offset_s for utterance in utterances):
        what = f"{len(utterances)} utterances, a recording is of one"
        raise InputError(what, where=recording.name, hint="render them one by one, each with its own recording")


# ---- what is said ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Asked:
    """A mouthing to be found."""

    key: Key
    text: str
    words: tuple[Word, ...]


def hear(plan: MouthingPlan, recording: Recording, pronounce: Pronounce) -> tuple[dict[Key, Said], list[str]]:
    """Each mouthing of `plan` that is said, on the plan's clock, and what the user should know of the others."""
    asked = [_asked(key, action, pronounce) for key, action in keyed(plan) if action.phones]
    if not asked:
        return {}, [f"{recording.name}: nothing is mouthed, so nothing is looked for"]
    words = [word for mouthing in asked for word in mouthing.words]
    transcript = [Word(text, pronounce(text, None)) for text in words_of(recording.transcript)]
    heard = _excerpt(plan, recording)
    alignment = align(heard, transcript or words)
    spoken = _matched(words, alignment.words) if transcript else list(alignment.words)
    found: dict[Key, Said] = {}
    for mouthing in asked:
        own, spoken = [word for word in spoken[: len(mouthing.words)] if word], spoken[len(mouthing.words) :]
        if 2 * len(own) >= len(mouthing.words) and own:
            found[mouthing.key] = _said(own, mouthing, heard.start_s - plan.offset_s)
    return found, list(_notes(asked, found, recording, doubtful=alignment.doubtful))


def keyed(plan: MouthingPlan) -> Iterator[tuple[Key, MouthAction]]:
    """The actions of a plan, under names that do not change when its signs move."""
    count: dict[int, int] = {}
    for action in plan.actions:
        sign = action.signs[0]
        count[sign] = count.get(sign, 0) + bool(action.phones)
        yield (sign, count[sign] if action.phones else 0), action


def _asked(key: Key, action: MouthAction, pronounce: Pronounce) -> _Asked:
    """The whole words of a mouthing, however much it is reduced in its slot."""
    texts = words_of(action.text or "")
    words = tuple(Word(text, pronounce(text, None)) for text in texts) or (Word("", action.phones),)
    return _Asked(key, action.text or f"/{action.ipa}/", words)


def _excerpt(plan: MouthingPlan, recording: Recording) -> Recording:
    """The part in which to look: all of it, or that of one utterance of several."""
    if not plan.offset_s or recording.transcript:
        return recording
    return recording.part(plan.offset_s - MARGIN_S, plan.offset_s + plan.end_s + MARGIN_S)


def _matched(words: Sequence[Word], spoken: Sequence[SpokenWord | None]) -> list[SpokenWord | None]:
    """Which word of a transcript each of `words` is, in the same order; endings do not count."""
    heard = [word for word in spoken if word]
    matcher = SequenceMatcher(None, [_stem(word.text) for word in words], [_stem(word.text) for word in heard], autojunk=False)
    found: list[SpokenWord | None] = [None] * len(words)
    for block in matcher.get_matching_blocks():
        found[block.a : block.a + block.size] = heard[block.b : block.b + block.size]
    return found


def _stem(word: str) -> str:
    """ "holidays" and "holiday", "working" and "work" are one."""
    for ending in ("'s", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _said(words: Sequence[SpokenWord], mouthing: _Asked, shift_s: float) -> Said:
    """Several words are one mouthing, its syllables counted on, with a pause where there is one."""
    phones: list[Phone] = []
    for word in words:
        first = phones[-1].syllable + 1 if phones else 0
        own = [replace(p.at(p.start_s + shift_s, p.end_s + shift_s), syllable=p.syllable - word.phones[0].syllable + first)
               for p in word.phones]  # fmt: skip
        if phones and own[0].start_s - phones[-1].end_s > _PAUSE_S:
            phones.append(Phone("sil", phones[-1].end_s, own[0].start_s, syllable=phones[-1].syllable))
        elif phones:
            phones[-1] = phones[-1].at(phones[-1].start_s, own[0].start_s)
        phones += own
    return Said(tuple(phones), sum(reduction.natural_s(word.phones) for word in mouthing.words))


def _notes(asked: Sequence[_Asked], found: dict[Key, Said], recording: Recording, *, doubtful: bool) -> Iterator[str]:
    missing = list(dict.fromkeys(mouthing.text for mouthing in asked if mouthing.key not in found))
    if doubtful and found:
        yield (
            f"{recording.name}: few of the words are clearly heard; they are taken to be said in order, and nothing else: "
            f"check the times{'' if recording.transcript else ', or give what is said with --transcript'}"
        )
    if missing:
        named = ", ".join(f"'{text}'" for text in missing[:_NAMED])
        named += f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        yield f"{recording.name}: not heard, and mouthed in its sign's time as the voice would say it: {named}"


# ---- signs on the recording's clock ---------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Block:
    """Signs that share a stretch of time: that of a word, the input's own, or (`kind` free) what lies between two of these."""

    signs: list[Sign]
    kind: Literal["spoken", "timed", "free"]
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def placed(self) -> Iterator[Sign]:
        """Each sign with its share of the time."""
        scale = self.duration_s / sum(sign.duration_s for sign in self.signs)
        now_s = self.start_s
        for sign in self.signs:
            end_s = now_s + scale * sign.duration_s
            yield replace(sign, start_s=round(now_s, _TIME_GRID), end_s=round(end_s, _TIME_GRID))
            now_s = end_s


def _moved(utterance: Utterance, said: dict[Key, Said]) -> tuple[Sign, ...]:
    """The utterance's signs, those without times of their own where their words are said, or between these."""
    blocks = list(_blocks(utterance, said))
    for before, block, after in zip([None, *blocks], blocks, [*blocks[1:], None], strict=False):
        if block.kind == "free" and "spoken" in {one.kind for one in (before, after) if one}:
            _squeeze(block, before, after)
    return tuple(sign for block in blocks for sign in (block.signs if block.kind == "timed" else block.placed()))


def _blocks(utterance: Utterance, said: dict[Key, Said]) -> Iterator[_Block]:
    """The signs in groups that move together, in order."""
    signs, last = utterance.signs, {span.first: span.last for span in utterance.spans}
    now_s, index = 0.0, 0
    free: list[Sign] = []
    while index < len(signs):
        own = signs[index : last.get(index, index) + 1]
        block = _fixed(own, said.get((index, 1)), now_s, min((s.start_s for s in signs[index:] if s.timed), default=math.inf))
        if block is None:
            free += own
        else:
            if free:
                yield _Block(free, "free", free[0].start_s, free[-1].end_s)
            yield block
            free, now_s = [], block.end_s
        index += len(own)
    if free:
        yield _Block(free, "free", free[0].start_s, free[-1].end_s)


def _fixed(signs: Sequence[Sign], said: Said | None, earliest_s: float, latest_s: float) -> _Block | None:
    """Signs that the input or a word tells when; None when neither does, or the word lies among signs of other times."""
    if any(sign.timed for sign in signs):
        return _Block(list(signs), "timed", signs[0].start_s, signs[-1].end_s)
    if said is None or said.start_s < earliest_s or said.end_s > latest_s:
        return None
    return _Block(list(signs), "spoken", said.start_s, said.end_s)


def _squeeze(block: _Block, before: _Block | None, after: _Block | None) -> None:
    """Place free signs between their neighbours; words that leave them too little time lend some of theirs."""
    wanted_s = block.duration_s
    low_s, high_s = before.end_s if before else 0.0, after.start_s if after else math.inf
    lack_s = _NATURAL_SHARE * wanted_s - (high_s - low_s)
    if lack_s > 0 and before and before.kind == "spoken":
        before.end_s = low_s = low_s - min(lack_s / 2, _GIVEN_SHARE * before.duration_s)
    if lack_s > 0 and after and after.kind == "spoken":
        after.start_s = high_s = high_s + min(lack_s / 2, _GIVEN_SHARE * after.duration_s)
    block.start_s = low_s if before else max(high_s - wanted_s, 0.0)
    block.end_s = min(block.start_s + wanted_s, high_s)


# ---- actions on the recording's clock -------------------------------------------------------------------------------------
def as_said(action: MouthAction, said: Said, name: str) -> MouthAction:
    """The action as somebody of that name says it."""
    return replace(
        action,
        ipa=reduction.ipa(said.phones),
        start_s=said.start_s,
        end_s=said.end_s,
        reduction="full",
        stretch=(said.end_s - said.start_s) / said.natural_s,
        rule=f"{action.rule.partition('; ')[0]}; as {name} says it",
        phones=tuple(phone.at(phone.start_s - said.start_s, phone.end_s - said.start_s) for phone in said.phones),
    )


def _far(action: MouthAction, plan: MouthingPlan) -> str:
    """What to say of a word that is said while none of its signs is made; empty for the others."""
    signs = [plan.signs[index] for index in action.signs]
    if any(_overlap_s(action, sign.start_s, sign.end_s) > 0 for sign in signs):
        return ""
    return (
        f"'{action.text or action.ipa}' is said at {action.start_s:.2f} s, while {signs[0].gloss} is signed from "
        f"{signs[0].start_s:.2f} s; leave its times out to sign it when it is said"
    )


def _beside(spoken: list[MouthAction], others: Sequence[MouthAction]) -> tuple[list[MouthAction], list[str]]:
    """All actions in order of time, and what is lost. What is said keeps its time, another action what is left of its own; where
    nothing is left, the mouthing that takes it stands on its signs too."""
    kept: list[MouthAction] = []
    lost: list[str] = []
    for other in others:
        start_s, end_s = _left(other, spoken)
        if end_s - start_s >= _SHORTEST_S:
            kept.append(replace(other, start_s=start_s, end_s=end_s))
            continue
        taker = max(range(len(spoken)), key=lambda k: _overlap_s(spoken[k], other.start_s, other.end_s))
        spoken[taker] = replace(spoken[taker], signs=tuple(sorted({*spoken[taker].signs, *other.signs})))
        if other.phones or other.gesture:
            lost.append(f"no time for '{other.text or other.gesture or other.ipa}' beside '{spoken[taker].text}'")
    return sorted([*spoken, *kept], key=lambda action: (action.start_s, action.end_s)), lost


def _left(other: MouthAction, spoken: Sequence[MouthAction]) -> tuple[float, float]:
    """What spoken mouthings leave of an action's time: its part before the first that begins within it, or after those before."""
    start_s, end_s = other.start_s, other.end_s
    for action in spoken:
        if _overlap_s(action, start_s, end_s) <= 0:
            continue
        if action.start_s <= start_s:
            start_s = action.end_s
        else:
            end_s = action.start_s
    return start_s, end_s


def _overlap_s(action: MouthAction, start_s: float, end_s: float) -> float:
    return min(action.end_s, end_s) - max(action.start_s, start_s)
