"""Gaussians of two kinds on one mesh: a captured head, which has its own light, and a body that takes the scene's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.render.gaussians import Drawable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.render.camera import Camera
    from slp_mouthing.render.gaussians import ColorsOf
    from slp_mouthing.types import Array


class JoinedDrawable(Drawable):
    """Both drawn as one scene: what is nearer hides what is farther."""

    def __init__(self, first: Drawable, second: Drawable) -> None:
        self._parts = first, second
        self.triangles = second.triangles
        for name in ("_binding", "_position", "_axes", "_rest_shape"):
            setattr(self, name, np.concatenate([getattr(part, name) for part in self._parts]))

    def _seen(self, vertices_m: Array, camera: Camera) -> tuple[Array, ColorsOf]:
        (first, colors_of_first), (second, colors_of_second) = (part._seen(vertices_m, camera) for part in self._parts)
        return np.concatenate([first, second]), partial(_colors, len(first), colors_of_first, colors_of_second)


def _colors(count: int, of_first: ColorsOf, of_second: ColorsOf, ids: NDArray[np.int32], means: Array) -> Array:
    colors, mine = np.empty_like(means), ids < count
    colors[mine] = of_first(ids[mine], means[mine])
    colors[~mine] = of_second(ids[~mine] - np.int32(count), means[~mine])
    return colors
