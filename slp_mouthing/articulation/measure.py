"""When a face moves: what the plan promised, read back from the curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation.motion import relaxation_frames

if TYPE_CHECKING:
    from slp_mouthing.types import ControlCurves

VISIBLE = 0.02
"""A control this far from rest is visible."""


def moving_spans(curves: ControlCurves) -> list[tuple[float, float]]:
    """Onset and offset of each stretch of motion, in seconds.

    The onset is the first frame in which a control is visibly off rest. The offset is the last frame before the relaxation,
    which ends with the first frame exactly at rest.
    """
    away = np.concatenate([[False], np.any(curves.values > 0.0, axis=1), [False]])
    starts, stops = np.flatnonzero(np.diff(away.astype(np.int8)) == 1), np.flatnonzero(np.diff(away.astype(np.int8)) == -1)
    visible = np.any(curves.values > VISIBLE, axis=1)
    return [
        ((start + int(np.argmax(visible[start:stop]))) / curves.fps, (stop - relaxation_frames(curves.fps)) / curves.fps)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
    ]
