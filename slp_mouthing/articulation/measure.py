"""When a face moves: what the plan promised, read back from the curves without knowing how they were made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from slp_mouthing.types import ControlCurves, MouthScore

VISIBLE = 0.02
"""A control this far from rest is visible."""
APART_S = 0.3
"""Mouthings are judged apart from this pause on; in a shorter one the mouth may or may not come to rest."""


@dataclass(frozen=True, slots=True)
class Bout:
    """Mouthings between two rests: when the plan has them, and when the face moves."""

    start_s: float
    end_s: float
    onset_s: float
    """First frame in which a control is visibly off rest."""
    offset_s: float
    """Last frame in which the face is where it would be if the mouthing went on: after it, the face leaves for rest."""
    rest_s: float
    """First frame exactly at rest."""


def bouts(score: MouthScore, articulate: Callable[[MouthScore], ControlCurves]) -> list[Bout]:
    """Every bout of a score without mouth gestures, as `articulate` moves it; the rests between them are `APART_S` or longer.

    The offset is measured against the motion of a score whose bouts end two frames later, phones and all else alike: a mouth
    that already moves towards its last phone cannot be told from one that leaves it by its own motion alone.

    Raises `ValueError` when the face is still in a bout, moves outside all of them or through a rest, or leaves for rest more or
    less often than the plan says.
    """
    planned = _planned(score)
    curves = articulate(score)
    later = {end_s: end_s + 2.0 / curves.fps for _, end_s in planned}
    prolonged = articulate(replace(score, actions=tuple((a, later.get(b, b)) for a, b in score.actions)))
    away = runs(np.any(curves.values > 0.0, axis=1))
    moving = [
        [run for run in away if run[0] < end_s * curves.fps and run[1] > start_s * curves.fps] for start_s, end_s in planned
    ]
    left = runs(np.any(curves.values != prolonged.values, axis=1))
    if not all(moving) or sum(map(len, moving)) != len(away) or len(left) != len(planned):
        raise ValueError(f"{len(planned)} bouts planned, the face moves {len(away)} times and leaves for rest {len(left)} times")
    visible = np.any(curves.values > VISIBLE, axis=1)
    return [
        Bout(*plan, (own[0][0] + int(np.argmax(visible[slice(*own[0])]))) / curves.fps, (leaves - 1) / curves.fps,
             own[-1][1] / curves.fps)
        for plan, own, (leaves, _) in zip(planned, moving, left, strict=True)
    ]  # fmt: skip


def _planned(score: MouthScore) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start_s, end_s in score.actions:
        if found and start_s - found[-1][1] < APART_S:
            found[-1] = found[-1][0], end_s
        else:
            found.append((start_s, end_s))
    return found


def runs(true: NDArray[np.bool_]) -> list[tuple[int, int]]:  # [T]
    """First frame of each run of frames in which something holds, and the first frame after it."""
    steps = np.diff(np.concatenate([[0], true, [0]]).astype(np.int8))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))
