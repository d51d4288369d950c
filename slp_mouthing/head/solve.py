"""Vertices to parameters: the controls of a head with ARKit shapes, or FLAME's jaw, expression and eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.head.flame import full_pose
from slp_mouthing.head.least_squares import Parameters, SolveOptions, fit, in_blocks, tabulate
from slp_mouthing.head.refine import refine
from slp_mouthing.head.skinning import skin
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from slp_mouthing.head.flame import FlameHead
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array

    Floats = NDArray[np.floating[Any]]

_ARKIT = len(ARKIT_NAMES)
_OPPOSITES = (
    ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("tongueLeft", "tongueRight"),
    ("eyeLookUpLeft", "eyeLookDownLeft"), ("eyeLookUpRight", "eyeLookDownRight"),
    ("eyeLookInLeft", "eyeLookOutLeft"), ("eyeLookInRight", "eyeLookOutRight"),
)  # fmt: skip
"""Controls that move the same thing in opposite directions."""
_LIP_REACH_M = 0.012
"""Vertices this near to the lips' outer contour count as the mouth."""
_STILL_M = 1e-4
"""Vertices that no parameter moves farther are left out."""
_MOVES_MOUTH_M = 3e-4
"""A control moves the mouth when it takes a vertex there at least this far."""


@dataclass(frozen=True, slots=True)
class Residual:
    """Distance between the given vertices and those that the parameters give, root mean square per frame."""

    all_mm: Array  # [T] over the whole mesh
    lips_mm: Array  # [T] over the lips' inner and outer contour


@dataclass(frozen=True, slots=True)
class ControlSolution:
    """A face in ARKit's controls and what they mean for jaw and eyes."""

    blendshapes: Array  # [T, 52] in [0, 1]
    tongue: Array  # [T, K] in [0, 1]
    jaw_pose: Array  # [T, 3] rad
    eyes_pose: Array  # [T, 6] rad
    residual: Residual


@dataclass(frozen=True, slots=True)
class FlameSolution:
    """A face in FLAME's parameters."""

    expressions: Array  # [T, E]
    jaw_pose: Array  # [T, 3] rad
    eyes_pose: Array  # [T, 6] rad
    residual: Residual


class ControlSolver:
    """Finds the controls of a `Head`. Built once per head (0.6 s); safe to share between threads."""

    def __init__(self, head: Head, options: SolveOptions | None = None) -> None:
        self._head, self._options = head, options or SolveOptions()
        count = len(CONTROL_NAMES)
        parameters = Parameters(
            lower=np.zeros(count), upper=np.ones(count), spread=np.ones(count), step=np.full(count, 0.2),
            opening=CONTROL_NAMES.index("jawOpen"), openings=np.linspace(0, 1, 6),
            opposites=np.array([[CONTROL_NAMES.index(name) for name in pair] for pair in _OPPOSITES]),
        )  # fmt: skip
        away = _away_from_lips(head.neutral_m, head.landmarks)
        self._table = tabulate(self._pose, parameters, _chooser(away, self._options.vertices))
        near_lips = away[self._table.vertices] < _LIP_REACH_M
        self._mouth = self._table.vertices[near_lips]
        reach = np.abs(self._table.jacobians.reshape(*self._table.jacobians.shape[:2], -1, 3)[:, :, near_lips])
        self._movers = np.flatnonzero(reach.max(axis=(0, 2, 3), initial=0) > _MOVES_MOUTH_M)
        self._pose_fitted, self._pose_mouth = _few(head, self._table.vertices), _few(head, self._mouth)

    def __call__(self, vertices: Array) -> ControlSolution:
        """[T, V, 3] m, the head at rest in space. Raises `HeadError` for another mesh, or values that are not finite."""
        _check(vertices, (len(self._head.neutral_m),))
        table, options = self._table, self._options
        values = fit(table, self._pose_fitted, vertices[:, table.vertices], options)
        if options.refinements:
            values = refine(self._pose_mouth, table.parameters, self._movers, vertices[:, self._mouth], values, options)
        blendshapes, tongue = values[:, :_ARKIT].astype(np.float32), values[:, _ARKIT:].astype(np.float32)
        head = self._head
        residual = _residual(vertices, values, self._pose, head.landmarks, options.threads)
        return ControlSolution(blendshapes, tongue, head.jaw_pose(blendshapes), head.eyes_pose(blendshapes), residual)

    def _pose(self, values: Floats) -> Floats:
        return _posed(self._head, values)


