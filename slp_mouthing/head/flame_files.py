"""FLAME's files, as its authors publish them: found, read and checked. FLAME 2020, 2023 and 2023 Open share one format."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from slp_mouthing.assets import checksum, load_arrays
from slp_mouthing.errors import HeadError
from slp_mouthing.head.skinning import SkinModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

Release = Literal["flame2020", "flame2023"]

JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
NECK, JAW, LEFT_EYE, RIGHT_EYE = 1, 2, 3, 4
SHAPE_COUNT = 300
"""Identity directions in the published files; the expression's follow."""
LANDMARK_COUNT = 51
"""iBUG's 68 points without the 17 of the jaw line, which slide over the surface as the head turns."""

_EMBEDDING = "flame_static_embedding"
_MASKS = "FLAME_masks"
_NO_JAW = "no_jaw"


@dataclass(frozen=True, slots=True)
class FlameFiles:
    """What the user's folder holds. Metres, float64."""

    release: Release
    path: Path
    checksum: str
    model: SkinModel  # identity directions first, then expression
    regressor: Floats  # [J, V] joints from vertices
    shape_count: int
    triangles: NDArray[np.int32]  # [F, 3]
    landmark_triangles: NDArray[np.int32]  # [51] index of the triangle that carries each landmark
    landmark_weights: Floats  # [51, 3] barycentric
    masks: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    """Vertex indices by region (`lips`, `face`, ...); empty without FLAME_masks.pkl."""

    @property
    def expression_count(self) -> int:
        return len(self.model.shapes) - self.shape_count


def read_flame(folder: str | Path, *, shape_count: int = SHAPE_COUNT, release: Release | None = None) -> FlameFiles:
    """Read the model, the static landmark embedding and, where it is there, the masks.

    Args:
        folder: holds `FLAME_NEUTRAL`, `flame2023*` or `generic_model` as .pkl or .npz, and `flame_static_embedding.pkl`; or
            the model file itself, with the others beside it.
        shape_count: where the expression starts among the file's directions.
        release: says which one it is when the names do not.

    Raises `HeadError` when a file is missing, damaged, or not what it claims to be.
    """
    path = find_model(folder)
    arrays = _Arrays(path)
    template = arrays.floats("v_template", (-1, 3))
    vertices = len(template)
    directions = arrays.floats("shapedirs", (vertices, 3, -1))
    if not 0 <= shape_count < directions.shape[2]:
        raise HeadError(
            f"holds {directions.shape[2]} directions, and the expression was to start at {shape_count}",
            where=str(path),
            hint="say where it starts with --flame-shape N",
        )
    joints = len(JOINTS)
    regressor = arrays.floats("J_regressor", (joints, vertices))
    shapes = np.ascontiguousarray(np.moveaxis(directions, 2, 0))
    triangles = arrays.indices("f", (-1, 3), below=vertices)
    landmark_triangles, landmark_weights = _read_embedding(path.parent, len(triangles))
    model = SkinModel(
        template=template, shapes=shapes, joints=regressor @ template, joint_shapes=regressor @ shapes,
        correctives=np.ascontiguousarray(np.moveaxis(arrays.floats("posedirs", (vertices, 3, 9 * (joints - 1))), 2, 0)),
        weights=arrays.floats("weights", (vertices, joints)), parents=_parents(arrays),
    )  # fmt: skip
    return FlameFiles(
        release or _release(path), path, checksum(path), model, regressor, shape_count, triangles, landmark_triangles,
        landmark_weights, _read_masks(path.parent, vertices),
    )  # fmt: skip


