"""The training loop: one for every stage, loss and network.

A step depends on the seed, its number and the weights alone, so that a run that was killed and went on, or ran in one go, is the
same to the last bit on one machine's CPU (but with `minutes`, where the clock decides the learning rate).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import nn

from slp_mouthing.errors import InputError, MouthError
from slp_mouthing.training import checkpoints
from slp_mouthing.training.checkpoints import Counters
from slp_mouthing.training.fleet import Alone
from slp_mouthing.training.forcing import Forcing
from slp_mouthing.training.validation import TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from slp_mouthing.training.batches import Batches, MotionBatch
    from slp_mouthing.training.fleet import Fleet
    from slp_mouthing.training.losses import Loss

    Validate = Callable[[nn.Module], Mapping[str, float]]
    """A network's figures, free-running; `total` decides which is best."""
    OnReport = Callable[["Report"], None]
    SaveBest = Callable[[nn.Module, Path], None]


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """How long and how fast is learned."""

    steps: int = 0
    """Updates of the weights; 0: as many as `minutes` allow."""
    minutes: float = 0.0
    """Of computing, over which the schedule is stretched, whatever the machine's speed."""
    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 5e-4
    schedule: Literal["constant", "cosine"] = "cosine"
    warm_up: int = 200
    """Steps until the full learning rate."""
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    """Longest gradient; 0 for any."""
    accumulate: int = 1
    """Batches for one update."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the products; weights and losses are float32."""
    ramp: tuple[float, float] = (0.1, 0.5)
    """Parts of the run at which augmentation begins and is complete: learning starts on clean speech."""
    report_every: int = 100
    """Steps."""
    validate_every: int = 1000
    """Steps."""
    patience: int = 0
    """Validations without a better one after which training stops; 0 for never."""
    checkpoint_every_s: float = 120.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("accumulate", "report_every", "validate_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}, at least 1")


@dataclass(frozen=True, slots=True)
class Report:
    """What a run tells now and then."""

    step: int
    progress: float
    """Part of the run that is done."""
    loss: float
    """Mean since the last report."""
    learning_rate: float
    steps_per_s: float
    elapsed_s: float
    left_s: float
    figures: Mapping[str, float] = field(default_factory=dict)
    """Of a validation, where there was one."""


class Forward(Protocol):
    """How a network is run in training: see `forcing`."""

    def __call__(self, network: Any, batch: MotionBatch, progress: float) -> Tensor: ...  # [B, T, K]


