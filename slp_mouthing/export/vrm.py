"""`.vrm.json`: curves of VRM 1.0's expressions: five vowels and blinks.

`expressions` holds a list of weights per name, one a frame. VRM has no shape for closed lips, for lip on teeth, nor for a
tongue: on /p b m/ the vowels go to 0, which is the avatar's mouth at rest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.export import visemes
from slp_mouthing.export.visemes import Shape
from slp_mouthing.files import atomic_write
from slp_mouthing.types import ARKIT_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.types import FaceTrack, Take

SHAPES: tuple[Shape, ...] = (
    Shape("aa", {"jawOpen": 0.6, "mouthStretch": 0.12, "mouthLowerDown": 0.17, "mouthUpperUp": 0.11}),
    Shape("ih", {"jawOpen": 0.14, "mouthStretch": 0.47, "mouthSmile": 0.45, "mouthLowerDown": 0.23, "mouthUpperUp": 0.22}),
    Shape("ou", {"jawOpen": 0.1, "mouthPucker": 0.9, "mouthFunnel": 0.15}),
    Shape("ee", {"jawOpen": 0.38, "mouthStretch": 0.32, "mouthSmile": 0.15, "mouthLowerDown": 0.22, "mouthUpperUp": 0.15}),
    Shape("oh", {"jawOpen": 0.42, "mouthFunnel": 0.55, "mouthPucker": 0.15}),
)  # fmt: skip
"""As VRM means them: `ih` is the vowel of "see", `ee` that of "bed"."""
_EYES = ("eyeBlinkLeft", "eyeBlinkRight")
_CONTACTS = ("mouthPress", "mouthRollLower", "mouthRollUpper")


def expressions(track: FaceTrack) -> dict[str, NDArray[np.float64]]:
    """Weights [T] in [0, 1] by expression. `blink` is of both eyes; one that closes further has the rest by itself."""
    vowels = visemes.mix(track, SHAPES)
    left, right = (track.blendshapes[:, ARKIT_NAMES.index(name)].astype(np.float64) for name in _EYES)
    both = np.minimum(left, right)
    blinks = {"blink": both, "blinkLeft": left - both, "blinkRight": right - both}
    return {shape.name: column for shape, column in zip(SHAPES, vowels.T, strict=True)} | blinks


def write_vrm(take: Take, path: Path) -> None:
    """Write the curves to four decimals. Raises `OutputError`."""
    document = {
        "specVersion": "1.0",
        "name": take.name,
        "fps": take.track.fps,
        "frames": len(take.track),
        "expressions": {name: weights.round(4).tolist() for name, weights in expressions(take.track).items()},
    }
    atomic_write(path, json.dumps(document, ensure_ascii=False) + "\n")


def losses(take: Take) -> tuple[str, ...]:
    """What of this take five vowels cannot show: contacts, tongue, cheeks, brows, mouth gestures."""
    controls = dict(zip(visemes.FEATURES, visemes.features(take.track).T, strict=True))
    pressed, lower, upper = (controls[name] for name in _CONTACTS)
    said = {
        "lips pressed together (p, b, m) are a mouth at rest": pressed.max(initial=0.0) >= visemes.SEEN,
        "the lower lip on the teeth (f, v) is not shown": (lower - upper).max(initial=0.0) >= visemes.SEEN,
    }
    mixed = visemes.mix(take.track, SHAPES)
    return (*(text for text, lost in said.items() if lost), *visemes.losses(take, mixed, SHAPES, also=("eyeBlink", *_CONTACTS)))
