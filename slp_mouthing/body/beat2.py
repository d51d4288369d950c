"""BEAT2 and EMAGE: .npz with `poses` [T, 165], `expressions` [T, 100], `trans`, `betas` [300], `model`, `gender`,
`mocap_frame_rate`. The layout of our own `.smplx.npz`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.body.layout import BodyFormat, Place, has_columns
from slp_mouthing.body.smplx import CHANNELS, COLUMNS, COPIES

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record


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
