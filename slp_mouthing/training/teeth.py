"""FLAME's teeth on a mesh that has none: data sets and networks have FLAME's own vertices, avatars ride on the teeth as well.

The upper teeth stay where they are, as the skull does in motion without the head's own. The lower ones turn about the jaw's joint
as the skin does that the jaw alone carries: by the rotation that brings it nearest, with gradients to that skin.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from slp_mouthing.head.flame import make_head
from slp_mouthing.head.flame_files import JAW
from slp_mouthing.head.flame_teeth import TOOTH_COUNT, tooth_joints

if TYPE_CHECKING:
    from torch import Tensor

    from slp_mouthing.avatar.flame_param import FlameIdentity
    from slp_mouthing.head.flame import FlameHead
    from slp_mouthing.head.flame_files import FlameFiles
    from slp_mouthing.types import Array

_ONLY_JAW = 8
"""Power of the skinning weight: what the jaw carries with others hardly counts."""
_STEPS = 5
"""Of Gauss and Newton; a jaw that opens by 30 degrees is found to 1e-6 in four."""


class Teeth:
    """The teeth of one person. Immutable; threads may share it."""

    def __init__(self, head: FlameHead, neutral_m: Array | None = None) -> None:
        """`neutral_m` [120, 3]: where they stand at rest; None: as the head has them."""
        bare = len(head.neutral_m) - TOOTH_COUNT
        standing = head.neutral_m[bare:] if neutral_m is None else neutral_m
        carried = _carried_by_jaw(head)[:bare]
        self._chosen = torch.from_numpy(np.flatnonzero(carried > 1e-4))
        self._weights = torch.tensor(carried[carried > 1e-4], dtype=torch.float32)[:, None]
        self._joint = torch.tensor(head.rig.joints[JAW], dtype=torch.float32)
        self._skin = torch.tensor(head.neutral_m[:bare])[self._chosen] - self._joint
        self._teeth = torch.tensor(np.asarray(standing, np.float32)) - self._joint
        self._lower = torch.from_numpy(tooth_joints() == JAW)[:, None]
        inertia = self._weights * self._skin
        self._inertia = (inertia * self._skin).sum() * torch.eye(3) - inertia.T @ self._skin

    def added(self, vertices_m: Tensor) -> Tensor:
        """The mesh with its teeth. [T, V, 3] -> [T, V + 120, 3]"""
        turned = self._teeth @ self.jaw_rotation(vertices_m).mT
        teeth = torch.where(self._lower, turned, self._teeth) + self._joint
        return torch.cat([vertices_m, teeth], dim=1)

    def jaw_rotation(self, vertices_m: Tensor) -> Tensor:
        """The rotation about the jaw's joint that brings its skin at rest nearest to where it is. [T, V, 3] -> [T, 3, 3]"""
        # [T, 3, 3]: all that the fit needs to know of the vertices.
        spread = (self._weights * self._skin).T @ (vertices_m[:, self._chosen] - self._joint)
        rotation = torch.eye(3).expand(len(vertices_m), 3, 3)
        for _ in range(_STEPS):
            turned = rotation @ spread
            torque = torch.stack([turned[:, j, k] - turned[:, k, j] for j, k in ((1, 2), (2, 0), (0, 1))], dim=1)
            angle = torch.linalg.solve(rotation @ self._inertia @ rotation.mT, torque)
            rotation = torch.linalg.matrix_exp(_cross_matrices(angle)) @ rotation
        return rotation


def _carried_by_jaw(head: FlameHead) -> Array:  # [V]
    """How far the jaw alone moves each vertex. Lips move by themselves, and count for nothing."""
    carried = head.rig.weights[:, JAW].astype(np.float64) ** _ONLY_JAW
    carried[np.unique(head.triangles[head.regions == head.region_names.index("lip")])] = 0.0
    return np.asarray(carried, np.float32)


def _cross_matrices(vectors: Tensor) -> Tensor:  # [T, 3] -> [T, 3, 3]
    x, y, z = vectors.unbind(1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)


def tooth_shift(files: FlameFiles, person: FlameIdentity) -> Array:  # [120, 3] m
    """How far a person's own teeth stand from where their lips would have them; 0 where only the skin is known of them."""
    if person.static_offset is None or len(person.static_offset) == len(files.model.template):
        return np.zeros((TOOTH_COUNT, 3), np.float32)
    own = make_head(files, person.shape, person.static_offset).neutral_m
    return own[-TOOTH_COUNT:] - head_on(files, own[:-TOOTH_COUNT]).neutral_m[-TOOTH_COUNT:]


def head_on(files: FlameFiles, neutral_m: Array) -> FlameHead:
    """FLAME with a face that is given as a mesh, [V, 3] m, and without expressions, which take much memory.

    Raises `HeadError` for another number of vertices.
    """
    model = replace(files.model, shapes=files.model.shapes[:0], joint_shapes=files.model.joint_shapes[:0])
    offset = np.asarray(neutral_m - model.template, np.float32)
    return make_head(replace(files, model=model, shape_count=0), np.zeros(0, np.float32), offset)
