"""The rasteriser once more, plainly: every pixel against every Gaussian, in float64. What the kernels are tested against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DILATION_PX2, NEAR_M, MARGIN = 0.3, 0.01, 0.15
MAX_ALPHA, MIN_ALPHA, MIN_TRANSMITTANCE = 0.999, 1 / 255, 1e-4
ROWS = 16
"""Rows of pixels at once: memory grows with them times the number of Gaussians."""


def rasterize_reference(
    means: Floats,
    quats_wxyz: Floats,
    scales: Floats,
    opacities: Floats,
    colors: Floats | None,
    world_to_camera: Floats,
    intrinsics: Floats,
    width: int,
    height: int,
    background: Floats | None = None,
    *,
    sh: Floats | None = None,
) -> tuple[Floats, Floats]:
    """As `rasterise.rasterize_numpy`, for finite input. Returns the image [H, W, 3] and alpha [H, W]."""
    means2d, conics, depths = project(means, quats_wxyz, scales, world_to_camera, intrinsics, width, height)
    if sh is not None:
        camera = -world_to_camera[:3, :3].T @ world_to_camera[:3, 3]
        colors = harmonic_colors(means - camera, sh)
    assert colors is not None, "give colors or sh"
    order = np.argsort(depths, kind="stable")
    order = order[depths[order] > NEAR_M]
    image, alpha = np.zeros((height, width, 3)), np.zeros((height, width))
    for top in range(0, height, ROWS):
        y, x = np.mgrid[top : min(top + ROWS, height), 0:width] + 0.5
        d = means2d[order] - np.stack([x, y], -1)[:, :, None]
        a, b, c = conics[order].T
        sigma = 0.5 * (a * d[..., 0] ** 2 + c * d[..., 1] ** 2) + b * d[..., 0] * d[..., 1]
        image[top : top + ROWS], alpha[top : top + ROWS] = _composited(sigma, opacities[order], colors[order])
    if background is not None:
        image += (1 - alpha)[..., None] * background
    return image, alpha


def _composited(sigma: Floats, opacity: Floats, colors: Floats) -> tuple[Floats, Floats]:
    """[h, w, M] front to back -> premultiplied [h, w, 3], alpha [h, w]."""
    alpha = np.minimum(MAX_ALPHA, opacity * np.exp(-np.maximum(sigma, 0)))
    alpha = np.where((sigma >= 0) & (alpha >= MIN_ALPHA), alpha, 0)
    after = np.cumprod(1 - alpha, axis=-1)
    # The Gaussian that would close a pixel is left out, and all behind it.
    alpha = np.where(after > MIN_TRANSMITTANCE, alpha, 0)
    before = np.concatenate([np.ones_like(after[..., :1]), after[..., :-1]], axis=-1)
    weights = alpha * before
    return weights @ colors, weights.sum(-1)


def project(
    means: Floats, quats: Floats, scales: Floats, view: Floats, K: Floats, width: int, height: int
) -> tuple[Floats, Floats, Floats]:
    """Pixel means [N, 2], conics [N, 3] and depths [N]."""
    rotation, point = view[:3, :3], means @ view[:3, :3].T + view[:3, 3]
    depth = point[:, 2]
    z = np.where(np.abs(depth) > 1e-9, depth, 1e-9)
    ratio = point[:, :2] / z[:, None]
    focal, center, size = np.diag(K)[:2], K[:2, 2], np.array([width, height])
    low, high = -(center + MARGIN * size) / focal, (size - center + MARGIN * size) / focal
    jacobian = np.zeros((len(means), 2, 3))
    jacobian[:, [0, 1], [0, 1]] = focal / z[:, None]
    jacobian[:, :, 2] = -focal * np.clip(ratio, low, high) / z[:, None]
    factor = jacobian @ rotation @ (_rotations(quats) * scales[:, None, :])
    covariance = factor @ factor.swapaxes(1, 2) + DILATION_PX2 * np.eye(2)
    inverse = np.linalg.inv(covariance)
    conics = np.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], axis=1)
    return ratio * focal + center, conics, depth


def _rotations(quats: Floats) -> Floats:
    w, x, y, z = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).T
    rows = [[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]]  # fmt: skip
    return np.moveaxis(np.array(rows), 2, 0)


def harmonic_colors(directions: Floats, sh: Floats) -> Floats:
    """Directions [N, 3] of any length, coefficients [N, K, 3] -> colours [N, 3]."""
    x, y, z = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    c0, c1 = 0.28209479177387814, 0.4886025119029199
    c2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
    c3 = (0.5900435899266435, 2.890611442640554, 0.4570457994644658, 0.3731763325901154, 1.445305721320277)
    basis = [np.full_like(x, c0), -c1 * y, c1 * z, -c1 * x,
             c2[0] * x * y, -c2[0] * y * z, c2[1] * (2 * z * z - x * x - y * y), -c2[0] * x * z, c2[2] * (x * x - y * y),
             -c3[0] * y * (3 * x * x - y * y), c3[1] * x * y * z, -c3[2] * y * (4 * z * z - x * x - y * y),
             c3[3] * z * (2 * z * z - 3 * x * x - 3 * y * y), -c3[2] * x * (4 * z * z - x * x - y * y),
             c3[4] * z * (x * x - y * y), -c3[0] * x * (x * x - 3 * y * y)]  # fmt: skip
    return np.asarray(np.maximum(0, 0.5 + np.einsum("kn,nkc->nc", np.array(basis[: sh.shape[1]]), sh)))
