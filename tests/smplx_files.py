"""Made-up bodies in SMPL-X's file format, of any number of vertices, with FLAME's head among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

PARENTS = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15,
    *(parent for wrist, first in ((20, 25), (21, 40)) for k in range(15) for parent in [wrist if k % 3 == 0 else first + k - 1]),
)  # fmt: skip
"""SMPL-X's tree of 55 joints."""


def write_body_model(
    folder: Path, head: np.ndarray, vertices: int = 10475, *, shapes: int = 400, objects: bool = True, seed: int = 0
) -> np.ndarray:
    """`SMPLX_NEUTRAL.npz` and the correspondence to a FLAME head's vertices [H, 3], which are among the body's.

    Returns the head's numbers in the body. `objects`: with the pickled members that the published files have.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    ids = rng.choice(vertices, len(head), replace=False)
    template = rng.normal(0, 0.3, (vertices, 3))
    template[ids] = head + np.array([0, 0.3, 0])
    regressor = np.zeros((55, vertices))
    for joint in range(55):
        near = rng.choice(vertices, 8, replace=False)
        regressor[joint, near] = 1 / 8
    weights = np.zeros((vertices, 55))
    for k in range(3):
        weights[np.arange(vertices), rng.integers(0, 55, vertices)] += (0.6, 0.3, 0.1)[k]
    arrays = {
        "v_template": template, "shapedirs": 1e-3 * rng.standard_normal((vertices, 3, shapes), np.float32),
        "posedirs": 1e-4 * rng.standard_normal((vertices, 3, 486), np.float32), "J_regressor": regressor, "weights": weights,
        "kintree_table": np.array([(2**32 - 1, *PARENTS[1:]), range(55)], np.int64),
        "f": rng.integers(0, vertices, (50, 3)).astype(np.uint32),
        **{f"hands_mean{side}": rng.normal(0, 0.2, 45) for side in "lr"},
        **{f"hands_components{side}": np.eye(45) for side in "lr"},
        "lmk_faces_idx": np.zeros(51, np.int64), "lmk_bary_coords": np.full((51, 3), 1 / 3),
        "dynamic_lmk_faces_idx": np.zeros((79, 17), np.int64), "dynamic_lmk_bary_coords": np.full((79, 17, 3), 1 / 3),
    }  # fmt: skip
    if objects:
        arrays |= {"part2num": np.array({"pelvis": 0}), "joint2num": np.array({"pelvis": 0})}
    np.savez(folder / "SMPLX_NEUTRAL.npz", **arrays)
    np.save(folder / "SMPL-X__FLAME_vertex_ids.npy", ids)
    return ids
