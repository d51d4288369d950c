"""The hair of the head, by style: cropped, curly, tied back, or hanging from a parting. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.hairline import above_hairline
from slp_mouthing.head.part import Part, grid, join, make_part, outward, tube
from slp_mouthing.head.shapes import smoothstep

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.head.appearance import Appearance, Palette
    from slp_mouthing.head.subdivision import Indices, Points
    from slp_mouthing.head.surface import Skin

_CENTER = np.array([0.0, 25.0, -12.0])
_CROWN = np.array([0.0, 0.90, -0.436])
_BUN = np.array([0.0, 46.0, -115.0])
_LOCKS = 96


def build_hair(skin: Skin, look: Appearance, palette: Palette) -> Part:
    """The hair of a person."""
    return STYLES[look.hair_style](Scalp(skin, look, palette))


class Scalp:
    """The skull under the hair, and the look of what grows on it."""

    def __init__(self, skin: Skin, look: Appearance, palette: Palette) -> None:
        from scipy.spatial import cKDTree

        away = skin.points - _CENTER
        away = away[(skin.ring >= 7.9) & (skin.lid >= 7.9) & (skin.nostril == 0)]
        self._length = np.linalg.norm(away, axis=1)
        self._nearest = cKDTree(away / self._length[:, None])
        self.look, self.palette, self.rng = look, palette, np.random.default_rng(3)

    def radius(self, rays: Points) -> Points:
        """Distance from the hair's centre to the skin along unit `rays` [..., 3]."""
        distance, nearest = self._nearest.query(rays, k=5)
        weight = 1 / (np.asarray(distance) ** 2 + 1e-5)
        return np.asarray((weight * self._length[nearest]).sum(-1) / weight.sum(-1))

    def hairline_angle(self, around: Points) -> Points:
        """Angle from the crown at which the scalp meets the hairline. [N] -> [N]"""
        away = np.linspace(0.5, 2.4, 96)
        rays = _rays(around[:, None], away[None])
        above = above_hairline(_CENTER + rays * self.radius(rays)[..., None], self.look.hairline_mm)
        return np.asarray(away[np.argmax(above < 0, axis=1)])

    def shaded(self, points: Points, triangles: Indices, shade: Points, bare: Points) -> Part:
        """Hair of `shade` [N], through which the skin shows where `bare` [N] is not 0."""
        grey = 1 + self.look.greying * 0.5 * self.rng.standard_normal(len(shade))
        colors = self.palette.hair * (np.clip(shade, 0.55, 1.7) * np.clip(grey, 0.5, 1.5))[:, None]
        colors = colors * (1 - bare[:, None]) + self.palette.skin * bare[:, None]
        return make_part(points, triangles, "hair", colors)


@dataclass(frozen=True, slots=True)
class Crop:
    """Hair that lies on the skull and ends at the hairline."""

    top: float  # mm over the scalp
    side: float
    front: float  # added over the forehead
    locks: float  # how far single locks stand out, relative to the default
    curl: float  # mm, bumps of curls
    ragged: float  # mm, of the edge
    fringe: float  # 0 brushed back from the forehead, 1 falling over it
    rows: int = 11
    swept: float = 0.30
    """How far the locks turn to the sides on their way, rad."""


def _cropped(crop: Crop) -> Callable[[Scalp], Part]:
    return lambda scalp: _crop(scalp, crop)


