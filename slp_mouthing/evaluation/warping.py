"""Dynamic time warping: the path of one pair, and the distances of many pairs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import Floats

_BLOCK = 2**22
"""Cells of a cost table held at once."""


def derivative_path(a: Floats, b: Floats) -> NDArray[np.int64]:
    """How two curves [N], [M] fit by their slopes -> [P, 2] indices from (0, 0) to (N-1, M-1).

    Derivative dynamic time warping (Keogh & Pazzani 2001) with the backward difference, 0 in the first frame, as the slope and
    its absolute difference as the cost; of steps that cost the same the diagonal goes before one in `a`, that before one in `b`.
    """
    slope_a, slope_b = np.diff(a, prepend=a[0]), np.diff(b, prepend=b[0])
    return _traced(_accumulated(np.abs(slope_a[None, :, None] - slope_b[None, None, :]))[0])


def distances(queries: Floats, templates: Floats) -> Floats:
    """Cost of the best path between each query [Q, L, D] and each template [P, L, D], Euclidean in D -> [Q, P]."""
    out = np.empty((len(queries), len(templates)))
    flat, length = templates.reshape(-1, templates.shape[-1]), queries.shape[1]
    rows = max(_BLOCK // (length * len(flat)), 1)
    for start in range(0, len(queries), rows):
        some = queries[start : start + rows]
        cost = _apart(some.reshape(-1, some.shape[-1]), flat).reshape(len(some), length, len(templates), -1)
        tables = cost.transpose(0, 2, 1, 3).reshape(-1, length, cost.shape[-1])
        out[start : start + rows] = _accumulated(tables)[:, -1, -1].reshape(len(some), -1)
    return out


def _apart(a: Floats, b: Floats) -> Floats:
    """Euclidean distances of rows. [N, D], [M, D] -> [N, M]"""
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _accumulated(cost: Floats) -> Floats:
    """Least cost of a path from the first cell to each. [B, N, M] -> [B, N, M]

    All cells of an antidiagonal wait for the two before it alone, so they are done together, for all tables.
    """
    batch, n, m = cost.shape
    total = np.full((batch, n + 1, m + 1), np.inf)
    total[:, 0, 0] = 0.0
    for k in range(n + m - 1):
        i = np.arange(max(0, k - m + 1), min(k, n - 1) + 1)
        j = k - i
        before = np.minimum(np.minimum(total[:, i, j], total[:, i, j + 1]), total[:, i + 1, j])
        total[:, i + 1, j + 1] = cost[:, i, j] + before
    return total[:, 1:, 1:]


def _traced(total: Floats) -> NDArray[np.int64]:
    """The best path through accumulated costs [N, M], from its end."""
    i, j = total.shape[0] - 1, total.shape[1] - 1
    path = [(i, j)]
    while i > 0 or j > 0:
        steps = [(i - 1, j - 1), (i - 1, j), (i, j - 1)]
        i, j = min((step for step in steps if min(step) >= 0), key=lambda step: total[step])
        path.append((i, j))
    return np.array(path[::-1])
