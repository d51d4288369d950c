"""A body sequence at other instants, and a part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.body.resample import resample_curves, resample_rotations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import BodySequence

    Floats = NDArray[np.floating[Any]]

_ROTATIONS = ("root_orient", "body_pose", "left_hand_pose", "right_hand_pose", "jaw_pose", "eyes_pose")
_CURVES = ("expressions", "translation_m")


def sampled(body: BodySequence, time_s: Floats, fps: float) -> BodySequence:
    """The body at the instants `time_s` [N] on its own clock, `fps` apart; before its start and after its end it holds still.

    Rotations go along the sphere, curves along a cubic that keeps their shape.
    """
    frames = np.interp(time_s, body.time_s, np.arange(len(body)))
    channels: dict[str, Any] = {}
    for names, resample in ((_ROTATIONS, resample_rotations), (_CURVES, resample_curves)):
        for name in names:
            values = getattr(body, name)
            channels[name] = None if values is None else resample(values.astype(np.float64), frames)
    return replace(body, fps=fps, time_s=np.asarray(time_s) - time_s[0], extra=None, signs=(), **channels)


def part(body: BodySequence, start_s: float, end_s: float) -> BodySequence:
    """The frames from `start_s` to `end_s`, at least one, on a clock that begins at `start_s`, with the signs that lie in it."""
    first = min(int(np.searchsorted(body.time_s, start_s - 1e-6)), len(body) - 1)
    last = max(int(np.searchsorted(body.time_s, end_s + 1e-6)), first + 1)
    names = ("root_orient", "body_pose", "left_hand_pose", "right_hand_pose", *_CURVES, "jaw_pose", "eyes_pose")
    channels: dict[str, Any] = {name: None if getattr(body, name) is None else getattr(body, name)[first:last] for name in names}
    signs = tuple(
        replace(sign, start_s=sign.start_s - start_s, end_s=sign.end_s - start_s)
        for sign in body.signs
        if start_s <= sign.start_s < end_s
    )
    return replace(body, time_s=body.time_s[first:last] - start_s, extra=None, signs=signs, **channels)
