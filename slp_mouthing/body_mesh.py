"""The user's SMPL-X body as a mesh, its face in FLAME's own expression basis.

SMPL-X's head is FLAME's, vertex for vertex, but its published files hold ten directions of expression where FLAME holds a
hundred. With the correspondence of the two (`SMPL-X__FLAME_vertex_ids.npy`) FLAME's directions take the place of SMPL-X's, and
none of a track's coefficients is lost.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.assets import user_folder
from slp_mouthing.body.records import read_record
from slp_mouthing.errors import HeadError, InputError, OutputError
from slp_mouthing.files import atomic_folder, atomic_path
from slp_mouthing.head.flame_files import read_flame
from slp_mouthing.head.skinning import SkinModel, skin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.types import Array, BodySequence

    Floats = NDArray[np.floating[Any]]

JOINTS = 55
SHAPES = 300
"""Directions of shape in files that hold 400; the expression's follow. Older files hold ten of each."""
CORRESPONDENCE = "SMPL-X__FLAME_vertex_ids.npy"
GENDERS = ("neutral", "female", "male")
SUFFIXES = (".npz", ".obj")
_AT_ONCE = 32
"""Frames posed together."""


@dataclass(frozen=True, slots=True)
class BodyModel:
    """An SMPL-X of one gender. Metres, float32."""

    skin: SkinModel
    """Its blend shapes: `shape_count` of shape, then the expression."""
    shape_count: int
    triangles: NDArray[np.int32]  # [F, 3]
    hand_mean: Floats  # [90] axis-angle of the relaxed hands, left then right

    @property
    def vertex_count(self) -> int:
        return len(self.skin.template)


def load_body(folder: str | Path | None = None, gender: str = "neutral") -> BodyModel:
    """The SMPL-X of a folder with `SMPLX_NEUTRAL.npz` or `.pkl` (or another gender's); None: the configured folder.

    Nothing but arrays is read of the file. Raises `HeadError`, `InputError`.
    """
    path = _find_model(user_folder("smplx", folder), gender)
    record = read_record(path)

    def floats(name: str, shape: tuple[int, ...]) -> Floats:
        array = record.array(name).astype(np.float32)
        if array.ndim != len(shape) or any(n not in (-1, m) for n, m in zip(shape, array.shape, strict=True)):
            raise HeadError(f"'{name}' is {list(array.shape)}, SMPL-X has {list(shape)}", where=str(path))
        return array

    template = floats("v_template", (-1, 3))
    count = len(template)
    directions = np.moveaxis(floats("shapedirs", (count, 3, -1)), 2, 0)
    regressor = floats("J_regressor", (JOINTS, count))
    parents = tuple(int(parent) for parent in record.array("kintree_table")[0].astype(np.int64))
    hands = [record.array(f"hands_mean{side}").ravel() if f"hands_mean{side}" in record.names else np.zeros(45) for side in "lr"]
    model = SkinModel(
        template=template, shapes=np.ascontiguousarray(directions), joints=regressor @ template,
        joint_shapes=np.einsum("jv,bvx->bjx", regressor, directions),
        correctives=np.ascontiguousarray(np.moveaxis(floats("posedirs", (count, 3, 9 * (JOINTS - 1))), 2, 0)),
        weights=floats("weights", (count, JOINTS)), parents=(-1, *parents[1:]),
    )  # fmt: skip
    shape_count = SHAPES if len(directions) > SHAPES else len(directions) // 2
    return BodyModel(model, shape_count, record.array("f").astype(np.int32), np.concatenate(hands).astype(np.float32))


def with_flame_face(
    body: BodyModel, smplx_folder: str | Path | None, flame_folder: str | Path | None, *, flame_shape: int | None = None
) -> BodyModel:
    """The body with FLAME's directions of expression on its head. Raises `HeadError`.

    `flame_shape`: where the expression starts among FLAME's directions; None: 300, as published.
    """
    flame = read_flame(user_folder("flame", flame_folder), shape_count=SHAPES if flame_shape is None else flame_shape)
    ids = _correspondence(user_folder("smplx", smplx_folder), body.vertex_count, len(flame.model.template))
    ours = flame.model.shapes[flame.shape_count :].astype(np.float32)
    expressions = np.zeros((len(ours), body.vertex_count, 3), np.float32)
    expressions[:, ids] = ours
    # Faces move no joint: those of the head are where the skull is.
    joint_shapes = np.concatenate([body.skin.joint_shapes[: body.shape_count], np.zeros((len(ours), JOINTS, 3), np.float32)])
    shapes = np.concatenate([body.skin.shapes[: body.shape_count], expressions])
    return replace(body, skin=replace(body.skin, shapes=shapes, joint_shapes=joint_shapes))


