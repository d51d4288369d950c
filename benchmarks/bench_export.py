"""CPU seconds and megabytes of each export of 5 s of the built-in head at 30 fps: python benchmarks/bench_export.py [SECONDS]"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.export import WRITERS, export
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack, Take

if TYPE_CHECKING:
    from slp_mouthing.types import Array

FPS = 30.0
MOUTH = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower",
    "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
    "mouthUpperUpRight", "tongueOut",
)  # fmt: skip
"""What speech moves."""


def speech_like(frames: int) -> Array:
    """Weights that come and go at syllable rates, left and right alike. -> [T, 52]."""
    time_s = np.arange(frames) / FPS
    rng = np.random.default_rng(1)
    curves = {}
    for name in MOUTH:
        side = name.removesuffix("Left").removesuffix("Right")
        if side not in curves:
            curves[side] = np.clip(np.sin(2 * np.pi * rng.uniform(2, 5) * time_s + rng.uniform(0, 6)), 0, 1) * 0.7
    moving = [name.removesuffix("Left").removesuffix("Right") if name in MOUTH else None for name in ARKIT_NAMES]
    still = np.zeros(frames)
    return np.stack([curves[side] if side else still for side in moving], axis=1).astype(np.float32)


def make_take(seconds: float) -> Take:
    head = load_builtin()
    blendshapes = speech_like(round(seconds * FPS))
    tongue = np.zeros((len(blendshapes), len(TONGUE_NAMES)), np.float32)
    opening_m, width_m = head.lips(blendshapes, tongue)
    track = FaceTrack(
        fps=FPS, head=head.name, jaw_pose=head.jaw_pose(blendshapes), blendshapes=blendshapes,
        eyes_pose=head.eyes_pose(blendshapes), tongue=tongue, lip_opening_m=opening_m, lip_width_m=width_m,
    )  # fmt: skip
    return Take(track, head, name="speech-like")


def megabytes(path: Path) -> float:
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 1e6


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    take = make_take(seconds)
    print(f"{seconds:g} s, {len(take.track)} frames, {len(take.head.neutral_m)} vertices\n{'format':14}{'CPU s':>8}{'MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for suffix in WRITERS:
            path = Path(folder) / f"take.{suffix}"
            started = time.process_time()
            export(take, path)
            print(f"{suffix:14}{time.process_time() - started:8.3f}{megabytes(path):9.2f}")


if __name__ == "__main__":
    main()
