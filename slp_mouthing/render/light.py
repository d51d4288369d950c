"""What things are made of, and what lights them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface takes the light."""

    specular: float = 0.0
    """Strength of the highlight."""
    sharpness: int = 4
    """Halvings of the highlight's width: the exponent is 2 ** sharpness."""
    scatter: float = 0.0
    """Share of light that passes under the surface: a warm, soft terminator."""
    sheen: float = 0.0
    """Light caught at grazing angles."""
    inside: bool = False
    """Lies in the mouth: lit only through the lips."""
    depth_tint: float = 1.0
    """How fast it darkens with the depth behind the lips, where `inside`."""
    cull: bool = True
    """Hidden where it faces away from the camera."""
    under_lid: bool = False
    """An eyeball: shaded by the upper lid."""


MATERIALS: dict[str, Material] = {
    "skin": Material(specular=0.16, sharpness=4, scatter=1.0, sheen=0.5),
    "lip": Material(specular=0.22, sharpness=5, scatter=0.8, sheen=0.3),
    "eyelid_edge": Material(specular=0.25, sharpness=5, scatter=0.7),
    "nostril": Material(scatter=0.4),
    "mouth_cavity": Material(specular=0.04, sharpness=4, scatter=0.4, inside=True, depth_tint=1.3),
    "gum": Material(specular=0.30, sharpness=5, scatter=0.4, inside=True),
    "tooth": Material(specular=0.45, sharpness=6, scatter=0.35, inside=True, depth_tint=1.1),
    "tongue": Material(specular=0.10, sharpness=4, scatter=0.5, inside=True, depth_tint=0.8),
    "sclera": Material(specular=0.5, sharpness=9, scatter=0.2, under_lid=True),
    "iris": Material(specular=1.0, sharpness=9, scatter=0.2, under_lid=True),
    "pupil": Material(specular=1.0, sharpness=9, under_lid=True),
    "hair": Material(specular=0.04, sharpness=3, scatter=0.1, sheen=0.15),
    "strand": Material(specular=0.06, sharpness=4, scatter=0.1, sheen=0.2),
    "brow": Material(cull=False),
    "lash": Material(cull=False),
    "garment": Material(sheen=0.35, cull=False),
    "cloth": Material(sheen=0.35),
    "hand": Material(specular=0.12, sharpness=4, scatter=1.0, sheen=0.5),
    "nail": Material(specular=0.22, sharpness=5, scatter=0.8, sheen=0.3),
}
"""By region of a head, or by kind of Gaussian."""


@dataclass(frozen=True, slots=True)
class Lighting:
    """Soft three-point light, fixed to the world; the face looks along +z. Colours are linear RGB."""

    key_direction: tuple[float, float, float] = (-0.44, 0.56, 0.70)
    key_color: tuple[float, float, float] = (2.00, 1.90, 1.78)
    fill_direction: tuple[float, float, float] = (0.74, 0.12, 0.66)
    fill_color: tuple[float, float, float] = (0.62, 0.62, 0.64)
    rim_direction: tuple[float, float, float] = (0.62, 0.45, -0.64)
    rim_color: tuple[float, float, float] = (0.62, 0.68, 0.78)
    sky_color: tuple[float, float, float] = (0.50, 0.50, 0.52)
    ground_color: tuple[float, float, float] = (0.30, 0.245, 0.22)
    exposure: float = 0.62


def rows(lighting: Lighting) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """[9, 3]: unit directions of key, fill, rim; their colours; sky, ground; exposure in the last row."""
    directions = np.array([lighting.key_direction, lighting.fill_direction, lighting.rim_direction])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    colors = [lighting.key_color, lighting.fill_color, lighting.rim_color, lighting.sky_color, lighting.ground_color]
    return np.ascontiguousarray(np.vstack([directions, colors, [[lighting.exposure] * 3]]), np.float32)


def table(names: tuple[str, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Materials by name as rows of numbers, skin for unknown names. -> [M, 8]"""
    found = [MATERIALS.get(name, MATERIALS["skin"]) for name in names]
    return np.array(
        [(m.specular, m.sharpness, m.scatter, m.sheen, m.inside, m.depth_tint, m.cull, m.under_lid) for m in found], np.float32
    ).reshape(-1, 8)
