"""BEAT2 and EMAGE: .npz with `poses` [T, 165], `expressions` [T, 100], `trans`, `betas` [300], `model`, `gender`,
`mocap_frame_rate`. The layout of our own `.smplx.npz`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.body.layout import BodyFormat, Place, has_columns, read_sequence
from slp_mouthing.body.records import NpzRecord
from slp_mouthing.body.smplx import CHANNELS, COLUMNS, COPIES, EXPRESSIONS, widened

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record
    from slp_mouthing.types import BodySequence


def _recognises(record: Record) -> bool:
    return "expressions" in record.names and has_columns(record, "poses", COLUMNS)


FORMAT = BodyFormat(
    name="beat2",
    title="BEAT2 SMPL-X",
    recognises=_recognises,
    channels={**CHANNELS, "expressions": (Place("expressions"),)},
    copies=COPIES,
    default_fps=30.0,
)

_BETAS = 300


def still(frames: int, fps: float) -> BodySequence:
    """A body of mean shape that stands still in SMPL-X's rest pose, its face at rest: one to merge a face into."""
    rate = int(fps) if fps == int(fps) else fps
    arrays = {
        "poses": np.zeros((frames, COLUMNS), np.float32),
        "expressions": np.zeros((frames, EXPRESSIONS), np.float32),
        "trans": np.zeros((frames, 3), np.float32),
        "betas": np.zeros(_BETAS, np.float32),
        "model": np.array("smplx2020"),
        "gender": np.array("neutral"),
        "mocap_frame_rate": np.array(rate),
    }
    return read_sequence(FORMAT, widened(NpzRecord("a body that stands still", (), {}), arrays))
