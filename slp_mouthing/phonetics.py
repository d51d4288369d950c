"""Classes of IPA letters: one table for the voice, the plan, the clock and the face.

A phone is of the class of its first letter: `iː` and `aɪ` are vowels, `tʃ` begins as the stop that it is.
"""

from __future__ import annotations

VOWELS = frozenset("iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝᵻᵿ")
"""With espeak-ng's `ᵻ` and `ᵿ`, the reduced vowels of American "roses"."""

BILABIALS = frozenset("pbmɸβʙ")
"""The lips meet each other."""
LABIODENTALS = frozenset("fvʋɱ")
"""The lower lip meets the upper teeth."""
LIP_CONTACTS = BILABIALS | LABIODENTALS

STOPS = frozenset("pbtdkɡcɟqɢʈɖ")
GLIDES_AND_LIQUIDS = frozenset("lɹrʁɾwjʋɥɰɭʎɻɽ")
SONORANTS = GLIDES_AND_LIQUIDS | frozenset("mɱnɳɲŋɴhɦ")
"""Glides, liquids, nasals, and /h/, which is the vowel after it without voice."""


def is_vowel(symbol: str) -> bool:
    return symbol[:1] in VOWELS


def has_lip_contact(symbol: str) -> bool:
    return symbol[:1] in LIP_CONTACTS
