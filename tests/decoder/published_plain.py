"""Checkpoints of published networks in their layouts, tiny and random, and plain passes through them written from the facts.

Nothing here is of the package: what it reads and computes is held against this. Imports torch and transformers: ask for them
first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import gelu, interpolate, layer_norm, leaky_relu, pad
from transformers import Wav2Vec2Config, Wav2Vec2Model

BASE: dict[str, Any] = {"feat_extract_norm": "group", "conv_bias": False, "do_stable_layer_norm": False}
LARGE: dict[str, Any] = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}
TINY: dict[str, Any] = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": 40, "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
OLD_NAMES = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
HEADS, CODE_HEADS = 4, 8
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Published:
    """A checkpoint and the encoder whose weights are in it."""

    weights: Weights
    encoder: Wav2Vec2Model
    biwi: bool = False

    @property
    def per_frame(self) -> int:
        return 2 if self.biwi else 1


# ---- checkpoints --------------------------------------------------------------------------------------------------------------
def make_faceformer(
    vertices: int = 7, dim: int = 16, subjects: int = 8, *, biwi: bool = False, old_names: bool = False, **size: Any
) -> Published:
    torch.manual_seed(1)
    encoder, weights = _encoder({**TINY, **BASE, **size}, old_names)
    hidden, period = encoder.config.hidden_size, 25 if biwi else 30
    weights |= _linear("audio_feature_map", dim, hidden) | _linear("vertice_map", dim, 3 * vertices)
    weights |= _linear("vertice_map_r", 3 * vertices, dim) | {"obj_vector.weight": torch.randn(dim, subjects)}
    weights |= {"PPE.pe": _positions(dim, period)} | _decoder_layers(1, dim, 2 * dim)
    return Published(weights, encoder, biwi)


def make_selftalk(vertices: int = 7, dim: int = 16, *, biwi: bool = False, **size: Any) -> Published:
    torch.manual_seed(2)
    encoder, weights = _encoder({**TINY, **LARGE, **size}, old_names=False)
    hidden = encoder.config.hidden_size
    weights |= _linear("audio_feature_map", dim, 2 * hidden if biwi else hidden) | _decoder_layers(1, dim, 2 * dim)
    weights |= _linear("vertice_map_r", 3 * vertices, dim)
    weights |= _linear("lip_map", hidden, 12) | _linear("lm_head", 33, hidden) | _linear("transformer.encoder.norm", 8, 8)
    weights |= {f"text_encoder.wav2vec2.{name}": weight.clone() for name, weight in encoder.state_dict().items()}
    return Published(weights, encoder, biwi)


def make_codetalker(
    vertices: int = 7, dim: int = 16, parts: int = 4, size: int = 8, layers: int = 2, *, biwi: bool = False, **encoder_size: Any
) -> tuple[Published, Weights]:
    """The second stage, and the weights of the first; the codes' transformer is 32 wide."""
    torch.manual_seed(3)
    encoder, weights = _encoder({**TINY, **BASE, **encoder_size}, old_names=True)
    width = parts * size
    inner = width + 16 if biwi else width
    weights |= _linear("audio_feature_map", dim, encoder.config.hidden_size) | _linear("vertice_map", dim, 3 * vertices)
    weights |= {"PPE.pe": _positions(dim, 25 if biwi else 30)} | _decoder_layers(layers, dim, 2 * dim)
    weights |= {"feat_map.weight": torch.randn(width, dim) * 0.3, "learnable_style_emb.weight": torch.randn(8, dim)}
    first = {"quantize.embedding.weight": torch.randn(24, size) * 0.3} | _linear("encoder.vertice_mapping.0", inner, 3 * vertices)
    net = "decoder.decoder_transformer.net"
    for layer in range(layers):
        attention, feed = f"{net}.{2 * layer}.fn", f"{net}.{2 * layer + 1}.fn"
        first |= _norm(f"{attention}.norm", inner) | {f"{attention}.fn.to_qkv.weight": _random(3 * inner, inner)}
        first |= _linear(f"{attention}.fn.to_out", inner, inner) | _norm(f"{feed}.norm", inner)
        first |= _linear(f"{feed}.fn.l1", 24, inner) | _linear(f"{feed}.fn.l2", inner, 24)
    first |= {"decoder.expander.0.0.weight": _random(inner, inner, 5) / 2, "decoder.expander.0.0.bias": torch.randn(inner) * 0.1}
    first |= _linear("decoder.decoder_linear_embedding.net", inner, inner)
    first |= {"decoder.decoder_pos_embedding.pe": _positions(inner, 50, 50)[0][:, None]}
    first |= _linear("decoder.vertice_map_reverse", 3 * vertices, inner)
    if biwi:
        first |= _linear("decoder.decoder_linear_embedding_pre.net", inner, width)
        del first["decoder.vertice_map_reverse.bias"]
    return Published(weights, encoder, biwi), first


