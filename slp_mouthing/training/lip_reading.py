"""VisualSpeaker's lip-reading loss (section 3.2, equation 5): a prediction is rendered, read, and held against the true video.

Who is drawn, and what the true video is, `People` say. Of a synthetic clip it is the render of its true motion, which a tracker's
noise never touched; so the pixels know more than the mesh that was fitted to them, as in the paper. `avatar_people` has those of
captured data.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from slp_mouthing.errors import InputError
from slp_mouthing.lipreading.loss import lip_reading_loss
from slp_mouthing.training.controls import composed, control_basis
from slp_mouthing.training.faces import head_of, vertices_m
from slp_mouthing.training.mouth_scene import MouthScene

if TYPE_CHECKING:
    from torch import Tensor

    from slp_mouthing.head.builtin import BuiltinHead
    from slp_mouthing.lipreading.reader import LipReader
    from slp_mouthing.training.clip import Clip


class People(Protocol):
    """The mouths of a data set before the lip reader's camera."""

    def crops(self, clip: Clip, prediction: Tensor) -> Tensor:
        """A network's outputs for the clip, drawn: [T, K] -> [T, 1, 88, 88], with gradients. Raises `MouthError`."""
        ...

    def true_crops(self, clip: Clip, part: slice) -> Tensor:
        """What the clip truly shows in some of its frames. -> [T, 1, 88, 88]. Raises `MouthError`."""
        ...


# ---- people of the built-in head ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Subject:
    """One person before the camera."""

    scene: MouthScene
    basis: Tensor  # [C, V * 3] metres
    neutral_m: Tensor  # [V, 3]

    @property
    def head(self) -> BuiltinHead:
        return self.scene.head

    def posed(self, channels: Tensor) -> Tensor:
        """The mesh in motion: exactly as the driver poses it, with gradients of its linear shapes. [T, H] -> [T, V, 3]"""
        linear = self.neutral_m + (composed(channels) @ self.basis).view(len(channels), -1, 3)
        exact = torch.from_numpy(vertices_m(self.head, channels.detach().clamp(0.0, 1.0).numpy()))
        return linear + (exact - linear).detach()


@functools.lru_cache(maxsize=64)
def subject_of(identity: str) -> Subject:
    """Some three seconds of work the first time."""
    head = head_of(identity)
    return Subject(MouthScene.of(head), torch.from_numpy(control_basis(head)), torch.tensor(head.neutral_m))


class DrawnPeople:
    """Those of synthetic clips: heads that a clip names, and articulation."""

    def crops(self, clip: Clip, prediction: Tensor) -> Tensor:
        """[T, H] -> [T, 1, 88, 88]. Raises `InputError` for a clip of captured data."""
        if clip.neutral_m is not None:
            raise InputError(f"clip '{clip.name}' is of captured data, whose people are drawn by their avatars",
                             hint="give their folder, --avatars DIR")  # fmt: skip
        subject = subject_of(clip.identity)
        return subject.scene.crops(subject.posed(prediction))

    def true_crops(self, clip: Clip, part: slice) -> Tensor:
        subject = subject_of(clip.identity)
        return subject.scene.crops(torch.from_numpy(vertices_m(subject.head, np.asarray(clip.truth()[part]))))


# ---- the loss -------------------------------------------------------------------------------------------------------------
class LipReading:
    """Equation 5 for one clip at a time. The targets are made once and kept."""

    def __init__(self, reader: LipReader, frames: int = 40, people: People | None = None) -> None:
        """`frames` of a clip are read at a time: all of a short one, a part of a longer one, drawn by torch's generator.

        `people`: None for those of synthetic clips.
        """
        self.reader, self.frames, self.people = reader, frames, people or DrawnPeople()
        self._targets: dict[tuple[str, int], Tensor] = {}

    def __call__(self, prediction: Tensor, clip: Clip) -> Tensor:
        """[T, K] -> scalar. Pictures are drawn on the CPU, and read where the prediction is. Raises `MouthError`."""
        begin, device = self._begin(len(prediction)), prediction.device
        part = slice(begin, min(begin + self.frames, len(prediction)))
        crops = self.people.crops(clip, prediction[part].float().cpu())
        features = self.reader.to(device).features(crops[None].to(device))[0]
        return lip_reading_loss(features, self._target(clip, part, device))

    def _begin(self, length: int) -> int:
        """Where the part that is read begins: half a part apart, so that few targets are made."""
        step = self.frames // 2
        count = max(-(-(length - self.frames) // step), 0) + 1
        return min(int(torch.randint(count, ())) * step, max(length - self.frames, 0))

    @torch.no_grad()
    def _target(self, clip: Clip, part: slice, device: torch.device) -> Tensor:
        key = (clip.name, part.start)
        if key not in self._targets:
            crops = self.people.true_crops(clip, part)
            self._targets[key] = self.reader.features(crops[None].to(device))[0]
        return self._targets[key]
