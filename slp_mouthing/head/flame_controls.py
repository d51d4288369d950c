"""The user's FLAME as a head that takes ARKit's controls: each frame's expression and jaw follow the built-in head's face."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.head.puppet import FlamePuppet
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from slp_mouthing.head.flame import FlameHead
    from slp_mouthing.head.rig import Head
    from slp_mouthing.head.transfer import Transfer
    from slp_mouthing.types import Array

    Floats = NDArray[np.floating[Any]]

KEPT_FRAMES = 8192
"""Whose parameters are remembered, in some 10 MB: jaw, lips, mesh and stills of a track ask for the same ones."""
_WITH_OPEN_JAW = ("mouthClose", "tongueOut")
"""Controls that mean something only while the jaw is open."""


class ControlledFlame:
    """A `Head` (see `rig.py`). Immutable once built; threads may share it.

    At rest its lips touch, as the built-in head's do; FLAME's own mean face may part them. FLAME has no tongue: those controls
    do nothing.
    """

    def __init__(self, transfer: Transfer, source: Head, flame: FlameHead) -> None:
        """`transfer` goes from `source`, whose controls these are, to `flame`."""
        self.flame, self.transfer, self._source, self._puppet = flame, transfer, source, FlamePuppet(flame)
        self.name: str = flame.name
        self.triangles, self.regions, self.region_names = flame.triangles, flame.regions, flame.region_names
        self.colors, self.landmarks = flame.colors, flame.landmarks
        self._solved = _Remembered(transfer.values)
        rest = np.zeros((1, len(CONTROL_NAMES)), np.float32)
        self.neutral_m: Array = self.pose(*_split(rest))[0]
        self.neutral_m.setflags(write=False)

    def parameters(self, blendshapes: Array, tongue: Array) -> tuple[Array, Array]:
        """FLAME's expression and jaw. [T, 52], [T, K] -> [T, E], [T, 3] rad"""
        values = self._values(blendshapes, tongue).astype(np.float32)
        return values[:, :-3], values[:, -3:]

    def pose(self, blendshapes: Array, tongue: Array, eyes_pose: Array | None = None) -> Array:
        """Vertices. [T, 52], [T, K], [T, 6] -> [T, V, 3] m. Raises `HeadError` for other shapes."""
        eyes = self.eyes_pose(blendshapes) if eyes_pose is None else eyes_pose
        return self.flame.pose_flame(*self.parameters(blendshapes, tongue), eyes)

    def target(self, name: str) -> Array:
        """Offsets of one control at weight 1, with the jaw open where it takes that. -> [V, 3] m. Raises `HeadError`."""
        if name not in CONTROL_NAMES:
            raise HeadError(f"no control named {name!r}", hint=f"one of {', '.join(CONTROL_NAMES)}")
        weights = np.zeros((2, len(CONTROL_NAMES)), np.float32)
        weights[1, CONTROL_NAMES.index(name)] = 1
        if name in _WITH_OPEN_JAW:
            weights[:, CONTROL_NAMES.index("jawOpen")] = 1
        before, after = self.pose(*_split(weights))
        return np.asarray(after - before)

    def jaw_pose(self, blendshapes: Array) -> Array:
        """The jaw joint's axis-angle. [T, 52] -> [T, 3] rad"""
        still = np.zeros((len(blendshapes), len(CONTROL_NAMES) - len(ARKIT_NAMES)), np.float32)
        return self.parameters(blendshapes, still)[1]

    def eyes_pose(self, blendshapes: Array) -> Array:
        """The eyes' axis-angle. [T, 52] -> [T, 6] rad, left then right"""
        return self._source.eyes_pose(blendshapes)

    def lips(self, blendshapes: Array, tongue: Array) -> tuple[Array, Array]:
        """Inner-lip gap at the midline, 0 in contact, and corner distance. [T, 52], [T, K] -> [T] m, [T] m"""
        return self._puppet.lips(self._values(blendshapes, tongue))

    def _values(self, blendshapes: Array, tongue: Array) -> Floats:
        return self._solved(np.concatenate([blendshapes, tongue], axis=1).astype(np.float64))


class _Remembered:
    """A function of frames, each by itself, that is not asked twice for the last ones. Threads may share it."""

    def __init__(self, solve: Callable[[Floats], Floats]) -> None:
        self._solve, self._known, self._lock = solve, dict[bytes, "Floats"](), threading.Lock()

    def __call__(self, frames: Floats) -> Floats:
        """[T, C] -> [T, P]"""
        keys = [frame.tobytes() for frame in frames]
        with self._lock:
            known = {key: self._known[key] for key in keys if key in self._known}
        new = {key: k for k, key in enumerate(keys) if key not in known}
        if new or not keys:
            found = self._solve(frames[list(new.values())])
            known |= zip(new, found, strict=True)
            self._keep(dict(zip(new, found, strict=True)))
        return np.stack([known[key] for key in keys]) if keys else found

    def _keep(self, found: dict[bytes, Floats]) -> None:
        with self._lock:
            self._known |= found
            for key in list(self._known)[: max(0, len(self._known) - KEPT_FRAMES)]:
                del self._known[key]


def _split(controls: Array) -> tuple[Array, Array]:
    return controls[:, : len(ARKIT_NAMES)], controls[:, len(ARKIT_NAMES) :]
