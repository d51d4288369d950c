# mypy: allow-untyped-defs, no-check-untyped-defs
"""Gaussians that ride on triangles, straight to the picture, and the exact gradient of that to the mesh.

Binding and projection in one pass: a Gaussian's axes are carried along as a 3 x 3 matrix, so that neither a rotation nor standard
deviations are looked for in between, and those that shear with their triangle have exact gradients too.
"""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F1, F2, F3, I1, I2, INT, OUT1, OUT2, ArrayType, inlined, kernel
from slp_mouthing.render.projection import DILATION_PX2, MIN_ALPHA, NEAR_M, REACH, clamped_direction

OUT_I1 = ArrayType("int32", 1, mutable=True)
TINY = np.float32(1e-12)


@inlined
def cross(ax, ay, az, bx, by, bz):
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


@inlined
def edges(vertices, a, b, c):
    """First edge, other edge, unit of the first, unit normal; and the lengths of edge and height."""
    ex, ey, ez = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
    ox, oy, oz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
    edge = max(np.float32(math.sqrt(ex * ex + ey * ey + ez * ez)), TINY)
    k = np.float32(1) / edge
    ux, uy, uz = ex * k, ey * k, ez * k
    nx, ny, nz = cross(ux, uy, uz, ox, oy, oz)
    height = max(np.float32(math.sqrt(nx * nx + ny * ny + nz * nz)), TINY)
    k = np.float32(1) / height
    return ex, ey, ez, ox, oy, oz, ux, uy, uz, nx * k, ny * k, nz * k, edge, height


@inlined
def carry(vertices, a, b, c, rest, i):
    """Columns of the matrix that takes what is local to a triangle into the world: by its first edge, its normal, and across."""
    ex, ey, ez, ox, oy, oz, ux, uy, uz, nx, ny, nz, edge, height = edges(vertices, a, b, c)
    s = np.float32(0.5) * (edge + height)
    if len(rest) > 0:
        k0, k2 = np.float32(1) / rest[i, 0], np.float32(1) / rest[i, 2]
        r = rest[i, 1] * k0
        return (
            ex * k0, ey * k0, ez * k0, nx * s, ny * s, nz * s, (ox - r * ex) * k2, (oy - r * ey) * k2, (oz - r * ez) * k2,
        )  # fmt: skip
    wx, wy, wz = cross(ux, uy, uz, nx, ny, nz)
    return ux * s, uy * s, uz * s, nx * s, ny * s, nz * s, wx * s, wy * s, wz * s


@inlined
def times(t, p, q, r):
    """Of the columns t: t @ (p, q, r)."""
    return t[0] * p + t[3] * q + t[6] * r, t[1] * p + t[4] * q + t[7] * r, t[2] * p + t[5] * q + t[8] * r


@kernel(I1, F2, F3, F2, F1, F2, I2, F2, F2, INT, INT, OUT_I1, OUT2, OUT2, OUT2, OUT1)
def project_bound(
    binding, position, axes, rest, opacities, vertices, triangles, view, K, width, height, ids, means, means2d, conics, depths
):  # fmt: skip
    """Local Gaussians on a posed mesh [V, 3] -> those that the camera sees, in the first rows of the outputs. Returns how many.

    `axes` [N, 3, 3]: columns as long as the standard deviations, in units of the triangle's scale; `rest` [N, 3] or [0, 3], as
    avatars hold them. Quickest when Gaussians come in order of their triangles. What is not finite, behind the camera, outside
    the image or too faint to change a pixel is left out.
    """
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    w_px, h_px = np.float32(width), np.float32(height)
    zero, one, third = np.float32(0), np.float32(1), np.float32(1 / 3)
    count = 0
    t = (zero, zero, zero, zero, zero, zero, zero, zero, zero)
    center_x, center_y, center_z = zero, zero, zero
    for i in range(len(binding)):
        if i == 0 or binding[i] != binding[i - 1]:
            a, b, c = triangles[binding[i], 0], triangles[binding[i], 1], triangles[binding[i], 2]
            t = carry(vertices, a, b, c, rest, i)
            center_x = (vertices[a, 0] + vertices[b, 0] + vertices[c, 0]) * third
            center_y = (vertices[a, 1] + vertices[b, 1] + vertices[c, 1]) * third
            center_z = (vertices[a, 2] + vertices[b, 2] + vertices[c, 2]) * third
        X, Y, Z = times(t, position[i, 0], position[i, 1], position[i, 2])
        X, Y, Z = X + center_x, Y + center_y, Z + center_z
        tz = view[2, 0] * X + view[2, 1] * Y + view[2, 2] * Z + view[2, 3]
        # Conditions are written so that NaN fails them.
        if not (tz > NEAR_M and opacities[i] >= MIN_ALPHA and tz < np.float32(1e9)):
            continue
        iz = one / tz
        rx = (view[0, 0] * X + view[0, 1] * Y + view[0, 2] * Z + view[0, 3]) * iz
        ry = (view[1, 0] * X + view[1, 1] * Y + view[1, 2] * Z + view[1, 3]) * iz
        u, v = fx * rx + cx, fy * ry + cy
        lx, ly = clamped_direction(rx, fx, cx, w_px), clamped_direction(ry, fy, cy, h_px)
        kx, ky = fx * iz, fy * iz
        p0, p1, p2 = kx * (view[0, 0] - lx * view[2, 0]), kx * (view[0, 1] - lx * view[2, 1]), kx * (view[0, 2] - lx * view[2, 2])
        q0, q1, q2 = ky * (view[1, 0] - ly * view[2, 0]), ky * (view[1, 1] - ly * view[2, 1]), ky * (view[1, 2] - ly * view[2, 2])
        xx, xy, yy = DILATION_PX2, zero, DILATION_PX2
        for k in range(3):
            m0, m1, m2 = times(t, axes[i, 0, k], axes[i, 1, k], axes[i, 2, k])
            g, h = p0 * m0 + p1 * m1 + p2 * m2, q0 * m0 + q1 * m1 + q2 * m2
            xx += g * g
            xy += g * h
            yy += h * h
        det = xx * yy - xy * xy
        reach_x, reach_y = REACH * math.sqrt(xx), REACH * math.sqrt(yy)
        if not (det > zero and det < np.float32(1e30)):
            continue
        if not (u + reach_x > zero and u - reach_x < w_px and v + reach_y > zero and v - reach_y < h_px):
            continue
        ids[count], depths[count] = i, tz
        means[count, 0], means[count, 1], means[count, 2] = X, Y, Z
        means2d[count, 0], means2d[count, 1] = u, v
        conics[count, 0], conics[count, 1], conics[count, 2] = yy / det, -xy / det, xx / det
        count += 1
    return count


