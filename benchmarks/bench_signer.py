"""A signer on the half body: what building takes, frames per second, and where a frame's time goes.

    OPENBLAS_NUM_THREADS=1 python benchmarks/bench_signer.py [--size 512]

To reach: 20 frames a second on two cores, 512 pixels wide. Times of one thread are processor time, so that a busy machine does
not change them; frames per second are what passed on the clock, with all threads.
"""

from __future__ import annotations

import argparse
import runpy
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slp_mouthing as mouth
from slp_mouthing.cast import CastOptions
from slp_mouthing.figure import bands, hand, pullover
from slp_mouthing.figure.half_body import HalfBodyOptions, build_half_body
from slp_mouthing.formats import PictureOptions, renderer
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.signer import make_signer
from slp_mouthing.signer_pictures import signer_gaussians
from slp_mouthing.staging import read_signing, staged
from slp_mouthing.types import Take

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.signer import Signer

SIGNING = Path(__file__).parent.parent / "examples" / "make_signing.py"


def cpu_ms(call: Callable[[], Any], repeats: int = 5) -> float:
    """Milliseconds of processor time of the quickest run."""
    times = []
    for _ in range(repeats):
        begin = time.thread_time()
        call()
        times.append(time.thread_time() - begin)
    return 1e3 * min(times)


def rebuilt() -> None:
    for kept in (pullover.pullover_surface, hand.hand_surface, build_half_body):
        kept.cache_clear()
    build_half_body(HalfBodyOptions())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512)
    size = parser.parse_args().size
    head = load_builtin()
    signer = make_signer(head)
    print(f"mesh: {len(signer.neutral_m)} vertices, {len(signer.triangles)} triangles, {bands.AROUND} around a cuff")
    print(f"Gaussians: {len(signer_gaussians(signer, CastOptions()))}")
    print(f"half body built: {cpu_ms(rebuilt, 2):.0f} ms")
    path = Path("out") / "signing.npz"
    runpy.run_path(str(SIGNING))["main"](path)
    result = mouth.render("WHY@0.75 PT:PRO2SG@0.36 LATE@0.75")
    alone = Take(result.track, head, "why", body=read_signing(path))
    take = staged(alone)
    print(f"staged, {len(take.track)} frames: {cpu_ms(lambda: staged(alone)):.0f} ms")
    print(f"posed: {cpu_ms(lambda: take.posed(slice(40, 56))) / 16:.1f} ms a frame")
    for style in ("splat", "mesh"):
        time_style(style, signer, take, size)


def time_style(style: str, signer: Signer, take: Take, size: int) -> None:
    assert take.joints is not None
    shown, vertices = renderer(signer, PictureOptions(size=size, style=style), take.joints), take.posed(slice(40, 41))[0]
    threads, shown.threads = shown.threads, 1
    light_ms, frame_ms = cpu_ms(lambda: shown.lit.at(vertices)), cpu_ms(lambda: shown.frame(vertices))
    print(f"{style}: {frame_ms:.1f} ms a frame, of it light {light_ms:.1f} ms")
    shown.threads = threads
    begin = time.perf_counter()
    count = sum(1 for _ in shown.frames(take.track, take.joints))
    rate = count / (time.perf_counter() - begin)
    print(f"{style}: {rate:.0f} frames a second, {threads} threads, {shown.camera.width} x {shown.camera.height}")


if __name__ == "__main__":
    main()
