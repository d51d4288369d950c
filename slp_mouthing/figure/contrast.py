"""Cloth that hands stand out from: signers wear plain colours, dark ones on light skin and light ones on dark skin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from slp_mouthing.figure.half_body import Color

LEAST = 3.0
"""Contrast of cloth and skin, as WCAG 2 measures that of a text and its ground."""
_LUMINANCE = (0.2126, 0.7152, 0.0722)
_LIGHT: Color = (0.56, 0.60, 0.62)
_DARK: Color = (0.035, 0.055, 0.085)


def contrast(a: Color, b: Color) -> float:
    """1 to 21."""
    darker, lighter = sorted(float(np.dot(_LUMINANCE, color)) for color in (a, b))
    return (lighter + 0.05) / (darker + 0.05)


def contrasting(cloth: Color, skin: Color) -> Color:
    """`cloth` if hands stand out from it, else a plain light or dark one."""
    return cloth if contrast(cloth, skin) >= LEAST else max(_LIGHT, _DARK, key=lambda color: contrast(color, skin))
