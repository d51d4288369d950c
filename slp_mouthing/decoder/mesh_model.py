"""A published speech-to-mesh network in use: sound in, motion of a mesh out, whichever network it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.types import FaceMotion

if TYPE_CHECKING:
    from slp_mouthing.decoder.published import PublishedNetwork
    from slp_mouthing.types import Array, Floats


@dataclass(frozen=True, slots=True, eq=False)
class MeshModel:
    """Ready to predict. Immutable, and safe to share between threads."""

    network: PublishedNetwork
    checksum: str
    """Of its file, for a track's meta."""

    @property
    def name(self) -> str:
        return f"{self.network.TITLE} ({self.network.data.name})"

    @property
    def head(self) -> str:
        """Whose vertices it moves: `flame`, or a data set that has a mesh of its own."""
        return self.network.data.head

    @property
    def fps(self) -> float:
        """That it was trained at; other rates are interpolated."""
        return self.network.data.fps

    @property
    def vertices(self) -> int:
        return self.network.outputs // 3

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names of the styles it knows; numbers where they are not those of its data set. Empty when it knows none."""
        known = self.network.data.subjects
        return known if len(known) == self.network.styles else tuple(str(number) for number in range(self.network.styles))

    @property
    def usual_subject(self) -> str:
        usual = self.network.data.usual
        return usual if usual in self.subjects else next(iter(self.subjects), "")

    def predict(self, samples: Floats, sample_rate_hz: int, subject: str | None = None, fps: float = 30.0) -> FaceMotion:
        """What a face does that says this: offsets from the neutral mesh, which is not needed, from 0 s on.

        Args:
            samples: [N] or [N, channels] in [-1, 1].
            sample_rate_hz: of the samples, 8 to 96 kHz.
            subject: one of `subjects`, in whose style; None for the usual one.
            fps: of the motion; other rates than the network's own are interpolated.

        Raises `InputError` for sound that is empty, not finite, or longer than `wav2vec2.LONGEST_S`, and for other subjects.
        """
        import torch

        from slp_mouthing.decoder.wav2vec2 import wave_input

        style = self._style(subject)
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            wave = torch.from_numpy(wave_input(samples, sample_rate_hz)).to(device)
            motion = self.network(wave, style).cpu().numpy()
        offsets = at_rate(motion.reshape(len(motion), -1, 3), self.fps, fps)
        return FaceMotion(fps, offsets, self.head)

    def _style(self, subject: str | None) -> int:
        if subject is None:
            return self.subjects.index(self.usual_subject) if self.subjects else 0
        if subject not in self.subjects:
            allowed = ", ".join(self.subjects) or "none: it has one style"
            raise InputError(f"{self.name} knows no subject '{subject}', allowed: {allowed}")
        return self.subjects.index(subject)


def at_rate(offsets: Array, from_fps: float, to_fps: float) -> Array:
    """Linearly interpolated in time, [T, V, 3] -> [round of T * to / from, V, 3]; both begin at 0 s."""
    if from_fps == to_fps:
        return offsets
    count = max(round(len(offsets) * to_fps / from_fps), 1)
    place = np.minimum(np.arange(count) * (from_fps / to_fps), len(offsets) - 1)
    before = place.astype(np.int64)
    share = (place - before).astype(np.float32)[:, None, None]
    after = np.minimum(before + 1, len(offsets) - 1)
    interpolated: Array = (1.0 - share) * offsets[before] + share * offsets[after]
    return interpolated
