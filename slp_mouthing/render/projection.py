# mypy: allow-untyped-defs, no-check-untyped-defs
"""3D Gaussians to 2D: elliptical weighted averaging, with gsplat's conventions, and its exact gradient.

0.3 px of dilation, near plane at 0.01 m, the Jacobian's direction clamped to 1.3 times the field of view about the centre.
"""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F1, F2, INT, OUT1, OUT2, inlined, kernel

DILATION_PX2 = np.float32(0.3)
NEAR_M = np.float32(0.01)
MIN_ALPHA = np.float32(1 / 255)
MARGIN = np.float32(0.15)
"""Of the image on either side: directions beyond it are clamped before the Jacobian is taken."""
REACH = np.float32(3.34)
"""Standard deviations at which an opaque Gaussian falls below 1/255: sqrt(2 ln 255) = 3.33."""
LANES = 16
"""Gaussians at once: their numbers are turned into rows first, without which the compiler does not vectorise."""


@inlined
def rotation(w, x, y, z):
    """Rows of the rotation matrix of a unit quaternion."""
    two = np.float32(2)
    one = np.float32(1)
    return (
        one - two * (y * y + z * z), two * (x * y - w * z), two * (x * z + w * y),
        two * (x * y + w * z), one - two * (x * x + z * z), two * (y * z - w * x),
        two * (x * z - w * y), two * (y * z + w * x), one - two * (x * x + y * y),
    )  # fmt: skip


@inlined
def clamped_direction(ratio, focal, centre, size):
    """x/z or y/z held within the field of view and its margin."""
    margin = MARGIN * size
    return max(-(centre + margin) / focal, min((size - centre + margin) / focal, ratio))


@kernel(F2, F2, F2, F1, F2, F2, INT, INT, INT, INT, OUT2, OUT2, OUT1)
def project(means, quats, scales, opacities, view, K, width, height, first, step, means2d, conics, depths):
    """Blocks `first`, `first + step`, ... of LANES Gaussians -> pixel means [N, 2], conics [N, 3] (xx, xy, yy), depths [N].

    What is not finite, behind the camera, outside the image or too faint to change a pixel has depth 0.
    """
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    w_px, h_px = np.float32(width), np.float32(height)
    zero, one = np.float32(0), np.float32(1)
    t = np.zeros((17, LANES), np.float32)
    for begin in range(first * LANES, means.shape[0], step * LANES):
        many = min(means.shape[0] - begin, LANES)
        for lane in range(many):
            i = begin + lane
            t[0, lane], t[1, lane], t[2, lane] = means[i, 0], means[i, 1], means[i, 2]
            t[3, lane], t[4, lane], t[5, lane], t[6, lane] = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
            t[7, lane], t[8, lane], t[9, lane] = scales[i, 0], scales[i, 1], scales[i, 2]
            t[10, lane] = opacities[i]
        for lane in range(LANES):
            X, Y, Z = t[0, lane], t[1, lane], t[2, lane]
            tz = view[2, 0] * X + view[2, 1] * Y + view[2, 2] * Z + view[2, 3]
            iz = one / tz
            rx = (view[0, 0] * X + view[0, 1] * Y + view[0, 2] * Z + view[0, 3]) * iz
            ry = (view[1, 0] * X + view[1, 1] * Y + view[1, 2] * Z + view[1, 3]) * iz
            u, v = fx * rx + cx, fy * ry + cy
            qw, qx, qy, qz = t[3, lane], t[4, lane], t[5, lane], t[6, lane]
            norm2 = qw * qw + qx * qx + qy * qy + qz * qz
            n = one / np.float32(math.sqrt(norm2))
            r00, r01, r02, r10, r11, r12, r20, r21, r22 = rotation(qw * n, qx * n, qy * n, qz * n)
            lx, ly = clamped_direction(rx, fx, cx, w_px), clamped_direction(ry, fy, cy, h_px)
            # Rows p, q of Jacobian times view rotation; g, h the same times R S, so that the covariance is [g.g g.h; g.h h.h].
            p0 = fx * iz * (view[0, 0] - lx * view[2, 0])
            p1 = fx * iz * (view[0, 1] - lx * view[2, 1])
            p2 = fx * iz * (view[0, 2] - lx * view[2, 2])
            q0 = fy * iz * (view[1, 0] - ly * view[2, 0])
            q1 = fy * iz * (view[1, 1] - ly * view[2, 1])
            q2 = fy * iz * (view[1, 2] - ly * view[2, 2])
            s0, s1, s2 = t[7, lane], t[8, lane], t[9, lane]
            g0, g1, g2 = (
                (p0 * r00 + p1 * r10 + p2 * r20) * s0,
                (p0 * r01 + p1 * r11 + p2 * r21) * s1,
                (p0 * r02 + p1 * r12 + p2 * r22) * s2,
            )
            h0, h1, h2 = (
                (q0 * r00 + q1 * r10 + q2 * r20) * s0,
                (q0 * r01 + q1 * r11 + q2 * r21) * s1,
                (q0 * r02 + q1 * r12 + q2 * r22) * s2,
            )
            a = g0 * g0 + g1 * g1 + g2 * g2 + DILATION_PX2
            b = g0 * h0 + g1 * h1 + g2 * h2
            c = h0 * h0 + h1 * h1 + h2 * h2 + DILATION_PX2
            det = a * c - b * b
            reach_x, reach_y = REACH * np.float32(math.sqrt(a)), REACH * np.float32(math.sqrt(c))
            # Conditions are written so that NaN fails them.
            seen = (tz > NEAR_M) & (tz < np.float32(1e9)) & (t[10, lane] >= MIN_ALPHA)
            seen &= (norm2 > zero) & (det > zero) & (det < np.float32(1e30))
            seen &= (u + reach_x > zero) & (u - reach_x < w_px) & (v + reach_y > zero) & (v - reach_y < h_px)
            t[11, lane], t[12, lane] = u, v
            t[13, lane], t[14, lane], t[15, lane] = c / det, -b / det, a / det
            t[16, lane] = tz if seen else zero
        for lane in range(many):
            i = begin + lane
            means2d[i, 0], means2d[i, 1] = t[11, lane], t[12, lane]
            conics[i, 0], conics[i, 1], conics[i, 2] = t[13, lane], t[14, lane], t[15, lane]
            depths[i] = t[16, lane]
