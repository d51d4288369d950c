"""What is there, what is missing, and how to get it: the checks behind `mouth doctor`."""

from __future__ import annotations

import importlib
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


LIBRARIES: tuple[tuple[str, str, str, bool], ...] = (
    ("numpy", "numpy", "arrays", True),
    ("scipy", "scipy", "sparse matrices of the head", True),
    ("numba", "numba", "CPU kernels of the renderer", True),
    ("av", "av", "H.264 video", True),
    ("pillow", "PIL", "captions and contact sheets", True),
    ("pyyaml", "yaml", "lexicons", True),
    ("pygltflib", "pygltflib", "GLB heads and exports", True),
    ("pympi-ling", "pympi", "ELAN files", True),
    ("typer", "typer", "the command line", True),
    ("rich", "rich", "tables and progress", True),
    ("torch", "", "training, and gradients through the renderer", False),
    ("transformers", "", "wav2vec2 encoders", False),
    ("usd-core", "pxr", ".usd files", False),
    ("pocketsphinx", "pocketsphinx", "words of a recording (--audio)", False),
)
"""Distribution, the module that shows that it works (none where the import takes seconds), purpose, whether it is needed."""


def check_all() -> list[Check]:
    """Every check, the needed ones first."""
    libraries = [_library(*row) for row in LIBRARIES]
    return sorted([_python(), _speech(), _lexicon(), _kernel_cache(), *libraries], key=lambda check: not check.needed)


def _python() -> Check:
    return Check("python", f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} processors", "", True)


def _library(name: str, module: str, purpose: str, needed: bool) -> Check:
    try:
        found = f"{importlib.metadata.version(name)}: {purpose}"
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "", f"{purpose}: pip install {name}", needed)
    try:
        if module:
            importlib.import_module(module)
    except (ImportError, OSError, AttributeError, RuntimeError, ValueError) as error:
        # What a library raises when its files or its compiled parts do not fit one another.
        return Check(name, "", f"{purpose}: {error}; pip install --force-reinstall {name}", needed)
    return Check(name, found, "", needed)


def _speech() -> Check:
    return _try("espeak-ng", _speech_version, "pip install espeakng-loader")


def _speech_version() -> str:
    from slp_mouthing.speech.espeak import Espeak, version

    return f"{version()}: speaks {' '.join(phone.symbol for phone in Espeak().speak('why').phones)}"


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
    except MouthError as error:
        return Check(name, "", str(error) if error.hint else f"{error}; {remedy}", True)
    except (ImportError, OSError) as error:
        return Check(name, "", f"{error}; {remedy}", True)
