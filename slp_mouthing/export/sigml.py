"""`.sigml`: the plan as mouth pictures (SAMPA) and mouth gestures (codes), for avatars that play SiGML.

A source that is SiGML itself keeps its signs, and gets a mouth for each: the mouth actions that it had give way. Other sources
give signs without hands. SiGML has no times and nothing that spreads: a mouthing stands on the first of its signs. A gesture that
SiGML has no code for is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from slp_mouthing.errors import OutputError
from slp_mouthing.export.eaf import source_of
from slp_mouthing.files import atomic_write
from slp_mouthing.sampa import from_ipa
from slp_mouthing.xmlfile import read_xml, to_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slp_mouthing.types import MouthAction, Take

_OURS = {"hnm_mouthpicture", "hnm_mouthgesture", "mouthing_tier"}
"""What the plan replaces."""


def write_sigml(take: Take, path: Path, *, code_of: Callable[[str], str]) -> None:
    """Write the plan.

    Args:
        code_of: SiGML's code of a mouth gesture by our name; empty when it has none.

    Raises `OutputError`, also instead of overwriting the source, and `InputError` for a source that can no longer be read.
    """
    if take.plan is None:
        raise OutputError("a track alone has no plan", where=take.name, hint="render the glosses again")
    source = source_of(take.plan, path, ".sigml")
    root = read_xml(source).root if source else _without_hands([sign.gloss for sign in take.plan.signs])
    signs = [element for element in root.iter() if element.tag in _NONMANUAL]
    if len(signs) != len(take.plan.signs):
        raise OutputError("the input has changed since it was read", where=str(source), hint="render it again")
    mouths: dict[int, list[MouthAction]] = {}
    for action in take.plan.actions:
        mouths.setdefault(action.signs[0], []).append(action)
    for index, sign in enumerate(signs):
        _set_mouth(sign, [mouth for action in mouths.get(index, []) if (mouth := _mouth(action, code_of))])
    atomic_write(path, to_text(root))


_NONMANUAL = {"hns_sign": "hamnosys_nonmanual", "hamgestural_sign": "sign_nonmanual"}
"""Where each form keeps what is not the hands."""


def _mouth(action: MouthAction, code_of: Callable[[str], str]) -> tuple[str, str] | None:
    """`picture` and its SAMPA, or `gesture` and its code; None for a mouth at rest."""
    if action.gesture:
        return ("gesture", code) if (code := code_of(action.gesture)) else None
    return ("picture", from_ipa(action.ipa)) if action.ipa else None


def _set_mouth(sign: Element, mouths: list[tuple[str, str]]) -> None:
    nonmanual = sign.find(_NONMANUAL[sign.tag])
    if nonmanual is None:
        nonmanual = Element(_NONMANUAL[sign.tag])
        sign.insert(0, nonmanual)
    for child in [child for child in nonmanual if child.tag in _OURS]:
        nonmanual.remove(child)
    if sign.tag == "hns_sign":
        for kind, value in mouths:
            attribute = "picture" if kind == "picture" else "tag"
            SubElement(nonmanual, f"hnm_mouth{kind}", {attribute: value})
    elif mouths:
        tier = SubElement(nonmanual, "mouthing_tier")
        for kind, value in mouths:
            attribute = "picture" if kind == "picture" else "movement"
            SubElement(tier, f"mouth_{kind}", {attribute: value})
    if not len(nonmanual):
        sign.remove(nonmanual)


def _without_hands(glosses: list[str]) -> Element:
    root = Element("sigml")
    for gloss in glosses:
        SubElement(SubElement(root, "hns_sign", {"gloss": gloss}), "hamnosys_manual")
    return root
