"""The renderer: its kernels beside plain torch, the default avatar's frames per second, threads, memory, a video end to end.

    OPENBLAS_NUM_THREADS=1 python benchmarks/bench_render.py [--size 512] [--quick]

With more than one, numpy's BLAS keeps a core spinning after each pose, and two threads of ours gain little.

To reach: rasteriser 30 times plain torch (aim 60), projection with harmonics 12 times (aim 20), two threads 1.7 times one (aim
1.9), 60 frames a second on two cores (aim 120), memory flat over a minute. Kernels and torch have one thread each; the minimum of
repeats. The lip crop has a benchmark of its own, `bench_lip_crop.py`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch_twin as twin

from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.render.camera import look_at, portrait
from slp_mouthing.render.frame import finish
from slp_mouthing.render.gradients import SLOT, composite_gradient, gather, project_gradient
from slp_mouthing.render.harmonics import harmonic_colors, harmonic_gradient
from slp_mouthing.render.lit import LitHead
from slp_mouthing.render.rasterise import composite_all, make_tiles, project_all
from slp_mouthing.render.scene import MeshRenderer, Renderer
from slp_mouthing.render.threads import default_threads
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.render.camera import Camera

SECONDS, FPS = 5, 30
COUNT = 10_000
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


def best(call: Callable[[], Any], repeats: int = 12) -> float:
    """Milliseconds of the fastest run."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return 1e3 * min(times)


class Shell:
    """COUNT Gaussians on an ellipsoid, 1.7 px wide in the mean at 512 px, harmonics of degree 3."""

    def __init__(self, camera: Camera) -> None:
        rng = np.random.default_rng(0)
        normal = rng.normal(size=(COUNT, 3))
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        values = [
            normal * (0.075, 0.11, 0.09), rng.normal(size=(COUNT, 4)), 0.73e-3 * np.exp(0.4 * rng.normal(size=(COUNT, 3))),
            rng.uniform(0.3, 0.99, COUNT), 0.3 * rng.normal(size=(COUNT, 16, 3)),
        ]  # fmt: skip
        self.means, self.quats, self.scales, self.opacities, self.sh = (np.ascontiguousarray(v, np.float32) for v in values)
        self.camera, self.size = camera, (camera.width, camera.height)
        self.view, self.K = camera.world_to_camera, camera.intrinsics
        self.d_image = rng.normal(size=(camera.height, camera.width, 3)).astype(np.float32)
        self.d_alpha = rng.normal(size=(camera.height, camera.width)).astype(np.float32)
        self.projected = project_all(self.means, self.quats, self.scales, self.opacities, self.view, self.K, *self.size)
        self.colors = np.empty_like(self.means)
        harmonic_colors(self.means, self.sh, camera.position_m, self.colors)

    def composite(self) -> Any:
        """Lists, image, gradients of all that the camera sees."""
        tiles = make_tiles(self.projected, self.opacities, self.colors, *self.size)
        image, alpha = composite_all(tiles, *self.size)
        slots = np.empty((int(tiles.slots[-1]), SLOT), np.float32)
        composite_gradient(
            tiles.packed, tiles.boxes, tiles.slots, tiles.starts, tiles.lists, 0, 1, *self.size, image, alpha, self.d_image,
            self.d_alpha, slots,
        )  # fmt: skip
        found = [np.zeros_like(a) for a in (self.projected.means2d, self.projected.conics, self.opacities, self.colors)]
        gather(tiles.ids, tiles.slots, slots, *found)
        return image, found

    def composite_torch(self) -> Any:
        leaves = [
            torch.from_numpy(a.copy()) for a in (self.projected.means2d, self.projected.conics, self.opacities, self.colors)
        ]
        means2d, conics, opacities, colors = (leaf.requires_grad_() for leaf in leaves)
        flat = twin.Flat(means2d, conics, torch.from_numpy(self.projected.depths))
        image, alpha = twin.composite(flat, opacities, colors, *self.size)
        torch.autograd.backward((image, alpha), (torch.from_numpy(self.d_image), torch.from_numpy(self.d_alpha)))
        return image.detach().numpy(), [leaf.grad.numpy() for leaf in leaves]

    def project(self) -> Any:
        """Projection and harmonics, forward and backward; the gradients that come in are ones."""
        projected = project_all(self.means, self.quats, self.scales, self.opacities, self.view, self.K, *self.size)
        colors, d_sh = np.empty_like(self.means), np.empty_like(self.sh)
        harmonic_colors(self.means, self.sh, self.camera.position_m, colors)
        d_means, d_quats, d_scales = (np.zeros_like(a) for a in (self.means, self.quats, self.scales))
        ones = np.ones_like(projected.means2d), np.ones_like(projected.conics)
        project_gradient(
            self.means, self.quats, self.scales, self.view, self.K, *self.size, projected.conics, projected.depths, *ones,
            d_means, d_quats, d_scales,
        )  # fmt: skip
        through_color = np.empty_like(d_means)
        harmonic_gradient(self.means, self.sh, self.camera.position_m, colors, np.ones_like(colors), through_color, d_sh)
        return d_means + through_color, d_quats, d_scales, d_sh

    def project_torch(self) -> Any:
        leaves = [torch.from_numpy(a.copy()).requires_grad_() for a in (self.means, self.quats, self.scales, self.sh)]
        means, quats, scales, sh = leaves
        view, K = torch.from_numpy(self.view), torch.from_numpy(self.K)
        flat = twin.project(means, quats, scales, view, K, *self.size)
        (flat.means2d.sum() + flat.conics.sum() + twin.harmonics(means, sh, view).sum()).backward()
        return [leaf.grad.numpy() for leaf in leaves]


