"""A track file into a body file, whichever kind of body it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing import body
from slp_mouthing.body.pose_file import is_pose_file, read_pose
from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.types import FaceTrack

if TYPE_CHECKING:
    from slp_mouthing.body import MergeOptions, MergeReport


def merge_file(
    track_path: str | Path, body_path: str | Path, out_path: str | Path, options: MergeOptions | None = None
) -> MergeReport:
    """Merge a track into joints and expressions of a body, or into the face points of a `.pose` file.

    The result has the body's own format, and all else in it keeps its bits. Raises `InputError` and `OutputError`.
    """
    if is_pose_file(Path(body_path)):
        return _into_points(Path(track_path), Path(body_path), Path(out_path), options)
    return body.merge_file(track_path, body_path, out_path, options)


def _into_points(track_path: Path, body_path: Path, out_path: Path, options: MergeOptions | None) -> MergeReport:
    from slp_mouthing.body.pose_merge import merge_pose
    from slp_mouthing.face_points import BuiltinFacePoints

    if not is_pose_file(out_path):
        raise OutputError("the body is a .pose file, and stays one", where=str(out_path), hint=f"name it {out_path.stem}.pose")
    if options is not None and (options.fps is not None or options.widen or "eyes" in options.channels):
        raise InputError(
            "--fps, --widen and --eyes have no meaning for a .pose file", where=str(body_path), hint="leave them out"
        )
    merged, report = merge_pose(FaceTrack.load(track_path), read_pose(body_path), BuiltinFacePoints(), options)
    merged.save(out_path)
    return report
