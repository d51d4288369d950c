"""An avatar for any head: opaque discs that tile its triangles, and strands for hair, brows and lashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.strands import brow_strands, hair_strands, lash_strands
from slp_mouthing.avatar.surface import Look, Surface, bound, discs
from slp_mouthing.avatar.visibility import seen_somewhere

if TYPE_CHECKING:
    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.head.rig import Head


@dataclass(frozen=True, slots=True)
class AvatarOptions:
    density: float = 1.0
    """Discs per length against the default; 2 gives four times as many, for close-ups."""
    strands: bool = True
    """Hair, brows and lashes have strands over their surface."""
    seed: int = 0
    """Of the small variation of skin and strands."""


LOOKS: dict[str, Look] = {
    "skin": Look(10.0, bend_rad=1.0, crease_mm=2.6, speckle=0.015),
    "lip": Look(2.2, speckle=0.02),
    "eyelid_edge": Look(2.4),
    "nostril": Look(3.0),
    # The renderer darkens the mouth by its opening: here are the colours in full light.
    "mouth_cavity": Look(11.0, lift_mm=0.5, albedo=(0.30, 0.085, 0.080)),
    "gum": Look(5.0, lift_mm=-0.5, albedo=(0.50, 0.19, 0.175)),
    "tooth": Look(3.2),
    "tongue": Look(4.2, speckle=0.03, albedo=(0.42, 0.12, 0.125)),
    "sclera": Look(5.0),
    "iris": Look(1.9),
    "pupil": Look(2.0),
    # Discs of the skin below are larger, and sorted by their centres: hairs must stand off to lie in front of them.
    "brow": Look(2.6, opacity=0.85, lift_mm=0.9),
    "lash": Look(1.4, opacity=0.8),
    "hair": Look(8.0, bend_rad=1.5, lift_mm=-1.0, speckle=0.05),
    "garment": Look(6.5, speckle=0.02),
}
"""By region; others look like skin."""


BODY_LOOKS: dict[str, Look] = {
    "cloth": Look(4.0, speckle=0.02),
    "hand": Look(2.6, speckle=0.015),
    "nail": Look(2.0),
}
"""By region of the built-in half body. It lies far from the face: edges grow to their longest, 2.8 times as long."""


def body_avatar(signer: Head, seed: int = 0) -> Avatar:
    """Gaussians for the body of a signer's rest pose. Arms uncover everything: none is left out as hidden."""
    rng, surface = np.random.default_rng(seed), Surface.of(signer)
    avatar = bound([discs(surface, region, look, 1.0, rng) for region, look in BODY_LOOKS.items()], signer)
    return avatar.only(np.argsort(avatar.binding, kind="stable"))


def default_avatar(head: Head, options: AvatarOptions | None = None) -> Avatar:
    """Gaussians for a head's rest pose. The same head and options give the same avatar."""
    options = options or AvatarOptions()
    rng = np.random.default_rng(options.seed)
    surface = Surface.of(head)
    parts = [discs(surface, region, LOOKS.get(region, LOOKS["skin"]), options.density, rng) for region in head.region_names]
    if options.strands:
        parts += [hair_strands(surface, rng), brow_strands(surface, rng), lash_strands(surface, rng)]
    avatar = bound(parts, head)
    seen = np.flatnonzero(seen_somewhere(avatar, head))
    # By triangle: its frame is then found once, and what lies together on the head lies together in memory.
    return avatar.only(seen[np.argsort(avatar.binding[seen], kind="stable")])