def posed(model: BodyModel, body: BodySequence, *, betas: Floats | None = None, hand_mean: bool = False) -> Iterator[Array]:
    """Blocks of vertices [n, V, 3] m, frame after frame.

    Args:
        betas: [N] coefficients of shape; those beyond the model's are left out.
        hand_mean: the hands' poses are relative to the model's relaxed hands, as the smplx library has them by default.
    """
    fixed = model.skin.with_shapes_fixed(_fitted(betas, model.shape_count))
    for start in range(0, len(body), _AT_ONCE):
        now = slice(start, start + _AT_ONCE)
        pose = _pose(model, body, now, hand_mean)
        expressions = np.zeros((len(pose), 0)) if body.expressions is None else body.expressions[now, : len(fixed.shapes)]
        translation = None if body.translation_m is None else body.translation_m[now]
        yield skin(fixed, expressions, pose, translation)


def write_body_mesh(
    body: BodySequence, path: Path, model: BodyModel, *, betas: Floats | None = None, hand_mean: bool = False
) -> None:
    """Write posed vertices as `.npz` (`vertices_m` [T, V, 3], `triangles`, `fps`), or as a folder of `.obj`, one per frame.

    Memory does not grow with the length. Raises `OutputError`.
    """
    if path.suffix not in SUFFIXES:
        raise OutputError(f"unknown format '{path.suffix}', allowed: {', '.join(SUFFIXES)}", where=str(path))
    blocks = posed(model, body, betas=betas, hand_mean=hand_mean)
    if path.suffix == ".obj":
        _write_objs(blocks, path, model.triangles)
    else:
        _write_npz(blocks, path, len(body), body.fps, model)


def betas_of(body: BodySequence) -> Floats | None:
    """The shape of a body's person, where its file has one for all frames."""
    record: Any = body.extra
    if record is None or "betas" not in record.names:
        return None
    betas = record.array("betas")
    return betas.astype(np.float64) if betas.ndim == 1 else None


def gender_of(body: BodySequence) -> str:
    """As the body's file says it; neutral where it says none that SMPL-X has."""
    record: Any = body.extra
    if record is None or "gender" not in record.names:
        return "neutral"
    try:
        gender = str(record.array("gender")).lower()
    except InputError:
        return "neutral"
    return gender if gender in GENDERS else "neutral"


def _find_model(folder: Path, gender: str) -> Path:
    if folder.is_file():
        return folder
    found = [folder / f"SMPLX_{gender.upper()}{end}" for end in (".npz", ".pkl", "_2020.npz")]
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        hint = "put the model from https://smpl-x.is.tue.mpg.de there"
        raise HeadError(f"holds no {found[0].name}", where=str(folder), hint=hint)
    return path


def _correspondence(folder: Path, vertices: int, face: int) -> NDArray[np.int64]:
    path = (folder.parent if folder.is_file() else folder) / CORRESPONDENCE
    ids = read_record(path).array("array").astype(np.int64)
    if ids.shape != (face,) or ids.min() < 0 or ids.max() >= vertices:
        raise HeadError(f"names {ids.size} vertices up to {ids.max()}, FLAME has {face} and SMPL-X {vertices}", where=str(path))
    return ids


def _fitted(betas: Floats | None, count: int) -> Floats:
    fitted = np.zeros(count, np.float32)
    if betas is not None:
        fitted[: len(betas)] = betas[:count]
    return fitted


def _pose(model: BodyModel, body: BodySequence, now: slice, hand_mean: bool) -> Floats:
    """All joints in the model's order. -> [n, 55, 3] rad"""
    count = len(body.root_orient[now])
    jaw, eyes = (np.zeros((count, n)) if x is None else x[now] for x, n in ((body.jaw_pose, 3), (body.eyes_pose, 6)))
    hands = np.concatenate([body.left_hand_pose[now], body.right_hand_pose[now]], axis=1)
    if hand_mean:
        hands = hands + model.hand_mean
    return np.concatenate([body.root_orient[now], body.body_pose[now], jaw, eyes, hands], axis=1).reshape(count, JOINTS, 3)


def _write_npz(blocks: Iterator[Array], path: Path, frames: int, fps: float, model: BodyModel) -> None:
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        with archive.open("vertices_m.npy", "w", force_zip64=True) as file:
            shape = (frames, model.vertex_count, 3)
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            for block in blocks:
                file.write(block.astype("<f4").tobytes())
        for name, array in (("triangles", model.triangles), ("fps", np.array(fps))):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def _write_objs(blocks: Iterator[Array], path: Path, triangles: NDArray[np.int32]) -> None:
    stem = path.stem
    faces = "".join(f"f {a} {b} {c}\n" for a, b, c in (triangles + 1).tolist())
    with atomic_folder(path, owned=lambda entry: entry.name.startswith(f"{stem}_") and entry.suffix == ".obj") as folder:
        number = 0
        for block in blocks:
            for vertices in block:
                number += 1
                points = "".join(f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in vertices.tolist())
                (folder / f"{stem}_{number:06d}.obj").write_text(points + faces, encoding="ascii")
