"""Sizes of a face, those the built-in head is made to, and how they vary between people.

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

    Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Anthropometry:
    """Straight distances in millimetres, unless a size says otherwise."""

    face_height_mm: float = 116.5
    """n-gn: nasion to gnathion."""
    face_width_mm: float = 135.0
    """zy-zy: between the zygions."""
    head_width_mm: float = 153.0
    """eu-eu: between the sides of the skull."""
    cranial_height_mm: float = 102.5
    """n-v: how high the crown lies over the nasion."""
    gonial_width_mm: float = 101.3
    """go-go: between the angles of the jaw."""
    cheek_width_mm: float = 102.0
    """Between the cheeks, beside the mouth."""
    intercanthal_mm: float = 33.0
    """en-en: between the inner corners of the eyes."""
    biocular_mm: float = 89.5
    """ex-ex: between the outer corners of the eyes."""
    canthal_tilt_deg: float = 5.5
    """Rise of the outer over the inner corner of an eye, degrees."""
    brow_height_mm: float = 20.0
    """How high the upper rim of the orbit lies over the pupil."""
    brow_ridge_mm: float = 5.5
    """How far the glabella stands before the nasion."""
    nose_height_mm: float = 52.5
    """n-sn: nasion to subnasale."""
    nose_width_mm: float = 33.5
    """al-al: between the wings of the nose."""
    nose_protrusion_mm: float = 19.5
    """sn-prn: subnasale to the tip."""
    philtrum_mm: float = 13.5
    """sn-ls: subnasale to the upper edge of the upper lip's red."""
    mouth_width_mm: float = 52.0
    """ch-ch: between the corners of the mouth."""
    upper_vermilion_mm: float = 8.0
    """ls-sto: height of the red of the upper lip."""
    lower_vermilion_mm: float = 9.8
    """sto-li: height of the red of the lower lip."""
    lip_protrusion_mm: float = 2.9
    """How far the upper lip's red (ls) stands before the subnasale."""
    chin_protrusion_mm: float = -2.0
    """How far the chin (pg) stands before the subnasale."""
    ear_length_mm: float = 58.3
    """sa-sba: height of the ear."""
    neck_width_mm: float = 92.0
    """Across the neck, below the jaw."""


BUILTIN = Anthropometry()
SIZES = tuple(size.name for size in fields(Anthropometry))

_ENDS = {
    "face_height_mm": ("nasion", "gnathion"),
    "face_width_mm": ("zygion_left", "zygion_right"),
    "head_width_mm": ("euryon_left", "euryon_right"),
    "gonial_width_mm": ("gonion_left", "gonion_right"),
    "cheek_width_mm": ("cheek_left", "cheek_right"),
    "intercanthal_mm": ("canthus_inner_left", "canthus_inner_right"),
    "biocular_mm": ("canthus_outer_left", "canthus_outer_right"),
    "nose_height_mm": ("nasion", "subnasale"),
    "nose_width_mm": ("ala_left", "ala_right"),
    "nose_protrusion_mm": ("subnasale", "nose_tip"),
    "philtrum_mm": ("subnasale", "labiale_superius"),
    "mouth_width_mm": ("cheilion_left", "cheilion_right"),
    "upper_vermilion_mm": ("labiale_superius", "lip_upper_mid"),
    "lower_vermilion_mm": ("lip_lower_mid", "labiale_inferius"),
    "ear_length_mm": ("ear_top_left", "ear_bottom_left"),
    "neck_width_mm": ("neck_left", "neck_right"),
}
_STEPS = {
    "cranial_height_mm": ("nasion", "vertex", 1),
    "brow_height_mm": ("eye_left", "orbit_top_left", 1),
    "brow_ridge_mm": ("nasion", "glabella", 2),
    "lip_protrusion_mm": ("subnasale", "labiale_superius", 2),
    "chin_protrusion_mm": ("subnasale", "pogonion", 2),
}
"""Sizes along one axis: from, to, and 1 for height, 2 for depth."""
LANDMARKS = tuple(
    dict.fromkeys([*(n for ends in _ENDS.values() for n in ends), *(n for a, b, _ in _STEPS.values() for n in (a, b))])
)
"""The names of all points that are measured."""


def measure(points_m: Array, landmarks: Mapping[str, NDArray[np.int32]]) -> Anthropometry:
    """The sizes of a mesh [V, 3] whose landmarks carry anthropometric names."""
    return measured({name: 1e3 * points_m[landmarks[name][0]].astype(np.float64) for name in LANDMARKS})


def measured(at_mm: Mapping[str, Points]) -> Anthropometry:
    """The sizes between the points of `LANDMARKS`, [3] mm each."""
    sizes = {size: float(np.linalg.norm(at_mm[one] - at_mm[other])) for size, (one, other) in _ENDS.items()}
    sizes |= {size: float(at_mm[end][axis] - at_mm[start][axis]) for size, (start, end, axis) in _STEPS.items()}
    across, up, _ = at_mm["canthus_outer_left"] - at_mm["canthus_inner_left"]
    return Anthropometry(canthal_tilt_deg=float(np.degrees(np.arctan2(up, across))), **sizes)
