# mypy: allow-untyped-defs, no-check-untyped-defs
"""Which Gaussians touch which tile, front to back."""

from __future__ import annotations

import math

import numpy as np

from slp_mouthing.jit import F1, F2, INT, inlined, kernel

TILE = 16
"""Side of a tile, pixels."""
RADIX_BITS = 11
FIELDS = 12
"""Of a packed Gaussian: x, y, half xx, xy, half yy of the conic, opacity, red, green, blue, reach in y; padded to 48 bytes."""


@inlined
def tile_range(centre, reach, tiles):
    """First tile and the one after the last that the interval touches, clipped to the image."""
    low = (centre - reach - np.float32(0.5)) / np.float32(TILE)
    high = (centre + reach - np.float32(0.5)) / np.float32(TILE)
    # Clipped as floats: what a huge value becomes as an integer is undefined.
    first = int(max(np.float32(0), min(np.float32(tiles), np.float32(math.floor(low)))))
    last = int(max(np.float32(0), min(np.float32(tiles), np.float32(math.floor(high)) + np.float32(1))))
    return first, last


@inlined
def sorted_by_depth(keys, ids):
    """Stable radix sort of positive floats by their bits: 3 passes of 11 bits."""
    keys_out, ids_out = np.empty_like(keys), np.empty_like(ids)
    mask = np.uint32((1 << RADIX_BITS) - 1)
    for step in range(3):
        shift = np.uint32(RADIX_BITS * step)
        starts = np.zeros((1 << RADIX_BITS) + 1, np.int64)
        for j in range(len(keys)):
            starts[((keys[j] >> shift) & mask) + 1] += 1
        for j in range(1 << RADIX_BITS):
            starts[j + 1] += starts[j]
        for j in range(len(keys)):
            digit = (keys[j] >> shift) & mask
            place = starts[digit]
            starts[digit] = place + 1
            keys_out[place] = keys[j]
            ids_out[place] = ids[j]
        keys, keys_out = keys_out, keys
        ids, ids_out = ids_out, ids
    return ids


@kernel(F2, F2, F1, F1, F2, INT, INT)
def bin_tiles(means2d, conics, depths, opacities, colors, tiles_x, tiles_y):
    """Pack the visible Gaussians in order of depth and list them by tile.

    The box of a Gaussian is exact: outside it alpha is below 1/255, however faint or strong the Gaussian is.

    Returns:
        ids: [M] the Gaussian of each packed row.
        packed: [M, FIELDS].
        boxes: [M, 4] first tile x, y and the ones after the last.
        slots: [M + 1] start of each row's tiles when all rows' tiles are laid in a line.
        starts: [tiles + 1] start of each tile's list.
        lists: [slots[M]] packed rows, front to back within a tile.
    """
    count = 0
    keys, ids = np.empty(len(depths), np.uint32), np.empty(len(depths), np.int32)
    bits = depths.view(np.uint32)
    all_boxes = np.empty((len(depths), 4), np.int32)
    reach_y = np.empty(len(depths), np.float32)
    for i in range(len(depths)):
        if depths[i] <= np.float32(0):
            continue
        # A comparison, which NaN fails: isfinite does not survive the reordering of arithmetic.
        if not (abs(colors[i, 0]) + abs(colors[i, 1]) + abs(colors[i, 2]) + opacities[i] < np.float32(1e30)):
            continue
        a, b, c = conics[i, 0], conics[i, 1], conics[i, 2]
        # alpha >= 1/255 where the quadratic form is at most q; a little more, for rounding.
        q = np.float32(2.0) * math.log(opacities[i] * np.float32(255)) * np.float32(1.0001) + np.float32(2e-4)
        scale = q / (a * c - b * b)
        rx, ry = np.float32(math.sqrt(scale * c)), np.float32(math.sqrt(scale * a))
        x0, x1 = tile_range(means2d[i, 0], rx, tiles_x)
        y0, y1 = tile_range(means2d[i, 1], ry, tiles_y)
        if x0 >= x1 or y0 >= y1:
            continue
        all_boxes[i, 0], all_boxes[i, 1], all_boxes[i, 2], all_boxes[i, 3] = x0, y0, x1, y1
        reach_y[i] = ry
        keys[count], ids[count] = bits[i], i
        count += 1
    order = sorted_by_depth(keys[:count].copy(), ids[:count].copy())
    packed, boxes = np.empty((count, FIELDS), np.float32), np.empty((count, 4), np.int32)
    slots, starts = np.zeros(count + 1, np.int64), np.zeros(tiles_x * tiles_y + 1, np.int64)
    for row in range(count):
        i = order[row]
        packed[row, 0], packed[row, 1] = means2d[i, 0], means2d[i, 1]
        packed[row, 2] = np.float32(0.5) * conics[i, 0]
        packed[row, 3] = conics[i, 1]
        packed[row, 4] = np.float32(0.5) * conics[i, 2]
        packed[row, 5] = opacities[i]
        packed[row, 6], packed[row, 7], packed[row, 8] = colors[i, 0], colors[i, 1], colors[i, 2]
        packed[row, 9] = reach_y[i]
        x0, y0, x1, y1 = all_boxes[i, 0], all_boxes[i, 1], all_boxes[i, 2], all_boxes[i, 3]
        boxes[row, 0], boxes[row, 1], boxes[row, 2], boxes[row, 3] = x0, y0, x1, y1
        slots[row + 1] = slots[row] + (x1 - x0) * (y1 - y0)
        for ty in range(y0, y1):
            for tx in range(x0, x1):
                starts[ty * tiles_x + tx + 1] += 1
    for tile in range(tiles_x * tiles_y):
        starts[tile + 1] += starts[tile]
    lists = np.empty(slots[count], np.int32)
    place = starts.copy()
    for row in range(count):
        for ty in range(boxes[row, 1], boxes[row, 3]):
            for tx in range(boxes[row, 0], boxes[row, 2]):
                tile = ty * tiles_x + tx
                lists[place[tile]] = row
                place[tile] += 1
    return order, packed, boxes, slots, starts, lists
