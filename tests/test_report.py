"""The report per sign: what it says is what the track shows."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import slp_mouthing as mouth
from slp_mouthing.cli.main import run
from slp_mouthing.report import report, report_csv, report_table

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.pipeline import Result
    from slp_mouthing.report import SignReport

TEXT = "MUM@0.2-0.7 BECAUSE@1.2-1.32 LIVE@1.32-1.8 HEAVY@2.4-2.9{%puffed-cheeks} CORNWALL@3.4-3.7 AREA@3.7-3.9 PT:PRO1SG@4.2-4.4"


@pytest.fixture(scope="module")
def result() -> Result:
    return mouth.render(TEXT)


@pytest.fixture(scope="module")
def rows(result: Result) -> dict[str, SignReport]:
    return {row.sign: row for row in report(result.plan, result.track)}


def test_every_sign_has_a_row_and_times_are_those_of_the_plan(result: Result, rows: dict[str, SignReport]) -> None:
    assert list(rows) == [sign.gloss for sign in result.plan.signs]
    mum = rows["MUM"]
    assert (mum.start_s, mum.end_s) == (result.plan.actions[0].start_s, result.plan.actions[0].end_s)
    assert (rows["AREA"].mouth, rows["PT:PRO1SG"].mouth) == ("↳", "-")


def test_reached_times_are_within_a_frame_of_the_wished_ones(result: Result, rows: dict[str, SignReport]) -> None:
    for row in rows.values():
        if row.onset_s is not None and row.start_s is not None:
            assert abs(row.onset_s - row.start_s) <= 1.0 / result.track.fps
        if row.rest_s is not None and row.end_s is not None:
            assert row.end_s < row.rest_s <= row.end_s + 0.25
    assert rows["BECAUSE"].rest_s is None is rows["LIVE"].onset_s, "one movement"


def test_what_was_lost_for_room(rows: dict[str, SignReport]) -> None:
    assert rows["BECAUSE"].reduction == "first_syllable"
    assert 0 < rows["BECAUSE"].phones_compressed <= rows["BECAUSE"].phones
    assert (rows["MUM"].closures, rows["MUM"].closures_kept) == (2, 2)


def test_a_closure_that_the_track_lacks_is_missed(result: Result) -> None:
    open_lips = replace(result.track, lip_opening_m=np.full_like(result.track.lip_opening_m, 0.004))
    rows = report(result.plan, open_lips)
    assert sum(row.closures for row in rows) > 0 == sum(row.closures_kept for row in rows)
    assert "closures kept 0 of" in report_table(rows)


def test_render_and_batch_write_it(tmp_path: Path) -> None:
    gloss = tmp_path / "in" / "mum.txt"
    gloss.parent.mkdir()
    gloss.write_text("MUM@0.5 AREA\n", encoding="utf-8")
    assert run(["render", str(gloss), "-o", str(tmp_path / "one"), "--formats", "npz", "--report"]) == 0
    assert run(["batch", str(gloss), "-o", str(tmp_path / "many"), "--report", "-j", "1"]) == 0
    texts = [(tmp_path / folder / "mum.report.csv").read_text(encoding="utf-8") for folder in ("one", "many")]
    assert texts[0] == texts[1]
    assert [row["sign"] for row in csv.DictReader(texts[0].splitlines())] == ["MUM", "AREA"]
    assert "closures kept 2 of 2" in (tmp_path / "one" / "mum.report.txt").read_text(encoding="utf-8")


def test_cells_of_nothing_are_empty(result: Result) -> None:
    last = list(csv.reader(report_csv(report(result.plan, result.track)).splitlines()))[-1]
    assert last[:4] == ["PT:PRO1SG", "4.2000", "4.4000", "-"]
    assert last[4:10] == [""] * 6
