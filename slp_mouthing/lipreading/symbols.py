"""What our reader reads: phones, letter by letter of IPA, and the mouth's shape in each frame."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Phone

BLANK = 0
PHONES: tuple[str, ...] = ("", *"iɪᵻeɛaæɑɐʌɒɔoʊᵿuɜəɚpbmfvθðtdnlɾszʃʒɹrwjkɡxŋh")
"""Letters by number, the blank of CTC first. The order is part of every trained reader: new letters go to the end."""

REST = 0
VISEMES: tuple[str, ...] = (
    "", "pbm", "fv", "θð", "tdnlɾr", "sz", "ʃʒ", "ɹ", "w", "j", "kɡxŋ", "h",
    "iɪᵻ", "eɛ", "aæ", "ɑʌɐ", "ɒɔo", "uʊᵿ", "ɜəɚ",
)  # fmt: skip
"""Letters that look alike, by number; the mouth at rest first."""

_FIRST_OF_TWO = 0.55
"""Share of a diphthong or affricate that belongs to its first letter, as in the rule driver."""

VISEME_OF: dict[str, int] = {letter: number for number, letters in enumerate(VISEMES) for letter in letters}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter of a phone on the clock."""

    symbol: str
    start_s: float
    end_s: float

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def letters(phones: Iterable[Phone]) -> Iterator[Letter]:
    """Those of `PHONES` among the letters of `phones`; pauses, length, stress and diacritics have none."""
    for phone in phones:
        found = [c for c in unicodedata.normalize("NFD", phone.symbol) if unicodedata.category(c) in ("Ll", "Lo", "Lu")]
        if phone.symbol == "sil" or not found:
            continue
        shares = np.linspace(0.0, 1.0, len(found) + 1)
        if len(found) == 2:
            shares[1] = _FIRST_OF_TWO
        edges_s = phone.start_s + shares * phone.duration_s
        for symbol, start_s, end_s in zip(found, edges_s[:-1].tolist(), edges_s[1:].tolist(), strict=True):
            if symbol in VISEME_OF:
                yield Letter(symbol, start_s, end_s)


def numbers(symbols: Iterable[str]) -> list[int]:
    """Into `PHONES`."""
    return [PHONES.index(symbol) for symbol in symbols]


def viseme_frames(phones: Iterable[Phone], length: int, fps: float) -> NDArray[np.int64]:
    """The viseme of the letter that is on at each of `length` frames, frame i at i / fps; rest where none is. -> [T]"""
    frames = np.full(length, REST, np.int64)
    for letter in letters(phones):
        first, last = (min(max(int(np.ceil(at_s * fps - 1e-6)), 0), length) for at_s in (letter.start_s, letter.end_s))
        frames[first:last] = VISEME_OF[letter.symbol]
    return frames


def greedy(labels: Sequence[int]) -> list[str]:
    """CTC's most likely label of each frame [T] as letters: repeats are one, blanks none."""
    kept = [label for before, label in zip([BLANK, *labels], labels, strict=False) if label not in (before, BLANK)]
    return [PHONES[label] for label in kept]


def edit_distance(found: Sequence[object], expected: Sequence[object]) -> int:
    """Insertions, deletions and substitutions that make one into the other (Levenshtein)."""
    row = list(range(len(expected) + 1))
    for k, symbol in enumerate(found, start=1):
        diagonal, row[0] = row[0], k
        for j, other in enumerate(expected, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (symbol != other))
    return row[-1]
