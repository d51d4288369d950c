"""The 165 pose columns of SMPL-X, as AMASS and BEAT2 store them, and files widened to them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.body.layout import Place
from slp_mouthing.body.records import NpzRecord
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.body.records import Arrays, Record

COLUMNS = 165
EXPRESSIONS = 100
"""Expression columns that a widened file gets."""

CHANNELS = MappingProxyType(
    {
        "root_orient": (Place("poses", 0, 3),),
        "body_pose": (Place("poses", 3, 66),),
        "jaw_pose": (Place("poses", 66, 69),),
        "eyes_pose": (Place("poses", 69, 75),),
        "left_hand_pose": (Place("poses", 75, 120),),
        "right_hand_pose": (Place("poses", 120, 165),),
        "translation_m": (Place("trans", 0, 3),),
    }
)
COPIES = MappingProxyType({"jaw_pose": (Place("pose_jaw", 0, 3),), "eyes_pose": (Place("pose_eye", 0, 6),)})
"""AMASS stores face joints again by name."""


@dataclass(frozen=True, slots=True)
class WidenedRecord:
    """A file with arrays that it does not have yet."""

    record: NpzRecord
    added: Arrays

    @property
    def where(self) -> str:
        return self.record.where

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.record.names, *self.added)))

    def array(self, name: str) -> NDArray[Any]:
        return self.added[name] if name in self.added else self.record.array(name)

    def save(self, path: Path, replaced: Arrays) -> None:
        """Write the file with what was added. Raises `OutputError`."""
        self.record.save(path, dict(self.added) | dict(replaced))


def widened(record: Record, added: Arrays) -> WidenedRecord:
    """`record` with more arrays. Raises `InputError` for a container that takes none."""
    if not isinstance(record, NpzRecord):
        raise InputError("only .npz files can be widened", where=record.where, hint="save its arrays with numpy.savez")
    return WidenedRecord(record, added)


def neutral_expressions(poses: NDArray[Any]) -> NDArray[Any]:
    """[T, D] -> [T, 100] zeros of the same precision."""
    return np.zeros((len(poses), EXPRESSIONS), poses.dtype)
