# mypy: allow-untyped-defs, no-check-untyped-defs
"""The autoregressive loop of one clip, compiled: frames of a post-norm transformer decoder with a cache of keys and values.

Letters: D dimension, L layers, H heads, F feed-forward, P period, n frames of a call, C frames that the cache has room for,
R what a frame's cross-attention may look at: 1 when that is a single vector, else `span` vectors for each head.
"""

from __future__ import annotations

import numpy as np

from slp_mouthing.jit import F1, F2, F3, INT, OUT1, OUT2, OUT3, ArrayType, inlined, kernel

F4 = ArrayType("float32", 4)
LANES = 16
"""Frames of a cache come in multiples of it: loops over them need no remainder."""
_ONE, _HALF, _EPSILON = np.float32(1), np.float32(0.5), np.float32(1e-5)
_FAR = np.float32(-1e30)

# exp by 2^k e^r with |r| < 0.35, relative error 2e-7: numpy's own in float32 is a call, and keeps loops from being vectorised.
_LOWEST, _LOG2E = np.float32(-87.0), np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_E2, _E3, _E4 = np.float32(1 / 2), np.float32(1 / 6), np.float32(1 / 24)
_E5, _E6 = np.float32(1 / 120), np.float32(1 / 720)
_EXPONENT_BIAS, _EXPONENT_SHIFT = np.int32(127), np.int32(23)


@inlined
def exp_in_place(scores, count, greatest):
    """exp(scores - greatest) of the first `count`. -> their sum"""
    total = np.float32(0)
    for j in range(count):
        x = max(scores[j] - greatest, _LOWEST)
        k = np.floor(x * _LOG2E + _HALF)
        r = (x - k * _LN2_HIGH) - k * _LN2_LOW
        e = _ONE + r * (_ONE + r * (_E2 + r * (_E3 + r * (_E4 + r * (_E5 + r * _E6)))))
        e *= np.int32((np.int32(k) + _EXPONENT_BIAS) << _EXPONENT_SHIFT).view(np.float32)
        scores[j] = e
        total += e
    return total


@inlined
def linear(x, weight, bias, out):
    """x [i] @ weight [i, o] + bias -> out [o]; four rows of the weight at a time."""
    for o in range(len(out)):
        out[o] = bias[o]
    for i in range(0, len(x), 4):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        w0, w1, w2, w3 = weight[i], weight[i + 1], weight[i + 2], weight[i + 3]
        for o in range(len(out)):
            out[o] += x0 * w0[o] + x1 * w1[o] + x2 * w2[o] + x3 * w3[o]


@inlined
def add_and_norm(x, change, scale, shift):
    """x becomes the layer norm of x + change."""
    mean, power = np.float32(0), np.float32(0)
    for d in range(len(x)):
        x[d] += change[d]
        mean += x[d]
    mean /= np.float32(len(x))
    for d in range(len(x)):
        x[d] -= mean
        power += x[d] * x[d]
    inverse = _ONE / np.sqrt(power / np.float32(len(x)) + _EPSILON)
    for d in range(len(x)):
        x[d] = x[d] * inverse * scale[d] + shift[d]


@inlined
def largest(scores, count, lanes):
    """Of the first `count`, a multiple of `LANES`."""
    for k in range(LANES):
        lanes[k] = scores[k]
    for j in range(LANES, count, LANES):
        for k in range(LANES):
            lanes[k] = max(lanes[k], scores[j + k])
    greatest = lanes[0]
    for k in range(1, LANES):
        greatest = max(greatest, lanes[k])
    return greatest


