"""Lips, nose, chin and eyes of a mesh that does not name them, from its shape and from what its targets move.

Where the lips meet, vertices lie side by side at rest and part when the jaw opens: nowhere else on the skin does that happen.
Metres, y up, the face along +z. The mouth's width is the measure of every distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import HeadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.intp]

FACE_M = 0.2
"""Height of an adult's face, throat to hairline: what targets move."""
_REACHES = (0.02, 0.03, 0.045, 0.06)
"""How far apart lips may lie at rest, by the face's height; the first that shows a mouth is taken."""
_PARTING = 0.4
"""Vertices that jawOpen parts by more than this share of its largest offset lie on different lips."""
_NARROWEST = 0.12
"""Width of a mouth at least, by the face's height."""
_SEAM_COLUMNS = 23
"""Odd, so that one of them is the middle."""
_DEPTH = 0.12
"""Lip vertices that can touch lie no deeper behind the seam than this, by the mouth's width."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """Vertices of the lips. Contours run from the right corner to the left."""

    skin: Indices  # the connected part that the lips belong to, without teeth and tongue
    jaw_share: Floats  # [V] how far each vertex goes with the jaw, 1 like the lower lip
    upper: Indices  # those that can touch the other lip
    lower: Indices
    seam_upper: Indices  # [N] foremost of them along the seam
    seam_lower: Indices  # [N]
    corners: Indices  # [2] right, left


def face_height(targets: Mapping[str, Floats], points: Floats) -> float:
    """Vertical extent of what the targets move by a tenth of their most. [V, 3] each."""
    moved = np.zeros(len(points), bool)
    for offsets in targets.values():
        size = np.linalg.norm(offsets, axis=1)
        moved |= size > max(0.1 * float(size.max()), 1e-9)
    return float(np.ptp(points[moved, 1])) if moved.any() else 0.0


def find_mouth(points: Floats, triangles: NDArray[np.int32], jaw_open: Floats, height: float) -> Mouth:
    """The lips of the part that the jaw opens most unevenly: the skin. Raises `HeadError` when none can be told."""
    from scipy.spatial import KDTree

    skin = _skin(points, triangles, jaw_open)
    reached = float(np.linalg.norm(jaw_open, axis=1).max())
    tree = KDTree(points[skin])
    for reach in _REACHES:
        pairs = skin[tree.query_pairs(reach * height, output_type="ndarray")]
        parted = np.linalg.norm(jaw_open[pairs[:, 0]] - jaw_open[pairs[:, 1]], axis=1) > _PARTING * reached
        pairs = pairs[parted]
        if len(pairs) and np.ptp(points[pairs, 0]) > _NARROWEST * height:
            return _mouth(points, jaw_open, pairs, skin)
    raise HeadError("the lips cannot be told from jawOpen", hint="its jawOpen must move the lower lip away from the upper one")


def _skin(points: Floats, triangles: NDArray[np.int32], jaw_open: Floats) -> Indices:
    """Vertices of the largest connected part of which the jaw moves some and leaves some."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    # Seams of normals and texture coordinates double vertices.
    same = np.unique(np.round(points, 6), axis=0, return_inverse=True)[1].ravel()
    edges = same[np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])]
    size = int(same.max()) + 1
    part = connected_components(coo_matrix((np.ones(len(edges)), edges.T), shape=(size, size)))[1][same]
    moved = np.linalg.norm(jaw_open, axis=1)
    moves = np.bincount(part, moved > 0.5 * moved.max()) > 0
    stays = np.bincount(part, moved < 0.05 * moved.max()) > 0
    counts = np.bincount(part) * (moves & stays)
    if not counts.any():  # a mesh in loose pieces
        return np.arange(len(points))
    return np.flatnonzero(part == counts.argmax())


