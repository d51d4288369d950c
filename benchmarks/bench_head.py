"""The built-in head: time to build, to pose the whole mesh and to measure the lips alone.

    python benchmarks/bench_head.py [--frames 1500]

To reach on one core: build <= 0.5 s, pose <= 2 ms a frame, lips fast enough for 1500 tracked frames a second.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from slp_mouthing.head.builtin import BuiltinHead
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES

RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1500)
    frames = parser.parse_args().frames
    start = time.perf_counter()
    head = BuiltinHead()
    print(f"build {time.perf_counter() - start:.2f} s, {len(head.neutral_m)} vertices, {len(head.triangles)} triangles")
    rng = np.random.default_rng(0)
    blendshapes = (rng.random((frames, len(ARKIT_NAMES))) * (rng.random((frames, len(ARKIT_NAMES))) < 0.2)).astype(np.float32)
    tongue = np.zeros((frames, len(TONGUE_NAMES)), np.float32)
    for name, measure in (("pose", head.pose), ("lips", head.lips)):
        times = []
        for _ in range(RUNS):
            start = time.perf_counter()
            measure(blendshapes, tongue)
            times.append(time.perf_counter() - start)
        print(f"{name} {1e3 * min(times) / frames:.3f} ms a frame, {frames / min(times):.0f} frames/s")


if __name__ == "__main__":
    main()
