"""Where hair grows. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from slp_mouthing.head.subdivision import Points

_Z = (-100, -70, -55, -40, -28, -18, -8, 4, 12, 18, 26, 36, 48, 60, 74, 86, 92, 99)
_Y = (-50, -49, -46, -39, -26, 0, 20, 22, 8, -4, 2, 24, 46, 60, 70, 72, 71, 69)
_ARCH_MM = 5.0
"""How much lower the hairline lies 40 mm beside the forehead's middle, before any recession."""


def above_hairline(points: Points, receded: float = 0.0) -> Points:
    """Height over the hairline, negative below it. [..., 3] -> [...] mm

    `receded` mm is how far the hairline has drawn back at the temples; less in the middle.
    """
    x, y, z = np.moveaxis(points, -1, 0)
    temple = np.exp(-(((np.abs(x) - 36) / 14) ** 2)) * smoothstep(36, 62, z)
    middle = smoothstep(50, 75, z)
    arch = _ARCH_MM * np.minimum((x / 40) ** 2, 1.5) * smoothstep(40, 70, z)
    return np.asarray(y - np.interp(z, _Z, _Y) + arch - temple * receded - 0.45 * middle * receded)
