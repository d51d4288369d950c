"""Sizes of a face, and those the built-in head is made to.

The head lies between the female and male means of North American adults aged 19 to 25 in L. G. Farkas (ed.), Anthropometry of
the Head and Face, 2nd ed., Raven Press 1994; its landmark names are given with each size.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.types import Array


@dataclass(frozen=True, slots=True)
class Anthropometry:
    """Straight distances in millimetres."""

    face_height_mm: float = 116.5
    """n-gn: nasion to gnathion."""
    face_width_mm: float = 135.0
    """zy-zy: between the zygions."""
    intercanthal_mm: float = 33.0
    """en-en: between the inner corners of the eyes."""
    biocular_mm: float = 89.5
    """ex-ex: between the outer corners of the eyes."""
    nose_height_mm: float = 52.5
    """n-sn: nasion to subnasale."""
    nose_width_mm: float = 33.5
    """al-al: between the wings of the nose."""
    mouth_width_mm: float = 52.0
    """ch-ch: between the corners of the mouth."""
    philtrum_mm: float = 13.5
    """sn-ls: subnasale to the upper edge of the upper lip's red."""
    upper_vermilion_mm: float = 8.0
    """ls-sto: height of the red of the upper lip."""
    lower_vermilion_mm: float = 9.8
    """sto-li: height of the red of the lower lip."""


BUILTIN = Anthropometry()

_ENDS = {
    "face_height_mm": ("nasion", "gnathion"),
    "face_width_mm": ("zygion_left", "zygion_right"),
    "intercanthal_mm": ("canthus_inner_left", "canthus_inner_right"),
    "biocular_mm": ("canthus_outer_left", "canthus_outer_right"),
    "nose_height_mm": ("nasion", "subnasale"),
    "nose_width_mm": ("ala_left", "ala_right"),
    "mouth_width_mm": ("cheilion_left", "cheilion_right"),
    "philtrum_mm": ("subnasale", "labiale_superius"),
    "upper_vermilion_mm": ("labiale_superius", "lip_upper_mid"),
    "lower_vermilion_mm": ("lip_lower_mid", "labiale_inferius"),
}


def measure(points_m: Array, landmarks: Mapping[str, NDArray[np.int32]]) -> Anthropometry:
    """The sizes of a mesh [V, 3] whose landmarks carry anthropometric names."""

    def distance(one: str, other: str) -> float:
        return 1e3 * float(np.linalg.norm(points_m[landmarks[one][0]] - points_m[landmarks[other][0]]))

    return Anthropometry(**{size.name: distance(*_ENDS[size.name]) for size in fields(Anthropometry)})
