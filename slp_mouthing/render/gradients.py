# mypy: allow-untyped-defs, no-check-untyped-defs
"""Exact gradients of projection and compositing, without atomics: the same input gives the same bits.

A tile replays its list front to back with the light that is still to come, so nothing is divided by a vanishing transmittance.
Each (Gaussian, tile) pair writes a slot of its own; slots are then summed by Gaussian.
"""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F1, F2, F3, I1, I2, INT, L1, OUT1, OUT2, kernel
from slp_mouthing.render.binning import TILE
from slp_mouthing.render.compositing import CHECK_EVERY, MAX_ALPHA, MIN_ALPHA, MIN_TRANSMITTANCE, PIXELS, exp_minus
from slp_mouthing.render.projection import LANES, clamped_direction, rotation

SLOT = 9
"""Numbers of a slot: gradients of mean x, y; conic xx, xy, yy; opacity; red, green, blue."""


@kernel(F2, I2, L1, L1, I1, INT, INT, INT, INT, F3, F2, F3, F2, OUT2)
def composite_gradient(
    packed, boxes, slots, starts, lists, first, step, width, height, image, alpha, d_image, d_alpha, out
):  # fmt: skip
    """Tiles `first`, `first + step`, ...: gradients of image [H, W, 3] and alpha [H, W] -> slots [S, SLOT]."""
    tiles_x = (width + TILE - 1) // TILE
    one, zero, two, half = np.float32(1), np.float32(0), np.float32(2), np.float32(0.5)
    # Planes of the tile: transmittance (negative once done), what is still to come, and the gradients of red, green, blue, alpha.
    planes = np.empty(6 * PIXELS, np.float32)
    sums = np.empty(6 * TILE, np.float32)
    open_rows = np.empty(TILE, np.uint8)
    for tile in range(first, len(starts) - 1, step):
        ty, tx = tile // tiles_x, tile % tiles_x
        x_left, y_top = np.float32(tx * TILE) + half, np.float32(ty * TILE) + half
        planes[:] = zero
        planes[:PIXELS] = -one
        for py in range(min(TILE, height - ty * TILE)):
            for px in range(min(TILE, width - tx * TILE)):
                j, gy, gx = py * TILE + px, ty * TILE + py, tx * TILE + px
                red, green, blue = d_image[gy, gx, 0], d_image[gy, gx, 1], d_image[gy, gx, 2]
                planes[j] = one
                coming = red * image[gy, gx, 0] + green * image[gy, gx, 1] + blue * image[gy, gx, 2]
                planes[j + PIXELS] = coming + d_alpha[gy, gx] * alpha[gy, gx]
                planes[j + 2 * PIXELS], planes[j + 3 * PIXELS], planes[j + 4 * PIXELS] = red, green, blue
                planes[j + 5 * PIXELS] = d_alpha[gy, gx]
        open_rows[:] = 1
        any_open = True
        for entry in range(starts[tile], starts[tile + 1]):
            row = lists[entry]
            across = boxes[row, 2] - boxes[row, 0]
            slot = slots[row] + (ty - boxes[row, 1]) * across + (tx - boxes[row, 0])
            if not any_open:
                out[slot, :] = zero
                continue
            x, y = packed[row, 0] - x_left, packed[row, 1] - y_top
            a, b, c, opacity = packed[row, 2], packed[row, 3], packed[row, 4], packed[row, 5]
            red, green, blue = packed[row, 6], packed[row, 7], packed[row, 8]
            reach_y = packed[row, 9]
            y_first = max(0, math.ceil(max(y - reach_y, zero)))
            y_last = math.floor(min(y + reach_y, np.float32(TILE - 1)))
            sums[:] = zero
            for py in range(y_first, y_last + 1):
                if open_rows[py] == 0:
                    continue
                dy = y - np.float32(py)
                c_dy, b_dy = c * dy * dy, b * dy
                base = np.uint64(py * TILE)
                for lane in range(TILE):
                    j, k = base + np.uint64(lane), np.uint64(lane)
                    dx = x - np.float32(lane)
                    sigma = (a * dx + b_dy) * dx + c_dy
                    full = opacity * exp_minus(max(sigma, zero))
                    value = min(MAX_ALPHA, full)
                    before = planes[j]
                    after = before * (one - value)
                    counts = (sigma >= zero) & (value >= MIN_ALPHA)
                    takes = counts & (after > MIN_TRANSMITTANCE)
                    weight = value * before if takes else zero
                    planes[j] = after if takes else (-abs(before) if counts else before)
                    d_red, d_green = planes[j + np.uint64(2 * PIXELS)], planes[j + np.uint64(3 * PIXELS)]
                    d_blue = planes[j + np.uint64(4 * PIXELS)]
                    gain = red * d_red + green * d_green + blue * d_blue + planes[j + np.uint64(5 * PIXELS)]
                    coming = planes[j + np.uint64(PIXELS)] - weight * gain
                    planes[j + np.uint64(PIXELS)] = coming
                    d_value = before * gain - coming / (one - value)
                    d_sigma = -full * d_value if takes & (full <= MAX_ALPHA) else zero
                    sums[k] += d_sigma
                    sums[k + np.uint64(TILE)] += d_sigma * dy
                    sums[k + np.uint64(2 * TILE)] += d_sigma * dy * dy
                    sums[k + np.uint64(3 * TILE)] += weight * d_red
                    sums[k + np.uint64(4 * TILE)] += weight * d_green
                    sums[k + np.uint64(5 * TILE)] += weight * d_blue
            m, mx, my, mxx, mxy, myy = zero, zero, zero, zero, zero, zero
            r, g, bl = zero, zero, zero
            for lane in range(TILE):
                dx = x - np.float32(lane)
                s, s_dy = sums[lane], sums[lane + TILE]
                m += s
                mx += s * dx
                mxx += s * dx * dx
                my += s_dy
                mxy += s_dy * dx
                myy += sums[lane + 2 * TILE]
                r += sums[lane + 3 * TILE]
                g += sums[lane + 4 * TILE]
                bl += sums[lane + 5 * TILE]
            out[slot, 0], out[slot, 1] = two * a * mx + b * my, b * mx + two * c * my
            out[slot, 2], out[slot, 3], out[slot, 4] = half * mxx, mxy, half * myy
            out[slot, 5] = -m / opacity
            out[slot, 6], out[slot, 7], out[slot, 8] = r, g, bl
            if (entry - starts[tile]) % CHECK_EVERY == CHECK_EVERY - 1:
                any_open = False
                for py in range(TILE):
                    most = -one
                    for px in range(TILE):
                        most = max(most, planes[py * TILE + px])
                    open_rows[py] = np.uint8(most > zero)
                    any_open |= most > zero


