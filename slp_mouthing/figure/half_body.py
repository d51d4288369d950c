"""The built-in half body: trunk and arms in a pullover, and hands, ready to be joined to a head and moved by its joints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from slp_mouthing.figure.bands import NeckSize, collar, cuff
from slp_mouthing.figure.hand import hand_surface
from slp_mouthing.figure.made_in import made_in
from slp_mouthing.figure.mesh import split_quads
from slp_mouthing.figure.paint import BAND_SHADE, hand_colors, nails
from slp_mouthing.figure.pullover import pullover_surface
from slp_mouthing.figure.skeleton import SKELETON
from slp_mouthing.figure.weights import band_weights, hand_weights, pullover_weights, strongest
from slp_mouthing.types import Binding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.figure.field import Points
    from slp_mouthing.figure.mesh import Indices
    from slp_mouthing.types import Array

Color: TypeAlias = tuple[float, float, float]
"""Linear RGB albedo."""
REGION_NAMES = ("cloth", "hand", "nail")


@dataclass(frozen=True, slots=True)
class HalfBodyOptions:
    skin: Color = (0.66, 0.415, 0.305)
    garment: Color = (0.060, 0.105, 0.165)
    neck: NeckSize = field(default_factory=NeckSize)


@dataclass(frozen=True, slots=True)
class HalfBody:
    """A mesh in the pose in which it was made. Metres, in the axes and from the origin of the built-in head."""

    vertices_m: Array  # [V, 3]
    triangles: NDArray[np.int32]  # [F, 3] counter-clockwise from outside
    regions: NDArray[np.uint8]  # [F] index into `REGION_NAMES`
    colors: Array  # [V, 3] linear albedo
    binding: Binding


@dataclass(frozen=True, slots=True)
class _Part:
    points: Points  # [N, 3] mm
    quads: Indices
    weights: Points  # [N, J]
    region: str
    colors: Points  # [N, 3]
    nail: NDArray[np.bool_] | None = None  # [N]

    def mirrored(self) -> _Part:
        swap = [SKELETON.index(_other_side(name)) for name in SKELETON.names]
        return replace(self, points=self.points * (-1, 1, 1), quads=self.quads[:, ::-1], weights=self.weights[:, swap])

    def triangle_regions(self, triangles: Indices) -> NDArray[np.uint8]:
        regions = np.full(len(triangles), REGION_NAMES.index(self.region), np.uint8)
        if self.nail is not None:
            regions[self.nail[triangles].all(axis=1)] = REGION_NAMES.index("nail")
        return regions


@lru_cache(maxsize=4)
def build_half_body(options: HalfBodyOptions) -> HalfBody:
    """The half body of a person; kept for the last few."""
    parts = _parts(options)
    starts = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
    triangles = [split_quads(part.quads, part.points) for part in parts]
    joints, weights = strongest(np.concatenate([part.weights for part in parts]))
    regions = [part.triangle_regions(own) for part, own in zip(parts, triangles, strict=True)]
    corners = np.concatenate([own + start for own, start in zip(triangles, starts, strict=True)])
    return HalfBody(
        vertices_m=_frozen(1e-3 * np.concatenate([part.points for part in parts])),
        triangles=np.ascontiguousarray(corners, np.int32),
        regions=np.concatenate(regions),
        colors=_frozen(np.concatenate([part.colors for part in parts])),
        binding=Binding(np.ascontiguousarray(joints, np.int32), _frozen(weights), made_in()),
    )


def _parts(options: HalfBodyOptions) -> list[_Part]:
    cloth = np.array(options.garment)
    points, quads = pullover_surface()
    parts = [_Part(points, quads, pullover_weights(points, quads), "cloth", _plain(cloth, points))]
    for points, quads in (collar(options.neck), cuff()):
        parts.append(_Part(points, quads, band_weights(points), "cloth", _plain(BAND_SHADE * cloth, points)))
    hand = _hand(np.array(options.skin))
    return [*parts, parts[-1].mirrored(), hand, hand.mirrored()]


def _hand(skin: Points) -> _Part:
    points, quads = hand_surface()
    wrist = made_in()[SKELETON.index("left_wrist")].astype(float)
    placed = points @ wrist[:, :3].T + 1e3 * wrist[:, 3]
    return _Part(placed, quads, hand_weights(points, quads), "hand", hand_colors(points, skin), nails(points) > 0.5)


def _plain(color: Points, points: Points) -> Points:
    return np.broadcast_to(color, points.shape)


def _other_side(name: str) -> str:
    side, _, rest = name.partition("_")
    return f"{({'left': 'right', 'right': 'left'})[side]}_{rest}" if side in ("left", "right") else name


def _frozen(values: Points) -> Array:
    array = np.ascontiguousarray(values, np.float32)
    array.setflags(write=False)
    return array
