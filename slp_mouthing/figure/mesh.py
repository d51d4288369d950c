"""What meshes made by code need: neighbours, triangles out of quads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from slp_mouthing.figure.field import Points

    Indices = NDArray[np.int64]


def smoother(faces: Indices, count: int, share: float = 0.6) -> Callable[[Points], Points]:
    """Moves vertex values [N, ...] by `share` towards the mean of their neighbours."""
    import scipy.sparse as sp

    ends = np.concatenate([np.stack([faces[:, k], faces[:, k - 1]], axis=1) for k in range(faces.shape[1])])
    near = sp.csr_array((np.ones(2 * len(ends)), (np.r_[ends[:, 0], ends[:, 1]], np.r_[ends[:, 1], ends[:, 0]])), (count, count))
    near.data[:] = 1
    mean = sp.diags_array(1 / np.maximum(np.asarray(near.sum(1)).ravel(), 1)) @ near

    def smooth(values: Points) -> Points:
        return np.asarray((1 - share) * values + share * (mean @ values))

    return smooth


def split_quads(quads: Indices, points: Points) -> Indices:
    """Two triangles for each quad, along its shorter diagonal. [Q, 4] -> [2 Q, 3]"""
    a, b, c, d = (points[quads[:, k]] for k in range(4))
    first = np.linalg.norm(a - c, axis=1) <= np.linalg.norm(b - d, axis=1) + 1e-6
    one = np.where(first[:, None], quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    two = np.where(first[:, None], quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    return np.stack([one, two], axis=1).reshape(-1, 3)
