"""SOKE: a folder with one pickle per frame, keys `smplx_root_pose` ... `smplx_jaw_pose`, `smplx_expr` [10].

Neither frames nor names say the frame rate, which differs between the data sets that SOKE is used on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.body.frames import FrameFolder
from slp_mouthing.body.layout import BodyFormat, Place

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record


def _recognises(record: Record) -> bool:
    return isinstance(record, FrameFolder) and {"smplx_root_pose", "smplx_jaw_pose"} <= set(record.names)


FORMAT = BodyFormat(
    name="soke",
    title="SOKE",
    recognises=_recognises,
    channels={
        "root_orient": (Place("smplx_root_pose", 0, 3),),
        "body_pose": (Place("smplx_body_pose", 0, 63),),
        "left_hand_pose": (Place("smplx_lhand_pose", 0, 45),),
        "right_hand_pose": (Place("smplx_rhand_pose", 0, 45),),
        "jaw_pose": (Place("smplx_jaw_pose", 0, 3),),
        "expressions": (Place("smplx_expr"),),
    },
)
