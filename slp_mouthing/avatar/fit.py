"""An avatar from pictures: Gaussians on a moving mesh, fitted until their pictures are those of the cameras."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slp_mouthing.avatar.dataset import picture_loader
from slp_mouthing.avatar.densify import Density, DensityOptions, change_density, reset_opacity
from slp_mouthing.avatar.image_metrics import psnr, ssim
from slp_mouthing.avatar.torch_binding import to_world, torch, triangle_frames
from slp_mouthing.avatar.trainable import SH_DEGREE, Rates, Start, Trainable
from slp_mouthing.errors import InputError
from slp_mouthing.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from slp_mouthing.avatar.dataset import View
    from slp_mouthing.avatar.splats import SplatAvatar
    from slp_mouthing.avatar.torch_binding import Frames

    Rasterize = Callable[..., tuple[Tensor, Tensor]]
    """`render.rasterize`: image [H, W, 3] and alpha [H, W] of Gaussians with harmonics `sh`."""
    Measure = Callable[[Tensor, Tensor], float]

KEPT_FRAMES = 64
"""Timesteps whose triangles' frames are kept."""
CHECKPOINT_FORMAT = "slp-mouthing fit 1"
_STATE = {"fit", "iteration", "gaussians", "pull", "seen", "reports", "motion", "motion_adam"}


class Motion(Protocol):
    """The mesh that the avatar rides on, as the recording says that it moved."""

    @property
    def triangles(self) -> NDArray[np.int32]: ...  # [F, 3]
    def vertices(self, timestep: int) -> Tensor:
        """[V, 3] m"""
        ...

    def parameters(self) -> Sequence[tuple[str, Tensor, float]]:
        """Name, tensor and learning rate of what may be corrected of the motion while the avatar is fitted; may be empty."""
        ...


@dataclass(frozen=True, slots=True)
class FitOptions:
    iterations: int = 30_000
    """Pictures that are looked at; GaussianAvatars' own runs have 600,000."""
    density: DensityOptions | None = None
    """None: as `DensityOptions.schedule` says."""
    rates: Rates = field(default_factory=Rates)
    start: Start = field(default_factory=Start)
    ssim_share: float = 0.2
    """Of 1 - SSIM in the photometric loss; the rest is the mean absolute difference."""
    position_weight: float = 0.01
    """Of how far Gaussians leave their triangle, beyond one of its scales."""
    scale_weight: float = 1.0
    """Of how much larger than `largest_deviation` they grow, over their triangle's scale."""
    largest_deviation: float = 0.6
    sh_every: int = 1_000
    """Steps after which one more degree of harmonics is fitted."""
    report_every: int = 500
    """Steps between two looks at the held-out views, and between two checkpoints."""
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not 1 <= self.iterations <= 10_000_000:
            raise InputError(f"iterations is {self.iterations}, allowed: 1 to 10000000")
        _check_device(self.device)


@dataclass(frozen=True, slots=True)
class FitReport:
    """How far a fit has come."""

    iteration: int
    train_psnr_db: float
    """Mean since the last report, each picture over its own background."""
    val_psnr_db: float
    """Mean over the held-out views; NaN without any."""
    val_ssim: float
    gaussians: int
    elapsed_s: float
    """Of this run; not part of what a resumed fit repeats."""
    val_lpips: float | None = None
    """Mean over the held-out views; None where it is not measured."""


def fit(
    train: Sequence[View], held_out: Sequence[View], motion: Motion, rasterize: Rasterize, options: FitOptions, *,
    checkpoint: Path | None = None, resume: bool = False, on_report: Callable[[FitReport], None] = lambda report: None,
    lpips: Measure | None = None,
) -> tuple[SplatAvatar, list[FitReport]]:  # fmt: skip
    """Fit Gaussians to pictures; the same inputs give the same avatar, whether or not the fit was interrupted.

    Args:
        train: views to fit to.
        held_out: views to measure by.
        motion: where the mesh is at each timestep.
        rasterize: the differentiable renderer.
        options: of the fit.
        checkpoint: file to go on from; written with each report.
        resume: go on from `checkpoint` where it exists.
        on_report: is told of the progress.
        lpips: of two pictures [H, W, 3] in [0, 1], measured on the held-out views beside PSNR and SSIM.

    Raises `InputError` for no frames, a camera inside the head, or a checkpoint of another fit.
    """
    if not train:
        raise InputError("no frames to fit to")
    check_cameras((*train, *held_out), motion)
    run = _Run(tuple(train), tuple(held_out), motion, rasterize, options, lpips)
    if resume and checkpoint is not None and checkpoint.exists():
        run.restore(_read_checkpoint(checkpoint))
    while run.iteration < options.iterations:
        run.step()
        if run.iteration % options.report_every == 0 or run.iteration == options.iterations:
            on_report(run.report())
            if checkpoint is not None:
                _write_checkpoint(run.state(), checkpoint)
    return run.gaussians.avatar(), run.reports


