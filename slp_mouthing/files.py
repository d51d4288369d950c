"""Files on disk: whole or not there, and named safely."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TEXT_BYTES = 32 * 2**20
"""Largest text input that is read; a gloss file of this size holds weeks of signing."""


@contextlib.contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """A temporary path beside `target`, with its suffixes, renamed onto it when the block ends without an error.

    A crash leaves at most a hidden temporary file, never a half `target`. Raises `OutputError`.
    """
    target = Path(target)
    if target.is_dir():
        raise OutputError("is a folder, expected a file name", where=str(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix="." + target.name, dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise _output_error(target, error) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except OSError as error:
        raise _output_error(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def atomic_write(target: str | Path, content: bytes | str) -> None:
    """Write `content` (text as UTF-8) to `target`, whole or not at all. Raises `OutputError`."""
    with atomic_path(target) as path:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def read_text(path: str | Path) -> str:
    """A UTF-8 text file, without its byte-order mark. Raises `InputError` for what is not one."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError("is a folder, expected a file", where=str(path), hint="name the files in it")
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise InputError(
                f"{path.stat().st_size / 2**20:.0f} MB, at most {MAX_TEXT_BYTES // 2**20} MB of text are read",
                where=str(path),
                hint="split the file",
            )
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path)) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    return decode_text(content, str(path))


def decode_text(content: bytes, where: str) -> str:
    """UTF-8 bytes as text. Raises `InputError` at the first byte that is not text."""
    if (nul := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, nul) + 1
        raise InputError("a NUL byte: this is a binary file", where=f"{where}:{line}", hint="give a text file in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"byte 0x{content[error.start]:02x} is not UTF-8", where=f"{where}:{line}", hint="save the file as UTF-8"
        ) from error


def safe_stem(name: str) -> str:
    """A file name made of `name` that stays in its folder on any file system: letters, digits, `.`, `_` and `-`."""
    name = unicodedata.normalize("NFC", name)
    stem = re.sub(r"[^\w.-]+", "-", name).strip(".-")
    return stem[:100] or "utterance"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _output_error(target: Path, error: OSError) -> OutputError:
    if error.errno == errno.ENOSPC:
        return OutputError("no space left on the disk", where=str(target), hint="free some and run again with --resume")
    return OutputError(f"cannot be written ({error.strerror or error})", where=str(target), hint="choose another folder with -o")
