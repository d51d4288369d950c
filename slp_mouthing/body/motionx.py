"""Motion-X: .npy [T, 322], 30 fps by convention.

Columns: root 0:3, body 3:66, hands 66:156, jaw 156:159, expression 159:209, face shape 209:309, translation 309:312,
shape 312:322.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.body.layout import BodyFormat, Place, has_columns
from slp_mouthing.body.records import UNNAMED

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record

_COLUMNS = 322


def _recognises(record: Record) -> bool:
    return has_columns(record, UNNAMED, _COLUMNS)


FORMAT = BodyFormat(
    name="motionx",
    title="Motion-X",
    recognises=_recognises,
    channels={
        "root_orient": (Place(UNNAMED, 0, 3),),
        "body_pose": (Place(UNNAMED, 3, 66),),
        "left_hand_pose": (Place(UNNAMED, 66, 111),),
        "right_hand_pose": (Place(UNNAMED, 111, 156),),
        "jaw_pose": (Place(UNNAMED, 156, 159),),
        "expressions": (Place(UNNAMED, 159, 209),),
        "translation_m": (Place(UNNAMED, 309, 312),),
    },
    default_fps=30.0,
)
