"""People of captured data before the lip reader's camera: FLAME's mesh with the Gaussian avatar of each (VisualSpeaker, 3.1).

A folder of avatars has one folder for each subject, as `mouth avatar import` writes them; or it is itself an avatar, and all
subjects wear it. What a clip truly shows is its video, or the render of its captured motion where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from slp_mouthing.avatar.folder import CARD, load_avatar, read_card
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.head.flame_teeth import TOOTH_COUNT, tooth_triangles
from slp_mouthing.render.lip_crop import reader_input
from slp_mouthing.render.mouth_camera import mouth_camera, mouth_points
from slp_mouthing.training.captured import FPS, Captured, flame_files
from slp_mouthing.training.lip_reading import DrawnPeople
from slp_mouthing.training.mouth_scene import avatar_crop
from slp_mouthing.training.mouth_video import mouth_pictures
from slp_mouthing.training.teeth import Teeth, head_on, tooth_shift

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from slp_mouthing.head.flame import FlameHead
    from slp_mouthing.render.camera import Camera
    from slp_mouthing.render.lip_crop import LipCrop
    from slp_mouthing.training.captured import Take
    from slp_mouthing.training.clip import Clip
    from slp_mouthing.training.dataset import Dataset
    from slp_mouthing.training.lip_reading import People
    from slp_mouthing.types import Array

TargetName = Literal["video", "renders"]
TARGETS: tuple[TargetName, ...] = get_args(TargetName)
_IMPORT = "mouth avatar import PLY -o"


def people_of(
    dataset: Dataset, avatars: Path | None = None, flame: Path | None = None, targets: TargetName | None = None
) -> People:
    """Who is drawn for the clips of a data set.

    Args:
        dataset: captured, or synthetic.
        avatars: of captured data, see above.
        flame: the user's FLAME; None: the configured one.
        targets: what is true of captured data; None: the videos where there are any, else renders.

    Raises `InputError` for avatars that are missing or do not fit, and for videos that are missing; `HeadError` for FLAME.
    """
    if isinstance(dataset, Captured):
        if avatars is None:
            hint = "give --avatars DIR: the folder of an avatar, or one with an avatar for each subject"
            raise InputError("people of captured data are drawn by their avatars, and there are none", hint=hint)
        return AvatarPeople(dataset, avatars, flame, targets)
    if avatars is not None or targets is not None:
        raise InputError("avatars and targets are for captured data; this corpus draws its own people", hint="leave them out")
    return DrawnPeople()


@dataclass(frozen=True, slots=True, eq=False)
class Sitter:
    """One person's head at rest, and the camera before it."""

    head: FlameHead
    camera: Camera
    crop: LipCrop
    teeth: Teeth | None
    """None for an avatar without."""
    neutral_m: Tensor  # [V, 3]

    def posed(self, offsets: Tensor) -> Tensor:
        """The mesh that the avatar rides on. [T, V * 3] m -> [T, V', 3]"""
        vertices = self.neutral_m + offsets.view(len(offsets), -1, 3)
        return vertices if self.teeth is None else self.teeth.added(vertices)


