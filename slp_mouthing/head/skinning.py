"""Linear blend skinning with blend shapes and pose correctives, as SMPL and FLAME define it.

    rest(x, R)   = template + shapes x + correctives vec(R - I)
    joints(x)    = joints + joint_shapes x
    vertices     = sum_j weights_j (G_j rest + g_j),  G, g: the joints' rotations and shifts along the chain

`skin` is plain numpy in the precision of the model; `TorchSkin` is the same on tensors, for gradients and accelerators.
Letters: T frames, V vertices, J joints, B blend shapes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import DTypeLike, NDArray

    Floats = NDArray[np.floating[Any]]

_FRAMES_AT_ONCE = 64
"""Frames posed together: the working set of a full FLAME head stays within some 20 MB."""


@dataclass(frozen=True, slots=True)
class SkinModel:
    """A mesh with blend shapes and joints. Metres; parents come before their children, the first joint is the root."""

    template: Floats  # [V, 3]
    shapes: Floats  # [B, V, 3]
    correctives: Floats  # [9 (J-1), V, 3] per entry of vec(R - I) of every joint but the root
    joints: Floats  # [J, 3]
    joint_shapes: Floats  # [B, J, 3]
    weights: Floats  # [V, J], rows sum to 1
    parents: tuple[int, ...]  # [J], the root's is -1

    def astype(self, dtype: DTypeLike) -> SkinModel:
        """The same model with arrays of another precision."""
        arrays = {f.name: np.ascontiguousarray(getattr(self, f.name), dtype) for f in fields(self) if f.name != "parents"}
        return SkinModel(parents=self.parents, **arrays)

    def with_shapes_fixed(self, coefficients: Floats) -> SkinModel:
        """The model with its first blend shapes at `coefficients` [N <= B] for good; the others remain."""
        count = len(coefficients)
        return replace(
            self,
            template=self.template + np.tensordot(coefficients, self.shapes[:count], 1),
            joints=self.joints + np.tensordot(coefficients, self.joint_shapes[:count], 1),
            shapes=self.shapes[count:],
            joint_shapes=self.joint_shapes[count:],
        )

    def at_vertices(self, chosen: NDArray[Any]) -> SkinModel:
        """The model of some of its vertices, with all joints."""
        return replace(
            self, template=self.template[chosen], shapes=self.shapes[:, chosen], correctives=self.correctives[:, chosen],
            weights=self.weights[chosen],
        )  # fmt: skip


def rotation_matrices(axis_angle: Floats) -> Floats:
    """Rodrigues' formula. [..., 3] rad -> [..., 3, 3]."""
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    cross = _cross_matrices(axis_angle)
    sine, versine = np.sinc(angle / np.pi), 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    matrices: Floats = np.eye(3, dtype=axis_angle.dtype) + sine * cross + versine * (cross @ cross)
    return matrices


def _cross_matrices(vectors: Floats) -> Floats:  # [..., 3] -> [..., 3, 3]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)


def skin(model: SkinModel, coefficients: Floats, pose: Floats, translation: Floats | None = None) -> Floats:
    """Posed vertices. [T, <= B], [T, J, 3] axis-angle rad, [T, 3] m -> [T, V, 3] m, in the model's precision.

    Coefficients that are left out are 0.
    """
    dtype, frames = model.template.dtype, len(pose)
    posed = np.empty((frames, *model.template.shape), dtype)
    for start in range(0, frames, _FRAMES_AT_ONCE):
        now = slice(start, start + _FRAMES_AT_ONCE)
        rotations = rotation_matrices(np.asarray(pose[now], dtype))
        posed[now] = _skin_block(model, np.asarray(coefficients[now], dtype), rotations)
    if translation is not None:
        posed += np.asarray(translation, dtype)[:, None]
    return posed


def _skin_block(model: SkinModel, coefficients: Floats, rotations: Floats) -> Floats:
    count = coefficients.shape[1]
    joints = model.joints + np.tensordot(coefficients, model.joint_shapes[:count], 1)
    globals_, shifts = _joint_transforms(rotations, joints, model.parents)
    rest = rest_vertices(model, coefficients, rotations)
    still = _joints_at_rest(rotations, model.parents)
    posed: Floats = rest * model.weights[:, still].sum(axis=1)[:, None]
    for j in np.flatnonzero(~still):
        moved = np.flatnonzero(model.weights[:, j])
        turned = rest[:, moved] @ globals_[:, j].swapaxes(1, 2) + shifts[:, j, None]
        posed[:, moved] += model.weights[moved, j, None] * turned
    return posed


