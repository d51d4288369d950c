"""SelfTalk (Peng et al. 2023): wav2vec2, then one transformer layer over the whole clip. No past, no style, no masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from slp_mouthing.decoder.features import SAMPLE_RATE_HZ
from slp_mouthing.decoder.published import BIWI, VOCASET, PublishedNetwork, encoder_shaped_as, hear, layer_count

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Wav2Vec2Model

    from slp_mouthing.decoder.published import DataSet, Weights

_HEADS = 4
_PIECE = 30 * SAMPLE_RATE_HZ
"""Samples that its encoder hears at a time, as released: longer sound is cut."""


class SelfTalk(PublishedNetwork):
    """The released network, for VOCASET or BIWI, without what trains it: the lip reader and the text encoder."""

    TITLE = "SelfTalk"
    MARKS = ("lip_map.weight", "vertice_map_r.weight", "lm_head.weight")
    UNUSED = ("text_encoder.", "lip_map.", "transformer.", "lm_head.")

    def __init__(
        self, data: DataSet, audio_encoder: Wav2Vec2Model, dim: int, feed_forward: int, layers: int, outputs: int
    ) -> None:
        super().__init__(data, audio_encoder, 0, outputs)
        self.audio_feature_map = nn.Linear(data.span * audio_encoder.config.hidden_size, dim)
        layer = nn.TransformerDecoderLayer(dim, _HEADS, feed_forward, batch_first=True)
        self.transformer_decoder = nn.TransformerDecoder(layer, layers)
        self.vertice_map_r = nn.Linear(dim, outputs)

    @classmethod
    def shaped_as(cls, weights: Weights) -> SelfTalk:
        encoder = encoder_shaped_as(weights)
        dim, heard = weights["audio_feature_map.weight"].shape
        data = BIWI if heard == BIWI.span * encoder.config.hidden_size else VOCASET
        inner, layers = (
            len(weights["transformer_decoder.layers.0.linear1.bias"]),
            layer_count(weights, "transformer_decoder.layers."),
        )
        return cls(data, encoder, dim, inner, layers, len(weights["vertice_map_r.bias"]))

    def forward(self, wave: Tensor, subject: int) -> Tensor:
        states = torch.cat([hear(self.audio_encoder, piece, self.data) for piece in torch.split(wave, _PIECE)])
        memory = self.audio_feature_map(states.reshape(-1, self.audio_feature_map.in_features))[None]
        motion: Tensor = self.vertice_map_r(self.transformer_decoder(memory, memory))
        return motion[0]
