"""The control cage of the head: hand-placed points of its left half, mirrored into one sheet of quads.

Millimetres; the origin lies at the height of the pupils and the depth of the tragion, x to the head's own left, y up, z forward.
The mouth is eleven concentric loops, from the throat over the lips to the nasolabial fold, and each eye six, so that a shape of
the face is a small table over (ring, column). `shapes.py` writes those tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.head.subdivision import Faces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.head.subdivision import Indices, Points

COLUMNS = 11
"""Points of half a mouth loop: 0 the middle of the upper lip, 5 the corner, 10 the middle of the lower lip."""
RINGS = range(-4, 7)
"""Mouth loops: -4 throat, -1 behind the lips, 1 where the lips meet, 3 edge of the vermilion, 6 nasolabial fold."""
LIDS = range(6)
"""Eye loops: 0 inside the lid, 2 the lid's edge, 5 the orbit. Twelve points each: 0 inner canthus, 3 top, 6 outer canthus."""
BEYOND = 8.0
"""Ring and lid coordinate of what belongs to no loop."""
EYE_CENTER = np.array([31.0, 0.0, 64.8])
EYE_RADIUS = 12.9

_MOUTH = {
    1: [(0, -66.8, 101.0), (6, -66.5, 100.7), (13, -66.3, 97.6), (18.9, -66.6, 92.8), (22.9, -66.9, 87.8), (24.9, -67.0, 84.4),
        (22.9, -66.9, 87.6), (18.9, -66.6, 92.4), (13, -66.3, 97.0), (6, -66.5, 99.9), (0, -66.8, 100.2)],
    2: [(0, -62.6, 103.0), (5.8, -61.8, 102.7), (12.8, -63.0, 99.8), (19, -64.7, 94.8), (23.3, -66.1, 89.4), (25.6, -66.9, 85.4),
        (23.2, -68.2, 88.7), (18.4, -70.4, 93.6), (12.4, -72.1, 98.0), (6, -72.9, 100.2), (0, -73.0, 100.7)],
    3: [(0, -58.9, 101.3), (5.6, -57.4, 101.2), (12.5, -59.6, 98.6), (19, -62.6, 93.8), (23.6, -65.1, 89.0), (26.0, -66.9, 85.8),
        (23.4, -69.4, 88.2), (18.3, -73.0, 92.2), (12.3, -75.6, 95.6), (6, -76.6, 97.3), (0, -76.8, 97.8)],
    4: [(0, -54.2, 98.9), (6.0, -53.4, 100.2), (14, -54.8, 96.6), (22, -58.8, 91.0), (28.3, -63.6, 85.2), (30.6, -67.6, 82.4),
        (27.4, -72.6, 83.8), (21.2, -77.6, 87.6), (14.5, -80.6, 90.5), (7, -82.0, 91.9), (0, -82.3, 92.2)],
    5: [(0, -49.6, 98.2), (5.6, -49.2, 99.0), (15, -49.6, 94.9), (24.0, -53.2, 90.2), (32.2, -60.4, 84.0), (36.3, -69, 78.8),
        (33.2, -77.6, 79.5), (26, -84.2, 83.3), (17.5, -87.4, 88.0), (8.7, -88.8, 92.0), (0, -89.1, 92.9)],
    6: [(0, -45.4, 98.0), (5.2, -45.4, 97.4), (13.5, -45.2, 92.8), (19.6, -45.0, 89.0), (35, -54, 83.0), (43, -68, 73.8),
        (40.5, -82, 71.5), (31.5, -93, 76.0), (21, -98.5, 85.0), (10.8, -100, 94.0), (0, -100.2, 97.2)],
}  # fmt: skip
_CANTHI = {0: ((17.0, -1.8, 71.5), (44.8, 0.9, 66.0)), 1: ((16.6, -1.9, 73.6), (45.2, 0.9, 68.0))}
_LID_EDGE = [(16.6, -1.9), (20.0, 1.1), (25.0, 3.4), (31, 4.2), (37, 3.9), (42, 2.7),
             (45.2, 0.9), (42.3, -2.6), (37.2, -4.9), (31.3, -5.6), (25.3, -5.1), (20.2, -3.6)]  # fmt: skip
