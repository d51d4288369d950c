"""An avatar for any head: opaque discs that tile its triangles, and strands for hair, brows and lashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.strands import brow_strands, hair_strands, lash_strands
from slp_mouthing.avatar.surface import Look, Surface, bound, discs

if TYPE_CHECKING:
    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.head.rig import Head


@dataclass(frozen=True, slots=True)
class AvatarOptions:
    density: float = 1.0
    """Discs per length against the default; 2 gives four times as many, for close-ups."""
    strands: bool = True
    """Hair, brows and lashes as strands; without them they are surfaces."""
    seed: int = 0
    """Of the small variation of skin and strands."""


LOOKS: dict[str, Look] = {
    "skin": Look(3.2, speckle=0.015),
    "lip": Look(1.4, speckle=0.02),
    "eyelid_edge": Look(1.5),
    "nostril": Look(2.0),
    # The renderer darkens the mouth by its opening: here are the colours in full light.
    "mouth_cavity": Look(6.0, albedo=(0.30, 0.085, 0.080)),
    "gum": Look(4.0, albedo=(0.50, 0.19, 0.175)),
    "tooth": Look(2.6, albedo=(0.80, 0.765, 0.68)),
    "tongue": Look(3.2, speckle=0.03, albedo=(0.56, 0.22, 0.21)),
    "sclera": Look(2.4),
    "iris": Look(1.0),
    "pupil": Look(1.0),
    "brow": Look(2.0),
    "lash": Look(1.0),
    "hair": Look(3.6, lift_mm=-1.5, speckle=0.05),
    "garment": Look(4.5, speckle=0.02),
}
"""By region; others look like skin."""


def default_avatar(head: Head, options: AvatarOptions | None = None) -> Avatar:
    """Gaussians for a head's rest pose. The same head and options give the same avatar."""
    options = options or AvatarOptions()
    rng = np.random.default_rng(options.seed)
    surface = Surface.of(head)
    stranded = {"brow", "lash"} if options.strands else set()
    parts = [
        discs(surface, region, LOOKS.get(region, LOOKS["skin"]), options.density, rng)
        for region in head.region_names
        if region not in stranded
    ]
    if options.strands:
        parts += [hair_strands(surface, rng), brow_strands(surface, rng), lash_strands(surface, rng)]
    return bound(parts, head)
