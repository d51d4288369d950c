"""A clip as named blend shapes with their weights, for formats that play a mesh.

The controls' shapes are complete, so that an engine drives them live. Further ones, `clip_corrective_00` and so on, belong to the
clip: with them the played mesh equals the head's own within `TOLERANCE_M`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.export.correctives import blend_residuals, fit_correctives
from slp_mouthing.export.materials import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.export.materials import Material
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array, FaceTrack

TOLERANCE_M = 8e-5
"""Largest distance of a played vertex from the head's own; a little under the 1e-4 m that GLB and USD promise."""

_NEGLIGIBLE_M = 1e-6
_NEGLIGIBLE_TURN = 2e-3
"""Length of a change of a unit normal that no one sees (0.1 degrees)."""


@dataclass(frozen=True, slots=True)
class ShapeClip:
    """What plays: the mesh of frame t is the neutral one plus `weights[t] @ targets`."""

    names: tuple[str, ...]
    """The 52 ARKit shapes, the tongue's, then the clip's correctives."""
    targets: Array  # [N, V, 3] metres
    weights: Array  # [T, N] in [0, 1]


def shape_clip(track: FaceTrack, head: Head) -> ShapeClip:
    """The track on the head. It has at least one frame."""
    controls = (*track.blendshape_names, *track.tongue_names)
    targets = np.stack([head.target(name) for name in controls]).astype(np.float32)
    # Motion too small to see only makes the file larger.
    targets[np.einsum("cvx,cvx->cv", targets, targets) < _NEGLIGIBLE_M**2] = 0.0
    correctives = fit_correctives(blend_residuals(track, head, targets), TOLERANCE_M)
    return ShapeClip(
        names=(*controls, *(f"clip_corrective_{index:02d}" for index in range(len(correctives.targets)))),
        targets=np.concatenate([targets, correctives.targets]),
        weights=np.concatenate([track.blendshapes, track.tongue, correctives.weights], axis=1).astype(np.float32),
    )


def visible(turns: Array) -> Array:
    """Changes of normals [V, 3] without those that no one sees; they are set to zero in place."""
    turns[np.einsum("vx,vx->v", turns, turns) < _NEGLIGIBLE_TURN**2] = 0.0
    return turns


def surfaces(head: Head) -> dict[Material, NDArray[np.int32]]:
    """Triangles by material. Regions that differ in colour alone share one: some engines copy all targets per primitive."""
    grouped: dict[Material, list[NDArray[np.int32]]] = {}
    for part in parts(head):
        grouped.setdefault(part.material, []).append(part.triangles)
    return {material: np.concatenate(triangles) for material, triangles in grouped.items()}