_ORBIT = {
    3: [(15.4, -2.0, 74.6), (18.6, 4.2, 75.0), (24.6, 8.0, 76.8), (31.3, 9.2, 77.4), (38.2, 8.6, 75.6), (44.0, 6.4, 71.2),
        (48, 0.6, 67.6), (45, -5.2, 70.2), (38.5, -9.0, 74.6), (31.5, -10.0, 76.6), (24.5, -9.0, 76.8), (18.3, -6.0, 75.6)],
    4: [(14.2, -2.2, 75.8), (16.8, 5.0, 79.0), (23.9, 7.7, 81.6), (31.7, 9.0, 82.4), (39.8, 8.5, 79.9), (47.4, 6.2, 74.2),
        (52, 0.2, 66.6), (48.8, -8.4, 68.6), (41, -14.4, 74.6), (32, -16.4, 77.8), (23, -14, 78.6), (16.3, -9, 77.6)],
    5: [(12.6, -3.0, 79.0), (14.5, 8.5, 82.5), (22, 17, 90.6), (33, 20, 90.6), (44, 18.5, 83.8), (53, 12, 73.5),
        (56.5, 0, 64.5), (53.5, -12, 66.5), (44, -20, 76), (33, -22.5, 80.5), (22, -19, 81), (14.6, -12, 81.4)],
}  # fmt: skip
_NOSE: dict[str, list[tuple[float, float, float]]] = {
    "g": [(0, 20, 97.0), (7, 20, 96.8), (14, 19.2, 95)],
    "n": [(0, 6, 91.2), (4.6, 6, 89.8), (9.6, 6.6, 85.6)],
    "a": [(0, -4, 93.2), (4.2, -4, 91.6), (8.6, -3.6, 85)],
    "b": [(0, -14, 99.6), (4.2, -14, 97.8), (9.2, -13.4, 90.2)],
    "r3": [(0, -24, 107.0), (4.2, -24, 105.0), (8.6, -24.5, 96.8), (15.4, -24.5, 87.6)],
    "r4": [(0, -30.8, 112.0), (4.6, -31, 109.8), (10.2, -30.6, 100.2), (16.4, -32.0, 89.4)],
    "r5": [(0, -36.4, 115.3), (5.2, -36.6, 112.6), (17.2, -36.9, 100.6), (18.6, -37.2, 88.0)],
    "r6": [(0, -41.9, 112.2), (4.6, -42.0, 109.6), (16.2, -42.3, 99.9), (18.6, -41.6, 88.6)],
    "r7": [(0, -44.9, 105.6), (3.7, -44.5, 105.0), (15.5, -43.9, 96.8)],
}
_ALA = {"r4": (8.7, -31.2, 104.6), "r5": (10.6, -36.9, 104.0), "r6": (10.6, -41.2, 104.6)}
"""The groove between the tip and the wing of the nose."""
_NOSTRIL = [(9.2, -41, 105.0), (6.4, -41.2, 107), (5.6, -42.2, 103.5), (6.6, -43, 99.0), (10.6, -42.6, 97.0), (11.9, -41.6, 99.4),
            (11.6, -40.9, 102.4)]  # fmt: skip
