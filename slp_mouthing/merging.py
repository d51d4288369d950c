"""A track file into a body file, whichever kind of body it is; and that body as a mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing import body
from slp_mouthing.body.pose_file import is_pose_file, read_pose
from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.files import keep_inputs
from slp_mouthing.types import FaceTrack

if TYPE_CHECKING:
    from slp_mouthing.body import MergeOptions, MergeReport
    from slp_mouthing.types import BodySequence


@dataclass(frozen=True, slots=True)
class MeshOptions:
    """The user's models, for bodies as meshes."""

    smplx: Path | None = None
    """Folder of the user's SMPL-X; None: the configured one."""
    flame: Path | None = None
    """Folder of the user's FLAME, whose face the mesh gets; None: the face is SMPL-X's own."""
    flame_shape: int | None = None
    """Where the expression starts among FLAME's directions; None: 300, as published."""
    hand_mean: bool = False
    """The file's hands are relative to the model's relaxed ones, as the smplx library has them by default."""


def write_merged_mesh(
    track_path: str | Path, body_path: str | Path, out_path: str | Path, options: MergeOptions | None = None,
    models: MeshOptions | None = None,
) -> None:  # fmt: skip
    """Write the body with the track's face as vertices of the user's SMPL-X: `.npz`, or a folder of `.obj`.

    All the track's coefficients of expression count, however few the body's own format holds. Raises `MouthError`.
    """
    from slp_mouthing.body_mesh import betas_of, gender_of, load_body, with_flame_face, write_body_mesh

    options, models = options or body.MergeOptions(), models or MeshOptions()
    keep_inputs(out_path, track_path, body_path)
    if is_pose_file(Path(body_path)):
        raise InputError("a .pose file holds points, not joints, and has no mesh", where=str(body_path))
    track, own = FaceTrack.load(track_path), body.read_body(body_path, fps=options.fps, widen=options.widen)
    merged, _ = body.merge(track, _with_expressions(own, track), options)
    model = load_body(models.smplx, gender_of(own))
    if models.flame is not None:
        model = with_flame_face(model, models.smplx, models.flame, flame_shape=models.flame_shape)
    write_body_mesh(merged, Path(out_path), model, betas=betas_of(own), hand_mean=models.hand_mean)


def _with_expressions(own: BodySequence, track: FaceTrack) -> BodySequence:
    """The body with columns for all the track's coefficients."""
    if track.expressions is None:
        return own
    columns = 0 if own.expressions is None else own.expressions.shape[1]
    wide = np.zeros((len(own), max(columns, track.expressions.shape[1])))
    if own.expressions is not None:
        wide[:, :columns] = own.expressions
    jaw = np.zeros((len(own), 3)) if own.jaw_pose is None else own.jaw_pose
    return replace(own, expressions=wide, jaw_pose=jaw)


def merge_file(
    track_path: str | Path, body_path: str | Path, out_path: str | Path, options: MergeOptions | None = None,
    models: MeshOptions | None = None,
) -> MergeReport:  # fmt: skip
    """Merge a track into joints and expressions of a body, or into the face points of a `.pose` file.

    The result has the body's own format, and all else in it keeps its bits. With the user's FLAME in `models`, the report says
    in mm what the body's format has no room for. Raises `MouthError`.
    """
    keep_inputs(out_path, track_path, body_path)
    if is_pose_file(Path(body_path)):
        return _into_points(Path(track_path), Path(body_path), Path(out_path), options)
    report = body.merge_file(track_path, body_path, out_path, options)
    if not report.expressions_lost or models is None or models.flame is None:
        return report
    lost_mm = _lost_mm(FaceTrack.load(track_path), report.expressions_written, models)
    return replace(report, lost_mean_mm=lost_mm[0], lost_most_mm=lost_mm[1])


def _lost_mm(track: FaceTrack, written: int, models: MeshOptions) -> tuple[float, float]:
    """How far the coefficients beyond the first `written` move FLAME's vertices: on average, and at most."""
    from slp_mouthing.assets import user_folder
    from slp_mouthing.head.flame_files import SHAPE_COUNT, read_flame

    assert track.expressions is not None
    count = SHAPE_COUNT if models.flame_shape is None else models.flame_shape
    flame = read_flame(user_folder("flame", models.flame), shape_count=count)
    directions = flame.model.shapes[count + written : count + track.expressions.shape[1]].astype(np.float32)
    lost = track.expressions[:, written : written + len(directions)]
    furthest = [np.linalg.norm(np.tensordot(frame, directions, 1), axis=1) for frame in lost]
    return 1e3 * float(np.mean(furthest)), 1e3 * float(np.max(furthest))


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
