"""The built-in head: made by code, with ARKit's 52 shapes, a jaw, eyes, a tongue and lips in contact."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.head import drivers
from slp_mouthing.head.anthropometry import LANDMARKS
from slp_mouthing.head.appearance import Palette
from slp_mouthing.head.brows import build_brow, build_lashes
from slp_mouthing.head.cage import BEYOND, EYE_CENTER, RINGS, build_cage
from slp_mouthing.head.contact import Mouth, build_contact, closed_at_rest, find_lip_grid
from slp_mouthing.head.ears import build_ear
from slp_mouthing.head.eyes import build_eye, fill_socket
from slp_mouthing.head.garment import build_garment
from slp_mouthing.head.hair import build_hair
from slp_mouthing.head.identity import Identity
from slp_mouthing.head.jaw import OPEN_RAD, joint_shift, move_with_jaw
from slp_mouthing.head.landmarks import find_landmarks
from slp_mouthing.head.paint import skin_colors, skin_regions
from slp_mouthing.head.part import Part
from slp_mouthing.head.shapes import build_shapes
from slp_mouthing.head.surface import build_skin
from slp_mouthing.head.teeth import LOWER, UPPER, build_gums, build_teeth
from slp_mouthing.head.tongue import build_tongue
from slp_mouthing.head.warp import EVENED, Warp
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, TONGUE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.head.appearance import Appearance
    from slp_mouthing.head.contact import LipContact, LipGrid
    from slp_mouthing.head.subdivision import Points
    from slp_mouthing.head.surface import Skin
    from slp_mouthing.types import Array

_Scalar = TypeVar("_Scalar", bound=np.generic)

REGION_NAMES = (
    "skin", "lip", "mouth_cavity", "gum", "tooth", "tongue", "sclera", "iris", "pupil", "lash", "brow", "hair", "garment",
    "eyelid_edge", "nostril",
)  # fmt: skip
_MM = np.float32(1e-3)
_CHUNK = 64
"""Frames posed at once, so that the working set stays in cache."""
_LOOK_RAD = np.radians((25.0, 30.0))
"""Turn of the eyes at eyeLookUp/Down 1 and eyeLookIn/Out 1."""
_CLOSE_BY_RING = (0, 0, 0.5, 1, 1, 1, 1, 1, 0.80, 0.55, 0.28)
"""How much of the jaw's motion `mouthClose` takes back, from the throat to the nasolabial fold."""


def load_builtin(identity: Identity | None = None) -> BuiltinHead:
    """The built-in head of a person, None for its own; built on the first call, and kept for the last few people."""
    return _built(identity or Identity())


@lru_cache(maxsize=16)
def _built(identity: Identity) -> BuiltinHead:
    return BuiltinHead(identity)