def rest_vertices(model: SkinModel, coefficients: Floats, rotations: Floats) -> Floats:
    """Vertices before skinning. [T, <= B], [T, J, 3, 3] -> [T, V, 3]."""
    frames, count = coefficients.shape
    coordinates = model.template.size
    features = (rotations[:, 1:] - np.eye(3, dtype=rotations.dtype)).reshape(frames, -1)
    rest = coefficients @ model.shapes[:count].reshape(count, coordinates)
    rest += features @ model.correctives.reshape(len(model.correctives), coordinates)
    rest += model.template.ravel()
    return rest.reshape(frames, *model.template.shape)


def _joints_at_rest(rotations: Floats, parents: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether a joint and all before it turn in no frame: speech moves the jaw and leaves root and neck. -> [J]"""
    still: NDArray[np.bool_] = (rotations == np.eye(3)).all(axis=(0, 2, 3))
    for j, parent in enumerate(parents[1:], start=1):
        still[j] &= still[parent]
    return still


def _joint_transforms(rotations: Floats, joints: Floats, parents: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Rotation and shift of each joint against its rest place. [T, J, 3, 3], [T, J, 3] -> [T, J, 3, 3], [T, J, 3]."""
    turns, places = rotations.copy(), joints.copy()
    for j, parent in enumerate(parents[1:], start=1):
        turns[:, j] = turns[:, parent] @ rotations[:, j]
        places[:, j] = places[:, parent] + np.einsum("tab,tb->ta", turns[:, parent], joints[:, j] - joints[:, parent])
    return turns, places - np.einsum("tjab,tjb->tja", turns, joints)


class TorchSkin:
    """`skin` on tensors: batched, differentiable in coefficients, pose and translation; float32 unless told otherwise."""

    def __init__(self, model: SkinModel, device: torch.device | str = "cpu", dtype: torch.dtype | None = None) -> None:
        import torch

        def tensor(values: Floats) -> torch.Tensor:
            return torch.as_tensor(np.array(values, copy=True), dtype=dtype or torch.float32, device=device)

        self.template, self.joints, self.weights = tensor(model.template), tensor(model.joints), tensor(model.weights)
        self.shapes, self.joint_shapes = tensor(model.shapes).flatten(1), tensor(model.joint_shapes)
        self.correctives, self.parents = tensor(model.correctives).flatten(1), model.parents

    def __call__(self, coefficients: torch.Tensor, pose: torch.Tensor, translation: torch.Tensor | None = None) -> torch.Tensor:
        """[T, <= B], [T, J, 3] rad, [T, 3] m -> [T, V, 3] m."""
        import torch

        frames, count = coefficients.shape
        rotations = _torch_rotations(pose)
        features = (rotations[:, 1:] - torch.eye(3, dtype=pose.dtype, device=pose.device)).flatten(1)
        offsets = coefficients @ self.shapes[:count] + features @ self.correctives
        rest = self.template + offsets.view(frames, -1, 3)
        joints = self.joints + torch.einsum("tb,bjc->tjc", coefficients, self.joint_shapes[:count])
        turns, shifts = self._joint_transforms(rotations, joints)
        blended = torch.einsum("vj,tjab->tvab", self.weights, turns)
        posed = (blended @ rest[..., None])[..., 0] + torch.einsum("vj,tja->tva", self.weights, shifts)
        return posed if translation is None else posed + translation[:, None]

    def _joint_transforms(self, rotations: torch.Tensor, joints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        turns, places = [rotations[:, 0]], [joints[:, 0]]
        for j, parent in enumerate(self.parents[1:], start=1):
            bone = joints[:, j] - joints[:, parent]
            places.append(places[parent] + (turns[parent] @ bone[..., None])[..., 0])
            turns.append(turns[parent] @ rotations[:, j])
        turn = torch.stack(turns, 1)
        return turn, torch.stack(places, 1) - (turn @ joints[..., None])[..., 0]


def _torch_rotations(axis_angle: torch.Tensor) -> torch.Tensor:
    import torch

    # The floor keeps the square root's gradient finite at rest; below it sine and versine are at their limits anyway.
    angle = axis_angle.square().sum(-1).clamp_min(1e-14).sqrt()[..., None, None]
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    sine, versine = torch.sinc(angle / torch.pi), 0.5 * torch.sinc(angle / (2 * torch.pi)).square()
    rotations: torch.Tensor = torch.eye(3, dtype=angle.dtype, device=angle.device) + sine * cross + versine * (cross @ cross)
    return rotations