class Loop:
    """One run of training in its folder."""

    def __init__(
        self, network: nn.Module, batches: Batches, loss: Loss, options: LoopOptions, folder: str | Path, *,
        validate: Validate | None = None, save_best: SaveBest | None = None, forward: Forward | None = None,
        fleet: Fleet | None = None,
    ) -> None:  # fmt: skip
        """`save_best`: stores a network in the folder; the best of validation, or the last without `validate`."""
        if (options.steps > 0) == (options.minutes > 0):
            raise InputError("training needs a number of steps or of minutes, one of the two")
        self.fleet = fleet or Alone()
        self.network, self.batches, self.loss, self.options = network.to(self.fleet.device), batches, loss, options
        self.folder, self.validate, self.save_best = Path(folder), validate, save_best
        self.forward: Forward = forward or Forcing()
        self.optimiser = _optimiser(self.network, options)
        self.counters = Counters()
        self._losses: list[float] = []
        self._saved_s = self._reported_s = self._began_s = 0.0

    def run(self, on_report: OnReport = lambda _: None, *, resume: bool = False) -> Counters:
        """Train to the end. Raises `InputError` for a checkpoint that cannot be read, `MouthError` when the loss explodes."""
        if resume:
            self.counters = checkpoints.load_checkpoint(self.folder, self.network, self.optimiser)
        if self._leads:
            # Also of a run that was killed before its first checkpoint, and begins again.
            checkpoints.trim_curve(self.folder, self.counters.step)
        self.fleet.align(self.network)
        self._began_s = time.monotonic() - self.counters.elapsed_s
        self._saved_s = self._reported_s = time.monotonic()
        while self.progress < 1.0 and not self._stale:
            self._losses.append(self.step())
            self._tell(on_report)
            if time.monotonic() - self._saved_s > self.options.checkpoint_every_s:
                self.save()
        self.save()
        return self.counters

    @property
    def progress(self) -> float:
        """Part of the run that is done, in [0, 1]."""
        if self.options.steps:
            return min(self.counters.step / self.options.steps, 1.0)
        return min(self.counters.elapsed_s / (60.0 * self.options.minutes), 1.0)

    def step(self) -> float:
        """One update of the weights. -> the loss before it"""
        number, progress = self.counters.step, self.progress
        torch.manual_seed(hash((self.options.seed, number, self.fleet.rank)) & 0x7FFFFFFF)
        self.network.train()
        self.optimiser.zero_grad(set_to_none=True)
        total = sum(self._backward(number * self.options.accumulate + part, progress) for part in range(self.options.accumulate))
        total = self.fleet.same(total)
        if not math.isfinite(total):
            raise MouthError(f"the loss is {total} at step {number}", hint="lower the learning rate, then --resume")
        self._update(progress)
        self.counters.step += 1
        self.counters.elapsed_s = self.fleet.same(time.monotonic() - self._began_s)
        return total

    def _backward(self, number: int, progress: float) -> float:
        """Add the gradients of this process's part of batch `number`. -> its part of the loss"""
        fleet, options = self.fleet, self.options
        batch = self.batches(number * fleet.world + fleet.rank, self._strength(progress)).to(fleet.device)
        with torch.autocast(torch.device(fleet.device).type, torch.bfloat16, enabled=options.precision == "bfloat16"):
            predicted = self.forward(self.network, batch, progress)
        loss = self.loss(predicted.float(), batch) / options.accumulate
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _update(self, progress: float) -> None:
        parameters = [p for p in self.network.parameters() if p.grad is not None]
        self.fleet.average([p.grad for p in parameters if p.grad is not None])
        if self.options.clip_norm:
            nn.utils.clip_grad_norm_(parameters, self.options.clip_norm)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.options, self.counters.step, progress)
        self.optimiser.step()

    def _strength(self, progress: float) -> float:
        begin, complete = self.options.ramp
        return min(max((progress - begin) / max(complete - begin, 1e-9), 0.0), 1.0)

    @property
    def _stale(self) -> bool:
        return 0 < self.options.patience <= self.counters.stale

    def _tell(self, on_report: OnReport) -> None:
        step, options = self.counters.step, self.options
        ends = self.progress >= 1.0
        figures: Mapping[str, float] = {}
        if step % options.validate_every == 0 or ends:
            figures = self._judge()
        if not (figures or ends or step % options.report_every == 0):
            return
        report = self._report(figures)
        if self._leads:
            entry = {"step": step, "loss": report.loss, "learning_rate": report.learning_rate, **figures}
            checkpoints.append_curve(self.folder, entry | {"elapsed_s": round(report.elapsed_s, 1)})
            on_report(report)
        self._losses, self._reported_s = [], time.monotonic()

    def _judge(self) -> Mapping[str, float]:
        """Validate, and keep the best."""
        figures = self.validate(self.network) if self.validate else {TOTAL: float("inf")}
        if figures[TOTAL] > self.counters.best or self.validate is None:
            self.counters.best, self.counters.best_step, self.counters.stale = figures[TOTAL], self.counters.step, 0
            if self.save_best and self._leads:
                self.save_best(self.network, self.folder)
        else:
            self.counters.stale += 1
        return figures if self.validate else {}

    def _report(self, figures: Mapping[str, float]) -> Report:
        rate = len(self._losses) / max(time.monotonic() - self._reported_s, 1e-9)
        progress, elapsed_s = self.progress, self.counters.elapsed_s
        left_s = elapsed_s * (1.0 - progress) / max(progress, 1e-9)
        loss = sum(self._losses) / len(self._losses)
        now = learning_rate(self.options, self.counters.step, progress)
        return Report(self.counters.step, progress, loss, now, rate, elapsed_s, left_s, figures)

    def save(self) -> None:
        """A checkpoint to go on from."""
        if self._leads:
            checkpoints.save_checkpoint(self.folder, self.network, self.optimiser, self.counters)
        self._saved_s = time.monotonic()

    @property
    def _leads(self) -> bool:
        return self.fleet.rank == 0


def learning_rate(options: LoopOptions, step: int, progress: float) -> float:
    """After `step` updates, `progress` in [0, 1] through the run."""
    warm = min((step + 1) / max(options.warm_up, 1), 1.0)
    falling = 0.5 + 0.5 * math.cos(math.pi * progress) if options.schedule == "cosine" else 1.0
    return options.learning_rate * warm * falling


def _optimiser(network: nn.Module, options: LoopOptions) -> torch.optim.Optimizer:
    """Adam as in the papers, or with decay of the matrices' weights."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    if options.optimiser == "adam":
        return torch.optim.Adam(parameters, options.learning_rate)
    matrices, rest = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": options.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, options.learning_rate, betas=(0.9, 0.98), fused=True)