class FlameSolver:
    """Finds expression, jaw and eyes of one FLAME identity. Built once per identity (0.5 s); safe to share between threads."""

    def __init__(self, head: FlameHead, options: SolveOptions | None = None) -> None:
        self._head, self._options, expressions = head, options or SolveOptions(), head.expression_count
        spread = np.r_[np.ones(expressions), 0.3, 0.1, 0.1, np.full(6, 0.3)]
        unbounded = np.full(len(spread), np.inf)
        parameters = Parameters(
            lower=-unbounded, upper=unbounded, spread=spread, step=np.r_[np.ones(expressions), np.full(9, 0.05)],
            opening=expressions, openings=np.linspace(-0.1, 0.6, 8), opposites=np.zeros((0, 2), np.intp),
        )  # fmt: skip
        # Users' meshes come with teeth or without: the teeth say nothing that the jaw's skin does not.
        self._bare = len(head.files.model.template)
        choose = _chooser(_away_from_lips(head.neutral_m[: self._bare], head.landmarks), self._options.vertices)
        self._table = tabulate(self._pose, parameters, lambda reach: choose(reach[: self._bare]))
        self._fitted = head.rig.at_vertices(self._table.vertices)

    def __call__(self, vertices: Array) -> FlameSolution:
        """[T, V, 3] m with teeth or without, the head at rest in space.

        Raises `HeadError` for another mesh, or values that are not finite.
        """
        _check(vertices, (len(self._head.neutral_m), self._bare))
        values = fit(self._table, self._pose_fitted, vertices[:, self._table.vertices], self._options)
        residual = _residual(vertices, values, self._pose, self._head.landmarks, self._options.threads)
        expressions, jaw, eyes = self._split(values)
        return FlameSolution(expressions, jaw, eyes, residual)

    def _split(self, values: Floats) -> tuple[Array, Array, Array]:
        expressions, jaw, eyes = np.split(values.astype(np.float32), [self._head.expression_count, values.shape[1] - 6], axis=1)
        return expressions, jaw, eyes

    def _pose(self, values: Floats) -> Floats:
        return self._head.pose_flame(*self._split(values))

    def _pose_fitted(self, values: Floats) -> Floats:
        expressions, jaw, eyes = self._split(values)
        return skin(self._fitted, expressions, full_pose(jaw, eyes))


@runtime_checkable
class _Reducible(Protocol):
    """A head that can do with few of its vertices."""

    def at_vertices(self, chosen: NDArray[np.intp]) -> Head:
        """A head that poses the `chosen` vertices [N] first, then those that it needs itself."""
        ...


def _few(head: Head, chosen: NDArray[np.intp]) -> Callable[[Floats], Floats]:
    """Poses the `chosen` vertices, without all the others where the head can do that. -> [T, P] -> [T, N, 3]"""
    if isinstance(head, _Reducible):
        reduced = head.at_vertices(chosen)
        return lambda values: _posed(reduced, values)[:, : len(chosen)]
    return lambda values: _posed(head, values)[:, chosen]


def _posed(head: Head, values: Floats) -> Floats:
    controls = values.astype(np.float32)
    return head.pose(controls[:, :_ARKIT], controls[:, _ARKIT:])


def _away_from_lips(neutral: Array, landmarks: Mapping[str, NDArray[np.int32]]) -> Floats:
    """Distance of each vertex from the lips' outer contour. [V, 3] -> [V] m"""
    from scipy.spatial import KDTree

    return np.asarray(KDTree(neutral[landmarks["lips_outer"]]).query(neutral)[0])


def _chooser(away: Floats, count: int) -> Callable[[Floats], NDArray[np.intp]]:
    """Picks `count` vertices that move, half of them around the lips where there are as many."""

    def choose(reach: Floats) -> NDArray[np.intp]:
        moving = np.flatnonzero(reach > _STILL_M)
        mouth, rest = moving[away[moving] < _LIP_REACH_M], moving[away[moving] >= _LIP_REACH_M]
        return np.sort(np.concatenate([_spread_out(mouth, count // 2), _spread_out(rest, count - count // 2)]))

    return choose


def _spread_out(indices: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    return indices[:: max(1, -(-len(indices) // count))]


def _residual(
    vertices: Array, values: Floats, pose: Callable[[Floats], Floats], landmarks: Mapping[str, NDArray[np.int32]], threads: int
) -> Residual:
    lips = np.unique(np.concatenate([landmarks["lips_inner"], landmarks["lips_outer"]]))

    def look(block: slice) -> tuple[Floats, Floats]:
        apart = vertices[block] - pose(values[block])[:, : vertices.shape[1]]
        return _mean_square(apart), _mean_square(apart[:, lips])

    means = np.stack(in_blocks(look, len(vertices), threads))
    return Residual(*(1e3 * np.sqrt(means)).astype(np.float32))


def _mean_square(apart: Floats) -> Floats:
    """Mean squared length over vertices. [T, V, 3] -> [T]"""
    flat = apart.reshape(len(apart), 3 * apart.shape[1])
    return np.asarray(np.einsum("tx,tx->t", flat, flat) / apart.shape[1], np.float64)


def _check(vertices: Array, counts: tuple[int, ...]) -> None:
    if vertices.ndim != 3 or vertices.shape[1] not in counts or vertices.shape[2] != 3:
        sizes = " or ".join(str(count) for count in counts)
        raise HeadError(f"vertices are {' x '.join(map(str, vertices.shape))}, expected frames x {sizes} x 3")
    if not np.isfinite(vertices).all():
        frame = int(np.argmin(np.isfinite(vertices).all(axis=(1, 2))))
        raise HeadError("vertices hold values that are not finite", where=f"frame {frame}")
