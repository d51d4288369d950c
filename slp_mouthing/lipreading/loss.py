"""The lip-reading loss of VisualSpeaker: how differently two videos of a mouth are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the lip-reading loss") from error

from torch.nn.functional import cosine_similarity

if TYPE_CHECKING:
    from torch import Tensor


def lip_reading_loss(predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """One minus the cosine similarity of a lip reader's features (equation 5), in [0, 2].

    Args:
        predicted: [B, T, D] or [T, D] of the rendered motion.
        target: the same of the true frames; its gradient is stopped, and it may be computed beforehand.
        mask: [B, T] or [T], true on frames that count; None for all.

    The paper compares frame by frame (its section 3.2) and leaves open how frames are put together: here by their mean, so that
    the loss of a clip does not depend on its length.
    """
    apart = 1.0 - cosine_similarity(predicted, target.detach(), dim=-1)
    if mask is None:
        return apart.mean()
    # Frames beyond a clip's end may hold anything.
    return torch.where(mask, apart, 0.0).sum() / mask.sum().clamp(min=1)
