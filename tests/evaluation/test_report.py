"""Reports as text, JSON and pictures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PIL import Image

from slp_mouthing.evaluation.plot import draw_report
from slp_mouthing.evaluation.report import Report, Row
from slp_mouthing.evaluation.statistics import Estimate, exact

if TYPE_CHECKING:
    from pathlib import Path

REPORT = Report(
    "title",
    ("one", "two"),
    (
        Row("recall", (Estimate(0.9, 0.8, 0.95, 40), None), goal="0.98"),
        Row("error", (exact(1.25), exact(float("nan"))), "mm", 1),
    ),
    ("a note",),
)


def test_as_text() -> None:
    assert REPORT.cells() == [
        ["", "one", "two", "goal"],
        ["recall", "0.900 (0.800 to 0.950)", "-", "0.98"],
        ["error (mm)", "1.2", "-", ""],
    ]


def test_as_json() -> None:
    found = json.loads(REPORT.to_json())
    assert found["rows"][0]["figures"] == {"one": {"value": 0.9, "interval_95": [0.8, 0.95], "count": 40}, "two": None}
    assert found["rows"][1]["figures"]["one"] == {"value": 1.25, "interval_95": None, "count": 1}
    assert found["notes"] == ["a note"]


def test_as_a_picture(tmp_path: Path) -> None:
    draw_report(REPORT, tmp_path / "figures.png")
    page = Image.open(tmp_path / "figures.png").convert("RGB")
    assert len(page.getcolors(2**20) or []) > 20
