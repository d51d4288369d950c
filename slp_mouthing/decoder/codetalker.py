"""CodeTalker (Xing et al. 2023): wav2vec2, then an autoregressive decoder whose every frame is said in codes of a learned book.

The faces of the codes come from a transformer that sees the whole clip, and each frame is fed back as a face: with every new
frame all are made again, so that time grows with the square of the length. What can be kept is kept, and the vertices are made
once.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import nn

from slp_mouthing.decoder.autoregressive import PeriodicPositions
from slp_mouthing.decoder.clip_loop import ClipLoop, LoopWeights
from slp_mouthing.decoder.face_codes import FaceCodes
from slp_mouthing.decoder.light_weights import Named
from slp_mouthing.decoder.published import PublishedNetwork, data_of_period, encoder_shaped_as, hear, layer_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from transformers import Wav2Vec2Model

    from slp_mouthing.decoder.published import DataSet, Weights

_HEADS = 4


class CodeTalker(PublishedNetwork):
    """The released network of the second stage with the decoder of the first, for VOCASET or BIWI."""

    TITLE = "CodeTalker"
    MARKS = ("vertice_map.weight", "feat_map.weight", "learnable_style_emb.weight")
    UNUSED = ("autoencoder.encoder.",)
    PLACES: ClassVar[Mapping[str, str]] = {"autoencoder.decoder.": "codes.", "autoencoder.quantize.": "codes."}

    def __init__(
        self, data: DataSet, audio_encoder: Wav2Vec2Model, styles: int, codes: FaceCodes, dim: int, feed_forward: int, layers: int
    ) -> None:
        super().__init__(data, audio_encoder, styles, codes.vertice_map_reverse.out_features)
        self.audio_feature_map = nn.Linear(audio_encoder.config.hidden_size, dim)
        self.vertice_map = nn.Linear(self.outputs, dim)
        self.PPE = PeriodicPositions(dim, int(data.fps))
        self.transformer_decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(dim, _HEADS, feed_forward), layers)
        self.feat_map = nn.Linear(dim, codes.width, bias=False)
        self.learnable_style_emb = nn.Embedding(styles, dim)
        self.codes = codes

    @classmethod
    def shaped_as(cls, weights: Weights) -> CodeTalker:
        data = data_of_period(weights["PPE.pe"].shape[1])
        styles, dim = weights["learnable_style_emb.weight"].shape
        inner, layers = (
            len(weights["transformer_decoder.layers.0.linear1.bias"]),
            layer_count(weights, "transformer_decoder.layers."),
        )
        codes = FaceCodes.shaped_as(weights, len(weights["feat_map.weight"]))
        return cls(data, encoder_shaped_as(weights), styles, codes, dim, inner, layers)

    @cached_property
    def loop(self) -> LoopWeights:
        """Of the weights that it has when this is first asked for. What is fed back goes another way."""
        layers = {name: weight.cpu().numpy() for name, weight in self.transformer_decoder.state_dict().items()}
        positions = self.PPE.pe[0].cpu().numpy()
        nothing = np.zeros((positions.shape[1],) * 2, np.float32)
        named = Named(layers).under("layers.")
        return LoopWeights.of(named, len(self.transformer_decoder.layers), _HEADS, self.data.span, positions, nothing)

    @torch.no_grad()
    def forward(self, wave: Tensor, subject: int) -> Tensor:
        memory = self.audio_feature_map(hear(self.audio_encoder, wave, self.data))
        codes = self.say(memory, self.learnable_style_emb.weight[subject])
        motion: Tensor = self.codes.vertice_map_reverse(self.codes(codes))
        return motion

    def say(self, memory: Tensor, style: Tensor) -> Tensor:
        """Heard memory [S, D] and style [D] -> the codes of each frame, [T, codes * size]"""
        frames, span = len(memory) // self.data.span, self.data.span
        loop, heard = ClipLoop(self.loop, style.cpu().numpy()), memory.cpu().numpy()
        again, offset = self.feedback
        said = memory.new_empty(frames, self.codes.width)
        nothing, hidden = np.zeros((1, len(style)), np.float32), np.empty((1, len(style)), np.float32)
        for t in range(frames):
            loop.run(self.loop.hear(heard[t * span : (t + 1) * span]), nothing, hidden)
            said[t] = self.codes.nearest(self.feat_map(torch.from_numpy(hidden).to(memory)))
            if t + 1 < frames:
                loop.token[:] = (self.codes(said[: t + 1])[-1] @ again + offset + style).cpu().numpy()
        return said

    @cached_property
    def feedback(self) -> tuple[Tensor, Tensor]:
        """From a face before its vertices [W] to the next token [D]: a matrix [W, D] and an offset. As `loop`, of a moment."""
        into, out = self.vertice_map, self.codes.vertice_map_reverse
        offset = into.bias if out.bias is None else into(out.bias)
        return (into.weight @ out.weight).T, offset
