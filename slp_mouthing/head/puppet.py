"""Heads behind one face, for motion that goes from one to another: what they are, what their lips do, what moves them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slp_mouthing.head.correspondence import Face
from slp_mouthing.head.flame import FlameHead, full_pose
from slp_mouthing.head.flame_files import JAW
from slp_mouthing.head.gltf_head import GlbHead
from slp_mouthing.head.least_squares import Parameters
from slp_mouthing.head.lip_probe import LipProbe, build_probe
from slp_mouthing.head.skinning import skin
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, TONGUE_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.least_squares import Pose
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array, FaceTrack

    Floats = NDArray[np.floating[Any]]

_ARKIT = len(ARKIT_NAMES)
_SKIN = ("skin", "lip", "eyelid_edge", "nostril")
_EYES_LOOK = tuple(k for k, name in enumerate(CONTROL_NAMES) if name.startswith("eyeLook"))


class Puppet(Protocol):
    """A head with parameters [T, P]: the controls of a `Head`, or FLAME's expression and jaw. The eyes go by their own angles."""

    @property
    def parameters(self) -> Parameters: ...

    @property
    def face(self) -> Face: ...

    @property
    def probe(self) -> LipProbe: ...

    def at(self, chosen: NDArray[np.intp]) -> Pose:
        """What gives the `chosen` vertices [N] for parameters: [T, P] -> [T, N, 3] m"""
        ...

    def opening(self, values: Floats) -> Floats:
        """Height of the gap between the lips at the midline, 0 in contact. [T, P] -> [T] m"""
        ...

    def lips(self, values: Floats) -> tuple[Array, Array]:
        """The track's measures: gap of the lips at the midline and corner distance. [T, P] -> [T] m, [T] m"""
        ...

    def values(self, track: FaceTrack) -> Floats:
        """A track's parameters. -> [T, P]"""
        ...

    def checksum(self) -> str:
        """Of everything that decides how the head moves."""
        ...


@dataclass(frozen=True)
class ControlPuppet:
    """A head that takes ARKit's controls."""

    head: Head

    @cached_property
    def parameters(self) -> Parameters:
        count = len(CONTROL_NAMES)
        return Parameters(
            lower=np.zeros(count), upper=np.ones(count), spread=np.ones(count), step=np.full(count, 0.2),
            opening=CONTROL_NAMES.index("jawOpen"), openings=np.linspace(0, 1, 6), opposites=np.zeros((0, 2), np.intp),
        )  # fmt: skip

    @cached_property
    def face(self) -> Face:
        head = self.head
        return Face(head.neutral_m, head.landmarks, _jaw_share(head.target("jawOpen"), head), _skin_vertices(head))

    @cached_property
    def probe(self) -> LipProbe:
        rest = np.zeros((1, len(CONTROL_NAMES)))
        return build_probe(self.head.neutral_m, self.head.landmarks, touching=not self.opening(rest).any())

    def at(self, chosen: NDArray[np.intp]) -> Pose:
        if isinstance(self.head, GlbHead):
            few = self.head.at_vertices(chosen)
            return lambda values: few.pose(*_split(values))[:, : len(chosen)]
        return lambda values: self.head.pose(*_split(values))[:, chosen]

    def opening(self, values: Floats) -> Floats:
        return self.lips(values)[0]

    def lips(self, values: Floats) -> tuple[Array, Array]:
        return self.head.lips(*_split(values))

    def values(self, track: FaceTrack) -> Floats:
        return track.curves.values.astype(np.float64)

    def checksum(self) -> str:
        alone = np.eye(len(CONTROL_NAMES)) * 0.7
        pose = self.at(self.face.skin)
        return _digest(_head_arrays(self.head) + [pose(alone[k : k + 8]) for k in range(0, len(alone), 8)])


