"""Where hair grows. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from slp_mouthing.head.subdivision import Points

HAIR = np.array([0.072, 0.042, 0.027])
"""Linear albedo."""
_Z = (-100, -70, -55, -40, -28, -18, -8, 4, 12, 18, 26, 36, 48, 60, 74, 86, 92, 99)
_Y = (-62, -60, -56, -47, -30, 0, 20, 22, 12, 2, 6, 26, 48, 63, 71, 73, 71, 70)


def above_hairline(points: Points) -> Points:
    """Height over the hairline, negative below it. [..., 3] -> [...] mm"""
    return np.asarray(points[..., 1] - np.interp(points[..., 2], _Z, _Y))
