"""What an autoregressive decoder takes for its past while it learns.

Teacher forcing, as in the paper, gives it the true one; running free it has its own, and its errors with it. Scheduled sampling
mixes the two; a rolled past is the network's own free run, from which it learns to come back to the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from slp_mouthing.decoder.network import MouthingNetwork
    from slp_mouthing.training.batches import MotionBatch


@dataclass(frozen=True, slots=True)
class Forcing:
    """A `loop.Forward` for any network of ours; those without a decoder have no past. All 0: teacher forcing."""

    sampled: float = 0.0
    """Share of the past's frames that are the network's own at the end of the run, and none at its beginning: scheduled sampling
    in two passes (Mihaylova & Martins 2019)."""
    rolled: float = 0.0
    """Share of the batches whose whole past is the network's own free run."""

    def __post_init__(self) -> None:
        for name in ("sampled", "rolled"):
            if not 0.0 <= (value := getattr(self, name)) <= 1.0:
                raise InputError(f"{name} is {value:g}, allowed: 0 to 1")

    def __call__(self, network: MouthingNetwork, batch: MotionBatch, progress: float) -> Tensor:  # [B, T, K]
        speaker = speakers(network, batch)
        if network.decoder is None:
            motion: Tensor = network(batch.speech, speaker)
        else:
            motion = network(batch.speech, speaker, self._past(network, batch, speaker, progress))
        return motion

    def _past(self, network: MouthingNetwork, batch: MotionBatch, speaker: Tensor | None, progress: float) -> Tensor:
        rolled = float(torch.rand(())) < self.rolled
        if not rolled and not self.sampled * progress:
            return batch.motion
        # What was left out of the speech by chance is left out again when it comes to learning.
        with torch.no_grad(), torch.random.fork_rng():
            own: Tensor = network(batch.speech, speaker, None if rolled else batch.motion)
        if rolled:
            return own
        chosen = torch.rand(own.shape[:2], device=own.device) < self.sampled * progress
        return torch.where(chosen[..., None], own, batch.motion)


def speakers(network: MouthingNetwork, batch: MotionBatch) -> Tensor | None:
    """Who speaks, as the network asks for it: neutral meshes [B, V, 3], or styles [B, 3]."""
    return batch.neutral if network.options.vertices else batch.style
