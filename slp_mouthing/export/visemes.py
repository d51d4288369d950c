"""A face as a mix of a few mouth shapes, for formats that know no more.

Each shape is a posture of face controls. A frame is taken apart by least squares with weights of 0 and more (Lawson & Hanson's
NNLS), so that it is rebuilt as well as those shapes can. It comes from the motion alone: stretching, reductions and gestures are
in it, and a track without its plan is enough. Where the lips are sealed no shape may part them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from slp_mouthing.types import Array, FaceTrack, Take

    Weights = NDArray[np.float64]

FEATURES: tuple[str, ...] = (
    "jawOpen", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile", "mouthLowerDown", "mouthUpperUp",
    "mouthRollLower", "mouthRollUpper", "mouthPress", "tongueOut", "tongueUp", "tongueTipUp", "tongueBack",
)  # fmt: skip
"""What shapes are told apart by: controls, those of both sides as their mean; `jawOpen` without what `mouthClose` takes back."""

_TONGUE = 0.5
_EMPHASIS = {"mouthRollLower": 2.0, "mouthRollUpper": 2.0, "mouthPress": 2.0, "tongueOut": 1.0, "tongueUp": 0.3}
"""How much a feature counts: contacts more than postures; others of the tongue `_TONGUE`, for it is hardly seen; else 1."""

PARTED_M = 0.002
"""From this opening of the lips on, shapes that part them play in full."""
SEEN = 0.1
"""Weight of a control from which its loss is worth a warning."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One mouth shape."""

    name: str
    posture: Mapping[str, float]
    """Weights by feature; what is not named is at rest."""
    sealed: bool = False
    """The lips are closed in it."""


def features(track: FaceTrack) -> Weights:  # [T, D]
    """What the mouth does, in `FEATURES`."""
    controls = {name: column.astype(np.float64) for name, column in zip(CONTROL_NAMES, track.curves.values.T, strict=True)}
    controls["jawOpen"] = np.maximum(controls["jawOpen"] - controls["mouthClose"], 0.0)
    columns = [controls[name] if name in controls else (controls[f"{name}Left"] + controls[f"{name}Right"]) / 2
               for name in FEATURES]  # fmt: skip
    return np.stack(columns, axis=1)


def mix(track: FaceTrack, shapes: tuple[Shape, ...]) -> Weights:  # [T, N]
    """Weights of `shapes` in each frame, from 0, at most 1 together; what is missing to 1 is rest."""
    from scipy.optimize import nnls

    basis = (postures(shapes) * _emphasis()).T
    found = np.array([nnls(basis, frame)[0] for frame in features(track) * _emphasis()])
    parted = np.clip(track.lip_opening_m / PARTED_M, 0.0, 1.0)[:, None]
    found *= np.where([shape.sealed for shape in shapes], 1.0, parted)
    return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1.0))


def nearest(track: FaceTrack, shapes: tuple[Shape, ...]) -> NDArray[np.intp]:  # [T]
    """Index of the one shape that is most like each frame; sealed lips are of a sealed shape, parted ones never."""
    away = features(track)[:, None] - postures(shapes)
    distance = np.linalg.norm(away * _emphasis(), axis=2)
    sealed = np.array([shape.sealed for shape in shapes])
    distance[(track.lip_opening_m <= 0.0)[:, None] != sealed] = np.inf
    return np.asarray(distance.argmin(axis=1))


def at_rest(track: FaceTrack) -> NDArray[np.bool_]:  # [T]
    """Where the mouth does nothing."""
    return np.asarray(features(track).max(axis=1, initial=0.0) < 0.01)


def postures(shapes: Iterable[Shape]) -> Weights:  # [N, D]
    """The shapes in `FEATURES`."""
    return np.array([[shape.posture.get(name, 0.0) for name in FEATURES] for shape in shapes])


def _emphasis() -> Weights:
    return np.array([_EMPHASIS.get(name, _TONGUE if name.startswith("tongue") else 1.0) for name in FEATURES])


def losses(take: Take, weights: Weights, shapes: tuple[Shape, ...], also: Iterable[str] = ()) -> tuple[str, ...]:
    """What of this take the mix of shapes cannot show, for the user.

    Args:
        weights: [T, N] of `shapes`.
        also: controls that the format has beside the shapes, or whose loss is said elsewhere, without `Left` and `Right`.
    """
    shown = {name for shape in shapes for name in shape.posture} | {"mouthClose", *also}
    return tuple(filter(None, (unshown(take.track, shown), lips_off(take, rebuilt(weights, shapes)))))


def rebuilt(weights: Weights, shapes: tuple[Shape, ...]) -> Array:  # [T, C]
    """The controls that a mix of shapes amounts to."""
    played = dict(zip(FEATURES, (weights @ postures(shapes)).T, strict=True))
    still = np.zeros(len(weights))
    return np.stack([played.get(_one_sided(name), still) for name in CONTROL_NAMES], axis=1).astype(np.float32)


def unshown(track: FaceTrack, kept: set[str]) -> str:
    """The controls that the track uses and the format lacks, the strongest first; empty when there are none."""
    peaks = track.curves.values.max(axis=0, initial=0.0)
    lost = {
        _one_sided(CONTROL_NAMES[i]): peaks[i] for i in np.argsort(peaks) if CONTROL_NAMES[i] not in kept and peaks[i] >= SEEN
    }
    named = ", ".join(f"{name} (up to {peak:.2f})" for name, peak in reversed(lost.items()))
    return f"not shown: {named}; .glb and .usd show all" if named else ""


def lips_off(take: Take, controls: Array) -> str:
    """How far the lips of `controls` [T, C] are from the track's, on the track's own head; empty below 0.1 mm."""
    opening_m, width_m = take.head.lips(controls[:, : len(ARKIT_NAMES)], controls[:, len(ARKIT_NAMES) :])
    gaps_mm = np.abs(opening_m - take.track.lip_opening_m) * 1e3
    widths_mm = np.abs(width_m - take.track.lip_width_m) * 1e3
    if max(gaps_mm.max(), widths_mm.max()) < 0.1:
        return ""
    return (
        f"the lips' opening is off by {gaps_mm.mean():.1f} mm on average ({gaps_mm.max():.1f} at most), "
        f"their width by {widths_mm.mean():.1f} mm ({widths_mm.max():.1f} at most)"
    )


def _one_sided(name: str) -> str:
    """`mouthSmile` of `mouthSmileLeft`; names that mean one side only keep it (`mouthLeft`, `jawRight`, `tongueLeft`)."""
    stem = name.removesuffix("Left").removesuffix("Right")
    return stem if f"{stem}Left" in CONTROL_NAMES and stem not in ("mouth", "jaw", "tongue") else name
