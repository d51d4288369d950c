"""Tables of other people's lexicons -> our YAML: CSV with a header, and the exports of Signbank.

    ID Gloss,Mouthing,Region
    HOLIDAY,holiday,
    NOT-YET,%shh,London

Columns are found by name (see `COLUMNS`), in any case and order; Signbank's own are among them (`Annotation ID Gloss`,
`Keywords`, `Mouth gesture`). Where a table names no mouthing, the first keyword stands for it, with low confidence. No row is
lost silently: what is passed over is told with its line and the reason.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from slp_mouthing.errors import InputError
from slp_mouthing.files import read_text
from slp_mouthing.mouthing import gestures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMNS: dict[str, tuple[str, ...]] = {
    "gloss": ("annotation id gloss", "id gloss", "idgloss", "gloss", "annotation id", "sign", "lemma id gloss", "lemma",
              "glosse"),
    "mouthing": ("mouthing", "mouth picture", "mouthpicture", "spoken word", "mundbild", "gesproken component"),
    "ipa": ("ipa", "pronunciation", "phonetic"),
    "gesture": ("mouth gesture", "mouthgesture", "gesture", "oral component", "mundgestik", "orale component"),
    "keywords": ("keywords", "keyword", "translation equivalents", "translation equivalent", "translations", "translation",
                 "senses", "sense", "meaning", "english"),
    "region": ("region", "regions", "dialect", "dialects", "variant region"),
    "type": ("type", "mouth action", "mouth type"),
    "confidence": ("confidence",),
}  # fmt: skip
"""What a column may be called; the first that a table has is taken. A language in brackets behind the name is passed over, as are
case, `_` and `-`."""

_DELIMITERS = ",;\t"
_SPLIT = re.compile(r"\s*[,;|/]\s*")
"""Between several words of a cell."""
_SENSE = re.compile(r"^\s*\d+[.)]\s*")
_NOTHING = frozenset(("", "-", "–", "n/a", "?"))
"""Cells that say nothing. "No" and "none" are words that signs are mouthed with."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A table as a lexicon file."""

    yaml: str
    """To be written."""
    entries: int
    from_keywords: int
    """Entries whose mouthing is their first keyword: the table names none."""
    columns: tuple[tuple[str, str], ...]
    """(what we took it for, name in the table)."""
    unread: tuple[str, ...]
    """Columns that were not read."""
    skipped: tuple[str, ...]
    """Rows that gave no entry and cells that were passed over: place and reason, a line each."""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: dict[str, str]


def import_table(path: str | Path, *, language: str = "", voice: str = "") -> Imported:
    """The lexicon of a table. `language`, `voice`: of its header; empty: those of the lexicon that it is layered over.

    Raises `InputError` with file and line when it is no table, or no column is the gloss.
    """
    where = str(path)
    rows = _records(read_text(path), where)
    columns, unread = _columns(rows, where)
    skipped: list[str] = []
    entries: dict[str, dict[str, str]] = {}
    places: dict[str, int] = {}
    by_keyword = 0
    for row in _rows(rows[1:], columns):
        entry, notes = _entry(row)
        skipped += [f"{where}:{row.line}: {note}" for note in notes]
        gloss = row.cells.get("gloss", "")
        if entry is None:
            continue
        if (first := places.get(gloss.upper())) is not None:
            skipped.append(f"{where}:{row.line}: {gloss} again, line {first} holds")
            continue
        entries[gloss], places[gloss.upper()] = entry, row.line
        by_keyword += not _says_mouth(row)
    if not entries:
        raise InputError("no row gives an entry", where=where, hint=skipped[0] if skipped else "is it the right table?")
    named = tuple((meaning, rows[0][1][index]) for meaning, index in columns.items())
    text = _yaml(entries, Path(path), language, voice)
    return Imported(text, len(entries), by_keyword, named, unread, tuple(skipped))


# ---- the table ------------------------------------------------------------------------------------------------------------
def _records(text: str, where: str) -> list[tuple[int, list[str]]]:
    """Line and cells of each row that has any."""
    header = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((line, [cell.strip() for cell in cells]))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"is no table ({error})", where=f"{where}:{line}", hint="close the quotes of that row") from error
    if not found:
        raise InputError("is empty", where=where, hint="give a table with a header and a row per sign")
    return found


