"""Curves as speech has them: vowels, rounding, spreading, and lips that close between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack

if TYPE_CHECKING:
    from slp_mouthing.head.rig import Head

FPS = 30.0
_SYLLABLES: tuple[dict[str, float], ...] = (
    {"jawOpen": 0.55, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1},
    {"jawOpen": 0.12, "mouthPucker": 0.65, "mouthFunnel": 0.3},
    {"jawOpen": 0.18, "mouthStretch": 0.4, "mouthSmile": 0.3},
    {"jawOpen": 0.35, "mouthFunnel": 0.5, "mouthPucker": 0.2},
    {"jawOpen": 0.25, "mouthSmile": 0.25, "mouthUpperUp": 0.15},
)
_SHUT = {"jawOpen": 0.12, "mouthClose": 0.12, "mouthPress": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.2}


def speech_track(head: Head, *, syllables: int = 10, seed: int = 0) -> FaceTrack:
    """Syllables of five frames with three frames of closed lips before each, eased, and rest at both ends."""
    rng = np.random.default_rng(seed)
    poses = [np.zeros(len(ARKIT_NAMES))] * 2
    for syllable in range(syllables):
        vowel = _SYLLABLES[(syllable + int(rng.integers(2))) % len(_SYLLABLES)]
        poses += [_pose(_SHUT)] * 3 + [_pose(vowel) * rng.uniform(0.7, 1.1)] * 5
    held = np.array([*poses, *poses[:2]])
    eased = held.copy()
    for frame in range(1, len(held) - 1):
        shut = np.array_equal(held[frame], _pose(_SHUT))
        eased[frame] = held[frame] if shut else held[frame - 1 : frame + 2].mean(axis=0)
    blendshapes = np.clip(eased, 0, 1).astype(np.float32)
    tongue = np.zeros((len(blendshapes), len(TONGUE_NAMES)), np.float32)
    opening_m, width_m = head.lips(blendshapes, tongue)
    return FaceTrack(
        fps=FPS, head=head.name, jaw_pose=head.jaw_pose(blendshapes), blendshapes=blendshapes,
        eyes_pose=head.eyes_pose(blendshapes), tongue=tongue, lip_opening_m=opening_m, lip_width_m=width_m,
    )  # fmt: skip


def protrusion(vertices: np.ndarray, head: object) -> np.ndarray:
    """How far the middle of the lips stands forward. [T, V, 3] -> [T] m"""
    middle = [head.landmarks[name][0] for name in ("lip_upper_mid", "lip_lower_mid")]  # type: ignore[attr-defined]
    return vertices[:, middle, 2].mean(axis=1)


def correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.corrcoef(ours, theirs)[0, 1])


def _pose(weights: dict[str, float]) -> np.ndarray:
    pose = np.zeros(len(ARKIT_NAMES))
    for name, weight in weights.items():
        sides = [k for k, full in enumerate(ARKIT_NAMES) if full in (name, f"{name}Left", f"{name}Right")]
        pose[sides] = weight
    return pose
