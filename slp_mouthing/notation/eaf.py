"""ELAN files (`.eaf` 2.7 to 3.0): the gloss tiers of each signer as an utterance on the file's own clock.

The corpora that are known by the names of their tiers: the BSL Corpus (and others with `RH-IDgloss`), the Public DGS Corpus and
the Corpus NGT; any other by `ReadOptions.tiers`. Where the file has tiers for the mouth, they say what it does and when.

What is dropped: every other tier (`export.eaf` keeps them), and what one hand holds while the other one signs.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from slp_mouthing.errors import InputError
from slp_mouthing.notation.conventions import read_gloss
from slp_mouthing.notation.eaf_tiers import Tiers
from slp_mouthing.notation.gloss_text import MAX_UTTERANCE_S
from slp_mouthing.notation.mouth import read_mouth
from slp_mouthing.notation.slots import Annotation, Notes, apart, one_stream
from slp_mouthing.types import MouthOverride, Sign, TimedMouthing, Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from slp_mouthing.notation.conventions import GlossStyle
    from slp_mouthing.notation.options import ReadOptions

_Timed = TypeVar("_Timed", Sign, TimedMouthing)


@dataclass(frozen=True, slots=True)
class Corpus:
    """How a corpus names its tiers. The groups `signer` tell who signs."""

    name: str
    glosses: re.Pattern[str]
    mouth: re.Pattern[str]
    style: GlossStyle


def _names(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


CORPORA: tuple[Corpus, ...] = (
    Corpus(
        "BSL Corpus",
        _names(r"[RL]H[-_ ]?ID[-_ ]?gloss(?:[-_ ]+(?P<signer>.+))?"),
        _names(r"mouth(?:ing|[-_ ]?actions?)?(?:[-_ ]+(?P<signer>(?!type).+))?"),
        "bsl",
    ),
    Corpus(
        "DGS Corpus",
        _names(r"(?:Lexem_Gebärde|Lexeme_Sign)_[rl]_(?P<signer>\w+)"),
        _names(r"(?:Mundbild_Mundgestik|Mouthing_Mouth_Gesture)_(?P<signer>\w+)"),
        "dgs",
    ),
    Corpus("Corpus NGT", _names(r"Gloss[LR] (?P<signer>S\d+)"), _names(r"Mouth (?P<signer>S\d+)"), "ngt"),
)
"""Tried in this order."""

_LABELS = frozenset(
    ["mouthing", "mg", "unsure", "indecipherable"]
    + [f"{way}{what}" for way in ("anticipation", "perseveration") for what in ("", "-m", "-mg")]
)
"""What the BSL Corpus writes on a mouth tier instead of the mouthing itself; `none` beside them."""
_MOUTH_MARKS = re.compile(r"[][{}*_?]+")
_SIGML_CODE = re.compile(r"[DJLCT]\d\d")


@dataclass(frozen=True, slots=True)
class _Signer:
    name: str
    hands: tuple[str, ...]
    mouth: tuple[str, ...]
    style: GlossStyle


def read_eaf(path: Path, options: ReadOptions) -> Iterator[Utterance | InputError]:
    """An utterance per signer or, with `options.split`, per annotation of that tier. Raises `InputError`."""
    where = str(path)
    notes = Notes(where)
    tiers = Tiers(path, notes)
    found: list[Utterance] = []
    signers = _signers(tiers, options, where)
    for signer in signers:
        whole = _performance(tiers, signer, options, where, notes)
        split = options.split and _own_tier(options.split, signer, signers, tiers)
        found += _split(whole, tiers, split, notes) if split else [whole]
    found = [utterance for utterance in found if utterance.signs]
    if not found:
        raise InputError("no annotation on its gloss tiers that can be read", where=where, hint=_notes_hint(notes))
    found[0] = replace(found[0], warnings=notes.texts())
    yield from (_bounded(utterance) for utterance in found)


def _notes_hint(notes: Notes) -> str:
    return next(iter(notes.texts()), "")


def _bounded(utterance: Utterance) -> Utterance | InputError:
    if utterance.end_s <= MAX_UTTERANCE_S:
        return utterance
    what = f"the utterance reaches {utterance.end_s:g} s, at most {MAX_UTTERANCE_S:g} s are read"
    return InputError(what, where=utterance.input, hint="split it by a tier (--split TIER)")


# ---- which tiers ----------------------------------------------------------------------------------------------------------
def _signers(tiers: Tiers, options: ReadOptions, where: str) -> list[_Signer]:
    for name in (*options.tiers, *options.mouth_tiers):
        _check(name, tiers, where)
    if options.tiers:
        return [_Signer("", options.tiers, options.mouth_tiers, options.style)]
    for corpus in CORPORA:
        if hands := _by_signer(corpus.glosses, tiers):
            mouths = _by_signer(corpus.mouth, tiers)
            style = options.gloss_style or corpus.style
            return [
                _Signer(name, found, options.mouth_tiers or mouths.get(name, ()), style) for name, found in sorted(hands.items())
            ]
    known = ", ".join(corpus.name for corpus in CORPORA)
    listed = ", ".join(f"'{name}'" for name in tiers.names if not tiers.is_empty(name)) or "none with annotations"
    raise InputError(f"no gloss tier by the names of {known}", where=where, hint=f"choose with --tier; there are: {listed}")


def _by_signer(pattern: re.Pattern[str], tiers: Tiers) -> dict[str, tuple[str, ...]]:
    """Names of the tiers that fit and are not empty, for each signer."""
    found: dict[str, tuple[str, ...]] = {}
    for name in tiers.names:
        match = pattern.fullmatch(unicodedata.normalize("NFC", name))
        if match and not tiers.is_empty(name):
            signer = match["signer"] or ""
            found[signer] = (*found.get(signer, ()), name)
    return found


def _check(name: str, tiers: Tiers, where: str) -> None:
    if name not in tiers.names:
        near = difflib.get_close_matches(name, tiers.names, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(tiers.names)}"
        raise InputError(f"no tier '{name}'", where=where, hint=hint)


# ---- one signer -----------------------------------------------------------------------------------------------------------
def _performance(tiers: Tiers, signer: _Signer, options: ReadOptions, where: str, notes: Notes) -> Utterance:
    """Everything that a signer does, on the file's clock."""
    annotations = one_stream([tiers.read(name) for name in signer.hands], notes)
    signs = [_sign(annotation, signer.style, notes) for annotation in annotations]
    mouthings: list[TimedMouthing] = []
    if options.heed_mouth:
        labels, spoken = _mouth_tiers([tiers.read(name) for name in signer.mouth])
        mouthings = [mouthing for one in apart(spoken, notes) if (mouthing := _mouthing(one, notes))]
        if not mouthings:
            signs = _rested(signs, [one for one in labels if one.value.lower() == "none"])
    return Utterance(tuple(signs), input=where, mouthings=tuple(mouthings))


