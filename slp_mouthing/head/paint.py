"""The skin's materials and colours, from where each vertex lies on the rest face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.hairline import above_hairline
from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.appearance import Appearance, Palette
    from slp_mouthing.head.subdivision import Points
    from slp_mouthing.head.surface import Skin


def skin_regions(skin: Skin) -> NDArray[np.str_]:  # [F]
    """The material of each triangle of the skin."""
    ring, column, lid, nostril = (x[skin.triangles] for x in (skin.ring, skin.column, skin.lid, skin.nostril))
    # The lining at the corners is seen from the side beside the teeth; that of the middle makes the dark of a rounded mouth.
    inside = np.where(np.abs(column.mean(1) - 5) < 2.6, -1, -0.5)
    return np.select(
        [ring.max(1) <= inside, ring.max(1) <= 3, nostril.mean(1) > 0.6, lid.max(1) <= 2],
        ["mouth_cavity", "lip", "nostril", "eyelid_edge"],
        "skin",
    )


def skin_colors(skin: Skin, look: Appearance, palette: Palette) -> Points:  # [S, 3]
    """Linear albedo: warm cheeks, nose and chin, cooler jaw, lips darker towards their lining, a dark mouth."""
    x, y, z = np.abs(skin.points[:, 0]), skin.points[:, 1], skin.points[:, 2]

    def spot(cx: float, cy: float, radius: float) -> Points:
        return np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / radius**2)) * (z > 20)

    flush = 0.55 * spot(45, -35, 18) + 0.4 * spot(0, -38, 11) + 0.3 * spot(17, -41, 8) + 0.22 * spot(0, -97, 15)
    color = _mix(np.broadcast_to(palette.skin, skin.points.shape), palette.flush, np.clip(0.5 * flush, 0, 1))
    color = _mix(color, palette.cool, 0.35 * smoothstep(-60, -110, y) * (skin.ring > 7))
    color = _mix(color, 0.55 * palette.cool, look.beard * _beard(skin))
    color = _mix(color, palette.lid, 0.30 * np.exp(-(((skin.lid - 3.2) / 0.9) ** 2)))
    color = _mix(color, palette.caruncle, 0.8 * smoothstep(2.05, 1.5, skin.lid))
    ragged = above_hairline(skin.points, look.hairline_mm) + 2.5 * np.sin(0.9 * skin.points[:, 0]) * np.sin(0.7 * z)
    color = _mix(color, palette.hair, 0.9 * smoothstep(-5, 3, ragged) * (skin.ring > 7.9))
    mouth = skin.ring < 7
    lip = _mix(np.broadcast_to(palette.lip, skin.points.shape), palette.lip_inner, smoothstep(1.75, 0.5, skin.ring))
    color = _mix(color, lip, (1 - smoothstep(2.85, 3.15, skin.ring)) * mouth)
    color = _mix(color, 1.6 * palette.lining, smoothstep(0.0, -0.75, skin.ring) * mouth)
    corner = np.exp(-(((skin.column - 5) / 2.2) ** 4))
    depth = corner * smoothstep(-0.8, -1.8, skin.ring) + (1 - corner) * smoothstep(0.4, -1.0, skin.ring)
    color = color * (1 - 0.9 * depth * mouth)[:, None]
    return color * (1 - 0.85 * smoothstep(0.4, 1.2, skin.nostril))[:, None]


def _beard(skin: Skin) -> Points:
    """Where a man's beard grows. -> [S]"""
    x, y, z = np.abs(skin.points[:, 0]), skin.points[:, 1], skin.points[:, 2]
    jaw = smoothstep(-46, -62, y + 0.35 * np.maximum(x - 24, 0) - 8 * smoothstep(30, 62, x)) * smoothstep(-126, -108, y)
    mustache = smoothstep(-44, -48, y) * smoothstep(30, 18, x)
    below_lip = 1 - 0.6 * np.exp(-(((x - 14) / 8) ** 2) - ((y + 84) / 6) ** 2)
    grown = np.maximum(jaw * smoothstep(20, 32, x + 60 * (y < -78)), mustache) * smoothstep(15, 40, z) * below_lip
    return np.asarray(0.5 * grown * smoothstep(3.1, 4.0, skin.ring) * (0.92 + 0.08 * np.sin(1.7 * x) * np.sin(1.9 * y)))


def _mix(color: Points, other: Points, share: Points) -> Points:
    return color * (1 - share[:, None]) + other * share[:, None]
