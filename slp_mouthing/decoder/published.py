"""What FaceFormer, SelfTalk and CodeTalker have in common: wav2vec2 before a decoder of vertices, and two data sets.

Modules keep the names of the published checkpoints. Letters in shapes: N samples at 16 kHz, T video frames, V vertices,
S memory vectors (one or two for each frame), C channels of the convolutional features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slp_mouthing.errors import MissingExtra

try:
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model
except ImportError as error:
    raise MissingExtra("transformers", "wav2vec2", why="a published speech-to-mesh network") from error

from torch import nn
from torch.nn.functional import interpolate, pad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    Weights = Mapping[str, Tensor]

FEATURE_HZ = 50.0
"""Of wav2vec2's convolutional features."""
_FEATURE_SAMPLES = 400
"""That one feature covers."""
_STRIDES = (5, 2, 2, 2, 2, 2, 2)
_HEAD_DIM = 64
"""Dimensions of an attention head in every published wav2vec2."""
_ENCODER = "audio_encoder."


@dataclass(frozen=True, slots=True)
class DataSet:
    """What a network was trained on, as far as inference must know."""

    name: str
    head: str
    """Whose vertices they are, for `FaceMotion`."""
    fps: float
    span: int
    """Memory vectors for each frame: features are interpolated to the frame rate, or used two by two."""
    subjects: tuple[str, ...]
    """Of the training set, in the order of their styles."""
    usual: str
    """The subject whose style the published demos take."""


VOCASET = DataSet(
    "VOCASET", "flame", 30.0, 1,
    ("FaceTalk_170728_03272_TA", "FaceTalk_170904_00128_TA", "FaceTalk_170725_00137_TA", "FaceTalk_170915_00223_TA",
     "FaceTalk_170811_03274_TA", "FaceTalk_170913_03279_TA", "FaceTalk_170904_03276_TA", "FaceTalk_170912_03278_TA"),
    "FaceTalk_170913_03279_TA",
)  # fmt: skip
BIWI = DataSet("BIWI", "biwi", 25.0, 2, ("F2", "F3", "F4", "M3", "M4", "M5"), "M3")


