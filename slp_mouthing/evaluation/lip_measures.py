"""What an onlooker sees of a mouth, as numbers of the posed head: the features of every classifier here, and its contacts.

Nothing is taken from the controls, so that two drivers that reach the same face in different ways are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.head.lip_probe import COLUMNS, MIDDLE, build_probe
from slp_mouthing.types import ARKIT_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.builtin import BuiltinHead
    from slp_mouthing.types import Array, ControlCurves, Floats

MEASURES: tuple[str, ...] = (
    *(f"gap{k}" for k in range(COLUMNS)), "width", "protrusion", "upper_lip", "lower_lip", "lower_lip_depth", "jaw",
    "lip_to_teeth", "tongue_out", "tongue_up",
)  # fmt: skip
"""Columns of `Seen.measures`, mm: gaps along the mouth, its width and how far it stands out; height of the lips' outer borders,
and depth of the lower one; the chin; from the lower lip to the upper teeth; how far the tip of the tongue has moved, as far as
it is seen."""

TEETH_M = 0.001
"""Lower lip and upper incisors are in contact below this distance between their vertices, which stand 1.5 mm apart."""
_MIDDLE_M = 0.005
"""Half the width of the strip of lip and teeth that is measured."""
_TONGUE_SEEN_M = 0.002
"""The tongue is seen in full through a gap of this height, and in part through a smaller one."""
_TONGUE_TIP = 12
"""Foremost vertices of the tongue."""
_BLOCK = 256
"""Frames whose distances are held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A motion as it is seen, frame by frame."""

    measures: Floats  # [T, D] mm, less those at rest
    opening_m: Array  # [T] gap of the lips at the midline, 0 in contact
    to_teeth_m: Floats  # [T] from the lower lip to the upper teeth
    lips_m: Array  # [T, n, 3] the lips' vertices

    def shut(self, within_m: float = 0.0) -> NDArray[np.bool_]:
        """Frames in which the lips touch, or are so close to it. -> [T]"""
        return np.asarray(self.opening_m <= within_m)

    def on_teeth(self, within_m: float = 0.0) -> NDArray[np.bool_]:
        """Frames in which the lower lip is at the upper teeth, or so close to it, while the lips do not touch. -> [T]"""
        return np.asarray((self.to_teeth_m <= TEETH_M + within_m) & (self.opening_m > 0.0))


class Onlooker:
    """Measures the mouth of one built-in head; any person's."""

    def __init__(self, head: BuiltinHead) -> None:
        self.head = head
        self.lips = _of(head, "lip")
        """[n] vertices of the head."""
        self._probe = build_probe(head.neutral_m, head.landmarks, touching=True)
        self._borders = _middle_of_borders(head)
        self._chin = int(head.landmarks["chin"][0])
        self._teeth_m: Array = head.neutral_m[_incisors(head)]
        self._lower_lip = _lower_lip(head)
        self._tongue = _of(head, "tongue")[np.argsort(-head.neutral_m[_of(head, "tongue"), 2])[:_TONGUE_TIP]]
        others = np.concatenate([self._probe.vertices, self._borders, [self._chin], self._lower_lip, self._tongue])
        self._chosen = np.r_[self.lips, np.setdiff1d(others, self.lips)]
        self._order = np.argsort(self._chosen)
        self._few = head.at_vertices(self._chosen)
        neutral = head.neutral_m[self._chosen][None]
        self._tongue_rest = self._tongue_from_teeth(neutral)
        self._rest = self._measures(neutral, np.zeros(1), self._lip_to_teeth(neutral))
        self.neutral_lips_m: Array = head.neutral_m[self.lips]
        middle = [head.landmarks[name][0] for name in ("lip_upper_mid", "lip_lower_mid")]
        self.middle_of_lips: tuple[int, int] = tuple(int(k) for k in np.searchsorted(self.lips, middle))  # type: ignore[assignment]
        """Upper and lower, among `lips`."""

    def __call__(self, curves: ControlCurves) -> Seen:
        """What is seen of `curves`."""
        vertices = self._few.pose(curves.blendshapes, curves.tongue)[:, : len(self._chosen)]
        opening, _ = self.head.lips(curves.blendshapes, curves.tongue)
        to_teeth = self._lip_to_teeth(vertices)
        measures = self._measures(vertices, opening, to_teeth) - self._rest
        return Seen(measures, opening, to_teeth, vertices[:, : len(self.lips)])

    def _measures(self, vertices: Array, opening: Floats, to_teeth: Floats) -> Floats:
        probed = self._probe(vertices[:, self._at(self._probe.vertices)])
        probed[:, MIDDLE] = opening
        upper, lower = vertices[:, self._at(self._borders)].swapaxes(0, 1)
        chin = vertices[:, self._at([self._chin])][:, 0]
        seen = np.clip(opening / _TONGUE_SEEN_M, 0.0, 1.0)
        tongue = seen[:, None] * (self._tongue_from_teeth(vertices) - self._tongue_rest)
        columns = [upper[:, 1], lower[:, 1], lower[:, 2], chin[:, 1], to_teeth, tongue[:, 2], tongue[:, 1]]
        return np.asarray(1e3 * np.column_stack([probed, *columns]), np.float64)

    def _tongue_from_teeth(self, vertices: Array) -> Array:  # [T, 3]
        return np.asarray(vertices[:, self._at(self._tongue)].mean(axis=1) - self._teeth_m.mean(axis=0))

    def _lip_to_teeth(self, vertices: Array) -> Floats:  # [T] m
        """Least distance of a vertex of the lower lip from one of the incisors, which stand still."""
        middle = self._teeth_m.mean(axis=0)
        teeth = self._teeth_m - middle
        out = np.empty(len(vertices))
        for start in range(0, len(out), _BLOCK):
            lip = vertices[start : start + _BLOCK, self._at(self._lower_lip)] - middle
            # The squared distances from the nearest tooth: |a|^2 + |b|^2 - 2 a b, about a point between them.
            nearest = ((teeth**2).sum(axis=1) - 2.0 * lip @ teeth.T).min(axis=2) + (lip**2).sum(axis=2)
            out[start : start + _BLOCK] = np.sqrt(np.maximum(nearest.min(axis=1), 0.0))
        return out

    def _at(self, vertices: object) -> NDArray[np.intp]:
        """Where vertices of the head are among the chosen ones."""
        return self._order[np.searchsorted(self._chosen, np.asarray(vertices), sorter=self._order)]


