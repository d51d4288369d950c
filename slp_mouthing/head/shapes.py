"""ARKit's face shapes, written on the cage as small tables over (ring, column) and smooth bumps. Millimetres.

Each shape is the offset of every cage point at weight 1 with the jaw closed; the jaw turns the result. Shapes of one side are
written for the head's left and mirrored. Offsets of the mouth are then spread into the cheeks as a thin plate would bend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.cage import EYE_CENTER, RINGS
from slp_mouthing.head.subdivision import Fairing

if TYPE_CHECKING:
    from slp_mouthing.head.cage import Cage
    from slp_mouthing.head.subdivision import Points

MOUTH_CENTER = np.array([0.0, -67.5, 101.0])
_UPPER = (1, 1, 0.98, 0.86, 0.52, 0.10, 0, 0, 0, 0, 0)
"""Share of the upper lip by column; the lower lip's is this one reversed."""
_ON_LIPS = (0, 0.15, 0.55, 1, 1, 1, 1, 1, 0.72, 0.36, 0.10)
"""Share of a lip's motion by ring, from the throat to the nasolabial fold."""


def build_shapes(cage: Cage) -> dict[str, Points]:
    """Offsets [C, 3] by ARKit name, and of the correctives of `drivers.py` by theirs."""
    sculptor = Sculptor(cage)
    return mouth_shapes(sculptor) | cheek_shapes(sculptor) | brow_shapes(sculptor) | eye_shapes(sculptor)


