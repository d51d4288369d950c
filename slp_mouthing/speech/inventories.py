"""The phones that a family of voices can say on request: their IPA, espeak-ng's mnemonic of each, other usual spellings.

Symbols are those by which espeak-ng's own events name the phones, so that text and IPA input give the same ones. A family's
mnemonics are those of its phoneme table, each tried out by voice (`tests/speech/test_inventories.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Inventory:
    """The phones of one family of voices."""

    name: str
    """For messages: `is no British English phone`."""
    mnemonics: Mapping[str, str]
    """espeak-ng's mnemonic of each phone."""
    spellings: Mapping[str, tuple[str, ...]]
    """Other spellings of the same phones, and syllabic consonants; keys in Unicode's decomposed form."""


MNEMONICS: dict[str, str] = {
    "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "ɡ": "g", "m": "m", "n": "n", "ŋ": "N", "f": "f", "v": "v", "θ": "T",
    "ð": "D", "s": "s", "z": "z", "ʃ": "S", "ʒ": "Z", "h": "h", "l": "l", "ɹ": "r", "j": "j", "w": "w", "tʃ": "tS", "dʒ": "dZ",
    "x": "x",
    "ɪ": "I", "i": "i", "iː": "i:", "ɛ": "E", "a": "a", "ɑː": "A:", "ɒ": "0", "ɔː": "O:", "ʊ": "U", "u": "u", "uː": "u:",
    "ʌ": "V", "ɜː": "3:", "ə": "@", "ɐ": "a#", "eɪ": "eI", "aɪ": "aI", "ɔɪ": "OI", "aʊ": "aU", "əʊ": "oU", "iə": "i@",
    "eə": "e@", "ʊə": "U@",
}  # fmt: skip
"""Of British English."""

_SYLLABIC = {f"{letter}\u0329": ("ə", letter) for letter in "mnlŋ"}

ENGLISH = Inventory("British English", MNEMONICS, {
    "g": ("ɡ",), "r": ("ɹ",), "ɫ": ("l",), "æ": ("a",), "e": ("ɛ",), "ɚ": ("ə",), "ɝ": ("ɜː",),
    "ɜ": ("ɜː",), "ɑ": ("ɑː",), "ɔ": ("ɔː",), "oʊ": ("əʊ",), "ɪə": ("iə",), "ɛə": ("eə",), "ɛː": ("eə",),
    "ɪəʊ": ("ɪ", "əʊ"), "iəʊ": ("i", "əʊ"), **_SYLLABIC,
})  # fmt: skip

GERMAN = Inventory("German", {
    "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "ɡ": "g", "m": "m", "n": "n", "ŋ": "N", "f": "f", "v": "v", "s": "s",
    "z": "z", "ʃ": "S", "ʒ": "Z", "ç": "C", "x": "x", "h": "h", "l": "l", "r": "r", "j": "j", "w": "w", "θ": "T", "ð": "D",
    "pf": "pF", "ts": "ts", "tʃ": "tS", "dʒ": "dZ",
    "ɪ": "I", "i": "i", "iː": "i:", "ʏ": "y", "yː": "y:", "ɛ": "E", "ɛː": "E:", "e": "e", "eː": "e:", "øː": "Y:", "œ": "W",
    "a": "a", "ɑ": "A", "ɑː": "A:", "ɔ": "O", "o": "o", "oː": "o:", "ʊ": "U", "u": "u", "uː": "u:", "ə": "@", "ɜ": "3",
    "aɪ": "aI", "aʊ": "aU", "ɔø": "OY", "ɑ\u0303": "A~", "ɔ\u0303": "O~", "œ\u0303": "W~",
}, {
    "g": ("ɡ",), "ʁ": ("r",), "ʀ": ("r",), "ɾ": ("r",), "ɹ": ("r",), "χ": ("x",), "ɐ": ("ɜ",), "aː": ("ɑː",), "y": ("yː",),
    "ø": ("øː",), "ɔʏ": ("ɔø",), "ɔɪ": ("ɔø",), "ɔy": ("ɔø",), "ɔi": ("ɔø",), "ai": ("aɪ",), "ae": ("aɪ",), "au": ("aʊ",),
    "ao": ("aʊ",), "ʔ": (), **_SYLLABIC,
})  # fmt: skip

DUTCH = Inventory("Dutch", {
    "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "ɡ": "g", "m": "m", "n": "n", "ɲ": "n^", "ŋ": "N", "f": "f", "v": "v",
    "ʋ": "v#", "s": "s", "z": "z", "ʃ": "S", "ʒ": "Z", "ç": "C", "x": "x", "ɣ": "Q", "h": "h", "l": "l", "r": "r", "j": "j",
    "w": "w", "tʃ": "tS", "dʒ": "dZ",
    "ɪ": "I", "i": "i", "y": "y", "ɵ": "8", "ɛ": "E", "eː": "e:", "øː": "Y:", "a": "a", "aː": "a:", "ɑ": "A", "ɔ": "O",
    "ɔː": "O:", "oː": "o:", "u": "u", "ə": "@", "ɛɪ": "EI", "œy": "Wy", "ʌʊ": "VU", "yʊ": "yU", "eʊ": "eU", "ɑ\u0303": "A~",
}, {
    "g": ("ɡ",), "ʁ": ("r",), "ʀ": ("r",), "ɾ": ("r",), "ɹ": ("r",), "χ": ("x",), "ɦ": ("h",), "ʏ": ("ɵ",), "œ": ("ɵ",),
    "iː": ("i",), "yː": ("y",), "uː": ("u",), "e": ("eː",), "ø": ("øː",), "o": ("oː",), "ɪː": ("ɪ",), "ɛː": ("ɛ",), "ɛi": ("ɛɪ",),
    "ei": ("ɛɪ",), "œʏ": ("œy",), "ʌy": ("œy",), "ʌu": ("ʌʊ",), "ɑu": ("ʌʊ",), "ɑʊ": ("ʌʊ",), "ɔu": ("ʌʊ",), "au": ("ʌʊ",),
    "aʊ": ("ʌʊ",), "ʔ": (), **_SYLLABIC,
})  # fmt: skip

INVENTORIES: dict[str, Inventory] = {"gmw/en": ENGLISH, "gmw/de": GERMAN, "gmw/nl": DUTCH}
"""By what the identifiers of a family's voices start with."""


def inventory_of(identifier: str) -> Inventory | None:
    """What the voice with espeak-ng's `identifier` (`gmw/en-US+f1`) says on request; None where nobody has tried."""
    file = identifier.partition("+")[0]
    return next((found for start, found in INVENTORIES.items() if file == start or file.startswith(f"{start}-")), None)
