"""The tiers of an ELAN file as annotations with times, whatever they hang on.

pympi reads the file; its times are milliseconds. An annotation that refers to another one has that one's time, or its share of it
when several do; one without times of its own lies evenly between its neighbours, as ELAN shows it.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from slp_mouthing.errors import InputError
from slp_mouthing.notation.slots import Annotation
from slp_mouthing.xmlfile import read_xml, to_text

if TYPE_CHECKING:
    from slp_mouthing.notation.slots import Notes
    from slp_mouthing.xmlfile import XmlDocument

MAX_VALUE = 200
"""Longest annotation that is taken for a gloss or a mouthing, in characters."""
_MAX_DEPTH = 20
"""Most references from tier to tier; ELAN's templates have four."""

_Span = tuple[float, float]


class Tiers:
    """The tiers of one file. Raises `InputError` for a file that is no EAF."""

    def __init__(self, path: Path, notes: Notes) -> None:
        document = read_xml(path)
        if document.root.tag != "ANNOTATION_DOCUMENT":
            what = f"is no ELAN file: it starts with <{document.root.tag}>, expected <ANNOTATION_DOCUMENT>"
            raise InputError(what, where=document.place(document.root))
        self.notes = notes
        self.lines = _annotation_lines(document)
        self._eaf = _load(document)
        self._spans: dict[str, _Span | None] = {}
        self._aligned: dict[str, dict[str, float]] = {}
        self._families: dict[str, dict[str, dict[str, int]]] = {}

    @property
    def names(self) -> list[str]:
        return list(self._eaf.tiers)

    def is_empty(self, tier: str) -> bool:
        return not any(self._eaf.tiers[tier][:2])

    def read(self, tier: str) -> list[Annotation]:
        """The annotations of a tier in order of time; those that cannot be placed, or say nothing, are noted."""
        aligned, referring, *_ = self._eaf.tiers[tier]
        values = {name: row[2] for name, row in aligned.items()} | {name: row[1] for name, row in referring.items()}
        found = [self._annotation(name, value, tier) for name, value in values.items()]
        return sorted(filter(None, found), key=lambda one: (one.start_s, one.end_s))

    def _annotation(self, name: str, value: str, tier: str) -> Annotation | None:
        line = self.lines.get(name, 0)
        value = unicodedata.normalize("NFC", " ".join(value.split()))
        span = self._span(name)
        problem = _problem(value, span)
        if problem or span is None:
            self.notes.add(line, f"{problem}; it is left out", tier)
            return None
        return Annotation(value, span[0] / 1000, span[1] / 1000, line, tier)

    def _span(self, name: str, depth: int = 0) -> _Span | None:
        """Start and end of an annotation in ms; None when its references lead nowhere or in a circle."""
        if name not in self._spans and depth <= _MAX_DEPTH:
            # Seen again before it is known, an annotation hangs on itself.
            self._spans[name] = None
            tier = self._eaf.annotations.get(name)
            if tier is not None:
                self._spans[name] = self._own_span(name, tier) or self._share(name, tier, depth)
        return self._spans.get(name)

    def _own_span(self, name: str, tier: str) -> _Span | None:
        aligned = self._eaf.tiers[tier][0]
        if name not in aligned:
            return None
        if tier not in self._aligned:
            self._aligned[tier] = self._slots_ms(aligned)
        start, end = (self._aligned[tier].get(slot) for slot in aligned[name][:2])
        return None if start is None or end is None else (start, end)

    def _slots_ms(self, aligned: dict[str, Any]) -> dict[str, float]:
        """Times of a tier's slots; those that the file leaves open lie evenly between the known ones."""
        known = {slot: float(time) for slot, time in self._eaf.timeslots.items() if time is not None}
        after = {row[0]: row[1] for row in aligned.values()}
        for first in [slot for slot in after if slot in known]:
            chain = {first: 0}
            following = after[first]
            while following not in known and following not in chain and following in after:
                chain[following] = len(chain)
                following = after[following]
            if following in known:
                step = (known[following] - known[first]) / len(chain)
                known |= {slot: known[first] + step * number for slot, number in chain.items()}
        return known

    def _share(self, name: str, tier: str, depth: int) -> _Span | None:
        """The part of its parent's span that a referring annotation has."""
        referring = self._eaf.tiers[tier][1]
        if name not in referring:
            return None
        parent = referring[name][0]
        span = self._span(parent, depth + 1)
        if span is None:
            return None
        place, count = self._place(name, tier)
        step = (span[1] - span[0]) / count
        return span[0] + step * place, span[0] + step * (place + 1)

    def _place(self, name: str, tier: str) -> tuple[int, int]:
        """Which of its parent's annotations on a tier this one is, and how many there are."""
        if tier not in self._families:
            families: dict[str, dict[str, int]] = {}
            for child, row in self._eaf.tiers[tier][1].items():
                family = families.setdefault(row[0], {})
                family[child] = len(family)
            self._families[tier] = families
        family = self._families[tier][self._eaf.tiers[tier][1][name][0]]
        return family[name], len(family)


def _problem(value: str, span: _Span | None) -> str:
    if span is None:
        return "an annotation without a time (its references lead nowhere, or in a circle)"
    if not value:
        return "an empty annotation"
    if len(value) > MAX_VALUE:
        return f"an annotation of more than {MAX_VALUE} characters, which is no gloss"
    if span[0] < 0 or span[1] <= span[0]:
        return f"'{value}' lasts from {span[0] / 1000:g} s to {span[1] / 1000:g} s"
    return ""


def _annotation_lines(document: XmlDocument) -> dict[str, int]:
    tags = ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION")
    elements = [element for tag in tags for element in document.root.iter(tag)]
    return {element.get("ANNOTATION_ID", ""): document.lines[element] for element in elements}


def _load(document: XmlDocument) -> Any:
    """pympi's `Eaf` of the document, after what pympi cannot do without is put in."""
    from pympi.Elan import Eaf

    root = document.root
    for key, value in _SCHEMA.items():
        root.attrib.setdefault(key, value)
    with TemporaryDirectory() as folder:
        # pympi reads from a path only, and this copy declares nothing that could lead elsewhere.
        copy = Path(folder, "copy.eaf")
        copy.write_text(to_text(root), encoding="utf-8")
        try:
            eaf = Eaf(str(copy), suppress_version_warning=True)
        except Exception as error:
            # Whatever is missing: pympi checks nothing, and raises `Exception` itself.
            raise InputError(
                f"is no valid ELAN file ({error!r})", where=document.where, hint="open and save it in ELAN"
            ) from error
    if len(eaf.tiers) < len(root.findall("TIER")):
        raise InputError("has two tiers of the same name", where=document.where, hint="rename one in ELAN")
    return eaf


_SCHEMA = {
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
}
