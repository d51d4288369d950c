"""The autoregressive decoder (FaceFormer; VisualSpeaker section 3.3): a frame from the frames before it and what is heard.

Parameters are named as FaceFormer's are. Letters in shapes: B clips, T video frames, K outputs, D decoder dimension, H heads,
M memory dimension, S memory vectors (`span` for each frame).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slp_mouthing.decoder.options import DecoderOptions, head_slopes
from slp_mouthing.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the autoregressive decoder") from error

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class AutoregressiveDecoder(nn.Module):
    """Memory to motion, frame after frame. What it gives is linear in its last layer: bounds and gates belong after it."""

    def __init__(self, options: DecoderOptions | None = None) -> None:
        super().__init__()
        self.options = options = options or DecoderOptions()
        self.audio_feature_map = nn.Linear(options.memory_dim, options.model_dim)
        self.vertice_map = nn.Linear(options.outputs, options.model_dim)
        self.PPE = PeriodicPositions(options.model_dim, options.period, options.dropout)
        layer = nn.TransformerDecoderLayer(
            options.model_dim, options.heads, options.feed_forward, options.dropout, batch_first=True
        )
        self.transformer_decoder = nn.TransformerDecoder(layer, options.layers)
        self.vertice_map_r = nn.Linear(options.model_dim, options.outputs)
        nn.init.zeros_(self.vertice_map_r.weight)
        nn.init.zeros_(self.vertice_map_r.bias)
        self.draft_map = nn.Linear(options.outputs, options.model_dim) if options.draft else None

    def forward(self, past: Tensor, memory: Tensor, style: Tensor, draft: Tensor | None = None) -> Tensor:
        """Teacher forcing: each frame from the true ones before it. -> [B, T, K]

        Args:
            past: [B, T, K] the true motion; it is shifted here, so that frame t sees frames 0 to t - 1.
            memory: [B, S, M] from the encoder.
            style: [B, D] embedding of the speaker, see `OneHotStyle` and `StyleFromMesh`.
            draft: [B, T, K] the other head's suggestion, where the options ask for one.
        """
        tokens = torch.cat([style[:, None], self.vertice_map(past[:, :-1]) + style[:, None]], dim=1)
        return self.say(self.run(tokens, self.hear(memory, draft)), draft)

    @torch.no_grad()
    def generate(self, memory: Tensor, style: Tensor, lengths: Tensor | None = None, draft: Tensor | None = None) -> Tensor:
        """Free-running: each frame from those predicted before it. -> [B, T, K], zero beyond `lengths` [B]

        See `generate.rollout`; no gradients, and no dropout.
        """
        from slp_mouthing.decoder.generate import rollout

        return rollout(self, memory, style, lengths, draft)

    def hear(self, memory: Tensor, draft: Tensor | None = None) -> Tensor:
        """Memory as the decoder's layers see it, [B, S, D]."""
        heard: Tensor = self.audio_feature_map(memory)
        if self.draft_map is None:
            return heard
        if draft is None:
            raise ValueError("this decoder corrects a draft, and was given none")
        suggested: Tensor = self.draft_map(draft)
        return heard + suggested.repeat_interleave(self.options.span, dim=1)

    def run(self, tokens: Tensor, heard: Tensor) -> Tensor:
        """Embedded past [B, T, D] and heard memory [B, S, D] through the layers, [B, T, D]."""
        B, T, _ = tokens.shape
        bias = temporal_bias(self.options.heads, T, self.options.period).to(tokens)
        mask = alignment_mask(T, heard.shape[1], self.options.span).to(tokens.device)
        x: Tensor = self.transformer_decoder(self.PPE(tokens), heard, tgt_mask=bias.repeat(B, 1, 1), memory_mask=mask)
        return x

    def say(self, hidden: Tensor, draft: Tensor | None = None) -> Tensor:
        """What comes out of the layers as motion, [B, T, K]."""
        motion: Tensor = self.vertice_map_r(hidden)
        return motion if self.draft_map is None or draft is None else motion + draft


class PeriodicPositions(nn.Module):
    """Sines and cosines that repeat after `period` frames, so that no length is unheard of."""

    pe: Tensor  # [1, period, D]

    def __init__(self, dim: int, period: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        rates = torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
        angles = torch.arange(period)[:, None] * rates
        self.register_buffer("pe", torch.stack([angles.sin(), angles.cos()], dim=-1).reshape(1, period, dim))

    def forward(self, tokens: Tensor) -> Tensor:  # [B, T, D]
        frames = torch.arange(tokens.shape[1], device=tokens.device) % self.pe.shape[1]
        placed: Tensor = self.dropout(tokens + self.pe[:, frames])
        return placed


def temporal_bias(heads: int, frames: int, period: int) -> Tensor:
    """What a frame's attention to an earlier one loses for its distance, in steps of a period; -inf for later ones. [H, T, T]"""
    distance = torch.arange(frames)[:, None] - torch.arange(frames)
    steps = distance.div(period, rounding_mode="floor")
    bias = -torch.tensor(head_slopes(heads))[:, None, None] * steps
    return bias.masked_fill(distance < 0, -math.inf)


def alignment_mask(frames: int, memories: int, span: int) -> Tensor:
    """True where a frame must not look: at memory other than its own. [T, S]"""
    return torch.arange(memories) // span != torch.arange(frames)[:, None]


# ---- who speaks -------------------------------------------------------------------------------------------------------------
class OneHotStyle(nn.Module):
    """FaceFormer's: a learned vector for each speaker of the training set."""

    def __init__(self, subjects: int, dim: int = 64) -> None:
        super().__init__()
        self.obj_vector = nn.Linear(subjects, dim, bias=False)

    def forward(self, weights: Tensor) -> Tensor:  # [B, subjects] one 1 each, or a mixture -> [B, D]
        style: Tensor = self.obj_vector(weights)
        return style


class StyleFromMesh(nn.Module):
    """VisualSpeaker's: a linear view of the neutral mesh, so that any person has a style."""

    def __init__(self, vertices: int, dim: int = 64) -> None:
        super().__init__()
        self.obj_vector = nn.Linear(3 * vertices, dim)

    def forward(self, neutral_m: Tensor) -> Tensor:  # [B, V, 3] -> [B, D]
        style: Tensor = self.obj_vector(neutral_m.flatten(1))
        return style
