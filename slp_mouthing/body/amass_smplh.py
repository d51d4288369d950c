"""AMASS, SMPL+H: .npz with `poses` [T, 156], `trans`, `betas` [16], `gender`, `mocap_framerate`. It has no face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.body.layout import BodyFormat, Place, has_columns
from slp_mouthing.body.smplx import neutral_expressions, widened

if TYPE_CHECKING:
    from slp_mouthing.body.records import Record

_COLUMNS = 156
_HANDS = 66
"""First column of the hands; SMPL-X has jaw and eyes in between."""
_FACE_COLUMNS = 9


def _recognises(record: Record) -> bool:
    return has_columns(record, "poses", _COLUMNS)


def _widen(record: Record) -> Record:
    """The same body as SMPL-X with a neutral face. Its `betas` stay those of SMPL+H, whose shape space is another."""
    poses = record.array("poses")
    face = np.zeros((len(poses), _FACE_COLUMNS), poses.dtype)
    added = {
        "poses": np.concatenate([poses[:, :_HANDS], face, poses[:, _HANDS:]], axis=1),
        "expressions": neutral_expressions(poses),
        "surface_model_type": np.array("smplx"),
    }
    return widened(record, added)


FORMAT = BodyFormat(
    name="amass-smplh",
    title="AMASS SMPL+H",
    recognises=_recognises,
    channels={
        "root_orient": (Place("poses", 0, 3),),
        "body_pose": (Place("poses", 3, 66),),
        "left_hand_pose": (Place("poses", 66, 111),),
        "right_hand_pose": (Place("poses", 111, 156),),
        "translation_m": (Place("trans", 0, 3),),
    },
    widen=_widen,
    widened_note="betas stay those of SMPL+H, and SMPL-X has another shape space: fit them anew, or set them to zero",
)