class BuiltinHead:
    """A `Head` (see `rig.py`). Immutable once built; arrays are read-only, and threads may share it."""

    name = "builtin"
    region_names: tuple[str, ...] = REGION_NAMES

    def __init__(self, identity: Identity | None = None) -> None:
        self.identity = identity or Identity()
        """Who this is."""
        base = _base()
        parts = _parts(base, self.identity.look)
        self.landmarks: Mapping[str, NDArray[np.int32]] = find_landmarks(base.skin, base.lips, parts)
        points = np.concatenate([part.points for part in parts])
        warp = Warp.of(self.identity.sizes, {name: points[self.landmarks[name][0]] for name in LANDMARKS})
        parts = [_bent(part, warp, base.skin) for part in parts]
        self._assemble(parts)
        self._mouth = Mouth(warp.mouth_shift.astype(np.float32), np.float32(warp.mouth_stretch))
        self._contact: LipContact = build_contact(base.skin, base.lips, parts[0].points, self._mouth)
        self._eyes, self._eye_widening = _eyes(parts, self._neutral_mm, warp), warp.eye_widening
        for eye in self._eyes:
            self._neutral_mm[eye.vertices] = fill_socket(eye.local, eye.outwards, warp.eye_widening) + eye.center
        self.neutral_m: Array = _frozen(_frozen(self._neutral_mm) * _MM)
        self._lip_index = np.r_[
            self._contact.middle.ravel(), self.landmarks["lip_corner_right"], self.landmarks["lip_corner_left"]
        ]
        count = len(self._shapes)
        self._lip_shapes = _frozen(self._shapes.reshape(count, -1, 3)[:, self._lip_index].reshape(count, -1))
        self.lip_columns = _frozen(np.stack([base.lips.upper, base.lips.lower]).astype(np.int32))
        """[2, L, R] vertices of the upper and the lower lip: columns that face each other, rows from inside outwards."""

    def pose(self, blendshapes: Array, tongue: Array, eyes_pose: Array | None = None) -> Array:
        """Vertices with jaw and eye rotation and lip contact. [T, 52], [T, K], [T, 6] -> [T, V, 3] m.

        Raises `HeadError` when a shape is not the one above.
        """
        blendshapes, tongue = _checked(blendshapes, tongue)
        eyes = self.eyes_pose(blendshapes) if eyes_pose is None else np.asarray(eyes_pose, np.float32)
        out = np.empty((len(blendshapes), *self.neutral_m.shape), np.float32)
        for start in range(0, len(out), _CHUNK):
            frames = slice(start, start + _CHUNK)
            self._pose_mm(blendshapes[frames], tongue[frames], eyes[frames], out[frames])
        out *= _MM
        return out

    def target(self, name: str) -> Array:
        """Offsets of one control at weight 1. -> [V, 3] m.

        Engines play `mouthClose` and `tongueOut` with an open jaw: theirs are the steps from jawOpen 1. Raises `HeadError` for
        a name that is no control.
        """
        if name not in CONTROL_NAMES:
            raise HeadError(f"no control named {name!r}", hint=f"one of {', '.join(CONTROL_NAMES)}")
        weights = np.zeros((2, len(CONTROL_NAMES)), np.float32)
        weights[1, CONTROL_NAMES.index(name)] = 1
        if name in ("mouthClose", "tongueOut"):
            weights[:, CONTROL_NAMES.index("jawOpen")] = 1
        before, after = self.pose(weights[:, : len(ARKIT_NAMES)], weights[:, len(ARKIT_NAMES) :])
        return np.asarray(after - before)

    def jaw_pose(self, blendshapes: Array) -> Array:
        """The jaw joint's axis-angle. [T, 52] -> [T, 3] rad, about x."""
        opening = drivers.control(np.asarray(blendshapes, np.float32), "jawOpen")
        return np.stack([opening * np.float32(OPEN_RAD), 0 * opening, 0 * opening], axis=1)

    def eyes_pose(self, blendshapes: Array) -> Array:
        """The eyes' axis-angle. [T, 52] -> [T, 6] rad, left then right; +x down, +y to the head's left."""
        weights = np.asarray(blendshapes, np.float32)
        out = np.zeros((len(weights), 6), np.float32)
        for k, (side, outwards) in enumerate((("Left", 1), ("Right", -1))):
            down, up, inner, outer = (drivers.control(weights, f"eyeLook{way}{side}") for way in ("Down", "Up", "In", "Out"))
            out[:, 3 * k] = (down - up) * _LOOK_RAD[0]
            out[:, 3 * k + 1] = (outer - inner) * outwards * _LOOK_RAD[1]
        return out

    def lips(self, blendshapes: Array, tongue: Array) -> tuple[Array, Array]:
        """Inner-lip gap at the midline, 0 in contact, and the distance between the corners. [T, 52], [T, K] -> [T] m, [T] m.

        The same as `pose` gives, from the few vertices that decide it.
        """
        blendshapes, tongue = _checked(blendshapes, tongue)
        weights = drivers.features(blendshapes, tongue)
        # Not `@`: sums by BLAS differ in the last bit with its number of threads, and tracks must be equal byte for byte.
        moved = np.einsum("tc,cp->tp", weights, self._lip_shapes)
        points = moved.reshape(len(weights), -1, 3) + self._neutral_mm[self._lip_index]
        self._turn_jaw(points, blendshapes, self._jaw[self._lip_index], self._close[self._lip_index])
        middle = points[:, :-2, 1].reshape(len(points), *self._contact.middle.shape)
        width = np.linalg.norm(points[:, -2] - points[:, -1], axis=1)
        return self._contact.opening(middle) * _MM, np.asarray(width * _MM)

    def at_vertices(self, chosen: NDArray[np.intp]) -> BuiltinHead:
        """A head of the `chosen` vertices [N], then those that decide how the lips touch: quick to pose, not to be seen."""
        used = np.concatenate([chosen, np.setdiff1d(np.r_[self._contact.vertices, self._lip_index], chosen)])
        few, count = copy(self), len(self._shapes)
        few.neutral_m, few._neutral_mm = self.neutral_m[used], self._neutral_mm[used]
        few._shapes = np.ascontiguousarray(self._shapes.reshape(count, -1, 3)[:, used].reshape(count, -1))
        few._jaw, few._close = self._jaw[used], self._close[used]
        few._turned = np.flatnonzero(few._jaw > 1e-4)
        few._contact = self._contact.at_vertices(used)
        order = np.argsort(used)
        few._lip_index = order[np.searchsorted(used, self._lip_index, sorter=order)]
        few._eyes = tuple(eye.at_vertices(used) for eye in self._eyes)
        few.triangles, few.regions = np.zeros((0, 3), np.int32), np.zeros(0, np.uint8)
        few.colors, few.landmarks = self.colors[used], {}
        return few

    def _assemble(self, parts: list[Part]) -> None:
        starts = np.cumsum([0, *(len(part.points) for part in parts)])
        points = np.concatenate([part.points for part in parts])
        triangles = np.concatenate([part.triangles + start for part, start in zip(parts, starts[:-1], strict=True)])
        regions = np.concatenate([part.regions for part in parts])
        self._neutral_mm = points.astype(np.float32)
        self._shapes = _frozen(_stacked_shapes(parts))
        self._jaw = _frozen(np.concatenate([part.jaw for part in parts]).astype(np.float32))
        close = [np.zeros(len(p.points)) if p.close is None else p.close for p in parts]
        self._close = _frozen(np.concatenate(close).astype(np.float32))
        self._turned = np.flatnonzero(self._jaw > 1e-4)
        self.triangles: NDArray[np.int32] = _frozen(triangles.astype(np.int32))
        self.regions: NDArray[np.uint8] = _frozen(np.array([REGION_NAMES.index(r) for r in regions], np.uint8))
        self.colors: Array = _frozen(np.clip(np.concatenate([part.colors for part in parts]), 0, 1).astype(np.float32))

    def _pose_mm(self, blendshapes: Array, tongue: Array, eyes: Array, out: Array) -> None:
        weights = drivers.features(blendshapes, tongue)
        np.matmul(weights, self._shapes, out=out.reshape(len(out), -1))
        out += self._neutral_mm
        turned = out[:, self._turned]
        self._turn_jaw(turned, blendshapes, self._jaw[self._turned], self._close[self._turned])
        out[:, self._turned] = turned
        self._contact.apply(out, _incisor_shift(blendshapes, self._mouth))
        for eye in self._eyes:
            looking = eye.local @ rotations(eyes[:, eye.columns]).swapaxes(1, 2)
            out[:, eye.vertices] = fill_socket(looking, eye.outwards, self._eye_widening) + eye.center

    def _turn_jaw(self, points: Array, blendshapes: Array, jaw: Array, close: Array) -> None:
        """Move `points` [T, N, 3] with the jaw, in place; `jaw` and `close` [N] are their shares."""
        opened, closed = drivers.control(blendshapes, "jawOpen"), drivers.jaw_closing(blendshapes)
        move_with_jaw(points, jaw * (opened[:, None] - close * closed[:, None]), jaw, _joint_shift(blendshapes))


