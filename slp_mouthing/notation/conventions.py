"""Gloss conventions of the corpora: what a gloss of each says about its sign.

`bsl` is the BSL Corpus (see `glosses`), `asl` the SignStream corpora (Neidle 2002), `phoenix` RWTH-PHOENIX-Weather (Koller et al.
2015), `dgs` the Public DGS Corpus (Konrad et al. 2018), `ngt` the Corpus NGT (Crasborn et al. 2015).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from slp_mouthing.notation.glosses import classify, spelled, spelled_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.types import SignKind

GlossStyle = Literal["bsl", "phoenix", "asl", "dgs", "ngt"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a gloss says."""

    kind: SignKind
    text: str | None = None
    """The word spelled or named."""
    lemma: str = ""
    """The gloss to look up, where it is hidden by marks that a lexicon does not know."""
    problem: str = ""
    """What is wrong with the gloss as written, though it could be read."""


def read_gloss(gloss: str, style: GlossStyle = "bsl") -> Reading:
    """What `gloss` says by the conventions of `style`; every gloss says something, if only that it is unknown."""
    if gloss.lstrip("?").startswith("%("):
        return _bsl(gloss)
    return STYLES[style](gloss)


# ---- BSL Corpus -----------------------------------------------------------------------------------------------------------
_IN_BRACKETS = re.compile(r"\(([^()]+)")
_FOREIGN_PREFIX = re.compile(r"[A-Z]{1,2}:+(?=\w)", re.I)
_DIRT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"=\d*$"), "a stray '{}'"),
    (re.compile(r"(?<=[A-Z0-9])x\d+$"), "the count '{}' is passed over"),
    (re.compile(r"(?<!PT)(?<!G):+$"), "a stray '{}'"),
)


def _bsl(gloss: str) -> Reading:
    kind = classify(gloss)
    problem = _problem(gloss)
    if kind != "unknown":
        return Reading(kind, spelled_word(gloss, kind), problem=problem)
    bare = gloss.lstrip("?")
    if prefix := _FOREIGN_PREFIX.match(bare):
        return Reading(kind, lemma=bare[prefix.end() :], problem=f"the prefix '{prefix[0]}' is not known")
    inside = _IN_BRACKETS.search(bare)
    return Reading(kind, lemma=inside[1] if inside and not bare.upper().startswith("INDEC") else "", problem=problem)


def _problem(gloss: str) -> str:
    """What an annotator should mend."""
    if gloss.count("(") != gloss.count(")"):
        return "unbalanced brackets"
    return next((said.format(found[0]) for pattern, said in _DIRT if (found := pattern.search(gloss))), "")


# ---- ASL ------------------------------------------------------------------------------------------------------------------
_ASL_KINDS: tuple[tuple[SignKind, re.Pattern[str]], ...] = (
    ("pointing", re.compile(r"(?:THUMB-)?(?:IX|POSS|SELF)(?![A-Z])|PRO[-.]?\d|INDEX(?![A-Z-])")),
    ("depicting", re.compile(r"(?:[DLSBIPCE]|BP|PL)?CL(?![A-Z])")),
    ("gesture", re.compile(r"\d?\"|part:|gesture|G:", re.I)),
    ("unknown", re.compile(r"XXX|\[?unclear|\[?unknown|[^\w#]*$", re.I)),
)
_ASL_HANDS = re.compile(r"^(?:\([12]h\)(?:alt\.?)?)|^[123ijk]p?-(?=[A-Z])")
_ASL_MARKS = re.compile(r"(?:\++|:[a-z](?:/[a-z])?|-[123]p\b.*|_\d+|\(\w*\)?|\"\w*\"?)$")


def _asl(gloss: str) -> Reading:
    bare = _ASL_HANDS.sub("", gloss.lstrip("?"))
    for prefix, kind in _ASL_WORDS.items():
        if bare[: len(prefix)].lower() == prefix and len(bare) > len(prefix):
            return Reading(kind, spelled(_stripped(bare[len(prefix) :].removeprefix("fs-"), _ASL_MARKS)))
    return _by_kinds(bare, _ASL_KINDS) or _lexical(gloss, _stripped(bare, _ASL_MARKS))


_ASL_WORDS: dict[str, SignKind] = {"fs-": "fingerspelling", "#": "fingerspelling", "ns-": "name"}


# ---- Phoenix --------------------------------------------------------------------------------------------------------------
_PHOENIX_KINDS: tuple[tuple[SignKind, re.Pattern[str]], ...] = (
    ("depicting", re.compile(r"cl-", re.I)),
    ("pointing", re.compile(r"poss-|poss$|IX(?![A-Z])|INDEX(?![A-Z])", re.I)),
    ("gesture", re.compile(r"__(?:EMOTION|PU)__")),
    ("unknown", re.compile(r"__\w+__|<\w+>$|[^\w]*$")),
)
_PHOENIX_HANDS = re.compile(r"^(?:(?:lh|rh|mb)-)+", re.I)
_PHOENIX_PLACE = re.compile(r"^(?:(?:loc|neg|negalp|alp)-)+", re.I)
_LETTERS = re.compile(r"[^\W\d_](?:\+[^\W\d_])+")


