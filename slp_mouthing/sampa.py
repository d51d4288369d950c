"""SAMPA, the ASCII phonetic alphabet of SiGML's mouth pictures, to IPA and back.

The symbols are X-SAMPA's (Wells 1995) for English, German and Dutch. Where national SAMPA tables disagree, the reading is the
one that the mouth shows: `r` is any r, and `&`, which older English tables use, is the vowel of "trap".
"""

from __future__ import annotations

import re
import unicodedata

_TO_IPA: dict[str, str] = {
    **{letter: letter for letter in "pbtdkmnfvszhljwxieyuoac"},
    "g": "ɡ", "N": "ŋ", "T": "θ", "D": "ð", "S": "ʃ", "Z": "ʒ", "r": "ɹ", "r\\": "ɹ", "R": "ʁ", "C": "ç", "G": "ɣ", "X": "χ",
    "J": "ɲ", "L": "ʎ", "H": "ɥ", "W": "ʍ", "F": "ɱ", "B": "β", "P": "ʋ", "v\\": "ʋ", "h\\": "ɦ", "4": "ɾ", "5": "ɫ", "?": "ʔ",
    "I": "ɪ", "E": "ɛ", "{": "æ", "&": "æ", "A": "ɑ", "Q": "ɒ", "O": "ɔ", "U": "ʊ", "V": "ʌ", "@": "ə", "3": "ɜ", "3`": "ɝ",
    "@`": "ɚ", "2": "ø", "9": "œ", "Y": "ʏ", "1": "ɨ", "}": "ʉ", "6": "ɐ", "7": "ɤ", "M": "ɯ", "8": "ɵ",
    ":": "ː", '"': "ˈ", "%": "ˌ", "=": "\u0329", "~": "\u0303",
}  # fmt: skip
_JOINTS = "_-.|# '+"
"""Between sounds and syllables; they are nothing that the mouth does."""

_SYMBOL = re.compile("|".join(map(re.escape, sorted(_TO_IPA, key=len, reverse=True))))
_TO_SAMPA = {ipa: symbol for symbol, ipa in reversed(_TO_IPA.items())} | {"g": "g", "ʀ": "R", "ɹ": "r", "æ": "{", "ᵻ": "I"}
_UNSEEN = "ʲʰ‿͜͡ʼ"
"""Marks of IPA without a place in mouth pictures."""


def to_ipa(sampa: str) -> tuple[str, str]:
    """-> IPA, and the characters that are no SAMPA and were passed over."""
    ipa: list[str] = []
    unknown: list[str] = []
    at = 0
    while at < len(sampa):
        if match := _SYMBOL.match(sampa, at):
            ipa.append(_TO_IPA[match[0]])
            at = match.end()
            continue
        if sampa[at] not in _JOINTS and not sampa[at].isspace():
            unknown.append(sampa[at])
        at += 1
    return "".join(ipa), "".join(unknown)


def from_ipa(ipa: str) -> str:
    """SAMPA of IPA; a symbol without one is written as the letter under its marks, or left out."""
    return "".join(_symbol(letter) for letter in ipa if letter not in _UNSEEN)


def _symbol(letter: str) -> str:
    return _TO_SAMPA.get(letter) or _TO_SAMPA.get(unicodedata.normalize("NFD", letter)[0], "")