@dataclass(frozen=True, slots=True)
class _Base:
    """What all people share: the default's skin and its shapes."""

    skin: Skin
    lips: LipGrid
    part: Part


@cache
def _base() -> _Base:
    skin = build_skin(build_cage())
    lips = find_lip_grid(skin)
    offsets = {name: skin.carry(offset) for name, offset in build_shapes(skin.cage).items()}
    close = np.where(skin.ring < BEYOND, np.interp(skin.ring, RINGS, _CLOSE_BY_RING), 0)
    rest = closed_at_rest(skin, lips)
    part = Part(rest, skin.triangles, skin_regions(skin), np.zeros_like(rest), skin.jaw, offsets, close, name="skin")
    return _Base(skin, lips, part)


def _parts(base: _Base, look: Appearance) -> list[Part]:
    """All parts at the default's sizes, in the order of the mesh."""
    skin, palette = base.skin, Palette.of(look)
    colors = skin_colors(skin, look, palette)
    sided = [build_eye(palette), build_ear(palette.ear), build_brow(skin, colors, palette.brow, look.brow_weight),
             build_lashes(skin)]  # fmt: skip
    mirrored = [part.mirrored(skin.mirror) for part in sided]
    mouth = [build_teeth(UPPER), build_gums(UPPER), build_teeth(LOWER), build_gums(LOWER), build_tongue()]
    return [replace(base.part, colors=colors), *mouth, *sided, *mirrored, build_hair(skin, look, palette),
            build_garment(palette.garment)]  # fmt: skip


