"""Teeth, gums and the dental arches that lips and tongue keep clear of. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.part import Part, join, make_part, outward, tube

if TYPE_CHECKING:
    from slp_mouthing.head.subdivision import Points

_ENAMEL = np.array([0.90, 0.865, 0.78])
_GUM = np.array([0.50, 0.19, 0.175])


@dataclass(frozen=True, slots=True)
class Arch:
    """One row of teeth: the facial surface z(x) of its incisors and the sizes of its teeth from the midline outwards."""

    up: int  # 1 the upper row, whose crowns hang down; -1 the lower
    front: float  # z of the central incisors' face
    scale: float  # width of the arch against the upper one
    edge: float  # y of the incisal edge
    widths: tuple[float, ...]
    heights: tuple[float, ...]

    def depth(self, x: Points) -> Points:
        """z of the teeth's face at the distance `x` from the midline."""
        x = x / self.scale
        return np.asarray(self.front - (0.0105 * x**2 + 3.3e-5 * x**4) * self.scale)

    def along(self, distance: Points) -> tuple[Points, Points]:
        """Points (x, z) and outward normals at `distance` mm from the midline along the arch. -> [..., 2], [..., 2]"""
        x = np.linspace(0, 32 * self.scale, 1000)
        z = self.depth(x)
        walked = np.r_[0, np.cumsum(np.hypot(np.diff(x), np.diff(z)))]
        away = np.abs(distance)
        at = np.stack([np.interp(away, walked, x), np.interp(away, walked, z)], -1)
        ahead = np.stack([np.interp(away + 0.5, walked, x), np.interp(away + 0.5, walked, z)], -1)
        along = (ahead - at) / np.linalg.norm(ahead - at, axis=-1, keepdims=True)
        side = np.where(distance < 0, -1.0, 1.0)[..., None] * (1, 0) + (0, 1)
        return at * side, np.stack([-along[..., 1], along[..., 0]], -1) * side


UPPER = Arch(1, 95.9, 1.0, -68.6, (8.6, 6.7, 7.7, 7.0, 6.8, 10, 9.5), (10.0, 8.8, 9.8, 8.4, 7.6, 7.2, 6.8))
LOWER = Arch(-1, 91.9, 0.95, -68.2, (5.4, 6.0, 6.9, 7.0, 7.2, 11, 10), (7.0, 7.2, 7.8, 7.4, 7.2, 7.0, 6.8))
_EDGE_STEP = {1: (0, 0.5, -0.1, 0.3, 0.5, 0.6, 0.7), -1: (0, 0.05, -0.1, 0.2, 0.4, 0.6, 0.7)}
"""How far the edge of each tooth lies from the central incisors' edge, towards the gum; upper and lower row."""
_THICKNESS = (5.6, 5.2, 6.4, 7.5, 8.0, 10.0, 10.0)
_GAP = 0.98
_CROWN_HEIGHTS = (0.008, 0.04, 0.11, 0.28, 0.56, 0.95)
_CROWN_WIDTHS = (0.90, 0.97, 0.995, 1.0, 0.97, 0.86)
"""Rings of a crown from its edge to the root: height and width as fractions."""


def build_teeth(arch: Arch) -> Part:
    """Fourteen crowns, each a rounded box that tapers towards its edge."""
    middles = np.cumsum(arch.widths) - np.array(arch.widths) / 2
    left = join([_crown(arch, k, float(middle)) for k, middle in enumerate(middles)])
    return join([left, left.mirrored()])


def _crown(arch: Arch, k: int, middle: float) -> Part:
    around = 14 if k < 3 else 8
    rings = slice(None) if k < 3 else [0, 2, 4, 5]
    root = np.array(_CROWN_HEIGHTS)[rings, None]
    round_off = np.array(_CROWN_WIDTHS)[rings]
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False) + np.pi / around
    u, v = (np.sign(f) * np.abs(f) ** 0.5 for f in (np.cos(angle), np.sin(angle)))
    wide = round_off[:, None] * u * (0.5 - 0.045 * (1 - root)) * arch.widths[k] * _GAP
    taper = 0.42 + 0.58 * root**0.7 if k < 3 else 0.8 + 0.2 * root
    face = 0.5 * _THICKNESS[k] * (round_off[:, None] * v * taper - 0.95) - 0.8 * (1 - np.cos(round_off[:, None] * u * 1.1))
    cusp = 0.8 * (1 - np.abs(u)) * (1 - root) if k == 2 else 0.0
    tall = arch.heights[k] + 1.8
    y = arch.edge + arch.up * (root * tall + _EDGE_STEP[arch.up][k] - cusp)
    (x, z), (nx, nz) = arch.along(np.array(middle))
    rows = np.stack([x + wide * nz + face * nx, np.broadcast_to(y, face.shape), z - wide * nx + face * nz], -1)
    inset = -0.475 * _THICKNESS[k]
    poles = [(x + inset * nx, arch.edge + arch.up * (_EDGE_STEP[arch.up][k] + t * tall), z + inset * nz) for t in (0.0, 1.0)]
    points, triangles = tube(rows, *np.array(poles))
    deep = np.clip(1.05 - (86 - points[:, 2]) / 60, 0.5, 1)
    between = np.r_[np.tile(1 - 0.45 * np.clip((np.abs(u) - 0.80) / 0.16, 0, 1), len(rows)), 1, 1]
    shade = _ENAMEL * (deep * between)[:, None]
    return make_part(points, outward(points, triangles), "tooth", shade, jaw=0.0 if arch.up > 0 else 1.0)


def build_gums(arch: Arch) -> Part:
    """A tube along the roots, scalloped between the teeth."""
    length = float(np.sum(arch.widths))
    walk = np.linspace(-length, length, 41)
    at, normal = arch.along(walk)
    borders = np.cumsum([0, *arch.widths])
    papilla = np.exp(-((np.min(np.abs(np.abs(walk)[:, None] - borders), axis=1) / 1.7) ** 2))
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False) + np.pi / 8
    upper = arch.up > 0
    tall = (5.5 if upper else 4.6) * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.7
    rooty = tall * arch.up > 0
    thick = (4.3 if upper else 2.7) * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.8
    # The root side leans back, clear of the lip.
    thick = thick - np.where(rooty, (3.2 if upper else 4.5) * np.abs(tall / (5.5 if upper else 4.6)) ** 1.3, 0)
    tall = np.where(rooty, tall * (0.75 if upper else 0.5), tall)
    base = (-59.0 if upper else -75.6) + arch.up * 3.4
    y = base + tall - arch.up * 1.7 * papilla[:, None] * (tall * arch.up < 0)
    out = thick - 3.1
    rows = np.stack([at[:, :1] + normal[:, :1] * out, y, at[:, 1:] + normal[:, 1:] * out], -1)
    points, triangles = tube(rows, rows[0].mean(0), rows[-1].mean(0))
    colors = _GUM * np.clip(1 - (90 - points[:, 2]) / 34, 0.12, 1)[:, None]
    return make_part(points, outward(points, triangles), "gum", colors, jaw=0.0 if upper else 1.0)
