"""The skin's materials and colours, from where each vertex lies on the rest face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.hairline import HAIR, above_hairline
from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.subdivision import Points
    from slp_mouthing.head.surface import Skin

SKIN = np.array([0.66, 0.415, 0.305])
_FLUSH, _LID, _COOL = np.array([0.64, 0.285, 0.225]), np.array([0.50, 0.29, 0.235]), np.array([0.60, 0.40, 0.315])
_LIP, _LIP_INNER = np.array([0.50, 0.19, 0.168]), np.array([0.36, 0.105, 0.10])
_LINING, _CARUNCLE = np.array([0.24, 0.07, 0.065]), np.array([0.50, 0.22, 0.195])


def skin_regions(skin: Skin) -> NDArray[np.str_]:  # [F]
    """The material of each triangle of the skin."""
    ring, lid, nostril = (x[skin.triangles] for x in (skin.ring, skin.lid, skin.nostril))
    return np.select(
        [ring.max(1) <= -0.5, ring.max(1) <= 3, nostril.mean(1) > 0.6, lid.max(1) <= 2],
        ["mouth_cavity", "lip", "nostril", "eyelid_edge"],
        "skin",
    )


def skin_colors(skin: Skin) -> Points:  # [S, 3]
    """Linear albedo: warm cheeks, nose and chin, cooler jaw, lips darker towards their lining, a dark mouth."""
    x, y, z = np.abs(skin.points[:, 0]), skin.points[:, 1], skin.points[:, 2]

    def spot(cx: float, cy: float, radius: float) -> Points:
        return np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / radius**2)) * (z > 20)

    flush = 0.55 * spot(45, -35, 18) + 0.4 * spot(0, -38, 11) + 0.3 * spot(17, -41, 8) + 0.22 * spot(0, -97, 15)
    color = _mix(np.broadcast_to(SKIN, skin.points.shape), _FLUSH, np.clip(0.5 * flush, 0, 1))
    color = _mix(color, _COOL, 0.35 * smoothstep(-60, -110, y) * (skin.ring > 7))
    color = _mix(color, _LID, 0.30 * np.exp(-(((skin.lid - 3.2) / 0.9) ** 2)))
    color = _mix(color, _CARUNCLE, 0.8 * smoothstep(2.05, 1.5, skin.lid))
    ragged = above_hairline(skin.points) + 2.5 * np.sin(0.9 * skin.points[:, 0]) * np.sin(0.7 * z)
    color = _mix(color, HAIR, 0.9 * smoothstep(-5, 3, ragged) * (skin.ring > 7.9))
    mouth = skin.ring < 7
    lip = _mix(np.broadcast_to(_LIP, skin.points.shape), _LIP_INNER, smoothstep(1.75, 0.5, skin.ring))
    color = _mix(color, lip, (1 - smoothstep(2.85, 3.15, skin.ring)) * mouth)
    color = _mix(color, _LINING, smoothstep(0.0, -0.75, skin.ring) * mouth)
    # The corners stay lighter: they are seen from the side when the lips spread.
    dark = 0.90 - 0.35 * np.exp(-(((skin.column - 5) / 1.2) ** 2)) * (skin.ring > -2.2)
    color = color * (1 - dark * smoothstep(0.4, -1.0, skin.ring) * mouth)[:, None]
    return color * (1 - 0.85 * smoothstep(0.4, 1.2, skin.nostril))[:, None]


def _mix(color: Points, other: Points, share: Points) -> Points:
    return color * (1 - share[:, None]) + other * share[:, None]
