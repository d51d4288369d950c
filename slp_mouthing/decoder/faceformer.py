"""FaceFormer (Fan et al. 2022): wav2vec2, then the autoregressive decoder, with a learned style for each training subject."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from slp_mouthing.decoder.autoregressive import AutoregressiveDecoder, OneHotStyle
from slp_mouthing.decoder.generate import FoldedDecoder
from slp_mouthing.decoder.options import DecoderOptions
from slp_mouthing.decoder.published import PublishedNetwork, data_of_period, encoder_shaped_as, hear, layer_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from transformers import Wav2Vec2Model

    from slp_mouthing.decoder.published import DataSet, Weights

_HEADS = 4


class FaceFormer(PublishedNetwork):
    """The released network, for VOCASET or BIWI."""

    TITLE = "FaceFormer"
    MARKS = ("vertice_map.weight", "vertice_map_r.weight", "obj_vector.weight")
    PLACES: ClassVar[Mapping[str, str]] = {
        "obj_vector.": "style.obj_vector.",
        **{f"{part}.": f"decoder.{part}." for part in (
            "audio_feature_map", "vertice_map", "vertice_map_r", "PPE", "transformer_decoder",
        )},
    }  # fmt: skip

    def __init__(self, options: DecoderOptions, data: DataSet, audio_encoder: Wav2Vec2Model, styles: int) -> None:
        super().__init__(data, audio_encoder, styles, options.outputs)
        self.decoder = AutoregressiveDecoder(options)
        self.style = OneHotStyle(styles, options.model_dim)

    @classmethod
    def shaped_as(cls, weights: Weights) -> FaceFormer:
        data = data_of_period(weights["decoder.PPE.pe"].shape[1])
        dim, memory_dim = weights["decoder.audio_feature_map.weight"].shape
        options = DecoderOptions(
            outputs=len(weights["decoder.vertice_map_r.bias"]), memory_dim=memory_dim, model_dim=dim, heads=_HEADS,
            feed_forward=len(weights["decoder.transformer_decoder.layers.0.linear1.bias"]),
            layers=layer_count(weights, "decoder.transformer_decoder.layers."), period=int(data.fps), dropout=0.1, span=data.span,
        )  # fmt: skip
        return cls(options, data, encoder_shaped_as(weights), weights["style.obj_vector.weight"].shape[1])

    @cached_property
    def folded(self) -> FoldedDecoder:
        """Of the weights that it has when this is first asked for."""
        return FoldedDecoder(self.decoder)

    def forward(self, wave: Tensor, subject: int) -> Tensor:
        memory = hear(self.audio_encoder, wave, self.data)
        style = self.style.obj_vector.weight[:, subject]
        return self.folded.begin(style[None]).push(memory[None])[0]
