"""SMPLer-X: a folder with one .npz per frame and person, keys as in the smplx library: `global_orient` ... `jaw_pose`,
`leye_pose`, `reye_pose`, `expression` [1, 10], `transl`. The frame rate is the video's, which the files do not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.body.frames import FrameFolder
from slp_mouthing.body.layout import BodyFormat, Place

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record


def _recognises(record: Record) -> bool:
    return isinstance(record, FrameFolder) and {"global_orient", "jaw_pose"} <= set(record.names)


FORMAT = BodyFormat(
    name="smplerx",
    title="SMPLer-X",
    recognises=_recognises,
    channels={
        "root_orient": (Place("global_orient", 0, 3),),
        "body_pose": (Place("body_pose", 0, 63),),
        "left_hand_pose": (Place("left_hand_pose", 0, 45),),
        "right_hand_pose": (Place("right_hand_pose", 0, 45),),
        "jaw_pose": (Place("jaw_pose", 0, 3),),
        "eyes_pose": (Place("leye_pose", 0, 3), Place("reye_pose", 0, 3)),
        "expressions": (Place("expression"),),
        "translation_m": (Place("transl", 0, 3),),
    },
)