@dataclass(frozen=True)
class FlamePuppet:
    """A FLAME identity."""

    head: FlameHead

    @cached_property
    def parameters(self) -> Parameters:
        expressions = self.head.expression_count
        spread = np.r_[np.ones(expressions), 0.3, 0.1, 0.1]
        unbounded = np.full(len(spread), np.inf)
        return Parameters(
            lower=-unbounded, upper=unbounded, spread=spread, step=np.r_[np.ones(expressions), np.full(3, 0.05)],
            opening=expressions, openings=np.linspace(-0.1, 0.6, 8), opposites=np.zeros((0, 2), np.intp),
        )  # fmt: skip

    @cached_property
    def face(self) -> Face:
        head = self.head
        turned = head.rig.weights[:, JAW] / max(float(head.rig.weights[head.landmarks["lip_lower_mid"][0], JAW]), 1e-6)
        return Face(head.neutral_m, head.landmarks, np.clip(turned, 0, 1), _skin_vertices(head))

    @cached_property
    def probe(self) -> LipProbe:
        return build_probe(self.head.neutral_m, self.head.landmarks, touching=False)

    def at(self, chosen: NDArray[np.intp]) -> Pose:
        few = self.head.rig.at_vertices(chosen)

        def pose(values: Floats) -> Floats:
            expressions, jaw = np.split(values.astype(np.float32), [self.head.expression_count], axis=1)
            return skin(few, expressions, full_pose(jaw))

        return pose

    def opening(self, values: Floats) -> Floats:
        upper, lower = self._lip_points(values)[:, :2].swapaxes(0, 1)
        return np.asarray(np.maximum(upper[:, 1] - lower[:, 1], 0.0))

    def lips(self, values: Floats) -> tuple[Array, Array]:
        upper, lower, left, right = self._lip_points(values).swapaxes(0, 1)
        apart = np.linalg.norm(upper - lower, axis=-1) * (upper[:, 1] > lower[:, 1])
        return apart, np.linalg.norm(left - right, axis=-1)

    @cached_property
    def _lip_points(self) -> Pose:
        names = ("lip_upper_mid", "lip_lower_mid", "lip_corner_left", "lip_corner_right")
        return self.at(np.array([self.head.landmarks[name][0] for name in names]))

    def values(self, track: FaceTrack) -> Floats:
        out = np.zeros((len(track), self.head.expression_count + 3))
        if track.expressions is not None:
            kept = min(track.expressions.shape[1], self.head.expression_count)
            out[:, :kept] = track.expressions[:, :kept]
        out[:, -3:] = track.jaw_pose
        return out

    def checksum(self) -> str:
        return _digest([*_head_arrays(self.head), np.frombuffer(self.head.files.checksum.encode(), np.uint8), self.head.shape])


def puppet(head: Head | FlameHead) -> Puppet:
    return FlamePuppet(head) if isinstance(head, FlameHead) else ControlPuppet(head)


def set_look(values: Floats, eyes_pose: Array, head: Head) -> None:
    """Turn the eyes of controls [T, C] to `eyes_pose` [T, 6] rad, in place."""
    turns = head.eyes_pose(np.eye(_ARKIT, dtype=np.float32)[list(_EYES_LOOK)])
    values[:, list(_EYES_LOOK)] = np.clip(eyes_pose @ (turns / np.square(turns).sum(axis=1, keepdims=True)).T, 0, 1)


def _split(values: Floats) -> tuple[Array, Array]:
    controls = values.astype(np.float32)
    return controls[:, :_ARKIT], controls[:, _ARKIT : _ARKIT + len(TONGUE_NAMES)]


def _jaw_share(jaw_open: Array, head: Head) -> Floats:
    moved = np.linalg.norm(jaw_open, axis=1)
    return np.asarray(np.clip(moved / moved[head.landmarks["lip_lower_mid"][0]], 0, 1))


def _skin_vertices(head: Head | FlameHead) -> NDArray[np.intp]:
    wanted = [k for k, name in enumerate(head.region_names) if name in _SKIN]
    return np.unique(head.triangles[np.isin(head.regions, wanted)]).astype(np.intp)


def _head_arrays(head: Head | FlameHead) -> list[NDArray[Any]]:
    return [head.neutral_m, head.triangles, *(head.landmarks[name] for name in sorted(head.landmarks))]


def _digest(arrays: list[NDArray[Any]]) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.shape} {array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
