"""MMS tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slp_mouthing.errors import InputError
from slp_mouthing.notation import read
from slp_mouthing.types import MouthOverride

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = "maingloss,framestart,frameend,duration,transition,domgloss,ndomgloss,headrotx"


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
        path = tmp_path / "nicht.mms.csv"
        path.write_bytes("\n".join((header, *rows)).encode(encoding))
        return path

    return write


def test_relative_times_and_holds(table: Callable[..., Path]) -> None:
    (utterance,) = read(table("WHY,0,0,0.5,0.2,,,0", "<HOLD>,0,0,0.3,0,,,", "LATE,0,0,0.4,0.1,,,"))
    assert [(s.gloss, s.start_s, s.end_s, s.line) for s in utterance.signs] == [("WHY", 0.2, 0.7, 2), ("LATE", 1.1, 1.5, 4)]


def test_absolute_times_go_before_relative_ones(table: Callable[..., Path]) -> None:
    (utterance,) = read(table("WHY,0.5,1.0,9,9,,,", "LATE,1.0,1.25,9,9,,,"))
    assert [(s.start_s, s.end_s) for s in utterance.signs] == [(0.5, 1.0), (1.0, 1.25)]


def test_semicolons_and_a_mouthing_column(table: Callable[..., Path]) -> None:
    (utterance,) = read(table("WHY;0.5;/waɪ/", "LATE;0.4;", header="MainGloss;duration;mouthing"))
    assert [s.override for s in utterance.signs] == [MouthOverride("ipa", "waɪ"), None]


def test_what_is_dropped_is_told(table: Callable[..., Path]) -> None:
    (utterance,) = read(table("WHY,0,0,50%,0.1,HOME,,"))
    assert [line.split(": ", 1)[1] for line in utterance.warnings] == [
        "the gloss of one arm (domgloss) is not mouthed",
        "a duration in percent of a recording is not known here, the default is taken",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("WHY,0,0,abc,0,,,", "csv:2: duration is 'abc', expected seconds"),
        ("WHY,0,0,nan,0,,,", "csv:2: duration is nan"),
        ("WHY,0,0,-1,0,,,", "csv:2: duration is -1"),
        ("WHY,2,1,0,0,,,", "csv:2: WHY lasts from 2 s to 1 s"),
        ("WHY,0,0,700,0,,,", "csv:2: WHY lasts"),
        (",0,0,1,0,,,", "no sign"),
    ],
)
def test_errors_say_where(table: Callable[..., Path], row: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(table(row))


def test_other_encodings_and_other_tables_are_reported(table: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"csv:2: byte 0xdc is not UTF-8"):
        read(table("ÜBER,0,0,1,0,,,", encoding="latin-1"))
    with pytest.raises(InputError, match=r"csv:1: has no column 'maingloss'"):
        read(table("1,2", header="Timecode,BlendshapeCount"))
