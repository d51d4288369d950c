"""Vertices to parameters: frames per second and round-trip error, built-in head and a FLAME of full size.

    python benchmarks/bench_solve.py [--frames 600] [--threads 2]

The motion is the heads' own: syllables between closed lips (speech), a jaw that opens and closes with ten other controls
(mixed), or a hundred expression coefficients, jaw and eyes (FLAME, made-up shapes in the published format and size). To reach:
>= 500 frames/s on two cores, <= 0.1 mm RMS at the lips.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

# One thread per matrix product: the solver's own threads share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.flame import load_flame
from slp_mouthing.head.solve import ControlSolver, FlameSolver, SolveOptions
from tests.head.flame_files import FULL, write_folder
from tests.head.speech_curves import speech_track
from tests.head.test_solve import control_curves, flame_curves

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.types import Array

RUNS = 3


def measure(name: str, build: Callable[[], Callable[[Array], Any]], clips: list[Array]) -> None:
    start = time.perf_counter()
    solver = build()
    built_s = time.perf_counter() - start
    found, best_s, cpu_s = [], np.inf, np.inf
    for _ in range(RUNS):
        start, cpu = time.perf_counter(), time.process_time()
        found = [solver(clip) for clip in clips]
        best_s, cpu_s = min(best_s, time.perf_counter() - start), min(cpu_s, time.process_time() - cpu)
    lips, everything = (np.concatenate([getattr(f.residual, key) for f in found]) for key in ("lips_mm", "all_mm"))
    frames = sum(len(clip) for clip in clips)
    rms = np.sqrt(np.mean(lips**2))
    print(f"{name}: built in {built_s:.2f} s, {frames / best_s:.0f} frames/s, {1e3 * cpu_s / frames:.2f} ms of CPU a frame")
    print(f"    lips {rms:.3f} mm RMS (99%: {np.quantile(lips, 0.99):.3f}, worst {lips.max():.3f})")
    print(f"    mesh {np.sqrt(np.mean(everything**2)):.3f} mm RMS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    options, clips = SolveOptions(threads=arguments.threads), max(1, arguments.frames // 150)

    builtin = load_builtin()
    tracks = [speech_track(builtin, syllables=18, seed=seed) for seed in range(clips)]
    kinds = {
        "speech": [builtin.pose(track.blendshapes, track.tongue) for track in tracks],
        "mixed": [builtin.pose(*control_curves(150, seed)) for seed in range(clips)],
    }
    for kind, motion in kinds.items():
        measure(f"built-in, {kind}", lambda: ControlSolver(builtin, options), motion)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), FULL)
        flame = load_flame(folder)
    measure(
        "FLAME",
        lambda: FlameSolver(flame, options),
        [flame.pose_flame(**flame_curves(flame, 150, seed)) for seed in range(clips)],
    )


if __name__ == "__main__":
    main()
