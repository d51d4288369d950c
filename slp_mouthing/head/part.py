"""A part of the head, and the two meshes most parts are: an open grid and a closed tube. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray

    from slp_mouthing.head.subdivision import Indices, Points


@dataclass(frozen=True, slots=True)
class Part:
    """N vertices with their material and what moves them."""

    points: Points  # [N, 3] mm
    triangles: Indices  # [F, 3]
    regions: NDArray[np.str_]  # [F] names of `REGION_NAMES`
    colors: Points  # [N, 3] linear albedo
    jaw: Points  # [N] share of the jaw's motion
    offsets: dict[str, Points] = field(default_factory=dict)  # feature name -> [N, 3] mm
    close: Points | None = None  # [N] how much of the jaw's motion `mouthClose` takes back; none where None
    eye: int | None = None  # 0 left, 1 right: turns with that eye
    follows: sp.csr_array | None = None  # [N, S] shares of skin vertices whose motion it takes
    name: str = ""

    def mirrored(self, skin_mirror: Indices | None = None) -> Part:
        """The same part on the other side, for parts without offsets; `skin_mirror` [S] pairs the skin's vertices."""
        follows = None if self.follows is None or skin_mirror is None else self.follows[:, skin_mirror]
        return Part(
            self.points * (-1, 1, 1), self.triangles[:, ::-1], self.regions, self.colors, self.jaw,
            eye=None if self.eye is None else 1 - self.eye, follows=follows,
        )  # fmt: skip


def make_part(
    points: Points, triangles: Indices, region: str, colors: Points | tuple[float, float, float], jaw: float = 0.0
) -> Part:
    """A part of one material whose vertices share one jaw weight."""
    colors = np.broadcast_to(np.asarray(colors, float), points.shape)
    return Part(points, triangles, np.full(len(triangles), region), colors, np.full(len(points), jaw))


def grid(rows: Points, *, wrap: bool) -> tuple[Points, Indices]:
    """Vertices and triangles of a grid [R, M, 3]; seen from outside when columns run counter-clockwise as rows advance."""
    count, width = rows.shape[:2]
    index = np.arange(count * width).reshape(count, width)
    after = np.roll(index, -1, axis=1) if wrap else index[:, 1:]
    before = index if wrap else index[:, :-1]
    a, b, c, d = before[:-1], after[:-1], after[1:], before[1:]
    triangles = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2)
    return rows.reshape(-1, 3), triangles.reshape(-1, 3)


def tube(rings: Points, start: Points | None = None, end: Points | None = None) -> tuple[Points, Indices]:
    """Closed rings [R, M, 3] with a point `start` [3] before the first and `end` [3] after the last, where given."""
    points, triangles = grid(rings, wrap=True)
    width, parts, caps = rings.shape[1], [points], [triangles]
    around = np.arange(width)
    for pole, first, turn in ((start, 0, -1), (end, len(points) - width, 1)):
        if pole is not None:
            top = np.full(width, sum(len(p) for p in parts))
            parts.append(np.asarray(pole, float)[None])
            caps.append(np.stack([first + around, first + (around + 1) % width, top], 1)[:, ::turn])
    return np.concatenate(parts), np.concatenate(caps)


def outward(points: Points, triangles: Indices) -> Indices:
    """The triangles wound so that a closed mesh has positive volume."""
    a, b, c = (points[triangles[:, k]] - points.mean(0) for k in range(3))
    return triangles if np.sum(a * np.cross(b, c)) > 0 else triangles[:, ::-1]


def join(parts: list[Part]) -> Part:
    """Parts without offsets or eyes as one."""
    starts = np.cumsum([0, *(len(p.points) for p in parts[:-1])])
    return Part(
        np.concatenate([p.points for p in parts]),
        np.concatenate([p.triangles + start for p, start in zip(parts, starts, strict=True)]),
        np.concatenate([p.regions for p in parts]), np.concatenate([p.colors for p in parts]),
        np.concatenate([p.jaw for p in parts]),
    )  # fmt: skip
