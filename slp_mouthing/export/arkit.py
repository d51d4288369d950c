"""`.arkit.json`: the blend shapes' weights frame by frame, with the keys of Audio2Face's exports, which add-ons import."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import atomic_write, read_text
from slp_mouthing.types import ARKIT_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import Array, Take


def write_arkit(take: Take, path: Path) -> None:
    """Write ARKit's 52 weights to six decimals. Raises `OutputError`."""
    track = take.track
    document = {
        "exportFps": track.fps,
        "trackPath": take.name,
        "numPoses": len(track.blendshape_names),
        "numFrames": len(track),
        "facsNames": list(track.blendshape_names),
        "weightMat": track.blendshapes.astype(np.float64).round(6).tolist(),
    }
    atomic_write(path, json.dumps(document, ensure_ascii=False) + "\n")


def read_arkit(path: Path) -> tuple[float, Array]:
    """Frame rate, and weights in ARKit's order; a shape that the file lacks is 0. -> fps, [T, 52]. Raises `InputError`."""
    try:
        document = json.loads(read_text(path))
        fps, names = float(document["exportFps"]), [str(name) for name in document["facsNames"]]
        weights = np.array(document["weightMat"], np.float32).reshape(-1, len(names))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"is not a blend shape export ({error})", where=str(path)) from error
    columns = {name: column for column, name in enumerate(names)}
    missing = np.zeros(len(weights), np.float32)
    return fps, np.stack([weights[:, columns[n]] if n in columns else missing for n in ARKIT_NAMES], axis=1)
