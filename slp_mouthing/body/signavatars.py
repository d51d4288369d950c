"""SignAvatars: a pickle with `smplx` [T, 182] beside cameras, boxes and validity. 24 fps, which it does not store.

Columns: root 0:3, body 3:66, left hand 66:111, right hand 111:156, jaw 156:159, shape 159:169, expression 169:179,
translation 179:182. The raw fits `unsmooth_smplx` have no face.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.body.layout import BodyFormat, Place, has_columns

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record

_COLUMNS = 182


def _recognises(record: Record) -> bool:
    return has_columns(record, "smplx", _COLUMNS)


FORMAT = BodyFormat(
    name="signavatars",
    title="SignAvatars",
    recognises=_recognises,
    channels={
        "root_orient": (Place("smplx", 0, 3),),
        "body_pose": (Place("smplx", 3, 66),),
        "left_hand_pose": (Place("smplx", 66, 111),),
        "right_hand_pose": (Place("smplx", 111, 156),),
        "jaw_pose": (Place("smplx", 156, 159),),
        "expressions": (Place("smplx", 169, 179),),
        "translation_m": (Place("smplx", 179, 182),),
    },
    default_fps=24.0,
)