@inlined
def attend(query, keys, values, t, period, slopes, scores, lanes, out):
    """Biased self-attention of frame t to frames 0 to t. query [D], keys [D, C], values [D, C] -> out [D]"""
    size = len(query) // len(slopes)
    padded = (t // LANES + 1) * LANES
    for h in range(len(slopes)):
        first = h * size
        for j in range(padded):
            scores[j] = _FAR
        for step in range(t // period + 1):
            loss = -slopes[h] * np.float32(step)
            for j in range(max(t - (step + 1) * period + 1, 0), t - step * period + 1):
                scores[j] = loss
        for d in range(first, first + size, 4):
            q0, q1, q2, q3 = query[d], query[d + 1], query[d + 2], query[d + 3]
            k0, k1, k2, k3 = keys[d], keys[d + 1], keys[d + 2], keys[d + 3]
            for j in range(padded):
                scores[j] += q0 * k0[j] + q1 * k1[j] + q2 * k2[j] + q3 * k3[j]
        total = exp_in_place(scores, padded, largest(scores, padded, lanes))
        for d in range(first, first + size):
            v, mixed = values[d], np.float32(0)
            for j in range(padded):
                mixed += scores[j] * v[j]
            out[d] = mixed / total


@inlined
def look(x, keys, biases, values, heads, scores, out):
    """Cross-attention of one frame, [R, D] keys and values into which the projections are folded -> out [D]"""
    span = len(keys) // heads
    for d in range(len(out)):
        out[d] = np.float32(0)
    for h in range(heads):
        greatest = _FAR
        for j in range(span):
            r = j * heads + h
            score = biases[r]
            for d in range(len(x)):
                score += x[d] * keys[r, d]
            scores[j] = score
            greatest = max(greatest, score)
        total = exp_in_place(scores, span, greatest)
        for j in range(span):
            weight = scores[j] / total
            for d in range(len(out)):
                out[d] += weight * values[j * heads + h, d]


@kernel(
    OUT1, INT, OUT3, OUT3,
    F3, F2, F3, F2, F3, F2, F3, F2, F3, F2, F2, F1,
    F4, F3, F4, F2, OUT2,
)  # fmt: skip
def advance(
    token, start, keys, values,
    qkv_weight, qkv_bias, out_weight, out_bias, up_weight, up_bias, down_weight, down_bias, norms, fold, positions, slopes,
    cross_keys, cross_biases, cross_values, added, hidden,
):  # fmt: skip
    """Frames `start` to `start + n` of one clip.

    token [D] of the first of them goes in, that of the frame after the last comes out; keys, values [L, D, C] are filled;
    qkv_weight [L, D, 3 D] with scaled queries, out_weight [L, D, D], up_weight [L, D, F], down_weight [L, F, D] with biases,
    norms [L, 6, D] scale and shift of each; fold [D, D] from hidden to the next token, which gets added [n, D] too;
    positions [P, D], slopes [H]; cross_keys, cross_values [L, n, R, D], cross_biases [L, n, R]; hidden [n, D].
    """
    dim, heads, period = len(token), len(slopes), len(positions)
    x, change = np.empty(dim, np.float32), np.empty(dim, np.float32)
    qkv, mixed = np.empty(3 * dim, np.float32), np.empty(dim, np.float32)
    wide, lanes = np.empty(up_weight.shape[2], np.float32), np.empty(LANES, np.float32)
    scores = np.empty(max(keys.shape[2], cross_values.shape[2]), np.float32)
    for i in range(len(hidden)):
        t = start + i
        for d in range(dim):
            x[d] = token[d] + positions[t % period, d]
        for layer in range(len(keys)):
            linear(x, qkv_weight[layer], qkv_bias[layer], qkv)
            for d in range(dim):
                keys[layer, d, t], values[layer, d, t] = qkv[dim + d], qkv[2 * dim + d]
            attend(qkv[:dim], keys[layer], values[layer], t, period, slopes, scores, lanes, mixed)
            linear(mixed, out_weight[layer], out_bias[layer], change)
            add_and_norm(x, change, norms[layer, 0], norms[layer, 1])
            if cross_values.shape[2] == 1:
                change[:] = cross_values[layer, i, 0]
            else:
                look(x, cross_keys[layer, i], cross_biases[layer, i], cross_values[layer, i], heads, scores, change)
            add_and_norm(x, change, norms[layer, 2], norms[layer, 3])
            linear(x, up_weight[layer], up_bias[layer], wide)
            for f in range(len(wide)):
                wide[f] = max(wide[f], np.float32(0))
            linear(wide, down_weight[layer], down_bias[layer], change)
            add_and_norm(x, change, norms[layer, 4], norms[layer, 5])
        for d in range(dim):
            hidden[i, d] = x[d]
        linear(x, fold, added[i], token)