def _phoenix(gloss: str) -> Reading:
    bare = _PHOENIX_PLACE.sub("", _PHOENIX_HANDS.sub("", gloss))
    if _LETTERS.fullmatch(bare):
        return Reading("fingerspelling", bare.replace("+", ""))
    return _by_kinds(bare, _PHOENIX_KINDS) or _lexical(gloss, bare.replace("+", "-").strip("-"))


# ---- DGS ------------------------------------------------------------------------------------------------------------------
_DGS_KINDS: tuple[tuple[SignKind, re.Pattern[str]], ...] = (
    ("pointing", re.compile(r"\$INDEX|(?:ICH|DU|WIR|IHR|I|YOU|WE)\d")),
    ("gesture", re.compile(r"\$GEST|\$\$EXTRA-LING|\$PMS")),
    ("depicting", re.compile(r"\$PROD")),
    ("buoy", re.compile(r"\$LIST")),
    ("unknown", re.compile(r"\$|[^\w]*$")),
)
_DGS_HANDS = re.compile(r"^[|\s]+")
_DGS_CANDIDATE = re.compile(r"^\$(?:KANDIDAT|CANDIDATE)-")
_DGS_MARKS = re.compile(r"[*^]+$")
_DGS_VARIANT = re.compile(r"(?<=\D)\d+[A-Z]?$")
_DGS_SPELLED = re.compile(r"\$(?:ALPHA|INIT)[^:]*:?(.*)")
_DGS_NAME = re.compile(r"\$NAME-?(.*)")
_DGS_NUMBER = re.compile(r"\$NUM-([A-ZÄÖÜ]+)[^:]*:(\d+)")
_DGS_VALUE: dict[str, tuple[int, int]] = {
    "TEEN": (1, 10), "ZEHNER": (10, 0), "TENS": (10, 0), "HUNDERTER": (100, 0), "HUNDREDS": (100, 0), "TAUSENDER": (1000, 0),
    "THOUSANDS": (1000, 0),
}  # fmt: skip
"""What the digit after a number's class is multiplied by, and what is added to it: `$NUM-TEEN1:5` is 15."""


def _dgs(gloss: str) -> Reading:
    bare = _DGS_CANDIDATE.sub("", _DGS_MARKS.sub("", _DGS_HANDS.sub("", gloss.lstrip("?"))))
    if word := _DGS_SPELLED.match(bare):
        return Reading("fingerspelling", spelled(word[1].strip("#")))
    if name := _DGS_NAME.match(bare):
        return Reading("name", spelled(_DGS_VARIANT.sub("", name[1])))
    if number := _DGS_NUMBER.match(bare):
        times, plus = _DGS_VALUE.get(number[1], (1, 0))
        return Reading("lexical", lemma=str(int(number[2][:6]) * times + plus))
    return _by_kinds(bare, _DGS_KINDS) or _lexical(gloss, _DGS_VARIANT.sub("", bare))


# ---- NGT ------------------------------------------------------------------------------------------------------------------
_NGT_KINDS: tuple[tuple[SignKind, re.Pattern[str]], ...] = (
    ("pointing", re.compile(r"(?:PT|INDEX|POSS)(?![A-Z])")),
    ("gesture", re.compile(r"%|(?:PU|PO)(?![A-Z])")),
    ("depicting", re.compile(r"(?:MOVE|BE|AT|PIVOT|SHAPE|CL)\+")),
    ("unknown", re.compile(r"XXX|[^\w#*~]*$")),
)
_NGT_MARKS = re.compile(r"(?:\++|:\w*|-[A-Z]|(?<=\D)\d+|(?<=[A-Z])[a-z])$")


def _ngt(gloss: str) -> Reading:
    bare = gloss.lstrip("?!")
    if bare[:1] in ("#", "*") and len(bare) > 1:
        return Reading("fingerspelling" if bare[0] == "#" else "name", spelled(bare[1:]))
    if bare.startswith("~"):
        return Reading("unknown", lemma=_stripped(bare[1:], _NGT_MARKS), problem="a false start")
    return _by_kinds(bare, _NGT_KINDS) or _lexical(gloss, _stripped(bare, _NGT_MARKS))


# ---- what they share ------------------------------------------------------------------------------------------------------
def _by_kinds(bare: str, kinds: tuple[tuple[SignKind, re.Pattern[str]], ...]) -> Reading | None:
    return next((Reading(kind) for kind, pattern in kinds if pattern.match(bare)), None)


def _lexical(gloss: str, lemma: str) -> Reading:
    return Reading("lexical", lemma=lemma if lemma != gloss else "", problem=_problem(gloss))


def _stripped(gloss: str, marks: re.Pattern[str]) -> str:
    """`gloss` without the marks at its end, as many as there are."""
    while (shorter := marks.sub("", gloss)) not in (gloss, ""):
        gloss = shorter
    return gloss


STYLES: dict[GlossStyle, Callable[[str], Reading]] = {
    "bsl": _bsl,
    "phoenix": _phoenix,
    "asl": _asl,
    "dgs": _dgs,
    "ngt": _ngt,
}
