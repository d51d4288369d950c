"""A run's folder: what is needed to go on after a kill, the best network so far, and the curve.

run.json           options of the run; another run is not continued here by mistake
checkpoint.pt      weights, optimiser and counters
best.safetensors   the network that did best on validation
best.npz           the same in half precision, to be run without torch
curve.jsonl        one line per report
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.files import DAMAGED, atomic_path, atomic_write, read_text
from slp_mouthing.torchfile import read_torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

RUN, CHECKPOINT, BEST, LIGHT = "run.json", "checkpoint.pt", "best.safetensors", "best.npz"
CURVE = "curve.jsonl"


@dataclass(slots=True)
class Counters:
    """Where a run stands."""

    step: int = 0
    """Updates of the weights."""
    elapsed_s: float = 0.0
    best: float = float("-inf")
    """Greatest validation score."""
    best_step: int = 0
    stale: int = 0
    """Validations since then."""


def open_run(folder: str | Path, settings: Mapping[str, Any], *, resume: bool) -> bool:
    """Make the folder of a run, or find the run that was begun there. -> whether there is one to go on with.

    Raises `OutputError` when the folder holds a run and `resume` was not asked for, or that run had other `settings`.
    """
    folder = Path(folder)
    stored = json.loads(json.dumps(settings))
    if (folder / RUN).exists():
        if not resume:
            raise OutputError("holds a run", where=str(folder), hint="go on with it with --resume, or choose another folder")
        if different := _difference(_settings(folder), stored):
            raise OutputError(f"was begun with another {different}", where=str(folder), hint="choose another folder with -o")
        for name in (CHECKPOINT, BEST, LIGHT, CURVE):
            for leftover in folder.glob(f".????????.{name}"):
                leftover.unlink()  # Of a run that was killed while it saved.
        return (folder / CHECKPOINT).exists()
    atomic_write(folder / RUN, json.dumps(stored, indent=1) + "\n")
    return False


def _settings(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_text(folder / RUN))
    except ValueError as error:
        raise InputError("is damaged", where=str(folder / RUN), hint="begin the run again in another folder") from error
    return found if isinstance(found, dict) else {}


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    for name in sorted(found.keys() | wanted.keys()):
        if (before := found.get(name)) != (now := wanted.get(name)):
            if isinstance(before, dict) and isinstance(now, dict):
                return _difference(before, now)
            return f"{name} ({before}, now {now})"
    return ""


def save_checkpoint(folder: str | Path, network: nn.Module, optimiser: torch.optim.Optimizer, counters: Counters) -> None:
    """Whole or not at all. Raises `OutputError`."""
    content = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "counters": asdict(counters)}
    with atomic_path(Path(folder) / CHECKPOINT) as temporary:
        torch.save(content, temporary)


def load_checkpoint(folder: str | Path, network: nn.Module, optimiser: torch.optim.Optimizer) -> Counters:
    """Put the state back. Raises `InputError` for a file that is missing, damaged, or of another network."""
    path = Path(folder) / CHECKPOINT
    content = read_torch(path, hint="begin the run again in another folder")
    try:
        counters = _counters(content["counters"])
        network.load_state_dict(content["network"])
        optimiser.load_state_dict(content["optimiser"])
        _check_state(network, optimiser)
    except (*DAMAGED, TypeError, AttributeError, IndexError) as error:
        told = str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
        hint = "begin the run again in another folder"
        raise InputError(f"is damaged, or of another network ({told})", where=str(path), hint=hint) from error
    return counters


def _counters(found: Mapping[str, Any]) -> Counters:
    """Raises `KeyError`, `TypeError` or `ValueError` for what no run saved."""
    usual = Counters()
    for name, value in asdict(usual).items():
        if not isinstance(found[name], type(value)):
            raise ValueError(f"{name} is {found[name]!r}")
    return Counters(**{name: found[name] for name in asdict(usual)})


def _check_state(network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """torch takes a state of other shapes, and learns nonsense with it. Raises `ValueError`."""
    for name, weight in network.named_parameters():
        moments = [value for value in optimiser.state.get(weight, {}).values() if isinstance(value, torch.Tensor) and value.ndim]
        if any(moment.shape != weight.shape for moment in moments):
            raise ValueError(f"the optimiser's state of '{name}' has another shape")
        if not all(bool(values.isfinite().all()) for values in (weight, *moments)):
            raise ValueError(f"'{name}' holds values that are not finite")


def append_curve(folder: str | Path, entry: Mapping[str, Any]) -> None:
    """One line more."""
    with (Path(folder) / CURVE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(dict(entry)) + "\n")


def trim_curve(folder: str | Path, step: int) -> None:
    """Forget what was reported after `step`: a killed run says it again."""
    path = Path(folder) / CURVE
    if path.exists():
        kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _step(line) <= step]
        atomic_write(path, "".join(f"{line}\n" for line in kept))


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # Half a line, of a run that was killed while it wrote.