class Sculptor:
    """Fields over the cage: where a shape acts and how strongly."""

    def __init__(self, cage: Cage) -> None:
        self.cage = cage
        self.x, self.y, self.z = cage.points.T
        self.across = np.abs(self.x)
        self.sign = np.where(self.x >= 0, 1.0, -1.0)
        mouth = cage.in_mouth
        self.upper = np.interp(cage.column, range(11), _UPPER) * mouth
        self.lower = np.interp(cage.column, range(11), _UPPER[::-1]) * mouth
        self.lips = self.by_ring(_ON_LIPS)
        self.corner = np.exp(-(((cage.column - 5) / 1.25) ** 2)) * mouth
        self._spreading: dict[float, Fairing] = {}

    def zero(self) -> Points:
        return np.zeros_like(self.cage.points)

    def by_ring(self, values: tuple[float, ...]) -> Points:
        """A falloff over the mouth's rings, 0 elsewhere. -> [C]"""
        return np.where(self.cage.in_mouth, np.interp(self.cage.ring, RINGS, values), 0.0)

    def by_column(self, values: tuple[float, ...]) -> Points:
        return np.where(self.cage.in_mouth, np.interp(self.cage.column, range(11), values), 0.0)

    def left(self, width: float = 9.0) -> Points:
        """1 on the head's left, 0 on its right, smooth across the midline. -> [C]"""
        return smoothstep(-width, width, self.x)

    def bump(self, center: tuple[float, float, float], radius: tuple[float, float, float] | float) -> Points:
        """A Gaussian on both sides, off the mouth's cavity and the nostrils. -> [C]"""
        away = (np.stack([self.across, self.y, self.z], axis=1) - center) / radius
        outside = (self.cage.ring > -1.5) & (self.cage.nostril == 0)
        return np.asarray(np.exp(-np.sum(away**2, axis=1)) * outside)

    def push(self, amount: Points, *, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Points:
        """`amount` [C] times a direction whose x points away from the midline. -> [C, 3]"""
        away = x * self.sign * (self.across > 1e-6)
        return np.asarray(amount[:, None] * np.stack([away, np.full_like(amount, y), np.full_like(amount, z)], 1))

    def mirrored(self, offsets: Points) -> Points:
        return np.asarray(offsets[self.cage.mirror] * (-1, 1, 1))

    def spread(self, offsets: Points, hold_cheek: float = 0.012) -> Points:
        """Let the cheeks follow the lips as a thin plate: lips held hard, the fold softly, eyes, nose and skull in place."""
        if hold_cheek not in self._spreading:
            self._spreading[hold_cheek] = Fairing(self.cage.faces, self._hold(hold_cheek))
        return np.asarray(self._spreading[hold_cheek](offsets))

    def _hold(self, hold_cheek: float) -> Points:
        away = np.linalg.norm((self.cage.points - (0, -70, 85)) * (0.8, 1, 0.8), axis=1)
        around = np.where(away < 52, hold_cheek, np.where(away < 66, max(0.06, hold_cheek), 2.0))
        hold = np.where(
            self.cage.in_mouth, np.interp(self.cage.ring, RINGS, (5, 10, 20, 30, 30, 30, 30, 20, 4, 0.5, 0.06)), around
        )
        nose = ~self.cage.in_mouth & (self.y > -46) & (self.z > 92)
        return np.where((self.cage.lid < 5) | (self.cage.nostril > 0) | nose, 4.0, hold)


def mouth_shapes(s: Sculptor) -> dict[str, Points]:
    shapes: dict[str, Points] = {
        "mouthFunnel": _funnel(s), "mouthPucker": _pucker(s), "mouthRollLower": _roll_in(s, upper=False),
        "mouthRollUpper": _roll_in(s, upper=True), "mouthShrugLower": _shrug_lower(s), "mouthShrugUpper": _shrug_upper(s),
        "cornersIn": _corners_in(s),
    }  # fmt: skip
    # What the pucker has rounded already the funnel does not round again.
    shapes["puckerFunnel"] = -0.9 * shapes["mouthFunnel"]
    aside = s.push(s.lips * 1.0 + 0.25 * s.bump((20, -85, 85), (30, 20, 30)) * (1 - s.lips))
    aside[:, 0] = 7.0 * np.maximum(s.lips, 0.3 * s.bump((20, -85, 85), (30, 20, 30)))
    shapes["mouthLeft"], shapes["mouthRight"] = aside, s.mirrored(aside)
    sided = {
        "mouthSmile": _smile(s), "mouthFrown": _frown(s), "mouthDimple": _dimple(s), "mouthStretch": _stretch(s),
        "mouthPress": _press(s), "mouthLowerDown": _lower_down(s), "mouthUpperUp": _upper_up(s),
    }  # fmt: skip
    cheek = {"mouthSmile": 0.1, "mouthDimple": 0.05}
    spread = {name: s.spread(offsets, cheek.get(name, 0.012)) for name, offsets in (shapes | sided).items()}
    return {name: spread[name] for name in shapes} | _both_sides(s, {name: spread[name] for name in sided})


def _both_sides(s: Sculptor, shapes: dict[str, Points], width: float = 9.0) -> dict[str, Points]:
    """Shapes of one side, from shapes that move both."""
    left = {name: offsets * s.left(width)[:, None] for name, offsets in shapes.items()}
    return {f"{n}Left": d for n, d in left.items()} | {f"{n}Right": s.mirrored(d) for n, d in left.items()}


def _rounded(
    s: Sculptor, half_width: float, half_height: float, sections: dict[int, tuple[float, float, float]], drop: float = 0.0
) -> Points:
    """Lips as an even roll round an elliptic opening.

    `sections` gives for each ring its distance from the opening's edge in the upper and the lower lip and its depth from the
    lips' meeting line; the corner takes the mean.
    """
    offsets = s.zero()
    for ring, (upper, lower, depth) in sections.items():
        on = s.cage.ring == ring
        on &= s.cage.in_mouth
        angle = np.pi * s.cage.column[on] / 10
        lower_share = 0.5 - 0.5 * np.cos(angle)
        out = upper + (lower - upper) * lower_share
        wide, high = np.maximum(half_width + out, 0.5), half_height + out
        target = np.stack(
            [
                s.sign[on] * wide * np.sin(angle),
                MOUTH_CENTER[1] + drop + high * np.cos(angle),
                MOUTH_CENTER[2] + depth - 0.8 * lower_share - 0.022 * (wide * np.sin(angle)) ** 2,
            ],
            axis=1,
        )
        target[s.cage.on_midline[on], 0] = 0
        offsets[on] = target - s.cage.points[on]
    return offsets


def _pucker(s: Sculptor) -> Points:
    # The lining draws together behind the lips, so that the opening is dark.
    sections = {-2: (1.5, 1.5, -5.0), -1: (-6.2, -6.2, -0.5), 0: (-0.8, -0.8, 4.0), 1: (0.0, 0.0, 8.0), 2: (3.4, 4.0, 9.8),
                3: (7.0, 8.2, 6.2), 4: (12.0, 13.5, 1.6)}  # fmt: skip
    hollow = s.bump((46, -62, 68), (17, 20, 22)) * (1 - s.by_ring((1, 1, 1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4)))
    return _rounded(s, 5.0, 1.5, sections) + s.push(hollow, x=-3.0, z=1.0)


def _funnel(s: Sculptor) -> Points:
    sections = {-1: (4.0, 4.0, -4.0), 0: (0.4, 0.4, 2.2), 1: (0.0, 0.0, 5.6), 2: (3.0, 3.6, 8.2), 3: (6.8, 8.0, 6.4),
                4: (12.5, 14.0, 2.6)}  # fmt: skip
    return _rounded(s, 13.5, 3.0, sections, drop=-0.3)


def _roll_in(s: Sculptor, *, upper: bool) -> Points:
    offsets = _roll(s, upper=upper, degrees=62)
    lift = s.by_ring((0, 0, 0, 1, 1, 1, 1, 1, 0.6, 0.2, 0))
    if upper:
        return offsets - s.push(lift * s.upper, y=0.8)
    return offsets + s.push(lift * s.lower, y=2.4, z=-2.4)


def _roll(s: Sculptor, *, upper: bool, degrees: float) -> Points:
    """Turn each section of a lip about the lip's own line; positive degrees roll it inwards, over the teeth."""
    share = s.by_ring((0, 0, 0, 0.55, 0.85, 1, 1, 0.85, 0.35, 0.06, 0)) * (s.upper if upper else s.lower)
    angle = np.radians(degrees) * share * (1 if upper else -1)
    offsets = s.zero()
    for i in range(6) if upper else range(5, 11):
        first, last = (max(i - 1, 0), min(i + 1, 5)) if upper else (max(i - 1, 5), min(i + 1, 10))
        edge = [s.cage.points[s.cage.names[f"M3_{k}"]] for k in (first, i, last)]
        along = (edge[2] - edge[0]) * (1, 0.3, 1) * (1 if upper else -1)
        along /= np.linalg.norm(along)
        on = s.cage.in_mouth & (s.cage.column == i) & (share > 0) & (s.x >= -1e-9)
        away = s.cage.points[on] - (edge[1] - (0, 0, 5.0))
        c, n = np.cos(angle[on])[:, None], np.sin(angle[on])[:, None]
        offsets[on] = away * (c - 1) + np.cross(along, away) * n + (away @ along)[:, None] * along * (1 - c)
    return _mirror_left(s, offsets)


def _mirror_left(s: Sculptor, offsets: Points) -> Points:
    """The left half's offsets on both sides."""
    both = np.where((s.x >= -1e-9)[:, None], offsets, s.mirrored(offsets))
    both[s.cage.on_midline, 0] = 0
    return both


def _shrug_upper(s: Sculptor) -> Points:
    return s.push(s.upper * s.lips, y=2.4, z=2.6) + _roll(s, upper=True, degrees=-10)


def _shrug_lower(s: Sculptor) -> Points:
    chin = s.bump((0, -98, 92), (20, 13, 24))
    lift = s.lower * s.by_ring((0, 0.1, 0.5, 1, 1, 1, 1, 1, 0.9, 0.7, 0.45))
    return s.push(lift, y=4.6) + s.push(chin, y=2.4, z=0.8) + s.push(s.lower * s.lips, z=2.0)


def _press(s: Sculptor) -> Points:
    thin = s.by_ring((0, 0, 0.3, 0.6, 0.7, 0.8, 1, 1.5, 1.2, 0.5, 0.1))
    bulge = s.by_ring((0, 0, 0, 0, 0, 0, 0, 0.2, 1, 0.7, 0.1)) * (s.upper + s.lower)
    offsets = _roll(s, upper=True, degrees=26) + _roll(s, upper=False, degrees=26)
    offsets += s.push(thin * (1.2 * s.lower - s.upper), y=1.0) + s.push(bulge, z=1.0)
    return offsets - s.push((1.8 * s.corner + 0.5 * (s.upper + s.lower)) * s.lips, z=1.0)


def _upper_up(s: Sculptor) -> Points:
    fold = s.bump((18, -40, 90), 9.0) * (1 - s.lips)
    return s.push(s.upper * s.lips, y=6.5, z=-0.8) + _roll(s, upper=True, degrees=-8) + s.push(fold, y=1.2)


def _lower_down(s: Sculptor) -> Points:
    return s.push(s.lower * s.lips, y=-7.5, z=-0.8) + _roll(s, upper=False, degrees=-10)


def _corner_reach(s: Sculptor, power: float) -> Points:
    """1 at the corners of the lips, falling towards the midline and outwards. -> [C]"""
    return np.asarray(np.clip(s.across / 26, 0, 1.05) ** power * s.by_ring((0, 0.2, 0.6, 1, 1, 1, 1, 1, 0.9, 0.65, 0.35)))


def _thinned(s: Sculptor) -> Points:
    """Lips drawn thin, as they are when the corners pull outwards. -> [C]"""
    by_column = s.by_column((-0.5, -0.6, -0.7, -0.6, -0.3, 0, 0.3, 0.6, 0.8, 0.7, 0.6))
    return by_column * s.by_ring((0, 0, 0, 0, 0, 0.1, 0.5, 1, 0.8, 0.3, 0))


def _stretch(s: Sculptor) -> Points:
    reach = s.by_ring((0, 0.2, 0.6, 1, 1, 1, 1, 1, 0.9, 0.65, 0.35))
    cheek = s.bump((48, -68, 66), (20, 22, 24)) * (1 - reach)
    offsets = s.push(_corner_reach(s, 1.3), x=6.6) + s.push(cheek, x=3.2, z=-2.6) - s.push(_corner_reach(s, 1.8), z=7.2)
    return offsets + s.push(_thinned(s) - 0.8 * s.corner * reach, y=1.0) - s.push((s.upper + s.lower) * s.lips, z=2.0)


def _smile(s: Sculptor) -> Points:
    reach = s.by_ring((0, 0.2, 0.6, 1, 1, 1, 1, 1, 0.9, 0.65, 0.35))
    outer = s.bump((48, -68, 66), (20, 22, 24)) * (1 - reach)
    apple = s.bump((43, -36, 76), (15, 14, 20)) * (1 - 0.8 * reach)
    offsets = s.push(_corner_reach(s, 1.5), x=5.2) + s.push(_corner_reach(s, 2.2), y=5.4) - s.push(_corner_reach(s, 1.65), z=6.4)
    offsets += s.push(outer, x=2.4, y=3.0, z=0.6) + s.push(apple, x=1.8, y=4.4, z=6.0)
    offsets += s.push(s.bump((33, -14, 79), (17, 6, 14)), y=1.0) + s.push(_thinned(s), y=1.2)
    return offsets - s.push((s.upper + s.lower) * s.lips, z=1.6)


def _dimple(s: Sculptor) -> Points:
    return s.push(_corner_reach(s, 2.5), x=3.6, y=0.8, z=-6.0) + s.push(_thinned(s), y=0.8)


def _frown(s: Sculptor) -> Points:
    chin = s.bump((22, -94, 82), (12, 12, 20))
    return s.push(_corner_reach(s, 2.2), x=0.6, y=-6.0, z=-1.5) + s.push(chin, y=-1.5, z=1.2) + s.push(s.lower * s.lips, y=1.0)


def _corners_in(s: Sculptor) -> Points:
    """Corners come inwards as the jaw drops."""
    narrower = s.push(s.across * s.by_ring((0, 0.3, 0.8, 1, 1, 1, 1, 1, 0.8, 0.5, 0.2)), x=-0.09)
    return narrower + s.push(s.corner * s.lips, z=1.2)


def cheek_shapes(s: Sculptor) -> dict[str, Points]:
    off_lips = 1 - s.by_ring((1, 1, 1, 1, 1, 1, 1, 0.9, 0.6, 0.3, 0))
    puff = s.push(s.bump((46, -58, 68), (20, 21, 28)) * off_lips, x=13.5, z=10.0)
    puff += s.push(s.by_ring((0, 0, 0, 0, 0, 0, 0.2, 0.5, 1, 0.9, 0.4)) * (s.upper + s.lower), z=2.8)
    squint = s.push(s.bump((42, -28, 78), (16, 11, 20)), x=0.8, y=3.6, z=3.2) + s.push(s.bump((32, -11, 79), (17, 5, 14)), y=1.6)
    sneer = s.push(s.bump((14, -36, 98), (7, 10, 14)), x=0.8, y=3.4, z=0.8) + s.push(
        s.bump((8, -12, 92), (7, 10, 16)), y=1.4, z=1.4
    )
    sneer += s.push(s.upper * s.lips, y=1.2) * np.clip(s.across / 10, 0.2, 1)[:, None]
    return {"cheekPuff": s.spread(puff, 0.6)} | _both_sides(s, {"cheekSquint": squint, "noseSneer": sneer}, 6.0)


def brow_shapes(s: Sculptor) -> dict[str, Points]:
    off_lids = np.clip((s.cage.lid - 2) / 2, 0, 1)
    down = s.push(s.bump((26, 22, 88), (24, 11, 30)) * off_lids, x=-1.6, y=-7.5, z=1.2)
    down += s.push(s.bump((9, 16, 96), (9, 9, 20)), x=-1.5, y=-2.0, z=1.2)
    inner = s.push(s.bump((10, 24, 94), (18, 14, 26)) * off_lids, x=-0.6, y=7.0, z=0.4)
    outer = s.push(s.bump((42, 24, 82), (18, 13, 26)) * off_lids, x=0.6, y=6.5, z=0.4)
    return {"browInnerUp": inner} | _both_sides(s, {"browDown": down, "browOuterUp": outer}, 6.0)


def eye_shapes(s: Sculptor) -> dict[str, Points]:
    """Shapes of the lids; the eyeballs turn by themselves. `eyeArc*` carry the lid over the globe halfway through a blink."""
    blink, arc = _close_lids(s, 1.0), _close_lids(s, 0.5) - 0.5 * _close_lids(s, 1.0)
    down = _close_lids(s, 0.52) + s.push(_lid_side(s, upper=False) * _near_edge(s), y=-2.4, z=-0.3)
    up = s.push(_lid_side(s, upper=True) * _near_edge(s), y=2.4, z=-1.0) + s.push(
        _lid_side(s, upper=False) * _near_edge(s), y=0.9
    )
    out = s.push(_near_edge(s) * np.clip((s.across - 31) / 14, -0.4, 1), x=0.6, z=0.3)
    squint = _close_lids(s, 0.2) + s.push(_lid_side(s, upper=False) * _near_edge(s), y=2.0, z=0.4)
    squint += s.push(s.bump((34, -12, 79), (18, 6, 14)), y=1.6, z=0.6)
    wide = s.push(_lid_side(s, upper=True) * _near_edge(s), y=2.2, z=-1.0) - s.push(
        _lid_side(s, upper=False) * _near_edge(s), y=0.8
    )
    shapes = {"eyeBlink": blink, "eyeLookDown": down, "eyeLookUp": up, "eyeLookOut": out, "eyeLookIn": -out, "eyeSquint": squint,
              "eyeWide": wide, "eyeArc": arc}  # fmt: skip
    return _both_sides(s, shapes, 1.0)


def _lid_side(s: Sculptor, *, upper: bool) -> Points:
    """1 in the middle of a lid, 0 at the canthi. -> [C]"""
    height = np.sin(np.pi * s.cage.lid_column / 6) * (1 if upper else -1)
    return np.where(s.cage.lid_column >= 0, np.clip(height, 0, 1) ** 0.7, 0)


def _near_edge(s: Sculptor) -> Points:
    return np.interp(s.cage.lid, (0, 1, 2, 3, 4, 5, 8), (0.9, 1, 1, 0.55, 0.15, 0, 0))


def _close_lids(s: Sculptor, amount: float) -> Points:
    """Both lids turned about the eye's centre until they meet low on the globe. -> [C, 3]"""
    offsets = s.zero()
    names, points = s.cage.names, s.cage.points
    for q in np.flatnonzero((s.cage.lid <= 4) & (s.x > 0)):
        lid, j = int(s.cage.lid[q]), int(s.cage.lid_column[q])
        if j in (0, 6):
            continue
        edge, opposite = points[names[f"E2_{j}"], 1], points[names[f"E2_{12 - j}"], 1]
        upper = j < 6
        share = (0.9, 1, 1, 0.52, 0.14)[lid] * (1.10 if upper else 0.10)
        drop = amount * share * (opposite - edge)
        y, z = points[q, 1:] - EYE_CENTER[1:]
        radius = np.hypot(y, z)
        turned = np.arcsin(np.clip((y + drop) / radius, -1, 1))
        clear = 1 + 0.05 * (upper and lid in (1, 2, 3)) * amount
        offsets[q, 1:] = radius * np.sin(turned) - y, radius * clear * np.cos(turned) - z
    return _mirror_left(s, offsets)


def smoothstep(low: float, high: float, x: Points) -> Points:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
