"""Contact sheets to judge mouth gestures and signed sentences by.

    python benchmarks/gesture_sheets.py [-o DIR] [--only puffed-cheeks,th] [--size 256] [--sentences 10]

Writes DIR/gestures-1.png, ...: a row for each gesture at its hold, seen from the front, the mouth near by from two sides, in
three quarters and in profile; a repeated gesture has its other pose in the fourth place. Writes DIR/NAME.sheet.png for each
sentence of `SENTENCES`: the key frames of every sign.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

import slp_mouthing as mouth
from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.mouthing.gestures import GESTURES
from slp_mouthing.render.camera import mouth as near
from slp_mouthing.render.camera import portrait, profile, three_quarter
from slp_mouthing.render.scene import make_renderer
from slp_mouthing.render.text import font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slp_mouthing.head.rig import Head
    from slp_mouthing.render.scene import SceneRenderer
    from slp_mouthing.types import MouthGesture

SENTENCES = {
    "why-late": "YOU LATE WHY",
    "because-bus": "BUS BROKEN BECAUSE SNOW",
    "my-family": "MY FAMILY LIVE MANCHESTER",
    "name": "MY NAME FS:PETER(P-E-T-E-R) WHAT YOUR NAME",
    "not-yet": "GOVERNMENT{government} NOT-YET DECIDE",
    "holiday": "⌘holiday(GO HOLIDAY) NEXT-WEEK ?",
    "king-queen": "KING QUEEN NEPHEW NIECE",
    "effort": "BOX HEAVY{%puffed-cheeks} LIFT{%blow} FINISH",
    "thin-stick": "STICK THIN{%sucked-cheeks} BREAK{%pah}",
    "deny": "COFFEE ME NEVER DRINK TEA LIKE",
}
"""Gloss text of ten sentences: questions, negation, a topic, names, one mouthing over two signs, mouth gestures among words."""

ROWS_A_PAGE = 9
LABEL_PX = 22
HOLD_S = 1.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("sheets"))
    parser.add_argument("--only", default=",".join(GESTURES), help="gestures, separated by commas")
    parser.add_argument("--size", type=int, default=256, help="of a still, pixels")
    parser.add_argument("--sentences", type=int, default=len(SENTENCES), help="how many of them")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    studio = mouth.Studio()
    if names := list(filter(None, options.only.split(","))):
        write_gestures(studio, names, options.output, options.size)
    for name, text in list(SENTENCES.items())[: options.sentences]:
        path = options.output / f"{name}.sheet.png"
        studio.render(text).save(path)
        print(path)


def write_gestures(studio: mouth.Studio, names: Sequence[str], folder: Path, size: int) -> None:
    """Pages of `ROWS_A_PAGE` gestures each."""
    views = cameras(studio.head, size)
    for page, first in enumerate(range(0, len(names), ROWS_A_PAGE), 1):
        rows = [stills(studio, GESTURES[name], views) for name in names[first : first + ROWS_A_PAGE]]
        path = folder / f"gestures-{page}.png"
        write_page(path, names[first : first + ROWS_A_PAGE], rows)
        print(path)


def cameras(head: Head, size: int) -> list[SceneRenderer]:
    renderer = make_renderer(head, default_avatar(head), size=size)
    found = [portrait(head, size, size), near(head, size, size), near(head, size, size, yaw_deg=40.0)]
    return [renderer.seen_by(camera) for camera in (*found, three_quarter(head, size, size), profile(head, size, size))]


def stills(studio: mouth.Studio, gesture: MouthGesture, views: Sequence[SceneRenderer]) -> np.ndarray:  # [views, H, W, 3]
    """A gesture at its hold; where it repeats, the mouth's other pose takes the place of the view in three quarters."""
    result = studio.render(f"SIGN@{HOLD_S}{{%{gesture.name}}}")
    cycles = max(round(gesture.repeat_hz * HOLD_S), 1)
    hold_s = HOLD_S / cycles * (cycles // 2) if gesture.repeat_hz else 0.6 * HOLD_S
    frames = [round(time_s * result.track.fps) for time_s in (hold_s, hold_s + HOLD_S / cycles / 2)]
    hold, other = (result.vertices_m[min(frame, len(result.track) - 1)] for frame in frames)
    pictures = [view.frame(hold) for view in views]
    if gesture.repeat_hz:
        pictures[3] = views[1].frame(other)
    return np.array(pictures)


def write_page(path: Path, names: Sequence[str], rows: Sequence[np.ndarray]) -> None:
    from PIL import Image, ImageDraw

    _, height, width, _ = rows[0].shape
    page = Image.new("RGB", (width * len(rows[0]), (height + LABEL_PX) * len(rows)), (250, 250, 248))
    draw = ImageDraw.Draw(page)
    for k, (name, stills_of_row) in enumerate(zip(names, rows, strict=True)):
        gesture, top = GESTURES[name], k * (height + LABEL_PX)
        repeated = f", {gesture.repeat_hz:g} times a second; fourth: its other pose" if gesture.repeat_hz else ""
        draw.text((6, top + 3), f"{name}: {gesture.description}{repeated}", (28, 30, 34), font(15))
        for column, still in enumerate(stills_of_row):
            page.paste(Image.fromarray(still), (column * width, top + LABEL_PX))
    page.save(path)


if __name__ == "__main__":
    main()
