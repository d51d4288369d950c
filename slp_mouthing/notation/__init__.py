"""Input notations: file -> Utterances. The suffix chooses the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from slp_mouthing.errors import InputError
from slp_mouthing.files import read_text, shown
from slp_mouthing.notation.conventions import STYLES, GlossStyle
from slp_mouthing.notation.eaf import read_eaf
from slp_mouthing.notation.gloss_text import parse_lines
from slp_mouthing.notation.json_text import read_json
from slp_mouthing.notation.mms import read_mms
from slp_mouthing.notation.options import ReadOptions
from slp_mouthing.notation.sigml import read_sigml
from slp_mouthing.notation.writer import format_utterance
from slp_mouthing.types import Utterance

__all__ = ["READERS", "STYLES", "GlossStyle", "ReadOptions", "Reader", "format_utterance", "parse", "read", "read_all"]

Reader = Callable[[Path, ReadOptions], Iterator[Utterance | InputError]]
"""Gives a file's utterances in order, and in the place of one that cannot be read, what is wrong with it. Raises `InputError`
when the file as a whole cannot be read."""


def _read_gloss_text(path: Path, options: ReadOptions) -> Iterator[Utterance | InputError]:
    return parse_lines(read_text(path), str(path), options.style)


READERS: dict[str, Reader] = {
    ".txt": _read_gloss_text,
    ".gloss": _read_gloss_text,
    ".eaf": read_eaf,
    ".sigml": read_sigml,
    ".json": read_json,
    ".csv": read_mms,
}
"""Reader by suffix; a longer suffix (`.plan.json`) goes before a shorter one that it ends with."""


def read(path: str | Path, *, strict: bool = False, options: ReadOptions | None = None) -> list[Utterance]:
    """The utterances of a file, named after it: `stem`, or `stem-001`, `stem-002`, ... in the order of the file.

    An utterance that cannot be read is left out, keeps its number, and is told of in the warnings of the first one that can.
    Raises `InputError` for a file that is missing, no text, or without a readable utterance; with `strict`, for the first
    utterance that cannot be read.
    """
    utterances, problems = read_all(path, options)
    return _report(utterances, problems, strict)


def read_all(path: str | Path, options: ReadOptions | None = None) -> tuple[list[Utterance], list[InputError]]:
    """The utterances of a file and the problems of those that cannot be read. Raises `InputError` as `read` does."""
    path = Path(path)
    reader = next((reader for suffix, reader in READERS.items() if path.name.lower().endswith(suffix)), None)
    if reader is None:
        if path.is_dir() or not path.exists():
            raise InputError("is a folder, expected a file" if path.is_dir() else "no such file", where=str(path))
        what = f"unknown suffix '{path.suffix}', allowed: {', '.join(READERS)}"
        raise InputError(what, where=str(path), hint="rename the file after its notation")
    return _collect(reader(path, options or ReadOptions()), str(path), shown(path.stem))


def parse(text: str, *, name: str = "", strict: bool = True, style: GlossStyle = "bsl") -> list[Utterance]:
    """The utterances of gloss text, one per line. Raises `InputError` as `read` does."""
    utterances, problems = _collect(parse_lines(text, style=style), "", name)
    return _report(utterances, problems, strict)


def _collect(results: Iterator[Utterance | InputError], where: str, stem: str) -> tuple[list[Utterance], list[InputError]]:
    lines = list(results)
    if not lines:
        raise InputError("no sign in it", where=where, hint="write one utterance per line, such as: WHY@0.5 PT:PRO2SG LATE")
    names = [stem] if len(lines) == 1 else [f"{stem}-{number:03}" if stem else "" for number in range(1, len(lines) + 1)]
    utterances = [replace(line, name=name) for name, line in zip(names, lines, strict=True) if isinstance(line, Utterance)]
    return utterances, [line for line in lines if isinstance(line, InputError)]


def _report(utterances: list[Utterance], problems: list[InputError], strict: bool) -> list[Utterance]:
    if problems and (strict or not utterances):
        raise problems[0]
    if not problems:
        return utterances
    warnings = tuple(f"{problem} (this utterance is left out)" for problem in problems)
    return [replace(utterances[0], warnings=warnings + utterances[0].warnings), *utterances[1:]]