@inlined
def edges_gradient(vertices, a, b, c, rest, i, d):
    """Gradient of the columns of `carry` [9] -> of the triangle's first edge and of its other one."""
    _, _, _, ox, oy, oz, ux, uy, uz, nx, ny, nz, edge, height = edges(vertices, a, b, c)
    s = np.float32(0.5) * (edge + height)
    d_s = nx * d[3] + ny * d[4] + nz * d[5]
    dnx, dny, dnz = s * d[3], s * d[4], s * d[5]
    if len(rest) > 0:
        k0, k2 = np.float32(1) / rest[i, 0], np.float32(1) / rest[i, 2]
        r = rest[i, 1] * k0
        dux, duy, duz = np.float32(0), np.float32(0), np.float32(0)
        dox, doy, doz = d[6] * k2, d[7] * k2, d[8] * k2
        dex, dey, dez = d[0] * k0 - r * dox, d[1] * k0 - r * doy, d[2] * k0 - r * doz
    else:
        wx, wy, wz = cross(ux, uy, uz, nx, ny, nz)
        d_s += ux * d[0] + uy * d[1] + uz * d[2] + wx * d[6] + wy * d[7] + wz * d[8]
        dex, dey, dez, dox, doy, doz = np.float32(0), np.float32(0), np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        # w = u x n
        dux, duy, duz = cross(nx, ny, nz, s * d[6], s * d[7], s * d[8])
        dux, duy, duz = dux + s * d[0], duy + s * d[1], duz + s * d[2]
        x, y, z = cross(s * d[6], s * d[7], s * d[8], ux, uy, uz)
        dnx, dny, dnz = dnx + x, dny + y, dnz + z
    # n = m / height, m = u x other, s = (edge + height) / 2
    dot, k, half_s = nx * dnx + ny * dny + nz * dnz, np.float32(1) / height, np.float32(0.5) * d_s
    dmx, dmy, dmz = (dnx - nx * dot) * k + half_s * nx, (dny - ny * dot) * k + half_s * ny, (dnz - nz * dot) * k + half_s * nz
    x, y, z = cross(ox, oy, oz, dmx, dmy, dmz)
    dux, duy, duz = dux + x, duy + y, duz + z
    x, y, z = cross(dmx, dmy, dmz, ux, uy, uz)
    dox, doy, doz = dox + x, doy + y, doz + z
    dot, k = ux * dux + uy * duy + uz * duz, np.float32(1) / edge
    dex, dey, dez = dex + (dux - ux * dot) * k, dey + (duy - uy * dot) * k, dez + (duz - uz * dot) * k
    return dex + half_s * ux, dey + half_s * uy, dez + half_s * uz, dox, doy, doz