def _encoder(config: dict[str, Any], old_names: bool) -> tuple[Wav2Vec2Model, Weights]:
    model = Wav2Vec2Model(Wav2Vec2Config(**config)).eval()
    weights = {}
    for name, weight in model.state_dict().items():
        for new, old in OLD_NAMES.items() if old_names else ():
            name = name.replace(new, old)
        weights[f"audio_encoder.{name}"] = weight
    return model, weights


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape) / math.sqrt(shape[1])


def _linear(name: str, outputs: int, inputs: int) -> Weights:
    return {f"{name}.weight": _random(outputs, inputs), f"{name}.bias": torch.randn(outputs) * 0.1}


def _norm(name: str, dim: int) -> Weights:
    return {f"{name}.weight": 1 + 0.1 * torch.randn(dim), f"{name}.bias": torch.randn(dim) * 0.1}


def _decoder_layers(count: int, dim: int, inner: int) -> Weights:
    weights: Weights = {}
    for layer in (f"transformer_decoder.layers.{k}" for k in range(count)):
        for attention in ("self_attn", "multihead_attn"):
            projection = _linear("in_proj", 3 * dim, dim)
            weights |= {f"{layer}.{attention}.{name.replace('.', '_')}": weight for name, weight in projection.items()}
            weights |= _linear(f"{layer}.{attention}.out_proj", dim, dim)
        weights |= _linear(f"{layer}.linear1", inner, dim) | _linear(f"{layer}.linear2", dim, inner)
        for norm in ("norm1", "norm2", "norm3"):
            weights |= _norm(f"{layer}.{norm}", dim)
    return weights