def _crop(scalp: Scalp, crop: Crop) -> Part:
    rng = scalp.rng
    around = np.linspace(0, 2 * np.pi, _LOCKS, endpoint=False)
    strand = _wavy(rng, 0.5) + 0.6 * rng.standard_normal(_LOCKS)
    tip = np.tile((0.0, 2.2, 0.8), _LOCKS // 3) + 1.6 * _wavy(rng, 0.3) + 2.6 * rng.random(_LOCKS)
    along = np.linspace(0, 1, crop.rows + 1)[1:] ** 0.85
    swept = crop.swept * np.cos(around)
    forehead = np.cos(around) > 0.5
    end = scalp.hairline_angle(around + swept) + crop.ragged * (1 + crop.fringe * forehead) * tip / 95
    rays = _rays(around[:, None] + swept[:, None] * along**2, along * end[:, None])
    radius = scalp.radius(rays)
    top = smoothstep(25, 90, (_CENTER + rays * radius[..., None])[..., 1])
    front = smoothstep(0.35, 0.95, np.cos(around))[:, None]
    thickness = crop.side + (crop.top - crop.side) * top + crop.front * front * top * along
    thickness = thickness + crop.locks * (0.5 + 1.3 * top) * strand[:, None] * along
    thickness = thickness + crop.curl * rng.standard_normal(thickness.shape) * smoothstep(1.02, 0.8, along)
    thickness = thickness * (1 - along ** (2.0 + (4.0 * crop.fringe - 0.7) * front)) ** 0.7 + 0.3
    points = _CENTER + rays * (radius + thickness)[..., None]
    pole = _CENTER + _CROWN * (scalp.radius(_CROWN[None])[0] + crop.top - 0.6)
    rows, triangles = tube(points.swapaxes(0, 1), start=pole)
    shade = 1 + 0.25 * strand[:, None] * (0.4 + 0.6 * along) + 0.10 * rng.standard_normal((_LOCKS, crop.rows))
    bare = 0.16 * (1 - top) * smoothstep(0.45, 1.0, along) + 0.22 * smoothstep(0.86, 1.0, along) / (1 + crop.curl)
    return scalp.shaded(rows, outward(rows, triangles), np.r_[shade.T.ravel(), 1.0], np.r_[bare.T.ravel(), 0.0])


def _tied(scalp: Scalp) -> Part:
    """Drawn back into a bun."""
    return join(
        [_crop(scalp, Crop(top=6.0, side=4.5, front=1.5, locks=0.5, curl=0.0, ragged=0.35, fringe=0.0, swept=0.0)), _bun(scalp)]
    )


def _bun(scalp: Scalp) -> Part:
    turn, rise = np.linspace(0, 2 * np.pi, 20, endpoint=False), np.linspace(0, np.pi, 11)[1:-1]
    wound = 1 + 0.05 * np.sin(5 * turn[None] + 3.2 * rise[:, None])
    flat = np.sin(rise)[:, None] * wound
    rings = np.stack([29 * flat * np.cos(turn), 27 * flat * np.sin(turn), -21 * np.cos(rise)[:, None] * wound], -1)
    points, triangles = tube(rings, np.array([0, 0, -21.0]), np.array([0, 0, 21.0]))
    shade = np.r_[(1 + 0.3 * np.sin(5 * turn[None] + 3.2 * rise[:, None])).ravel(), 1, 1]
    return scalp.shaded(points + _BUN, outward(points, triangles), shade, np.zeros(len(points)))


_COLUMNS, _ON_SKULL, _HANGING = 30, 10, 10
_PARTING = 0.13
"""Where the parting lies on the head's left, as a direction from the hair's centre."""


def _hanging(scalp: Scalp) -> Part:
    """From a parting over the temples down, to the look's length."""
    return join([_half_curtain(scalp, 1), _half_curtain(scalp, -1)])


def _half_curtain(scalp: Scalp, side: int) -> Part:
    outer = _curtain(scalp, side)
    locks = np.concatenate([_inner_side(outer[0]), outer])
    points, triangles = grid(locks.swapaxes(0, 1), wrap=False)
    shade = 1 + 0.22 * np.repeat(_wavy(scalp.rng, 0.4)[: len(locks)][None], locks.shape[1], 0).ravel()
    shade = shade + 0.07 * scalp.rng.standard_normal(len(shade))
    return scalp.shaded(points * (side, 1, 1), triangles[:, ::-side], shade, np.zeros(len(points)))


def _curtain(scalp: Scalp, side: int) -> Points:
    """Locks of one side from the parting down, as on the left. -> [columns, rows, 3]"""
    back = np.linspace(0, 1, _COLUMNS)
    rise = np.radians(np.interp(back, (0, 0.6, 1), (26, 112, 122)))
    azimuth = np.radians(np.interp(back, (0, 0.25, 1), (57, 88, 180)))
    root = np.stack([side * _PARTING * np.interp(back, (0, 0.5, 0.65), (1, 1, 0)), np.sin(rise), np.cos(rise)], 1)
    leave = np.stack([np.sin(azimuth), -0.12 + 0 * azimuth, np.cos(azimuth)], 1)
    control = (root + leave) / 2 + np.outer((1 - back) ** 2, (0.0, 0.33, 0.0))
    t = np.linspace(0, 1, _ON_SKULL)[:, None, None]
    rays = (1 - t) ** 2 * root + 2 * t * (1 - t) * (2 * control - (root + leave) / 2) + t**2 * leave
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    lock = _wavy(scalp.rng, 0.4)[:_COLUMNS]
    lift = 1.5 + 8.5 * smoothstep(0, 0.45, t[..., 0]) + 0.8 * lock * t[..., 0]
    over_ear = 9.0 * np.exp(-(((azimuth - np.radians(98)) / 0.55) ** 2)) * smoothstep(0.55, 1.0, t[..., 0])
    skull = _CENTER + rays * (scalp.radius(rays * (side, 1, 1)) + lift + over_ear)[..., None]
    return np.concatenate([skull, _hung(scalp.look.hair_length_mm, skull[-1], back, lock)]).swapaxes(0, 1)


def _hung(length_mm: float, foot: Points, back: Points, lock: Points) -> Points:
    """Locks from where they leave the head, `foot` [columns, 3], straight down and a little inwards. -> [rows, columns, 3]"""
    down = np.linspace(0, 1, _HANGING + 1)[1:, None]
    length = length_mm + foot[:, 1] + 6 * lock + 7 * (1 - back)
    narrow = 1 + 0.05 * np.sin(np.pi * down) - 0.20 * down**2 * (0.6 + 0.4 * back)
    x, y = foot[:, 0] * narrow + 1.5 * lock * down, foot[:, 1] - length * down
    return np.stack([x, y, _CENTER[2] + (foot[:, 2] - _CENTER[2]) * narrow], -1)


def _inner_side(edge: Points) -> Points:
    """From beside the neck to the front edge [rows, 3], which it rounds: hair seen behind the face. -> [inner, rows, 3]"""
    hanging = smoothstep(0, 4, np.arange(len(edge), dtype=np.float64) - _ON_SKULL + 2)[:, None]
    beside_neck = np.stack([edge[:, 0] * 0.55, edge[:, 1], np.full(len(edge), -30.0)], 1)
    fold = [edge - np.array(step) for step in ((9.0, 0, 5.0), (6.0, 0, 0.5), (2.5, 0, -1.2))]
    free = [beside_neck, (beside_neck + fold[0]) / 2, *fold]
    # On the head the edge bends down to the scalp.
    tucked = [_CENTER + share * (edge - _CENTER) for share in (0.88, 0.90, 0.92, 0.945, 0.975)]
    return np.stack([hanging * a + (1 - hanging) * b for a, b in zip(free, tucked, strict=True)])


def _wavy(rng: np.random.Generator, roughness: float) -> Points:
    """Periodic smooth noise round the head, about 1 in size. -> [locks]"""
    around = np.linspace(0, 2 * np.pi, _LOCKS, endpoint=False)
    waves = [np.sin(k * around + rng.uniform(0, 7)) * k**-roughness for k in (5, 9, 14, 23)]
    return np.asarray(sum(waves)) * 0.7


def _rays(around: Points, away: Points) -> Points:
    """Directions at the angle `away` from the crown; `around` 0 points to the forehead. -> [..., 3]"""
    front = np.array([0.0, -_CROWN[2], _CROWN[1]])
    flat = np.sin(around)[..., None] * (1, 0, 0) + np.cos(around)[..., None] * front
    return np.asarray(np.cos(away)[..., None] * _CROWN + np.sin(away)[..., None] * flat)


STYLES: dict[str, Callable[[Scalp], Part]] = {
    "short": _cropped(Crop(top=11.0, side=2.6, front=3.5, locks=1.1, curl=0.0, ragged=1.0, fringe=0.25)),
    "buzzed": _cropped(Crop(top=3.2, side=1.6, front=0.0, locks=0.25, curl=0.0, ragged=0.3, fringe=0.0)),
    "cropped": _cropped(Crop(top=6.5, side=2.2, front=1.0, locks=0.6, curl=0.0, ragged=0.6, fringe=0.0)),
    "curly": _cropped(Crop(top=17.0, side=9.5, front=3.0, locks=0.7, curl=2.3, ragged=0.5, fringe=0.45, rows=15, swept=0.0)),
    "tied": _tied,
    "hanging": _hanging,
}
"""By name."""
