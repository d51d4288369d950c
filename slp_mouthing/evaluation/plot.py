"""A report as a picture: a row of bars for each figure, with its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slp_mouthing.evaluation.report import label, text
from slp_mouthing.files import atomic_path
from slp_mouthing.render.text import font, shortened

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.ImageDraw import ImageDraw

    from slp_mouthing.evaluation.report import Report, Row
    from slp_mouthing.evaluation.statistics import Estimate

LABEL_W, BAR_W, VALUE_W, GAP = 330, 420, 190, 14
"""Pixels."""
BAR_H, ROW_GAP, HEAD_H = 16, 12, 40
PAPER, INK, FAINT = (250, 250, 248), (28, 30, 34), (112, 116, 122)
COLORS = ((64, 98, 140), (196, 124, 60), (104, 144, 92), (150, 96, 140))
"""Of the columns, in turn."""


def draw_report(report: Report, path: str | Path) -> None:
    """Write `report` as PNG. A row's bars share a scale, from 0 to 1 for shares and to the greatest otherwise.

    Raises `OutputError`.
    """
    from PIL import Image, ImageDraw

    columns = len(report.columns)
    step = columns * BAR_H + ROW_GAP
    height = 2 * HEAD_H + step * len(report.rows) + GAP
    page = Image.new("RGB", (LABEL_W + BAR_W + VALUE_W + 2 * GAP, height), PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((GAP, 10), report.title, INK, font(18))
    _draw_legend(draw, report)
    for k, row in enumerate(report.rows):
        _draw_row(draw, row, 2 * HEAD_H + k * step)
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG")


def _draw_legend(draw: ImageDraw, report: Report) -> None:
    left = float(GAP)
    for k, name in enumerate(report.columns):
        draw.rectangle((left, HEAD_H + 4, left + 12, HEAD_H + 16), COLORS[k % len(COLORS)])
        draw.text((left + 18, HEAD_H + 2), name, FAINT, font(13))
        left += 40 + font(13).getlength(name)


def _draw_row(draw: ImageDraw, row: Row, top: int) -> None:
    draw.text((GAP, top), shortened(label(row), 14, LABEL_W - 2 * GAP), INK, font(14))
    whole = _whole(row)
    for k, cell in enumerate(row.cells):
        y = top + k * BAR_H
        draw.line((LABEL_W, y, LABEL_W, y + BAR_H), FAINT)
        if cell is not None and math.isfinite(cell.value):
            _draw_bar(draw, cell, whole, y, COLORS[k % len(COLORS)])
        draw.text((LABEL_W + BAR_W + GAP, y), text(cell, row.digits), FAINT, font(12))


def _draw_bar(draw: ImageDraw, cell: Estimate, whole: float, y: int, color: tuple[int, int, int]) -> None:
    def x(value: float) -> float:
        return LABEL_W + BAR_W * min(max(value / whole, 0.0), 1.0)

    draw.rectangle((LABEL_W, y + 2, x(cell.value), y + BAR_H - 2), color)
    if math.isfinite(cell.low):
        draw.line((x(cell.low), y + BAR_H // 2, x(cell.high), y + BAR_H // 2), INK, 2)


def _whole(row: Row) -> float:
    """What a full bar stands for."""
    values = [abs(x) for cell in row.cells if cell for x in (cell.value, cell.high) if math.isfinite(x)]
    greatest = max(values, default=1.0)
    return 1.0 if not row.unit and greatest <= 1.0 else greatest or 1.0
