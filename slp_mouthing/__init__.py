"""Mouthing for sign language production: from BSL glosses to a face that mouths them.

    import slp_mouthing as mouth
    result = mouth.render("WHY@0.5 PT:PRO2SG@0.2 LATE@0.6")     # result.track, result.plan, result.motion
    studio = mouth.Studio(head="builtin", voice="en-gb")        # loads once; call many times; thread-safe

The names below load when they are first used: importing the package loads neither numpy nor torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slp_mouthing.errors import MouthError
    from slp_mouthing.pipeline import Result, Studio, render
    from slp_mouthing.settings import StudioOptions
    from slp_mouthing.types import FaceMotion, FaceTrack, MouthingPlan, Speech, Utterance

__version__ = "0.1.0"
__all__ = [
    "FaceMotion",
    "FaceTrack",
    "MouthError",
    "MouthingPlan",
    "Result",
    "Speech",
    "Studio",
    "StudioOptions",
    "Utterance",
    "render",
]

_HOME = {"MouthError": "errors", "Result": "pipeline", "Studio": "pipeline", "StudioOptions": "settings"}


def __getattr__(name: str) -> Any:
    if name == "render":
        # The package of that name, which is callable: see its `__init__`.
        return importlib.import_module("slp_mouthing.render")
    if name not in __all__:
        raise AttributeError(f"module 'slp_mouthing' has no attribute '{name}'")
    return getattr(importlib.import_module(f"slp_mouthing.{_HOME.get(name, 'types')}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