def _columns(rows: Sequence[tuple[int, list[str]]], where: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Index of each column we know, and the names of the others."""
    line, header = rows[0]
    names = [_name(cell) for cell in header]
    ranked = {meaning: next((names.index(name) for name in known if name in names), None) for meaning, known in COLUMNS.items()}
    columns = {meaning: index for meaning, index in ranked.items() if index is not None}
    if "gloss" not in columns:
        raise InputError(
            f"no column is the gloss, got {', '.join(header)[:80]}",
            where=f"{where}:{line}",
            hint=f"name it one of {', '.join(COLUMNS['gloss'][:4])}",
        )
    if not columns.keys() & {"mouthing", "ipa", "gesture", "keywords"}:
        raise InputError(
            "no column says what the mouth does", where=f"{where}:{line}", hint="name one mouthing, ipa, gesture or keywords"
        )
    return columns, tuple(cell for index, cell in enumerate(header) if index not in columns.values() and cell)


def _name(cell: str) -> str:
    """`Annotation ID Gloss (BSL)` -> annotation id gloss."""
    bare = re.sub(r"\([^)]*\)|[:*]", " ", cell.lower())
    return " ".join(re.split(r"[\s_-]+", bare.strip()))


def _rows(records: Sequence[tuple[int, list[str]]], columns: dict[str, int]) -> Iterator[_Row]:
    for line, cells in records:
        yield _Row(line, {name: " ".join(cells[index].split()) for name, index in columns.items() if index < len(cells)})


# ---- a row ----------------------------------------------------------------------------------------------------------------
def _entry(row: _Row) -> tuple[dict[str, str] | None, list[str]]:
    """The entry of a row, None where it gives none, and what is passed over."""
    gloss = row.cells.get("gloss", "")
    if not gloss:
        return None, ["no gloss"]
    mouth, notes = _mouth(row)
    if not mouth and row.cells.get("type", "").strip().lower() == "none":
        mouth = {"type": "None"}
    if not mouth:
        return None, [*notes, f"{gloss} says nothing of the mouth"]
    if region := _given(row, "region"):
        mouth["region"] = region
    if (confidence := _given(row, "confidence").lower()) and "confidence" not in mouth:
        if confidence in ("high", "medium", "low"):
            mouth["confidence"] = confidence
        else:
            notes.append(f"{gloss}: confidence '{confidence}' passed over, allowed: high, medium, low")
    return mouth, notes


def _mouth(row: _Row) -> tuple[dict[str, str], list[str]]:
    """What the mouth does: its gesture, else its mouthing, else the first keyword."""
    gloss, notes = row.cells["gloss"], []
    words, ipa, gesture = (_given(row, name) for name in ("mouthing", "ipa", "gesture"))
    if words.startswith("%"):
        words, gesture = "", words[1:]
    if len(words) > 2 and words.startswith("/") and words.endswith("/"):
        words, ipa = "", words.strip("/")
    options = _SPLIT.split(words) if words else []
    if len(options) > 1:
        notes.append(f"{gloss}: of the mouthings {', '.join(options)} the first is taken")
    if gesture:
        try:
            found = gestures.find(gesture).name
        except InputError as error:
            notes.append(f"{gloss}: {error.what}, passed over ({error.hint[:60]})")
        else:
            if words or ipa:
                notes.append(f"{gloss}: the gesture {found} is passed over for the mouthing")
            else:
                return {"gesture": found}, notes
    mouth = {key: value for key, value in (("mouthing", options[0] if options else ""), ("ipa", ipa.strip("/"))) if value}
    if mouth:
        return mouth, notes
    keyword = _SENSE.sub("", _SPLIT.split(_given(row, "keywords"))[0])
    return ({"mouthing": keyword, "confidence": "low"} if keyword else {}), notes


def _says_mouth(row: _Row) -> bool:
    return any(_given(row, name) for name in ("mouthing", "ipa", "gesture")) or not _given(row, "keywords")


def _given(row: _Row, column: str) -> str:
    value = row.cells.get(column, "").strip()
    return "" if value.lower() in _NOTHING else value


# ---- our file -------------------------------------------------------------------------------------------------------------
def _yaml(entries: dict[str, dict[str, str]], path: Path, language: str, voice: str) -> str:
    header = {"name": path.stem, "language": language, "voice": voice}
    lexicon: dict[str, object] = {key: value for key, value in header.items() if value}
    lexicon["defaults"] = {"source": "imported", "confidence": "medium"}
    lexicon["sources"] = {"imported": f"{path.name}, brought here by 'mouth lexicon import'"}
    content = {"lexicon": lexicon, "entries": entries}
    # Without a flow style of its own, each table that holds no other goes on one line.
    return str(yaml.safe_dump(content, default_flow_style=None, allow_unicode=True, sort_keys=False, width=10_000))
