# mypy: allow-untyped-defs, no-check-untyped-defs
"""Front-to-back compositing of packed Gaussians, tile by tile, and its exact gradient.

gsplat's rules: alpha = opacity exp(-sigma), at most 0.999; skipped below 1/255; a pixel is done before the Gaussian that would
take its transmittance to 1e-4 or less.
"""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F2, I1, INT, L1, OUT2, OUT3, inlined, kernel
from slp_mouthing.render.binning import TILE

MAX_ALPHA = np.float32(0.999)
MIN_ALPHA = np.float32(1 / 255)
MIN_TRANSMITTANCE = np.float32(1e-4)
PIXELS = TILE * TILE
CHECK_EVERY = 8
"""Gaussians between two looks at which rows are still open."""

# exp(-t) on [0, 0.7], minimax, relative error 1e-7; the cube of its square twice over reaches 5.6, beyond which alpha < 1/255.
_E1, _E2, _E3 = np.float32(-0.999999739452), np.float32(0.499994393228), np.float32(-0.166620521852)
_E4, _E5, _E6 = np.float32(0.0414826248205), np.float32(-0.00794854351455), np.float32(0.000974459685417)


@inlined
def exp_minus(sigma):
    """exp(-sigma) for sigma in [0, 5.76], by a polynomial that compiles to vector instructions."""
    t = min(sigma * np.float32(0.125), np.float32(0.72))
    e = np.float32(1) + t * (_E1 + t * (_E2 + t * (_E3 + t * (_E4 + t * (_E5 + t * _E6)))))
    e *= e
    e *= e
    return e * e


@kernel(F2, L1, I1, INT, INT, INT, INT, OUT3, OUT2)
def composite(packed, starts, lists, first, step, width, height, image, alpha):
    """Tiles `first`, `first + step`, ... -> premultiplied colours [H, W, 3] and alpha [H, W], background left out."""
    tiles_x = (width + TILE - 1) // TILE
    one, zero = np.float32(1), np.float32(0)
    # Planes of the tile: transmittance (negative once the pixel is done), red, green, blue.
    planes = np.empty(4 * PIXELS, np.float32)
    open_rows = np.empty(TILE, np.uint8)
    for tile in range(first, len(starts) - 1, step):
        ty, tx = tile // tiles_x, tile % tiles_x
        x_left, y_top = np.float32(tx * TILE) + np.float32(0.5), np.float32(ty * TILE) + np.float32(0.5)
        planes[:PIXELS] = one
        planes[PIXELS:] = zero
        open_rows[:] = 1
        for entry in range(starts[tile], starts[tile + 1]):
            row = lists[entry]
            x, y = packed[row, 0] - x_left, packed[row, 1] - y_top
            a, b, c, opacity = packed[row, 2], packed[row, 3], packed[row, 4], packed[row, 5]
            red, green, blue = packed[row, 6], packed[row, 7], packed[row, 8]
            reach_y = packed[row, 9]
            y_first = max(0, math.ceil(max(y - reach_y, zero)))
            y_last = math.floor(min(y + reach_y, np.float32(TILE - 1)))
            for py in range(y_first, y_last + 1):
                if open_rows[py] == 0:
                    continue
                dy = y - np.float32(py)
                c_dy, b_dy = c * dy * dy, b * dy
                base = np.uint64(py * TILE)
                # The whole row, though most Gaussians are narrower: a constant count compiles to vector instructions.
                for lane in range(TILE):
                    j = base + np.uint64(lane)
                    dx = x - np.float32(lane)
                    sigma = (a * dx + b_dy) * dx + c_dy
                    value = min(MAX_ALPHA, opacity * exp_minus(max(sigma, zero)))
                    before = planes[j]
                    after = before * (one - value)
                    counts = (sigma >= zero) & (value >= MIN_ALPHA)
                    takes = counts & (after > MIN_TRANSMITTANCE)
                    weight = value * before if takes else zero
                    planes[j] = after if takes else (-abs(before) if counts else before)
                    planes[j + np.uint64(PIXELS)] += weight * red
                    planes[j + np.uint64(2 * PIXELS)] += weight * green
                    planes[j + np.uint64(3 * PIXELS)] += weight * blue
            if (entry - starts[tile]) % CHECK_EVERY == CHECK_EVERY - 1:
                any_open = False
                for py in range(TILE):
                    most = -one
                    for px in range(TILE):
                        most = max(most, planes[py * TILE + px])
                    open_rows[py] = np.uint8(most > zero)
                    any_open |= most > zero
                if not any_open:
                    break
        for py in range(min(TILE, height - ty * TILE)):
            for px in range(min(TILE, width - tx * TILE)):
                j, gy, gx = py * TILE + px, ty * TILE + py, tx * TILE + px
                image[gy, gx, 0] = planes[j + PIXELS]
                image[gy, gx, 1] = planes[j + 2 * PIXELS]
                image[gy, gx, 2] = planes[j + 3 * PIXELS]
                alpha[gy, gx] = one - abs(planes[j])
