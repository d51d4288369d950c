"""One clip as the networks hear it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.options import USUAL_FPS

if TYPE_CHECKING:
    from slp_mouthing.decoder.phone_stream import PhoneFrames
    from slp_mouthing.types import Array, Floats


@dataclass(frozen=True, slots=True, eq=False)
class SpeechInput:
    """Without `mel` it has the phones alone, without `phones` the sound alone. Raises `ValueError` when neither fits."""

    times_s: Floats  # [T] when the video frames are, evenly spaced, on the clock of the features
    mel: Array | None = None  # [M, 80] normalised
    phones: PhoneFrames | None = None  # of M frames
    wave: Array | None = None  # [N] see `wav2vec2.wave_input`, for that encoder alone

    def __post_init__(self) -> None:
        streams = {len(stream) for stream in (self.mel, self.phones) if stream is not None}
        if len(streams) > 1 or (not streams and self.wave is None):
            raise ValueError(f"sound and phones have {sorted(streams)} frames, expected one number")

    @property
    def length(self) -> int:
        """M, feature frames; 1 of nothing when there is a wave alone."""
        return next((len(stream) for stream in (self.mel, self.phones) if stream is not None), 1)

    @property
    def fps(self) -> float:
        return 1.0 / float(self.times_s[1] - self.times_s[0]) if len(self.times_s) > 1 else USUAL_FPS


def frame_times_s(frames: int, fps: float) -> Floats:  # [T]
    return np.arange(frames) / fps
