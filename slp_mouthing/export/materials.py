"""What each region of a head is made of, for formats with materials. Colours are the head's own, per vertex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array

DEFAULT_ROUGHNESS = 0.6
ROUGHNESS: dict[str, float] = {
    "skin": 0.55, "lips": 0.35, "gums": 0.3, "teeth": 0.2, "tongue": 0.35, "mouth": 0.5,
    "eyes": 0.08, "iris": 0.08, "sclera": 0.1, "lids": 0.5, "brows": 0.8, "lashes": 0.8, "hair": 0.75,
}  # fmt: skip
"""Of the surface, 0 a mirror, 1 chalk, by region name. Wet surfaces are smooth."""


@dataclass(frozen=True, slots=True)
class Part:
    """The triangles of one region."""

    name: str
    triangles: NDArray[np.int32]  # [F', 3]
    color: Array  # [3] mean albedo, linear RGB
    roughness: float


def parts(head: Head) -> list[Part]:
    """The head's regions that have triangles, in the order of `region_names`."""
    found = ((name, head.triangles[head.regions == index]) for index, name in enumerate(head.region_names))
    return [
        Part(name, triangles, head.colors[np.unique(triangles)].mean(axis=0), ROUGHNESS.get(name, DEFAULT_ROUGHNESS))
        for name, triangles in found
        if len(triangles)
    ]
