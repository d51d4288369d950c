"""CodeTalker's learned book of facial motion: codes to faces, through a transformer that sees all frames.

The parameters have the names that they have in its checkpoints. Letters: T frames, P codes of a frame, Z size of a code,
W width of the transformer, V vertices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import gelu, instance_norm, leaky_relu, pad

from slp_mouthing.decoder.published import layer_count

if TYPE_CHECKING:
    from torch import Tensor

    from slp_mouthing.decoder.published import Weights

_HEADS = 8
_KERNEL = 5
_SLOPE = 0.2
"""Of the leaky ReLU."""
_PREFIX = "codes."


class FaceCodes(nn.Module):
    """Codes [T, P Z] to faces before their vertices, [T, W]; `vertice_map_reverse` makes vertices of them."""

    def __init__(self, book: tuple[int, int], width: int, dim: int, feed_forward: int, layers: int, last: nn.Linear) -> None:
        """`book`: number of codes and their size; `width`: P Z; `dim`: W."""
        super().__init__()
        self.width = width
        self.embedding = nn.Embedding(*book)
        # Where the codes are not as wide as the transformer there is a layer before it.
        self.decoder_linear_embedding_pre = None if width == dim else _Net(width, dim)
        self.expander = nn.ModuleList([nn.ModuleList([nn.Conv1d(dim, dim, _KERNEL)])])
        self.decoder_linear_embedding = _Net(dim, dim)
        self.decoder_pos_embedding = _FirstPosition(dim)
        blocks = [block for _ in range(layers) for block in (_attention(dim), _feed_forward(dim, feed_forward))]
        self.decoder_transformer = nn.ModuleDict({"net": nn.ModuleList(blocks)})
        self.vertice_map_reverse = last

    @staticmethod
    def shaped_as(weights: Weights, width: int) -> FaceCodes:
        found = {name.removeprefix(_PREFIX): weight for name, weight in weights.items() if name.startswith(_PREFIX)}
        book, dim = found["embedding.weight"].shape, len(found["decoder_linear_embedding.net.bias"])
        inner, blocks = len(found["decoder_transformer.net.1.fn.fn.l1.bias"]), layer_count(found, "decoder_transformer.net.")
        last = nn.Linear(dim, len(found["vertice_map_reverse.weight"]), bias="vertice_map_reverse.bias" in found)
        return FaceCodes((book[0], book[1]), width, dim, inner, blocks // 2, last)

    def nearest(self, features: Tensor) -> Tensor:
        """Each part of a feature becomes the code that is nearest to it. [T, P Z] -> [T, P Z]"""
        book = self.embedding.weight
        parts = features.reshape(-1, book.shape[1])
        distances = book.square().sum(dim=1) - 2.0 * parts @ book.T
        chosen: Tensor = book[distances.argmin(dim=1)]
        return chosen.reshape(features.shape)

    def forward(self, codes: Tensor) -> Tensor:  # [T, P Z] -> [T, W]
        if len(codes) == 1:
            first: Tensor = self(codes.expand(2, -1))  # As released: a norm over time needs two frames.
            return first[:1]
        x: Tensor = codes if self.decoder_linear_embedding_pre is None else self.decoder_linear_embedding_pre(codes)
        convolution: Any = self.expander[0][0]  # type: ignore[index]
        x = leaky_relu(convolution(pad(x.T[None], (_KERNEL // 2, _KERNEL // 2), mode="replicate")), _SLOPE)
        x = self.decoder_pos_embedding(self.decoder_linear_embedding(instance_norm(x)[0].T))
        net: Any = self.decoder_transformer["net"]
        for block in net:
            parts = block["fn"]["fn"]
            layer = _attend if "to_qkv" in parts else _feed
            x = x + layer(parts, block["fn"]["norm"](x))
        return x


class _Net(nn.Module):
    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.net = nn.Linear(width, dim)

    def forward(self, x: Tensor) -> Tensor:
        embedded: Tensor = self.net(x)
        return embedded


class _FirstPosition(nn.Module):
    """The released code counts positions along the batch, so that all frames of a clip have the first one."""

    pe: Tensor  # [1, 1, W]

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("pe", torch.zeros(1, 1, dim))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pe[0]


def _attention(dim: int) -> nn.ModuleDict:
    return _block(dim, to_qkv=nn.Linear(dim, 3 * dim, bias=False), to_out=nn.Linear(dim, dim))


def _feed_forward(dim: int, inner: int) -> nn.ModuleDict:
    return _block(dim, l1=nn.Linear(dim, inner), l2=nn.Linear(inner, dim))


def _block(dim: int, **parts: nn.Module) -> nn.ModuleDict:
    return nn.ModuleDict({"fn": nn.ModuleDict({"norm": nn.LayerNorm(dim), "fn": nn.ModuleDict(parts)})})


def _attend(parts: nn.ModuleDict, x: Tensor) -> Tensor:  # [T, W] -> [T, W]
    q, k, v = parts["to_qkv"](x).reshape(len(x), 3, _HEADS, -1).permute(1, 2, 0, 3)
    # As released: scaled by the whole width, not by a head's.
    attended = nn.functional.scaled_dot_product_attention(q, k, v, scale=x.shape[1] ** -0.5)
    out: Tensor = parts["to_out"](attended.transpose(0, 1).flatten(1))
    return out


def _feed(parts: nn.ModuleDict, x: Tensor) -> Tensor:  # [T, W] -> [T, W]
    out: Tensor = parts["l2"](gelu(parts["l1"](x), approximate="tanh"))
    return out
