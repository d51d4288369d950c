"""ARKit's controls under the names that other tools give them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slp_mouthing.types import CONTROL_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

_BY_KEY = {name.lower(): name for name in CONTROL_NAMES}
_SIDE = re.compile(r"(?:[._\- ]|(?<=[a-z]))(L|R)$")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")


def control_name(spelling: str) -> str | None:
    """The control that `spelling` means, None when it means none.

    Case, separators, what stands before the name, and `L`, `R` for the sides do not matter: `JawOpen`, `jaw_open`,
    `head.jawOpen`, `mouthSmile_L`.
    """
    sided = _SIDE.sub(lambda side: " Left" if side[1] == "L" else " Right", spelling.strip())
    words = [word.lower() for word in _SEPARATORS.split(sided) if word]
    tails = ("".join(words[start:]) for start in range(len(words)))
    return next((_BY_KEY[tail] for tail in tails if tail in _BY_KEY), None)


def by_control(spellings: Iterable[str]) -> dict[str, str]:
    """The spelling of each control that is there; of several, the first. -> {control: spelling}"""
    found: dict[str, str] = {}
    for spelling in spellings:
        if (name := control_name(spelling)) is not None:
            found.setdefault(name, spelling)
    return found
