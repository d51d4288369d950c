"""The rules by name: what each does, who says so and how far, and what turns it off."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CRASBORN = "Crasborn, van der Kooij, Waters, Woll & Mesch 2008"
_SIGNHUB = "A Grammar of Sign Language of the Netherlands (SignHub), 1.5.2"
_WOLL = "Sutton-Spence & Woll 1999, The Linguistics of British Sign Language"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a plan."""

    name: str
    does: str
    source: str
    part: Literal["mouth", "brows"] = "mouth"


RULEBOOK: tuple[Rule, ...] = (
    Rule("reduction", "with little room a mouthing is cut: after the stressed syllable, to the first syllable, to the first "
         "consonant; no lip closure that starts it is lost",
         f"{_SIGNHUB}: mouthings are reduced; where they are cut: our choice"),
    Rule("repetition", "the first syllable is repeated with the hands' movement", _SIGNHUB),
    Rule("perseveration", "a mouthing goes on over a following sign that has none of its own", _CRASBORN),
    Rule("anticipation", "a mouthing without room starts on a pointing sign before it, which has none of its own",
         f"{_CRASBORN}: mouthings spread; when they do it backwards: our choice"),
    Rule("stretching", "a mouthing lasts as long as its sign, within limits",
         "commonly observed that the two go together in time; the limits: our choice"),
    Rule("holds", "names and spelled words are held longer than other words", "our choice: readers need the time"),
    Rule("lead", "a whole mouthing starts a little after its sign, where there is room",
         "BSL-1K (Albanie et al. 2020): the hands are mostly there before the mouthing's peak; how much: our choice"),
    Rule("echo", "the mouth gesture that the lexicon has for a sign goes with the hands (echo phonology, enacting)",
         f"Woll 2001, The sign that dares to speak its name: echo phonology; {_CRASBORN}: enacting"),
    Rule("short-slots", "a slot too short for a movement that can be seen shows none", "our choice: it would be a twitch"),
    Rule("density", "signers mouth more or less: those mouthings that can be spared are thinned out, by seed",
         "Johnston, van Roekel & Schembri 2016: signers differ (in Auslan); which are left out: our choice"),
    Rule("wh_question", "a question word furrows the brows", _WOLL, "brows"),
    Rule("yes_no_question", "a question that wants yes or no raises them", _WOLL, "brows"),
    Rule("topic", "what a pause sets off at the start raises them", _WOLL, "brows"),
    Rule("negation", "a sign that denies furrows them and wrinkles the nose",
         f"{_WOLL}: the face negates too; with which of its muscles: our choice", "brows"),
)  # fmt: skip
"""Which signs are mouthed at all is no rule to turn off but a default by kind of sign, see `rules.RULES`: braces in the input or
a lexicon of one's own say otherwise."""

NAMES = tuple(rule.name for rule in RULEBOOK)


def check_names(names: Iterable[str]) -> frozenset[str]:
    """The names, each a rule's. Raises `InputError` with the nearest."""
    found = frozenset(names)
    for name in sorted(found.difference(NAMES)):
        near = difflib.get_close_matches(name, NAMES, n=1)
        raise InputError(f"unknown rule '{name}'", hint=f"did you mean {near[0]}?" if near else f"known are {', '.join(NAMES)}")
    return found
