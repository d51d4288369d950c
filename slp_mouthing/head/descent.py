"""Parameters that bring a posed face to what is wanted of it, from a given start: Levenberg-Marquardt within bounds.

`least_squares.fit` starts at rest and smooths over time; here the start is known to be near, each frame stands alone, and none is
left worse than it was. Letters: T frames, P parameters, K openings, S points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.least_squares import JacobianTable, Pose

    Floats = NDArray[np.floating[Any]]

_STEPS = 10
_ENOUGH = 1e-3
"""Frames whose parameters move by less than this share of their spread are left."""
_DAMPING = 1e-6
"""Share of each parameter's own curvature added at first; ten times more after a step that made a frame worse."""


def descend(table: JacobianTable, pose: Pose, target: Floats, start: Floats, pull: float) -> Floats:
    """The parameters of each frame.

    Args:
        table: derivatives of `pose`
        pose: [T, P] -> [T, S, 3] m
        target: [T, S, 3] m
        start: [T, P]
        pull: towards 0: the deviation in metres that counts like a parameter at its spread.
    """
    p = table.parameters
    weight = np.square(pull / p.spread)
    best, least, damping = start.copy(), np.full(len(start), np.inf), np.full(len(start), _DAMPING)
    slopes, trial, active = np.zeros_like(start), start.copy(), np.arange(len(start))
    for _ in range(_STEPS):
        error = (target[active] - pose(trial[active])).reshape(len(active), -1)
        cost = np.square(error).sum(axis=1) + np.square(trial[active]) @ weight
        better = cost < least[active]
        damping[active] *= np.where(better, 0.3, 10.0)
        gained, error = active[better], error[better]
        best[gained], least[gained] = trial[gained], cost[better]
        nearest = np.abs(best[:, p.opening, None] - p.openings).argmin(axis=1)
        for k in np.unique(nearest[gained]):
            chosen = nearest[gained] == k
            slopes[gained[chosen]] = error[chosen] @ table.jacobians[k].T - best[gained[chosen]] * weight
        curvature = table.gram[nearest[active]] + np.diag(weight)
        step = _bounded(curvature, slopes[active], damping[active], p.lower - best[active], p.upper - best[active])
        trial[active] = best[active] + step
        active = active[(np.abs(step) > _ENOUGH * p.spread).any(axis=1)]
        if not len(active):
            break
    return best


def _bounded(curvature: Floats, slopes: Floats, damping: Floats, lower: Floats, upper: Floats) -> Floats:
    """Damped steps; parameters that a first step takes out of bounds stop there, and the others step once more. -> [N, P]"""
    diagonal = np.einsum("npp->np", curvature)
    damped = curvature + np.eye(slopes.shape[1]) * (damping[:, None] * diagonal + 1e-12)[:, None]
    step = np.clip(_solved(damped, slopes), lower, upper)
    stopped = (step <= lower) | (step >= upper)
    if stopped.any():
        slopes = slopes - np.einsum("npq,nq->np", damped, step * stopped)
        free = ~stopped
        damped = damped * (free[:, :, None] & free[:, None]) + np.eye(slopes.shape[1]) * stopped[:, None]
        step = np.where(stopped, step, np.clip(_solved(damped, slopes * free), lower, upper))
    return step


def _solved(matrices: Floats, right: Floats) -> Floats:
    return np.linalg.solve(matrices, right[..., None])[..., 0]
