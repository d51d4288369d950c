"""The skin: the faired cage carried to a mesh that is fine at mouth, lids and nose, and coarser elsewhere. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from slp_mouthing.head.subdivision import Fairing, catmull_clark, triangulate_adaptive

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray

    from slp_mouthing.head.cage import Cage
    from slp_mouthing.head.subdivision import Indices, Points

_PUSH_BACK_STEPS = 2


@dataclass(frozen=True, slots=True)
class Skin:
    """The skin's mesh and what ties it to the cage. S skin vertices, C cage points."""

    cage: Cage  # faired: its subdivided surface passes through the hand-placed points
    smooth: sp.csr_array  # [S, C] carries positions, weights and offsets from the cage
    points: Points  # [S, 3] mm
    triangles: Indices  # [F, 3]
    jaw: Points  # [S] share of the jaw's motion
    ring: Points  # [S] coordinates along the loops, as in `Cage`
    column: Points
    lid: Points
    lid_column: Points
    nostril: Points
    side: Points  # [S] -1 the head's right, 0 midline, 1 left
    mirror: Indices  # [S] each vertex's partner on the other side
    vertex: dict[str, int]  # the skin vertex of each named cage point

    def carry(self, values: Points) -> Points:
        """Cage values [C, ...] on the skin [S, ...]."""
        return np.asarray(self.smooth @ values)


def build_skin(cage: Cage) -> Skin:
    """Fair the cage, let the surface pass through its points, and subdivide."""
    coarse = catmull_clark(cage.faces)
    fine = catmull_clark(coarse.faces)
    smooth, linear = (fine.smooth @ coarse.smooth).tocsr(), (fine.linear @ coarse.linear).tocsr()
    points = _symmetric(Fairing(cage.faces, cage.hold, 0.6)(cage.points), cage)
    target, limit = points.copy(), smooth[: len(points)]
    for _ in range(_PUSH_BACK_STEPS):
        points = points + 0.8 * (target - limit @ points)
    refined = _worth_refining(cage, coarse.linear, coarse.quads)
    triangles, _ = triangulate_adaptive(coarse, fine, refined, smooth @ points)
    used, triangles = np.unique(triangles, return_inverse=True)
    smooth, linear = smooth[used], linear[used]
    fine_points = smooth @ points
    side = np.sign(np.round(linear @ cage.points, 6)[:, 0])
    column, lid_column = (linear @ np.maximum(x, 0) for x in (cage.column, cage.lid_column))
    return Skin(
        cage=replace(cage, points=points), smooth=smooth, points=fine_points, triangles=triangles.reshape(-1, 3),
        jaw=np.clip(smooth @ _fair_jaw(cage), 0, 1), ring=linear @ cage.ring, column=column, lid=linear @ cage.lid,
        lid_column=lid_column, nostril=linear @ cage.nostril, side=side,
        mirror=np.asarray(cKDTree(fine_points).query(fine_points * (-1, 1, 1))[1], np.int64),
        vertex={name: int(np.searchsorted(used, index)) for name, index in cage.names.items()},
    )  # fmt: skip


def _symmetric(points: Points, cage: Cage) -> Points:
    both = 0.5 * (points + points[cage.mirror] * (-1, 1, 1))
    both[cage.on_midline, 0] = 0
    return both


def _fair_jaw(cage: Cage) -> Points:
    return Fairing(cage.faces, np.where((cage.ring <= 5) & cage.in_mouth, 30.0, 0.8), 0.5)(cage.jaw)


def _worth_refining(cage: Cage, linear: sp.csr_array, quads: Indices) -> NDArray[np.bool_]:
    """Quads that carry lips, lid edges or the nose's wings: the eye rests there."""
    ring, lid, nostril = (np.asarray(linear @ x)[quads] for x in (cage.ring, cage.lid, cage.nostril))
    x, y, z = np.moveaxis(np.asarray(linear @ cage.points)[quads].mean(1), 1, 0)
    lips = (ring.min(1) >= -1) & (ring.max(1) <= 4)
    lids = (lid.min(1) >= 1) & (lid.max(1) <= 3)
    nose = (np.abs(x) < 18) & (y > -45.5) & (y < -22) & (z > 92) & (ring.min(1) >= 6) & (nostril.min(1) < 1)
    return np.asarray(lips | lids | nose)
