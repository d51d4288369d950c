"""The lip reader's crop with gradients to the mesh: milliseconds per frame, against tensors and the general rasteriser.

    python benchmarks/bench_lip_crop.py [--frames 8]

Default avatar, 40,000 Gaussians at most, 96 px; light baked in harmonics of degree 0 and 3. To reach: 5 ms a frame forward and
backward on two cores, aim 2 ms. Minimum of repeats.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.avatar.splats import SplatAvatar, lit_avatar
from slp_mouthing.avatar.torch_binding import to_world, triangle_frames
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.render.differentiable import rasterize
from slp_mouthing.render.lip_crop import Appearance, LipCrop
from slp_mouthing.render.mouth_camera import mouth_camera, mouth_points
from slp_mouthing.render.threads import default_threads
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.render.camera import Camera

RUNS = 20


def clip(frames: int) -> torch.Tensor:
    """A mouth that opens and rounds. -> [T, V, 3]"""
    blendshapes = np.zeros((frames, len(ARKIT_NAMES)), np.float32)
    wave = np.sin(np.arange(frames))
    blendshapes[:, ARKIT_NAMES.index("jawOpen")] = 0.4 * np.maximum(wave, 0)
    blendshapes[:, ARKIT_NAMES.index("mouthPucker")] = 0.4 * np.maximum(-wave, 0)
    return torch.from_numpy(load_builtin().pose(blendshapes, np.zeros((frames, len(TONGUE_NAMES)), np.float32)))


def milliseconds(crop: Callable[[torch.Tensor], torch.Tensor], vertices: torch.Tensor) -> tuple[float, float]:
    """Forward and backward of the quickest run, per frame."""
    best = np.full(2, np.inf)
    for _ in range(RUNS):
        mesh = vertices.clone().requires_grad_()
        start = time.perf_counter()
        loss = crop(mesh).square().mean()
        middle = time.perf_counter()
        loss.backward()
        times = np.array([middle - start, time.perf_counter() - middle])
        best = times if times.sum() < best.sum() else best
    forward, backward = 1e3 * best / len(vertices)
    return float(forward), float(backward)


def by_tensors(splats: SplatAvatar, camera: Camera) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same pictures by way of world-space tensors."""
    local = splats.local
    parts = [torch.from_numpy(a) for a in (local.position, local.rotation_wxyz, local.log_scale)]
    binding, triangles = torch.from_numpy(splats.binding).long(), torch.tensor(load_builtin().triangles).long()
    opacity, sh = torch.from_numpy(splats.opacity), torch.from_numpy(splats.sh)
    view, K = torch.from_numpy(camera.world_to_camera), torch.from_numpy(camera.intrinsics)

    def draw(vertices: torch.Tensor) -> torch.Tensor:
        worlds = (to_world(*parts, binding, triangle_frames(mesh, triangles)) for mesh in vertices)
        return torch.stack([rasterize(*world, opacity, None, view, K, camera.width, camera.height, sh=sh)[0] for world in worlds])

    return draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=8)
    arguments = parser.parse_args()
    head = load_builtin()
    avatar, camera = default_avatar(head), mouth_camera(mouth_points(head.neutral_m, head.landmarks))
    vertices = clip(arguments.frames)
    print(f"{len(avatar)} Gaussians, {camera.width} px, {default_threads()} threads; forward + backward, ms a frame")
    for degree in (0, 3):
        splats = lit_avatar(avatar, avatar.color, degree)
        crop = LipCrop(avatar, Appearance(splats.opacity, sh=splats.sh), head.triangles, rest_shape=avatar.rest_shape)
        if degree == 0:
            drawn = crop.draw(vertices[0].numpy(), camera, 1)
            print(f"    {len(drawn.ids)} of them in the crop's view, {len(drawn.tiles.lists)} with their tiles")
        for name, frames in ((f"{arguments.frames} frames", vertices), ("one frame", vertices[:1])):
            forward, backward = milliseconds(lambda mesh, crop=crop: crop(mesh, camera), frames)
            print(f"    degree {degree}, {name}: {forward:.2f} + {backward:.2f} = {forward + backward:.2f}")
    forward, backward = milliseconds(by_tensors(splats, camera), vertices[:1])
    print(f"    degree 3, one frame by tensors: {forward:.2f} + {backward:.2f} = {forward + backward:.2f}")


if __name__ == "__main__":
    main()
