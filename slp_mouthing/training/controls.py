"""Channels as controls and as vertices, with gradients: `articulation.compose` again, for losses that see the face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from slp_mouthing.articulation import CHANNELS, compose
from slp_mouthing.types import CONTROL_NAMES

if TYPE_CHECKING:
    from torch import Tensor

    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array

_SHUT_JAW, _BITE_JAW = 0.12, 0.11
"""As the rule driver has them; the tests hold both together."""
_PRESSED = {"mouthPress": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.2}
_BITTEN = {"mouthRollLower": 0.6, "mouthUpperUp": 0.25}


def composed(channels: Tensor) -> Tensor:
    """`articulation.compose` in torch. [..., H] -> [..., C]"""
    of = dict(zip(CHANNELS, channels.unbind(-1), strict=True))
    shut, bite, present = of["lipsShut"], of["lipOnTeeth"], of["presence"]
    apart = (1.0 - shut) * (1.0 - bite)
    jaw = of["jawOpen"] + bite * (_BITE_JAW - of["jawOpen"])
    jaw = jaw + shut * (jaw.clamp(max=_SHUT_JAW) - jaw)
    curves = {"jawOpen": jaw, "mouthClose": jaw * shut}
    curves |= {name: of[name] * apart for name in ("mouthFunnel", "mouthLowerDown", "mouthUpperUp", "tongueOut")}
    curves["mouthPucker"] = of["mouthPucker"] * (1.0 - 0.6 * shut) * (1.0 - 0.7 * bite)
    curves |= {name: of[name] * (1.0 - 0.5 * shut) for name in ("mouthStretch", "mouthSmile")}
    curves |= {name: of[name] for name in ("tongueUp", "tongueTipUp", "tongueBack", "tongueWide")}
    for weights, contact in ((_PRESSED, shut), (_BITTEN, bite)):
        for name, weight in weights.items():
            curves[name] = curves.get(name, 0.0) + weight * contact
    rest = torch.zeros_like(shut)
    columns = [curves.get(name.removesuffix("Left").removesuffix("Right"), rest) for name in CONTROL_NAMES]
    return present[..., None] * torch.stack(columns, dim=-1)


def control_basis(head: Head) -> Array:
    """What each control does to the head's vertices, to first order: controls times it are offsets. -> [C, V * 3] m"""
    moved = [name for name, used in zip(CONTROL_NAMES, _used(), strict=True) if used]
    basis = np.zeros((len(CONTROL_NAMES), 3 * len(head.neutral_m)), np.float32)
    for name in moved:
        basis[CONTROL_NAMES.index(name)] = head.target(name).ravel()
    return basis


def _used() -> list[bool]:
    """Which controls any channels move."""
    some = np.concatenate([np.eye(len(CHANNELS)), np.full((1, len(CHANNELS)), 0.5)])
    some[:, -1] = 1.0
    return np.any(compose(some), axis=0).tolist()  # type: ignore[no-any-return]
