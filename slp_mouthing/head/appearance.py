"""How a person looks beside the face's shape: skin, lips, eyes, hair, clothes; and the colours that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from slp_mouthing.errors import HeadError

Color: TypeAlias = tuple[float, float, float]
"""Linear RGB albedo."""
DEFAULT_MELANIN = 0.16
Albedo: TypeAlias = NDArray[np.float64]

EYE_COLORS: dict[str, Color] = {
    "brown": (0.20, 0.105, 0.048), "dark": (0.085, 0.042, 0.022), "hazel": (0.22, 0.15, 0.06), "green": (0.16, 0.19, 0.09),
    "blue": (0.13, 0.20, 0.28), "grey": (0.19, 0.21, 0.22),
}  # fmt: skip
HAIR_COLORS: dict[str, Color] = {
    "black": (0.016, 0.012, 0.011), "dark": (0.036, 0.023, 0.017), "brown": (0.072, 0.042, 0.027),
    "auburn": (0.125, 0.048, 0.022), "fair": (0.26, 0.165, 0.085), "grey": (0.27, 0.265, 0.26), "white": (0.52, 0.51, 0.49),
}  # fmt: skip

HAIR_STYLES = ("short", "buzzed", "cropped", "curly", "tied", "hanging")


@dataclass(frozen=True, slots=True)
class Appearance:
    """Raises `HeadError` for a name that is not in its table and a number out of range."""

    melanin: float = DEFAULT_MELANIN
    """Pigment of the skin: 0 the fairest, 1 the darkest."""
    undertone: float = 0.0
    """-1 rosy, 1 golden."""
    lip_depth: float = 0.0
    """-1 pale lips, 1 deep red ones."""
    eye_color: str = "brown"
    """One of `EYE_COLORS`."""
    hair_style: str = "short"
    """One of `HAIR_STYLES`."""
    hair_length_mm: float = 130.0
    """From the ears' height downwards, where the style hangs."""
    hair_color: str = "brown"
    """One of `HAIR_COLORS`."""
    greying: float = 0.0
    """Share of white hairs."""
    hairline_mm: float = 0.0
    """How far the hairline has receded, at the temples most."""
    brow_weight: float = 1.0
    """Height and darkness of the brows."""
    beard: float = 0.0
    """Shadow of a shaved beard: 0 none, 1 strong."""
    garment_color: Color = (0.060, 0.105, 0.165)

    def __post_init__(self) -> None:
        for name, table in (("eye_color", EYE_COLORS), ("hair_style", HAIR_STYLES), ("hair_color", HAIR_COLORS)):
            if getattr(self, name) not in table:
                raise HeadError(f"no {name} {getattr(self, name)!r}", hint=f"one of {', '.join(table)}")
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise HeadError(f"{name} {getattr(self, name)} lies outside {low} to {high}")


_RANGES = {
    "melanin": (0, 1), "undertone": (-1, 1), "lip_depth": (-1, 1), "hair_length_mm": (60, 170), "greying": (0, 1),
    "hairline_mm": (0, 20), "brow_weight": (0.3, 2), "beard": (0, 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Palette:
    """Linear albedo of every material. [3] each."""

    skin: Albedo
    flush: Albedo
    lid: Albedo
    cool: Albedo
    ear: Albedo
    caruncle: Albedo
    lip: Albedo
    lip_inner: Albedo
    lining: Albedo
    hair: Albedo
    brow: Albedo
    iris: Albedo
    limbus: Albedo
    garment: Albedo

    @staticmethod
    def of(look: Appearance) -> Palette:
        hair = np.array(HAIR_COLORS[look.hair_color]) * (1 - look.greying) + np.array(HAIR_COLORS["white"]) * look.greying
        iris = np.array(EYE_COLORS[look.eye_color])
        pigmented = {name: _pigmented(np.array(color), look, share) for name, (color, share) in _TINTS.items()}
        lips = np.exp(-look.lip_depth * np.array([0.22, 0.62, 0.50]))
        pigmented |= {name: pigmented[name] * lips for name in ("lip", "lip_inner")}
        brow = np.minimum(_BROW_OF_HAIR * hair, 0.17 * pigmented["skin"])
        return Palette(**pigmented, hair=hair, brow=brow, iris=iris, limbus=0.26 * iris, garment=np.array(look.garment_color))


_PIGMENT = np.array([1.72, 2.12, 2.40])
"""Absorption of the skin's pigment from `melanin` 0 to 1."""
_TINTS = {
    "skin": ((0.66, 0.415, 0.305), 1.0), "flush": ((0.64, 0.285, 0.225), 0.95), "lid": ((0.50, 0.29, 0.235), 1.0),
    "cool": ((0.60, 0.40, 0.315), 1.0), "ear": ((0.74, 0.455, 0.345), 1.0), "caruncle": ((0.50, 0.22, 0.195), 0.35),
    "lip": ((0.50, 0.19, 0.168), 0.55), "lip_inner": ((0.36, 0.105, 0.10), 0.30), "lining": ((0.24, 0.07, 0.065), 0.15),
}  # fmt: skip
"""Colours at the default's pigment, and how much of the skin's pigment each carries."""
_BROW_OF_HAIR = np.array([0.70, 0.68, 0.70])


def _pigmented(color: Albedo, look: Appearance, share: float) -> Albedo:
    more = (look.melanin - DEFAULT_MELANIN) * share
    golden = look.undertone * np.array([0.01, 0.0, -0.10]) - max(-look.undertone, 0) * np.array([0.0, 0.05, -0.06])
    return np.asarray(color * np.exp(golden - more * _PIGMENT))
