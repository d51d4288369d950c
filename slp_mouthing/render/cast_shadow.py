# mypy: allow-untyped-defs, no-check-untyped-defs
"""Soft shadows of one light on a mesh in motion, from a depth map of the mesh as the light sees it.

Percentage-closer soft shadows (R. Fernando, SIGGRAPH sketches 2005): the farther what is in the way, the softer its shadow.
"""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F2, FLOAT, I2, OUT1, OUT2, kernel

SOFTNESS = 0.30
"""Radius of the shadow's edge over the distance between what casts it and where it falls."""
SEARCH_M, LEAST_M, MOST_M = 0.045, 0.006, 0.06
"""Where casters are looked for, and the least and the largest radius."""
OFFSET_M, BIAS_M = 0.009, 0.005
"""Along the normal, and along the ray: a surface does not shadow itself."""
_K = np.arange(16) + 0.5
_TAPS = np.stack(
    [np.sqrt(_K / 16) * np.cos(math.pi * (1 + 5**0.5) * _K), np.sqrt(_K / 16) * np.sin(math.pi * (1 + 5**0.5) * _K)], axis=1
).astype(np.float32)
"""Points spread evenly over the unit disc."""


@kernel(F2, I2, FLOAT, OUT2)
def shadow_map(screen, triangles, scale, nearest):
    """Vertices [V, 3] m (right, up and towards the light) -> the largest third coordinate of each pixel."""
    height, width = nearest.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, x1, x2 = screen[a, 0] * scale + width / 2, screen[b, 0] * scale + width / 2, screen[c, 0] * scale + width / 2
        y0, y1, y2 = screen[a, 1] * scale + height / 2, screen[b, 1] * scale + height / 2, screen[c, 1] * scale + height / 2
        # What faces away is nearer to the light elsewhere.
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if not area > 1e-9:
            continue
        for y in range(max(0, int(min(y0, y1, y2))), min(height - 1, int(max(y0, y1, y2))) + 1):
            for x in range(max(0, int(min(x0, x1, x2))), min(width - 1, int(max(x0, x1, x2))) + 1):
                px, py = x + 0.5, y + 0.5
                w0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
                w1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
                w2 = 1 - w0 - w1
                if min(w0, w1, w2) >= 0:
                    nearest[y, x] = max(nearest[y, x], np.float32(w0 * screen[a, 2] + w1 * screen[b, 2] + w2 * screen[c, 2]))


@kernel(F2, F2, F2, FLOAT, OUT1)
def cast(screen, normals, nearest, scale, lit):
    """Share of the light [V] that reaches vertices [V, 3] with unit normals [V, 3], in the axes of `shadow_map`."""
    height, width = nearest.shape
    for i in range(len(screen)):
        lit[i] = 1
        if normals[i, 2] <= np.float32(-0.2):
            continue
        x = (screen[i, 0] + normals[i, 0] * OFFSET_M) * scale + width / 2
        y = (screen[i, 1] + normals[i, 1] * OFFSET_M) * scale + height / 2
        z = screen[i, 2] + normals[i, 2] * OFFSET_M + BIAS_M
        total, count = 0.0, 0
        for k in range(len(_TAPS)):
            u = min(max(int(x + _TAPS[k, 0] * SEARCH_M * scale), 0), width - 1)
            v = min(max(int(y + _TAPS[k, 1] * SEARCH_M * scale), 0), height - 1)
            if nearest[v, u] > z:
                total += nearest[v, u]
                count += 1
        if count == 0:
            continue
        radius = min(max(SOFTNESS * (total / count - z), LEAST_M), MOST_M)
        free = 0
        for k in range(len(_TAPS)):
            u = min(max(int(x + _TAPS[k, 0] * radius * scale), 0), width - 1)
            v = min(max(int(y + _TAPS[k, 1] * radius * scale), 0), height - 1)
            if not nearest[v, u] > z:
                free += 1
        lit[i] = free / len(_TAPS)
