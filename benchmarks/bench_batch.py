"""Throughput and memory of `mouth batch` over many sequences, tracks only.

python benchmarks/bench_batch.py [SEQUENCES]
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from slp_mouthing.mouthing.lexicon import load_lexicon

MOUTH = [sys.executable, "-P", "-c", "from slp_mouthing.cli.main import main; main()"]
SIGNS = 10


def write_inputs(folder: Path, count: int) -> list[Path]:
    """Sequences of random glosses of the lexicon, with a pointing sign here and there."""
    draw, glosses = random.Random(0), sorted(load_lexicon().entries)
    paths = []
    for number in range(count):
        tokens = [draw.choice(glosses) if draw.random() > 0.2 else "PT:PRO1SG" for _ in range(SIGNS)]
        paths.append(folder / f"{number:05}.txt")
        paths[-1].write_text(" ".join(f"{token}@{draw.uniform(0.25, 0.8):.2f}" for token in tokens))
    return paths


def tree_rss_mib(pid: int) -> list[float]:
    """Resident memory of a process and its descendants, MiB each."""
    sizes = []
    for entry in [pid, *_descendants(pid)]:
        try:
            status = Path(f"/proc/{entry}/statm").read_text().split()
        except OSError:
            continue
        sizes.append(int(status[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    return sizes


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(c) for t in Path(f"/proc/{pid}/task").iterdir() for c in (t / "children").read_text().split()]
    except OSError:
        return []
    return children + [d for child in children for d in _descendants(child)]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    folder = Path(tempfile.mkdtemp())
    source = folder / "in"
    source.mkdir()
    write_inputs(source, count)
    start = time.perf_counter()
    process = subprocess.Popen([*MOUTH, "batch", str(source), "-o", str(folder / "out")], stdout=subprocess.DEVNULL)
    memory: list[float] = []
    watcher = threading.Thread(target=_watch, args=(process, memory))
    watcher.start()
    process.wait()
    watcher.join()
    wall_s = time.perf_counter() - start
    lines = [json.loads(line) for line in (folder / "out" / "batch.jsonl").read_text().splitlines()]
    signing_s = sum(line["signing_s"] for line in lines)
    statuses = {status: sum(line["status"] == status for line in lines) for status in ("done", "failed")}
    third = len(memory) // 3
    print(f"{count} sequences, {signing_s:.0f} s of signing, {statuses}")
    print(f"{wall_s:.1f} s wall: {signing_s / wall_s:.0f} x real time with {os.cpu_count()} processors (at least: 100 x)")
    print(
        f"memory of all processes: {max(memory):.0f} MiB at most (limit 1536), mean of the second third "
        f"{sum(memory[third : 2 * third]) / third:.0f}, of the last {sum(memory[2 * third :]) / len(memory[2 * third :]):.0f}"
    )
    shutil.rmtree(folder)


def _watch(process: subprocess.Popen[bytes], memory: list[float]) -> None:
    while process.poll() is None:
        memory.append(sum(tree_rss_mib(process.pid)))
        time.sleep(0.2)


if __name__ == "__main__":
    main()
