"""Parameters of a posed mesh from its vertices: bounded Gauss-Newton steps for many frames at once.

A face is nearly linear in its controls once the jaw's opening is known. So the Jacobian is taken once per head at a few openings;
each frame takes the nearest, and each step solves the normal equations of its opening for all its frames together. Bounds are
met by alternating directions (ADMM), which needs one matrix per opening, inverted beforehand.

With r the vertices' error, the minimised sum per frame is |r|^2 / noise^2 + |x / spread|^2 + |x - neighbours|^2 / change^2.
Letters: T frames, P parameters, K openings, S vertices that are fitted.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Frames = NDArray[np.intp]
    Pose = Callable[[Floats], Floats]  # [T, P] -> [T, S, 3] m

_FRAMES_AT_ONCE = 32
_BOUND_STEPS = 60
"""Alternations per Gauss-Newton step; the next step goes on from where they stop."""
_FARTHEST = 4.0
"""Extrapolation at most, as a multiple of the last step."""
_BOUND_WEIGHT = 0.1
"""Penalty for leaving the bounds, as a share of each parameter's own curvature."""


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How vertices become parameters."""

    iterations: int = 7
    """Points that are looked at; the best of them is the result."""
    tolerance: float = 1e-3
    """A frame is left when no parameter moves by more than this share of its spread."""
    fine_mm: float = 0.003
    """A frame whose vertices fit as well as this is left as it is."""
    noise_mm: float = 0.1
    """Expected error of the given vertices; larger values trust the spread and the neighbouring frames more."""
    change: float = 0.5
    """Expected change of a parameter between frames, as a share of its spread; smaller values smooth more."""
    refinements: int = 2
    """Steps at most for each frame that then fits worse than `noise_mm`, as some closed mouths do; 0 for speed."""
    vertices: int = 1000
    """Vertices that are fitted, half of them around the lips."""
    threads: int = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is solved for, in the order of a pose function's columns."""

    lower: Floats  # [P], -inf without a bound
    upper: Floats  # [P]
    spread: Floats  # [P] standard deviation around 0
    step: Floats  # [P] of the finite differences
    opening: int
    """Index of the parameter that opens the jaw."""
    openings: Floats  # [K] its values at which the Jacobian is taken
    opposites: NDArray[np.intp]  # [N, 2] pairs that cancel: at most one of the two is used

    def admissible(self, values: Floats) -> Floats:
        """Values within the bounds, the smaller of two opposites taken off both. [T, P] -> [T, P]"""
        values = np.clip(values, self.lower, self.upper)
        common = values[:, self.opposites].min(axis=2)
        for side in (0, 1):
            values[:, self.opposites[:, side]] -= common
        return values


@dataclass(frozen=True, slots=True)
class JacobianTable:
    """Derivatives of the fitted vertices at each opening."""

    parameters: Parameters
    vertices: NDArray[np.intp]  # [S]
    jacobians: NDArray[np.float32]  # [K, P, 3 S] m per unit
    gram: Floats  # [K, P, P] float64


def tabulate(pose: Pose, parameters: Parameters, choose: Callable[[Floats], NDArray[np.intp]]) -> JacobianTable:
    """Finite differences of `pose` at each opening, kept at the vertices that `choose` takes from their reach [V] in metres."""
    count = len(parameters.step)
    full = np.stack([_differences(pose, parameters, opening) for opening in parameters.openings])  # [K, P, V, 3]
    reach = np.sqrt((np.square(full).sum(axis=-1) * np.square(parameters.spread[:, None])).max(axis=(0, 1)))
    vertices = choose(reach)
    jacobians = np.ascontiguousarray(full[:, :, vertices].reshape(len(full), count, -1), np.float32)
    gram = np.stack([j.astype(np.float64) @ j.T.astype(np.float64) for j in jacobians])
    return JacobianTable(parameters, vertices, jacobians, gram)


def _differences(pose: Pose, parameters: Parameters, opening: float) -> Floats:
    """Forward differences, backward for a jaw that is open at its end. -> [P, V, 3]"""
    step = parameters.step.copy()
    if opening + step[parameters.opening] > parameters.openings[-1]:
        step[parameters.opening] *= -1
    points = np.zeros((len(step) + 1, len(step)), np.float32)
    points[:, parameters.opening] = opening
    points[1:] += np.diag(step)
    posed = pose(points)
    return np.asarray((posed[1:] - posed[0]) / step[:, None, None])


def fit(table: JacobianTable, pose: Pose, target: Floats, options: SolveOptions) -> Floats:
    """Parameters of each frame. `pose` gives the table's vertices; target [T, S, 3] m -> [T, P]."""
    p = table.parameters
    system, state = _NormalEquations(table, options), _Iterates(table, len(target))
    fine = target.shape[1] * np.square(1e-3 * options.fine_mm)
    active = np.arange(len(target))
    for _ in range(options.iterations):
        if not len(active):
            break
        nearest = np.abs(state.values[active, p.opening, None] - p.openings).argmin(axis=1)

        def look(block: slice, active: Frames = active, nearest: Frames = nearest) -> tuple[Floats, Floats]:
            frames = active[block]
            error = (target[frames] - pose(state.values[frames])).reshape(len(frames), 3 * target.shape[1])
            return _by_opening(error, nearest[block], table.jacobians), np.einsum("ts,ts->t", error, error)

        slopes, errors = in_blocks(look, len(active), options.threads)
        proposed = system.step(active, slopes, state.values, nearest)
        moved = state.advance(active, proposed, errors, nearest)
        active = active[(errors > fine) & (moved > options.tolerance * p.spread).any(axis=1)]
    return state.best


