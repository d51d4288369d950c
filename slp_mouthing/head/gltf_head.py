"""Any head with ARKit's blend shapes in a `.glb` file.

The file's own shapes are the head: its controls add up linearly, then lips that would cross are parted. Textures are not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.head.arkit_names import by_control
from slp_mouthing.head.face_finder import FACE_M, Mouth, face_height, find_landmarks, find_mouth
from slp_mouthing.head.gltf_file import read_glb
from slp_mouthing.head.lip_pairs import pair_lips
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, TONGUE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.head.gltf_file import GltfMesh
    from slp_mouthing.head.lip_pairs import LipPairs
    from slp_mouthing.types import Array

    Floats = NDArray[np.floating[Any]]

_Scalar = TypeVar("_Scalar", bound=np.generic)

REGION_NAMES = ("skin", "lip", "mouth_cavity", "gum", "tooth", "tongue", "sclera", "lash", "brow", "hair", "garment")
_REGION_WORDS = (
    (r"lip", "lip"), (r"teeth|tooth|dental", "tooth"), (r"gum", "gum"), (r"tongue", "tongue"), (r"lash", "lash"),
    (r"brow", "brow"), (r"eye|iris|sclera|cornea|pupil", "sclera"), (r"mouth", "mouth_cavity"), (r"hair|beard", "hair"),
    (r"cloth|garment|shirt|outfit|top|bottom|shoe|body", "garment"),
)  # fmt: skip
"""What a material's name says it is, the first that fits; skin otherwise."""

NEEDED = ("jawOpen", "mouthClose")
"""Without these a mouth neither opens nor closes: shapes that a head must have."""
_UNITS = {"metres": 1.0, "centimetres": 1e-2, "millimetres": 1e-3, "inches": 0.0254, "decimetres": 0.1}
_PLAUSIBLE = 2.0
"""A face this many times larger or smaller than an adult's is in another unit."""
_LOOK_RAD = np.radians((25.0, 30.0))
"""Turn of the eyes at eyeLookUp/Down 1 and eyeLookIn/Out 1, as ARKit's own face has it."""
_LOOKS = tuple((f"eyeLook{way}{side}", 3 * k + axis, sign * _LOOK_RAD[axis])
               for k, (side, out) in enumerate((("Left", 1), ("Right", -1)))
               for way, axis, sign in (("Down", 0, 1), ("Up", 0, -1), ("Out", 1, out), ("In", 1, -out)))  # fmt: skip
"""(control, column of eyes_pose, rad at weight 1); +x down, +y to the head's left."""
_CHUNK = 64
"""Frames posed at once, so that the working set stays in cache."""


