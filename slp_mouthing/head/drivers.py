"""What moves the mesh: the controls, and their products where two controls together need a shape of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES

if TYPE_CHECKING:
    from slp_mouthing.types import Array

CORRECTIVES = ("cornersIn", "puckerFunnel", "eyeArcLeft", "eyeArcRight", "tongueBetween")
FEATURES = (*CONTROL_NAMES, *CORRECTIVES)
"""Columns of `features`; each has one linear shape."""
_INDEX = {name: k for k, name in enumerate(FEATURES)}


def features(blendshapes: Array, tongue: Array) -> Array:
    """Weights of `FEATURES`. [T, 52], [T, K] -> [T, len(FEATURES)]"""
    out = np.zeros((len(blendshapes), len(FEATURES)), np.float32)
    out[:, : len(ARKIT_NAMES)] = blendshapes
    out[:, len(ARKIT_NAMES) : len(CONTROL_NAMES)] = tongue

    def of(name: str) -> Array:
        return out[:, _INDEX[name]]

    opening = control(blendshapes, "jawOpen") - jaw_closing(blendshapes)
    of("cornersIn")[:] = opening
    of("puckerFunnel")[:] = of("mouthPucker") * of("mouthFunnel")
    # A tongue cannot leave a closed mouth; on its way out it first rises between the teeth.
    of("tongueOut")[:] = np.minimum(of("tongueOut"), 6 * opening)
    of("tongueBetween")[:] = 1 - (1 - np.minimum(of("tongueOut") / 0.35, 1)) ** 2
    for side in ("Left", "Right"):
        blink = of("eyeBlink" + side)
        for name in ("eyeLookDown", "eyeLookUp", "eyeSquint", "eyeWide"):
            of(name + side)[:] *= 1 - np.clip(blink, 0, 1)
        of("eyeArc" + side)[:] = 4 * blink * (1 - blink)
    return out


def control(blendshapes: Array, name: str) -> Array:
    """One ARKit control over time. [T, 52] -> [T]"""
    return blendshapes[:, _INDEX[name]]


def jaw_closing(blendshapes: Array) -> Array:
    """How much of `jawOpen` the lips take back through `mouthClose`; no more than there is. [T, 52] -> [T]"""
    return np.asarray(np.minimum(control(blendshapes, "mouthClose"), control(blendshapes, "jawOpen")))