def _positions(dim: int, period: int, frames: int = 600) -> torch.Tensor:
    """Sines in even places and cosines in odd ones, repeated until there is one period more than `frames`."""
    table = torch.zeros(period, dim)
    for place in range(0, dim, 2):
        rate = 10000.0 ** (-place / dim)
        for frame in range(period):
            table[frame, place], table[frame, place + 1] = math.sin(frame * rate), math.cos(frame * rate)
    return table.repeat(frames // period + 1, 1)[None]


# ---- plain passes -------------------------------------------------------------------------------------------------------------
def hear(published: Published, wave: torch.Tensor) -> torch.Tensor:
    """Last hidden states at the video rate, or at 50 Hz for BIWI: [N] -> [S, hidden]"""
    model = published.encoder
    features = model.feature_extractor(wave[None])
    count = features.shape[2]
    if published.biwi:
        features = features[..., : count - count % 2]
    else:
        features = interpolate(features, size=int(count / 50.0 * 30), mode="linear", align_corners=True)
    projection = model.feature_projection
    return model.encoder(projection.projection(projection.layer_norm(features.mT))).last_hidden_state[0]


def faceformer(published: Published, wave: torch.Tensor, subject: int) -> torch.Tensor:
    """The whole past through the layer and the vertices, at every frame: -> [T, 3 V]"""
    w = published.weights
    memory = _apply(w, "audio_feature_map", hear(published, wave))
    style = w["obj_vector.weight"][:, subject]
    tokens = style[None]
    for _ in range(len(memory) // published.per_frame):
        motion = _apply(w, "vertice_map_r", _run_layers(published, tokens, memory))
        tokens = torch.cat([tokens, _apply(w, "vertice_map", motion[-1:]) + style])
    return motion


def selftalk(published: Published, wave: torch.Tensor) -> torch.Tensor:
    w = published.weights
    states = torch.cat([hear(published, piece) for piece in torch.split(wave, 30 * 16000)])
    if published.biwi:
        states = states.reshape(len(states) // 2, -1)
    memory = _apply(w, "audio_feature_map", states)
    return _apply(w, "vertice_map_r", _layer(w, "transformer_decoder.layers.0", memory, memory, torch.zeros(1), torch.zeros(1)))


def codetalker(published: Published, first: Weights, wave: torch.Tensor, subject: int) -> torch.Tensor:
    """Every frame anew: the past through the layers, the nearest codes, all faces of them, and the last one back."""
    w = published.weights
    memory = _apply(w, "audio_feature_map", hear(published, wave))
    style = w["learnable_style_emb.weight"][subject]
    book, tokens = first["quantize.embedding.weight"], style[None]
    for t in range(len(memory) // published.per_frame):
        features = _run_layers(published, tokens, memory) @ w["feat_map.weight"].T
        parts = features.reshape(-1, book.shape[1])
        codes = book[torch.cdist(parts, book).argmin(dim=1)].reshape(features.shape)
        motion = _faces(first, codes.repeat(2, 1) if t == 0 else codes)[: t + 1]
        tokens = torch.cat([tokens, _apply(w, "vertice_map", motion[-1:]) + style])
    return motion


def _faces(first: Weights, codes: torch.Tensor) -> torch.Tensor:
    x, w = codes, {name.removeprefix("decoder."): weight for name, weight in first.items()}
    if "decoder_linear_embedding_pre.net.weight" in w:
        x = _apply(w, "decoder_linear_embedding_pre.net", x)
    x = torch.conv1d(pad(x.T[None], (2, 2), mode="replicate"), w["expander.0.0.weight"], w["expander.0.0.bias"])[0]
    x = leaky_relu(x, 0.2)
    x = ((x - x.mean(dim=1, keepdim=True)) / torch.sqrt(x.var(dim=1, correction=0, keepdim=True) + 1e-5)).T
    x = _apply(w, "decoder_linear_embedding.net", x) + w["decoder_pos_embedding.pe"][0]
    blocks = {name.split(".fn.")[0] for name in w if name.startswith("decoder_transformer.net.")}
    for name in (f"decoder_transformer.net.{k}" for k in range(len(blocks))):
        normed = layer_norm(x, x.shape[1:], w[f"{name}.fn.norm.weight"], w[f"{name}.fn.norm.bias"])
        if f"{name}.fn.fn.l1.weight" in w:
            x = x + _apply(w, f"{name}.fn.fn.l2", gelu(_apply(w, f"{name}.fn.fn.l1", normed), approximate="tanh"))
            continue
        heads = (normed @ w[f"{name}.fn.fn.to_qkv.weight"].T).chunk(3, dim=1)
        q, k, v = (part.reshape(len(x), CODE_HEADS, -1).transpose(0, 1) for part in heads)
        mixed = (q @ k.mT * x.shape[1] ** -0.5).softmax(dim=-1) @ v
        x = x + _apply(w, f"{name}.fn.fn.to_out", mixed.transpose(0, 1).reshape(x.shape))
    return x @ w["vertice_map_reverse.weight"].T + w.get("vertice_map_reverse.bias", torch.zeros(1))


def _run_layers(published: Published, tokens: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
    frames, period = torch.arange(len(tokens)), 25 if published.biwi else 30
    distance = frames[:, None] - frames
    slopes = torch.tensor([1 / 4, 1 / 16, 1 / 64, 1 / 256])
    bias = -slopes[:, None, None] * (distance // period) + torch.where(distance < 0, -math.inf, 0.0)
    own = torch.arange(len(memory)) // published.per_frame == frames[:, None]
    x = tokens + published.weights["PPE.pe"][0, frames % period]
    layers = sum(name.endswith(".linear1.weight") for name in published.weights)
    for layer in (f"transformer_decoder.layers.{k}" for k in range(layers)):
        x = _layer(published.weights, layer, x, memory, bias, torch.where(own, 0.0, -math.inf))
    return x


def _layer(
    w: Weights, name: str, x: torch.Tensor, memory: torch.Tensor, bias: torch.Tensor, alignment: torch.Tensor
) -> torch.Tensor:  # fmt: skip
    for k, attention, seen, shift in ((1, "self_attn", x, bias), (2, "multihead_attn", memory, alignment)):
        x = _normed(w, f"{name}.norm{k}", x + _attend(w, f"{name}.{attention}", x, seen, shift))
    return _normed(w, f"{name}.norm3", x + _apply(w, f"{name}.linear2", _apply(w, f"{name}.linear1", x).relu()))


def _attend(w: Weights, name: str, x: torch.Tensor, seen: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    weights, biases = w[f"{name}.in_proj_weight"].chunk(3), w[f"{name}.in_proj_bias"].chunk(3)
    q, k, v = (
        (source @ weight.T + bias).reshape(len(source), HEADS, -1).transpose(0, 1)
        for source, weight, bias in zip((x, seen, seen), weights, biases, strict=True)
    )
    mixed = (q @ k.mT / math.sqrt(q.shape[-1]) + shift).softmax(dim=-1) @ v
    return _apply(w, f"{name}.out_proj", mixed.transpose(0, 1).reshape(x.shape))


def _normed(w: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    return layer_norm(x, x.shape[1:], w[f"{name}.weight"], w[f"{name}.bias"])


def _apply(w: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]
