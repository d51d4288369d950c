"""English sentences made by a small grammar, rich in what the lips do; each belongs to one split by the words that are in it.

Training sees no word that is held out (`texts.text_split`). A sentence of validation or test has at least one of its own.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.training.texts import FUNCTION_WORDS, word_split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slp_mouthing.training.clip import Split

_WORDS: dict[str, str] = {
    "person": "mother father baby farmer waiter painter lawyer builder postman woman grandpa nephew widow pilot chef barber "
    "vicar wizard poet beggar brother policeman shepherd teacher dancer plumber boy girl driver boxer",
    "thing": "puppet bubble pumpkin window kettle ribbon fiddle shovel teapot blanket basket drum violin saucer wheel robot "
    "bucket pillow feather lantern mirror hammer jumper whistle chimney button camera bottle vase sofa tractor umbrella boot",
    "animal": "puppy wolf beaver pigeon goose buffalo rabbit fox mouse zebra camel spider whale lamb panther vulture pony ferret "
    "moth bee walrus python jackdaw chicken sheep",
    "place": "village market harbour forest museum bakery chapel airport swamp tower beach bridge farmyard theatre valley prison "
    "office attic courtyard pavement river bathroom shop",
    "food": "apple pepper muffin waffle cabbage beef soup fudge coffee vinegar porridge jam butter olives pizza mushroom pie "
    "milk beetroot onion chips juice",
    "quality": "big blue purple famous brave warm foolish bitter smooth heavy awful fancy proud yellow rough shiny broken empty "
    "humble green sleepy wooden fresh quiet cheap silver gloomy",
    "did": "bought moved found painted polished pushed carried borrowed forgot wanted watched dropped shook followed brought hid "
    "wrapped used loved chose threw washed",
    "acted": "wept laughed vanished slept moved danced waved walked jumped shivered whispered listened yawned hopped",
    "how": "softly brightly often quickly bravely awfully warmly merrily proudly roughly faithfully twice again",
    "when": "before five|on a Wednesday|after breakfast|every February|for forty minutes|in the evening|at half past four|"
    "all summer|by Thursday|this morning|for a while",
    "where": "above|beside|behind|from|near|under|over|towards|past|beyond",
}  # fmt: skip
_PATTERNS = (
    "The {quality} {person} {did} a {thing} {where} the {place}.",
    "My {person} {did} the {quality} {animal} {when}.",
    "Why has the {person} brought {food} and {food} to the {place}?",
    "Both the {animal} and the {animal} {acted} {how} {when}.",
    "If you move the {quality} {thing}, the {animal} will bite the {person}.",
    "A {person} with a {thing} {acted} {where} the {quality} {place}.",
    "We never {did} such {quality} {food} {when}.",
    "Put the {thing} {where} the {quality} {thing}, please.",
    "Who {did} my {thing} and the {quality} {food} {when}?",
    "They were {quality} and {quality}, but the {animal} {acted} {how}.",
    "She {did} five {quality} {animal} pictures for the {person}.",
    "The {place} was so {quality} that even the {person} {acted}.",
)
_POOL = 6000
"""Sentences that are drawn in all, before doubles and those of mixed splits are left out."""


@functools.cache
def sentences_of(split: Split) -> tuple[str, ...]:
    """The sentences of a split, in an order that never changes; some hundred at least."""
    return tuple(sentence for sentence in dict.fromkeys(_pool()) if sentence_split(sentence) == split)


def sentence_split(sentence: str) -> Split | None:
    """The split that a sentence belongs to; None when it has held-out words of two."""
    found = {word_split(word) for word in re.findall(r"[\w']+", sentence.lower()) if word not in FUNCTION_WORDS} - {"train"}
    if len(found) > 1:
        return None
    return found.pop() if found else "train"


def _pool() -> Iterator[str]:
    rng = np.random.default_rng(0x5E47)
    choices = {kind: words.split("|" if "|" in words else None) for kind, words in _WORDS.items()}
    patterns = itertools.islice(itertools.cycle(_PATTERNS), _POOL)
    filled = (re.sub(r"{(\w+)}", lambda place: str(rng.choice(choices[place[1]])), pattern) for pattern in patterns)
    return (re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", sentence) for sentence in filled)
