"""Where a track lies on a body's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.body.merge import MergeOptions
    from slp_mouthing.types import FaceTrack

    Floats = NDArray[np.floating[Any]]

_LEAST_SHARE = 1e-9
"""Of the track in a blended frame; below it the frame keeps its bits."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The N frames of a body that a track reaches."""

    reached: NDArray[np.int64]  # [N] frames of the body
    at: Floats  # [N] the track's frames at them, fractional
    share: Floats  # [N] of the track's face: 1 where it lasts, less where it blends with the body's own
    used: tuple[float, float]
    """First and last frame of the track that are used, fractional."""

    def covered_s(self, track: FaceTrack, options: MergeOptions) -> tuple[float, float]:
        """First and last instant of the body at which the face is all the track's."""
        first, last = (self.at[self.share == 1.0][[0, -1]] - self.used[0]) / track.fps + options.offset_s
        return float(first), float(last)


def cover(track: FaceTrack, time_s: Floats, options: MergeOptions) -> Coverage:
    """A track on a body whose frames lie at `time_s` [T]. Raises `InputError` when they do not meet."""
    first, last = _used_frames(track, options)
    # The body's instants in frames of the track; before `first` and after `last` the body's face comes back.
    at = (time_s - options.offset_s) * track.fps + first
    weight = _weight(at, first, last, options.blend_s * track.fps)
    if not (weight == 1.0).any():
        raise InputError(
            f"the track lies at {options.offset_s:.2f} to {options.offset_s + (last - first) / track.fps:.2f} s, "
            f"outside of the body's 0 to {time_s[-1]:.2f} s", hint="move it with --offset",
        )  # fmt: skip
    reached = np.flatnonzero(weight > _LEAST_SHARE)
    return Coverage(reached, np.clip(at[reached], first, last), weight[reached], (first, last))


def _used_frames(track: FaceTrack, options: MergeOptions) -> tuple[float, float]:
    start_s, end_s = options.trim_s
    last = float(len(track) - 1)
    if not len(track) or start_s * track.fps > last:
        raise InputError(f"the track has {len(track)} frames at {track.fps:g} fps, and none at {start_s:g} s", hint="see --trim")
    return start_s * track.fps, last if end_s is None else min(last, end_s * track.fps)


def _weight(at: Floats, first: float, last: float, blend: float) -> Floats:
    """Share of the track's face: 1 where it lasts, 0 from `blend` beyond, smooth in between. Frames. [T] -> [T]"""
    # A millionth of a frame of rounding must not cost the first or last frame.
    beyond = np.maximum(np.maximum(first - at, at - last), 0.0).round(6)
    ramp = np.clip(1.0 - beyond / blend, 0.0, 1.0) if blend > 0.0 else np.zeros_like(at)
    return np.where(beyond > 0.0, ramp * ramp * (3.0 - 2.0 * ramp), 1.0)


def gaps(time_s: Floats, fps: float, track_fps: float, options: MergeOptions, used: tuple[float, float]) -> list[str]:
    """Where track and body do not cover one another, with figures."""
    start_s, end_s = options.offset_s, options.offset_s + (used[1] - used[0]) / track_fps
    period_s = 1.0 / fps
    warnings = []
    if start_s < -1e-6:
        warnings.append(f"the track begins {-start_s:.2f} s ({round(-start_s * track_fps)} frames) before the body: not shown")
    # A track ends with rest of its own, less than a frame of the body.
    if (over_s := end_s - float(time_s[-1])) > period_s:
        warnings.append(
            f"the body is shorter than the track: it ends at {time_s[-1] + period_s:.2f} s, and the track's last "
            f"{over_s:.2f} s ({round(over_s * track_fps)} frames) are not shown"
        )
    if missing := round(float(time_s[-1]) * fps) + 1 - len(time_s):
        warnings.append(f"{missing} frames are missing from the body's folder; the others keep their times")
    return warnings
