"""A plain crew-neck top: collar and shoulders. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.part import Part, grid, make_part

if TYPE_CHECKING:
    from slp_mouthing.head.appearance import Albedo

_RINGS = (
    # half width, half depth, y at the side, y in front, y behind, centre z
    (50, 49, -166, -176, -158, -12),
    (53, 52, -163, -173, -155, -12),
    (57, 56, -167, -177, -159, -13),
    (72, 66, -176, -186, -170, -14),
    (100, 74, -186, -200, -186, -15),
    (140, 82, -198, -222, -206, -16),
    (176, 86, -216, -246, -230, -18),
    (190, 88, -250, -275, -262, -18),
)


_LIFT = 11.0
"""Collar above the foot of the neck."""


def build_garment(color: Albedo) -> Part:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    side, front = np.sin(angle), np.cos(angle)
    rows = []
    for half_width, half_depth, y_side, y_front, y_back, z in _RINGS:
        y = _LIFT + y_side * side**2 + np.where(front > 0, y_front, y_back) * front**2
        rows.append(np.stack([half_width * np.sign(side) * np.abs(side) ** 0.9, y, z + half_depth * front], -1))
    points, triangles = grid(np.array(rows), wrap=True)
    return make_part(points, triangles[:, ::-1], "garment", color)