@dataclass(slots=True, eq=False)  # `Head` asks for plain attributes, and for a hash by identity
class GlbHead:
    """A `Head` (see `rig.py`) from a file. Immutable; arrays are read-only, and threads may share it."""

    name: str
    """The file's name, `my.glb`."""
    neutral_m: Array  # [V, 3]
    triangles: NDArray[np.int32]  # [F, 3]
    regions: NDArray[np.uint8]  # [F] index into `region_names`
    region_names: tuple[str, ...]
    colors: Array  # [V, 3] linear RGB
    landmarks: Mapping[str, NDArray[np.int32]]
    targets: Array  # [C, V, 3] offsets at weight 1 in the order of CONTROL_NAMES, zeros for those in `missing`
    missing: tuple[str, ...]
    """Controls that the file has no shape for."""
    warnings: tuple[str, ...]
    """What had to be guessed, and what is missing; one line each."""
    pairs: LipPairs
    checksum: str

    def pose(self, blendshapes: Array, tongue: Array, eyes_pose: Array | None = None) -> Array:
        """Vertices with lip contact. [T, 52], [T, K], [T, 6] -> [T, V, 3] m. Raises `HeadError` for other shapes.

        The eyes turn as far as the file's eyeLook shapes turn them; for an `eyes_pose` their weights are taken from its angles.
        """
        controls = self._controls(blendshapes, tongue, eyes_pose)
        shapes = self.targets.reshape(len(CONTROL_NAMES), -1)
        out = np.empty((len(controls), *self.neutral_m.shape), np.float32)
        for start in range(0, len(out), _CHUNK):
            block = out[start : start + _CHUNK]
            np.matmul(controls[start : start + _CHUNK], shapes, out=block.reshape(len(block), -1))
            block += self.neutral_m
            self.pairs.part(block)
        return out

    def target(self, name: str) -> Array:
        """Offsets of one control at weight 1, zeros when the file has none. -> [V, 3] m. Raises `HeadError` for other names."""
        if name not in CONTROL_NAMES:
            raise HeadError(f"no control named {name!r}", hint=f"one of {', '.join(CONTROL_NAMES)}")
        return np.asarray(self.targets[CONTROL_NAMES.index(name)])

    def jaw_pose(self, blendshapes: Array) -> Array:
        """The jaw's axis-angle: the turn about x that jawOpen comes nearest to at the chin. [T, 52] -> [T, 3] rad"""
        opening = np.asarray(blendshapes, np.float32)[:, ARKIT_NAMES.index("jawOpen")]
        return np.stack([opening * np.float32(self._opening_rad()), 0 * opening, 0 * opening], axis=1)

    def eyes_pose(self, blendshapes: Array) -> Array:
        """The eyes' axis-angle. [T, 52] -> [T, 6] rad, left then right; +x down, +y to the head's left."""
        weights = np.asarray(blendshapes, np.float32)
        out = np.zeros((len(weights), 6), np.float32)
        for name, column, angle in _LOOKS:
            out[:, column] += weights[:, ARKIT_NAMES.index(name)] * np.float32(angle)
        return out

    def lips(self, blendshapes: Array, tongue: Array) -> tuple[Array, Array]:
        """Inner-lip gap at the midline, 0 in contact, and corner distance. [T, 52], [T, K] -> [T] m, [T] m"""
        ends = np.array([self.landmarks["lip_corner_left"][0], self.landmarks["lip_corner_right"][0]])
        few = self.at_vertices(ends)
        points = few.pose(blendshapes, tongue)
        return few.pairs.opening(points), np.linalg.norm(points[:, 0] - points[:, 1], axis=1)

    def at_vertices(self, chosen: NDArray[np.intp]) -> GlbHead:
        """A head of the `chosen` vertices [N], then those that decide how the lips touch: quick to pose, not to be seen."""
        used = np.r_[chosen, self.pairs.vertices]
        none = np.zeros((0, 3), np.int32)
        return replace(
            self, neutral_m=self.neutral_m[used], targets=np.ascontiguousarray(self.targets[:, used]), colors=self.colors[used],
            triangles=none, regions=np.zeros(0, np.uint8), landmarks=MappingProxyType({}), pairs=self.pairs.at_vertices(used),
        )  # fmt: skip

    def _controls(self, blendshapes: Array, tongue: Array, eyes_pose: Array | None) -> Array:
        """[T, 52], [T, K], [T, 6] -> [T, C]"""
        blendshapes, tongue = np.asarray(blendshapes, np.float32), np.asarray(tongue, np.float32)
        frames = len(blendshapes)
        if blendshapes.shape != (frames, len(ARKIT_NAMES)) or tongue.shape != (frames, len(TONGUE_NAMES)):
            raise HeadError(
                f"controls of shape {blendshapes.shape} and {tongue.shape}, "
                f"expected {(frames, len(ARKIT_NAMES))} and {(frames, len(TONGUE_NAMES))}"
            )
        controls = np.concatenate([blendshapes, tongue], axis=1)
        if eyes_pose is not None:
            for name, column, angle in _LOOKS:
                controls[:, ARKIT_NAMES.index(name)] = np.clip(np.asarray(eyes_pose)[:, column] / angle, 0, 1)
        return controls

    def _opening_rad(self) -> float:
        """Least squares of small turns with a shift, over what jawOpen moves most."""
        offsets = self.target("jawOpen").astype(float)
        size = np.linalg.norm(offsets, axis=1)
        moved = size > 0.7 * size.max()
        y, z = (self.neutral_m[moved, axis] - self.neutral_m[moved, axis].mean() for axis in (1, 2))
        dy, dz = (offsets[moved, axis] - offsets[moved, axis].mean() for axis in (1, 2))
        return float((y @ dz - z @ dy) / max(float(y @ y + z @ z), np.finfo(float).tiny))


def load_glb_head(path: str | Path) -> GlbHead:
    """The head of a `.glb` file in metres, y up, facing +z; `GlbHead.warnings` says what was guessed.

    Shapes are found by `extras.targetNames` of the meshes under ARKit's names in any common spelling. Landmarks are those of
    `extras.landmarks` of a mesh (vertex numbers by the names of `rig.Head`), the others are found by their geometry. A face much
    larger or smaller than an adult's is taken to be in centimetres, millimetres, inches or decimetres, and one that looks along
    another axis is turned.

    Raises `HeadError` for a file that cannot be read, lacks `NEEDED` shapes, or whose lips cannot be found.
    """
    path = Path(path)
    mesh = read_glb(path)
    found = by_control(mesh.targets)
    if lacking := [name for name in NEEDED if name not in found or not mesh.targets[found[name]].any()]:
        raise HeadError(
            f"has no shape {' and no '.join(lacking)} among {len(mesh.targets)} targets", where=str(path),
            hint="export the head with ARKit's 52 shape keys and their names (extras.targetNames)",
        )  # fmt: skip
    try:
        return _assemble(path, mesh, {name: mesh.targets[spelling] for name, spelling in found.items()})
    except HeadError as error:
        raise HeadError(error.what, where=str(path), hint=error.hint) from error


