# mypy: allow-untyped-defs, no-check-untyped-defs
"""Gaussians that ride on a head's triangles, in the convention of GaussianAvatars.

A triangle's frame has the columns along its first edge, along its normal, and across both; its scale is the mean of the edge's
length and the triangle's height over it. What is stored is local to that frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.jit import F2, I1, I2, OUT2, inlined, kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import Array


@dataclass(frozen=True, slots=True)
class Avatar:
    """N Gaussians bound to triangles."""

    binding: NDArray[np.int32]  # [N] triangle
    position: Array  # [N, 3] in units of the triangle's scale, in its frame
    rotation_wxyz: Array  # [N, 4] in its frame
    log_scale: Array  # [N, 3] of the standard deviations over the triangle's scale
    opacity: Array  # [N] in [0, 1]
    color: Array  # [N, 3] diffuse albedo, linear RGB in [0, 1]
    material: NDArray[np.uint8]  # [N] index into `material_names`: how it takes the light
    material_names: tuple[str, ...]
    rest_shape: Array  # [N, 3] of its triangle, see `triangle_shapes`; [0, 3]: Gaussians turn and grow, but do not shear

    def __len__(self) -> int:
        return len(self.binding)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Avatar:
        """Some of its Gaussians: a mask [N], or indices in their new order."""
        names = ("binding", "position", "rotation_wxyz", "log_scale", "opacity", "color", "material")
        rest_shape = self.rest_shape[chosen] if len(self.rest_shape) else self.rest_shape
        return replace(self, rest_shape=rest_shape, **{name: getattr(self, name)[chosen] for name in names})

    def rebound(self, triangles: NDArray[np.int64]) -> Avatar:
        """The same Gaussians on a mesh that has some of the triangles under other numbers: [F] the new ones, -1 for none."""
        kept = self.only(triangles[self.binding] >= 0)
        return replace(kept, binding=triangles[kept.binding].astype(np.int32))

    def to_world(self, vertices_m: Array, triangles: NDArray[np.int32]) -> tuple[Array, Array, Array]:
        """Means [N, 3] m, quaternions [N, 4] and standard deviations [N, 3] m on a posed mesh [V, 3], [F, 3].

        With `rest_shape` Gaussians stretch as their triangle does, so that skin stays closed where it is pulled.
        """
        n = len(self)
        means, quats, scales = (np.empty((n, k), np.float32) for k in (3, 4, 3))
        bake(
            self.binding, self.position, self.rotation_wxyz, self.log_scale, self.rest_shape, vertices_m, triangles,
            means, quats, scales,
        )  # fmt: skip
        return means, quats, scales


def together(first: Avatar, second: Avatar) -> Avatar:
    """Two avatars on one mesh as one."""
    names = tuple(dict.fromkeys(first.material_names + second.material_names))
    tables = [np.array([names.index(name) for name in avatar.material_names], np.uint8) for avatar in (first, second)]
    material = np.concatenate([table[avatar.material] for table, avatar in zip(tables, (first, second), strict=True)])
    fields = ("binding", "position", "rotation_wxyz", "log_scale", "opacity", "color", "rest_shape")
    both = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in fields}
    return Avatar(material=material, material_names=names, **both)


def triangle_frames(vertices_m: Array, triangles: NDArray[np.int32]) -> tuple[Array, Array, Array]:
    """Rotation matrices [F, 3, 3], scales [F] m and centres [F, 3] m; the plain twin of what `bake` computes."""
    v0, v1, v2 = (vertices_m[triangles[:, k]].astype(np.float64) for k in range(3))
    edge, other = v1 - v0, v2 - v0
    along = _unit(edge)
    normal = _unit(np.cross(along, other))
    across = -_unit(np.cross(normal, along))
    height = np.abs((across * other).sum(-1))
    rotation = np.stack([along, normal, across], axis=-1)
    scale = (np.linalg.norm(edge, axis=-1) + height) / 2
    return rotation.astype(np.float32), scale.astype(np.float32), ((v0 + v1 + v2) / 3).astype(np.float32)


def triangle_shapes(vertices_m: Array, triangles: NDArray[np.int32]) -> Array:
    """The triangle in its own frame, over its scale: x of the second corner from the first, x and z of the third. -> [F, 3]"""
    rotation, scale, _ = triangle_frames(vertices_m, triangles)
    v0, v1, v2 = (vertices_m[triangles[:, k]].astype(np.float64) for k in range(3))
    x1, x2 = (np.einsum("fi,fi->f", v - v0, rotation[:, :, 0]) for v in (v1, v2))
    z2 = np.einsum("fi,fi->f", v2 - v0, rotation[:, :, 2])
    return np.asarray(np.stack([x1, x2, z2], axis=1) / np.maximum(scale, 1e-20)[:, None], np.float32)


def _unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-20))


@inlined
def quaternion(r00, r01, r02, r10, r11, r12, r20, r21, r22):
    """w, x, y, z of a rotation matrix, from its largest component; it need not be of unit length."""
    one = np.float32(1)
    if r00 + r11 + r22 > np.float32(0):
        return one + r00 + r11 + r22, r21 - r12, r02 - r20, r10 - r01
    if r00 > r11 and r00 > r22:
        return r21 - r12, one + r00 - r11 - r22, r01 + r10, r02 + r20
    if r11 > r22:
        return r02 - r20, r01 + r10, one + r11 - r00 - r22, r12 + r21
    return r10 - r01, r02 + r20, r12 + r21, one + r22 - r00 - r11


@inlined
def orthogonal(ax, ay, az, bx, by, bz):
    """Two vectors that span the same ellipse with right angles between them (a Jacobi rotation)."""
    aa, bb = ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz
    ab = ax * bx + ay * by + az * bz
    if abs(ab) <= np.float32(1e-6) * (aa + bb):
        return ax, ay, az, bx, by, bz
    tau = (bb - aa) / (np.float32(2) * ab)
    t = (np.float32(1) if tau >= np.float32(0) else np.float32(-1)) / (abs(tau) + math.sqrt(np.float32(1) + tau * tau))
    c = np.float32(1) / math.sqrt(np.float32(1) + t * t)
    s = t * c
    return c * ax - s * bx, c * ay - s * by, c * az - s * bz, s * ax + c * bx, s * ay + c * by, s * az + c * bz


@kernel(I1, F2, F2, F2, F2, F2, I2, OUT2, OUT2, OUT2)
def bake(binding, position, rotation, log_scale, rest, vertices, triangles, means, quats, scales):
    """Local Gaussians on the posed mesh -> means, unit quaternions, standard deviations."""
    tiny, one, two = np.float32(1e-20), np.float32(1), np.float32(2)
    for i in range(len(binding)):
        t = binding[i]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ex, ey, ez = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        ox, oy, oz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        edge = np.float32(math.sqrt(ex * ex + ey * ey + ez * ez))
        k = one / max(edge, tiny)
        ux, uy, uz = ex * k, ey * k, ez * k
        nx, ny, nz = uy * oz - uz * oy, uz * ox - ux * oz, ux * oy - uy * ox
        height = np.float32(math.sqrt(nx * nx + ny * ny + nz * nz))
        k = one / max(height, tiny)
        nx, ny, nz = nx * k, ny * k, nz * k
        wx, wy, wz = uy * nz - uz * ny, uz * nx - ux * nz, ux * ny - uy * nx
        s = np.float32(0.5) * (edge + height)
        # (x, y, z) of the frame -> (x along + z shear, y s, z across) of the posed triangle.
        along, shear, across = s, np.float32(0), s
        if len(rest) > 0:
            along = edge / rest[i, 0]
            shear = (ux * ox + uy * oy + uz * oz - along * rest[i, 1]) / rest[i, 2]
            across = -height / rest[i, 2]
        third = np.float32(1 / 3)
        px, py, pz = position[i, 0] * along + position[i, 2] * shear, position[i, 1] * s, position[i, 2] * across
        means[i, 0] = (vertices[a, 0] + vertices[b, 0] + vertices[c, 0]) * third + ux * px + nx * py + wx * pz
        means[i, 1] = (vertices[a, 1] + vertices[b, 1] + vertices[c, 1]) * third + uy * px + ny * py + wy * pz
        means[i, 2] = (vertices[a, 2] + vertices[b, 2] + vertices[c, 2]) * third + uz * px + nz * py + wz * pz
        # The three axes of the Gaussian, as long as its deviations, carried along in the frame.
        qw, qx, qy, qz = rotation[i, 0], rotation[i, 1], rotation[i, 2], rotation[i, 3]
        k = one / max(np.float32(math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz)), tiny)
        qw, qx, qy, qz = qw * k, qx * k, qy * k, qz * k
        s0, s1, s2 = math.exp(log_scale[i, 0]), math.exp(log_scale[i, 1]), math.exp(log_scale[i, 2])
        x0, y0, z0 = (one - two * (qy * qy + qz * qz)) * s0, two * (qx * qy + qw * qz) * s0, two * (qx * qz - qw * qy) * s0
        x1, y1, z1 = two * (qx * qy - qw * qz) * s1, (one - two * (qx * qx + qz * qz)) * s1, two * (qy * qz + qw * qx) * s1
        x2, y2, z2 = two * (qx * qz + qw * qy) * s2, two * (qy * qz - qw * qx) * s2, (one - two * (qx * qx + qy * qy)) * s2
        x0, y0, z0 = x0 * along + z0 * shear, y0 * s, z0 * across
        x1, y1, z1 = x1 * along + z1 * shear, y1 * s, z1 * across
        x2, y2, z2 = x2 * along + z2 * shear, y2 * s, z2 * across
        # One sweep: exact for discs and strands, whose third axis is the triangle's normal.
        x0, y0, z0, x1, y1, z1 = orthogonal(x0, y0, z0, x1, y1, z1)
        x0, y0, z0, x2, y2, z2 = orthogonal(x0, y0, z0, x2, y2, z2)
        x1, y1, z1, x2, y2, z2 = orthogonal(x1, y1, z1, x2, y2, z2)
        l0 = max(np.float32(math.sqrt(x0 * x0 + y0 * y0 + z0 * z0)), tiny)
        l1 = max(np.float32(math.sqrt(x1 * x1 + y1 * y1 + z1 * z1)), tiny)
        scales[i, 0], scales[i, 1] = l0, l1
        scales[i, 2] = math.sqrt(x2 * x2 + y2 * y2 + z2 * z2)
        x0, y0, z0, x1, y1, z1 = x0 / l0, y0 / l0, z0 / l0, x1 / l1, y1 / l1, z1 / l1
        x2, y2, z2 = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1
        rw, rx, ry, rz = quaternion(
            ux * x0 + nx * y0 + wx * z0, ux * x1 + nx * y1 + wx * z1, ux * x2 + nx * y2 + wx * z2,
            uy * x0 + ny * y0 + wy * z0, uy * x1 + ny * y1 + wy * z1, uy * x2 + ny * y2 + wy * z2,
            uz * x0 + nz * y0 + wz * z0, uz * x1 + nz * y1 + wz * z1, uz * x2 + nz * y2 + wz * z2,
        )  # fmt: skip
        k = one / max(np.float32(math.sqrt(rw * rw + rx * rx + ry * ry + rz * rz)), tiny)
        quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3] = rw * k, rx * k, ry * k, rz * k
