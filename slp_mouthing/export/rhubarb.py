"""`.rhubarb.json`: mouth cues as Rhubarb Lip Sync writes them, which 2D puppets and games read.

    A closed (p b m)   B slit, teeth together   C open (e)   D wide open (a)   E rounded   F puckered
    G lip on teeth (f v)   H tongue up (l)   X at rest

Cues tile the track: one begins where the other ends.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.export import visemes
from slp_mouthing.export.visemes import Shape
from slp_mouthing.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import FaceTrack, Take

SHAPES: tuple[Shape, ...] = (
    Shape("A", {"mouthPress": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.2}, sealed=True),
    Shape("B", {"jawOpen": 0.12, "mouthStretch": 0.3, "mouthSmile": 0.25, "mouthLowerDown": 0.2, "mouthUpperUp": 0.15}),
    Shape("C", {"jawOpen": 0.36, "mouthStretch": 0.25, "mouthSmile": 0.1, "mouthLowerDown": 0.2, "mouthUpperUp": 0.13}),
    Shape("D", {"jawOpen": 0.62, "mouthStretch": 0.1, "mouthLowerDown": 0.17, "mouthUpperUp": 0.11}),
    Shape("E", {"jawOpen": 0.34, "mouthFunnel": 0.45, "mouthPucker": 0.2}),
    Shape("F", {"jawOpen": 0.1, "mouthPucker": 0.75, "mouthFunnel": 0.2}),
    Shape("G", {"mouthRollLower": 0.6, "mouthUpperUp": 0.2, "jawOpen": 0.1}),
    Shape("H", {"tongueTipUp": 0.9, "jawOpen": 0.3, "mouthLowerDown": 0.1}),
)
REST = "X"
SHORTEST_S = 0.05
"""A cue that is shorter gives way to its neighbours, unless it is a contact or rest."""
_KEPT = ("A", "G", REST)


def mouth_cues(track: FaceTrack) -> list[tuple[float, float, str]]:
    """(start_s, end_s, shape) from 0 to the track's end, without gaps."""
    names = np.array([shape.name for shape in SHAPES])[visemes.nearest(track, SHAPES)]
    names[visemes.at_rest(track)] = REST
    runs = _without_flicker([(name, len(list(group))) for name, group in groupby(names.tolist())], track.fps)
    edges_s = np.cumsum([0, *(count for _, count in runs)]) / track.fps
    return [(float(a), float(b), name) for a, b, (name, _) in zip(edges_s[:-1], edges_s[1:], runs, strict=True)]


def _without_flicker(runs: list[tuple[str, int]], fps: float) -> list[tuple[str, int]]:
    """Runs of frames, those that are too short shared out to both sides, and equal neighbours joined."""
    frames: list[str] = []
    for number, (name, count) in enumerate(runs):
        before = frames[-1] if frames else ""
        after = runs[number + 1][0] if number + 1 < len(runs) else ""
        if count / fps >= SHORTEST_S or name in _KEPT or not (before and after):
            frames += [name] * count
        else:
            # Contacts and rest keep their own length.
            early = count if after in _KEPT else 0 if before in _KEPT else count // 2
            frames += [before] * early + [after] * (count - early)
    return [(name, len(list(group))) for name, group in groupby(frames)]


def write_rhubarb(take: Take, path: Path) -> None:
    """Write the cues in seconds, to the millisecond. Raises `OutputError`."""
    document = {
        "metadata": {"soundFile": take.name, "duration": round(len(take.track) / take.track.fps, 3)},
        "mouthCues": [
            {"start": round(start_s, 3), "end": round(end_s, 3), "value": name} for start_s, end_s, name in mouth_cues(take.track)
        ],
    }
    atomic_write(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def losses(take: Take) -> tuple[str, ...]:
    """What of this take nine drawings cannot show."""
    shown = np.eye(len(SHAPES))[visemes.nearest(take.track, SHAPES)] * ~visemes.at_rest(take.track)[:, None]
    return visemes.losses(take, shown, SHAPES)
