"""A contact sheet: the key frames of each sign on one page, the mouth large enough to judge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slp_mouthing.files import atomic_path
from slp_mouthing.render.camera import mouth, portrait, signing
from slp_mouthing.render.text import font, mouthing_label, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from slp_mouthing.render.scene import SceneRenderer
    from slp_mouthing.types import FaceTrack, MouthingPlan, Take

TILE_W, TILE_H = 256, 192
"""Of a mouth, pixels; the face beside it is as high."""
LABEL_W, CAPTION_H, GAP = 190, 24, 8
MAX_KEYS, MAX_ROWS = 5, 60
CLOSED_M = 0.0005
APART_S = 0.05
"""Key frames lie at least this far apart."""
PAPER, INK, FAINT = (250, 250, 248), (28, 30, 34), (112, 116, 122)


@dataclass(frozen=True, slots=True)
class Row:
    """A sign on the sheet."""

    gloss: str
    mouthing: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class KeyFrame:
    frame: int
    label: str


def write_sheet(take: Take, path: str | Path, renderer: SceneRenderer) -> None:
    """Write the sheet of a take as PNG, in the renderer's style. Raises `OutputError`.

    A sign has a row: its gloss and mouthing, the face or the whole signer at the widest opening, and up to five key frames of
    the mouth.
    """
    from PIL import Image, ImageDraw

    rows = sheet_rows(take.plan, take.track, take.name)
    shown = rows[:MAX_ROWS]
    height = GAP + len(shown) * (TILE_H + CAPTION_H + GAP) + (CAPTION_H if len(rows) > len(shown) else 0)
    page = Image.new("RGB", (LABEL_W + TILE_H + GAP + MAX_KEYS * (TILE_W + GAP), height), PAPER)
    draw = ImageDraw.Draw(page)
    artist = _Artist(take, renderer)
    for k, row in enumerate(shown):
        _draw_row(page, draw, artist, row, GAP + k * (TILE_H + CAPTION_H + GAP))
    if len(rows) > len(shown):
        draw.text((GAP, height - CAPTION_H), f"and {len(rows) - len(shown)} more signs", FAINT, font(14))
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG")


def sheet_rows(plan: MouthingPlan | None, track: FaceTrack, name: str) -> list[Row]:
    """A row for each sign; one for the whole track when there is no plan."""
    if plan is None:
        return [Row(name, "", 0.0, len(track) / track.fps)]
    actions = {sign: action for action in plan.actions for sign in action.signs}
    return [Row(s.gloss, mouthing_label(actions.get(k)), s.start_s, s.end_s) for k, s in enumerate(plan.signs)]


def key_frames(track: FaceTrack, start_s: float, end_s: float) -> list[KeyFrame]:
    """Up to `MAX_KEYS` telling frames of an interval in order of time: extremes of opening and width first, then its ends."""
    first, last = (min(len(track) - 1, max(0, round(t * track.fps))) for t in (start_s, end_s))
    span = slice(first, last + 1)
    opening, width = track.lip_opening_m[span], track.lip_width_m[span]
    least = "closed" if opening.min() < CLOSED_M else "least open"
    extremes = {"open": opening.argmax(), least: opening.argmin(), "narrow": width.argmin(), "wide": width.argmax()}
    wanted: dict[str, int] = {**{name: int(at) for name, at in extremes.items()}, "start": 0, "end": last - first}
    found: list[KeyFrame] = []
    for label, offset in wanted.items():
        frame = first + offset
        if len(found) < MAX_KEYS and all(abs(frame - key.frame) >= APART_S * track.fps for key in found):
            found.append(KeyFrame(frame, label))
    return sorted(found, key=lambda key: key.frame)


class _Artist:
    """Draws the mouth of any frame of a take, and the face or the whole signer."""

    def __init__(self, take: Take, renderer: SceneRenderer) -> None:
        head = renderer.head
        # Before the mouth's camera a signer's head keeps still.
        self.track, self._shown, self._still = take.track, take, replace(take, joints=None)
        self._mouth = renderer.seen_by(mouth(head, TILE_W, TILE_H))
        whole = portrait(head, TILE_H, TILE_H) if take.joints is None else signing(head, round(0.8 * TILE_H), TILE_H)
        self._face = renderer.seen_by(whole)

    def mouth(self, frame: int) -> Image:
        return self._picture(self._mouth, self._still, frame)

    def face(self, frame: int) -> Image:
        return self._picture(self._face, self._shown, frame)

    def _picture(self, renderer: SceneRenderer, take: Take, frame: int) -> Image:
        from PIL import Image

        return Image.fromarray(renderer.frame(take.posed(slice(frame, frame + 1))[0]))


def _draw_row(page: Image, draw: ImageDraw, artist: _Artist, row: Row, top: int) -> None:
    keys = key_frames(artist.track, row.start_s, row.end_s)
    for text, size, color, y in _labels(row):
        draw.text((GAP, top + y), shortened(text, size, LABEL_W - 2 * GAP), color, font(size))
    peak = max(keys, key=lambda key: artist.track.lip_opening_m[key.frame])
    page.paste(artist.face(peak.frame), (LABEL_W, top))
    draw.text((LABEL_W, top + TILE_H + 4), f"{peak.frame / artist.track.fps:.2f} s", FAINT, font(13))
    for k, key in enumerate(keys):
        left = LABEL_W + TILE_H + GAP + k * (TILE_W + GAP)
        page.paste(artist.mouth(key.frame), (left, top))
        opening, width = (1e3 * float(x[key.frame]) for x in (artist.track.lip_opening_m, artist.track.lip_width_m))
        caption = f"{key.frame / artist.track.fps:.2f} s  {key.label}  {opening:.1f} × {width:.0f} mm"
        draw.text((left, top + TILE_H + 4), caption, FAINT, font(13))


def _labels(row: Row) -> Iterator[tuple[str, int, tuple[int, int, int], int]]:
    """Text, size, colour and height of the lines beside a row."""
    yield row.gloss, 22, INK, 4
    yield row.mouthing, 17, INK, 36
    yield f"{row.start_s:.2f}–{row.end_s:.2f} s", 14, FAINT, 64