@kernel(I1, L1, F2, OUT2, OUT2, OUT1, OUT2)
def gather(ids, slots, values, d_means2d, d_conics, d_opacities, d_colors):
    """Slots [S, SLOT] summed by Gaussian; Gaussians that are not seen keep what the arrays hold."""
    total = np.empty(SLOT, np.float32)
    for row in range(len(ids)):
        i = ids[row]
        total[:] = 0
        for slot in range(slots[row], slots[row + 1]):
            for k in range(SLOT):
                total[k] += values[slot, k]
        d_means2d[i, 0], d_means2d[i, 1] = total[0], total[1]
        d_conics[i, 0], d_conics[i, 1], d_conics[i, 2] = total[2], total[3], total[4]
        d_opacities[i] = total[5]
        d_colors[i, 0], d_colors[i, 1], d_colors[i, 2] = total[6], total[7], total[8]


@kernel(F2, F2, F2, F2, F2, INT, INT, F2, F1, F2, F2, OUT2, OUT2, OUT2)
def project_gradient(
    means, quats, scales, view, K, width, height, conics, depths, d_means2d, d_conics, d_means, d_quats, d_scales
):  # fmt: skip
    """Gradients of pixel means [N, 2] and conics [N, 3] -> of means [N, 3], quaternions [N, 4] and scales [N, 3]."""
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    w_px, h_px = np.float32(width), np.float32(height)
    one, two, zero = np.float32(1), np.float32(2), np.float32(0)
    t = np.zeros((19, LANES), np.float32)
    for begin in range(0, means.shape[0], LANES):
        many = min(means.shape[0] - begin, LANES)
        for lane in range(many):
            i = begin + lane
            t[0, lane], t[1, lane], t[2, lane], t[3, lane] = means[i, 0], means[i, 1], means[i, 2], depths[i]
            t[4, lane], t[5, lane], t[6, lane], t[7, lane] = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
            t[8, lane], t[9, lane], t[10, lane] = scales[i, 0], scales[i, 1], scales[i, 2]
            t[11, lane], t[12, lane], t[13, lane] = conics[i, 0], conics[i, 1], conics[i, 2]
            t[14, lane], t[15, lane] = d_means2d[i, 0], d_means2d[i, 1]
            t[16, lane], t[17, lane], t[18, lane] = d_conics[i, 0], d_conics[i, 1], d_conics[i, 2]
        for lane in range(LANES):
            X, Y, Z = t[0, lane], t[1, lane], t[2, lane]
            iz = one / t[3, lane]
            rx = (view[0, 0] * X + view[0, 1] * Y + view[0, 2] * Z + view[0, 3]) * iz
            ry = (view[1, 0] * X + view[1, 1] * Y + view[1, 2] * Z + view[1, 3]) * iz
            lx, ly = clamped_direction(rx, fx, cx, w_px), clamped_direction(ry, fy, cy, h_px)
            w, x, y, z = t[4, lane], t[5, lane], t[6, lane], t[7, lane]
            n = one / np.float32(math.sqrt(w * w + x * x + y * y + z * z))
            w, x, y, z = w * n, x * n, y * n, z * n
            r00, r01, r02, r10, r11, r12, r20, r21, r22 = rotation(w, x, y, z)
            kx, ky = fx * iz, fy * iz
            p0, p1, p2 = (
                kx * (view[0, 0] - lx * view[2, 0]),
                kx * (view[0, 1] - lx * view[2, 1]),
                kx * (view[0, 2] - lx * view[2, 2]),
            )
            q0, q1, q2 = (
                ky * (view[1, 0] - ly * view[2, 0]),
                ky * (view[1, 1] - ly * view[2, 1]),
                ky * (view[1, 2] - ly * view[2, 2]),
            )
            s0, s1, s2 = t[8, lane], t[9, lane], t[10, lane]
            # Rows times rotation, before the scales.
            u0, u1, u2 = p0 * r00 + p1 * r10 + p2 * r20, p0 * r01 + p1 * r11 + p2 * r21, p0 * r02 + p1 * r12 + p2 * r22
            v0, v1, v2 = q0 * r00 + q1 * r10 + q2 * r20, q0 * r01 + q1 * r11 + q2 * r21, q0 * r02 + q1 * r12 + q2 * r22
            # Conic = inverse covariance: d covariance = - conic d_conic conic.
            a, b, c = t[11, lane], t[12, lane], t[13, lane]
            e0, e1, e2 = t[16, lane], np.float32(0.5) * t[17, lane], t[18, lane]
            k00, k01, k10, k11 = a * e0 + b * e1, a * e1 + b * e2, b * e0 + c * e1, b * e1 + c * e2
            d_a, d_b, d_c = -(k00 * a + k01 * b), -two * (k00 * b + k01 * c), -(k10 * b + k11 * c)
            g0, g1, g2 = u0 * s0, u1 * s1, u2 * s2
            h0, h1, h2 = v0 * s0, v1 * s1, v2 * s2
            dg0, dg1, dg2 = two * d_a * g0 + d_b * h0, two * d_a * g1 + d_b * h1, two * d_a * g2 + d_b * h2
            dh0, dh1, dh2 = d_b * g0 + two * d_c * h0, d_b * g1 + two * d_c * h1, d_b * g2 + two * d_c * h2
            t[8, lane], t[9, lane], t[10, lane] = dg0 * u0 + dh0 * v0, dg1 * u1 + dh1 * v1, dg2 * u2 + dh2 * v2
            dg0, dg1, dg2, dh0, dh1, dh2 = dg0 * s0, dg1 * s1, dg2 * s2, dh0 * s0, dh1 * s1, dh2 * s2
            # Gradient of the rotation matrix, then of the unit quaternion, then of its length.
            m00, m01, m02 = dg0 * p0 + dh0 * q0, dg1 * p0 + dh1 * q0, dg2 * p0 + dh2 * q0
            m10, m11, m12 = dg0 * p1 + dh0 * q1, dg1 * p1 + dh1 * q1, dg2 * p1 + dh2 * q1
            m20, m21, m22 = dg0 * p2 + dh0 * q2, dg1 * p2 + dh1 * q2, dg2 * p2 + dh2 * q2
            dw = two * (x * (m21 - m12) + y * (m02 - m20) + z * (m10 - m01))
            dx = two * (-two * x * (m11 + m22) + y * (m10 + m01) + z * (m20 + m02) + w * (m21 - m12))
            dy = two * (x * (m10 + m01) - two * y * (m00 + m22) + z * (m21 + m12) + w * (m02 - m20))
            dz = two * (x * (m20 + m02) + y * (m21 + m12) - two * z * (m00 + m11) + w * (m10 - m01))
            dot = dw * w + dx * x + dy * y + dz * z
            t[4, lane], t[5, lane] = n * (dw - dot * w), n * (dx - dot * x)
            t[6, lane], t[7, lane] = n * (dy - dot * y), n * (dz - dot * z)
            # Gradient of the rows p, q, then of the direction and the depth they are made of.
            dp0, dp1, dp2 = (
                dg0 * r00 + dg1 * r01 + dg2 * r02,
                dg0 * r10 + dg1 * r11 + dg2 * r12,
                dg0 * r20 + dg1 * r21 + dg2 * r22,
            )
            dq0, dq1, dq2 = (
                dh0 * r00 + dh1 * r01 + dh2 * r02,
                dh0 * r10 + dh1 * r11 + dh2 * r12,
                dh0 * r20 + dh1 * r21 + dh2 * r22,
            )
            d_tz = -iz * (dp0 * p0 + dp1 * p1 + dp2 * p2 + dq0 * q0 + dq1 * q1 + dq2 * q2)
            d_rx = t[14, lane] * fx
            d_ry = t[15, lane] * fy
            # Where the direction was clamped, the Jacobian does not turn with it.
            along_x = dp0 * view[2, 0] + dp1 * view[2, 1] + dp2 * view[2, 2]
            along_y = dq0 * view[2, 0] + dq1 * view[2, 1] + dq2 * view[2, 2]
            d_rx -= kx * along_x if lx == rx else zero
            d_ry -= ky * along_y if ly == ry else zero
            d_tx, d_ty = d_rx * iz, d_ry * iz
            d_tz -= d_tx * rx + d_ty * ry
            t[0, lane] = view[0, 0] * d_tx + view[1, 0] * d_ty + view[2, 0] * d_tz
            t[1, lane] = view[0, 1] * d_tx + view[1, 1] * d_ty + view[2, 1] * d_tz
            t[2, lane] = view[0, 2] * d_tx + view[1, 2] * d_ty + view[2, 2] * d_tz
        for lane in range(many):
            if depths[begin + lane] <= zero:
                continue
            i = begin + lane
            d_means[i, 0], d_means[i, 1], d_means[i, 2] = t[0, lane], t[1, lane], t[2, lane]
            d_quats[i, 0], d_quats[i, 1], d_quats[i, 2], d_quats[i, 3] = t[4, lane], t[5, lane], t[6, lane], t[7, lane]
            d_scales[i, 0], d_scales[i, 1], d_scales[i, 2] = t[8, lane], t[9, lane], t[10, lane]
