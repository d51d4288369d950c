# mypy: allow-untyped-defs, no-check-untyped-defs
"""Colours from spherical harmonics of degree 0 to 3, and their gradients to coefficients and to the viewing direction.

Gaussian splatting's basis: real, with Condon-Shortley signs, 0.5 added, negative colours cut off.
"""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F1, F2, F3, OUT2, inlined, kernel


@inlined
def basis(x, y, z, b):
    """The first len(b) basis functions at a unit direction."""
    b[0] = np.float32(0.28209479177387814)
    if len(b) > 1:
        b[1] = np.float32(-0.4886025119029199) * y
        b[2] = np.float32(0.4886025119029199) * z
        b[3] = np.float32(-0.4886025119029199) * x
    if len(b) > 4:
        b[4] = np.float32(1.0925484305920792) * x * y
        b[5] = np.float32(-1.0925484305920792) * y * z
        b[6] = np.float32(0.31539156525252005) * (np.float32(2) * z * z - x * x - y * y)
        b[7] = np.float32(-1.0925484305920792) * x * z
        b[8] = np.float32(0.5462742152960396) * (x * x - y * y)
    if len(b) > 9:
        b[9] = np.float32(-0.5900435899266435) * y * (np.float32(3) * x * x - y * y)
        b[10] = np.float32(2.890611442640554) * x * y * z
        b[11] = np.float32(-0.4570457994644658) * y * (np.float32(4) * z * z - x * x - y * y)
        b[12] = np.float32(0.3731763325901154) * z * (np.float32(2) * z * z - np.float32(3) * (x * x + y * y))
        b[13] = np.float32(-0.4570457994644658) * x * (np.float32(4) * z * z - x * x - y * y)
        b[14] = np.float32(1.445305721320277) * z * (x * x - y * y)
        b[15] = np.float32(-0.5900435899266435) * x * (x * x - np.float32(3) * y * y)


@kernel(F2, F3, F1, OUT2)
def harmonic_colors(means, sh, camera, colors):
    """[N, 3] m, [N, K, 3], camera position [3] -> colours [N, 3]."""
    b = np.empty(sh.shape[1], np.float32)
    for i in range(means.shape[0]):
        x, y, z = means[i, 0] - camera[0], means[i, 1] - camera[1], means[i, 2] - camera[2]
        n = np.float32(1) / max(math.sqrt(x * x + y * y + z * z), np.float32(1e-12))
        basis(x * n, y * n, z * n, b)
        for channel in range(3):
            value = np.float32(0.5)
            for k in range(sh.shape[1]):
                value += b[k] * sh[i, k, channel]
            colors[i, channel] = max(value, np.float32(0))
