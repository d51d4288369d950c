"""The built-in head: made by code, with ARKit's 52 shapes, a jaw, eyes, a tongue and lips in contact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.head import drivers
from slp_mouthing.head.cage import BEYOND, EYE_CENTER, RINGS, build_cage
from slp_mouthing.head.contact import build_contact, closed_at_rest
from slp_mouthing.head.ears import build_ear
from slp_mouthing.head.eyes import build_eye, fill_socket
from slp_mouthing.head.garment import build_garment
from slp_mouthing.head.hair import build_brow, build_hair, build_lashes
from slp_mouthing.head.jaw import OPEN_RAD, joint_shift, move_with_jaw
from slp_mouthing.head.paint import skin_colors, skin_regions
from slp_mouthing.head.part import Part
from slp_mouthing.head.shapes import build_shapes
from slp_mouthing.head.surface import build_skin
from slp_mouthing.head.teeth import LOWER, UPPER, build_gums, build_teeth
from slp_mouthing.head.tongue import build_tongue
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, TONGUE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.head.contact import LipContact
    from slp_mouthing.head.subdivision import Points
    from slp_mouthing.head.surface import Skin
    from slp_mouthing.types import Array

_Scalar = TypeVar("_Scalar", bound=np.generic)

REGION_NAMES = (
    "skin", "lip", "mouth_cavity", "gum", "tooth", "tongue", "sclera", "iris", "pupil", "lash", "brow", "hair", "garment",
    "eyelid_edge", "nostril",
)  # fmt: skip
_MM = np.float32(1e-3)
_MEETING_ROW, _BORDER_ROW = 4, 12
"""Rows of the contact grids at which the lips meet, and at which their red ends."""
_CHUNK = 64
"""Frames posed at once, so that the working set stays in cache."""
_LOOK_RAD = np.radians((25.0, 30.0))
"""Turn of the eyes at eyeLookUp/Down 1 and eyeLookIn/Out 1."""
_CLOSE_BY_RING = (0, 0, 0.5, 1, 1, 1, 1, 1, 0.80, 0.55, 0.28)
"""How much of the jaw's motion `mouthClose` takes back, from the throat to the nasolabial fold."""


@cache
def load_builtin() -> BuiltinHead:
    """The built-in head, built on the first call."""
    return BuiltinHead()


class BuiltinHead:
    """A `Head` (see `rig.py`). Immutable once built; arrays are read-only, and threads may share it."""

    name = "builtin"
    region_names: tuple[str, ...] = REGION_NAMES

    def __init__(self) -> None:
        skin = build_skin(build_cage())
        rest = closed_at_rest(skin)
        parts = [_skin_part(skin, rest), *_other_parts(skin)]
        self._assemble(parts)
        self._contact: LipContact = build_contact(skin, rest)
        self._eyes = _eyes(parts, self._neutral_mm)
        for eye in self._eyes:
            self._neutral_mm[eye.vertices] = fill_socket(eye.local) + eye.center
        self.neutral_m: Array = _frozen(_frozen(self._neutral_mm) * _MM)
        self._lip_index = np.r_[self._contact.middle.ravel(), self._contact.corners[:, _MEETING_ROW]]
        count = len(self._shapes)
        self._lip_shapes = _frozen(self._shapes.reshape(count, -1, 3)[:, self._lip_index].reshape(count, -1))
        self.lip_columns = _frozen(np.stack([self._contact.upper, self._contact.lower]).astype(np.int32))
        """[2, L, R] vertices of the upper and the lower lip: columns that face each other, rows from inside outwards."""
        self.landmarks: Mapping[str, NDArray[np.int32]] = _landmarks(skin, self._contact, self._eyes)

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
        self._contact.apply(out, _incisor_shift(blendshapes))
        for eye in self._eyes:
            looking = eye.local @ rotations(eyes[:, eye.columns]).swapaxes(1, 2)
            out[:, eye.vertices] = fill_socket(looking) + eye.center

    def _turn_jaw(self, points: Array, blendshapes: Array, jaw: Array, close: Array) -> None:
        """Move `points` [T, N, 3] with the jaw, in place; `jaw` and `close` [N] are their shares."""
        opened, closed = drivers.control(blendshapes, "jawOpen"), drivers.jaw_closing(blendshapes)
        move_with_jaw(points, jaw * (opened[:, None] - close * closed[:, None]), jaw, _joint_shift(blendshapes))


