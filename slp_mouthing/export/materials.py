"""What each region of a head is made of, for formats with materials. Colours are the head's own, per vertex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array


@dataclass(frozen=True, slots=True)
class Material:
    name: str
    roughness: float
    """0 a mirror, 1 chalk. Wet surfaces are smooth."""
    double_sided: bool = False
    """Thin sheets are seen from behind too."""


_SKIN = Material("skin", 0.55)
_MOUTH = Material("mouth", 0.35)
_EYES = Material("eyes", 0.1)
_HAIR = Material("hair", 0.75, double_sided=True)

MATERIALS: dict[str, Material] = {
    "skin": _SKIN, "nostril": _SKIN, "eyelid_edge": _SKIN, "lip": Material("lips", 0.4),
    "mouth_cavity": _MOUTH, "gum": _MOUTH, "tongue": _MOUTH, "tooth": Material("teeth", 0.2),
    "sclera": _EYES, "iris": _EYES, "pupil": _EYES,
    "hand": _SKIN, "nail": Material("nails", 0.3),
    "hair": _HAIR, "brow": _HAIR, "lash": _HAIR, "garment": Material("garment", 0.9, double_sided=True),
    "cloth": Material("cloth", 0.9),
}  # fmt: skip
"""By region name; a region that is not named here is a material of its own, `DEFAULT_ROUGHNESS` rough."""

DEFAULT_ROUGHNESS = 0.6


@dataclass(frozen=True, slots=True)
class Part:
    """The triangles of one region."""

    name: str
    material: Material
    triangles: NDArray[np.int32]  # [F', 3]
    color: Array  # [3] mean albedo, linear RGB


def parts(head: Head) -> list[Part]:
    """The head's regions that have triangles, in the order of `region_names`."""
    found = ((name, head.triangles[head.regions == index]) for index, name in enumerate(head.region_names))
    return [
        Part(name, MATERIALS.get(name, Material(name, DEFAULT_ROUGHNESS)), triangles, head.colors[triangles].mean(axis=(0, 1)))
        for name, triangles in found
        if len(triangles)
    ]