_CHEEK = {
    1: [(25.2, -27, 85.2), (27.6, -34, 86.2), (28.4, -41, 86.6), (30.6, -48, 85.8)],
    2: [(37, -31, 82.5), (40, -41, 82.0), (41.8, -50, 79.8), (42.6, -59, 76.6)],
    3: [(49, -29, 74.5), (52.0, -42, 71.8), (51.2, -56, 68.0), (46.8, -70, 68.6)],
    4: [(60, -22, 58.5), (61.2, -40, 55), (57.6, -58, 53.5), (47.5, -78, 59.5)],
}
_SKULL: list[list[tuple[float, float, float] | None]] = [
    [(0, 38, 98), (9, 38, 97.5), (18, 37, 95.5), (28, 36.5, 91.5), (39, 36, 85), (50, 33, 74), (58.5, 24, 60), (63, 8, 50),
     (65.5, -8, 46.5), (67, -20, 41), (65.5, -38, 33), (60.5, -58, 29), (53.5, -77.5, 34), (40.5, -95, 56), (27.5, -106, 72),
     (13.8, -111.4, 81.5), (0, -112.5, 86)],
    [(0, 62, 92), (12, 62, 91.5), (24, 61, 88), (36, 59, 81), (47, 56, 71), (57, 51, 58), (65, 40, 42), (69, 22, 30),
     (69.5, 3, 24), (69.5, -15, 17), (66, -38, 11), (57.5, -65, 9), (43.5, -86, 14), (34.5, -95.5, 34), (25, -104.5, 47),
     (12.5, -109.5, 52), (0, -110.5, 54)],
    [(0, 90, 70), (15, 89.5, 69), (30, 86.5, 65), (43, 81, 58), (55, 73, 48), (65, 63, 35), (70.5, 50, 20), (73, 32, 8),
     (73, 10, 0), (72, -12, -8), (65, -36, -12), (49.5, -64, -12), (43.5, -87, -4), (38.5, -102, 14), (31, -115, 27),
     (17.5, -122, 35), (0, -124, 37)],
    [(0, 110, 28), (17, 109, 27), (34, 104.5, 24), (48, 97, 18), (60, 86, 10), (69, 72, 0), (74, 56, -12), (74.5, 36, -22),
     (73.5, 13, -29), (71, -10, -36), (60, -34, -40), (48, -62, -37), (44.5, -88, -29), (44, -110, -8), (38.5, -130, 11),
     (22, -145, 27), (0, -149, 32)],
    [(0, 111, -20), (16, 110, -22), (32, 105, -26), (46, 97, -32), (57, 85, -40), (64, 70, -50), (68, 52, -58), (69, 32, -65),
     (66, 10, -70), (60, -14, -70), (50, -38, -65), (42, -62, -57), (42, -90, -48), (46, -120, -32), (45, -146, -4),
     (26, -163, 20), (0, -168, 27)],
    [None, (0, 99, -66), (0, 86, -86), (0, 68, -99), (0, 50, -106), (0, 30, -107), (0, 10, -103), (0, -12, -91), (0, -36, -74),
     (0, -62, -64), (0, -90, -58), (0, -130, -58), (0, -168, -64), (38, -178, -62), (54, -184, -22), (34, -190, 14),
     (0, -192, 26)],
]  # fmt: skip
"""Loops round the face, from its border over the crown to the back of the head and the foot of the neck."""
_SKULL_JAW = [
    {9: 0.05, 10: 0.22, 11: 0.5, 12: 0.82, 13: 0.98, 14: 1, 15: 1, 16: 1},
    {10: 0.05, 11: 0.18, 12: 0.42, 13: 0.66, 14: 0.75, 15: 0.8, 16: 0.8},
    {11: 0.02, 12: 0.08, 13: 0.18, 14: 0.26, 15: 0.3, 16: 0.3},
    {13: 0.03, 14: 0.05, 15: 0.05, 16: 0.05},
]
"""How far the jaw takes a point of the skull loops along, by loop and column; 0 where not listed."""
_CHEEK_JAW = {2: [0, 0.03, 0.1, 0.25], 3: [0.03, 0.1, 0.28, 0.55], 4: [0.05, 0.15, 0.4, 0.75]}
_LIP_JAW = np.array([0, 0, 0.0, 0.03, 0.16, 0.44, 0.76, 0.93, 1, 1, 1])
_FOLD_JAW = np.array([0, 0, 0, 0.0, 0.14, 0.4, 0.7, 0.92, 1, 1, 1])
_SOCK_JAW = {-4: 0.25, -3: 0.6, -2: 0.9}