def in_blocks(look: Callable[[slice], tuple[Floats, ...]], frames: int, threads: int) -> list[Floats]:
    """What `look` gives for all frames, looking at some at a time, on several threads."""
    blocks = [slice(start, start + _FRAMES_AT_ONCE) for start in range(0, max(frames, 1), _FRAMES_AT_ONCE)]
    with ThreadPoolExecutor(threads) as pool:
        return [np.concatenate(parts) for parts in zip(*pool.map(look, blocks), strict=True)]


def _by_opening(values: Floats, nearest: Frames, matrices: Floats) -> Floats:
    """Each frame's values times the matrix of its own opening. [T, N], [T], [K, P, N] -> [T, P]"""
    products = np.empty((len(values), matrices.shape[1]))
    for k in np.unique(nearest):
        chosen = nearest == k
        products[chosen] = values[chosen] @ matrices[k].T
    return products


class _Iterates:
    """Where each frame is, and Anderson's extrapolation from its last two steps.

    Lips that slide on teeth answer with less than the Jacobian promises, so that plain steps would creep.
    """

    def __init__(self, table: JacobianTable, frames: int) -> None:
        self._table = table
        self.values, self.best, self._step, self._proposed = np.zeros((4, frames, len(table.parameters.step)))
        self._least, self._first = np.full(frames, np.inf), True

    def advance(self, frames: Frames, proposed: Floats, errors: Floats, nearest: Frames) -> Floats:
        """Take `frames` [N] to `proposed` [N, P] and beyond; errors [N] are those of here. -> [N, P] how far they moved"""
        here = self.values[frames]
        better = errors < self._least[frames]
        self.best[frames[better]], self._least[frames[better]] = here[better], errors[better]
        step = proposed - here
        turn = step - self._step[frames]
        weighted = _by_opening(turn, nearest, self._table.gram)
        along, across = (weighted * step).sum(axis=1), (weighted * turn).sum(axis=1)
        share = np.clip(along / np.maximum(across, np.finfo(float).tiny), -_FARTHEST, 0.5)
        # The first step has nothing before it, and a frame that got worse must not be carried on that way.
        share[~better | self._first] = 0
        ahead = self._table.parameters.admissible(proposed - share[:, None] * (proposed - self._proposed[frames]))
        self.values[frames], self._step[frames], self._proposed[frames], self._first = ahead, step, proposed, False
        return np.abs(ahead - here)


class _NormalEquations:
    """One step towards the bounded optimum for frames that share an opening."""

    def __init__(self, table: JacobianTable, options: SolveOptions) -> None:
        p = table.parameters
        noise = np.square(1e-3 * options.noise_mm)
        self._bounds, self._gram = (p.lower, p.upper), table.gram
        self._bond = noise / np.square(options.change * p.spread)  # [P] to each of two neighbours
        prior = noise / np.square(p.spread) + 2 * self._bond
        bounded = np.isfinite(p.lower) | np.isfinite(p.upper)
        curvature = np.einsum("kpp->kp", table.gram)
        self._penalty = bounded * _BOUND_WEIGHT * (curvature + 1e-2 * curvature.mean(axis=1, keepdims=True))  # [K, P]
        self._inverse = np.stack(
            [np.linalg.inv(gram + np.diag(prior + penalty)) for gram, penalty in zip(table.gram, self._penalty, strict=True)]
        )
        self._steps = _BOUND_STEPS if bounded.any() else 1

    def step(self, frames: Frames, slopes: Floats, values: Floats, nearest: Frames) -> Floats:
        """The bounded optimum as seen from where `frames` are. [N], [N, P], [T, P], [N] -> [N, P]

        Neighbouring frames enter with the values they have now, so that all frames are solved at once.
        """
        neighbors = values[np.maximum(frames - 1, 0)] + values[np.minimum(frames + 1, len(values) - 1)]
        right = slopes + self._bond * neighbors
        proposed = np.empty_like(slopes)
        for k in np.unique(nearest):
            chosen = np.flatnonzero(nearest == k)
            here = values[frames[chosen]]
            proposed[chosen] = self._bounded(k, right[chosen] + here @ self._gram[k], here)
        return proposed

    def _bounded(self, k: int, right: Floats, inside: Floats) -> Floats:
        slack = np.zeros_like(inside)
        for _ in range(self._steps):
            free = (right + self._penalty[k] * (inside - slack)) @ self._inverse[k]
            inside = np.clip(free + slack, *self._bounds)
            slack = slack + free - inside
        return inside
