"""AMASS, SMPL-X: .npz with `poses` [T, 165], the same again by part (`pose_jaw`, `pose_eye`, ...), `trans`, `betas`,
`surface_model_type`, `gender`, `mocap_frame_rate`. It has a jaw and eyes, but no expressions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.body.layout import BodyFormat, has_columns
from slp_mouthing.body.smplx import CHANNELS, COLUMNS, COPIES, neutral_expressions, widened

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record


def _recognises(record: Record) -> bool:
    return "expressions" not in record.names and has_columns(record, "poses", COLUMNS)


def _widen(record: Record) -> Record:
    return widened(record, {"expressions": neutral_expressions(record.array("poses"))})


FORMAT = BodyFormat(
    name="amass-smplx",
    title="AMASS SMPL-X",
    recognises=_recognises,
    channels=CHANNELS,
    copies=COPIES,
    widen=_widen,
)