def _bent(part: Part, warp: Warp, skin: Skin) -> Part:
    """A part at a person's sizes; eyeballs keep their shape."""
    if not warp.amounts.any():
        return part
    if part.eye is not None:
        center = _eye_center(part.eye)[None]
        return replace(part, points=part.points + warp(center) - center)
    points = warp(part.points)
    if not part.offsets:
        return replace(part, points=points)
    stretch = warp.jacobian(part.points)
    offsets = {name: (stretch @ offset[:, :, None])[:, :, 0] for name, offset in part.offsets.items()}
    if part.name == "skin":
        upper, lower = warp.lips(skin.ring, skin.column)
        points = points + upper + lower
        offsets |= {name: offsets[name] - above * upper - below * lower for name, (above, below) in EVENED.items()}
    return replace(part, points=points, offsets=offsets)


def _eye_center(eye: int) -> Points:
    return np.asarray(EYE_CENTER * ((-1, 1, 1) if eye else (1, 1, 1)))


@dataclass(frozen=True, slots=True)
class _Eye:
    vertices: slice | NDArray[np.intp]
    columns: slice  # of `eyes_pose`
    center: Array  # [3] mm
    local: Array  # [N, 3] mm from the centre
    outwards: float  # direction of the temple along x

    def at_vertices(self, chosen: NDArray[np.intp]) -> _Eye:
        """The same eye on a mesh of the `chosen` vertices."""
        every = np.arange(int(chosen.max()) + 1)[self.vertices]
        kept = np.flatnonzero(np.isin(chosen, every))
        return replace(self, vertices=kept, local=self.local[np.searchsorted(every, chosen[kept])])


def _eyes(parts: list[Part], neutral_mm: Array, warp: Warp) -> tuple[_Eye, ...]:
    eyes, start = [], 0
    for part in parts:
        vertices = slice(start, start + len(part.points))
        start = vertices.stop
        if part.eye is not None:
            center = warp(_eye_center(part.eye)[None])[0].astype(np.float32)
            columns = slice(3 * part.eye, 3 * part.eye + 3)
            eyes.append(_Eye(vertices, columns, center, neutral_mm[vertices] - center, -1.0 if part.eye else 1.0))
    return tuple(eyes)


def _stacked_shapes(parts: list[Part]) -> Array:
    """The shape of each feature over all parts, as rows. -> [features, 3 V] mm"""
    rows = [np.concatenate([_offsets(part, parts[0], name) for part in parts]).ravel() for name in drivers.FEATURES]
    return np.stack(rows).astype(np.float32)


def _offsets(part: Part, skin: Part, name: str) -> Points:  # [N, 3]
    if part.follows is not None:
        return np.asarray(part.follows @ _offsets(skin, skin, name))
    return part.offsets.get(name, np.zeros_like(part.points))


def rotations(axis_angle: Array) -> Array:
    """Rodrigues' formula. [T, 3] rad -> [T, 3, 3]"""
    angle = np.linalg.norm(axis_angle, axis=1)[:, None, None]
    x, y, z = (axis_angle / np.maximum(angle[:, 0], 1e-12)).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross), np.float32)


def _joint_shift(blendshapes: Array) -> Array:  # [T, 3] mm
    forward, left, right = (drivers.control(blendshapes, name) for name in ("jawForward", "jawLeft", "jawRight"))
    return np.asarray(joint_shift(forward, left, right))


def _incisor_shift(blendshapes: Array, mouth: Mouth) -> Array:
    """How far the lower incisors' edge has moved. [T, 52] -> [T, 2] y, z mm"""
    rest = np.array([0, LOWER.edge, LOWER.front], np.float32) + mouth.shift
    edge = np.tile(rest, (len(blendshapes), 1, 1))
    opening = drivers.control(blendshapes, "jawOpen")[:, None]
    move_with_jaw(edge, opening, np.ones(1, np.float32), _joint_shift(blendshapes))
    return np.asarray(edge[:, 0, 1:] - rest[1:])


def _checked(blendshapes: Array, tongue: Array) -> tuple[Array, Array]:
    blendshapes, tongue = np.asarray(blendshapes, np.float32), np.asarray(tongue, np.float32)
    wanted = (len(blendshapes), len(ARKIT_NAMES)), (len(blendshapes), len(TONGUE_NAMES))
    if (blendshapes.shape, tongue.shape) != wanted:
        raise HeadError(f"controls of shape {blendshapes.shape} and {tongue.shape}, expected {wanted[0]} and {wanted[1]}")
    return blendshapes, tongue


def _frozen(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    array.setflags(write=False)
    return array
