"""What the mouth is asked to do on each sign: the input's own word first, then the lexicon, then a rule by kind of sign.

The rules state what corpora of BSL and its relatives show (Sutton-Spence & Day 2001; Crasborn, van der Kooij, Waters, Woll &
Mesch 2008, "Frequency distribution and spreading behavior of different types of mouth actions in three sign languages"; Johnston,
van Roekel & Schembri 2016, "On the conventionalization of mouth actions in Auslan"): most nouns, names and fingerspelled words
are mouthed; pointing signs, depicting signs, buoys and gestures are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slp_mouthing.errors import InstallationError, LexiconError, MissingExtra, MouthError
from slp_mouthing.mouthing import gestures
from slp_mouthing.mouthing.lexicon import english_words
from slp_mouthing.types import MouthOverride

if TYPE_CHECKING:
    from slp_mouthing.mouthing.lexicon import Lexicon, LexiconEntry
    from slp_mouthing.types import Reduction, Sign, SignKind, Source, TimedMouthing

RULES: dict[SignKind, str] = {
    "name": "a name is mouthed",
    "fingerspelling": "a spelled word is mouthed as a word",
    "lexical": "not in the lexicon: the gloss's own words",
    "pointing": "pointing signs are not mouthed",
    "depicting": "depicting signs are not mouthed",
    "gesture": "gestures are not mouthed",
    "buoy": "buoys are not mouthed",
    "unknown": "no sign to tell from the gloss",
}
"""What holds for a sign of each kind that neither the input nor the lexicon speaks of."""

NOTHING = MouthOverride("none")


@dataclass(frozen=True, slots=True)
class Intent:
    """What the mouth should do on the signs `first` to `last`, before it is fitted to their slots."""

    first: int
    last: int
    mouth: MouthOverride
    source: Source
    rule: str
    word: str | None = None
    """The word mouthed, where `mouth` is IPA."""
    reduction: Reduction = "full"
    repeat: int = 1
    spreads: bool = False
    takes_spread: bool = False
    held: bool = False
    """Names, spelled words and mouthings over several signs: they fill more of a long slot."""
    needed: bool = False
    """Mouthed at any density: names, overrides, signs that the mouth alone tells apart."""
    warning: str = ""
    """What the user should know, without the place."""


def intend(sign: Sign, index: int, lexicon: Lexicon, *, strict: bool) -> Intent:
    """What the mouth should do on one sign.

    Raises `LexiconError` for an unknown gloss when `strict`, and `InputError` for an unknown mouth gesture.
    """
    if sign.override:
        return _overridden(index, index, sign.override, "the input says so")
    if sign.kind in ("name", "fingerspelling"):
        return _named(sign, index)
    if entry := lexicon.lookup(sign.gloss) or (lexicon.lookup(sign.lemma) if sign.lemma else None):
        return _from_entry(entry, index, sign)
    if "^" in sign.gloss and (compound := _compound(sign, index, lexicon)):
        return compound
    return _by_kind(sign, index, lexicon, strict=strict)


def intend_span(first: int, last: int, override: MouthOverride) -> Intent:
    """What the mouth should do under ⌘. Raises `InputError` for an unknown mouth gesture."""
    return _overridden(first, last, override, "⌘ in the input")


def intend_mouthing(first: int, last: int, mouthing: TimedMouthing) -> Intent:
    """What the mouth should do where the input times it. Raises `InputError` for an unknown mouth gesture."""
    intent = _overridden(first, last, mouthing.override, "the input says so, and when")
    return replace(intent, word=mouthing.word or None)


def _overridden(first: int, last: int, override: MouthOverride, rule: str) -> Intent:
    if override.kind == "gesture":
        override = replace(override, value=gestures.find(override.value).name)
    return Intent(first, last, override, "override", rule, held=last > first, needed=True)


def _named(sign: Sign, index: int) -> Intent:
    rule = RULES[sign.kind]
    if not sign.text:
        warning = f"the word of {sign.gloss} is not known, the mouth rests; give it in braces: {sign.gloss}{{word}}"
        return Intent(index, index, NOTHING, "rule", f"{rule}, but its word is not known", warning=warning)
    # Capitals throughout would be read out letter by letter; a lone letter should be.
    word = sign.text.lower() if sign.text.isupper() and len(sign.text) > 1 else sign.text
    return Intent(index, index, MouthOverride("text", word), "rule", rule, held=True, needed=True)


def _from_entry(entry: LexiconEntry, index: int, sign: Sign) -> Intent:
    as_entry = "" if entry.gloss == sign.gloss else f" for {sign.gloss}"
    return Intent(
        index,
        index,
        entry.mouth,
        "lexicon",
        f"{entry.gloss}{as_entry} ({entry.confidence} confidence, {entry.source})",
        word=entry.word or None,
        reduction=entry.reduction,
        repeat=entry.repeat,
        spreads=entry.spreads,
        takes_spread=entry.takes_spread or (sign.kind == "pointing" and entry.mouth == NOTHING),
        needed=bool(entry.contrasts),
    )


def _compound(sign: Sign, index: int, lexicon: Lexicon) -> Intent | None:
    """`RED^WHITE`: the words of its parts in turn, when the lexicon has them all."""
    entries = [lexicon.lookup(part) for part in sign.gloss.strip("?").split("^")]
    words = [(entry.word or entry.mouth.value) if entry and entry.mouth.kind in ("text", "ipa") else "" for entry in entries]
    if not all(words):
        return None
    return Intent(index, index, MouthOverride("text", " ".join(words)), "lexicon", "compound: the words of its parts")


def _by_kind(sign: Sign, index: int, lexicon: Lexicon, *, strict: bool) -> Intent:
    rule = RULES[sign.kind]
    if sign.kind not in ("lexical", "unknown"):
        return Intent(index, index, NOTHING, "rule", rule, takes_spread=sign.kind == "pointing")
    words = english_words(sign.lemma or sign.gloss) if sign.kind == "lexical" or sign.lemma else ""
    if strict:
        raise LexiconError(f"unknown gloss {sign.gloss}", hint=lexicon.suggestion(sign.gloss))
    if not words:
        return Intent(index, index, NOTHING, "default", rule, warning=f"{sign.gloss} names no sign, the mouth rests")
    warning = f"unknown gloss {sign.gloss}, mouthed as '{words}'"
    return Intent(index, index, MouthOverride("text", words), "default", rule, warning=warning)


def placed(error: MouthError, where: str) -> MouthError:
    """The same error, told where in the input; as it is when it is no fault of the input."""
    if isinstance(error, (InstallationError, MissingExtra)):
        return error
    return type(error)(error.what, where=where, hint=error.hint)
