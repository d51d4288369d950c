"""`.oculus.csv`: curves of the 15 visemes of Oculus LipSync, which VR characters, Ready Player Me and OpenXR rigs have.

A row per frame: `time_s`, then the visemes' weights, which sum to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.export import visemes
from slp_mouthing.export.visemes import Shape
from slp_mouthing.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.types import FaceTrack, Take

SHAPES: tuple[Shape, ...] = (
    Shape("PP", {"mouthPress": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.2}, sealed=True),
    Shape("FF", {"mouthRollLower": 0.6, "mouthUpperUp": 0.2, "jawOpen": 0.1}),
    Shape("TH", {"tongueOut": 0.35, "jawOpen": 0.18, "mouthLowerDown": 0.15, "mouthUpperUp": 0.1}),
    Shape("DD", {"tongueTipUp": 0.7, "jawOpen": 0.14}),
    Shape("kk", {"tongueBack": 0.8, "jawOpen": 0.18}),
    Shape("CH", {"mouthFunnel": 0.5, "mouthPucker": 0.3, "mouthLowerDown": 0.12, "mouthUpperUp": 0.12, "tongueUp": 0.4,
                 "jawOpen": 0.12}),
    Shape("SS", {"mouthStretch": 0.32, "mouthSmile": 0.25, "mouthLowerDown": 0.28, "mouthUpperUp": 0.2, "tongueUp": 0.3,
                 "jawOpen": 0.06}),
    Shape("nn", {"tongueTipUp": 0.9, "jawOpen": 0.28, "mouthLowerDown": 0.1}),
    Shape("RR", {"mouthFunnel": 0.3, "mouthPucker": 0.35, "tongueBack": 0.3, "jawOpen": 0.16}),
    Shape("aa", {"jawOpen": 0.6, "mouthStretch": 0.12, "mouthLowerDown": 0.17, "mouthUpperUp": 0.11, "tongueBack": 0.2}),
    Shape("E", {"jawOpen": 0.38, "mouthStretch": 0.32, "mouthSmile": 0.15, "mouthLowerDown": 0.22, "mouthUpperUp": 0.15,
                "tongueUp": 0.3}),
    Shape("ih", {"jawOpen": 0.16, "mouthStretch": 0.44, "mouthSmile": 0.4, "mouthLowerDown": 0.22, "mouthUpperUp": 0.2,
                 "tongueUp": 0.7}),
    Shape("oh", {"jawOpen": 0.42, "mouthFunnel": 0.55, "mouthPucker": 0.15, "tongueBack": 0.4}),
    Shape("ou", {"jawOpen": 0.1, "mouthPucker": 0.9, "mouthFunnel": 0.15, "tongueBack": 0.4}),
)  # fmt: skip
"""All but `sil`, in their order."""

NAMES = ("sil", *(shape.name for shape in SHAPES))


def viseme_weights(track: FaceTrack) -> NDArray[np.float64]:
    """Weights of `NAMES` in each frame, which sum to 1. -> [T, 15]"""
    mixed = visemes.mix(track, SHAPES)
    silence = np.maximum(1.0 - mixed.sum(axis=1, keepdims=True), 0.0)
    return np.concatenate([silence, mixed], axis=1)


def write_oculus(take: Take, path: Path) -> None:
    """Write the curves to four decimals. Raises `OutputError`."""
    lines = [",".join(("time_s", *NAMES))]
    for time_s, row in zip(take.track.time_s, viseme_weights(take.track), strict=True):
        lines.append(",".join((f"{time_s:.6f}", *(f"{weight:.4f}" for weight in row))))
    atomic_write(path, "\n".join(lines) + "\n")


def losses(take: Take) -> tuple[str, ...]:
    """What of this take 15 visemes cannot show: cheeks, brows, eyes, most mouth gestures, most of the tongue."""
    return visemes.losses(take, visemes.mix(take.track, SHAPES), SHAPES)