class AvatarPeople:
    """A `lip_reading.People` of captured data: the outputs are offsets of FLAME's own vertices."""

    def __init__(self, dataset: Captured, avatars: Path, flame: Path | None = None, targets: TargetName | None = None) -> None:
        """See `people_of`. Every avatar's card and every video is looked for now, so that training does not end at one."""
        self.dataset, self.files = dataset, flame_files(flame)
        takes = [take for take in dataset.takes if take.split == "train"]
        self.is_filmed = targets == "video" or (targets is None and any(take.footage for take in takes))
        if self.is_filmed:
            _check_footage(takes)
        self.avatars = avatars
        for folder in {_folder_of(avatars, take.subject) for take in takes}:
            _check_mesh(folder, len(self.files.triangles))
        # Sitters differ where a tracker fits a shape to each clip; what they wear is the same.
        self._dressed = lru_cache(maxsize=None)(self._dress)
        self._seated = lru_cache(maxsize=64)(self._seat)

    def crops(self, clip: Clip, prediction: Tensor) -> Tensor:
        sitter = self.sitter(clip)
        return sitter.crop(sitter.posed(prediction), sitter.camera)

    def true_crops(self, clip: Clip, part: slice) -> Tensor:
        if not self.is_filmed:
            offsets = self.dataset.named(clip.name).vertex_offsets
            assert offsets is not None
            return self.crops(clip, torch.from_numpy(offsets[part].reshape(-1, offsets[0].size)))
        footage, sitter = self.dataset.take(clip.name).footage, self.sitter(clip)
        assert footage is not None
        return reader_input(torch.from_numpy(mouth_pictures(footage, sitter.head, sitter.camera, part, FPS)))

    def sitter(self, clip: Clip) -> Sitter:
        """Who is seen in a clip. Raises `HeadError` when it is no mesh of the user's FLAME."""
        assert clip.neutral_m is not None
        if (found := len(clip.neutral_m)) != (expected := len(self.files.model.template)):
            raise HeadError(f"clip '{clip.name}' has {found} vertices, FLAME {expected}", where=str(self.files.path),
                            hint="give the FLAME that the clips were made with")  # fmt: skip
        return self._seated(clip.subject, clip.neutral_m.tobytes())

    def _seat(self, subject: str, neutral: bytes) -> Sitter:
        head = head_on(self.files, np.frombuffer(neutral, np.float32).reshape(-1, 3))
        crop, shift = self._dressed(_folder_of(self.avatars, subject))
        teeth = None if shift is None else Teeth(head, head.neutral_m[-TOOTH_COUNT:] + shift)
        camera = mouth_camera(mouth_points(head.neutral_m, head.landmarks))
        return Sitter(head, camera, crop, teeth, torch.tensor(head.neutral_m[:-TOOTH_COUNT]))

    def _dress(self, folder: Path) -> tuple[LipCrop, Array | None]:
        """An avatar's Gaussians, and how far its person's teeth stand from the usual place, [120, 3] m; None without teeth."""
        stored, triangles = load_avatar(folder), self.files.triangles
        if stored.card.triangles == len(triangles):
            return avatar_crop(stored.gaussians, triangles), None
        triangles = np.concatenate([triangles, tooth_triangles() + len(self.files.model.template)])
        shift = np.zeros((TOOTH_COUNT, 3), np.float32) if stored.person is None else tooth_shift(self.files, stored.person)
        return avatar_crop(stored.gaussians, triangles), shift


# ---- what must be there ---------------------------------------------------------------------------------------------------
def _folder_of(avatars: Path, subject: str) -> Path:
    """Where a subject's avatar lies. Raises `InputError`."""
    if not avatars.is_dir():
        raise InputError("no such folder", where=str(avatars), hint=f"make one: {_IMPORT} {avatars}")
    folder = avatars if (avatars / CARD).is_file() else avatars / subject
    if not (folder / CARD).is_file():
        hint = f"{_IMPORT} {folder}; or give the folder of one avatar for all subjects"
        raise InputError(f"no avatar of {subject}", where=str(folder), hint=hint)
    return folder


def _check_mesh(folder: Path, bare: int) -> None:
    """Raises `InputError` for an avatar that does not ride on a mesh of so many triangles, with teeth or without."""
    card, toothed = read_card(folder), bare + len(tooth_triangles())
    if card.triangles not in (bare, toothed):
        raise InputError(
            f"the avatar is bound to {card.head} with {card.triangles} triangles, FLAME has {bare}, or {toothed} with teeth",
            where=str(folder), hint="give an avatar of GaussianAvatars, or one fitted with --flame",
        )  # fmt: skip


def _check_footage(takes: Sequence[Take]) -> None:
    """Raises `InputError` for the first clip whose mouth cannot be seen."""
    otherwise = "or train against renders of the tracked motion, --targets renders"
    for take in takes:
        if take.footage is None:
            raise InputError(f"clip '{take.name}' has no video", where=str(take.motion), hint=f"add it, {otherwise}")
        if not take.footage.is_placed:
            raise InputError(
                f"nothing says where the mouth of '{take.name}' is", where=str(take.footage.video),
                hint=f"add landmarks, a camera, or the mouth cut out, see docs/corpora.md; {otherwise}",
            )  # fmt: skip
