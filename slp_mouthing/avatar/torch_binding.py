"""Gaussians on triangles as tensors: the twin of `binding` with gradients, to the Gaussians and to the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slp_mouthing.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="fitting an avatar") from error

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Frames", "multiply", "quaternions", "to_world", "torch", "triangle_frames"]
# `torch` too: others of this stage take it from here, where its absence is explained.

_TINY = 1e-20


class Frames(NamedTuple):
    """Where the triangles of a posed mesh are."""

    rotation: Tensor  # [F, 3, 3]
    rotation_wxyz: Tensor  # [F, 4] the same
    scale_m: Tensor  # [F]
    center_m: Tensor  # [F, 3]


def triangle_frames(vertices_m: Tensor, triangles: Tensor) -> Frames:
    """Of a mesh [V, 3] m, [F, 3]."""
    v0, v1, v2 = (vertices_m[triangles[:, k]] for k in range(3))
    edge, other = v1 - v0, v2 - v0
    along = _unit(edge)
    normal = _unit(torch.linalg.cross(along, other))
    across = torch.linalg.cross(along, normal)
    scale = (edge.norm(dim=1) + (across * other).sum(1).abs()) / 2
    rotation = torch.stack([along, normal, across], dim=2)
    return Frames(rotation, quaternions(rotation), scale, (v0 + v1 + v2) / 3)


def to_world(
    position: Tensor, rotation_wxyz: Tensor, log_scale: Tensor, binding: Tensor, frames: Frames
) -> tuple[Tensor, Tensor, Tensor]:
    """Means [N, 3] m, unit quaternions [N, 4] and standard deviations [N, 3] m, as `SplatAvatar.to_world` gives them.

    Local position [N, 3], rotation [N, 4] of any length, log deviation [N, 3], triangle [N].
    """
    turned = (frames.rotation[binding] @ position[:, :, None])[:, :, 0]
    size = frames.scale_m[binding, None]
    quats = multiply(frames.rotation_wxyz[binding], torch.nn.functional.normalize(rotation_wxyz, dim=1))
    return turned * size + frames.center_m[binding], quats, log_scale.exp() * size


def quaternions(matrices: Tensor) -> Tensor:
    """Rotation matrices [N, 3, 3] -> unit w, x, y, z [N, 4], each from its largest component."""
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = (row.unbind(1) for row in matrices.unbind(1))
    rows = (
        (1 + r00 + r11 + r22, r21 - r12, r02 - r20, r10 - r01),
        (r21 - r12, 1 + r00 - r11 - r22, r01 + r10, r02 + r20),
        (r02 - r20, r01 + r10, 1 + r11 - r00 - r22, r12 + r21),
        (r10 - r01, r02 + r20, r12 + r21, 1 + r22 - r00 - r11),
    )
    candidates = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    largest = candidates.diagonal(dim1=1, dim2=2).argmax(dim=1)
    return _unit(candidates[torch.arange(len(matrices), device=matrices.device), largest])


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product of w, x, y, z. [N, 4], [N, 4] -> [N, 4]"""
    aw, ax, ay, az = a.unbind(1)
    bw, bx, by, bz = b.unbind(1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        dim=1,
    )


def _unit(v: Tensor) -> Tensor:
    unit: Tensor = v / v.norm(dim=1, keepdim=True).clamp_min(_TINY)
    return unit
