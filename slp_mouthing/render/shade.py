# mypy: allow-untyped-defs, no-check-untyped-defs
"""Light on Gaussians and vertices: linear light in, display colours out."""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F1, F2, I1, I2, OUT1, OUT2, U1, inlined, kernel

SPECULAR, SHARPNESS, SCATTER, SHEEN, INSIDE, DEPTH_TINT, CULL, UNDER_LID = range(8)
KEY, FILL, RIM, KEY_COLOR, FILL_COLOR, RIM_COLOR, SKY, GROUND, EXPOSURE = range(9)


@kernel(F2, I2, OUT2)
def vertex_normals(vertices, triangles, normals):
    """Unit normals [V, 3], weighted by area."""
    normals[:] = 0
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in range(3):
            vertex = triangles[t, k]
            normals[vertex, 0] += nx
            normals[vertex, 1] += ny
            normals[vertex, 2] += nz
    for i in range(len(normals)):
        n = math.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2)
        k = np.float32(1) / max(n, np.float32(1e-20))
        normals[i, 0] *= k
        normals[i, 1] *= k
        normals[i, 2] *= k


@inlined
def saturate(x):
    return max(np.float32(0), min(np.float32(1), x))


@inlined
def smooth(low, high, x):
    t = saturate((x - low) / (high - low))
    return t * t * (np.float32(3) - np.float32(2) * t)


@inlined
def wrapped(cosine, wrap):
    """Lambert's cosine carried past the terminator."""
    return saturate((cosine + wrap) / (np.float32(1) + wrap))


@inlined
def display(x):
    """Tone mapping with a soft shoulder, then sRGB's encoding from square roots (error below 0.002)."""
    x = saturate(x * (np.float32(1) + x * np.float32(0.16)) / (np.float32(1) + x) * np.float32(1.20))
    s1 = np.float32(math.sqrt(x))
    s2 = np.float32(math.sqrt(s1))
    s3 = np.float32(math.sqrt(s2))
    return saturate(
        np.float32(0.662002687) * s1 + np.float32(0.68412206) * s2 - np.float32(0.323583601) * s3 - np.float32(0.022541147) * x
    )


@inlined
def highlight(cosine, sharpness):
    """Blinn and Phong's lobe with an exponent of 2 ** sharpness, normalised to constant energy."""
    value = saturate(cosine)
    power = np.float32(1)
    for _ in range(int(sharpness)):
        value *= value
        power *= np.float32(2)
    return value * (power + np.float32(2)) * np.float32(0.125)


@inlined
def light_at(nx, ny, nz, vx, vy, vz, x, y, z, sky, key, material, table, light, face, albedo, color):
    """Display colour [3] of a point with a unit normal n, seen along the unit vector v towards the camera.

    `face`: opening of the lips m, z of the lips m, height of the eyes m; then the rows of the [3, 4] matrix that takes the point
    to where it would be with the head at rest.
    """
    one = np.float32(1)
    lit = one
    if table[material, INSIDE] > np.float32(0) or table[material, UNDER_LID] > np.float32(0):
        x, y, z = (
            face[3] * x + face[4] * y + face[5] * z + face[6],
            face[7] * x + face[8] * y + face[9] * z + face[10],
            face[11] * x + face[12] * y + face[13] * z + face[14],
        )
    if table[material, INSIDE] > np.float32(0):
        # The lips follow the dental arch: their depth falls off to the sides.
        depth = max(np.float32(0), face[1] - np.float32(0.006) - np.float32(7.0) * x * x - z) * table[material, DEPTH_TINT]
        opening = max(face[0], np.float32(0.0022))
        lit = opening / (opening + np.float32(0.8) * depth)
        lit = lit * (np.float32(0.35) + np.float32(0.65) * lit)
        sky, key = np.float32(0.9) * lit, (np.float32(0.45) + np.float32(0.55) * key) * lit
    if table[material, UNDER_LID] > np.float32(0):
        lit = np.float32(0.40) + np.float32(0.60) * smooth(np.float32(0.0056), np.float32(0.0006), y - face[2])
        sky, key = np.float32(0.85) * lit, np.float32(0.9) * lit
    scatter, sheen = table[material, SCATTER], table[material, SHEEN]
    key_cos = nx * light[KEY, 0] + ny * light[KEY, 1] + nz * light[KEY, 2]
    fill_cos = nx * light[FILL, 0] + ny * light[FILL, 1] + nz * light[FILL, 2]
    rim_cos = nx * light[RIM, 0] + ny * light[RIM, 1] + nz * light[RIM, 2]
    facing = nx * vx + ny * vy + nz * vz
    grazing = one - saturate(facing)
    grazing = grazing * grazing
    grazing = grazing * grazing
    half_up = np.float32(0.5) + np.float32(0.5) * ny
    fill = wrapped(fill_cos, np.float32(0.4)) * sky
    rim = grazing * saturate(rim_cos + np.float32(0.35)) * sheen * sky
    gloss = np.float32(0)
    if table[material, SPECULAR] > np.float32(0):
        hx, hy, hz = vx + light[KEY, 0], vy + light[KEY, 1], vz + light[KEY, 2]
        h = one / max(np.float32(math.sqrt(hx * hx + hy * hy + hz * hz)), np.float32(1e-6))
        gloss = highlight((nx * hx + ny * hy + nz * hz) * h, table[material, SHARPNESS]) * saturate(key_cos * np.float32(3)) * key
        hx, hy, hz = vx + light[FILL, 0], vy + light[FILL, 1], vz + light[FILL, 2]
        h = one / max(np.float32(math.sqrt(hx * hx + hy * hy + hz * hz)), np.float32(1e-6))
        gloss += np.float32(0.14) * highlight((nx * hx + ny * hy + nz * hz) * h, table[material, SHARPNESS]) * sky
        gloss *= table[material, SPECULAR] * np.float32(0.62)
    for k in range(3):
        # Red light travels farthest under skin: its terminator is the softest, and its shadows the lightest.
        reach = scatter * (np.float32(0.42) if k == 0 else (np.float32(0.22) if k == 1 else np.float32(0.16)))
        shadow = min(one, key + np.float32(0.3) * reach * lit)
        total = light[KEY_COLOR, k] * wrapped(key_cos, reach + np.float32(0.05)) * shadow
        total += light[FILL_COLOR, k] * fill
        total += (light[SKY, k] * half_up + light[GROUND, k] * (one - half_up)) * sky
        # Light reflected between the walls of a crease takes on their colour.
        total *= one - (one - sky) * (one - albedo[k]) * np.float32(0.35)
        value = albedo[k] * total + light[KEY_COLOR, k] * gloss
        value += light[RIM_COLOR, k] * rim * np.float32(math.sqrt(albedo[k]))
        color[k] = display(value * light[EXPOSURE, k])