class _Run:
    """A fit between two steps."""

    def __init__(
        self, train: tuple[View, ...], held_out: tuple[View, ...], motion: Motion, rasterize: Rasterize, options: FitOptions,
        lpips: Measure | None,
    ) -> None:  # fmt: skip
        self.train, self.held_out, self.motion, self.rasterize, self.options = train, held_out, motion, rasterize, options
        self.lpips = lpips
        self.density_options = options.density or DensityOptions.schedule(options.iterations)
        self.triangles = torch.from_numpy(np.asarray(motion.triangles, np.int64)).to(options.device)
        self.gaussians = Trainable.on_triangles(len(self.triangles), options.start, options.rates, options.device)
        self.density = Density(len(self.gaussians), options.device)
        groups = [{"params": [tensor], "lr": rate} for _, tensor, rate in motion.parameters()]
        self.motion_adam = torch.optim.Adam(groups) if groups else None
        self.load = picture_loader(train + held_out)
        # A mesh that the fit does not correct is the same each time.
        self.frames = self._frames if groups else lru_cache(KEPT_FRAMES)(self._frames)
        self.iteration, self.started_s = 0, time.perf_counter()
        self.train_psnr: list[float] = []
        self.reports: list[FitReport] = []

    def step(self) -> None:
        """One picture: look, compare, move, and now and then change how many Gaussians there are."""
        view = self._next_view()
        background = torch.from_numpy(self._random(1).random(3).astype(np.float32)).to(self.options.device)
        means, scales, image = self._picture(view, background)
        target = self._target(view, background)
        (self._photometric(image, target) + self._regularizers()).backward()  # type: ignore[no-untyped-call]
        self.train_psnr.append(psnr(image.detach().clamp(0, 1), target))
        self._note(means, view)
        self.iteration += 1
        self.gaussians.step(self.iteration / self.options.iterations)
        if self.motion_adam:
            self.motion_adam.step()
            self.motion_adam.zero_grad(set_to_none=True)
        self._change_density(scales)

    def report(self) -> FitReport:
        """Measure the held-out views over white, and what has been looked at since the last report."""
        pairs = [self._held_out_pair(view) for view in self.held_out]
        found = FitReport(
            iteration=self.iteration, train_psnr_db=_mean(self.train_psnr), val_psnr_db=_mean([psnr(*pair) for pair in pairs]),
            val_ssim=_mean([float(ssim(*pair)) for pair in pairs]), gaussians=len(self.gaussians),
            elapsed_s=time.perf_counter() - self.started_s,
            val_lpips=_mean([self.lpips(*pair) for pair in pairs]) if self.lpips else None,
        )  # fmt: skip
        self.train_psnr.clear()
        self.reports.append(found)
        return found

    def state(self) -> dict[str, Any]:
        return {
            "format": CHECKPOINT_FORMAT, "fit": self._name(), "iteration": self.iteration, "gaussians": self.gaussians.state(),
            "pull": self.density.pull, "seen": self.density.seen, "reports": [asdict(report) for report in self.reports],
            "motion": [tensor.detach() for _, tensor, _ in self.motion.parameters()],
            "motion_adam": self.motion_adam.state_dict() if self.motion_adam else {},
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        if state["fit"] != self._name():
            raise InputError(
                "the checkpoint is of a fit with other pictures or options", hint="repeat those, or fit anew without --resume"
            )
        self.iteration = state["iteration"]
        self.gaussians = Trainable.of_state(state["gaussians"], self.options.rates, self.options.device)
        self.density.pull, self.density.seen = (state[name].to(self.options.device) for name in ("pull", "seen"))
        self.reports = [FitReport(**report) for report in state["reports"]]
        with torch.no_grad():
            for (_, tensor, _), stored in zip(self.motion.parameters(), state["motion"], strict=True):
                tensor.copy_(stored)
        if self.motion_adam:
            self.motion_adam.load_state_dict(state["motion_adam"])

    def _name(self) -> str:
        """Of this fit: what a checkpoint must agree in. The device may change."""
        options = {key: value for key, value in asdict(self.options).items() if key not in ("device", "report_every")}
        corrected = [(name, tuple(tensor.shape)) for name, tensor, _ in self.motion.parameters()]
        return f"{options} {[(v.image.name, v.timestep) for v in self.train]} {len(self.triangles)} {corrected}"

    def _random(self, purpose: int) -> np.random.Generator:
        """By step and purpose: a resumed fit draws what it would have drawn."""
        return np.random.default_rng([self.options.seed, purpose, self.iteration])

    def _next_view(self) -> View:
        """All views in random order, then again in another."""
        epoch, index = divmod(self.iteration, len(self.train))
        order = np.random.default_rng([self.options.seed, 0, epoch]).permutation(len(self.train))
        return self.train[int(order[index])]

    def _picture(self, view: View, background: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means [N, 3], deviations [N, 3] and the image [H, W, 3] of what a camera sees."""
        g = self.gaussians
        frames = self.frames(view.timestep)
        means, quats, scales = to_world(g["position"], g["rotation"], g["log_scale"], g.binding, frames)
        if means.requires_grad:
            means.retain_grad()
        degree = min(SH_DEGREE, self.iteration // self.options.sh_every)
        image, _ = self.rasterize(
            means, quats, scales, g["opacity_logit"].sigmoid(), None, torch.from_numpy(view.world_to_camera),
            torch.from_numpy(view.intrinsics), view.width, view.height, background, sh=g.sh(degree),
        )  # fmt: skip
        return means, scales.detach(), image

    def _target(self, view: View, background: Tensor) -> Tensor:
        head, mask = (torch.from_numpy(pixels).to(background.device, torch.float32) / 255 for pixels in self.load(view))
        return head + background * (1 - mask[..., None])

    def _frames(self, timestep: int) -> Frames:
        return triangle_frames(self.motion.vertices(timestep).to(self.triangles.device), self.triangles)

    def _photometric(self, image: Tensor, target: Tensor) -> Tensor:
        share = self.options.ssim_share
        loss: Tensor = (1 - share) * (image - target).abs().mean() + share * (1 - ssim(image, target))
        return loss

    def _regularizers(self) -> Tensor:
        o, g = self.options, self.gaussians
        away = (g["position"].norm(dim=1) - 1).relu().mean()
        large = (g["log_scale"].exp() - o.largest_deviation).relu().norm(dim=1).mean()
        total: Tensor = o.position_weight * away + o.scale_weight * large
        return total

    def _note(self, means: Tensor, view: View) -> None:
        if means.grad is not None:
            view_matrix = torch.from_numpy(view.world_to_camera).to(means.device)
            side = max(view.width, view.height)
            self.density.note(means.grad, means.detach(), view_matrix, float(view.intrinsics[0, 0]), side)

    def _change_density(self, scales: Tensor) -> None:
        step, o = self.iteration, self.density_options
        if not o.first <= step <= o.until_share * self.options.iterations:
            return
        if step % o.every == 0:
            change_density(self.gaussians, self.density.mean_pull, scales, o, seed=int(self._random(2).integers(2**31)))
            self.density = Density(len(self.gaussians), self.options.device)
        if step % o.reset_every == 0:
            reset_opacity(self.gaussians)

    @torch.no_grad()
    def _held_out_pair(self, view: View) -> tuple[Tensor, Tensor]:
        white = torch.ones(3, device=self.options.device)
        return self._picture(view, white)[2].clamp(0, 1), self._target(view, white)


def check_cameras(views: Sequence[View], motion: Motion) -> None:
    """Raises `InputError` when a camera stands inside the head at the first timestep it is used for."""
    seen: set[str] = set()
    for view in views:
        if view.camera in seen:
            continue
        seen.add(view.camera)
        vertices = motion.vertices(view.timestep).detach().cpu().numpy().astype(np.float64)
        if not np.isfinite(vertices).all():
            raise InputError(f"the mesh is not finite at timestep {view.timestep}", where=str(view.image))
        if winding(vertices[motion.triangles] - view.position_m) > 0.5:
            raise InputError(f"camera '{view.camera}' stands inside the head", where=str(view.image), hint="check its matrix")


def winding(corners: NDArray[np.float64]) -> float:
    """How often triangles [F, 3, 3] wind about the origin: 1 inside a closed surface, 0 outside (van Oosterom and Strackee)."""
    a, b, c = np.moveaxis(corners, 1, 0)
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    above = np.einsum("fi,fi->f", a, np.cross(b, c))
    below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
    return float(np.arctan2(above, below).sum() / (2 * np.pi))


def _check_device(name: str) -> None:
    """Raises `InputError` for what is neither the CPU nor a GPU that torch sees."""
    if re.fullmatch(r"cuda(:\d+)?", name):
        count = torch.cuda.device_count()
        if int(name.partition(":")[2] or 0) >= count:
            raise InputError(f"there is no device '{name}': torch sees {count} GPUs", hint="leave --device out for the CPU")
    elif name != "cpu":
        raise InputError(f"unknown device '{name}', allowed: cpu, cuda, cuda:N")


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _write_checkpoint(state: dict[str, Any], path: Path) -> None:
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def _read_checkpoint(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged archive makes torch raise
        raise InputError("is not a readable checkpoint", where=str(path), hint="fit anew without --resume") from error
    if not isinstance(state, dict) or state.get("format") != CHECKPOINT_FORMAT or not state.keys() >= _STATE:
        raise InputError(f"is not of the format '{CHECKPOINT_FORMAT}'", where=str(path), hint="fit anew without --resume")
    return state
