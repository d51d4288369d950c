"""Frames that a table of Jacobians leaves off: damped steps with the frame's own Jacobian.

Lips that press on each other move otherwise than lips that are apart, so that `least_squares.fit` stops short of some closed
mouths. They are few, and only what moves the mouth is looked at again. The minimised sum is that of `least_squares`, with the
neighbouring frames as they are. Letters: T frames, P parameters, M of them that move the mouth, S vertices of the mouth.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.head.least_squares import in_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.least_squares import Parameters, Pose, SolveOptions

    Floats = NDArray[np.floating[Any]]

_STEP = 0.03
"""Of the finite differences, as a share of the spread: within one state of contact."""
_DAMPING = 1e-3
"""Share of each parameter's own curvature that is added at first; less after a success, much more after a failure."""
_TRIALS = 2
_WORTH_IT = 0.98
"""A frame whose sum falls by less than this in a round is left."""


def refine(
    pose: Pose, parameters: Parameters, moving: NDArray[np.intp], target: Floats, values: Floats, options: SolveOptions
) -> Floats:
    """Values in which frames that fit worse than `noise_mm` have come nearer to their target; the others as they are.

    Args:
        pose: [T, P] -> [T, S, 3] m
        moving: [M] indices of the parameters that move these vertices
        target: [T, S, 3] m
        values: [T, P] from `least_squares.fit`
    """
    noise = np.square(1e-3 * options.noise_mm)
    bond = noise / np.square(options.change * parameters.spread)
    pull = noise / np.square(parameters.spread) + 2 * bond

    def look(block: slice) -> tuple[Floats]:
        return (np.square(target[block] - pose(values[block])).sum(axis=-1).mean(axis=-1),)

    poor = np.flatnonzero(in_blocks(look, len(values), options.threads)[0] > noise)
    neighbors = values[np.maximum(poor - 1, 0)] + values[np.minimum(poor + 1, len(values) - 1)]
    frames = [
        _Frame(pose, parameters, moving, target[t].astype(np.float64), pull, bond * near / pull)
        for t, near in zip(poor, neighbors, strict=True)
    ]
    refined = values.copy()
    with ThreadPoolExecutor(options.threads) as pool:
        descended = pool.map(lambda frame, start: frame.descend(start, options.refinements), frames, values[poor])
        for t, found in zip(poor, descended, strict=True):
            refined[t] = found
    return refined


@dataclass(frozen=True, slots=True)
class _Frame:
    pose: Pose
    parameters: Parameters
    moving: NDArray[np.intp]  # [M]
    target: Floats  # [S, 3]
    pull: Floats  # [P] curvature of the prior
    center: Floats  # [P] where the prior pulls to

    def descend(self, start: Floats, rounds: int) -> Floats:
        """[P] -> [P]"""
        here, damping = start, _DAMPING
        error, cost = self._error(here)
        for _ in range(rounds):
            slopes = self._jacobian(here)
            gram, down = slopes @ slopes.T, slopes @ error - (self.pull * (here - self.center))[self.moving]
            before = cost
            for _ in range(_TRIALS):
                trial = self._stepped(here, gram, down, damping)
                trial_error, trial_cost = self._error(trial)
                damping *= 0.2 if trial_cost < cost else 20
                if trial_cost < cost:
                    here, error, cost = trial, trial_error, trial_cost
                    break
            if cost > _WORTH_IT * before:
                break
        return here

    def _error(self, values: Floats) -> tuple[Floats, float]:
        error = (self.target - self.pose(values[None])[0]).ravel()
        return error, float(error @ error + self.pull @ np.square(values - self.center))

    def _jacobian(self, values: Floats) -> Floats:
        """Finite differences towards the inside of the bounds. [P] -> [M, 3 S]"""
        p, moving = self.parameters, self.moving
        step = _STEP * p.spread[moving]
        step = np.where(values[moving] + step > p.upper[moving], -step, step)
        points = np.repeat(values[None], len(moving) + 1, axis=0)
        points[1 + np.arange(len(moving)), moving] += step
        posed = self.pose(points).reshape(len(points), -1).astype(np.float64)
        return np.asarray((posed[1:] - posed[0]) / step[:, None])

    def _stepped(self, values: Floats, gram: Floats, down: Floats, damping: float) -> Floats:
        """A damped step; parameters that it takes out of bounds stop there, and the others step anew."""
        own = np.diag(gram)
        curvature = gram + np.diag(self.pull[self.moving] + damping * (own + 1e-3 * own.mean()))
        lower, upper = ((bound - values)[self.moving] for bound in (self.parameters.lower, self.parameters.upper))
        step, free = np.zeros(len(down)), np.ones(len(down), bool)
        for _ in range(len(down)):
            rest = down[free] - curvature[np.ix_(free, ~free)] @ step[~free]
            step[free] = np.linalg.solve(curvature[np.ix_(free, free)], rest)
            inside = (step >= lower) & (step <= upper)
            step = np.clip(step, lower, upper)
            if inside.all():
                break
            free &= inside
        stepped = values.copy()
        stepped[self.moving] += step
        return np.asarray(self.parameters.admissible(stepped[None])[0])
