"""What a head is: the interface that every renderer, exporter and measure uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from slp_mouthing.types import Array, Binding, JointMotion, Skeleton


class Head(Protocol):
    """A mesh that takes ARKit controls. All arrays are read-only; a head is safe to share between threads."""

    name: str
    """`builtin`, `flame2020`, `flame2023`, ..."""
    neutral_m: Array  # [V, 3]
    triangles: NDArray[np.int32]  # [F, 3] counter-clockwise seen from outside
    regions: NDArray[np.uint8]  # [F] index into `region_names`: what each triangle is made of
    region_names: tuple[str, ...]
    colors: Array  # [V, 3] diffuse albedo, linear RGB in [0, 1]
    landmarks: Mapping[str, NDArray[np.int32]]
    """Vertex indices by name: `lips_outer`, `lips_inner` (closed contours, from the right corner over the upper lip),
    `lip_upper_mid`, `lip_lower_mid`, `lip_corner_left`, `lip_corner_right`, `nose_tip`, `chin`, `eye_left`, `eye_right`."""

    def __hash__(self) -> int:
        """By identity: renderers are kept by head."""
        ...

    def pose(self, blendshapes: Array, tongue: Array, eyes_pose: Array | None = None) -> Array:
        """Vertices with jaw rotation, eye rotation and lip contact. [T, 52], [T, K], [T, 6] -> [T, V, 3].

        `eyes_pose` None takes the gaze from the eyeLook controls, as `eyes_pose()` gives it.
        """
        ...

    def target(self, name: str) -> Array:
        """The complete linear shape of one control at weight 1, as an engine drives it live. -> [V, 3] offsets."""
        ...

    def jaw_pose(self, blendshapes: Array) -> Array:
        """The jaw joint's axis-angle that the controls mean. [T, 52] -> [T, 3] rad."""
        ...

    def eyes_pose(self, blendshapes: Array) -> Array:
        """The eyes' axis-angle that the eyeLook controls mean. [T, 52] -> [T, 6] rad, left then right."""
        ...

    def lips(self, blendshapes: Array, tongue: Array) -> tuple[Array, Array]:
        """Inner-lip gap at the midline (0 in contact) and corner distance. [T, 52], [T, K] -> [T] m, [T] m.

        Equal to what `pose` gives, but touches only the vertices it needs.
        """
        ...


class Figure(Head, Protocol):
    """A head on a body that moves. `landmarks` also names vertices of the `crown`, which move with the skull alone."""

    body_from: int
    """The first vertex of the body; those before it are the head's."""
    skeleton: Skeleton
    binding: Binding

    def moved(self, vertices_m: Array, motion: JointMotion, first: int = 0) -> Array:
        """Posed vertices, as `pose` gives them, carried along by the body's frames from `first` on. [T, V, 3] -> [T, V, 3]"""
        ...
