"""Points of the built-in head by name: those that every `Head` has, and those that `anthropometry.py` measures."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.head.contact import LipGrid
    from slp_mouthing.head.part import Part
    from slp_mouthing.head.surface import Skin

_MEETING_ROW, _BORDER_ROW = 4, 12
"""Rows of the contact grids at which the lips meet, and at which their red ends."""
_MIDLINE = {
    "nose_tip": "Nr5_0", "chin": "R0_16", "gnathion": "R0_16", "pogonion": "M6_10", "glabella": "Ng_0", "nasion": "Nn_0",
    "subnasale": "M6_0", "vertex": "R3_0",
}  # fmt: skip
_SIDED = {
    "cheilion": "M3_5", "canthus_inner": "E2_0", "canthus_outer": "E2_6", "ala": "Nr5_2", "zygion": "R0_9", "euryon": "R3_7",
    "gonion": "R0_12", "cheek": "C3_2", "orbit_top": "E5_3", "neck": "R4_13",
}  # fmt: skip
"""Points of the cage, by the names under which the skin knows them."""


def find_landmarks(skin: Skin, lips: LipGrid, parts: list[Part]) -> Mapping[str, NDArray[np.int32]]:
    """Vertex indices in the mesh that `parts` make together, the skin first."""
    found: dict[str, object] = {name: skin.vertex[point] for name, point in _MIDLINE.items()}
    for name, point in _SIDED.items():
        found |= {f"{name}_left": skin.vertex[point], f"{name}_right": skin.mirror[skin.vertex[point]]}
    found |= _on_lips(lips)
    starts = np.cumsum([0, *(len(part.points) for part in parts)])
    for part, start in zip(parts, starts[:-1], strict=True):
        if part.eye is not None:
            found["eye_right" if part.eye else "eye_left"] = start + int(np.argmax(part.points[:, 2]))
        if part.name == "ear_left":
            heights = part.points[:, 1]
            found |= {"ear_top_left": start + int(np.argmax(heights)), "ear_bottom_left": start + int(np.argmin(heights))}
    return MappingProxyType({name: _frozen(index) for name, index in found.items()})


def _on_lips(lips: LipGrid) -> dict[str, object]:
    upper, lower, (right, left) = lips.upper, lips.lower, lips.corners
    middle = len(upper) // 2

    def contour(row: int) -> NDArray[np.int64]:
        return np.concatenate([right[row : row + 1], upper[:, row], left[row : row + 1], lower[::-1, row]])

    return {
        "lips_inner": contour(_MEETING_ROW),
        "lips_outer": contour(_BORDER_ROW),
        "lip_upper_mid": upper[middle, _MEETING_ROW],
        "lip_lower_mid": lower[middle, _MEETING_ROW],
        "lip_corner_left": left[_MEETING_ROW],
        "lip_corner_right": right[_MEETING_ROW],
        "labiale_superius": upper[middle, _BORDER_ROW],
        "labiale_inferius": lower[middle, _BORDER_ROW],
    }


def _frozen(index: object) -> NDArray[np.int32]:
    array = np.atleast_1d(np.asarray(index, np.int32))
    array.setflags(write=False)
    return array
