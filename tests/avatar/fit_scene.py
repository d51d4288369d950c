"""A small recording: a bumpy ball that breathes, covered with coloured blobs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from slp_mouthing.avatar.splats import SplatAvatar, Splats
from slp_mouthing.render.camera import Camera, orbit
from slp_mouthing.render.rasterise import rasterize_numpy

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 48
FRAMES = 2


@dataclass(frozen=True)
class Ball:
    """A `Motion`: a sphere of 8 cm, closed, whose triangles face outwards; frame 1 is wider."""

    triangles: np.ndarray
    rest: np.ndarray

    @staticmethod
    def make(rings: int = 6, columns: int = 10) -> Ball:
        phi = np.linspace(0, np.pi, rings + 1)[1:-1]
        theta = 2 * np.pi * np.arange(columns) / columns
        ring = [[np.sin(p) * np.sin(t), np.cos(p), np.sin(p) * np.cos(t)] for p in phi for t in theta]
        points = 0.08 * np.array([[0, 1, 0], *ring, [0, -1, 0]])
        last, at = len(points) - 1, lambda r, c: 1 + r * columns + c % columns
        triangles = [[0, at(0, c), at(0, c + 1)] for c in range(columns)]
        triangles += [[last, at(rings - 2, c + 1), at(rings - 2, c)] for c in range(columns)]
        for r in range(rings - 2):
            for c in range(columns):
                triangles += [[at(r, c), at(r + 1, c), at(r + 1, c + 1)], [at(r, c), at(r + 1, c + 1), at(r, c + 1)]]
        return Ball(np.array(triangles, np.int32), points.astype(np.float32))

    def vertices(self, timestep: int) -> torch.Tensor:
        return torch.from_numpy(self.rest * np.array([1 + 0.2 * timestep, 1, 1], np.float32))

    def parameters(self) -> tuple[()]:
        return ()


def truth(ball: Ball, seed: int = 0) -> SplatAvatar:
    """One blob per triangle, each of its own colour."""
    rng, n = np.random.default_rng(seed), len(ball.triangles)
    local = Splats(
        position=np.zeros((n, 3)), rotation_wxyz=np.tile([1.0, 0, 0, 0], (n, 1)),
        log_scale=np.log(np.tile([0.5, 0.06, 0.5], (n, 1))), opacity_logit=np.full(n, 4.0),
        sh=0.8 * rng.standard_normal((n, 1, 3)),
    )  # fmt: skip
    local = Splats(*(np.asarray(getattr(local, name), np.float32) for name in Splats.__dataclass_fields__))
    return SplatAvatar(local, np.arange(n, dtype=np.int32))


def view_from(yaw_deg: float, pitch_deg: float = 10.0, size: int = SIZE) -> Camera:
    return orbit((0, 0, 0), yaw_deg=yaw_deg, pitch_deg=pitch_deg, distance_m=1.0, span_m=0.24, width=size, height=size)


def write_recording(
    folder: Path, ball: Ball, *, yaws: tuple[float, ...] = (0, 60, 120, 180, 240, 300), held_out: float = 30.0
) -> None:
    """PNG with alpha, cameras in OpenGL's axes."""
    folder.mkdir(parents=True, exist_ok=True)
    avatar = truth(ball)
    for split, angles in (("train", yaws), ("val", (held_out,))):
        frames = []
        for yaw in angles:
            camera = view_from(yaw)
            for t in range(FRAMES):
                world = avatar.to_world(ball.vertices(t).numpy(), ball.triangles)
                image, alpha = rasterize_numpy(
                    *world, avatar.opacity, None, camera.world_to_camera, camera.intrinsics, SIZE, SIZE, sh=avatar.sh
                )
                straight = np.clip(image / np.maximum(alpha, 1e-6)[..., None], 0, 1)
                name = f"{split}_{yaw:g}_{t}.png"
                rgba = np.concatenate([straight, alpha[..., None]], axis=2)
                Image.fromarray(np.rint(255 * rgba).astype(np.uint8)).save(folder / name)
                frames.append(entry(camera, name, t, f"{yaw:g}"))
        (folder / f"transforms_{split}.json").write_text(json.dumps({"frames": frames}))


def entry(camera: Camera, name: str, timestep: int, camera_id: str) -> dict[str, object]:
    matrix = np.linalg.inv(camera.world_to_camera.astype(np.float64)) @ np.diag([1, -1, -1, 1])
    K = camera.intrinsics.astype(float)
    return {
        "file_path": name, "timestep_index": timestep, "camera_id": camera_id, "transform_matrix": matrix.tolist(),
        "fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2], "w": camera.width, "h": camera.height,
    }  # fmt: skip