@dataclass(frozen=True, slots=True)
class Cage:
    """Both halves. `C` points; each per-point array is what subdivision carries to the fine mesh."""

    points: Points  # [C, 3] mm
    faces: Faces
    mirror: Indices  # [C] the point's partner on the other side; itself on the midline
    ring: Points  # [C] mouth loop, `BEYOND` elsewhere
    column: Points  # [C] 0..10 along a mouth loop, -1 elsewhere
    lid: Points  # [C] eye loop, `BEYOND` elsewhere
    lid_column: Points  # [C] 0..11 round the eye, -1 elsewhere
    nostril: Points  # [C] 0 outside, 1 at the nostril's wall, 2 in its depth
    jaw: Points  # [C] share of the jaw's motion, before fairing
    hold: Points  # [C] how tightly the point is kept when the cage is faired
    names: dict[str, int]

    @property
    def in_mouth(self) -> NDArray[np.bool_]:
        return self.column >= 0

    @property
    def on_midline(self) -> NDArray[np.bool_]:
        return np.asarray(self.mirror == np.arange(len(self.mirror)))


def build_cage() -> Cage:
    """The cage of the default head, not yet faired."""
    half = _Half()
    _add_mouth(half)
    _add_eye(half)
    _add_nose(half)
    _add_cheek(half)
    _add_skull(half)
    return half.mirrored()


class _Half:
    """Points, their attributes and faces of the left half, while they are collected."""

    def __init__(self) -> None:
        self.points: list[Sequence[float]] = []
        self.attributes: list[tuple[float, ...]] = []
        self.names: dict[str, int] = {}
        self.polygons: list[list[int]] = []

    def add(
        self, name: str, point: Sequence[float], *, hold: float, ring: float = BEYOND, column: int = -1,
        lid: float = BEYOND, lid_column: int = -1, nostril: float = 0.0, jaw: float = 0.0,
    ) -> None:  # fmt: skip
        self.names[name] = len(self.points)
        self.points.append(point)
        self.attributes.append((ring, column, lid, lid_column, nostril, jaw, hold))

    def face(self, *names: str) -> None:
        """A polygon; a name that repeats makes it smaller by one corner."""
        corners = list(dict.fromkeys(self.names[name] for name in names))
        self.polygons.append(corners)

    def mirrored(self) -> Cage:
        left = np.array(self.points, float)
        n, sided = len(left), np.flatnonzero(np.abs(left[:, 0]) > 1e-6)
        partner = np.arange(n)
        partner[sided] = n + np.arange(len(sided))
        mirror = np.r_[partner, sided]
        polygons = self.polygons + [[int(partner[v]) for v in reversed(p)] for p in self.polygons]
        points = np.concatenate([left, left[sided] * (-1, 1, 1)])
        table = np.array(self.attributes, float)
        ring, column, lid, lid_column, nostril, jaw, hold = np.concatenate([table, table[sided]]).T
        faces = Faces.of(_oriented(points, polygons), len(points))
        return Cage(points, faces, mirror, ring, column, lid, lid_column, nostril, jaw, hold, dict(self.names))


def _add_mouth(half: _Half) -> None:
    for ring, loop in _mouth_loops().items():
        outward = max(0.0, (ring - 3) / 3)
        jaw = (_LIP_JAW * (1 - outward) + _FOLD_JAW * outward) * _SOCK_JAW.get(ring, 1.0)
        for column, point in enumerate(loop):
            half.add(f"M{ring}_{column}", point, ring=ring, column=column, jaw=jaw[column], hold=6 if ring >= 0 else 2)
    for ring in RINGS[:-1]:
        for i in range(COLUMNS - 1):
            half.face(f"M{ring}_{i}", f"M{ring}_{i + 1}", f"M{ring + 1}_{i + 1}", f"M{ring + 1}_{i}")
    half.add("throat", (0, -70, 30), ring=-5, jaw=0.2, hold=1)
    for i in range(0, COLUMNS - 1, 2):
        half.face(f"M-4_{i}", "throat", f"M-4_{i + 2}", f"M-4_{i + 1}")