def _mouth_tiers(tiers: Sequence[Sequence[Annotation]]) -> tuple[list[Annotation], list[Annotation]]:
    """The annotations of the tiers that only label mouth actions, and those of the tiers that say what they are, in order."""
    labels: list[Annotation] = []
    spoken: list[Annotation] = []
    for tier in tiers:
        only_labels = all(one.value.lower() in _LABELS or one.value.lower() == "none" for one in tier)
        (labels if only_labels else spoken).extend(tier)
    return labels, sorted(spoken, key=lambda one: (one.start_s, one.end_s))


def _sign(annotation: Annotation, style: GlossStyle, notes: Notes) -> Sign:
    reading = read_gloss(annotation.value, style)
    if reading.problem:
        notes.add(annotation.line, f"{annotation.value}: {reading.problem}", annotation.tier)
    times = (annotation.start_s, annotation.end_s)
    return Sign(annotation.value, reading.kind, *times, reading.text, line=annotation.line, column=1, lemma=reading.lemma)


def _mouthing(annotation: Annotation, notes: Notes) -> TimedMouthing | None:
    """What an annotation on a mouth tier asks for; None where it says no more than that the mouth acts, or rests."""
    value = annotation.value
    if value.lower() in _LABELS or (value.startswith("[") and value.endswith("]")):
        notes.add(annotation.line, f"'{value}' does not say what the mouth does", annotation.tier)
        return None
    if value.lower() == "none":
        return None
    try:
        mouth = _mouth(value)
    except InputError as error:
        notes.add(annotation.line, error.what, annotation.tier)
        return None
    return TimedMouthing(mouth, annotation.start_s, annotation.end_s) if mouth.value else None


def _mouth(value: str) -> MouthOverride:
    if _SIGML_CODE.fullmatch(value):
        return MouthOverride("gesture", value, lenient=True)
    if value[0] in "/%":
        return read_mouth(value, lenient=True)
    return MouthOverride("text", " ".join(_MOUTH_MARKS.sub("", value).split()), lenient=True)


def _rested(signs: list[Sign], rests: Sequence[Annotation]) -> list[Sign]:
    """The signs, with a mouth at rest on those that a mouth tier of labels says so of."""
    nothing = MouthOverride("none")
    starts_s = [rest.start_s for rest in rests]
    found: list[Sign] = []
    for sign in signs:
        middle_s = (sign.start_s + sign.end_s) / 2
        number = bisect_right(starts_s, middle_s) - 1
        rest = number >= 0 and middle_s < rests[number].end_s
        found.append(replace(sign, override=nothing) if rest else sign)
    return found


# ---- utterances of a signer -----------------------------------------------------------------------------------------------
def _split(whole: Utterance, tiers: Tiers, tier: str, notes: Notes) -> list[Utterance]:
    """The parts of a performance under the annotations of a tier, each from 0 s; what lies outside all of them is noted."""
    _check(tier, tiers, whole.input)
    spans = list(apart(tiers.read(tier), notes))
    for sign in whole.signs:
        if not any(_within(sign, span) for span in spans):
            notes.add(sign.line, f"signs outside the annotations of '{tier}' are left out")
    return [_part(whole, span) for span in spans]


def _own_tier(split: str, signer: _Signer, signers: Sequence[_Signer], tiers: Tiers) -> str:
    """The tier that splits a signer: `Translation_A` stands for `Translation_B` where the signer is B."""
    for other in signers:
        own = f"{split.removesuffix(other.name)}{signer.name}"
        if other.name and split.endswith(other.name) and own in tiers.names:
            return own
    return split


def _within(one: Sign | TimedMouthing, span: Annotation) -> bool:
    return span.start_s <= (one.start_s + one.end_s) / 2 < span.end_s


def _part(whole: Utterance, span: Annotation) -> Utterance:
    """What has its middle within `span`; the part begins no later than its first sign."""
    signs = [sign for sign in whole.signs if _within(sign, span)]
    mouthings = [one for one in whole.mouthings if _within(one, span)]
    offset_s = min(span.start_s, *(sign.start_s for sign in signs), *(one.start_s for one in mouthings), math.inf)

    def moved(one: _Timed) -> _Timed:
        return replace(one, start_s=round(one.start_s - offset_s, 6), end_s=round(one.end_s - offset_s, 6))

    return replace(whole, signs=tuple(map(moved, signs)), mouthings=tuple(map(moved, mouthings)), offset_s=offset_s)
