"""The people of a captured-looking corpus: each has a head, a voice and a way of moving the mouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.training.voices import Voice, draw_name

if TYPE_CHECKING:
    from slp_mouthing.training.clip import Split

_RATES_WPM = (140, 195)
_PITCHES = (20, 80)
_INTENSITIES, _SHARES = (0.8, 1.25), (0.85, 1.2)
"""Of `articulation.Style`: intensity, and jaw and lip."""
_STREAM = 0x5B1EC7


@dataclass(frozen=True, slots=True)
class Subject:
    name: str
    split: Split
    identity: str
    """The seed of `head.draw_identity`."""
    voice: Voice
    style: tuple[float, float, float]
    """Intensity, jaw and lip."""


def draw_subject(seed: int, number: int, split: Split, name: str) -> Subject:
    """A person at random, whose voice no other split hears. The same seed and number give the same person."""
    rng = np.random.default_rng([seed, number, _STREAM])
    pitch, pitch_range = rng.integers(*_PITCHES, 2).tolist()
    voice = Voice(draw_name(rng, split), int(rng.integers(*_RATES_WPM)), pitch, pitch_range)
    style = rng.uniform(*_INTENSITIES), rng.uniform(*_SHARES), rng.uniform(*_SHARES)
    intensity, jaw, lip = (round(float(value), 3) for value in style)
    return Subject(name, split, str(int(rng.integers(2**31))), voice, (intensity, jaw, lip))