def _mouth_loops() -> dict[int, Points]:
    """All mouth loops: the typed ones, and within them the back of the lips, the vestibule and the mouth's cavity."""
    loops = {ring: np.array(loop, float) for ring, loop in _MOUTH.items()}
    meeting = loops[1]
    up = np.r_[np.ones(5), 0, -np.ones(5)]
    loops[0] = meeting * (0.97, 1, 1) + np.outer(up, (0, 0.3, 0)) - (0, 0, 4.0)
    loops[0][5] = (24.0, -67.0, 81.0)
    loops[-1] = meeting * (0.95, 1, 1) + np.outer(up, (0, 5.5, 0)) - (0, 0, 6.3)
    loops[-1][[4, 6], 1] += (-2.5, 2.5)
    loops[-1][5] = (24.5, -67.0, 77.0)
    loops[-2] = _cavity_loop(top=-51, bottom=-83, half_width=30, front=88, side=64)
    loops[-2][6:] += (0, 1.5, -4.0)
    loops[-3] = _cavity_loop(top=-47, bottom=-90, half_width=27, front=62, side=50)
    loops[-4] = _cavity_loop(top=-52, bottom=-86, half_width=17, front=36, side=34)
    return {ring: loops[ring] for ring in RINGS}


def _cavity_loop(*, top: float, bottom: float, half_width: float, front: float, side: float) -> Points:
    angle = np.linspace(0, np.pi, COLUMNS)
    height = np.where(angle < np.pi / 2, top + 67, -67 - bottom)
    depth = front + (side - front) * np.sin(angle) ** 2
    return np.stack([half_width * np.sin(angle) ** 0.8, -67 + height * np.cos(angle), depth], axis=1)


def _add_eye(half: _Half) -> None:
    for lid, loop in _eye_loops().items():
        for j, point in enumerate(loop):
            half.add(f"E{lid}_{j}", point, lid=lid, lid_column=j, hold=(3, 8, 8, 6, 4, 3)[lid])
    for lid in LIDS[:-1]:
        for j in range(12):
            k = (j + 1) % 12
            half.face(f"E{lid}_{j}", f"E{lid}_{k}", f"E{lid + 1}_{k}", f"E{lid + 1}_{j}")


def _eye_loops() -> dict[int, Points]:
    edge = np.column_stack([np.array(_LID_EDGE), np.zeros(12)])
    clearance = np.where(np.arange(12) < 6, 1.3, 1.0)
    away = np.sum((edge[:, :2] - EYE_CENTER[:2]) ** 2, axis=1)
    edge[:, 2] = EYE_CENTER[2] + np.sqrt(np.maximum((EYE_RADIUS + clearance) ** 2 - away, 0))
    edge[:, 2] = np.maximum(edge[:, 2], np.where(np.arange(12) < 6, 70, 69))
    inner = edge * (1, 1.03, 1) - (0, 0, 2.0)
    for loop, canthi in ((edge, _CANTHI[1]), (inner, _CANTHI[0])):
        loop[[0, 6]] = canthi
    socket = np.column_stack([EYE_CENTER[:2] + (inner[:, :2] - EYE_CENTER[:2]) * (1.02, 1.5), inner[:, 2] - 6])
    # At the canthi the socket's floor meets the globe: no gap opens to the side.
    socket[[0, 6]] = (21.0, -1.5, 71.4), (41.5, 0.9, 65.8)
    return {0: socket, 1: inner, 2: edge} | {lid: np.array(loop, float) for lid, loop in _ORBIT.items()}


def _add_nose(half: _Half) -> None:
    for row, points in _NOSE.items():
        for c, point in enumerate(points):
            half.add(f"N{row}_{c}", point, hold=5)
    for row, point in _ALA.items():
        half.add(f"N{row}_h", point, hold=5)
    shared = {"Ng_3": "E5_2", "Nn_3": "E5_1", "Na_3": "E5_0", "Nb_3": "E5_11", "Nr7_3": "Nr6_3"}
    shared |= {f"Nr8_{c}": f"M6_{c}" for c in range(4)}
    half.names |= {alias: half.names[name] for alias, name in shared.items()}
    rows = [*_NOSE, "r8"]
    for above, below in pairwise(rows):
        for c in (0, 2) if below in ("r4", "r5", "r6", "r7", "r8") else (0, 1, 2):
            half.face(f"N{above}_{c}", f"N{below}_{c}", f"N{below}_{c + 1}", f"N{above}_{c + 1}")
    half.face("Nr3_1", "Nr4_1", "Nr4_h", "Nr3_2")
    half.face("Nr3_2", "Nr4_h", "Nr4_2")
    for above, below in (("r4", "r5"), ("r5", "r6")):
        half.face(f"N{above}_1", f"N{below}_1", f"N{below}_h", f"N{above}_h")
        half.face(f"N{above}_h", f"N{below}_h", f"N{below}_2", f"N{above}_2")
    _add_nostril(half)


