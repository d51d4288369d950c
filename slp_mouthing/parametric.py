"""A take in the parameters of body and face models: `.smplx.npz` (BEAT2's layout) and `.flame.npz` (GaussianAvatars')."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.export import visemes
from slp_mouthing.types import CONTROL_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.avatar.flame_param import FlameIdentity
    from slp_mouthing.body import MergeReport
    from slp_mouthing.types import Array, BodySequence, FaceTrack, Take


def write_smplx(take: Take, path: Path) -> None:
    """Write the face on an SMPL-X body that stands still, frame for frame. Raises `OutputError`."""
    from slp_mouthing.body import write_body

    write_body(_on_still_body(take)[0], path)


def smplx_losses(take: Take) -> tuple[str, ...]:
    """What SMPL-X cannot show of a take; where it gets the jaw alone, by how much the lips are off."""
    warnings = _on_still_body(take)[1].warnings
    if take.track.expressions is None:
        warnings += (visemes.lips_off(take, _jaw_alone(take.track)),)
    return tuple(filter(None, warnings))


def write_flame(take: Take, path: Path, person: FlameIdentity | None) -> None:
    """Write the motion of a FLAME head as `flame_param.npz` of a person; None is FLAME's mean face.

    Raises `OutputError`, and `InputError` for the track of another head.
    """
    from slp_mouthing.avatar.flame_param import FlameParam

    FlameParam.of_track(take.track, person).save(path)


def _on_still_body(take: Take) -> tuple[BodySequence, MergeReport]:
    from slp_mouthing.body import MergeOptions, merge
    from slp_mouthing.body.beat2 import still

    body = still(len(take.track), take.track.fps)
    return merge(take.track, body, MergeOptions(channels=("jaw", "expression", "eyes"), blend_s=0.0))


def _jaw_alone(track: FaceTrack) -> Array:  # [T, C]
    """The controls of a face that has nothing but the jaw, which closes as far as `mouthClose` asks."""
    controls = np.zeros_like(track.curves.values)
    names = track.blendshape_names
    opened, closed = (track.blendshapes[:, names.index(name)] for name in ("jawOpen", "mouthClose"))
    controls[:, CONTROL_NAMES.index("jawOpen")] = np.maximum(opened - closed, 0.0)
    return controls
