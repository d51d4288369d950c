# mypy: allow-untyped-defs, no-check-untyped-defs
"""Joints' rotations to places, and a mesh carried along by them (linear blend skinning)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.jit import F2, F3, I2, OUT2, kernel

if TYPE_CHECKING:
    from slp_mouthing.types import Array, Binding, Skeleton


def joint_places(skeleton: Skeleton, rotations_wxyz: Array, root_m: Array | None = None) -> Array:
    """Rotation and place of each joint in the world. [T, J, 4], [3] m -> [T, J, 3, 4]"""
    turns = matrices(rotations_wxyz)
    out = np.empty((*turns.shape[:2], 3, 4), np.float32)
    for j, parent in enumerate(skeleton.parents):
        if parent < 0:
            out[:, j, :, :3] = turns[:, j]
            out[:, j, :, 3] = skeleton.joints_m[j] if root_m is None else root_m
            continue
        bone = (skeleton.joints_m[j] - skeleton.joints_m[parent]).astype(np.float32)
        out[:, j, :, :3] = out[:, parent, :, :3] @ turns[:, j]
        out[:, j, :, 3] = out[:, parent, :, 3] + out[:, parent, :, :3] @ bone
    return out


def matrices(quaternions_wxyz: Array) -> Array:
    """Unit quaternions [..., 4] -> rotation matrices [..., 3, 3]."""
    w, x, y, z = np.moveaxis(quaternions_wxyz, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows, quaternions_wxyz.dtype), (0, 1), (-2, -1))


def motions(binding: Binding, places: Array) -> Array:
    """What each joint does to points of the mesh as it is given. [T, J, 3, 4] -> [T, J, 3, 4]"""
    back = np.swapaxes(binding.places[:, :, :3], 1, 2)
    turn = places[..., :3] @ back
    moved = places[..., 3] - np.einsum("tjab,jb->tja", turn, binding.places[:, :, 3])
    return np.concatenate([turn, moved[..., None]], axis=-1)


def carried(vertices_m: Array, binding: Binding, motion: Array) -> Array:
    """A mesh [V, 3] under its joints' motion [J, 3, 4], as `motions` gives it. -> [V, 3]"""
    out = np.empty_like(vertices_m)
    carry(vertices_m, binding.joints, binding.weights, np.ascontiguousarray(motion), out)
    return out


def carried_plainly(vertices_m: Array, binding: Binding, motion: Array) -> Array:
    """The plain twin of `carried`."""
    blended = np.einsum("vk,vkab->vab", binding.weights, motion[binding.joints])
    return np.asarray(np.einsum("vab,vb->va", blended[:, :, :3], vertices_m) + blended[:, :, 3])


@kernel(F2, I2, F2, F3, OUT2)
def carry(vertices, joints, weights, motion, out):
    for v in range(len(vertices)):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        for a in range(3):
            total = np.float32(0)
            for k in range(4):
                j, w = joints[v, k], weights[v, k]
                total += w * (motion[j, a, 0] * x + motion[j, a, 1] * y + motion[j, a, 2] * z + motion[j, a, 3])
            out[v, a] = total
