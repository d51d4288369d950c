"""`.obj`: a folder of numbered meshes, one per frame, as importers of OBJ sequences want it.

`STEM.obj/` holds `STEM_000001.obj`, ... (frame n at (n - 1) / fps) and one `materials.mtl` for all. Vertices keep the head's
order, so that vertex animation and transfer tools can rely on it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.export.materials import parts
from slp_mouthing.export.normals import Normals
from slp_mouthing.files import atomic_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slp_mouthing.export.materials import Part
    from slp_mouthing.types import Array, Take

MATERIALS = "materials.mtl"
_CHUNK_FRAMES = 64
"""Frames posed at a time, so that memory does not grow with the clip."""
_POSITION_DECIMALS = 6
"""A micrometre."""
_NORMAL_DECIMALS = 4


def write_obj(take: Take, path: Path) -> None:
    """Write the folder `path`; an earlier sequence of the same name in it is replaced. Raises `OutputError`."""
    stem = path.name.removesuffix(".obj")
    ours = re.compile(rf"{re.escape(stem)}_\d+\.obj|{re.escape(MATERIALS)}")
    with atomic_folder(path, owned=lambda entry: bool(ours.fullmatch(entry.name)) and entry.is_file()) as folder:
        regions = parts(take.head)
        (folder / MATERIALS).write_text("".join(_material(part) for part in regions), encoding="ascii")
        head_lines = f"mtllib {MATERIALS}\no {take.head.name}\n".encode()
        faces = _faces(regions)
        normals = Normals(take.head.neutral_m, take.head.triangles)
        for number, vertices_m in enumerate(_frames(take), start=1):
            positions = _rows("v", vertices_m, _POSITION_DECIMALS)
            directions = _rows("vn", normals.of(vertices_m), _NORMAL_DECIMALS)
            (folder / f"{stem}_{number:06d}.obj").write_bytes(head_lines + positions + directions + faces)


def _frames(take: Take) -> Iterator[Array]:
    for start in range(0, len(take.track), _CHUNK_FRAMES):
        yield from take.posed(slice(start, start + _CHUNK_FRAMES))


def _rows(keyword: str, values: Array, decimals: int) -> bytes:
    """A line `keyword x y z` for each row of `values` [N, 3], all digits of a place written at once."""
    scaled = np.rint(np.abs(values.astype(np.float64)) * 10**decimals).astype(np.int64)
    places = max(decimals + 1, len(str(scaled.max(initial=0))))
    # Each number: a blank, its sign, its whole places, a point, its decimals.
    text = np.full((len(values), 3, places + 3), ord(" "), np.uint8)
    text[:, :, 1][(values < 0) & (scaled > 0)] = ord("-")
    text[:, :, -1 - decimals] = ord(".")
    columns = [column for column in range(text.shape[2] - 1, 1, -1) if column != text.shape[2] - 1 - decimals]
    for column in columns:
        scaled, digit = np.divmod(scaled, 10)
        text[:, :, column] = digit + ord("0")
    start, end = (np.tile(np.frombuffer(part, np.uint8), (len(values), 1)) for part in (keyword.encode(), b"\n"))
    return np.concatenate([start, text.reshape(len(values), -1), end], axis=1).tobytes()


def _faces(regions: list[Part]) -> bytes:
    """Groups of triangles; vertex and normal share their number, counted from 1."""
    lines = []
    for part in regions:
        lines.append(f"g {part.name}\nusemtl {part.name}\n")
        lines += [f"f {a}//{a} {b}//{b} {c}//{c}\n" for a, b, c in (part.triangles + 1).tolist()]
    return "".join(lines).encode("ascii")


def _material(part: Part) -> str:
    """A region's mean colour with Phong's terms, and `Pr`, the roughness that newer readers take."""
    red, green, blue = part.color
    roughness = part.material.roughness
    shininess = 2.0 / max(roughness, 0.05) ** 4 - 2.0
    return (
        f"newmtl {part.name}\nKd {red:.4f} {green:.4f} {blue:.4f}\nKs 0.04 0.04 0.04\n"
        f"Ns {min(shininess, 1000.0):.1f}\nPr {roughness:.2f}\nillum 2\n\n"
    )
