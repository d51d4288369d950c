"""A captured body set upright before the camera: files differ in where up and forwards are, and in where the person stood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.figure.skinning import joint_places
from slp_mouthing.figure.turns import of_one_sign

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import Array, Skeleton

    Floats = NDArray[np.floating[Any]]


def upright(skeleton: Skeleton, rotations_wxyz: Array) -> tuple[Array, Array]:
    """Turn the whole sequence so that, on average, the trunk stands and the chest faces +z, and place the root accordingly.

    What the body does within the sequence stays: one turn and one shift are made for all frames.

    [T, J, 4] -> the rotations with another turn of the root [T, J, 4], and the root's place [3] m at which the neck is, on
    average, where it is at rest.
    """
    from scipy.spatial.transform import Rotation

    places = joint_places(skeleton, rotations_wxyz)
    pelvis, neck, chest = (skeleton.index(name) for name in ("pelvis", "neck", "spine3"))
    trunk = places[:, neck, :, 3] - places[:, pelvis, :, 3]
    turn = _upright_turn(_unit(trunk).mean(0), places[:, chest, :, 2].mean(0))
    root = Rotation.from_matrix(turn) * Rotation.from_quat(rotations_wxyz[:, pelvis], scalar_first=True)
    turned = rotations_wxyz.copy()
    turned[:, pelvis] = root.as_quat(scalar_first=True)
    place_m = skeleton.joints_m[neck] - turn @ trunk.mean(0)
    return of_one_sign(turned), np.asarray(place_m, np.float32)


def _upright_turn(up: Floats, ahead: Floats) -> Floats:
    """Takes `up` to +y, and what of `ahead` is square to it to +z. -> [3, 3]"""
    y = _unit(up.astype(np.float64))
    level = ahead - (ahead @ y) * y
    z = _unit(level if np.linalg.norm(level) > 1e-6 else np.eye(3)[np.argmin(np.abs(y))])
    return np.stack([np.cross(y, z), y, z])


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
