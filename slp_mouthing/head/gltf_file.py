"""What a `.glb` file holds of a head: one mesh with named morph targets, in the scene's own space.

All meshes of the scene become one: nodes' transforms and skins at rest are applied, primitives that share vertices stay joined.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.assets import checksum
from slp_mouthing.errors import HeadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_KINDS = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
"""glTF's component types as little-endian numpy types."""
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_READABLE = {"KHR_mesh_quantization", "KHR_texture_transform", "KHR_materials_unlit"}
"""Extensions that a file may require: the others change how its numbers are stored."""
_TRIANGLES = 4
_DEEPEST = 64
"""Nodes below one another; more is a loop."""
_DAMAGED = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
    struct.error,
)  # fmt: skip
"""What pygltflib and numpy raise on a file that contradicts itself."""


@dataclass(frozen=True, slots=True)
class GltfClip:
    """The first animation of morph targets in a file."""

    times_s: Floats  # [T]
    weights: Mapping[str, Floats]  # by target [T]


@dataclass(frozen=True, slots=True)
class GltfMesh:
    """The scene's triangles. `regions` index `materials`."""

    points: Floats  # [V, 3] scene units
    triangles: NDArray[np.int32]  # [F, 3]
    colors: Floats  # [V, 3] linear RGB
    materials: tuple[str, ...]
    regions: NDArray[np.intp]  # [F]
    targets: Mapping[str, Floats]  # [V, 3] offsets by the file's own names
    landmarks: Mapping[str, NDArray[np.int32]]
    """Vertex indices that the file itself names (`extras.landmarks` of a mesh)."""
    clip: GltfClip | None
    checksum: str


def read_glb(path: str | Path) -> GltfMesh:
    """The mesh of a binary glTF 2 file. Raises `HeadError` when it is missing, damaged, compressed, or without a mesh."""
    path = Path(path)
    digest = checksum(path)
    content = path.read_bytes()
    if content[:4] != b"glTF" or len(content) < 20:
        raise HeadError(
            "is not a binary glTF file (.glb)", where=str(path), hint="export the head as GLB, one file with all data"
        )
    if len(content) < int.from_bytes(content[8:12], "little"):
        raise HeadError(f"is cut short after {len(content)} bytes", where=str(path), hint="copy or export it again")
    try:
        return _Reader(content, str(path), digest).mesh()
    except _DAMAGED as error:
        raise HeadError(f"is damaged, or not glTF 2 ({error})", where=str(path), hint="export it again") from error


@dataclass(slots=True)
class _Pieces:
    """The scene's primitives as they are met, one list entry per set of vertices or triangles."""

    points: list[Floats] = field(default_factory=list)
    colors: list[Floats] = field(default_factory=list)
    triangles: list[NDArray[np.int64]] = field(default_factory=list)
    regions: list[int] = field(default_factory=list)  # material by entry of `triangles`
    targets: list[dict[str, Floats]] = field(default_factory=list)
    starts: dict[tuple[int, int], int] = field(default_factory=dict)  # first vertex by (node, accessor of positions)
    landmarks: dict[str, NDArray[np.int32]] = field(default_factory=dict)
    count: int = 0


