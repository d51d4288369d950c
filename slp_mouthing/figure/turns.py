"""What a pose of SMPL-X's joints turns each joint of the half body by, its helpers included.

A turn is split into its swing, which moves the bone, and its twist, which turns the bone about itself (x at rest):
turn = swing twist. Captures put the turn of a forearm into elbow or wrist as they please; here it is spread evenly between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.figure.skeleton import SIDES, SKELETON, SMPLX_BODY, SMPLX_HAND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from scipy.spatial.transform import Rotation

    from slp_mouthing.types import Array

    Floats = NDArray[np.floating]
    Turns = dict[str, Rotation]


def joint_rotations(root_orient: Floats, body_pose: Floats, left_hand: Floats, right_hand: Floats) -> Array:
    """Rotation of every joint of `SKELETON` against its parent, as quaternions w, x, y, z of one sign along time.

    [T, 3], [T, 63], [T, 45], [T, 45] axis-angle rad, as in SMPL-X -> [T, J, 4]
    """
    poses = np.concatenate([root_orient, body_pose], axis=1)
    named = dict(zip(SMPLX_BODY, np.split(poses, len(SMPLX_BODY), axis=1), strict=True))
    for side, hand in (("left", left_hand), ("right", right_hand)):
        named |= {f"{side}_{name}": turn for name, turn in zip(SMPLX_HAND, np.split(hand, 15, axis=1), strict=True)}
    return _quaternions(_turns(named), len(poses))


def pose_rotations(pose: Mapping[str, tuple[float, float, float]]) -> Array:
    """The same for one pose that names the joints it turns. -> [J, 4]"""
    named = {name: np.array([pose.get(name, (0, 0, 0))], float) for name in SKELETON.names}
    return np.asarray(_quaternions(_turns(named), 1)[0])


def _turns(named: Mapping[str, Floats]) -> Turns:
    """Turns of all joints that are not at rest by definition, from axis-angles [T, 3] of SMPL-X's joints."""
    from scipy.spatial.transform import Rotation

    turns = {name: Rotation.from_rotvec(named[name]) for name in SKELETON.names if name in named}
    turns |= {f"{name}_half": share(turns[name], 0.5) for name in SKELETON.names if f"{name}_half" in SKELETON.names}
    for side, _ in SIDES:
        arm = _arm_helpers(turns[f"{side}_shoulder"], turns[f"{side}_elbow"], turns[f"{side}_wrist"])
        turns |= {f"{side}_{name}": turn for name, turn in arm.items()}
    return turns


def _arm_helpers(shoulder: Rotation, elbow: Rotation, wrist: Rotation) -> Turns:
    swing, about_arm = split(shoulder)
    bend, elbow_twist = split(elbow)
    _, wrist_twist = split(wrist)
    twist = elbow_twist + wrist_twist
    own = about_x(wrist_twist)
    return {
        "shoulder_half": share(swing, 0.5),
        "shoulder_swing": swing,
        "shoulder_twist": swing * about_x(about_arm / 2),
        "elbow_half": share(bend, 0.5),
        "forearm0": bend,
        "forearm1": bend * about_x(twist / 3),
        "forearm2": bend * about_x(twist * 2 / 3),
        "forearm3": own,
        "wrist_half": own * share(own.inv() * wrist, 0.5),
    }


def split(turn: Rotation) -> tuple[Rotation, Floats]:
    """Swing, and the angle [T] rad of the twist about x in it: turn = swing about_x(angle)."""
    x, _, _, w = turn.as_quat().T
    angle = np.where(np.hypot(x, w) > 1e-9, 2 * np.arctan2(x, w), 0.0)
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    return turn * about_x(-angle), angle


def about_x(angle: Floats) -> Rotation:
    """[T] rad."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(np.multiply.outer(angle, (1.0, 0.0, 0.0)))


def share(turn: Rotation, part: float) -> Rotation:
    """The first `part` of a turn."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(part * turn.as_rotvec())


def of_one_sign(quaternions: Array) -> Array:
    """Of q and -q, which are the same turn, the one nearer to the frame before: players go the short way. [T, J, 4], in place"""
    steps = np.einsum("tjc,tjc->tj", quaternions[1:], quaternions[:-1])
    quaternions[1:] *= np.cumprod(np.where(steps < 0, -1, 1), axis=0)[:, :, None].astype(np.float32)
    return quaternions


def _quaternions(turns: Turns, frames: int) -> Array:
    out = np.empty((frames, len(SKELETON.names), 4), np.float32)
    for j, name in enumerate(SKELETON.names):
        out[:, j] = turns[name].as_quat(scalar_first=True)
    return of_one_sign(out)
