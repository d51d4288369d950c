# mypy: allow-untyped-defs, no-check-untyped-defs
"""Colours from spherical harmonics of degree 0 to 3, and their gradients to coefficients and to the viewing direction.

Gaussian splatting's basis: real, with Condon-Shortley signs, 0.5 added, negative colours cut off.
"""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F1, F2, F3, OUT2, OUT3, inlined, kernel


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
        red, green, blue = np.float32(0.5), np.float32(0.5), np.float32(0.5)
        for k in range(sh.shape[1]):
            red += b[k] * sh[i, k, 0]
            green += b[k] * sh[i, k, 1]
            blue += b[k] * sh[i, k, 2]
        colors[i, 0], colors[i, 1], colors[i, 2] = max(red, np.float32(0)), max(green, np.float32(0)), max(blue, np.float32(0))


@inlined
def basis_gradient(x, y, z, d):
    """Derivatives by x, y, z of the first len(d) basis functions, [K, 3]; those that are always zero must be zero before."""
    two, three, four, six = np.float32(2), np.float32(3), np.float32(4), np.float32(6)
    if len(d) > 1:
        c = np.float32(0.4886025119029199)
        d[1, 1], d[2, 2], d[3, 0] = -c, c, -c
    if len(d) > 4:
        c = np.float32(1.0925484305920792)
        d[4, 0], d[4, 1] = c * y, c * x
        d[5, 1], d[5, 2] = -c * z, -c * y
        d[7, 0], d[7, 2] = -c * z, -c * x
        d[8, 0], d[8, 1] = c * x, -c * y
        c = np.float32(0.31539156525252005)
        d[6, 0], d[6, 1], d[6, 2] = -two * c * x, -two * c * y, four * c * z
    if len(d) > 9:
        xx, yy, zz = x * x, y * y, z * z
        c = np.float32(-0.5900435899266435)
        d[9, 0], d[9, 1] = c * six * x * y, c * three * (xx - yy)
        d[15, 0], d[15, 1] = c * three * (xx - yy), -c * six * x * y
        c = np.float32(2.890611442640554)
        d[10, 0], d[10, 1], d[10, 2] = c * y * z, c * x * z, c * x * y
        c = np.float32(-0.4570457994644658)
        d[11, 0], d[11, 1], d[11, 2] = -two * c * x * y, c * (four * zz - xx - three * yy), np.float32(8) * c * y * z
        d[13, 0], d[13, 1], d[13, 2] = c * (four * zz - three * xx - yy), -two * c * x * y, np.float32(8) * c * x * z
        c = np.float32(0.3731763325901154)
        d[12, 0], d[12, 1], d[12, 2] = -six * c * x * z, -six * c * y * z, c * (six * zz - three * (xx + yy))
        c = np.float32(1.445305721320277)
        d[14, 0], d[14, 1], d[14, 2] = two * c * x * z, -two * c * y * z, c * (xx - yy)


@kernel(F2, F3, F1, F2, F2, OUT2, OUT3)
def harmonic_gradient(means, sh, camera, colors, d_colors, d_means, d_sh):
    """Gradient of colours [N, 3] -> of means [N, 3], through the viewing direction, and of coefficients [N, K, 3]."""
    count = sh.shape[1]
    b, d = np.empty(count, np.float32), np.zeros((count, 3), np.float32)
    for i in range(means.shape[0]):
        x, y, z = means[i, 0] - camera[0], means[i, 1] - camera[1], means[i, 2] - camera[2]
        n = np.float32(1) / max(math.sqrt(x * x + y * y + z * z), np.float32(1e-12))
        x, y, z = x * n, y * n, z * n
        basis(x, y, z, b)
        basis_gradient(x, y, z, d)
        # A colour that was cut off at zero does not change.
        red = d_colors[i, 0] if colors[i, 0] > np.float32(0) else np.float32(0)
        green = d_colors[i, 1] if colors[i, 1] > np.float32(0) else np.float32(0)
        blue = d_colors[i, 2] if colors[i, 2] > np.float32(0) else np.float32(0)
        gx, gy, gz = np.float32(0), np.float32(0), np.float32(0)
        for k in range(count):
            d_sh[i, k, 0], d_sh[i, k, 1], d_sh[i, k, 2] = b[k] * red, b[k] * green, b[k] * blue
            along = sh[i, k, 0] * red + sh[i, k, 1] * green + sh[i, k, 2] * blue
            gx += along * d[k, 0]
            gy += along * d[k, 1]
            gz += along * d[k, 2]
        # Only what turns the direction counts.
        dot = gx * x + gy * y + gz * z
        d_means[i, 0], d_means[i, 1], d_means[i, 2] = n * (gx - dot * x), n * (gy - dot * y), n * (gz - dot * z)
