"""Files on disk: whole or not there, and named safely."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import unicodedata
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_TEXT_BYTES = 32 * 2**20
"""Largest text input that is read; a gloss file of this size holds weeks of signing."""

MAX_STEM_BYTES = 180
"""Of a file name without suffix. File systems allow 255 in all: suffix and temporary prefix need room."""

DAMAGED = (
    OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, MemoryError,
)  # fmt: skip
"""What numpy, zipfile and zlib raise on .npz and .npy files that are cut, altered or something else."""

NO_SPACE = "no space left on the disk"

_RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@contextlib.contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """A temporary path beside `target`, with its suffixes, renamed onto it when the block ends without an error.

    A crash leaves at most a hidden temporary file, never a half `target`. Raises `OutputError`.
    """
    target = Path(target)
    with _reported(target):
        if target.is_dir():
            raise OutputError("is a folder, expected a file name", where=str(target))
        if target.exists() and not target.is_file():
            raise OutputError("is a device or a pipe, expected a file name", where=str(target))
        temporary = _name_beside(target)
        try:
            # Inside: who is told to stop at this very moment leaves nothing either.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield temporary
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: str | Path, owned: Callable[[Path], bool]) -> Iterator[Path]:
    """A temporary folder beside `target`, renamed onto it when the block ends without an error.

    A `target` from an earlier run is replaced if every entry of it is `owned`, so that no file of the user's is lost. Raises
    `OutputError`.
    """
    target = Path(target)
    check_folder(target, owned)
    with _reported(target):
        temporary = _name_beside(target)
        try:
            temporary.mkdir()
            yield temporary
            if target.exists():
                # A folder cannot be renamed onto one that is not empty: the old one steps aside first.
                target.rename(old := temporary.with_name(f"{temporary.name}.old"))
                temporary.rename(target)
                shutil.rmtree(old)
            else:
                temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def check_folder(target: str | Path, owned: Callable[[Path], bool]) -> None:
    """What `atomic_folder` asks of `target`, for those who want to know before hours of work. Raises `OutputError`."""
    target = Path(target)
    with _reported(target):
        if target.exists() and not target.is_dir():
            raise OutputError("is a file, expected a folder name", where=str(target), hint="delete or rename it")
        if foreign := sorted(entry.name for entry in _entries(target) if not owned(entry)):
            raise OutputError(f"holds other files ('{foreign[0]}')", where=str(target), hint="choose another folder with -o")


def atomic_write(target: str | Path, content: bytes | str) -> None:
    """Write `content` (text as UTF-8) to `target`, whole or not at all. Raises `OutputError`."""
    with atomic_path(target) as path:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def keep_inputs(target: str | Path, *inputs: str | Path) -> None:
    """Raises `OutputError` when `target` is one of the files or folders that the result is made of."""
    for path in map(Path, inputs):
        if path.exists() and Path(target).resolve() == path.resolve():
            raise OutputError("is an input, which stays as it is", where=str(target), hint="choose another name with -o")


def read_text(path: str | Path) -> str:
    """A UTF-8 text file, without its byte-order mark. Raises `InputError` for what is not one."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError("is a folder, expected a file", where=str(path), hint="name the files in it")
        with path.open("rb") as file:
            # Pipes and devices have no size to ask for beforehand.
            content = file.read(MAX_TEXT_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path)) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    if len(content) > MAX_TEXT_BYTES:
        raise InputError(f"more than {MAX_TEXT_BYTES // 2**20} MB of text", where=str(path), hint="split the file")
    return decode_text(content, str(path))


def decode_text(content: bytes, where: str) -> str:
    """UTF-8 bytes as text, without byte-order mark. Raises `InputError` at the first byte that is not text."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if (nul := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, nul) + 1
        raise InputError("a NUL byte: this is a binary file", where=f"{where}:{line}", hint="give a text file in UTF-8")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"byte 0x{content[error.start]:02x} is not UTF-8", where=f"{where}:{line}", hint="save the file as UTF-8"
        ) from error


def shown(path: str | Path) -> str:
    """A path as text that any file and terminal takes: bytes of its name that are not UTF-8 become `\ufffd`."""
    return os.fsencode(path).decode("utf-8", "replace")


def safe_stem(name: str) -> str:
    """A file name made of `name` that stays in its folder on any file system: letters, digits, `.`, `_` and `-`."""
    name = unicodedata.normalize("NFC", name)
    stem = re.sub(r"[^\w.-]+", "-", name).strip(".-")
    stem = stem.encode()[:MAX_STEM_BYTES].decode(errors="ignore").rstrip(".-") or "utterance"
    return f"_{stem}" if _RESERVED_ON_WINDOWS.fullmatch(stem) else stem


def _name_beside(target: Path) -> Path:
    """Of a hidden file or folder beside `target` that is not there yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    while True:
        temporary = target.with_name(f".{secrets.token_hex(4)}.{target.name}")
        if not temporary.exists():
            return temporary


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


@contextlib.contextmanager
def _reported(target: Path) -> Iterator[None]:
    """Failures of the system while `target` is written, as `OutputError`."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OutputError(NO_SPACE, where=str(target), hint="free some, then run again (batch: with --resume)") from error
        raise OutputError(
            f"cannot be written ({error.strerror or error})", where=str(target), hint="choose another folder with -o"
        ) from error
