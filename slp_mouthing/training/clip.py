"""One clip of a corpus: speech, what is said when, and how the face moves with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from slp_mouthing.articulation import Style, channels
from slp_mouthing.types import MouthScore

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import Array, Phone

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

SAMPLE_RATE_HZ = 16000
"""Of the speech in every corpus that is built here."""


@dataclass(frozen=True, slots=True)
class Clip:
    """An utterance of one subject. T frames, H channels (`articulation.CHANNELS`), N samples, V vertices.

    A synthetic clip knows its phones, from which `truth` follows at any frame rate. A captured one (VOCASET, MEAD) has the motion
    of its mesh instead: `vertex_offsets` and `neutral_m`.
    """

    name: str
    text: str
    voice: str
    subject: str
    split: Split
    samples: Array = field(repr=False)  # [N] in [-1, 1]
    sample_rate_hz: int
    phones: tuple[Phone, ...] = field(repr=False)
    """On the clip's clock, as in `MouthScore`; empty where they are not known."""
    actions: tuple[tuple[float, float], ...]
    """(start_s, end_s) of each mouthing; the mouth rests between them."""
    duration_s: float
    fps: float = 30.0
    """Of `observed` and `vertex_offsets`."""
    style: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """The subject's intensity, jaw and lip: `articulation.Style`."""
    identity: str = "default"
    """The subject's head: a name of `head.identities`, or the seed of `head.draw_identity`."""
    observed: Array | None = field(default=None, repr=False)  # [T, H]
    """The articulation as a tracker would have seen it; None where it is the truth itself."""
    vertex_offsets: Array | None = field(default=None, repr=False)  # [T, V, 3] metres
    neutral_m: Array | None = field(default=None, repr=False)  # [V, 3]
    video: Path | None = None
    """Of captured data: the recording itself, from the front."""

    @property
    def score(self) -> MouthScore:
        return MouthScore(self.phones, (), self.duration_s, self.actions)

    @property
    def articulation(self) -> Array | None:  # [T, H]
        """The true channels at the clip's own frame rate; None for captured data."""
        return self.truth() if self.phones else None

    def truth(self, fps: float | None = None, style: Style | None = None) -> Array:  # [T, H]
        """The true channels, in [0, 1]: T = ceil(duration x fps), frame i at i / fps.

        Args:
            fps: None for the clip's own.
            style: None for the clip's own.
        """
        values = channels(self.score, fps or self.fps, style or Style(*self.style))
        return np.asarray(values, np.float32)
