# mypy: allow-untyped-defs, no-check-untyped-defs
"""Colours from spherical harmonics of degree 0 to 3, and their gradients to coefficients and to the viewing direction.

Gaussian splatting's basis: real, with Condon-Shortley signs, 0.5 added, negative colours cut off.
"""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F1, F2, F3, OUT2, OUT3, inlined, kernel
from slp_mouthing.render.projection import LANES


@inlined
def direction(x, y, z):
    """The unit direction and one over the length."""
    n = np.float32(1) / max(np.float32(math.sqrt(x * x + y * y + z * z)), np.float32(1e-12))
    return x * n, y * n, z * n, n


@inlined
def basis(x, y, z, b, lane):
    """The first basis functions, as many as b [K, LANES] has rows, at a unit direction."""
    b[0, lane] = np.float32(0.28209479177387814)
    if b.shape[0] > 1:
        b[1, lane] = np.float32(-0.4886025119029199) * y
        b[2, lane] = np.float32(0.4886025119029199) * z
        b[3, lane] = np.float32(-0.4886025119029199) * x
    if b.shape[0] > 4:
        b[4, lane] = np.float32(1.0925484305920792) * x * y
        b[5, lane] = np.float32(-1.0925484305920792) * y * z
        b[6, lane] = np.float32(0.31539156525252005) * (np.float32(2) * z * z - x * x - y * y)
        b[7, lane] = np.float32(-1.0925484305920792) * x * z
        b[8, lane] = np.float32(0.5462742152960396) * (x * x - y * y)
    if b.shape[0] > 9:
        b[9, lane] = np.float32(-0.5900435899266435) * y * (np.float32(3) * x * x - y * y)
        b[10, lane] = np.float32(2.890611442640554) * x * y * z
        b[11, lane] = np.float32(-0.4570457994644658) * y * (np.float32(4) * z * z - x * x - y * y)
        b[12, lane] = np.float32(0.3731763325901154) * z * (np.float32(2) * z * z - np.float32(3) * (x * x + y * y))
        b[13, lane] = np.float32(-0.4570457994644658) * x * (np.float32(4) * z * z - x * x - y * y)
        b[14, lane] = np.float32(1.445305721320277) * z * (x * x - y * y)
        b[15, lane] = np.float32(-0.5900435899266435) * x * (x * x - np.float32(3) * y * y)


@kernel(F2, F3, F1, OUT2)
def harmonic_colors(means, sh, camera, colors):
    """[N, 3] m, [N, K, 3], camera position [3] -> colours [N, 3]."""
    zero, half = np.float32(0), np.float32(0.5)
    v, b = np.zeros((3, LANES), np.float32), np.empty((sh.shape[1], LANES), np.float32)
    for begin in range(0, means.shape[0], LANES):
        many = min(means.shape[0] - begin, LANES)
        for lane in range(many):
            v[0, lane], v[1, lane], v[2, lane] = means[begin + lane, 0], means[begin + lane, 1], means[begin + lane, 2]
        for lane in range(LANES):
            x, y, z, _ = direction(v[0, lane] - camera[0], v[1, lane] - camera[1], v[2, lane] - camera[2])
            basis(x, y, z, b, lane)
        for lane in range(many):
            i = begin + lane
            red, green, blue = half, half, half
            for k in range(sh.shape[1]):
                red += b[k, lane] * sh[i, k, 0]
                green += b[k, lane] * sh[i, k, 1]
                blue += b[k, lane] * sh[i, k, 2]
            colors[i, 0], colors[i, 1], colors[i, 2] = max(red, zero), max(green, zero), max(blue, zero)


