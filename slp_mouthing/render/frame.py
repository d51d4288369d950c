# mypy: allow-untyped-defs, no-check-untyped-defs
"""From premultiplied colours to the bytes of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.jit import F1, F2, F3, ArrayType, kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.types import Array

OUT_U3 = ArrayType("uint8", 3, mutable=True)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A vertical gradient behind the head, in display colours."""

    top: tuple[float, float, float] = (0.800, 0.822, 0.848)
    bottom: tuple[float, float, float] = (0.640, 0.662, 0.690)

    def rows(self, height: int) -> Array:  # [H, 3]
        share = np.linspace(0, 1, height, dtype=np.float32)[:, None]
        return np.asarray(self.top, np.float32) * (1 - share) + np.asarray(self.bottom, np.float32) * share


# A fixed 4 x 4 pattern: it breaks the gradient's bands, and does not flicker as noise would.
_BAYER = (np.array([0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5], np.float32) + np.float32(0.5)) / 16


def finish(image: Array, alpha: Array, backdrop: Array) -> NDArray[np.uint8]:
    """Premultiplied [H, W, 3], alpha [H, W] over rows [H, 3] -> bytes [H, W, 3]."""
    out = np.empty(image.shape, np.uint8)
    to_bytes(image, alpha, backdrop, _BAYER, out)
    return out


@kernel(F3, F2, F2, F1, OUT_U3)
def to_bytes(image, alpha, backdrop, dither, out):
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            behind = np.float32(1) - alpha[y, x]
            noise = dither[(y & 3) * 4 + (x & 3)]
            for k in range(3):
                value = (image[y, x, k] + behind * backdrop[y, k]) * np.float32(255) + noise
                out[y, x, k] = np.uint8(max(np.float32(0), min(np.float32(255), value)))
