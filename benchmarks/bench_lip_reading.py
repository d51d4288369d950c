"""The lip-reading loss with gradients to the mesh: milliseconds of computing per frame, the crop's part and the reader's.

    OMP_NUM_THREADS=1 python benchmarks/bench_lip_reading.py [--frames 64] [--autoavsr]

One person of the built-in head, its own light in every pose. To reach: the reader's part 1.5 ms a frame on one thread. Minimum
of repeats. `--autoavsr` takes that network with random weights (250 M parameters) in place of the shipped reader.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from slp_mouthing.articulation import CHANNELS
from slp_mouthing.lipreading.autoavsr import AutoAvsr
from slp_mouthing.lipreading.checkpoint import load_reader
from slp_mouthing.lipreading.loss import lip_reading_loss
from slp_mouthing.training.faces import head_of, vertices_m
from slp_mouthing.training.mouth_scene import MouthScene

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

RUNS = 3


def clip(frames: int) -> Tensor:
    """A mouth that opens, rounds and shuts. -> [T, V, 3]"""
    values = np.zeros((frames, len(CHANNELS)))
    wave = np.sin(np.arange(frames) / 2)
    for name, weights in (("jawOpen", 0.6 * wave), ("mouthPucker", -0.8 * wave), ("lipsShut", wave * np.cos(np.arange(frames)))):
        values[:, CHANNELS.index(name)] = np.maximum(weights, 0)
    values[:, -1] = 1
    return torch.from_numpy(vertices_m(head_of("default"), values))


def milliseconds(function: Callable[[Tensor], Tensor], given: Tensor) -> tuple[float, float]:
    """Forward and backward of the quickest run, per frame."""
    best = np.full(2, np.inf)
    for _ in range(RUNS):
        taken = given.clone().requires_grad_()
        start = time.process_time()
        loss = function(taken)
        middle = time.process_time()
        loss.backward()
        times = np.array([middle - start, time.process_time() - middle])
        best = times if times.sum() < best.sum() else best
    forward, backward = 1e3 * best / len(given)
    return float(forward), float(backward)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--autoavsr", action="store_true")
    arguments = parser.parse_args()
    reader = AutoAvsr().eval().requires_grad_(False) if arguments.autoavsr else load_reader()
    vertices = clip(arguments.frames)
    scenes = {name: MouthScene.of(head_of("default"), baked=name == "light of rest") for name in ("light of rest", "own light")}
    crops = scenes["own light"].crops(vertices)
    with torch.no_grad():
        target = reader.features(crops.flip(0)[None])
    parts: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
        "reader": (lambda seen: lip_reading_loss(reader.features(seen[None]), target), crops),
        "its residual network alone": (lambda seen: reader.resnet_features(seen[None]).square().mean(), crops),
        **{
            f"crop, {name}": (lambda mesh, scene=scene: scene.crops(mesh).square().mean(), vertices)
            for name, scene in scenes.items()
        },
    }
    print(f"{arguments.frames} frames, {torch.get_num_threads()} threads; forward + backward, ms a frame")
    print(f"    {len(scenes['own light'].crop.binding)} Gaussians near the mouth")
    for name, (function, given) in parts.items():
        forward, backward = milliseconds(function, given)
        print(f"    {name}: {forward:.2f} + {backward:.2f} = {forward + backward:.2f}")


if __name__ == "__main__":
    main()
