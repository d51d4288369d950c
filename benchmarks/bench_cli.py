"""What the commands cost, whole processes, against the figures they must reach.

    python benchmarks/bench_cli.py            prints CPU and wall seconds, minimum of three runs after a warm-up

CPU is user + system time of the process and its children.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOUTH = [sys.executable, "-P", "-c", "from slp_mouthing.cli.main import main; main()"]
FIVE_SECONDS = "WHY@0.7 PT:PRO2SG@0.3 LATE@0.7 BECAUSE@0.8 BUS@0.6 LATE@0.6 FAMILY@0.7 WAIT@0.6"
RUNS = 3


def cost(arguments: list[str]) -> tuple[float, float]:
    """(CPU s, wall s) of one run of the command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*MOUTH, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, time.perf_counter() - start


def best(arguments: list[str]) -> tuple[float, float]:
    cost(arguments)
    runs = [cost(arguments) for _ in range(RUNS)]
    return min(cpu for cpu, _ in runs), min(wall for _, wall in runs)


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    hundred, five = folder / "hundred.txt", folder / "five.txt"
    hundred.write_text(" ".join(["WHY", "BECAUSE", "FAMILY", "PT:PRO1SG", "GO"] * 20))
    five.write_text(FIVE_SECONDS)
    out = ["-o", str(folder / "out")]
    rows = [
        ("mouth --help", ["--help"], "0.5 s CPU"),
        ("mouth plan, 100 signs", ["plan", str(hundred)], "1.0 s CPU"),
        ("render 5 s to npz + glb", ["render", str(five), *out, "--formats", "npz,glb"], "4 s CPU"),
        ("render 5 s to 512x512 mp4, 30 fps", ["render", str(five), *out, "--formats", "mp4"], "5 s wall"),
    ]
    print(f"{os.cpu_count()} processors, best of {RUNS} warm runs")
    for name, arguments, limit in rows:
        cpu_s, wall_s = best(arguments)
        print(f"{name:<36} CPU {cpu_s:6.2f} s   wall {wall_s:6.2f} s   at least: {limit}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
