"""`mouth avatar fit`: a recording, its head and the renderer brought together."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.dataset import check_pictures, load_dataset
from slp_mouthing.avatar.fit import FitOptions, fit
from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.avatar.folder import check_target, import_avatar
from slp_mouthing.avatar.lpips import LEAST_PX, Lpips
from slp_mouthing.avatar.ply import write_avatar
from slp_mouthing.avatar.torch_binding import torch
from slp_mouthing.errors import InputError
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.flame import full_pose, load_flame
from slp_mouthing.head.flame_files import SHAPE_COUNT
from slp_mouthing.head.skinning import TorchSkin
from slp_mouthing.render.differentiable import rasterize
from slp_mouthing.types import FaceTrack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from slp_mouthing.avatar.dataset import Dataset, View
    from slp_mouthing.avatar.fit import FitReport, Motion
    from slp_mouthing.avatar.folder import AvatarCard
    from slp_mouthing.head.rig import Head

EXPRESSION_RATE, POSE_RATE, TRANSLATION_RATE = 1e-3, 1e-5, 1e-6
"""Adam's rates for FLAME's parameters while the avatar is fitted, as GaussianAvatars'."""


def fit_avatar(
    dataset: str | Path, folder: str | Path, options: FitOptions | None = None, *, resume: bool = False,
    flame: str | Path | None = None, flame_shape: int = SHAPE_COUNT, license: str = "", lpips: str | Path | None = None,
    on_report: Callable[[FitReport], None] = lambda report: None,
    on_checked: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[AvatarCard, FitReport]:  # fmt: skip
    """Fit an avatar to a recording and store it as a folder that `--avatar` takes.

    Args:
        dataset: see `avatar.dataset`.
        folder: to make; the checkpoint lies beside it as FOLDER.fit.pt.
        options: of the fit.
        resume: go on from the checkpoint.
        flame: the user's FLAME folder, for recordings with FLAME's parameters; None takes the configured one.
        flame_shape: where the expression starts among that FLAME's directions.
        license: under which the avatar may be used.
        lpips: folder with LPIPS's weights, see `avatar.lpips`, to measure the held-out views by it too.
        on_report: is told of the progress.
        on_checked: is told how many pictures of how many have been looked through before the fit starts.

    Raises `InputError`, `HeadError`, `OutputError`, `MissingExtra`.
    """
    folder = Path(folder)
    check_target(folder)
    recording = load_dataset(dataset)
    name, motion, person = _motion(recording, flame, flame_shape)
    options, held_out = options or FitOptions(), recording.val or recording.test
    measure = None if lpips is None else _lpips(lpips, held_out, options.device)
    check_pictures((*recording.train, *held_out), on_checked)
    avatar, reports = fit(
        recording.train, held_out, motion, rasterize, options,
        checkpoint=folder.with_name(f"{folder.name}.fit.pt"), resume=resume, on_report=on_report, lpips=measure,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        ply, param = Path(scratch, "fit.ply"), Path(scratch, "flame_param.npz")
        write_avatar(avatar, ply)
        if person is not None:
            person.save(param)
        card = import_avatar(
            ply, folder, head=name, triangles=(len(motion.triangles),), flame_param=param if person else None,
            source=f"fitted to {recording.folder.resolve().name}", license=license,
        )  # fmt: skip
    return card, reports[-1]


def _lpips(folder: str | Path, held_out: Sequence[View], device: str) -> Lpips:
    """Raises `InputError` where there is nothing that it could be measured on."""
    if not held_out:
        raise InputError("LPIPS is measured on held-out views, and the recording has none", hint="add transforms_val.json")
    if (least := min(min(view.width, view.height) for view in held_out)) < LEAST_PX:
        raise InputError(f"LPIPS takes pictures from {LEAST_PX} px, and the smallest held-out one has {least}")
    return Lpips(folder, device)


class TrackMotion:
    """A head driven by a track's ARKit curves."""

    def __init__(self, head: Head, track: FaceTrack) -> None:
        self.head, self.track = head, track
        self.triangles: NDArray[np.int32] = head.triangles

    def vertices(self, timestep: int) -> Tensor:
        frame, track = slice(timestep, timestep + 1), self.track
        posed = self.head.pose(track.blendshapes[frame], track.tongue[frame], track.eyes_pose[frame])[0]
        return torch.from_numpy(posed)

    def parameters(self) -> Sequence[tuple[str, Tensor, float]]:
        return ()


class FlameMotion:
    """FLAME with one person's shape, and parameters per timestep that the fit may correct."""

    def __init__(self, frames: dict[int, FlameParam], flame: str | Path | None, shape_count: int) -> None:
        first = next(iter(frames.values()))
        self.head = load_flame(flame, shape=first.shape, static_offset=first.static_offset, shape_count=shape_count)
        self.triangles: NDArray[np.int32] = self.head.triangles
        self.skin, self.row = TorchSkin(self.head.rig), {timestep: row for row, timestep in enumerate(frames)}
        params = list(frames.values())
        self.expression = _parameter(np.concatenate([p.expr[:, : self.head.expression_count] for p in params]))
        poses = [full_pose(p.jaw_pose, p.eyes_pose, p.neck_pose, p.rotation) for p in params]
        self.pose = _parameter(np.concatenate(poses))
        self.translation = _parameter(np.concatenate([p.translation for p in params]))

    def vertices(self, timestep: int) -> Tensor:
        row = slice(self.row[timestep], self.row[timestep] + 1)
        return self.skin(self.expression[row], self.pose[row], self.translation[row])[0]

    def parameters(self) -> Sequence[tuple[str, Tensor, float]]:
        return (
            ("expression", self.expression, EXPRESSION_RATE),
            ("pose", self.pose, POSE_RATE),
            ("translation", self.translation, TRANSLATION_RATE),
        )


def _motion(recording: Dataset, flame: str | Path | None, flame_shape: int) -> tuple[str, Motion, FlameParam | None]:
    """The head's name, its motion, and whose head it is. Raises `InputError` for a recording without parameters."""
    if recording.track is not None:
        return _track_motion(recording, recording.track)
    frames: dict[int, FlameParam] = {}
    for view in recording.views:
        if view.flame_param is None:
            raise InputError(
                "has no parameters of the face", where=str(view.image),
                hint="name flame_param_path in each frame, or track_path beside frames",
            )  # fmt: skip
        if view.timestep not in frames:
            frames[view.timestep] = param = FlameParam.load(view.flame_param)
            if len(param) != 1:
                raise InputError(f"holds {len(param)} frames, expected 1", where=str(view.flame_param))
    motion = FlameMotion(frames, flame, flame_shape)
    return motion.head.name, motion, next(iter(frames.values()))


def _track_motion(recording: Dataset, path: Path) -> tuple[str, Motion, None]:
    track = FaceTrack.load(path)
    if track.head != "builtin":
        raise InputError(f"is a track of the head '{track.head}', expected 'builtin'", where=str(path))
    if (last := max(view.timestep for view in recording.views)) >= len(track):
        raise InputError(f"has {len(track)} frames, and the recording asks for timestep {last}", where=str(path))
    return track.head, TrackMotion(load_builtin(), track), None


def _parameter(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32)).requires_grad_()
