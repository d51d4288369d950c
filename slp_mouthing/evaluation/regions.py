"""Which vertices of a head the metrics look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import HeadError
from slp_mouthing.head.flame_controls import ControlledFlame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Head

    Vertices = NDArray[np.int64]

_FLAME_MIDDLE = 3531, 3504
"""Upper and lower middle of FLAME's lips, as the metrics were published."""
_UPPER_MASKS = ("eye_region", "forehead")
_DEPTH_M = 0.04
"""The face ends this far behind the eyes; beyond it is hair and neck."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Vertices of one head. FLAME's lips are those of `FLAME_masks.pkl` where it is there, four of them twice as published."""

    lips: Vertices  # [n]
    upper: Vertices  # [u] brows, eyes and forehead
    upper_lip: int
    """Middle of the upper lip."""
    lower_lip: int


def regions_of(head: Head) -> Regions:
    """The regions of any head. Raises `HeadError` for one whose lips are not known."""
    masks: Mapping[str, NDArray[np.int32]] = head.flame.files.masks if isinstance(head, ControlledFlame) else {}
    lips = masks["lips"] if "lips" in masks else _region(head, ("lip",))
    if not len(lips):
        raise HeadError(f"the head {head.name} does not say which of its vertices are lips")
    parts = [masks[name] for name in _UPPER_MASKS if name in masks]
    upper = np.unique(np.concatenate(parts)) if parts else _above_the_nose(head)
    middle = _FLAME_MIDDLE
    if not isinstance(head, ControlledFlame) or len(head.neutral_m) <= max(_FLAME_MIDDLE):
        middle = int(head.landmarks["lip_upper_mid"][0]), int(head.landmarks["lip_lower_mid"][0])
    return Regions(np.asarray(lips, np.int64), upper.astype(np.int64), *middle)


def _above_the_nose(head: Head) -> Vertices:
    """Of the front of the face, what lies higher than half-way from the tip of the nose to the eyes."""
    skin = _region(head, ("skin", "brow", "eyelid_edge"))
    eyes = head.neutral_m[[head.landmarks[f"eye_{side}"][0] for side in ("left", "right")]].mean(axis=0)
    height = 0.5 * (eyes[1] + head.neutral_m[head.landmarks["nose_tip"][0], 1])
    points = head.neutral_m[skin]
    return np.asarray(skin[(points[:, 1] > height) & (points[:, 2] > eyes[2] - _DEPTH_M)])


def _region(head: Head, names: tuple[str, ...]) -> Vertices:
    wanted = [k for k, name in enumerate(head.region_names) if name in names]
    return np.unique(head.triangles[np.isin(head.regions, wanted)]).astype(np.int64)
