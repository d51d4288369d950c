"""ARPABET, the phones of CMU's dictionary and acoustic models, to and from the phones of our voices."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slp_mouthing.phonetics import is_vowel
from slp_mouthing.speech.phones import SILENCE, syllable_indices
from slp_mouthing.types import Phone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slp_mouthing.speech.phones import Stress

_FROM_IPA: dict[str, str] = {
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "ɡ": "G", "g": "G", "m": "M", "n": "N", "ŋ": "NG", "f": "F", "v": "V",
    "θ": "TH", "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "l": "L", "ɫ": "L", "ɹ": "R", "r": "R", "j": "Y",
    "w": "W", "ʍ": "W", "x": "K", "ɾ": "T", "tʃ": "CH", "dʒ": "JH", "ç": "HH Y", "ɬ": "L",
    "ɪ": "IH", "i": "IY", "ᵻ": "IH", "ɨ": "IH", "ɛ": "EH", "e": "EH", "a": "AE", "æ": "AE", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO",
    "ʊ": "UH", "u": "UW", "ᵿ": "UH", "ʌ": "AH", "ɐ": "AH", "ə": "AH", "ɜ": "ER", "ɚ": "ER", "ɝ": "ER", "o": "OW", "y": "UW",
    "ʉ": "UW", "ɯ": "UW", "ɵ": "UH", "ʏ": "UH", "ø": "ER", "œ": "ER", "ɤ": "AH", "β": "V", "ʋ": "V", "ɱ": "M", "ɣ": "G", "ʁ": "R",
    "ɻ": "R", "χ": "HH", "ɦ": "HH", "ɲ": "N Y", "ʎ": "L Y", "ɭ": "L", "ɕ": "SH", "ʂ": "SH", "ʑ": "ZH", "ʐ": "ZH", "c": "K",
    "ʔ": "T", "eɪ": "EY", "aɪ": "AY", "ɔɪ": "OY", "aʊ": "AW", "əʊ": "OW", "oʊ": "OW", "iə": "IH AH", "eə": "EH AH", "ʊə": "UH AH",
}  # fmt: skip
"""ARPABET of each phone, the nearest where English has none; length marks count for nothing."""

_TO_IPA: dict[str, str] = {
    "AA": "ɑː", "AE": "a", "AH": "ʌ", "AO": "ɔː", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð", "EH": "ɛ",
    "ER": "ɜː", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "iː", "JH": "dʒ", "K": "k", "L": "l", "M": "m",
    "N": "n", "NG": "ŋ", "OW": "əʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ",
    "UW": "uː", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
"""Our phone of each of ARPABET's."""
NAMES = tuple(_TO_IPA)

_REDUCED = {"AH": "ə", "ER": "ə"}
"""Without stress; ARPABET as CMU's models have it does not tell the two apart."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """One way to say a word."""

    phones: tuple[Phone, ...]
    """Ours; their times mean nothing."""
    arpabet: tuple[tuple[str, ...], ...]
    """Of each phone."""

    @property
    def spelling(self) -> str:
        """As CMU's dictionaries write it: `W AY`."""
        return " ".join(name for names in self.arpabet for name in names)


def from_phones(phones: Sequence[Phone]) -> Pronunciation | None:
    """Of our phones, pauses left out; None when one has no counterpart in English."""
    said = tuple(phone for phone in phones if phone.symbol != SILENCE)
    names = [_names(phone.symbol) for phone in said]
    return Pronunciation(said, tuple(names)) if said and all(names) else None


def from_spelling(spelling: str, model: Sequence[Phone] = ()) -> Pronunciation:
    """Of CMU's dictionary. `model`, the word as our voice says it, tells where the stress lies."""
    names = spelling.split()
    syllables = syllable_indices([(_TO_IPA[name], 0) for name in names])
    stresses = _stresses(syllables[-1] + 1, model)
    phones = tuple(
        Phone(_TO_IPA[name] if stresses[syllable] else _REDUCED.get(name, _TO_IPA[name]), 0.0, 0.0, stresses[syllable], syllable)
        for name, syllable in zip(names, syllables, strict=True)
    )
    return Pronunciation(phones, tuple((name,) for name in names))


def _stresses(count: int, model: Sequence[Phone]) -> list[Stress]:
    """Of each of `count` syllables: those of `model`, or English's commonest when it has another number of them."""
    found = [phone for phone in model if is_vowel(phone.symbol)]
    if len({phone.syllable for phone in found}) == len(found) == count:
        return [phone.stress for phone in found]
    first: list[Stress] = [1]
    return first + [0] * (count - 1)


def _names(symbol: str) -> tuple[str, ...]:
    """ARPABET of a phone, of its letters when it is none of English's, empty when those are none either."""
    letters = "".join(c for c in unicodedata.normalize("NFD", symbol) if unicodedata.category(c) in ("Ll", "Lo"))
    if letters in _FROM_IPA:
        return tuple(_FROM_IPA[letters].split())
    names = [_FROM_IPA.get(letter) for letter in letters]
    return tuple(name for name in names if name) if all(names) else ()
