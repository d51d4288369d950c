"""Attention and convolution over time: the conformer, with positions relative to each other.

After Gulati et al. 2020 (arXiv 2005.08100); positions after Dai et al. 2019 (arXiv 1901.02860, section 3.3). Names of weights are
those of ESPnet as Auto-AVSR's checkpoints have them, `pointwise_cov1` among them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slp_mouthing.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the lip reader") from error

from torch import nn
from torch.nn.functional import glu, pad, scaled_dot_product_attention, silu

if TYPE_CHECKING:
    from torch import Tensor

_EPS = 1e-12
"""Of the layers' normalisation, as ESPnet's."""


@dataclass(frozen=True, slots=True)
class ConformerOptions:
    """Auto-AVSR's by default."""

    dim: int = 768
    heads: int = 12
    feed_forward: int = 3072
    layers: int = 12
    kernel: int = 31
    """Frames that the convolution spans."""
    dropout: float = 0.1


class Conformer(nn.Module):
    """[B, T, D] -> [B, T, D]"""

    def __init__(self, options: ConformerOptions) -> None:
        super().__init__()
        self.scale, self.dropout = math.sqrt(options.dim), nn.Dropout(options.dropout)
        self.encoders = nn.ModuleList(ConformerLayer(options) for _ in range(options.layers))
        self.after_norm = nn.LayerNorm(options.dim, _EPS)

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """`mask` [B, T]: true on frames that count, which are then as they would be without the others; None for all."""
        positions = self.dropout(relative_positions(hidden.shape[1], hidden.shape[2]).to(hidden))
        hidden = self.dropout(self.scale * hidden)
        for layer in self.encoders:
            hidden = layer(hidden, positions, mask)
        normed: Tensor = self.after_norm(hidden)
        return normed


class ConformerLayer(nn.Module):
    """Half a feed-forward step, attention, convolution, the other half; each normalised before it and added."""

    def __init__(self, options: ConformerOptions) -> None:
        super().__init__()
        self.self_attn = RelativeAttention(options)
        self.feed_forward = FeedForward(options)
        self.feed_forward_macaron = FeedForward(options)
        self.conv_module = TimeConvolution(options)
        self.norm_ff, self.norm_ff_macaron, self.norm_mha, self.norm_conv, self.norm_final = (
            nn.LayerNorm(options.dim, _EPS) for _ in range(5)
        )
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, hidden: Tensor, positions: Tensor, mask: Tensor | None) -> Tensor:
        hidden = hidden + 0.5 * self.dropout(self.feed_forward_macaron(self.norm_ff_macaron(hidden)))
        hidden = hidden + self.dropout(self.self_attn(self.norm_mha(hidden), positions, mask))
        hidden = hidden + self.dropout(self.conv_module(self.norm_conv(hidden), mask))
        hidden = hidden + 0.5 * self.dropout(self.feed_forward(self.norm_ff(hidden)))
        normed: Tensor = self.norm_final(hidden)
        return normed


class FeedForward(nn.Module):
    def __init__(self, options: ConformerOptions) -> None:
        super().__init__()
        self.w_1 = nn.Linear(options.dim, options.feed_forward)
        self.w_2 = nn.Linear(options.feed_forward, options.dim)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        stepped: Tensor = self.w_2(self.dropout(torch.relu(self.w_1(hidden))))
        return stepped


class RelativeAttention(nn.Module):
    """Scores by content and by distance: (q + u) k + (q + v) p, over the root of the head's width."""

    def __init__(self, options: ConformerOptions) -> None:
        super().__init__()
        self.heads = options.heads
        self.linear_q, self.linear_k, self.linear_v, self.linear_out = (nn.Linear(options.dim, options.dim) for _ in range(4))
        self.linear_pos = nn.Linear(options.dim, options.dim, bias=False)
        self.pos_bias_u = nn.Parameter(torch.zeros(options.heads, options.dim // options.heads))
        self.pos_bias_v = nn.Parameter(torch.zeros(options.heads, options.dim // options.heads))

    def forward(self, hidden: Tensor, positions: Tensor, mask: Tensor | None) -> Tensor:
        """[B, T, D], [2 T - 1, D], [B, T] -> [B, T, D]"""
        query, key, value = (self._by_head(linear(hidden)) for linear in (self.linear_q, self.linear_k, self.linear_v))
        distances = self._by_head(self.linear_pos(positions))
        bias = by_distance((query + self.pos_bias_v[:, None]) @ distances.transpose(-2, -1)) / math.sqrt(query.shape[-1])
        if mask is not None:
            bias = bias.masked_fill(~mask[:, None, None], torch.finfo(bias.dtype).min)
        heard = scaled_dot_product_attention(query + self.pos_bias_u[:, None], key, value, attn_mask=bias)
        mixed: Tensor = self.linear_out(heard.transpose(-3, -2).flatten(-2))
        return mixed

    def _by_head(self, hidden: Tensor) -> Tensor:
        """[..., T, D] -> [..., heads, T, D / heads]"""
        return hidden.view(*hidden.shape[:-1], self.heads, -1).transpose(-3, -2)


class TimeConvolution(nn.Module):
    """A gate, a convolution of each channel by itself, and a mixture of the channels."""

    def __init__(self, options: ConformerOptions) -> None:
        super().__init__()
        dim, kernel = options.dim, options.kernel
        self.pointwise_cov1 = nn.Conv1d(dim, 2 * dim, 1)
        self.depthwise_conv = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = nn.BatchNorm1d(dim)
        self.pointwise_cov2 = nn.Conv1d(dim, dim, 1)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        gated = glu(self.pointwise_cov1(hidden.transpose(1, 2)), dim=1)
        if mask is not None:
            gated = gated * mask[:, None]
        mixed: Tensor = self.pointwise_cov2(silu(self.norm(self.depthwise_conv(gated))))
        return mixed.transpose(1, 2)


def relative_positions(length: int, dim: int) -> Tensor:
    """Sines and cosines of the distances length - 1, ..., 0, ..., 1 - length from a key to a query. -> [2 T - 1, D]"""
    distances = torch.arange(length - 1, -length, -1, dtype=torch.float32)
    frequencies = torch.exp(torch.arange(0, dim, 2, dtype=torch.float32) * (-math.log(10000.0) / dim))
    angles = distances[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :dim]


def by_distance(scores: Tensor) -> Tensor:
    """Scores of each query at each distance, as in `relative_positions`, to those of its keys. [..., T, 2 T - 1] -> [..., T, T]

    Query i meets key j in column T - 1 - i + j: with one column more, rows of one less than that each begin a place earlier.
    """
    length = scores.shape[-2]
    flat = pad(scores, (0, 1)).flatten(-2)[..., length - 1 : -1]
    return flat.reshape(scores.shape)[..., :length]
