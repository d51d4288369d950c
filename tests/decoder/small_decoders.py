"""Small autoregressive decoders with random weights. Imports torch: ask for it first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from slp_mouthing.decoder.autoregressive import AutoregressiveDecoder
from slp_mouthing.decoder.options import DecoderOptions

SMALL = DecoderOptions(outputs=9, memory_dim=12, model_dim=32, heads=4, feed_forward=24, period=5, dropout=0.0)


def make_decoder(**changes: Any) -> AutoregressiveDecoder:
    """`SMALL` with changes; the last layer, which begins at zero, says something."""
    torch.manual_seed(0)
    decoder = AutoregressiveDecoder(replace(SMALL, **changes)).eval()
    torch.nn.init.normal_(decoder.vertice_map_r.weight, std=0.2)
    torch.nn.init.normal_(decoder.vertice_map_r.bias, std=0.2)
    return decoder
