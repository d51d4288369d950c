"""A head in FLAME's format that moves like a face: the built-in head's skin, resampled and with other proportions.

Its vertices are the middles of the built-in head's triangles, its jaw turns by skinning, and its expression directions are the
principal axes of what the built-in head's random faces have beyond that. No licensed model is needed. It says how well motion
carries over to a basis that holds mouth shapes, and nothing of how well FLAME's own basis does.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.skinning import rotation_matrices
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES
from tests.head.flame_files import published_pickle, python2_pickle

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.head.builtin import BuiltinHead

SHAPES = 2
JOINTS = np.array([[0, -0.15, 0.0], [0, -0.10, 0.0], [0, -0.012, 0.012], [0.03, 0, 0.063], [-0.03, 0, 0.063]])
_JAW = 2


def write_flame_like(folder: Path, *, expressions: int = 50, samples: int = 160, seed: int = 0) -> None:
    """FLAME_NEUTRAL.pkl and the landmark embedding; `shape_count` is `SHAPES`."""
    folder.mkdir(parents=True, exist_ok=True)
    head = load_builtin()
    faces = head.triangles[skin_triangles(head)]
    rng = np.random.default_rng(seed)
    blendshapes = rng.beta(0.5, 1.5, (samples, len(ARKIT_NAMES))).astype(np.float32)
    blendshapes *= rng.random((samples, len(ARKIT_NAMES))) < 0.25
    opening = rng.uniform(0, 0.9, samples)
    blendshapes[:, ARKIT_NAMES.index("jawOpen")] = opening
    blendshapes[:, ARKIT_NAMES.index("mouthClose")] = opening * rng.random(samples) * (rng.random(samples) < 0.5)
    blendshapes[:, [k for k, name in enumerate(ARKIT_NAMES) if name.startswith("eyeLook")]] = 0
    posed = head.pose(blendshapes, np.zeros((samples, len(TONGUE_NAMES)), np.float32))
    neutral = proportions(head.neutral_m[faces].mean(axis=1).astype(float))
    jaw = _jaw_weights(head, faces)
    turns = rotation_matrices(head.jaw_pose(blendshapes).astype(float))
    turned = np.einsum("tab,vb->tva", turns, neutral - JOINTS[_JAW]) + JOINTS[_JAW]
    skinned = (1 - jaw[:, None]) * neutral + jaw[:, None] * turned
    residual = proportions(posed[:, faces].mean(axis=2).astype(float)) - skinned
    _, sizes, axes = np.linalg.svd(residual.reshape(samples, -1), full_matrices=False)
    directions = (sizes[:expressions, None] / np.sqrt(samples) * axes[:expressions]).reshape(expressions, -1, 3)
    triangles = around_vertices(faces)
    (folder / "FLAME_NEUTRAL.pkl").write_bytes(published_pickle(_arrays(neutral, triangles, jaw, directions, rng)))
    (folder / "flame_static_embedding.pkl").write_bytes(python2_pickle(_embedding(head, faces, triangles)))


def skin_triangles(head: BuiltinHead) -> np.ndarray:
    """Of the sheet that the lips belong to, and of the eyes."""
    names = [head.region_names[region] for region in head.regions]
    sheet = np.zeros(len(head.neutral_m), bool)
    sheet[head.landmarks["chin"]] = True
    for _ in range(400):
        reached = sheet[head.triangles].any(axis=1)
        before = sheet.sum()
        sheet[head.triangles[reached]] = True
        if sheet.sum() == before:
            break
    eyes = np.isin(names, ("sclera", "iris", "pupil"))
    return np.flatnonzero(sheet[head.triangles].all(axis=1) | eyes)


def proportions(points: np.ndarray) -> np.ndarray:
    """A longer, narrower face with a smaller mouth, and another place in space."""
    x, y, z = np.moveaxis(points, -1, 0)
    near_mouth = np.exp(-(((y + 0.067) / 0.03) ** 2) - (x / 0.05) ** 2)
    return np.stack([x * (0.95 - 0.10 * near_mouth), y * 1.06 - 0.004, z * 0.97 - 0.05 * x**2], axis=-1)


def _jaw_weights(head: BuiltinHead, faces: np.ndarray) -> np.ndarray:
    moved = np.linalg.norm(head.target("jawOpen"), axis=1)
    arm = np.linalg.norm(head.neutral_m[:, 1:] - JOINTS[_JAW, 1:], axis=1)
    share = moved / np.maximum(arm, 0.02)
    return np.clip(share / share[head.landmarks["lip_lower_mid"][0]], 0, 1)[faces].mean(axis=1)


def _arrays(
    points: np.ndarray, triangles: np.ndarray, jaw: np.ndarray, directions: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    eyes = np.stack([np.linalg.norm(points - center, axis=1) < 0.0145 for center in proportions(JOINTS[3:])], axis=1)
    weights = np.zeros((len(points), 5))
    weights[:, 3:] = eyes * (np.abs(directions).max(axis=(0, 2)) < 1e-9)[:, None]
    weights[:, _JAW] = jaw * (1 - weights[:, 3:].sum(axis=1))
    weights[:, 1] = 1 - weights.sum(axis=1)
    identity = np.stack([points * (0.02, 0, 0), points * (0, 0.02, 0)])
    joints = JOINTS.copy()
    joints[3:] = proportions(JOINTS[3:])
    centered = points - points.mean(axis=0)
    regressor = np.full((5, len(points)), 1 / len(points))
    regressor += (joints - regressor @ points) @ np.linalg.solve(centered.T @ centered, centered.T)
    return {
        "v_template": points,
        "shapedirs": np.concatenate([identity, directions]).transpose(1, 2, 0),
        "posedirs": np.zeros((len(points), 3, 36)) + 1e-9 * rng.random(),
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], range(5)], np.int64),
        "f": triangles.astype(np.uint32),
        "J": joints,
        "bs_type": "lrotmin",
    }


def around_vertices(faces: np.ndarray) -> np.ndarray:
    """Triangles of the mesh whose vertices are the middles of `faces`: a fan around each vertex inside the sheet."""
    following = {(int(f[k]), int(f[(k + 1) % 3])): (i, int(f[(k + 2) % 3])) for i, f in enumerate(faces) for k in range(3)}
    fans = []
    for vertex, first in dict(following.keys()).items():
        ring, across = [], first
        while (vertex, across) in following and len(ring) < 40:
            face, across = following[vertex, across]
            ring.append(face)
            if across == first:
                fans += [(ring[0], b, c) for b, c in pairwise(ring[1:])]
                break
    return np.array(fans)


def _embedding(head: BuiltinHead, faces: np.ndarray, triangles: np.ndarray) -> dict[str, np.ndarray]:
    """iBUG's points 17 to 67; of the brows, the nose's wings and the lids only that they are somewhere on the face."""

    def even(name: str, count: int) -> np.ndarray:
        contour = head.landmarks[name]
        return contour[np.round(np.arange(count) * len(contour) / count).astype(int)]

    skin = np.unique(faces[: len(faces) // 2])
    nose = head.landmarks["nose_tip"]
    anywhere = skin[np.linspace(0, len(skin) - 1, 30).astype(int)]
    vertices = np.concatenate([anywhere[:13], nose, anywhere[13:], even("lips_outer", 12), even("lips_inner", 8)])
    middles = head.neutral_m[faces].mean(axis=1)
    carriers = []
    for vertex in vertices:
        around = np.flatnonzero((faces == vertex).any(axis=1))
        carriers.append(int(around[middles[around, 2].argmax()]) if len(around) else 0)
    found = [int(np.flatnonzero((triangles == carrier).any(axis=1))[0]) for carrier in carriers]
    corner = triangles[found] == np.array(carriers)[:, None]
    return {"lmk_face_idx": np.array(found, np.int64), "lmk_b_coords": np.where(corner, 0.98, 0.01)}
