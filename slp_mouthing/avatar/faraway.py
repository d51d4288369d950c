"""Gaussians seen from far away: a pixel's blur must not make fine hair thicker than it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.binding import triangle_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.types import Array

FINE = ("strand", "lash", "pupil")
"""Materials of single Gaussians on others of another colour; skin and cloth are closed whatever their size."""
_BLUR_PX2 = 0.3
"""What a renderer adds to a Gaussian's variance."""


def from_afar(avatar: Avatar, vertices_m: Array, triangles: NDArray[np.int32], px_per_m: float) -> Avatar:
    """The avatar with its fine Gaussians as faint as their blurred size asks for, on a mesh [V, 3], [F, 3] at rest.

    A Gaussian whose variances v a blur b widens keeps the light it takes when its opacity falls by sqrt(v / (v + b)) for each
    axis (Z. Yu et al., Mip-Splatting, CVPR 2024).
    """
    scale = triangle_frames(vertices_m, triangles)[1][avatar.binding]
    sizes_px = np.sort(np.exp(avatar.log_scale) * scale[:, None], axis=1)[:, 1:] * px_per_m
    kept = np.sqrt((sizes_px**2 / (sizes_px**2 + _BLUR_PX2)).prod(axis=1))
    fine = np.isin(avatar.material, [k for k, name in enumerate(avatar.material_names) if name in FINE])
    return replace(avatar, opacity=np.where(fine, avatar.opacity * kept, avatar.opacity).astype(np.float32))