@inlined
def unit(x, y, z):
    k = np.float32(1) / max(np.float32(math.sqrt(x * x + y * y + z * z)), np.float32(1e-6))
    return x * k, y * k, z * k


@inlined
def blended(values, a, b, c, wa, wb, wc, k):
    return wa * values[a, k] + wb * values[b, k] + wc * values[c, k]


@kernel(F2, I1, I2, F2, F2, U1, F1, F2, F1, OUT1)
def find_facing(vertices, binding, triangles, weights, normals, material, opacity, table, camera, visible):
    """Opacities [N] of Gaussians at `weights` [N, 3] of their triangles as a camera [3] sees them: 0 where they face away."""
    for i in range(len(binding)):
        visible[i] = opacity[i]
        if table[material[i], CULL] == np.float32(0):
            continue
        a, b, c = triangles[binding[i], 0], triangles[binding[i], 1], triangles[binding[i], 2]
        wa, wb, wc = weights[i, 0], weights[i, 1], weights[i, 2]
        dot, nn, vv = np.float32(0), np.float32(1e-12), np.float32(1e-12)
        for k in range(3):
            n = blended(normals, a, b, c, wa, wb, wc, k)
            v = camera[k] - blended(vertices, a, b, c, wa, wb, wc, k)
            dot += n * v
            nn += n * n
            vv += v * v
        visible[i] *= smooth(np.float32(-0.15), np.float32(0.03), dot / np.float32(math.sqrt(nn * vv)))


@kernel(I1, F2, I1, I2, F2, F2, F1, F1, F2, U1, F2, F2, F1, F1, OUT2)
def shade_gaussians(
    ids, means, binding, triangles, weights, normals, sky, key, albedo, material, table, light, face, camera, colors
):  # fmt: skip
    """Display colours [M, 3] of the Gaussians `ids` [M] with means [M, 3] at `weights` [N, 3] of their triangles.

    `camera` [3], or [0]: each is seen from straight above its surface, so that no side of the head has a sheen.
    """
    for j in range(len(ids)):
        i = ids[j]
        a, b, c = triangles[binding[i], 0], triangles[binding[i], 1], triangles[binding[i], 2]
        wa, wb, wc = weights[i, 0], weights[i, 1], weights[i, 2]
        nx, ny, nz = unit(
            blended(normals, a, b, c, wa, wb, wc, 0),
            blended(normals, a, b, c, wa, wb, wc, 1),
            blended(normals, a, b, c, wa, wb, wc, 2),
        )
        vx, vy, vz = nx, ny, nz
        if len(camera) > 0:
            vx, vy, vz = unit(camera[0] - means[j, 0], camera[1] - means[j, 1], camera[2] - means[j, 2])
        light_at(
            nx, ny, nz, vx, vy, vz, means[j, 0], means[j, 1], means[j, 2], wa * sky[a] + wb * sky[b] + wc * sky[c],
            wa * key[a] + wb * key[b] + wc * key[c], material[i], table, light, face, albedo[i], colors[j],
        )  # fmt: skip


@kernel(F2, F2, F1, F1, F2, U1, F2, F2, F1, F1, OUT2)
def shade_vertices(vertices, normals, sky, key, albedo, material, table, light, face, camera, colors):
    """Display colours [V, 3] of a mesh's vertices."""
    for i in range(len(vertices)):
        vx, vy, vz = camera[0] - vertices[i, 0], camera[1] - vertices[i, 1], camera[2] - vertices[i, 2]
        k = np.float32(1) / max(np.float32(math.sqrt(vx * vx + vy * vy + vz * vz)), np.float32(1e-6))
        light_at(
            normals[i, 0], normals[i, 1], normals[i, 2], vx * k, vy * k, vz * k, vertices[i, 0], vertices[i, 1], vertices[i, 2],
            sky[i], key[i], material[i], table, light, face, albedo[i], colors[i],
        )  # fmt: skip
