"""The gloss of the sign being made, and its mouthing, burnt into the frames."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.render.text import font, mouthing_label, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from slp_mouthing.types import MouthingPlan

    Pixels = NDArray[np.uint8]

GLOSS_SIZE, MOUTHING_SIZE = 0.062, 0.042
"""Height of the type over that of the frame."""
BOTTOM = 0.03
"""Space below the text, over the frame's height."""
VEIL = 0.45
"""Darkness behind the text, at its darkest."""


def captioned(frames: Iterable[Pixels], plan: MouthingPlan, fps: float) -> Iterator[Pixels]:
    """Frames [H, W, 3] of a track with the caption of their time."""
    for k, frame in enumerate(frames):
        gloss, mouthing = caption_at(plan, (k + 0.5) / fps)
        yield with_caption(frame, gloss, mouthing) if gloss or mouthing else frame


def caption_at(plan: MouthingPlan, time_s: float) -> tuple[str, str]:
    """Gloss of the sign and label of the mouth action at a time; empty where there is none."""
    gloss = next((sign.gloss for sign in plan.signs if sign.start_s <= time_s < sign.end_s), "")
    action = next((action for action in plan.actions if action.start_s <= time_s < action.end_s), None)
    return gloss, mouthing_label(action)


def with_caption(frame: Pixels, gloss: str, mouthing: str) -> Pixels:
    """A copy of the frame with the gloss and, smaller beneath it, the mouthing."""
    height, width = frame.shape[:2]
    letters, veil = _overlay(width, height, gloss, mouthing)
    top = height - len(veil)
    out = frame.copy()
    dark = out[top:] * (1 - veil)[:, :, None]
    out[top:] = np.uint8(dark + (255 - dark) * letters[:, :, None] + 0.5)
    return out


@lru_cache(maxsize=64)
def _overlay(width: int, height: int, gloss: str, mouthing: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage of the letters and darkness behind them in the lowest rows, [h, W] in [0, 1]."""
    from PIL import Image, ImageDraw

    gloss_px, mouthing_px, bottom = (max(6, round(height * share)) for share in (GLOSS_SIZE, MOUTHING_SIZE, BOTTOM))
    rows = min(height, round(1.35 * (gloss_px + mouthing_px)) + 2 * bottom)
    mask = Image.new("L", (width, rows))
    draw = ImageDraw.Draw(mask)
    base = rows - bottom
    draw.text((width / 2, base), shortened(mouthing, mouthing_px, 0.94 * width), 255, font(mouthing_px), anchor="md")
    base -= round(1.3 * mouthing_px)
    draw.text((width / 2, base), shortened(gloss, gloss_px, 0.94 * width), 255, font(gloss_px), anchor="md")
    ramp = np.linspace(0, 1, rows, dtype=np.float32)
    veil = np.broadcast_to(np.float32(VEIL) * (ramp * (2 - ramp))[:, None], (rows, width))
    return np.asarray(mask, np.float32) / np.float32(255), veil
