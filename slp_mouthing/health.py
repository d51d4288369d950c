"""What is there, what is missing, and how to get it: the checks behind `mouth doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slp_mouthing.errors import MouthError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    found: str
    """What was found; empty when it is missing."""
    remedy: str
    needed: bool
    """Every render needs it, as against an optional backend."""

    @property
    def ok(self) -> bool:
        return bool(self.found)


LIBRARIES: tuple[tuple[str, str, bool], ...] = (
    ("numpy", "arrays", True),
    ("scipy", "sparse matrices of the head", True),
    ("numba", "CPU kernels of the renderer", True),
    ("av", "H.264 video", True),
    ("pillow", "captions and contact sheets", True),
    ("pyyaml", "lexicons", True),
    ("torch", "gradients through the renderer", False),
)


def check_all() -> list[Check]:
    """Every check, the needed ones first."""
    libraries = [_library(*row) for row in LIBRARIES]
    return sorted([_python(), _speech(), _lexicon(), _kernel_cache(), *libraries], key=lambda check: not check.needed)


def _python() -> Check:
    return Check("python", f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} processors", "", True)


def _library(name: str, purpose: str, needed: bool) -> Check:
    try:
        found = f"{importlib.metadata.version(name)}: {purpose}"
    except importlib.metadata.PackageNotFoundError:
        found = ""
    return Check(name, found, f"{purpose}: pip install {name}", needed)


def _speech() -> Check:
    return _try("espeak-ng", _speech_version, "pip install espeakng-loader")


def _speech_version() -> str:
    from slp_mouthing.speech.espeak import Espeak

    speech = Espeak().speak("why")
    return f"speaks: {' '.join(phone.symbol for phone in speech.phones)}"


def _lexicon() -> Check:
    return _try("lexicon", _lexicon_size, "install slp-mouthing again")


def _lexicon_size() -> str:
    from slp_mouthing.mouthing.lexicon import load_lexicon

    return f"{len(load_lexicon().entries)} glosses"


def _kernel_cache() -> Check:
    return _try("kernel cache", _kernel_cache_state, "set NUMBA_CACHE_DIR to a folder that can be written")


def _kernel_cache_state() -> str:
    from slp_mouthing.render import kernels_cached

    return "compiled" if kernels_cached() else "empty: the first render compiles for some seconds"


def _try(name: str, find: Callable[[], str], remedy: str) -> Check:
    try:
        return Check(name, find(), remedy, True)
    except (MouthError, ImportError, OSError) as error:
        return Check(name, "", f"{error}; {remedy}", True)
