"""`.eaf`: the plan as tiers for ELAN, beside the signs.

    Mouth-action   what the BSL Corpus calls it, sign by sign: Mouthing, MG, None, Perseveration-M, ...
    Mouthing       what it is, at its own time: a word, `/IPA/` where no word is known, or `%gesture`

A source that is an EAF itself keeps all that it holds, and its clock. Our reader takes the tier `Mouthing` back and pronounces it
anew: reductions are found again, not stored.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from slp_mouthing.errors import OutputError
from slp_mouthing.files import atomic_write
from slp_mouthing.xmlfile import read_xml, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slp_mouthing.types import MouthAction, MouthingPlan, Take

SIGN_TIER, SIGN_TIER_BESIDE = "RH-IDgloss", "Mouthing-signs"
"""The signs' tier in a file of their own, and beside the tiers of a source."""
ACTION_TIER = "Mouth-action"
MOUTHING_TIER = "Mouthing"
_TYPE = "mouthing-lt"

_Row = tuple[float, float, str]


def write_eaf(take: Take, path: Path) -> None:
    """Write the plan in milliseconds. Raises `OutputError`, also instead of overwriting the source, and `InputError` for a source
    that can no longer be read."""
    if take.plan is None:
        raise OutputError("a track alone has no plan", where=take.name, hint="render the glosses again")
    source = source_of(take.plan, path, ".eaf")
    root = read_xml(source).root if source else _empty_document()
    tiers = _Tiers(root, take.plan.offset_s)
    tiers.add(SIGN_TIER_BESIDE if source else SIGN_TIER, ((sign.start_s, sign.end_s, sign.gloss) for sign in take.plan.signs))
    tiers.add(ACTION_TIER, _labels(take.plan))
    tiers.add(MOUTHING_TIER, ((a.start_s, a.end_s, said) for a in take.plan.actions if (said := _said(a))))
    tiers.record_last_id()
    atomic_write(path, to_text(root))


def source_of(plan: MouthingPlan, path: Path, suffix: str) -> Path | None:
    """The file that the plan was made from, when it is of this format. Raises `OutputError` when `path` would overwrite it."""
    source = Path(plan.input)
    if source.suffix.lower() != suffix or not source.is_file():
        return None
    if path.exists() and path.samefile(source):
        raise OutputError("would overwrite the input", where=str(path), hint="choose another folder with -o")
    return source


def _said(action: MouthAction) -> str:
    if action.gesture:
        return f"%{action.gesture}"
    return action.text or (f"/{action.ipa}/" if action.ipa else "")


def _labels(plan: MouthingPlan) -> Iterable[_Row]:
    """The BSL Corpus' label of each sign; what spreads onto a sign perseveres there."""
    labels: dict[int, str] = {}
    for action in plan.actions:
        spread = {"Mouthing": "Perseveration-M", "MG": "Perseveration-MG"}.get(action.type, action.type)
        for index in action.signs:
            label = action.type if index == action.signs[0] else spread
            if labels.get(index, "None") == "None":
                labels[index] = label
    return ((plan.signs[i].start_s, plan.signs[i].end_s, label) for i, label in sorted(labels.items()))


class _Tiers:
    """Adds tiers to a document without touching what is there."""

    def __init__(self, root: Element, offset_s: float) -> None:
        self.root, self.offset_s = root, offset_s
        self.names = {tier.get("TIER_ID", "") for tier in root.iter("TIER")}
        self.next_id = 1 + max((_number(value) for element in root.iter() for value in _ids(element)), default=0)
        self.add_type()

    def add(self, name: str, rows: Iterable[_Row]) -> None:
        tier = Element("TIER", {"LINGUISTIC_TYPE_REF": self.type_name, "TIER_ID": self.free_name(name)})
        slots: list[tuple[int, str]] = []
        for start_s, end_s, value in rows:
            start_ms = round((start_s + self.offset_s) * 1000)
            end_ms = max(start_ms + 1, round((end_s + self.offset_s) * 1000))
            refs = [self.new_id("ts"), self.new_id("ts")]
            slots += zip((start_ms, end_ms), refs, strict=True)
            holder = SubElement(tier, "ANNOTATION")
            times = {"TIME_SLOT_REF1": refs[0], "TIME_SLOT_REF2": refs[1]}
            annotation = SubElement(holder, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": self.new_id("a"), **times})
            SubElement(annotation, "ANNOTATION_VALUE").text = value
        self.insert_after(tier, "TIER", "TIME_ORDER", "HEADER")
        self.add_slots(slots)

    def add_slots(self, slots: list[tuple[int, str]]) -> None:
        """Into the order of time, in which ELAN wants them; the slots that are there keep their own."""
        order = self.root.find("TIME_ORDER")
        if order is None:
            order = Element("TIME_ORDER")
            self.insert_after(order, "HEADER", "LICENSE")
        new = [Element("TIME_SLOT", {"TIME_SLOT_ID": name, "TIME_VALUE": str(time)}) for time, name in sorted(slots)]
        merged: list[Element] = []
        for slot in order:
            if (value := slot.get("TIME_VALUE")) is not None:
                while new and int(new[0].get("TIME_VALUE", 0)) < int(value):
                    merged.append(new.pop(0))
            merged.append(slot)
        order[:] = merged + new

    def add_type(self) -> None:
        """Ours is new even if another file of ours is the source: its type may have been edited."""
        taken = {element.get("LINGUISTIC_TYPE_ID", "") for element in self.root.iter("LINGUISTIC_TYPE")}
        self.type_name = _free(_TYPE, taken)
        flags = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": self.type_name, "TIME_ALIGNABLE": "true"}
        self.insert_after(Element("LINGUISTIC_TYPE", flags), "LINGUISTIC_TYPE", "TIER", "TIME_ORDER", "HEADER")

    def insert_after(self, element: Element, *tags: str) -> None:
        """After the last element of the first of `tags` that there is: the format fixes their order."""
        for tag in tags:
            places = [number for number, child in enumerate(self.root) if child.tag == tag]
            if places:
                self.root.insert(places[-1] + 1, element)
                return
        self.root.insert(0, element)

    def free_name(self, name: str) -> str:
        free = _free(name, self.names)
        self.names.add(free)
        return free

    def new_id(self, prefix: str) -> str:
        self.next_id += 1
        return f"{prefix}{self.next_id - 1}"

    def record_last_id(self) -> None:
        """ELAN numbers what it adds later from here, where the source says so."""
        for element in self.root.iter("PROPERTY"):
            if element.get("NAME") == "lastUsedAnnotationId":
                element.text = str(self.next_id - 1)


def _free(name: str, taken: set[str]) -> str:
    """`name`, or `name-2`, `name-3`, ... where it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _ids(element: Element) -> list[str]:
    return [value for key in ("TIME_SLOT_ID", "ANNOTATION_ID") if (value := element.get(key))]


def _number(name: str) -> int:
    """The number in an ID, with which ours may not collide."""
    found = re.search(r"\d{1,15}", name)
    return int(found[0]) if found else 0


def _empty_document() -> Element:
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "slp-mouthing",
            # The format wants a date; a real one would make every file differ.
            "DATE": "2000-01-01T00:00:00+00:00",
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    SubElement(root, "TIME_ORDER")
    for name, meaning in _CONSTRAINTS.items():
        SubElement(root, "CONSTRAINT", {"DESCRIPTION": meaning, "STEREOTYPE": name})
    return root


_CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same parent are ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}
"""The stereotypes that ELAN puts into every file."""
