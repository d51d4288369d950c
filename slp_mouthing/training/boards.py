"""A run's curve in TensorBoard, beside `curve.jsonl`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slp_mouthing.errors import MissingExtra

if TYPE_CHECKING:
    from slp_mouthing.training.loop import Report

FOLDER = "tensorboard"


class Board:
    """Writes reports into `RUN/tensorboard`: `tensorboard --logdir RUN` shows them."""

    def __init__(self, folder: str | Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtra("tensorboard", "train", why="the TensorBoard log") from error
        self._writer: Any = SummaryWriter(str(Path(folder) / FOLDER))

    def __call__(self, report: Report) -> None:
        self._writer.add_scalar("training/loss", report.loss, report.step)
        self._writer.add_scalar("training/learning_rate", report.learning_rate, report.step)
        for name, value in report.figures.items():
            self._writer.add_scalar(f"validation/{name}", value, report.step)
        self._writer.flush()