def find_model(folder: str | Path) -> Path:
    """The one model file of a folder. Raises `HeadError` when there is none, or several that differ."""
    folder = Path(folder)
    if folder.is_file():
        return folder
    found = [p for pattern in ("FLAME_NEUTRAL.*", "flame2023*", "generic_model.*") for p in sorted(folder.glob(pattern))]
    found = [p for p in found if p.suffix in (".pkl", ".npz")]
    # The variant without jaw rotation lies beside the model in FLAME 2023's archive; an .npz is a copy of its .pkl.
    with_jaw = [p for p in found if _NO_JAW not in p.stem] or found
    models = list({p.stem: p for p in with_jaw}.values())
    if not models:
        raise HeadError(
            "holds no FLAME model", where=str(folder),
            hint="put FLAME_NEUTRAL.pkl, flame2023.pkl or generic_model.pkl from https://flame.is.tue.mpg.de there",
        )  # fmt: skip
    if len({checksum(p) for p in models}) > 1:
        names = ", ".join(p.name for p in models)
        # Their expression codes are not interchangeable, so that a silent choice would give another face.
        raise HeadError(f"holds several FLAME models ({names})", where=str(folder), hint="give the file itself")
    return models[0]


def _release(path: Path) -> Release:
    return "flame2023" if "2023" in path.stem or "2023" in path.parent.name else "flame2020"


class _Arrays:
    """The arrays of one file, each asked for by name and shape."""

    def __init__(self, path: Path) -> None:
        self.where, self._arrays = str(path), load_arrays(path)

    def array(self, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        """Raises `HeadError` when it is missing or has another shape; -1 stands for any positive size."""
        if name not in self._arrays:
            raise HeadError(f"lacks {name}", where=self.where, hint="give the file as published")
        array = self._arrays[name]
        if array.ndim != len(shape) or any(
            got == 0 or want not in (-1, got) for got, want in zip(array.shape, shape, strict=True)
        ):
            expected = " x ".join("n" if size < 0 else str(size) for size in shape)
            raise HeadError(f"{name} is {' x '.join(map(str, array.shape))}, expected {expected}", where=self.where)
        return array

    def floats(self, name: str, shape: tuple[int, ...]) -> Floats:
        array = self.array(name, shape).astype(np.float64)
        if not np.isfinite(array).all():
            raise HeadError(f"{name} holds values that are not finite", where=self.where, hint="download it again")
        return array

    def indices(self, name: str, shape: tuple[int, ...], below: int) -> NDArray[np.int32]:
        array = self.array(name, shape)
        if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= below:
            raise HeadError(f"{name} is not made of indices below {below}", where=self.where)
        return array.astype(np.int32)

    def items(self) -> list[str]:
        return sorted(self._arrays)


def _parents(arrays: _Arrays) -> tuple[int, ...]:
    # The root's parent is -1, which the files store as 2^32 - 1.
    parents = (-1, *(int(p) for p in arrays.array("kintree_table", (2, len(JOINTS)))[0, 1:]))
    if any(not 0 <= parent < joint for joint, parent in enumerate(parents[1:], start=1)):
        raise HeadError(f"kintree_table names the parents {parents[1:]}, and parents come first", where=arrays.where)
    return parents


def _read_embedding(folder: Path, triangle_count: int) -> tuple[NDArray[np.int32], Floats]:
    path = _beside(folder, _EMBEDDING)
    if path is None:
        raise HeadError(
            f"lacks {_EMBEDDING}.pkl, which places the landmarks", where=str(folder),
            hint="it is published with FLAME's landmark code, and smplx wants it at the same place",
        )  # fmt: skip
    arrays = _Arrays(path)
    triangles = arrays.indices("lmk_face_idx", (LANDMARK_COUNT,), below=triangle_count)
    return triangles, arrays.floats("lmk_b_coords", (LANDMARK_COUNT, 3))


def _read_masks(folder: Path, vertex_count: int) -> Mapping[str, NDArray[np.int32]]:
    path = _beside(folder, _MASKS)
    if path is None:
        return MappingProxyType({})
    arrays = _Arrays(path)
    return MappingProxyType({name: arrays.indices(name, (-1,), below=vertex_count) for name in arrays.items()})


def _beside(folder: Path, stem: str) -> Path | None:
    return next((path for suffix in (".pkl", ".npz") if (path := folder / (stem + suffix)).is_file()), None)