@kernel(I1, F2, F3, F2, F2, I2, F2, F2, INT, INT, I1, F2, F2, F1, F2, F2, F2, OUT2)
def project_bound_gradient(
    binding, position, axes, rest, vertices, triangles, view, K, width, height, ids, means, conics, depths,
    d_means2d, d_conics, d_means, d_vertices,
):  # fmt: skip
    """Gradients of what `project_bound` gave, rows by `ids` [M], added to that of the vertices [V, 3].

    `d_means` [M, 3] is the gradient of the world's means by other ways than the projection, such as the viewing direction.
    """
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    w_px, h_px = np.float32(width), np.float32(height)
    one, two, half, third = np.float32(1), np.float32(2), np.float32(0.5), np.float32(1 / 3)
    d_t = np.empty(9, np.float32)
    for row in range(len(ids)):
        i = ids[row]
        a, b, c = triangles[binding[i], 0], triangles[binding[i], 1], triangles[binding[i], 2]
        t = carry(vertices, a, b, c, rest, i)
        X, Y, Z = means[row, 0], means[row, 1], means[row, 2]
        iz = one / depths[row]
        rx = (view[0, 0] * X + view[0, 1] * Y + view[0, 2] * Z + view[0, 3]) * iz
        ry = (view[1, 0] * X + view[1, 1] * Y + view[1, 2] * Z + view[1, 3]) * iz
        lx, ly = clamped_direction(rx, fx, cx, w_px), clamped_direction(ry, fy, cy, h_px)
        kx, ky = fx * iz, fy * iz
        p0, p1, p2 = kx * (view[0, 0] - lx * view[2, 0]), kx * (view[0, 1] - lx * view[2, 1]), kx * (view[0, 2] - lx * view[2, 2])
        q0, q1, q2 = ky * (view[1, 0] - ly * view[2, 0]), ky * (view[1, 1] - ly * view[2, 1]), ky * (view[1, 2] - ly * view[2, 2])
        # Conic = inverse covariance: d covariance = - conic d_conic conic.
        ca, cb, cc = conics[row, 0], conics[row, 1], conics[row, 2]
        e0, e1, e2 = d_conics[row, 0], half * d_conics[row, 1], d_conics[row, 2]
        k00, k01, k10, k11 = ca * e0 + cb * e1, ca * e1 + cb * e2, cb * e0 + cc * e1, cb * e1 + cc * e2
        d_xx, d_xy, d_yy = -(k00 * ca + k01 * cb), -two * (k00 * cb + k01 * cc), -(k10 * cb + k11 * cc)
        d_t[:] = 0
        dp0, dp1, dp2, dq0, dq1, dq2 = d_t[0], d_t[0], d_t[0], d_t[0], d_t[0], d_t[0]
        for k in range(3):
            x, y, z = axes[i, 0, k], axes[i, 1, k], axes[i, 2, k]
            m0, m1, m2 = times(t, x, y, z)
            g, h = p0 * m0 + p1 * m1 + p2 * m2, q0 * m0 + q1 * m1 + q2 * m2
            dg, dh = two * d_xx * g + d_xy * h, d_xy * g + two * d_yy * h
            dp0, dp1, dp2 = dp0 + m0 * dg, dp1 + m1 * dg, dp2 + m2 * dg
            dq0, dq1, dq2 = dq0 + m0 * dh, dq1 + m1 * dh, dq2 + m2 * dh
            m0, m1, m2 = p0 * dg + q0 * dh, p1 * dg + q1 * dh, p2 * dg + q2 * dh
            d_t[0], d_t[1], d_t[2] = d_t[0] + m0 * x, d_t[1] + m1 * x, d_t[2] + m2 * x
            d_t[3], d_t[4], d_t[5] = d_t[3] + m0 * y, d_t[4] + m1 * y, d_t[5] + m2 * y
            d_t[6], d_t[7], d_t[8] = d_t[6] + m0 * z, d_t[7] + m1 * z, d_t[8] + m2 * z
        d_tz = -iz * (dp0 * p0 + dp1 * p1 + dp2 * p2 + dq0 * q0 + dq1 * q1 + dq2 * q2)
        d_rx, d_ry = d_means2d[row, 0] * fx, d_means2d[row, 1] * fy
        if lx == rx:
            d_rx -= kx * (dp0 * view[2, 0] + dp1 * view[2, 1] + dp2 * view[2, 2])
        if ly == ry:
            d_ry -= ky * (dq0 * view[2, 0] + dq1 * view[2, 1] + dq2 * view[2, 2])
        d_tx, d_ty = d_rx * iz, d_ry * iz
        d_tz -= d_tx * rx + d_ty * ry
        dx = d_means[row, 0] + view[0, 0] * d_tx + view[1, 0] * d_ty + view[2, 0] * d_tz
        dy = d_means[row, 1] + view[0, 1] * d_tx + view[1, 1] * d_ty + view[2, 1] * d_tz
        dz = d_means[row, 2] + view[0, 2] * d_tx + view[1, 2] * d_ty + view[2, 2] * d_tz
        for k in range(3):
            d_t[3 * k] += dx * position[i, k]
            d_t[3 * k + 1] += dy * position[i, k]
            d_t[3 * k + 2] += dz * position[i, k]
        dex, dey, dez, dox, doy, doz = edges_gradient(vertices, a, b, c, rest, i, d_t)
        dx, dy, dz = dx * third, dy * third, dz * third
        d_vertices[a, 0] += dx - dex - dox
        d_vertices[a, 1] += dy - dey - doy
        d_vertices[a, 2] += dz - dez - doz
        d_vertices[b, 0] += dx + dex
        d_vertices[b, 1] += dy + dey
        d_vertices[b, 2] += dz + dez
        d_vertices[c, 0] += dx + dox
        d_vertices[c, 1] += dy + doy
        d_vertices[c, 2] += dz + doz
