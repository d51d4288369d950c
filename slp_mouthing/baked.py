"""A take's Gaussians in the world, light included: `.ply`, `.splat` and `.spz` for viewers that know no mesh.

Axes are those of photographs, y down and z away, as such viewers expect; metres.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slp_mouthing.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.avatar.splats import SplatAvatar, Splats
    from slp_mouthing.head.rig import Head
    from slp_mouthing.render.lit import LitHead
    from slp_mouthing.types import FaceTrack, JointMotion, Take


def write_baked(take: Take, path: Path, *, gaussians: Avatar | SplatAvatar) -> None:
    """Write every frame: the folder `path` (`STEM.ply/`) of `STEM_000001.ply`, ...; an earlier sequence in it is replaced.

    The suffix says the format: ply, splat or spz. Raises `OutputError`, `HeadError`, for .spz `MissingExtra`.
    """
    from slp_mouthing.avatar.splat import write_sequence

    write_sequence(baked_frames(take.head, gaussians, take.track, take.joints), path)


def write_baked_frame(take: Take, path: Path, *, gaussians: Avatar | SplatAvatar, frame: int = 0) -> None:
    """Write one frame as the file `path`. Raises `OutputError`, also for a frame that the track lacks; `HeadError`."""
    from slp_mouthing.avatar.splat import WRITERS

    suffix = path.suffix.removeprefix(".")
    if suffix not in WRITERS:
        raise OutputError(f"unknown format '{suffix}', allowed: {', '.join(WRITERS)}", where=str(path))
    if not 0 <= frame < len(take.track):
        raise OutputError(f"there is no frame {frame}, the track has {len(take.track)}", where=take.name)
    joints = None if take.joints is None else take.joints.only(frame)
    WRITERS[suffix](next(baked_frames(take.head, gaussians, _only(take.track, frame), joints)), path)


def baked_frames(
    head: Head, gaussians: Avatar | SplatAvatar, track: FaceTrack, joints: JointMotion | None = None
) -> Iterator[Splats]:
    """The Gaussians of each frame, in the axes of photographs; captured ones keep the light of their capture."""
    from slp_mouthing.avatar.splats import SplatAvatar, lit_splats
    from slp_mouthing.render.gaussians import LitDrawable
    from slp_mouthing.render.scene import poses

    if isinstance(gaussians, SplatAvatar):
        for vertices_m in poses(head, track):
            yield gaussians.on_mesh(vertices_m, head.triangles).to_y_down()
        return
    shown = LitDrawable(gaussians, _lit(head))
    for vertices_m in poses(head, track, joints):
        yield lit_splats(gaussians, shown.baked_colors(vertices_m), vertices_m, head.triangles).to_y_down()


def _lit(head: Head) -> LitHead:
    from slp_mouthing.render.lit import LitHead
    from slp_mouthing.render.lit_signer import LitSigner
    from slp_mouthing.signer import Signer

    return LitSigner(head) if isinstance(head, Signer) else LitHead(head)


def _only(track: FaceTrack, frame: int) -> FaceTrack:
    one = slice(frame, frame + 1)
    names = ("jaw_pose", "blendshapes", "eyes_pose", "tongue", "lip_opening_m", "lip_width_m")
    return replace(track, **{name: getattr(track, name)[one] for name in names})
