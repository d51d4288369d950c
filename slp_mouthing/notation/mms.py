"""MMS tables (Multimodal SignStream, DFKI; `.csv`): a sign per row.

`framestart`, `frameend` are seconds on the table's clock; where they are not given, `transition` is the pause in seconds before
the sign and `duration` its length. A `mouthing` column of ours, if there is one, says what the mouth does as braces in gloss text
do. What is dropped: the inflections of the body, and the arms' own glosses (`domgloss`, `ndomgloss`, `domarm`, `ndomarm`).
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slp_mouthing.errors import InputError
from slp_mouthing.files import read_text
from slp_mouthing.notation.conventions import read_gloss
from slp_mouthing.notation.gloss_text import MAX_SIGN_S, MAX_UTTERANCE_S
from slp_mouthing.notation.glosses import default_duration_s
from slp_mouthing.notation.mouth import read_mouth
from slp_mouthing.notation.slots import Annotation, Notes, apart
from slp_mouthing.types import Sign, Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slp_mouthing.notation.conventions import GlossStyle
    from slp_mouthing.notation.options import ReadOptions

HOLD = "<HOLD>"
"""The gloss of a row in which the signer holds still."""
_ARMS = ("domgloss", "ndomgloss", "domarm", "ndomarm")


def read_mms(path: Path, options: ReadOptions) -> Iterator[Utterance | InputError]:
    """The one utterance of a table. Raises `InputError` with the line for what cannot be read."""
    where = str(path)
    notes = Notes(where)
    rows = list(_rows(read_text(path), where))
    absolute = any(row.number("frameend") for row in rows)
    timed = _absolute(rows) if absolute else _relative(rows, options.style)
    row_at = {row.line: row for row in rows}
    signs = [_sign(one, row_at[one.line], options.style, notes) for one in apart(timed, notes) if one.value.upper() != HOLD]
    if signs:
        yield Utterance(tuple(signs), warnings=notes.texts(), input=where)


@dataclass(frozen=True, slots=True)
class _Row:
    cells: dict[str, str]
    line: int
    where: str

    @property
    def gloss(self) -> str:
        return self.cells["maingloss"]

    def number(self, column: str) -> float:
        """Seconds in a cell, 0 when it is empty."""
        cell = self.cells.get(column, "")
        try:
            value = float(cell or 0)
        except ValueError as error:
            raise self.error(f"{column} is '{cell[:40]}', expected seconds") from error
        if not math.isfinite(value) or not 0 <= value <= MAX_UTTERANCE_S:
            raise self.error(f"{column} is {cell[:40]}, allowed: 0 to {MAX_UTTERANCE_S:g} s")
        return value

    def error(self, what: str) -> InputError:
        return InputError(what, where=f"{self.where}:{self.line}")


def _rows(text: str, where: str) -> Iterator[_Row]:
    """The rows that name a sign, comma or semicolon between their cells."""
    header = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if header.count(";") > header.count(",") else ",")
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        if "maingloss" not in columns:
            raise InputError("has no column 'maingloss'", where=f"{where}:1", hint="give an MMS table, or gloss text as .txt")
        for cells in reader:
            row = _Row({name: cell.strip() for name, cell in zip(columns, cells, strict=False)}, reader.line_num, where)
            if row.gloss:
                yield row
    except csv.Error as error:
        raise InputError(f"is no table ({error})", where=f"{where}:{reader.line_num}") from error


def _absolute(rows: list[_Row]) -> list[Annotation]:
    timed: list[Annotation] = []
    for row in rows:
        start_s, end_s = row.number("framestart"), row.number("frameend")
        if end_s <= start_s:
            raise row.error(f"{row.gloss} lasts from {start_s:g} s to {end_s:g} s")
        timed.append(Annotation(row.gloss, start_s, end_s, row.line))
    return sorted(timed, key=lambda one: (one.start_s, one.end_s))


def _relative(rows: list[_Row], style: GlossStyle) -> list[Annotation]:
    """Pause and duration one after the other; a duration of nothing, or in percent of a recording, is the sign's default."""
    timed: list[Annotation] = []
    now_s = 0.0
    for row in rows:
        now_s += row.number("transition")
        share = row.cells.get("duration", "").endswith("%")
        duration_s = 0.0 if share else row.number("duration")
        if not duration_s:
            reading = read_gloss(row.gloss, style)
            duration_s = default_duration_s(reading.kind, reading.text)
        if duration_s > MAX_SIGN_S or now_s + duration_s > MAX_UTTERANCE_S:
            raise row.error(f"{row.gloss} lasts from {now_s:g} s to {now_s + duration_s:g} s")
        timed.append(Annotation(row.gloss, round(now_s, 6), round(now_s + duration_s, 6), row.line))
        now_s += duration_s
    return timed


def _sign(timed: Annotation, row: _Row, style: GlossStyle, notes: Notes) -> Sign:
    reading = read_gloss(row.gloss, style)
    if reading.problem:
        notes.add(row.line, f"{row.gloss}: {reading.problem}")
    for column in _ARMS:
        if row.cells.get(column):
            notes.add(row.line, f"the gloss of one arm ({column}) is not mouthed")
    if row.cells.get("duration", "").endswith("%"):
        notes.add(row.line, "a duration in percent of a recording is not known here, the default is taken")
    try:
        mouth = read_mouth(row.cells["mouthing"]) if row.cells.get("mouthing") else None
    except InputError as error:
        raise row.error(error.what) from error
    return Sign(row.gloss, reading.kind, timed.start_s, timed.end_s, reading.text, mouth, row.line, 1, lemma=reading.lemma)