def _add_nostril(half: _Half) -> None:
    rim = ["Nr6_h", "Nr6_1", "Nr7_1", "Nr8_1", "Nr8_2", "Nr7_2", "Nr6_2"]
    for k, (x, y, z) in enumerate(_NOSTRIL):
        half.add(f"H{k}", (x, y, z), hold=4, nostril=1)
        half.add(f"HD{k}", (x * 0.8 + 1, y + 8, z * 0.97 + 1), hold=4, nostril=2)
    for k in range(7):
        n = (k + 1) % 7
        half.face(rim[k], rim[n], f"H{n}", f"H{k}")
        half.face(f"H{k}", f"H{n}", f"HD{n}", f"HD{k}")
    half.face("HD0", "HD1", "HD6")
    half.face("HD1", "HD2", "HD5", "HD6")
    half.face("HD2", "HD3", "HD4", "HD5")


def _add_cheek(half: _Half) -> None:
    for k, column in _CHEEK.items():
        for r, point in enumerate(column):
            half.add(f"C{k}_{r}", point, hold=1.2, jaw=_CHEEK_JAW[k][r] if k > 1 else 0.0)
    for k in range(5):
        # Above the cheek lies the orbit, below it the nasolabial fold, and beside it the nose.
        half.names[f"C{k}_-1"] = half.names[f"E5_{11 - k}"]
        half.names[f"C{k}_4"] = half.names[f"M6_{3 + k}"]
    half.names |= {f"C0_{r}": half.names[f"Nr{r + 3}_3"] for r in range(4)}
    for k in range(4):
        for r in range(-1, 4):
            half.face(f"C{k}_{r}", f"C{k}_{r + 1}", f"C{k + 1}_{r + 1}", f"C{k + 1}_{r}")


def _add_skull(half: _Half) -> None:
    border = [*(f"Ng_{c}" for c in range(3)), *(f"E5_{j}" for j in range(2, 8)), *(f"C4_{r}" for r in range(4)),
              *(f"M6_{i}" for i in range(7, 11))]  # fmt: skip
    for q, loop in enumerate(_SKULL):
        jaw = _SKULL_JAW[q] if q < len(_SKULL_JAW) else {}
        for i, point in enumerate(loop):
            if point is not None:
                half.add(f"R{q}_{i}", point, hold=0.6, jaw=jaw.get(i, 0.0))
    # The last loop has no point of its own on the crown: the loop before it closes there.
    half.names["R5_0"] = half.names["R4_0"]
    loops = [border, *([f"R{q}_{i}" for i in range(17)] for q in range(len(_SKULL)))]
    for inner, outer in pairwise(loops):
        for i in range(16):
            half.face(inner[i], inner[i + 1], outer[i + 1], outer[i])


def _oriented(points: Points, polygons: list[list[int]]) -> list[list[int]]:
    """The polygons wound alike, seen from outside counter-clockwise."""
    beside: dict[tuple[int, int], list[int]] = {}
    for f, polygon in enumerate(polygons):
        for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            beside.setdefault((min(a, b), max(a, b)), []).append(f)
    seen = {0: polygons[0]}
    queue = [0]
    while queue:
        polygon = seen[queue.pop()]
        for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            for f in beside[min(a, b), max(a, b)]:
                if f not in seen:
                    seen[f] = polygons[f][::-1] if _runs(polygons[f], a, b) else polygons[f]
                    queue.append(f)
    wound = [seen[f] for f in range(len(polygons))]
    volume = sum(np.dot(points[p[0]], np.cross(points[p[k]], points[p[k + 1]])) for p in wound for k in range(1, len(p) - 1))
    return wound if volume > 0 else [polygon[::-1] for polygon in wound]


def _runs(polygon: list[int], a: int, b: int) -> bool:
    """Whether the polygon passes from `a` to `b`, as its neighbour does: two faces wound alike pass in opposite ways."""
    return polygon[(polygon.index(a) + 1) % len(polygon)] == b
