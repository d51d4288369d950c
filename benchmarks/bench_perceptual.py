"""A step of the perceptual stage on captured data of real size: seconds of computing per clip, and of its parts.

    OMP_NUM_THREADS=1 python benchmarks/bench_perceptual.py [--gaussians 60000] [--seconds 3] [--autoavsr]

FLAME's own size with made-up shapes (5023 vertices), an avatar with harmonics of degree 3, the paper's recipe on log-mel frames,
a video of 1920 x 1080. Times are of the process. `--autoavsr` takes that network with random weights (250 M parameters) in place
of the shipped reader.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import torch

from slp_mouthing.avatar.folder import import_avatar
from slp_mouthing.avatar.ply import write_avatar
from slp_mouthing.avatar.splats import SplatAvatar, Splats
from slp_mouthing.lipreading.autoavsr import AutoAvsr
from slp_mouthing.lipreading.checkpoint import load_reader
from slp_mouthing.lipreading.loss import lip_reading_loss
from slp_mouthing.render.video import write_video
from slp_mouthing.training.avatar_people import AvatarPeople
from slp_mouthing.training.captured import Captured
from slp_mouthing.training.curriculum import TrainOptions, train
from slp_mouthing.training.dataset import open_dataset
from slp_mouthing.training.lip_reading import LipReading
from tests.head.flame_files import FULL, write_folder
from tests.training.small_captured import NEUTRAL, write_camera, write_mead

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.lipreading.reader import LipReader
    from slp_mouthing.types import Array

STEPS, RUNS, READ = 4, 3, 40
TRIANGLES = (9976, 10144)
CLIPS = (1, 2, 3, 4)
"""Of one actor: one update of the paper's recipe."""


def seconds(call: Callable[[], object]) -> float:
    best = np.inf
    for _ in range(RUNS):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def write_files(folder: Path, gaussians: int, frames: int) -> None:
    write_folder(folder / "flame", FULL, masks=True)
    write_mead(folder / "mead", [("M003", sentence) for sentence in CLIPS], frames)
    rng = np.random.default_rng(0)

    def draw(mean: float, deviation: float, *shape: int) -> Array:
        return rng.normal(mean, deviation, (gaussians, *shape)).astype(np.float32)

    local = Splats(draw(0, 0.3, 3), draw(0, 1, 4), draw(-1.5, 0.4, 3), draw(2, 1), draw(0, 0.2, 16, 3))
    write_avatar(SplatAvatar(local, np.arange(gaussians, dtype=np.int32) % TRIANGLES[1]), folder / "avatar.ply")
    import_avatar(folder / "avatar.ply", folder / "avatar", head="flame2020", triangles=TRIANGLES)
    write_camera(folder / "mead", "M003")
    video = folder / "mead/M003/video/front" / NEUTRAL / "001.mp4"
    video.parent.mkdir(parents=True)
    pattern = np.add.outer(np.arange(1080), np.arange(1920)).astype(np.uint8)[..., None].repeat(3, axis=2)
    write_video((np.roll(pattern, k, axis=1) for k in range(frames)), video, 30.0)
    for sentence in CLIPS[1:]:
        video.with_name(f"{sentence:03d}.mp4").write_bytes(video.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gaussians", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--autoavsr", action="store_true")
    arguments = parser.parse_args()
    frames = round(30 * arguments.seconds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, arguments.gaussians, frames)
        reader = AutoAvsr().eval().requires_grad_(False) if arguments.autoavsr else load_reader()
        print(
            f"clips of {frames} frames, {READ} of them read; {arguments.gaussians} Gaussians; {torch.get_num_threads()} threads"
        )
        measure_parts(folder, reader)
        measure_steps(folder, reader)


def measure_parts(folder: Path, reader: LipReader) -> None:
    dataset = open_dataset(folder / "mead", folder / "flame")
    assert isinstance(dataset, Captured)
    people, clip, part = AvatarPeople(dataset, folder / "avatar", folder / "flame"), dataset[0], slice(0, READ)
    offsets = torch.from_numpy(clip.vertex_offsets[part].reshape(READ, -1)) if clip.vertex_offsets is not None else torch.empty(0)
    crops, sitter = people.crops(clip, offsets), people.sitter(clip)
    with torch.no_grad():
        target = reader.features(crops.flip(0)[None])[0]

    def with_gradient(function: Callable[[torch.Tensor], torch.Tensor], given: torch.Tensor) -> Callable[[], None]:
        return lambda: function(given.clone().requires_grad_()).sum().backward()

    posed = sitter.posed(offsets)
    parts = {
        "teeth": with_gradient(sitter.posed, offsets),
        "crop": with_gradient(lambda mesh: sitter.crop(mesh, sitter.camera), posed),
        "reader": with_gradient(lambda seen: lip_reading_loss(reader.features(seen[None])[0], target), crops),
        "the mouth in the video, once": lambda: people.true_crops(clip, part),
    }
    for name, call in parts.items():
        print(f"    {name}: {seconds(call):.2f} s")


def measure_steps(folder: Path, reader: LipReader) -> None:
    """Whole updates, of four clips each, once the targets are made."""
    mead, flame = folder / "mead", folder / "flame"
    first = train(mead, folder / "first", TrainOptions("geometric", "paper", steps=1, flame=flame))
    dataset = open_dataset(mead, flame)
    assert isinstance(dataset, Captured)
    reading = LipReading(reader, READ, AvatarPeople(dataset, folder / "avatar", flame))
    options = TrainOptions("perceptual", "paper", first, flame=flame)

    def run(steps: int, weight: float | None, again: int = 0) -> float:
        start = time.process_time()
        chosen = replace(options, steps=steps, read_weight=weight)
        train(mead, folder / f"{steps}-{weight}-{again}", chosen, perceptual=reading)
        return time.process_time() - start

    run(1 + STEPS, None)
    for name, weight in (("without the loss", 0.0), ("with it", None)):
        each_s = (run(1 + STEPS, weight, 1) - run(1, weight, 1)) / STEPS
        print(f"    an update of {len(CLIPS)} clips, {name}: {each_s:.2f} s")


if __name__ == "__main__":
    main()