def against_torch(repeats: int) -> None:
    torch.set_num_threads(1)
    whole = look_at((0, 0, 1.2), (0, 0, 0), span_m=0.24, width=512, height=512)
    crop = look_at((0, 0, 1.2), (0, -0.03, 0), span_m=0.24 * 96 / 512, width=96, height=96)
    for name, shell in {"lip crop 96x96": Shell(crop), "512x512": Shell(whole)}.items():
        image, gradients = shell.composite()
        plain, expected = shell.composite_torch()
        error = max(
            float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip([image, *gradients], [plain, *expected], strict=True)
        )
        ours, theirs = best(shell.composite, 5 * repeats), best(shell.composite_torch, repeats)
        print(f"rasteriser fwd+bwd, {name}: {_ratio(ours, theirs)}; off by {error:.0e}")
    ours, theirs = best(shell.project, 5 * repeats), best(shell.project_torch, repeats)
    print(f"projection + harmonics fwd+bwd: {_ratio(ours, theirs)}")


def _ratio(ours_ms: float, theirs_ms: float) -> str:
    return f"kernels {ours_ms:.2f} ms, torch {theirs_ms:.1f} ms, {theirs_ms / ours_ms:.0f} times"


def talking(head: Any, seconds: float = SECONDS) -> FaceTrack:
    """A jaw that opens and closes twice a second while the lips round and spread."""
    time_s = np.arange(int(seconds * FPS)) / FPS
    blendshapes = np.zeros((len(time_s), len(ARKIT_NAMES)), np.float32)
    blendshapes[:, ARKIT_NAMES.index("jawOpen")] = 0.3 - 0.3 * np.cos(4 * np.pi * time_s)
    blendshapes[:, ARKIT_NAMES.index("mouthPucker")] = 0.3 - 0.3 * np.cos(2.6 * np.pi * time_s)
    tongue = np.zeros((len(time_s), len(TONGUE_NAMES)), np.float32)
    return FaceTrack(float(FPS), head.name, head.jaw_pose(blendshapes), blendshapes, head.eyes_pose(blendshapes), tongue,
                     *head.lips(blendshapes, tongue))  # fmt: skip


def frames_per_second(renderer: Any, track: FaceTrack, repeats: int) -> float:
    """Of the fastest of several runs through a track."""
    return 1e3 * len(track) / best(lambda: sum(1 for _ in renderer.frames(track)), repeats)


def by_threads(renderers: dict[int, Any], track: FaceTrack, repeats: int) -> None:
    # In turn, so that what else the machine does falls on both alike.
    rates = dict.fromkeys(renderers, 0.0)
    for threads, renderer in chain.from_iterable(repeat(list(renderers.items()), repeats)):
        rates[threads] = max(rates[threads], frames_per_second(renderer, track, 1))
    print("  " + ", ".join(f"{threads} threads: {rate:.0f} fps" for threads, rate in rates.items()), end="; ")
    print(f"two are worth {rates[2] / rates[1]:.2f} of one")


def memory(renderer: Any, head: Any, seconds: int) -> None:
    """Of this process while a long track is rendered."""
    sizes = []
    for k, _ in enumerate(renderer.frames(talking(head, seconds))):
        if k % (5 * FPS) == 2 * FPS:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            sizes.append(pages * 4096 / 2**20)
    print(f"memory over {seconds} s: {sizes[0]:.0f} MiB after 2 s, at most {max(sizes):.0f}, {sizes[-1]:.0f} at the end")


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--quick", action="store_true", help="few repeats, ten seconds for memory")
    arguments = parser.parse_args()
    repeats, size = (1, arguments.size) if arguments.quick else (4, arguments.size)
    against_torch(repeats)
    head = load_builtin()
    avatar, lit, camera = default_avatar(head), LitHead(head), portrait(head, size, size)
    make_avatar, make_light = best(lambda: default_avatar(head), 2), best(lambda: LitHead(head), 2)
    print(f"{len(avatar)} Gaussians in {make_avatar:.0f} ms, their light in {make_light:.0f} ms; {default_threads()} threads")
    single = Renderer(lit, avatar, camera, threads=1)
    image, alpha = single.avatar.draw(head.neutral_m, camera)
    draw, write = best(lambda: single.avatar.draw(head.neutral_m, camera)), best(lambda: finish(image, alpha, single._backdrop))
    print(f"splat {size}x{size}: {draw:.1f} ms to draw, {write:.1f} ms to bytes, one thread")
    by_threads({1: single, 2: Renderer(lit, single.avatar, camera, threads=2)}, talking(head), repeats)
    print(f"mesh {size}x{size}: {frames_per_second(MeshRenderer(lit, camera), talking(head), repeats):.0f} fps")
    memory(single, head, 10 if arguments.quick else 60)
    video(head, size)


if __name__ == "__main__":
    main()
