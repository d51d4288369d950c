"""Tables of figures: what the evaluations return and the commands print, write as JSON and draw."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slp_mouthing.evaluation.statistics import Estimate


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, in each of the report's columns."""

    name: str
    cells: tuple[Estimate | None, ...]
    unit: str = ""
    digits: int = 3
    """After the decimal point."""
    goal: str = ""
    """What it should reach, in words."""


@dataclass(frozen=True, slots=True)
class Report:
    """Rows of figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())
    """How the figures are defined and what was left out."""

    def row(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)

    def cells(self) -> list[list[str]]:
        """As text, with a head: name, then a column each."""
        goals = any(row.goal for row in self.rows)
        head = ["", *self.columns, *["goal"] * goals]
        return [head, *([label(row), *(text(cell, row.digits) for cell in row.cells), *[row.goal] * goals] for row in self.rows)]

    def to_json(self) -> str:
        """One object; figures that could not be measured are null."""
        rows = [{"name": row.name, "unit": row.unit, "goal": row.goal, "figures": self._figures(row)} for row in self.rows]
        return json.dumps({"title": self.title, "rows": rows, "notes": list(self.notes)}, ensure_ascii=False, indent=1)

    def _figures(self, row: Row) -> dict[str, Any]:
        return {column: _plain(cell) for column, cell in zip(self.columns, row.cells, strict=True)}


def label(row: Row) -> str:
    return f"{row.name} ({row.unit})" if row.unit else row.name


def text(cell: Estimate | None, digits: int) -> str:
    return "-" if cell is None else format(cell, f".{digits}f")


def _plain(cell: Estimate | None) -> dict[str, Any] | None:
    if cell is None or not math.isfinite(cell.value):
        return None
    interval = [cell.low, cell.high] if math.isfinite(cell.low) else None
    return {"value": cell.value, "interval_95": interval, "count": cell.count}
