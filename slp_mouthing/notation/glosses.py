"""What an ID-gloss says about its sign: its kind, the word it spells, and how long it takes when nobody says.

The conventions are those of the BSL Corpus (Cormier, Fenlon, Gulamani & Smith 2017, *BSL Corpus Annotation Conventions*
3.0), with the commonest prefixes of the ASL and Phoenix corpora beside them; `conventions` reads the others whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slp_mouthing.types import SignKind

_KINDS: tuple[tuple[SignKind, re.Pattern[str]], ...] = (
    ("fingerspelling", re.compile(r"FS[:\-]|%\(", re.I)),
    ("name", re.compile(r"SN:", re.I)),
    ("pointing", re.compile(r"PT:|PT$|IX(?:-|$)|INDEX(?:-?\d\w*)?$", re.I)),
    ("depicting", re.compile(r"(?:DS(?:EW|EP|H|S|A)?|CL(?:L|M|H|SS|E|B)?)(?:[:(\-]|$)")),
    ("gesture", re.compile(r"(?:G|CA):|G\([A-Z]+\):?", re.I)),
    ("buoy", re.compile(r"[LFPT]BUOY(?:\W|$)", re.I)),
    ("unknown", re.compile(r"AD+[-_ ]*T[O0][-_ ]*S[IGN]{2,4}\w*|FALSE[-_ ]?START?", re.I)),
    ("unknown", re.compile(r"(?:INDECIPHERABLE|UNKNOWN)(?=[(?:]|$)|XXX$|[A-Z]{1,2}:\S|[^\w]*$", re.I)),
)
"""Tried in this order at the start of the gloss; a gloss that none fits is lexical."""

DEFAULT_DURATION_S: dict[SignKind, float] = {
    "pointing": 0.28,
    "gesture": 0.36,
    "lexical": 0.52,
    "buoy": 0.52,
    "unknown": 0.52,
    "depicting": 0.64,
    "name": 0.72,
}
"""Slot of a sign without timing. With the BSL Corpus' share of kinds (25% pointing, 5% `G:WELL`, the rest mostly lexical)
these average its mean slot of 465 ms; a mouthed name and a depicting sign are held longer, pointing signs are the shortest."""

SPELLING_BASE_S = 0.30
SPELLING_LETTER_S = 0.11
"""A fingerspelled word takes a base and this much per letter, so that five letters take 0.85 s."""
SPELLING_MAX_S = 2.5


def classify(gloss: str) -> SignKind:
    """The kind of sign that a gloss stands for. A leading `?` (the annotator was unsure) is passed over."""
    bare = gloss.lstrip("?")
    return next((kind for kind, pattern in _KINDS if pattern.match(bare)), "lexical")


def spelled_word(gloss: str, kind: SignKind) -> str | None:
    """The word a fingerspelled or name sign stands for, as written; None for other kinds, or when it is not known.

    `FS:WORD(WRD)` gives WORD, `FS:F-FORTUNE` FORTUNE, `FS:J-O-H-N` JOHN, `FS:NEW-YORK` NEW YORK, `%(New York)` New York,
    `SN:PETER(FS:PETER(PR))` PETER; `FS:G-GRAPHIC^ART` GRAPHIC ART; `FS:INDECIPHERABLE(GTH)` None.
    """
    if kind not in ("fingerspelling", "name"):
        return None
    bare = gloss.lstrip("?")
    if bare.startswith("%("):
        return bare.removeprefix("%(").removesuffix(")").strip() or None
    words = [spelled(part.removeprefix("FS:")) for part in re.split(r"[(]", bare[3:], maxsplit=1)[0].split("^")]
    return " ".join(filter(None, words)) or None


_NOT_KNOWN = ("INDECIPHERABLE", "UNKNOWN")


def spelled(letters: str) -> str | None:
    """The word of `F-FORTUNE`, `J-O-H-N`, `NEW-YORK`; None when it is not known."""
    word = letters.strip(":-? ")
    parts = word.split("-")
    if all(len(part) == 1 for part in parts):
        word = "".join(parts)
    elif len(parts) > 1 and len(parts[0]) == 1 and parts[1][:1].upper() == parts[0].upper():
        word = " ".join(parts[1:])
    else:
        word = " ".join(parts)
    return word if word and parts[-1].upper() not in _NOT_KNOWN else None


def default_duration_s(kind: SignKind, text: str | None) -> float:
    """Slot in seconds of a sign whose timing is not given."""
    if kind != "fingerspelling":
        return DEFAULT_DURATION_S[kind]
    letters = sum(c.isalnum() for c in text or "")
    return round(min(SPELLING_BASE_S + SPELLING_LETTER_S * letters, SPELLING_MAX_S), 6)
