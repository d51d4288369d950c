"""SiGML in its two forms, HamNoSys (`hns_sign`) and gestural (`hamgestural_sign`): the signs of one utterance.

Mouth pictures are SAMPA, mouth gestures codes (Hanke 2001, "Interface Definitions", ViSiCAST D5-1). A sign that has neither is
left to the lexicon. What is dropped: everything manual, and of a sign with both its mouth gestures. SiGML gives no times: a sign
has the default duration of its kind.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from slp_mouthing.errors import InputError
from slp_mouthing.notation.conventions import read_gloss
from slp_mouthing.notation.glosses import default_duration_s
from slp_mouthing.notation.slots import Notes
from slp_mouthing.sampa import to_ipa
from slp_mouthing.types import MouthOverride, Sign, Utterance
from slp_mouthing.xmlfile import read_xml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from slp_mouthing.notation.options import ReadOptions
    from slp_mouthing.xmlfile import XmlDocument

SIGNS = ("hns_sign", "hamgestural_sign")
PICTURES = {"hnm_mouthpicture": "picture", "mouth_picture": "picture"}
GESTURES = {"hnm_mouthgesture": "tag", "mouth_gesture": "movement"}
"""Element and the attribute that holds its value."""

_CODES = re.compile(r"D0[1-589]|J0[1-4]|L(?:0[1-9]|1[0-9]|20|2[2356789]|3[0-5])|C0[1-8]|C1[1-3]|T0[124-9]|T1[0136]", re.ASCII)
"""The mouth gestures that the standard defines."""


def read_sigml(path: Path, options: ReadOptions) -> Iterator[Utterance | InputError]:
    """The one utterance of a file. Raises `InputError`."""
    document = read_xml(path)
    elements = [element for element in document.root.iter() if element.tag in SIGNS]
    if not elements:
        what = f"no sign in <{document.root.tag}>, expected <{SIGNS[0]}> or <{SIGNS[1]}>"
        raise InputError(what, where=document.place(document.root))
    notes = Notes(document.where)
    readings = [read_gloss(_gloss(element), options.style) for element in elements]
    ends_s = accumulate((default_duration_s(one.kind, one.text) for one in readings), initial=0.0)
    slots = pairwise(round(end_s, 6) for end_s in ends_s)
    signs = [
        Sign(_gloss(element), one.kind, *slot, one.text, _mouth(element, document, notes), document.lines[element], 1,
             lemma=one.lemma)
        for element, one, slot in zip(elements, readings, slots, strict=True)
    ]  # fmt: skip
    yield Utterance(tuple(signs), warnings=notes.texts(), input=document.where)


def _gloss(element: Element) -> str:
    return "_".join(element.get("gloss", "").split()) or "UNKNOWN"


def _mouth(sign: Element, document: XmlDocument, notes: Notes) -> MouthOverride | None:
    pictures = [element for element in sign.iter() if element.tag in PICTURES]
    gestures = [element for element in sign.iter() if element.tag in GESTURES]
    if pictures:
        for element in gestures:
            notes.add(document.lines[element], f"{_gloss(sign)} has a mouth picture, its mouth gesture is left out")
        return _picture(pictures, document, notes)
    if gestures:
        return _gesture(gestures, document, notes)
    return None


def _picture(pictures: list[Element], document: XmlDocument, notes: Notes) -> MouthOverride | None:
    spoken: list[str] = []
    for element in pictures:
        sampa = element.get(PICTURES[element.tag], "")
        ipa, unknown = to_ipa(sampa)
        if unknown:
            notes.add(document.lines[element], f"'{unknown}' in '{sampa}' is no SAMPA and is passed over")
        spoken.append(ipa)
    ipa = " ".join(filter(None, spoken))
    return MouthOverride("ipa", ipa, lenient=True) if ipa else MouthOverride("none")


def _gesture(gestures: list[Element], document: XmlDocument, notes: Notes) -> MouthOverride:
    """The first gesture that is known; a mouth at rest when none is."""
    codes: list[str] = []
    for element in gestures:
        code = element.get(GESTURES[element.tag], "").strip().upper()
        if not _CODES.fullmatch(code):
            notes.add(document.lines[element], f"unknown mouth gesture '{code}', the mouth rests")
        elif codes:
            notes.add(document.lines[element], f"a sign has one mouth gesture, {code} after {codes[0]} is left out")
        else:
            codes.append(code)
    return MouthOverride("gesture", codes[0], lenient=True) if codes else MouthOverride("none")