def _mouth(points: Floats, jaw_open: Floats, pairs: Indices, skin: Indices) -> Mouth:
    moved = np.linalg.norm(jaw_open, axis=1)
    swap = moved[pairs[:, 0]] > moved[pairs[:, 1]]
    pairs = np.where(swap[:, None], pairs[:, ::-1], pairs)  # upper, lower
    middle = points[pairs].mean(axis=1)
    right, left = float(middle[:, 0].min()), float(middle[:, 0].max())
    width = left - right
    edges = np.linspace(right, left, _SEAM_COLUMNS + 1)
    column = np.clip(np.searchsorted(edges, middle[:, 0], side="right") - 1, 0, len(edges) - 2)
    # Vertices that face one another straight, and not across a column.
    merit = (
        middle[:, 2] - np.abs(np.diff(points[pairs, 0])[:, 0]) - np.abs(middle[:, 0] - 0.5 * (edges[column] + edges[column + 1]))
    )
    order = np.lexsort((-merit, column))
    foremost = order[np.unique(column[order], return_index=True)[1]]  # one pair per column that has any
    depth = np.interp(middle[:, 0], middle[foremost, 0], middle[foremost, 2]) - middle[:, 2]
    touching = pairs[depth < _DEPTH * width]
    upper, lower = pairs[foremost, 0], pairs[foremost, 1]
    share = moved / np.median(moved[lower[len(lower) // 3 : -(len(lower) // 3)]])
    # Pairs across a corner are long; the short ones lie on the seam itself.
    length = np.linalg.norm(np.diff(points[pairs], axis=1)[:, 0], axis=1)
    seam = middle[(depth < _DEPTH * width) & (length < np.quantile(length, 0.3))]
    corners = np.array([_corner(points, skin, share, seam[end]) for end in (seam[:, 0].argmin(), seam[:, 0].argmax())])
    return Mouth(skin, share, np.unique(touching[:, 0]), np.unique(touching[:, 1]), upper, lower, corners)


def _corner(points: Floats, skin: Indices, share: Floats, seam_end: Floats) -> int:
    """Where the lips turn into one another: the vertex nearest to the end of the seam that goes half with the jaw."""
    between = skin[np.abs(share[skin] - 0.5) < 0.25]
    return int(between[np.linalg.norm(points[between] - seam_end, axis=1).argmin()])


def find_landmarks(
    points: Floats, mouth: Mouth, lip_vertices: Indices, eyes: Mapping[str, Floats | None]
) -> dict[str, NDArray[np.int32]]:
    """Vertices by the names of `rig.Head`.

    Args:
        points: [V, 3]
        lip_vertices: of the lips' material; without any, the outer contour is drawn at a usual distance from the seam.
        eyes: offsets [V, 3] of `eyeBlinkLeft` and `eyeBlinkRight`, None without.
    """
    right, left = mouth.corners
    width = float(points[left, 0] - points[right, 0])
    middle_x = 0.5 * float(points[left, 0] + points[right, 0])
    center = 0.5 * (points[mouth.seam_upper].mean(axis=0) + points[mouth.seam_lower].mean(axis=0))
    nearest = np.abs(points[mouth.seam_upper, 0] - middle_x).argmin()
    middle = np.abs(points[:, 0] - middle_x) < 0.12 * width
    nose = _foremost(points, middle & (points[:, 1] > center[1] + 0.25 * width) & (points[:, 1] < center[1] + width))
    below = middle & (points[:, 1] < center[1] - 0.3 * width) & (mouth.jaw_share > 0.5)
    chin = int(np.where(below, points[:, 2] - points[:, 1], -np.inf).argmax())
    outer = [_outer(points, seam, lip_vertices, side * width) for seam, side in ((mouth.seam_upper, 1), (mouth.seam_lower, -1))]
    found: dict[str, Any] = {
        "lips_inner": np.r_[right, mouth.seam_upper, left, mouth.seam_lower[::-1]],
        "lips_outer": np.r_[right, outer[0], left, outer[1][::-1]],
        "lip_upper_mid": mouth.seam_upper[nearest], "lip_lower_mid": mouth.seam_lower[nearest],
        "lip_corner_left": left, "lip_corner_right": right, "nose_tip": nose, "chin": chin,
    }  # fmt: skip
    for name, side in (("Left", 1), ("Right", -1)):
        guess = points[nose] + (side * 0.63 * width, 0.75 * width, -0.7 * width)
        found[f"eye_{name.lower()}"] = _eye(points, eyes.get(f"eyeBlink{name}"), guess)
    return {name: np.atleast_1d(vertices).astype(np.int32) for name, vertices in found.items()}


def _foremost(points: Floats, among: NDArray[np.bool_]) -> int:
    return int(np.where(among, points[:, 2], -np.inf).argmax())


def _outer(points: Floats, seam: Indices, lip_vertices: Indices, reach: float) -> Indices:
    """The lip's edge towards the skin, above the seam for a positive reach, below it for a negative one. -> [N]"""
    sign, front = np.sign(reach), points[seam, 2].min() - 0.1 * abs(reach)
    usual = 0.16 * reach * np.sqrt(np.clip(1 - np.linspace(-1, 1, len(seam)) ** 2, 0.02, 1))
    if len(lip_vertices := lip_vertices[points[lip_vertices, 2] > front]):
        near = np.abs(points[lip_vertices, 0] - points[seam, :1]) < 0.04 * abs(reach)
        edge = np.where(near, sign * (points[lip_vertices, 1] - points[seam, 1:2]), -np.inf)
        return np.where(near.any(axis=1) & (edge.max(axis=1) > 0), lip_vertices[edge.argmax(axis=1)], seam)
    from scipy.spatial import KDTree

    return np.asarray(KDTree(points).query(points[seam] + usual[:, None] * (0, 1, 0))[1])


def _eye(points: Floats, blink: Floats | None, guess: Floats) -> int:
    """The foremost vertex where the lids move, or the nearest to the guess."""
    if blink is None or not blink.any():
        return int(np.linalg.norm(points - guess, axis=1).argmin())
    size = np.linalg.norm(blink, axis=1)
    shut = size > 0.5 * size.max()
    lids = points[shut] + 0.5 * blink[shut]
    near = np.linalg.norm(points[:, :2] - lids[:, :2].mean(axis=0), axis=1) < 0.25 * np.ptp(lids[:, 0])
    return _foremost(points, near)
