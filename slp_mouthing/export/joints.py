"""A figure's joints in a glTF file: a node for each, the skin that they carry the mesh by, and their turns over the clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from slp_mouthing.export.gltf import Accessors
    from slp_mouthing.head.rig import Figure
    from slp_mouthing.types import Array, JointMotion

_STILL = 1e-6
"""Largest change of a quaternion's components for a joint that does not turn in a clip."""


def attributes(store: Accessors, figure: Figure) -> dict[str, int]:
    """Which joints carry each vertex, and how much."""
    weights = figure.binding.weights
    joints = np.where(weights > 0, figure.binding.joints, 0)
    return {"JOINTS_0": store.joints(joints), "WEIGHTS_0": store.weights(weights)}


def skin(store: Accessors, figure: Figure, first: int) -> Any:
    """The skin, for joints that are the nodes from `first` on."""
    import pygltflib as gltf

    places = figure.binding.places.astype(np.float64)
    back = np.zeros((len(places), 4, 4))
    back[:, :3, :3] = np.swapaxes(places[:, :, :3], 1, 2)
    back[:, :3, 3] = -np.einsum("jab,jb->ja", back[:, :3, :3], places[:, :, 3])
    back[:, 3, 3] = 1
    return gltf.Skin(
        inverseBindMatrices=store.matrices(back.astype(np.float32)),
        skeleton=first,
        joints=list(range(first, first + len(places))),
    )


def nodes(figure: Figure, motion: JointMotion, first: int) -> list[Any]:
    """A node for each joint, in the pose in which the mesh is given; they get the numbers from `first` on."""
    import pygltflib as gltf

    skeleton, turns = figure.skeleton, _turns_at_rest(figure)
    children: dict[int, list[int]] = {}
    for joint, parent in enumerate(skeleton.parents):
        children.setdefault(parent, []).append(first + joint)
    found = []
    for joint, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents, strict=True)):
        place = motion.root_m if parent < 0 else skeleton.joints_m[joint] - skeleton.joints_m[parent]
        found.append(
            gltf.Node(
                name=name,
                translation=[float(x) for x in place],
                rotation=[float(x) for x in turns[joint]],
                children=children.get(joint) or None,
            )
        )
    return found


def add_turns(store: Accessors, animation: Any, times: int, figure: Figure, motion: JointMotion, first: int) -> None:
    """Channels for every joint that turns, or is turned otherwise than at rest. `times`: accessor of the key frames' times."""
    import pygltflib as gltf

    keys = motion.rotations_wxyz[:, :, [1, 2, 3, 0]]
    rest = _turns_at_rest(figure)
    away = np.minimum(np.abs(keys - rest), np.abs(keys + rest)).max(axis=(0, 2))
    for joint in np.flatnonzero(away > _STILL):
        sampler = gltf.AnimationSampler(input=times, output=store.turns(keys[:, joint]), interpolation=gltf.ANIM_LINEAR)
        target = gltf.AnimationChannelTarget(node=first + int(joint), path="rotation")
        animation.channels.append(gltf.AnimationChannel(sampler=len(animation.samplers), target=target))
        animation.samplers.append(sampler)


def _turns_at_rest(figure: Figure) -> Array:
    """Each joint against its parent in the pose in which the mesh is given, as quaternions x, y, z, w. -> [J, 4]"""
    from scipy.spatial.transform import Rotation

    world = Rotation.from_matrix(figure.binding.places[:, :, :3].astype(np.float64))
    parents = np.array(figure.skeleton.parents)
    local = world[np.maximum(parents, 0)].inv() * world
    turns = np.where(parents[:, None] < 0, world.as_quat(), local.as_quat())
    return turns.astype(np.float32)
