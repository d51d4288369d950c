"""The lexicon: what the mouth does with each sign, as far as it is known."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from slp_mouthing.errors import LexiconError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from slp_mouthing.mouthing.lexicon_file import Voices
    from slp_mouthing.types import ActionType, Meaning, MouthOverride, Reduction

Confidence = Literal["high", "medium", "low"]

_VARIANT = re.compile(r"(?:x\d+|=\d+|\(.*|[:?]+|(?<=[A-Z0-9])[a-z]|(?<=[^\W\d])\d+)$")
"""What annotators add to an ID-gloss: `GLOSSx3`, `TEN05=1`, `SIXTEEN(A*z`, `HOME?`, `BROWN2b`, `BROWN2`, a trailing colon."""


@dataclass(frozen=True, slots=True)
class LexiconEntry:
    """What the mouth does with one sign."""

    gloss: str
    mouth: MouthOverride
    """Words (`text`), words said in another way than they are spelled (`ipa`), a mouth gesture, or nothing."""
    word: str = ""
    """The word that `mouth` says, when it is IPA and the word is known."""
    type: ActionType = "Mouthing"
    reduction: Reduction = "full"
    """The form that signers usually mouth, even with room for more."""
    repeat: int = 1
    """How often the hands repeat their movement; the first syllable goes with them."""
    spreads: bool = False
    """Its mouthing goes on over a following sign that can take it."""
    takes_spread: bool = False
    """It goes without a mouthing of its own when the sign before spreads."""
    contrasts: tuple[str, ...] = ()
    """Glosses that are alike on the hands: the mouth alone tells which."""
    region: str = ""
    confidence: Confidence = "medium"
    source: str = "editorial"
    where: str = ""
    """File and line of the entry."""

    def line(self) -> str:
        """The entry on one line, for people."""
        marks = {"text": "{}", "ipa": "/{}/", "gesture": "%{}", "none": "-"}
        mouth = " ".join(filter(None, (self.word, marks[self.mouth.kind].format(self.mouth.value))))
        parts = [f"{self.gloss:<24}", f"{mouth:<24}", f"{self.type:<9}",
                 f"{self.confidence:<7}", self.source]  # fmt: skip
        parts += [self.region] if self.region else []
        parts += [f"told from {', '.join(self.contrasts)}"] if self.contrasts else []
        return " ".join(parts)


@dataclass(frozen=True)
class Lexicon:
    """Entries by gloss."""

    name: str
    language: str
    """ISO 639-3 code of the sign language: `bfi` is BSL."""
    voice: str
    """espeak-ng voice of the spoken language that is mouthed."""
    entries: Mapping[str, LexiconEntry]
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What each `source` of the entries stands for."""
    checksum: str = ""
    """SHA-256 of the files it was read from."""
    meanings: Mapping[str, Meaning] = field(default_factory=dict, repr=False)
    """Glosses that the brows go along with."""

    def lookup(self, gloss: str) -> LexiconEntry | None:
        """The entry of a gloss or of the sign it is a variant of (`?BROWN2b` -> BROWN, `LOOK/THINK` -> LOOK), or None."""
        return next((entry for form in gloss_forms(gloss) if (entry := self._by_key.get(form.upper()))), None)

    def meaning(self, gloss: str) -> Meaning | None:
        """What the gloss, or the sign it is a variant of, means for the brows."""
        return next((self.meanings[form.upper()] for form in gloss_forms(gloss) if form.upper() in self.meanings), None)

    def near(self, gloss: str, count: int = 3) -> list[str]:
        """Glosses that are spelled almost like this one, nearest first."""
        word = list(gloss_forms(gloss))[-1].upper()
        return difflib.get_close_matches(word, self._by_key, n=count, cutoff=0.75)

    def suggestion(self, gloss: str) -> str:
        """What to do about an unknown gloss."""
        near = self.near(gloss)
        return f"did you mean {' or '.join(near)}?" if near else "add it to a lexicon of your own (--lexicon)"

    @cached_property
    def _by_key(self) -> dict[str, LexiconEntry]:
        return {gloss.upper(): entry for gloss, entry in self.entries.items()}


def load_lexicon(paths: tuple[str | Path, ...] = ()) -> Lexicon:
    """The built-in BSL lexicon with others over it: a later entry replaces an earlier one of the same gloss.

    Each is a file, or the name of a built-in lexicon (`dgs`, `ngt`). One that states another sign language than what is below it
    stands alone: no German sign borrows an English mouthing. Raises `LexiconError` with file, line and column for what breaks the
    schema.
    """
    from slp_mouthing.mouthing import lexicon_file

    lexicon = lexicon_file.builtin()
    for path in paths:
        above = lexicon_file.builtin(str(path)) if str(path) in lexicon_file.builtin_names() else read_lexicon(path)
        foreign = above.language not in ("", lexicon.language)
        lexicon = _alone(above) if foreign else _layered(lexicon, above)
    return lexicon


def read_lexicon(path: str | Path, voices: Voices | None = None) -> Lexicon:
    """One lexicon file on its own. Raises `LexiconError` or, for what is no text, `InputError`.

    With `voices`, which gives a voice's pronunciation by its name, every entry is tried out: one that cannot be said is an error.
    """
    from slp_mouthing.mouthing import lexicon_file

    return lexicon_file.read(path, voices)


def gloss_forms(gloss: str) -> Iterator[str]:
    """The gloss and what is left as its marks are taken off one by one, from the most to the least specific."""
    form = gloss.strip("?")
    yield gloss
    while form:
        yield form
        stripped = _VARIANT.sub("", form)
        if stripped in (form, ""):
            break
        form = stripped
    if (first := form.split("/")[0]) not in ("", form):
        yield from gloss_forms(first)


def english_words(gloss: str) -> str:
    """The English words that a gloss is made of: `?LOOK-AT2/SEE` -> look at, `RED^WHITE` -> red white."""
    form = list(gloss_forms(gloss))[-1]
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*", form.replace("’", "'"))
    return " ".join(words).lower()


def _alone(lexicon: Lexicon) -> Lexicon:
    if not lexicon.voice:
        raise LexiconError(
            f"names the language {lexicon.language} and no voice",
            where=lexicon.name,
            hint="add voice: de (or another of espeak-ng) to its header",
        )
    return lexicon


def _layered(below: Lexicon, above: Lexicon) -> Lexicon:
    return Lexicon(
        name=f"{below.name}+{above.name}",
        language=above.language or below.language,
        voice=above.voice or below.voice,
        entries={**below.entries, **above.entries},
        sources={**below.sources, **above.sources},
        meanings={**below.meanings, **above.meanings},
        checksum=f"{below.checksum}+{above.checksum}",
    )
