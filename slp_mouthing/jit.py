"""Compiled kernels: how numba compiles them, and where the machine code is kept.

Kernels run on the caller's thread and release the interpreter lock; whoever wants two cores calls them from two threads
(`slp_mouthing.render.threads`). That compiles in half the time of numba's own `parallel=True`, survives a fork, needs no OpenMP
library, and lets two threads render at once, which numba's default thread pool does not.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Kernel = Callable[..., Any]
    """What numba compiles; its arguments are declared to `kernel`."""

KERNEL_MODULES = (
    "slp_mouthing.avatar.binding",
    "slp_mouthing.render.projection",
    "slp_mouthing.render.bound",
    "slp_mouthing.render.harmonics",
    "slp_mouthing.render.binning",
    "slp_mouthing.render.compositing",
    "slp_mouthing.render.shade",
    "slp_mouthing.render.zbuffer",
    "slp_mouthing.render.frame",
)
"""Modules that compile as they are imported, unless the machine code is on disk: those that every picture needs."""

FAST_MATH = {"contract", "reassoc", "nsz", "arcp", "afn"}
"""Reordering and fused multiply-add, but NaN stays NaN: the kernels' guards rely on it."""


class ArrayType(NamedTuple):
    """A C-contiguous array argument of a kernel; `mutable` for those it writes."""

    dtype: str
    ndim: int
    mutable: bool = False


F1, F2, F3 = (ArrayType("float32", n) for n in (1, 2, 3))
OUT1, OUT2, OUT3 = (ArrayType("float32", n, True) for n in (1, 2, 3))
I1, I2 = (ArrayType("int32", n) for n in (1, 2))
L1 = ArrayType("int64", 1)
U1 = ArrayType("uint8", 1)
FLOAT, INT = "float32", "int64"


def kernel(*arguments: ArrayType | str) -> Callable[[Kernel], Kernel]:
    """Compile a function for exactly these arguments, at definition, with the machine code kept in `cache_dir()`.

    One specialisation, compiled eagerly: the time is spent at a known moment (`warm_up`) and never in the middle of a frame.
    Division by zero gives infinity, as in numpy: Python's check for it would keep loops from being vectorised.
    """
    import numba

    def compile_(function: Kernel) -> Kernel:
        with _cache_in(_kernel_folder()):
            compiler = numba.njit(
                tuple(map(_numba_type, arguments)), cache=True, nogil=True, fastmath=FAST_MATH, error_model="numpy"
            )
            compiled: Kernel = compiler(function)
            return compiled

    return compile_


def inlined(function: Kernel) -> Kernel:
    """A function that kernels call: compiled into each of them."""
    import numba

    result: Kernel = numba.njit(inline="always", fastmath=FAST_MATH, error_model="numpy")(function)
    return result


def warm_up(progress: Callable[[int, int], None] | None = None) -> None:
    """Load every kernel, compiling what is not on disk (10-20 s on the first run of an installation).

    `progress(done, total)` is called after each module.
    """
    for done, name in enumerate(KERNEL_MODULES, start=1):
        importlib.import_module(name)
        if progress:
            progress(done, len(KERNEL_MODULES))
    with contextlib.suppress(OSError):
        _marker().touch()


def kernels_cached() -> bool:
    """Whether `warm_up` will be quick. Cheap: neither numba nor a kernel is imported."""
    return _marker().exists()


@functools.cache
def cache_dir() -> Path:
    """Where machine code is kept: NUMBA_CACHE_DIR, else the user's cache folder, else a private temporary one.

    Never beside the sources: an installation may be read-only, or belong to another user.
    """
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    for folder in (_user_cache() / "slp-mouthing" / "kernels", Path(tempfile.gettempdir()) / f"slp-mouthing-{_user_id()}"):
        if _is_private_and_writable(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="slp-mouthing-"))


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())


def _user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_private_and_writable(folder: Path) -> bool:
    # Cached code is executed: a folder that somebody else prepared in the temporary directory must not be trusted.
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
    except OSError:
        return False


def _marker() -> Path:
    """A file that says: `warm_up` was here."""
    return _kernel_folder() / "complete"


@functools.cache
def _kernel_folder() -> Path:
    """Where the machine code of these very kernels is kept, for this Python and this numba.

    numba looks only at the file that a kernel stands in, but a kernel also holds code of the files it calls: a change in any of
    them starts afresh.
    """
    digest = hashlib.sha256(f"{sys.version} {version('numba')}".encode())
    package = Path(__file__).parent
    for path in sorted([Path(__file__), *package.glob("*/*.py")]):
        if b"from slp_mouthing.jit import" in (source := path.read_bytes()):
            digest.update(source)
    return cache_dir() / digest.hexdigest()[:16]


@contextlib.contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    # numba reads this setting when a function is decorated; other users of numba in the process keep theirs.
    config: Any = importlib.import_module("numba.core.config")
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before


def _numba_type(argument: ArrayType | str) -> Any:
    from numba import types

    if isinstance(argument, str):
        return getattr(types, argument)
    # Declared read-only, an argument takes read-only and writable arrays alike; one specialisation serves both.
    return types.Array(getattr(types, argument.dtype), argument.ndim, "C", readonly=not argument.mutable)