class _Reader:
    def __init__(self, content: bytes, where: str, digest: str) -> None:
        import pygltflib

        self._file = pygltflib.GLTF2.load_from_bytes(content)
        if self._file is None:
            raise ValueError("no glTF document")
        self._where, self._digest = where, digest
        self._payload = self._file.binary_blob() or b""
        if foreign := sorted(set(self._file.extensionsRequired or ()) - _READABLE):
            raise HeadError(f"needs {', '.join(foreign)}", where=where, hint="export it without compression")

    def mesh(self) -> GltfMesh:
        pieces = _Pieces()
        for node, to_scene in self._mesh_nodes():
            self._add_mesh(pieces, node, to_scene)
        if not pieces.triangles:
            raise HeadError("holds no triangles", where=self._where, hint="export the head's mesh with its shape keys")
        points = np.concatenate(pieces.points)
        triangles = np.concatenate(pieces.triangles).astype(np.int32)
        if triangles.min() < 0 or triangles.max() >= len(points):
            raise HeadError(f"a triangle names vertex {triangles.max()} of {len(points)}", where=self._where)
        targets = _stacked(pieces, len(points))
        for name, values in (("the mesh", points), *((f"target '{name}'", offsets) for name, offsets in targets.items())):
            if not np.isfinite(values).all():
                raise HeadError(f"{name} holds values that are not finite", where=self._where, hint="export it again")
        return GltfMesh(
            points=points, triangles=triangles, colors=np.concatenate(pieces.colors), materials=self._materials(),
            regions=np.repeat(pieces.regions, [len(t) for t in pieces.triangles]), targets=targets,
            landmarks=pieces.landmarks, clip=self._clip(), checksum=self._digest,
        )  # fmt: skip

    # ---- scene ----
    def _mesh_nodes(self) -> Iterator[tuple[int, Floats]]:
        """Nodes with a mesh and their transforms to the scene."""
        placed = self._placed()
        return ((node, matrix) for node, matrix in placed.items() if self._file.nodes[node].mesh is not None)

    def _placed(self) -> dict[int, Floats]:
        """Transform of every node of the scene. -> [4, 4] by node"""
        file = self._file
        found: dict[int, Floats] = {}
        children = {child for node in file.nodes for child in node.children or ()}
        roots = file.scenes[file.scene or 0].nodes if file.scenes else [n for n in range(len(file.nodes)) if n not in children]
        pending: list[tuple[int, Floats, int]] = [(root, np.eye(4), 0) for root in reversed(roots or ())]
        while pending:
            index, above, depth = pending.pop()
            if depth > _DEEPEST:
                raise HeadError(f"nodes lie more than {_DEEPEST} deep, or in a circle", where=self._where)
            found[index] = above @ _local(file.nodes[index])
            pending += [(child, found[index], depth + 1) for child in reversed(file.nodes[index].children or ())]
        return found

    def _skin_transform(self, node: Any, attributes: Any) -> Floats:
        """What the skin's joints make of each vertex at rest. -> [V, 4, 4]"""
        placed, skin = self._placed(), self._file.skins[node.skin]
        joints = np.stack([placed[joint] for joint in skin.joints])
        if skin.inverseBindMatrices is not None:
            joints = joints @ self._array(skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
        weights, chosen = self._array(attributes.WEIGHTS_0), self._array(attributes.JOINTS_0).astype(int)
        weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        return np.asarray(np.einsum("vj,vjab->vab", weights, joints[chosen]))

    def _add_mesh(self, pieces: _Pieces, index: int, to_scene: Floats) -> None:
        node = self._file.nodes[index]
        mesh = self._file.meshes[node.mesh]
        extras = mesh.extras or {}
        names = [str(name) for name in extras.get("targetNames", ())]
        first = pieces.count
        for primitive in mesh.primitives:
            if primitive.mode not in (None, _TRIANGLES):
                raise HeadError(f"a primitive of mode {primitive.mode}", where=self._where, hint="export plain triangles")
            key = (index, primitive.attributes.POSITION)
            if key not in pieces.starts:
                pieces.starts[key] = pieces.count
                self._add_vertices(pieces, node, primitive, to_scene, names)
            count = self._file.accessors[primitive.attributes.POSITION].count
            corners = np.arange(count) if primitive.indices is None else self._array(primitive.indices)[:, 0]
            triangles = corners.astype(np.int64).reshape(-1, 3) + pieces.starts[key]
            pieces.triangles.append(triangles[:, ::-1] if np.linalg.det(to_scene[:3, :3]) < 0 else triangles)
            pieces.regions.append(0 if primitive.material is None else primitive.material + 1)
        for name, vertices in extras.get("landmarks", {}).items():
            pieces.landmarks[name] = np.atleast_1d(np.asarray(vertices, np.int32)) + first

    def _add_vertices(self, pieces: _Pieces, node: Any, primitive: Any, to_scene: Floats, names: list[str]) -> None:
        points = self._array(primitive.attributes.POSITION)
        turn = np.broadcast_to(to_scene, (len(points), 4, 4))
        if node.skin is not None and primitive.attributes.JOINTS_0 is not None:
            turn = self._skin_transform(node, primitive.attributes)
        offsets = {}
        for number, target in enumerate(primitive.targets or ()):
            accessor = target.get("POSITION") if isinstance(target, dict) else target.POSITION
            if accessor is not None and number < len(names):
                offsets[names[number]] = np.einsum("vab,vb->va", turn[:, :3, :3], self._array(accessor))
        pieces.points.append(np.einsum("vab,vb->va", turn[:, :3, :3], points) + turn[:, :3, 3])
        pieces.colors.append(self._colors(primitive, len(points)))
        pieces.targets.append(offsets)
        pieces.count += len(points)

    # ---- materials ----
    def _materials(self) -> tuple[str, ...]:
        return ("", *(str(material.name or "") for material in self._file.materials))

    def _colors(self, primitive: Any, count: int) -> Floats:
        """The material's factor times the vertex colours; textures are not read. -> [V, 3]"""
        factor = np.ones(3)
        if primitive.material is not None:
            shading = self._file.materials[primitive.material].pbrMetallicRoughness
            factor = np.asarray((shading and shading.baseColorFactor) or (1, 1, 1), float)[:3]
        if primitive.attributes.COLOR_0 is None:
            return np.tile(factor, (count, 1))
        return factor * self._array(primitive.attributes.COLOR_0)[:, :3]

    # ---- animation ----
    def _clip(self) -> GltfClip | None:
        for animation in self._file.animations:
            for channel in animation.channels:
                if channel.target.path == "weights":
                    sampler = animation.samplers[channel.sampler]
                    times = self._array(sampler.input)[:, 0]
                    mesh = self._file.meshes[self._file.nodes[channel.target.node].mesh]
                    weights = self._array(sampler.output).reshape(len(times), -1)
                    names = (mesh.extras or {}).get("targetNames", ())
                    return GltfClip(times, dict(zip(map(str, names), weights.T, strict=True)))
        return None

    # ---- arrays ----
    def _array(self, index: int) -> Floats:
        """An accessor's numbers, normalised integers as fractions. -> [N, width]"""
        accessor = self._file.accessors[index]
        width = _WIDTHS[accessor.type]
        if accessor.bufferView is None:
            values = np.zeros((accessor.count, width), _KINDS[accessor.componentType])
        else:
            values = self._stored(accessor.bufferView, accessor.byteOffset, accessor.componentType, accessor.count, width)
        if accessor.sparse is not None:
            values, sparse = values.copy(), accessor.sparse
            at, of = sparse.indices, sparse.values
            chosen = self._stored(at.bufferView, at.byteOffset, at.componentType, sparse.count, 1)[:, 0]
            values[chosen] = self._stored(of.bufferView, of.byteOffset, accessor.componentType, sparse.count, width)
        if accessor.normalized:
            return np.maximum(values / float(np.iinfo(values.dtype).max), -1.0)
        return values.astype(np.float64)

    def _stored(self, view: int, offset: int | None, kind: int, count: int, width: int) -> NDArray[Any]:
        stored = self._file.bufferViews[view]
        if self._file.buffers[stored.buffer].uri is not None:
            raise HeadError("keeps its data in another file", where=self._where, hint="export it as one GLB")
        dtype = np.dtype("<" + _KINDS[kind])
        stride = stored.byteStride or dtype.itemsize * width
        start, end = offset or 0, (offset or 0) + stride * (count - 1) + dtype.itemsize * width
        if count < 1 or start < 0 or end > stored.byteLength or (stored.byteOffset or 0) + end > len(self._payload):
            raise ValueError(f"an accessor reaches beyond buffer view {view}")
        begin = (stored.byteOffset or 0) + start
        return np.ndarray((count, width), dtype, self._payload, begin, (stride, dtype.itemsize))


def _local(node: Any) -> Floats:
    """A node's transform to its parent. -> [4, 4]"""
    if node.matrix is not None:
        return np.asarray(node.matrix, float).reshape(4, 4).T
    from scipy.spatial.transform import Rotation

    matrix = np.eye(4)
    turn = Rotation.from_quat(node.rotation).as_matrix() if node.rotation else np.eye(3)
    matrix[:3, :3] = turn * np.asarray(node.scale or (1, 1, 1), float)
    matrix[:3, 3] = node.translation or (0, 0, 0)
    return matrix


def _stacked(pieces: _Pieces, count: int) -> dict[str, Floats]:
    """Each target over all vertices, still where a primitive lacks it."""
    names = dict.fromkeys(name for targets in pieces.targets for name in targets)
    stacked: dict[str, Floats] = {name: np.zeros((count, 3)) for name in names}
    start = 0
    for points, targets in zip(pieces.points, pieces.targets, strict=True):
        for name, offsets in targets.items():
            stacked[name][start : start + len(points)] = offsets
        start += len(points)
    return stacked