def _assemble(path: Path, mesh: GltfMesh, shapes: dict[str, Floats]) -> GlbHead:
    to_ours, warnings = _normalisation(mesh, shapes)
    points = mesh.points @ to_ours.T
    shapes = {name: offsets @ to_ours.T for name, offsets in shapes.items()}
    regions = _regions(mesh)
    missing = tuple(name for name in CONTROL_NAMES if name not in shapes)
    if lost := [name for name in missing if name in ARKIT_NAMES]:
        warnings.append(f"{path.name} lacks {len(lost)} of ARKit's 52 shapes, which stay still: {', '.join(lost)}")
    mouth, named = _mouth(points, mesh, shapes), _given_landmarks(mesh)
    lips = np.unique(mesh.triangles[regions == REGION_NAMES.index("lip")])
    landmarks = find_landmarks(points, mouth, lips, {n: shapes.get(n) for n in ("eyeBlinkLeft", "eyeBlinkRight")}) | named
    targets = np.stack([shapes.get(name, np.zeros_like(points)) for name in CONTROL_NAMES])
    pairs = pair_lips(points, mouth.skin, mouth.jaw_share, mouth.upper, mouth.lower, mouth.corners)
    return GlbHead(
        name=path.name, neutral_m=_frozen(points.astype(np.float32)), triangles=_frozen(mesh.triangles),
        regions=_frozen(regions), region_names=REGION_NAMES, colors=_frozen(np.clip(mesh.colors, 0, 1).astype(np.float32)),
        landmarks=MappingProxyType({name: _frozen(index) for name, index in landmarks.items()}),
        targets=_frozen(targets.astype(np.float32)), missing=missing, warnings=tuple(warnings), pairs=pairs,
        checksum=mesh.checksum,
    )  # fmt: skip


# ---- space ----------------------------------------------------------------------------------------------------------------
def _normalisation(mesh: GltfMesh, shapes: Mapping[str, Floats]) -> tuple[Floats, list[str]]:
    """The matrix [3, 3] from the file's axes and unit to ours, and what to warn of."""
    turn, warnings = _turn(mesh, shapes), []
    if not np.array_equal(turn, np.eye(3)):
        warnings.append("the face does not look along +z with y up, as glTF has it: turned")
    height = face_height({n: v @ turn.T for n, v in shapes.items()}, mesh.points @ turn.T)
    unit = "metres"
    if not FACE_M / _PLAUSIBLE < height < FACE_M * _PLAUSIBLE:
        unit = min(_UNITS, key=lambda name: abs(np.log(height * _UNITS[name] / FACE_M)))
        warnings.append(f"the face is {height:.3g} units high: taken as {unit}")
    return turn * _UNITS[unit], warnings


def _turn(mesh: GltfMesh, shapes: Mapping[str, Floats]) -> Floats:
    """The axes' permutation that brings the face upright and forward: jaws open downwards, faces look outwards. -> [3, 3]"""
    down = _axis(shapes["jawOpen"].sum(axis=0))
    corners = mesh.points[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = sum(np.linalg.norm(offsets, axis=1) for offsets in shapes.values())
    facing = (normals * np.asarray(size)[mesh.triangles].mean(axis=1)[:, None]).sum(axis=0)
    forward = _axis(np.where(down == 0, facing, 0))
    return np.stack([np.cross(-down, forward), -down, forward])


def _axis(vector: Floats) -> Floats:
    """The signed unit axis nearest to a direction. [3] -> [3]"""
    nearest = int(np.abs(vector).argmax())
    axis = np.zeros(3)
    axis[nearest] = np.sign(vector[nearest]) or 1.0
    return axis


# ---- what the file names --------------------------------------------------------------------------------------------------
def _regions(mesh: GltfMesh) -> NDArray[np.uint8]:
    """Index into `REGION_NAMES` by triangle."""
    words = (
        (next((region for word, region in _REGION_WORDS if re.search(word, name.lower())), "skin")) for name in mesh.materials
    )
    return np.array([REGION_NAMES.index(region) for region in words], np.uint8)[mesh.regions]


def _given_landmarks(mesh: GltfMesh) -> dict[str, NDArray[np.int32]]:
    for name, vertices in mesh.landmarks.items():
        if len(vertices) == 0 or vertices.min() < 0 or vertices.max() >= len(mesh.points):
            raise HeadError(f"landmark '{name}' names a vertex beyond the mesh's {len(mesh.points)}")
    return dict(mesh.landmarks)


def _mouth(points: Floats, mesh: GltfMesh, shapes: Mapping[str, Floats]) -> Mouth:
    return find_mouth(points, mesh.triangles, shapes["jawOpen"], face_height(shapes, points))


def _frozen(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    array.setflags(write=False)
    return array
