"""What is left of a mouthing when there is little room: pure functions from phones to phones.

Reduced mouthings keep the start of the word, its first consonant or first syllable, and repeat it when the hands repeat their
movement (NGT koken "to cook" -> "koko"; *A Grammar of Sign Language of the Netherlands*, SignHub, 1.5.2). What stays is what can
be seen (Sutton-Spence & Woll 1999, *The Linguistics of British Sign Language*). Longer words are cut after the stressed
syllable, which takes the next seen consonant along as English clippings do (fam-ily, gov-ernment).

No form loses the word's first lip closure: it is what a reader of the mouth sees first.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from slp_mouthing import phonetics
from slp_mouthing.types import Phone, Reduction

if TYPE_CHECKING:
    from collections.abc import Callable

Phones = tuple[Phone, ...]

_SALIENT = frozenset(("w", "ʍ", "ʃ", "ʒ", "tʃ", "dʒ", "θ", "ð"))
"""Consonants that are seen though the lips do not meet: rounded lips, the tongue between the teeth."""


def is_vowel(phone: Phone) -> bool:
    return phonetics.is_vowel(phone.symbol)


def is_closure(phone: Phone) -> bool:
    """Whether the lips meet each other or the teeth."""
    return phonetics.has_lip_contact(phone.symbol)


def is_salient(phone: Phone) -> bool:
    return is_closure(phone) or phone.symbol in _SALIENT


def natural_s(phones: Phones) -> float:
    """Duration at natural speed, in seconds."""
    return phones[-1].end_s - phones[0].start_s if phones else 0.0


def full(phones: Phones) -> Phones:
    """The whole mouthing, from 0 s."""
    return _laid(phones)


def tonic(phones: Phones) -> Phones:
    """Up to the end of the first stressed syllable, closed by a seen consonant of the next: family -> fam."""
    stressed = [[p.syllable for p in phones if p.stress == level] for level in (1, 2)]
    cut = min(stressed[0] or stressed[1] or [0])
    kept = [p for p in phones if p.syllable <= cut and p.symbol != "sil"]
    rest = [p for p in phones if p.syllable > cut]
    following = [p for p in rest if p.syllable == cut + 1]
    return _laid((*kept, *(_missing_closure(kept, rest) or _like_last(kept, filter(is_salient, following)))))


def first_syllable(phones: Phones) -> Phones:
    """The first syllable, and the first lip closure when it comes later: because -> be, awful -> awf."""
    start = phones[0].syllable if phones else 0
    kept = [p for p in phones if p.syllable == start and p.symbol != "sil"]
    return _laid((*kept, *_missing_closure(kept, [p for p in phones if p.syllable > start])))


def first_consonant(phones: Phones) -> Phones:
    """One consonant and its vowel, and the first lip closure when it comes later: street -> stee -> see, number -> num.

    Of an onset with several consonants it is the lip closure, else a seen one, else the first; a word that starts with a vowel
    keeps the consonant after it.
    """
    core = first_syllable(phones)
    nucleus = next((i for i, p in enumerate(core) if is_vowel(p)), len(core))
    onset, vowel, coda = core[:nucleus], core[nucleus : nucleus + 1], core[nucleus + 1 :]
    lead = sorted(onset, key=lambda p: (not is_closure(p), not is_salient(p)))[:1]
    kept = [*lead, *vowel]
    closure = _missing_closure(kept, coda)
    return _laid((*kept, *(closure or ([] if lead else coda[:1]))))


REDUCTIONS: dict[Reduction, Callable[[Phones], Phones]] = {
    "full": full,
    "tonic": tonic,
    "first_syllable": first_syllable,
    "first_consonant": first_consonant,
}
"""From the most to the least that is left."""


def repeated(phones: Phones, times: int) -> Phones:
    """The first syllable `times` over, as the hands repeat their movement."""
    syllable = first_syllable(phones)
    return _laid(tuple(chain.from_iterable([replace(p, syllable=n) for p in syllable] for n in range(times))))


def ipa(phones: Phones) -> str:
    """The phones in IPA; a stressed syllable is marked when it is not the only one."""
    marked = len({p.syllable for p in phones}) > 1
    parts: list[str] = []
    previous = -1
    for phone in phones:
        mark = "ˈ" if marked and phone.stress == 1 and phone.syllable != previous else ""
        parts.append(" " if phone.symbol == "sil" else mark + phone.symbol)
        previous = phone.syllable
    return "".join(parts).strip()


def _missing_closure(kept: list[Phone], rest: list[Phone] | Phones) -> list[Phone]:
    """The first lip closure of `rest`, when `kept` has none."""
    return [] if any(map(is_closure, kept)) else _like_last(kept, filter(is_closure, rest))


def _like_last(kept: list[Phone], candidates: filter[Phone]) -> list[Phone]:
    """The first candidate as part of the last kept syllable."""
    chosen = next(candidates, None)
    if chosen is None or not kept:
        return [] if chosen is None else [chosen]
    return [replace(chosen, stress=kept[-1].stress, syllable=kept[-1].syllable)]


def _laid(phones: Phones) -> Phones:
    """The same phones one after the other from 0 s."""
    laid: list[Phone] = []
    now_s = 0.0
    for phone in phones:
        laid.append(phone if phone.start_s == now_s else phone.at(now_s, now_s + phone.duration_s))
        now_s = laid[-1].end_s
    return tuple(laid)
