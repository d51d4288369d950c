"""Type in pictures: DejaVu Sans, with Latin, IPA, Greek and Cyrillic letters."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

    from slp_mouthing.types import MouthAction


@cache
def font(size_px: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(BytesIO(_font_file()), size_px, layout_engine=ImageFont.Layout.BASIC)


@cache
def _font_file() -> bytes:
    return files("slp_mouthing.render").joinpath("fonts", "DejaVuSans.ttf").read_bytes()


def shortened(text: str, size_px: int, width_px: float) -> str:
    """`text` cut to a width, with an ellipsis."""
    if font(size_px).getlength(text) <= width_px:
        return text
    while text and font(size_px).getlength(text + "…") > width_px:
        text = text[:-1]
    return text + "…"


def mouthing_label(action: MouthAction | None) -> str:
    """What the mouth does, as a reader of glosses writes it: “why”, /waɪ/, [puffed-cheeks], or nothing."""
    if action is None:
        return ""
    if action.text:
        return f"“{action.text}”"
    if action.ipa:
        return f"/{action.ipa}/"
    return f"[{action.gesture}]" if action.gesture else ""