@dataclass(frozen=True, slots=True)
class _Eye:
    vertices: slice
    columns: slice  # of `eyes_pose`
    center: Array  # [3] mm
    local: Array  # [N, 3] mm from the centre


def _eyes(parts: list[Part], neutral_mm: Array) -> tuple[_Eye, ...]:
    eyes, start = [], 0
    for part in parts:
        vertices = slice(start, start + len(part.points))
        start = vertices.stop
        if part.eye is not None:
            center = (EYE_CENTER * ((-1, 1, 1) if part.eye else (1, 1, 1))).astype(np.float32)
            eyes.append(_Eye(vertices, slice(3 * part.eye, 3 * part.eye + 3), center, neutral_mm[vertices] - center))
    return tuple(eyes)


def _skin_part(skin: Skin, rest: Points) -> Part:
    offsets = {name: skin.carry(offset) for name, offset in build_shapes(skin.cage).items()}
    close = np.where(skin.ring < BEYOND, np.interp(skin.ring, RINGS, _CLOSE_BY_RING), 0)
    return Part(rest, skin.triangles, skin_regions(skin), skin_colors(skin), skin.jaw, offsets, close)


def _other_parts(skin: Skin) -> list[Part]:
    """Everything but the skin, in the order of the mesh."""
    sided = [build_eye(), build_ear(), build_brow(skin), build_lashes(skin)]
    mirrored = [*(part.mirrored(skin.mirror) for part in sided)]
    return [build_teeth(UPPER), build_gums(UPPER), build_teeth(LOWER), build_gums(LOWER), build_tongue(), *sided, *mirrored,
            build_hair(skin), build_garment()]  # fmt: skip


def _stacked_shapes(parts: list[Part]) -> Array:
    """The shape of each feature over all parts, as rows. -> [features, 3 V] mm"""
    rows = [np.concatenate([_offsets(part, parts[0], name) for part in parts]).ravel() for name in drivers.FEATURES]
    return np.stack(rows).astype(np.float32)


def _offsets(part: Part, skin: Part, name: str) -> Points:  # [N, 3]
    if part.follows is not None:
        return np.asarray(part.follows @ _offsets(skin, skin, name))
    return part.offsets.get(name, np.zeros_like(part.points))


def _landmarks(skin: Skin, contact: LipContact, eyes: tuple[_Eye, ...]) -> Mapping[str, NDArray[np.int32]]:
    """Vertex indices by name, as `Head.landmarks` lists them, and the points that `anthropometry.py` measures."""
    names = skin.vertex
    upper, lower, (right, left) = contact.upper, contact.lower, contact.corners

    def contour(row: int) -> NDArray[np.int64]:
        return np.concatenate([right[row : row + 1], upper[:, row], left[row : row + 1], lower[::-1, row]])

    found = {
        "lips_inner": contour(_MEETING_ROW),
        "lips_outer": contour(_BORDER_ROW),
        "lip_upper_mid": upper[len(upper) // 2, _MEETING_ROW],
        "lip_lower_mid": lower[len(lower) // 2, _MEETING_ROW],
        "lip_corner_left": left[_MEETING_ROW],
        "lip_corner_right": right[_MEETING_ROW],
        "labiale_superius": upper[len(upper) // 2, _BORDER_ROW],
        "labiale_inferius": lower[len(lower) // 2, _BORDER_ROW],
        "nose_tip": names["Nr5_0"],
        "chin": names["R0_16"],
        "gnathion": names["R0_16"],
        "nasion": names["Nn_0"],
        "subnasale": names["M6_0"],
        "eye_left": eyes[0].vertices.start + int(np.argmax(eyes[0].local[:, 2])),
        "eye_right": eyes[1].vertices.start + int(np.argmax(eyes[1].local[:, 2])),
    }
    sided = {"cheilion": names["M3_5"], "canthus_inner": names["E2_0"], "canthus_outer": names["E2_6"], "ala": names["Nr5_2"],
             "zygion": names["R0_9"]}  # fmt: skip
    found |= {f"{name}_left": index for name, index in sided.items()}
    found |= {f"{name}_right": skin.mirror[index] for name, index in sided.items()}
    return MappingProxyType({name: _frozen(np.atleast_1d(index).astype(np.int32)) for name, index in found.items()})


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


def _incisor_shift(blendshapes: Array) -> Array:
    """How far the lower incisors' edge has moved. [T, 52] -> [T, 2] y, z mm"""
    rest = np.array([0, LOWER.edge, LOWER.front], np.float32)
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
