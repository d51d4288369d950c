"""A head by what a user calls it: `--head builtin`, `--head flame --flame DIR`, `--head my.glb`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing.errors import HeadError

if TYPE_CHECKING:
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array

CHOICES = ("builtin", "flame", "a .glb file")


def resolve_head(
    spec: str, flame_dir: str | Path | None = None, *, shape: Array | None = None, static_offset: Array | None = None,
    shape_count: int | None = None,
) -> Head:  # fmt: skip
    """The head that `spec` names: `builtin`, `flame`, or the path of a GLB file with ARKit's shapes.

    Args:
        spec: one of `CHOICES`
        flame_dir: the folder of the user's FLAME; None takes the configured one, see `assets.user_folder`.
        shape, static_offset: [S] and [V, 3] m, the person that FLAME shows, see `flame.load_flame`.
        shape_count: where the expression starts among FLAME's directions; None: as published.

    Raises `HeadError` for anything else, and for files that are missing, damaged, or no such head.
    """
    if spec == "builtin":
        from slp_mouthing.head.builtin import load_builtin

        return load_builtin()
    if spec == "flame":
        return _flame(flame_dir, shape, static_offset, shape_count)
    if Path(spec).suffix.lower() == ".glb":
        from slp_mouthing.head.gltf_head import load_glb_head

        return load_glb_head(spec)
    raise HeadError(f"unknown head '{spec}'", hint=f"one of {', '.join(CHOICES)}")


def _flame(folder: str | Path | None, shape: Array | None, static_offset: Array | None, shape_count: int | None) -> Head:
    from slp_mouthing.head.builtin import load_builtin
    from slp_mouthing.head.flame import load_flame
    from slp_mouthing.head.flame_controls import ControlledFlame
    from slp_mouthing.head.flame_files import SHAPE_COUNT
    from slp_mouthing.head.transfer import Transfer

    starts = SHAPE_COUNT if shape_count is None else shape_count
    flame = load_flame(folder, shape=shape, static_offset=static_offset, shape_count=starts)
    source = load_builtin()
    return ControlledFlame(Transfer(source, flame), source, flame)
