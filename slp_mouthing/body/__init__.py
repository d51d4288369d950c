"""Body sequences that a face track is merged into: one file per format, known by what is in it and not by its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing.body import amass_smplh, amass_smplx, beat2, motionx, signavatars, smplerx, soke
from slp_mouthing.body.frames import read_frames
from slp_mouthing.body.layout import FACE, BodyFormat, keys_of, read_sequence, stored_fps, write_sequence
from slp_mouthing.body.merge import CHANNELS, MergeOptions, MergeReport, merge
from slp_mouthing.body.records import read_record
from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.types import BodySequence, FaceTrack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slp_mouthing.body.records import Record

__all__ = ["FORMATS", "MergeOptions", "MergeReport", "merge", "merge_file", "read_body", "write_body"]

FORMATS: Mapping[str, BodyFormat] = {
    "beat2": beat2.FORMAT,
    "amass-smplx": amass_smplx.FORMAT,
    "amass-smplh": amass_smplh.FORMAT,
    "signavatars": signavatars.FORMAT,
    "motionx": motionx.FORMAT,
    "soke": soke.FORMAT,
    "smplerx": smplerx.FORMAT,
}
"""Name -> format. The first one that recognises a file reads it."""


def read_body(path: str | Path, *, fps: float | None = None, widen: bool = False) -> BodySequence:
    """Read a body file, or a folder with one file per frame.

    Args:
        fps: the frame rate, instead of what the file says or its format implies.
        widen: give the file the face channels that its format lacks (SMPL+H becomes SMPL-X, with a neutral face).

    Raises `InputError`, naming file and key, for what is no body, damaged, not finite, empty, or does not fit together.
    """
    form, record, _ = _open(Path(path), widen)
    return read_sequence(form, record, fps)


def write_body(body: BodySequence, path: str | Path) -> None:
    """Write what `read_body` read, with the face of `body`; all else keeps its bits. Raises `OutputError`."""
    write_sequence(FORMATS[body.format], body, Path(path))


def merge_file(
    track_path: str | Path, body_path: str | Path, out_path: str | Path, options: MergeOptions | None = None
) -> MergeReport:
    """Merge a track file into a body file or folder and write the result in the body's own format.

    Raises `InputError` and `OutputError`.
    """
    options = options or MergeOptions()
    body_path, out_path = Path(body_path), Path(out_path)
    track = FaceTrack.load(track_path)
    form, record, notes = _open(body_path, options.widen)
    if not any(name in form.channels for name in FACE):
        raise InputError(f"{form.title} has no face to write to", where=record.where, hint="--widen writes it as SMPL-X")
    _check_name(body_path, out_path)
    body = read_sequence(form, record, options.fps)
    merged, report = merge(track, body, options)
    write_body(merged, out_path)
    touched = keys_of(form, [CHANNELS[name] for name in report.written])
    kept = tuple(name for name in record.names if name not in touched)
    return replace(report, kept=kept, warnings=(*notes, *_clock_notes(form, record, options), *report.warnings))


def _open(path: Path, widen: bool) -> tuple[BodyFormat, Record, list[str]]:
    """The file, what it is, and what widening it means."""
    record: Record = read_frames(path) if path.is_dir() else read_record(path)
    form = _recognised(record)
    if not (widen and form.widen):
        return form, record, []
    record = form.widen(record)
    return _recognised(record), record, [form.widened_note] if form.widened_note else []


def _clock_notes(form: BodyFormat, record: Record, options: MergeOptions) -> list[str]:
    stored = stored_fps(record)
    if options.fps is None:
        return [] if stored else [f"the file does not say its frame rate: {form.default_fps:g} fps, as {form.title} has it"]
    if stored and stored != options.fps:
        return [f"the file says {stored:g} fps, and {options.fps:g} is used; the file's own figure stays"]
    return []


def _recognised(record: Record) -> BodyFormat:
    for form in FORMATS.values():
        if form.recognises(record):
            return form
    titles = ", ".join(form.title for form in FORMATS.values())
    raise InputError(
        f"is no body sequence that is known: it holds {_summary(record)}", where=record.where, hint=f"known: {titles}"
    )


def _summary(record: Record, most: int = 8) -> str:
    names = [f"'{name}'" for name in record.names[:most]]
    return ", ".join([*names, "..."] if len(record.names) > most else names) or "nothing"


def _check_name(body_path: Path, out_path: Path) -> None:
    """The result has the body's format, and its name must say so."""
    if not body_path.is_dir() and out_path.suffix.lower() != body_path.suffix.lower():
        hint = f"name it {out_path.stem}{body_path.suffix}"
        raise OutputError(f"the body is a {body_path.suffix} file, and stays one", where=str(out_path), hint=hint)
