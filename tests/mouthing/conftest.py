"""A pronunciation for tests: letters as phones, 80 ms each, without a synthesiser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slp_mouthing.types import Phone

if TYPE_CHECKING:
    from collections.abc import Callable

PHONE_S = 0.08
_LONG_SYMBOLS = ("tʃ", "dʒ", "aɪ", "eɪ", "əʊ", "ɔː", "uː", "iː", "ɜː", "ɑː")
_WORDS = {"why": "waɪ", "because": "bɪ.ˈkɒz", "government": "ˈɡʌ.vən.mənt", "deaf": "dɛf", "now": "naʊ"}


@pytest.fixture(scope="session")
def say() -> Callable[[str], tuple[Phone, ...]]:
    """Phones of IPA with `.` between syllables and `ˈ` before the stressed one, from 0 s."""
    return _phones


@pytest.fixture(scope="session")
def pronounce() -> Callable[[str | None, str | None], tuple[Phone, ...]]:
    """IPA as it is given, a few words as they are said, and others by their letters."""
    return _pronounce


def _pronounce(text: str | None, ipa: str | None) -> tuple[Phone, ...]:
    if ipa is None:
        spelled = "".join(f"{c}." if c in "aeiou" else c for c in (text or "").lower() if c.isalpha())
        ipa = _WORDS.get(text or "", f"ˈ{spelled.strip('.')}" if spelled else "")
    return _phones(ipa)


def _phones(ipa: str) -> tuple[Phone, ...]:
    found: list[Phone] = []
    for number, syllable in enumerate(ipa.split(".")):
        stress = 1 if syllable.startswith("ˈ") else 0
        for symbol in _symbols(syllable.removeprefix("ˈ")):
            start_s = len(found) * PHONE_S
            found.append(Phone("sil" if symbol == " " else symbol, start_s, start_s + PHONE_S, stress, number))
    return tuple(found)


def _symbols(text: str) -> list[str]:
    symbols: list[str] = []
    while text:
        size = 2 if text.startswith(_LONG_SYMBOLS) else 1
        symbols.append(text[:size])
        text = text[size:]
    return symbols