@inlined
def basis_gradient(x, y, z, d, lane):
    """Derivatives by x, y, z of the basis functions, d [K, 3, LANES]; those that are always zero must be zero before."""
    two, three, four, six, eight = np.float32(2), np.float32(3), np.float32(4), np.float32(6), np.float32(8)
    if d.shape[0] > 1:
        c = np.float32(0.4886025119029199)
        d[1, 1, lane], d[2, 2, lane], d[3, 0, lane] = -c, c, -c
    if d.shape[0] > 4:
        c = np.float32(1.0925484305920792)
        d[4, 0, lane], d[4, 1, lane] = c * y, c * x
        d[5, 1, lane], d[5, 2, lane] = -c * z, -c * y
        d[7, 0, lane], d[7, 2, lane] = -c * z, -c * x
        d[8, 0, lane], d[8, 1, lane] = c * x, -c * y
        c = np.float32(0.31539156525252005)
        d[6, 0, lane], d[6, 1, lane], d[6, 2, lane] = -two * c * x, -two * c * y, four * c * z
    if d.shape[0] > 9:
        xx, yy, zz = x * x, y * y, z * z
        c = np.float32(-0.5900435899266435)
        d[9, 0, lane], d[9, 1, lane] = c * six * x * y, c * three * (xx - yy)
        d[15, 0, lane], d[15, 1, lane] = c * three * (xx - yy), -c * six * x * y
        c = np.float32(2.890611442640554)
        d[10, 0, lane], d[10, 1, lane], d[10, 2, lane] = c * y * z, c * x * z, c * x * y
        c = np.float32(-0.4570457994644658)
        d[11, 0, lane], d[11, 1, lane], d[11, 2, lane] = (
            -two * c * x * y,
            c * (four * zz - xx - three * yy),
            eight * c * y * z,
        )
        d[13, 0, lane], d[13, 1, lane], d[13, 2, lane] = (
            c * (four * zz - three * xx - yy),
            -two * c * x * y,
            eight * c * x * z,
        )
        c = np.float32(0.3731763325901154)
        d[12, 0, lane], d[12, 1, lane], d[12, 2, lane] = -six * c * x * z, -six * c * y * z, c * (six * zz - three * (xx + yy))
        c = np.float32(1.445305721320277)
        d[14, 0, lane], d[14, 1, lane], d[14, 2, lane] = two * c * x * z, -two * c * y * z, c * (xx - yy)


@kernel(F2, F3, F1, F2, F2, OUT2, OUT3)
def harmonic_gradient(means, sh, camera, colors, d_colors, d_means, d_sh):
    """Gradient of colours [N, 3] -> of means [N, 3], through the viewing direction, and of coefficients [N, K, 3]."""
    count, zero = sh.shape[1], np.float32(0)
    v, b, d = np.zeros((4, LANES), np.float32), np.empty((count, LANES), np.float32), np.zeros((count, 3, LANES), np.float32)
    along, g = np.zeros((count, LANES), np.float32), np.empty((3, LANES), np.float32)
    for begin in range(0, means.shape[0], LANES):
        many = min(means.shape[0] - begin, LANES)
        for lane in range(many):
            v[0, lane], v[1, lane], v[2, lane] = means[begin + lane, 0], means[begin + lane, 1], means[begin + lane, 2]
        for lane in range(LANES):
            x, y, z, n = direction(v[0, lane] - camera[0], v[1, lane] - camera[1], v[2, lane] - camera[2])
            basis(x, y, z, b, lane)
            basis_gradient(x, y, z, d, lane)
            v[0, lane], v[1, lane], v[2, lane], v[3, lane] = x, y, z, n
        for lane in range(many):
            i = begin + lane
            # A colour that was cut off at zero does not change.
            red = d_colors[i, 0] if colors[i, 0] > zero else zero
            green = d_colors[i, 1] if colors[i, 1] > zero else zero
            blue = d_colors[i, 2] if colors[i, 2] > zero else zero
            for k in range(count):
                d_sh[i, k, 0], d_sh[i, k, 1], d_sh[i, k, 2] = b[k, lane] * red, b[k, lane] * green, b[k, lane] * blue
                along[k, lane] = sh[i, k, 0] * red + sh[i, k, 1] * green + sh[i, k, 2] * blue
        g[:] = zero
        for k in range(count):
            for lane in range(LANES):
                g[0, lane] += along[k, lane] * d[k, 0, lane]
                g[1, lane] += along[k, lane] * d[k, 1, lane]
                g[2, lane] += along[k, lane] * d[k, 2, lane]
        for lane in range(many):
            x, y, z, n = v[0, lane], v[1, lane], v[2, lane], v[3, lane]
            # Only what turns the direction counts.
            dot = g[0, lane] * x + g[1, lane] * y + g[2, lane] * z
            d_means[begin + lane, 0] = n * (g[0, lane] - dot * x)
            d_means[begin + lane, 1] = n * (g[1, lane] - dot * y)
            d_means[begin + lane, 2] = n * (g[2, lane] - dot * z)
