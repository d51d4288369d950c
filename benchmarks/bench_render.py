"""Frames per second of the default avatar, stage by stage, beside the plain numpy twin; and a 5 s video end to end.

python benchmarks/bench_render.py [SIZE]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.render.camera import mouth, portrait
from slp_mouthing.render.frame import Backdrop, finish
from slp_mouthing.render.lit import LitHead
from slp_mouthing.render.rasterise import composite_all, make_tiles, project_all, rasterize_numpy
from slp_mouthing.render.reference import rasterize_reference
from slp_mouthing.render.scene import MeshRenderer, Renderer
from slp_mouthing.render.threads import default_threads
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS, FPS = 5, 30
VIDEO = """
from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.render import write_video
from slp_mouthing.render.scene import make_renderer
from slp_mouthing.types import FaceTrack
head = load_builtin()
renderer = make_renderer(head, default_avatar(head), size={size})
track = FaceTrack.load({track!r})
write_video(renderer.frames(track), {path!r}, track.fps)
"""


def best(call: Callable[[], Any], repeats: int = 12) -> tuple[float, Any]:
    """Milliseconds of the fastest run, and its result."""
    times, result = [], None
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - begin)
    return 1e3 * min(times), result


def talking(head: Any) -> FaceTrack:
    """A jaw that opens and closes twice a second while the lips round and spread."""
    time_s = np.arange(SECONDS * FPS) / FPS
    blendshapes = np.zeros((len(time_s), len(ARKIT_NAMES)), np.float32)
    blendshapes[:, ARKIT_NAMES.index("jawOpen")] = 0.3 - 0.3 * np.cos(4 * np.pi * time_s)
    blendshapes[:, ARKIT_NAMES.index("mouthPucker")] = 0.3 - 0.3 * np.cos(2.6 * np.pi * time_s)
    tongue = np.zeros((len(time_s), len(TONGUE_NAMES)), np.float32)
    return FaceTrack(float(FPS), head.name, head.jaw_pose(blendshapes), blendshapes, head.eyes_pose(blendshapes), tongue,
                     *head.lips(blendshapes, tongue))  # fmt: skip


def stages(renderer: Renderer, vertices: Any) -> None:
    """One thread, one frame, taken apart."""
    camera, avatar, head = renderer.camera, renderer.avatar, renderer.head
    size = camera.width, camera.height
    bind, (means, quats, scales) = best(lambda: avatar.to_world(vertices, head.triangles))
    shade, (colors, opacities) = best(lambda: renderer._seen(vertices, means))
    view, K = camera.world_to_camera, camera.intrinsics
    project, projected = best(lambda: project_all(means, quats, scales, opacities, view, K, *size))
    binned, tiles = best(lambda: make_tiles(projected, opacities, colors, *size))
    composite, (image, alpha) = best(lambda: composite_all(tiles, *size))
    write, _ = best(lambda: finish(image, alpha, Backdrop().rows(camera.height)))
    times = {"bind": bind, "shade": shade, "project": project, "bin": binned, "composite": composite, "bytes": write}
    print("  ms, one thread:", ", ".join(f"{name} {time_ms:.1f}" for name, time_ms in times.items()))
    print(f"  {len(tiles.ids)} Gaussians seen, in {len(tiles.lists)} tile entries")


def against_the_twin(lit: LitHead, avatar: Any, vertices: Any) -> None:
    """A small close-up of the mouth, the same Gaussians through kernels and plain numpy."""
    camera = mouth(lit.head, 64, 48)
    renderer = Renderer(lit, avatar, camera, threads=1)
    means, quats, scales = avatar.to_world(vertices, lit.head.triangles)
    colors, opacities = renderer._seen(vertices, means)
    seen = project_all(means, quats, scales, opacities, camera.world_to_camera, camera.intrinsics, 64, 48).depths > 0
    gaussians = [x[seen] for x in (means, quats, scales, opacities, colors)]
    shot = camera.world_to_camera, camera.intrinsics, 64, 48
    ours, (image, _) = best(lambda: rasterize_numpy(*gaussians, *shot, threads=1))
    doubles = [x.astype(np.float64) for x in (*gaussians, *shot[:2])]
    plain, (expected, _) = best(lambda: rasterize_reference(*doubles, 64, 48), repeats=1)
    print(f"mouth 64x48, {seen.sum()} Gaussians: kernels {ours:.2f} ms, plain numpy {plain:.0f} ms, "
          f"{plain / ours:.0f} times; 99% of pixels within {np.quantile(np.abs(image - expected), 0.99):.0e}")  # fmt: skip


def video(head: Any, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        track, path = str(Path(folder) / "a.track.npz"), str(Path(folder) / "a.mp4")
        talking(head).save(track)
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", VIDEO.format(size=size, track=track, path=path)], check=True)
        wall = time.perf_counter() - begin
        kib = Path(path).stat().st_size / 1024
    print(f"video of {SECONDS} s at {FPS} fps, start included: {wall:.2f} s, {SECONDS / wall:.2f} x real time, {kib:.0f} KiB")


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    head = load_builtin()
    make_avatar, avatar = best(lambda: default_avatar(head), repeats=2)
    make_light, lit = best(lambda: LitHead(head), repeats=2)
    track, vertices = talking(head), head.neutral_m
    print(f"{len(avatar)} Gaussians in {make_avatar:.0f} ms, their light in {make_light:.0f} ms; {default_threads()} threads")
    camera = portrait(head, size, size)
    for name, renderer in {"splat": Renderer(lit, avatar, camera), "mesh": MeshRenderer(lit, camera)}.items():
        single, _ = best(lambda r=renderer: r.frame(vertices))
        begin = time.perf_counter()
        count = sum(1 for _ in renderer.frames(track))
        rate = count / (time.perf_counter() - begin)
        print(f"{name} {size}x{size}: {rate:.0f} fps in a track, {single:.1f} ms for one frame alone")
        if isinstance(renderer, Renderer):
            stages(renderer, vertices)
    against_the_twin(lit, avatar, vertices)
    video(head, size)


if __name__ == "__main__":
    main()
