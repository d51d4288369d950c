"""A small head made of formulas, and takes performed on it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, FaceTrack, MouthAction, MouthingPlan, Sign, Take

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gltf_validator: needs node and the npm package gltf-validator")
    config.addinivalue_line("markers", "blender: needs Blender, as the command `blender` or as the Python module bpy")


JAW_OPEN_RAD = 0.4
HINGE_M = np.array([0.0, 0.02, -0.06], np.float32)


@dataclass(frozen=True)
class TinyHead:
    """A curved sheet with a slit for lips, an eye that turns, a jaw that swings, and lips that stop where they meet."""

    neutral_m: Array
    triangles: NDArray[np.int32]
    regions: NDArray[np.uint8]
    colors: Array
    jaw: Array  # [V] how far a vertex follows the jaw
    eye: NDArray[np.bool_]  # [V]
    pairs: NDArray[np.int32]  # [P, 2] upper and lower lip
    shapes: Array  # [C, V, 3]
    name: str = "builtin"
    region_names: tuple[str, ...] = ("skin", "lip", "iris", "hair")

    @property
    def landmarks(self) -> Mapping[str, NDArray[np.int32]]:
        return {}

    def pose(self, blendshapes: Array, tongue: Array, eyes_pose: Array | None = None) -> Array:
        controls = np.concatenate([blendshapes, tongue], axis=1)
        eyes_pose = self.eyes_pose(blendshapes) if eyes_pose is None else eyes_pose
        vertices = self.neutral_m + np.einsum("tc,cvx->tvx", controls, self.shapes)
        vertices += _swing(vertices, HINGE_M, self.jaw_pose(blendshapes)[:, :1] * self.jaw) - vertices
        center = self.neutral_m[self.eye].mean(axis=0) - np.array([0, 0, 0.012], np.float32)
        vertices[:, self.eye] = _swing(vertices[:, self.eye], center, eyes_pose[:, :1] * np.ones(int(self.eye.sum()), np.float32))
        upper, lower = vertices[:, self.pairs[:, 0], 1], vertices[:, self.pairs[:, 1], 1]
        middle, crossed = (upper + lower) / 2, lower > upper
        vertices[:, self.pairs[:, 0], 1] = np.where(crossed, middle, upper)
        vertices[:, self.pairs[:, 1], 1] = np.where(crossed, middle, lower)
        return vertices.astype(np.float32)

    def target(self, name: str) -> Array:
        index = CONTROL_NAMES.index(name)
        if name == "jawOpen":
            return (_swing(self.neutral_m[None], HINGE_M, JAW_OPEN_RAD * self.jaw[None])[0] - self.neutral_m).astype(np.float32)
        return self.shapes[index]

    def jaw_pose(self, blendshapes: Array) -> Array:
        return blendshapes[:, [ARKIT_NAMES.index("jawOpen")]] * np.array([JAW_OPEN_RAD, 0, 0], np.float32)

    def eyes_pose(self, blendshapes: Array) -> Array:
        pitch = 0.4 * (blendshapes[:, ARKIT_NAMES.index("eyeLookDownLeft")] - blendshapes[:, ARKIT_NAMES.index("eyeLookUpLeft")])
        pose = np.zeros((len(blendshapes), 6), np.float32)
        pose[:, 0] = pose[:, 3] = pitch
        return pose

    def lips(self, blendshapes: Array, tongue: Array) -> tuple[Array, Array]:
        vertices = self.pose(blendshapes, tongue)
        middle = self.pairs[len(self.pairs) // 2]
        opening = vertices[:, middle[0], 1] - vertices[:, middle[1], 1]
        width = np.abs(vertices[:, self.pairs[0, 0], 0] - vertices[:, self.pairs[-1, 0], 0])
        return opening, width


def _swing(vertices: Array, pivot: Array, angle_rad: Array) -> Array:
    """Turn about x: positive lowers what is in front of the pivot. [T, V, 3], [T, V] -> [T, V, 3]."""
    x, y, z = np.moveaxis(vertices - pivot, 2, 0)
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.stack([x, cos * y - sin * z, sin * y + cos * z], axis=2) + pivot


def make_head(rows: int = 24) -> TinyHead:
    """`rows` x `rows` vertices, 20 cm wide."""
    v, u = np.mgrid[0.1 : -0.1 : rows * 1j, -0.1 : 0.1 : rows * 1j]
    neutral = np.stack([u, v, 0.05 - 3.0 * (u**2 + v**2)], axis=2).reshape(-1, 3).astype(np.float32)
    index = np.arange(rows * rows, dtype=np.int32).reshape(rows, rows)
    cells = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=2)
    upper_row, inside = rows // 2 + 1, slice(rows // 4, rows - rows // 4)
    keep = np.ones((rows - 1, rows - 1), bool)
    keep[upper_row, inside.start : inside.stop - 1] = False  # the slit
    quads = cells[keep]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    pairs = np.stack([index[upper_row, inside], index[upper_row + 1, inside]], axis=1)
    eye = ((neutral - [-0.04, 0.05, 0.0]) ** 2 @ [1, 1, 0] < 0.015**2).ravel()
    regions = np.zeros(len(triangles), np.uint8)
    regions[np.isin(triangles, pairs).any(axis=1)] = 1
    regions[eye[triangles].all(axis=1)] = 2
    rng = np.random.default_rng(7)
    shapes = np.zeros((len(CONTROL_NAMES), len(neutral), 3), np.float32)
    for number, name in enumerate(CONTROL_NAMES):
        if name != "jawOpen" and not name.startswith("eyeLook"):
            center = rng.uniform(-0.07, 0.07, 2) * [1, 0.4] + [0, -0.02]
            near = np.exp(-((neutral[:, :2] - center) ** 2).sum(axis=1) / 0.02**2)
            shapes[number] = np.where(near > 0.05, near, 0)[:, None] * rng.normal(0, 0.004, 3)
    jaw = (1 / (1 + np.exp((neutral[:, 1] - pairs_height(neutral, pairs)) / 0.002))).astype(np.float32)
    jaw[jaw < 1e-3] = 0.0
    colors = np.full((len(neutral), 3), [0.6, 0.4, 0.3], np.float32)
    return TinyHead(neutral, triangles.astype(np.int32), regions, colors, jaw, eye, pairs.astype(np.int32), shapes)


def pairs_height(neutral: Array, pairs: NDArray[np.int32]) -> float:
    return float(neutral[pairs[0], 1].mean())


def make_track(head: Head, frames: int = 40, fps: float = 30.0, seed: int = 3) -> FaceTrack:
    """A mouth that opens, closes, purses and rests, and eyes that look down."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, len(CONTROL_NAMES))
    speed_hz = rng.uniform(0.5, 4.0, len(CONTROL_NAMES))
    time_s = np.arange(frames) / fps
    controls = 0.25 * (1 + np.sin(2 * np.pi * speed_hz * time_s[:, None] + phase)).astype(np.float32)
    controls[:, CONTROL_NAMES.index("jawOpen")] = np.clip(1.6 * np.sin(9 * time_s), 0, 1)
    controls[: frames // 8] = 0.0  # rest
    blendshapes, tongue = controls[:, : len(ARKIT_NAMES)], controls[:, len(ARKIT_NAMES) :]
    opening_m, width_m = head.lips(blendshapes, tongue)
    return FaceTrack(
        fps=fps, head=head.name, jaw_pose=head.jaw_pose(blendshapes), blendshapes=blendshapes,
        eyes_pose=head.eyes_pose(blendshapes), tongue=tongue, lip_opening_m=opening_m, lip_width_m=width_m,
        meta=json.dumps({"version": "1.2.3", "input": "WHY", "voice": "en-gb", "seed": 0, "decoder": "rules"}),
    )  # fmt: skip


@pytest.fixture(scope="session")
def head() -> TinyHead:
    return make_head()


@pytest.fixture(scope="session")
def take(head: TinyHead) -> Take:
    why = Sign("WHY", "lexical", 0.1, 0.6)
    says = MouthAction("Mouthing", "why", "waɪ", None, 0.16, 0.6, (0,), "lexicon")
    return Take(make_track(head), head, name="why-because", plan=MouthingPlan((why,), (says,)))


@pytest.fixture(scope="session")
def perform(head: TinyHead) -> Callable[..., Take]:
    """A take of `frames` at `fps` by another actor, or by one of `rows` squared vertices, with fields of the track replaced."""

    def make(frames: int = 40, fps: float = 30.0, rows: int = 24, actor: Head | None = None, **changes: object) -> Take:
        actor = actor or (head if rows == 24 else make_head(rows))
        return Take(replace(make_track(actor, frames, fps), **changes), actor, name="take")

    return make
