# mypy: allow-untyped-defs, no-check-untyped-defs
"""Triangles to a depth buffer: for shadows, and for the mesh style."""

from __future__ import annotations

import numpy as np

from slp_mouthing.jit import F2, F3, I2, INT, OUT2, OUT3, kernel


@kernel(F2, I2, OUT2)
def depth_map(screen, triangles, nearness):
    """Vertices [V, 3] (x, y px; nearness, larger is closer) -> the largest nearness of each pixel, where above what is there."""
    height, width = nearness.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if not abs(area) > np.float32(1e-9):
            continue
        inverse = np.float32(1) / area
        for y in range(max(0, int(min(y0, y1, y2))), min(height - 1, int(max(y0, y1, y2))) + 1):
            for x in range(max(0, int(min(x0, x1, x2))), min(width - 1, int(max(x0, x1, x2))) + 1):
                px, py = np.float32(x) + np.float32(0.5), np.float32(y) + np.float32(0.5)
                w0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * inverse
                w1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * inverse
                w2 = np.float32(1) - w0 - w1
                if min(w0, w1, w2) >= np.float32(0):
                    near = w0 * screen[a, 2] + w1 * screen[b, 2] + w2 * screen[c, 2]
                    nearness[y, x] = max(nearness[y, x], near)


@kernel(F2, I2, F2, OUT2, OUT3)
def draw(screen, triangles, colors, nearness, image):
    """Like `depth_map`, with colours [V, 3] interpolated in perspective; nearness is 1 / depth."""
    height, width = nearness.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        # Behind the camera nearness is not positive.
        if not (abs(area) > np.float32(1e-9) and min(screen[a, 2], screen[b, 2], screen[c, 2]) > np.float32(0)):
            continue
        inverse = np.float32(1) / area
        for y in range(max(0, int(min(y0, y1, y2))), min(height - 1, int(max(y0, y1, y2))) + 1):
            for x in range(max(0, int(min(x0, x1, x2))), min(width - 1, int(max(x0, x1, x2))) + 1):
                px, py = np.float32(x) + np.float32(0.5), np.float32(y) + np.float32(0.5)
                w0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * inverse
                w1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * inverse
                w2 = np.float32(1) - w0 - w1
                if min(w0, w1, w2) < np.float32(0):
                    continue
                w0, w1, w2 = w0 * screen[a, 2], w1 * screen[b, 2], w2 * screen[c, 2]
                near = w0 + w1 + w2
                if near > nearness[y, x]:
                    nearness[y, x] = near
                    for k in range(3):
                        image[y, x, k] = (w0 * colors[a, k] + w1 * colors[b, k] + w2 * colors[c, k]) / near


@kernel(F2, F3, INT, OUT3, OUT2)
def resolve(nearness, samples, across, image, alpha):
    """Samples [H across, W across] averaged over pixels: premultiplied image [H, W, 3] and alpha [H, W]."""
    share = np.float32(1) / np.float32(across * across)
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            red, green, blue, covered = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for sy in range(y * across, (y + 1) * across):
                for sx in range(x * across, (x + 1) * across):
                    if nearness[sy, sx] > np.float32(0):
                        red += samples[sy, sx, 0]
                        green += samples[sy, sx, 1]
                        blue += samples[sy, sx, 2]
                        covered += np.float32(1)
            image[y, x, 0], image[y, x, 1], image[y, x, 2] = red * share, green * share, blue * share
            alpha[y, x] = covered * share