class PublishedNetwork(nn.Module, ABC):
    """wav2vec2 and what makes vertices of its memory."""

    TITLE: ClassVar[str]
    MARKS: ClassVar[tuple[str, ...]]
    """Weights of its checkpoints that together no other network has."""
    UNUSED: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of weights that only training needs."""
    PLACES: ClassVar[Mapping[str, str]] = {}
    """Beginnings of published names, and of ours where they differ."""

    data: DataSet
    styles: int
    """Subjects it knows; 0 when it makes no difference between them."""
    outputs: int
    """3 V."""

    def __init__(self, data: DataSet, audio_encoder: Wav2Vec2Model, styles: int, outputs: int) -> None:
        super().__init__()
        self.data, self.audio_encoder, self.styles, self.outputs = data, audio_encoder, styles, outputs

    @classmethod
    @abstractmethod
    def shaped_as(cls, weights: Weights) -> PublishedNetwork:
        """Of the size that weights have, by our names.

        Raises `KeyError`, `IndexError`, `ValueError` or `ZeroDivisionError` for those of another network.
        """

    @abstractmethod
    def forward(self, wave: Tensor, subject: int) -> Tensor:
        """Normalised sound [N] -> vertex offsets [T, 3 V] in the units of the data set."""


# ---- hearing ----------------------------------------------------------------------------------------------------------------
def hear(model: Wav2Vec2Model, wave: Tensor, data: DataSet) -> Tensor:
    """wav2vec2's last hidden states for the video frames: [N] -> [S, hidden].

    As published: at 30 fps the convolutional features are interpolated before they are projected, and a clip has
    int(features / 50 * 30) frames; at 25 fps an odd last feature is dropped. One frame at least.
    """
    features = model.feature_extractor(pad(wave, (0, max(_FEATURE_SAMPLES - len(wave), 0)))[None])  # [1, C, 50 Hz]
    length = features.shape[2]
    if data.span == 1:
        frames = max(int(length / FEATURE_HZ * data.fps), 1)
        features = interpolate(features, size=frames, mode="linear", align_corners=True)
    else:
        whole = max(length - length % data.span, data.span)
        features = pad(features, (0, max(whole - length, 0)), mode="replicate")[..., :whole]
    hidden = model.feature_projection(features.mT)[0]
    states: Tensor = model.encoder(hidden).last_hidden_state
    return states[0]


def encoder_shaped_as(weights: Weights) -> Wav2Vec2Model:
    """An untrained wav2vec2, base or large, of the size that `audio_encoder.*` has. Raises as `PublishedNetwork.shaped_as`."""
    found = {name.removeprefix(_ENCODER): weight for name, weight in weights.items() if name.startswith(_ENCODER)}
    convolutions = [found[f"feature_extractor.conv_layers.{k}.conv.weight"] for k in range(len(_STRIDES))]
    hidden = len(found["feature_projection.projection.bias"])
    positions = found["encoder.pos_conv_embed.conv.parametrizations.weight.original1"]  # [hidden, hidden / groups, taps]
    every_norm = "feature_extractor.conv_layers.1.layer_norm.weight" in found
    if hidden % _HEAD_DIM or not positions.shape[1]:
        raise ValueError(f"an encoder of {hidden} dimensions")
    config: dict[str, Any] = {
        "hidden_size": hidden,
        "num_hidden_layers": layer_count(found, "encoder.layers."),
        "num_attention_heads": hidden // _HEAD_DIM,
        "intermediate_size": len(found["encoder.layers.0.feed_forward.intermediate_dense.bias"]),
        "conv_dim": [len(weight) for weight in convolutions],
        "conv_kernel": [weight.shape[2] for weight in convolutions],
        "conv_stride": _STRIDES,
        "conv_bias": "feature_extractor.conv_layers.0.conv.bias" in found,
        # All published models with a norm after every convolution also have it before every attention.
        "feat_extract_norm": "layer" if every_norm else "group",
        "do_stable_layer_norm": every_norm,
        "num_conv_pos_embeddings": positions.shape[2],
        "num_conv_pos_embedding_groups": hidden // positions.shape[1],
        "mask_time_prob": 0.0,
        "mask_feature_prob": 0.0,
    }
    return Wav2Vec2Model(Wav2Vec2Config(**config))


def layer_count(names: Weights, prefix: str) -> int:
    """Layers that are numbered after `prefix`."""
    numbers = {
        int(number) for name in names if name.startswith(prefix) and (number := name[len(prefix) :].split(".")[0]).isdigit()
    }
    return max(numbers, default=-1) + 1


# ---- names ------------------------------------------------------------------------------------------------------------------
_SPELLINGS = {".weight_g": ".parametrizations.weight.original0", ".weight_v": ".parametrizations.weight.original1"}
"""Of a weight norm: before torch 2.1, and after."""


def own_weights(found: Weights, kind: type[PublishedNetwork]) -> dict[str, Tensor]:
    """A checkpoint's weights under the names that our modules have, without those that only training needs.

    Of tables of positions the part is kept that differs. Raises `IndexError` when they are no tables.
    """
    own: dict[str, Tensor] = {}
    for name, weight in found.items():
        if name.startswith((*kind.UNUSED, f"{_ENCODER}masked_spec_embed")):
            continue
        place = next((before for before in kind.PLACES if name.startswith(before)), "")
        ending = next((before for before in _SPELLINGS if name.endswith(before)), "")
        middle = name.removeprefix(place).removesuffix(ending)
        if name == "PPE.pe":
            weight = _one_period(weight)
        elif name.endswith("decoder_pos_embedding.pe"):
            weight = weight[:1]
        own[kind.PLACES.get(place, "") + middle + _SPELLINGS.get(ending, "")] = weight.float()
    return own


def _one_period(positions: Tensor) -> Tensor:
    """[1, frames, D] -> [1, period, D]"""
    rows = positions[0]
    again = torch.isclose(rows[1:], rows[:1], atol=1e-5).all(dim=1).nonzero()
    period = int(again[0]) + 1 if len(again) else len(rows)
    return positions[:, :period].clone()


def data_of_period(period: int) -> DataSet:
    """FaceFormer's positions repeat after a second. Raises `ValueError` when they do otherwise."""
    for data in (VOCASET, BIWI):
        if period == data.fps:
            return data
    raise ValueError(f"positions that repeat after {period} frames, expected 30 (VOCASET) or 25 (BIWI)")