@lru_cache(maxsize=16)
def onlooker(head: BuiltinHead) -> Onlooker:
    """The onlooker of `head`, kept for the last few heads."""
    return Onlooker(head)


def _of(head: BuiltinHead, region: str) -> NDArray[np.intp]:
    if region not in head.region_names:
        raise HeadError(f"the head has no {region}")
    return np.unique(head.triangles[head.regions == head.region_names.index(region)]).astype(np.intp)


def _middle_of_borders(head: BuiltinHead) -> NDArray[np.intp]:  # [2] upper, lower
    contour = head.landmarks["lips_outer"]
    x, y, _ = head.neutral_m[contour].T
    line = head.neutral_m[head.landmarks["lip_upper_mid"][0], 1]
    return np.array([contour[np.argmin(np.abs(x) + (y < line))], contour[np.argmin(np.abs(x) + (y >= line))]], np.intp)


def _lower_lip(head: BuiltinHead) -> NDArray[np.intp]:
    lips, line = _of(head, "lip"), head.neutral_m[head.landmarks["lip_upper_mid"][0], 1]
    x, y, _ = head.neutral_m[lips].T
    return np.asarray(lips[(np.abs(x) < _MIDDLE_M) & (y < line)])


def _incisors(head: BuiltinHead) -> NDArray[np.intp]:
    """The edge of the upper incisors: the lowest teeth that the jaw does not move."""
    opened = np.zeros((1, len(ARKIT_NAMES)), np.float32)
    opened[0, ARKIT_NAMES.index("jawOpen")] = 1.0
    still = np.abs(head.pose(opened, np.zeros((1, 6), np.float32))[0] - head.neutral_m).max(axis=1) < 1e-4
    teeth = _of(head, "tooth")
    teeth = teeth[(np.abs(head.neutral_m[teeth, 0]) < _MIDDLE_M) & still[teeth]]
    heights = head.neutral_m[teeth, 1]
    return np.asarray(teeth[heights < heights.min() + 0.0015])
