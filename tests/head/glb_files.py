"""GLB files of heads as other tools write them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.types import CONTROL_NAMES
from tests.head.flame_like import around_vertices, proportions, skin_triangles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_COMPONENTS = {"float32": 5126, "uint32": 5125, "uint16": 5123, "int16": 5122, "uint8": 5121}


@dataclass
class Part:
    """One mesh of a file. Offsets by target name."""

    points: np.ndarray
    triangles: np.ndarray
    targets: dict[str, np.ndarray]
    material: str = "Skin"
    color: tuple[float, float, float] = (0.6, 0.4, 0.3)
    node: dict[str, Any] = field(default_factory=dict)
    """`scale`, `rotation`, `translation` or `matrix`."""
    extras: dict[str, Any] = field(default_factory=dict)


def other_head(names: Sequence[str] = CONTROL_NAMES) -> Part:
    """The built-in head's skin and eyes, resampled, in other proportions, with the targets `names`: no mesh of ours."""
    head = load_builtin()
    faces = head.triangles[skin_triangles(head)]

    def middles(points: np.ndarray) -> np.ndarray:
        return proportions(points[faces].mean(axis=1).astype(float))

    neutral = middles(head.neutral_m)
    targets = {name: middles(head.neutral_m + head.target(name)) - neutral for name in names}
    return Part(neutral, around_vertices(faces), targets)


def write_glb(path: Path, parts: Sequence[Part], *, integers: bool = False, sparse: bool = False, **document: Any) -> Path:
    """Each part is a mesh and a node; `integers` stores positions and offsets as normalised 16-bit numbers."""
    writer = _Writer()
    meshes, nodes, materials = [], [], []
    for number, part in enumerate(parts):
        size = max(float(np.abs(part.points).max()), *(float(np.abs(t).max()) for t in part.targets.values()), 1e-9)
        unit = size if integers else 1.0
        store = writer.integers if integers else writer.sparse if sparse else writer.floats
        primitive = {
            "attributes": {"POSITION": (writer.integers if integers else writer.floats)(part.points / unit)},
            "indices": writer.add(part.triangles.astype(np.uint32).reshape(-1, 1), "SCALAR"),
            "material": number,
            "targets": [{"POSITION": store(offsets / unit)} for offsets in part.targets.values()],
        }
        meshes.append({"primitives": [primitive], "extras": {"targetNames": list(part.targets), **part.extras}})
        nodes.append({"mesh": number, **part.node})
        if integers:
            nodes[-1]["scale"] = [unit] * 3
        materials.append({"name": part.material, "pbrMetallicRoughness": {"baseColorFactor": [*part.color, 1.0]}})
    content = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": list(range(len(nodes)))}], "nodes": nodes,
        "meshes": meshes, "materials": materials, "accessors": writer.accessors, "bufferViews": writer.views,
        "buffers": [{"byteLength": len(writer.payload)}], **document,
    }  # fmt: skip
    path.write_bytes(container(content, bytes(writer.payload)))
    return path


def container(document: dict[str, Any], payload: bytes) -> bytes:
    text = json.dumps(document).encode()
    chunks = [(b"JSON", text + b" " * (-len(text) % 4)), (b"BIN\0", payload + bytes(-len(payload) % 4))]
    body = b"".join(len(content).to_bytes(4, "little") + kind + content for kind, content in chunks)
    return b"glTF" + (2).to_bytes(4, "little") + (12 + len(body)).to_bytes(4, "little") + body


class _Writer:
    def __init__(self) -> None:
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.payload = bytearray()

    def add(self, values: np.ndarray, kind: str, **more: Any) -> int:
        self.accessors.append(
            {"bufferView": self._view(values), "componentType": _COMPONENTS[values.dtype.name], "count": len(values),
             "type": kind, **more}
        )  # fmt: skip
        return len(self.accessors) - 1

    def floats(self, values: np.ndarray) -> int:
        return self.add(values.astype(np.float32), "VEC3")

    def integers(self, values: np.ndarray) -> int:
        padded = np.zeros((len(values), 4), np.int16)  # a vertex starts at a multiple of four bytes
        padded[:, :3] = np.round(values * 32767)
        index = self.add(padded, "VEC3", normalized=True)
        self.views[-1]["byteStride"] = 8
        return index

    def sparse(self, values: np.ndarray) -> int:
        moved = np.flatnonzero(np.abs(values).max(axis=1) > 1e-7)
        moved = moved if len(moved) else np.zeros(1, np.intp)
        at, of = self._view(moved.astype(np.uint16)), self._view(values[moved].astype(np.float32))
        self.accessors.append({
            "componentType": 5126, "count": len(values), "type": "VEC3",
            "sparse": {"count": len(moved), "indices": {"bufferView": at, "componentType": 5123}, "values": {"bufferView": of}},
        })  # fmt: skip
        return len(self.accessors) - 1

    def _view(self, values: np.ndarray) -> int:
        self.views.append({"buffer": 0, "byteOffset": len(self.payload), "byteLength": values.nbytes})
        self.payload += values.tobytes() + bytes(-values.nbytes % 4)
        return len(self.views) - 1
