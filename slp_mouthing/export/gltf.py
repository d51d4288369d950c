"""Arrays as glTF accessors in one binary buffer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.export.normals import moving

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import Array

_COMPONENTS = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}
"""glTF's component types."""

_BYTES_PER_MOVED = 14
"""Of a sparse accessor of vectors: a short index and three floats."""


@dataclass(slots=True, eq=False)  # told apart by identity: two may hold the same bytes
class _View:
    """A buffer view in the making: arrays of one use, one after the other."""

    target: int | None = None
    stride: int | None = None
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0

    def append(self, array: NDArray[Any]) -> int:
        """Add the array's bytes. -> their offset in the view."""
        offset = self.size
        content = array.tobytes()
        content += bytes(-len(content) % 4)
        self.chunks.append(content)
        self.size += len(content)
        return offset


class Accessors:
    """Takes arrays and gives their accessor numbers; at the end, the accessors, buffer views and bytes of a file."""

    def __init__(self) -> None:
        import pygltflib

        self._lib = pygltflib
        self.accessors: list[Any] = []
        self._vertices = _View(target=pygltflib.ARRAY_BUFFER, stride=12)
        self._triangles = _View(target=pygltflib.ELEMENT_ARRAY_BUFFER)
        self._keys, self._moved, self._offsets = _View(), _View(), _View()
        self._optional: dict[str, _View] = {}
        self._views = [self._vertices, self._triangles, self._keys, self._moved, self._offsets]

    def vectors(self, values: Array, *, bounds: bool = False) -> int:
        """A vertex attribute. [V, 3]. Positions need their `bounds`."""
        return self._add("VEC3", values, self._vertices, bounds=bounds)

    def offsets(self, values: Array, *, bounds: bool = False) -> int:
        """A morph target's attribute, stored sparsely when that is smaller. [V, 3]."""
        moved = np.flatnonzero(moving(values))
        if len(values) > 0xFFFF or len(moved) * _BYTES_PER_MOVED >= values.nbytes:
            return self.vectors(values, bounds=bounds)
        # A sparse accessor holds at least one element, also for a target that moves nothing.
        moved = moved if len(moved) else np.zeros(1, np.intp)
        index = self._add("VEC3", values, None, bounds=bounds)
        self.accessors[index].sparse = self._lib.Sparse(
            count=len(moved),
            indices=self._lib.AccessorSparseIndices(
                bufferView=self._views.index(self._moved),
                byteOffset=self._moved.append(moved.astype(np.uint16)),
                componentType=self._lib.UNSIGNED_SHORT,
            ),
            values=self._lib.AccessorSparseValues(
                bufferView=self._views.index(self._offsets), byteOffset=self._offsets.append(values[moved])
            ),
        )
        return index

    def triangles(self, corners: NDArray[np.int32], vertices: int) -> int:
        """Vertex indices of a primitive. [F, 3]."""
        kind = np.uint16 if vertices <= 0xFFFF else np.uint32
        return self._add("SCALAR", corners.ravel().astype(kind), self._triangles)

    def joints(self, index: NDArray[np.integer[Any]]) -> int:
        """Which joints carry each vertex. [V, 4]."""
        return self._add(
            "VEC4",
            index.astype(np.uint8 if index.max(initial=0) <= 0xFF else np.uint16),
            self._view("joints", self._lib.ARRAY_BUFFER),
        )

    def weights(self, values: Array) -> int:
        """How much each of them does. [V, 4]."""
        return self._add("VEC4", values.astype(np.float32), self._view("weights", self._lib.ARRAY_BUFFER))

    def matrices(self, values: Array) -> int:
        """[J, 4, 4], rows first; glTF has columns first."""
        return self._add("MAT4", np.ascontiguousarray(np.swapaxes(values, 1, 2)), self._view("matrices", None))

    def turns(self, quaternions_xyzw: Array) -> int:
        """An animation's rotations. [N, 4]."""
        return self._add("VEC4", np.ascontiguousarray(quaternions_xyzw), self._keys)

    def keys(self, values: Array, *, bounds: bool = False) -> int:
        """An animation's times or weights. [N]."""
        return self._add("SCALAR", values, self._keys, bounds=bounds)

    def pack(self) -> tuple[list[Any], bytes]:
        """-> buffer views, and the buffer that they look into."""
        offsets = np.cumsum([0, *(view.size for view in self._views)])
        views = [
            self._lib.BufferView(
                buffer=0, byteOffset=int(offset), byteLength=view.size, byteStride=view.stride, target=view.target
            )
            for offset, view in zip(offsets, self._views, strict=False)
        ]
        return views, b"".join(chunk for view in self._views for chunk in view.chunks)

    def _view(self, use: str, target: int | None) -> _View:
        """The view of what only some files have."""
        if use not in self._optional:
            self._optional[use] = _View(target=target)
            self._views.append(self._optional[use])
        return self._optional[use]

    def _add(self, kind: str, values: NDArray[Any], view: _View | None, *, bounds: bool = False) -> int:
        rows = values.reshape(len(values), -1)
        self.accessors.append(
            self._lib.Accessor(
                bufferView=None if view is None else self._views.index(view),
                byteOffset=None if view is None else view.append(values),
                componentType=_COMPONENTS[values.dtype.name],
                count=len(values),
                type=kind,
                min=rows.min(axis=0).tolist() if bounds else None,
                max=rows.max(axis=0).tolist() if bounds else None,
            )
        )
        return len(self.accessors) - 1
