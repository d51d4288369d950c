"""Captions and contact sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from slp_mouthing.render.captions import caption_at, captioned, with_caption
from slp_mouthing.render.scene import make_renderer
from slp_mouthing.render.sheet import MAX_KEYS, key_frames, sheet_rows, write_sheet
from slp_mouthing.render.text import font, shortened
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack, MouthAction, MouthingPlan, Sign, Take

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.head.rig import Head

FPS = 30.0
GREY = np.full((120, 160, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def plan() -> MouthingPlan:
    signs = (Sign("WHY", "lexical", 0.0, 0.5), Sign("PT:PRO2SG", "pointing", 0.5, 0.8), Sign("LATE", "lexical", 0.9, 1.4))
    actions = (
        MouthAction("Mouthing", "why", None, None, 0.0, 0.8, (0, 1), "lexicon"),
        MouthAction("Mouthing", None, "leɪt", None, 0.9, 1.4, (2,), "override"),
    )
    return MouthingPlan(signs, actions)


@pytest.fixture(scope="module")
def track(head: Head) -> FaceTrack:
    """A mouth that opens and closes twice a second and rounds in between."""
    time_s = np.arange(45) / FPS
    blendshapes = np.zeros((45, len(ARKIT_NAMES)), np.float32)
    blendshapes[:, ARKIT_NAMES.index("jawOpen")] = 0.3 - 0.3 * np.cos(4 * np.pi * time_s)
    blendshapes[:, ARKIT_NAMES.index("mouthPucker")] = 0.3 - 0.3 * np.cos(2 * np.pi * time_s)
    tongue, zero = np.zeros((45, len(TONGUE_NAMES)), np.float32), np.zeros((45, 6), np.float32)
    opening, width = head.lips(blendshapes, tongue)
    return FaceTrack(FPS, head.name, zero[:, :3], blendshapes, zero, tongue, opening, width)


def test_the_caption_follows_signs_and_mouthings(plan: MouthingPlan) -> None:
    assert caption_at(plan, 0.1) == ("WHY", "“why”")
    assert caption_at(plan, 0.6) == ("PT:PRO2SG", "“why”")
    assert caption_at(plan, 0.85) == ("", "")
    assert caption_at(plan, 1.0) == ("LATE", "/leɪt/")


def test_captions_are_in_the_lower_third_and_leave_the_frame_alone(plan: MouthingPlan) -> None:
    frames = list(captioned((GREY for _ in range(30)), plan, FPS))
    assert (GREY == 128).all()
    changed = np.abs(frames[0].astype(int) - GREY).max(2)
    assert changed[:78].max() == 0
    assert (frames[0][84:] > 220).any(), "white letters"
    np.testing.assert_array_equal(frames[26], GREY)
    assert not np.array_equal(frames[0], frames[20]), "another gloss"


@pytest.mark.parametrize("gloss", ["W" * 500, "ÉCOLE", "ŁÓDŹ(ə)", "日本", "\n", ""])
def test_any_text_is_drawn(gloss: str) -> None:
    assert with_caption(GREY, gloss, "“" + gloss + "”").shape == GREY.shape


def test_phonetic_letters_are_in_the_font() -> None:
    missing = bytes(font(20).getmask("\U0010ffff"))
    assert [c for c in "ɪəʃθðŋæɑːʊɒʌɔɜˈˌ“”–é" if bytes(font(20).getmask(c)) == missing] == []


def test_long_text_is_cut_to_its_width() -> None:
    text = shortened("BECAUSE-OF-EVERYTHING", 20, 100)
    assert text.endswith("…")
    assert font(20).getlength(text) <= 100
    assert shortened("WHY", 20, 100) == "WHY"


def test_key_frames_hold_the_extremes_in_order(track: FaceTrack) -> None:
    keys = key_frames(track, 0.0, 1.4)
    frames = [key.frame for key in keys]
    assert frames == sorted(set(frames))
    assert len(keys) <= MAX_KEYS
    by_label = {key.label: key.frame for key in keys}
    assert by_label["open"] == track.lip_opening_m[:43].argmax()
    assert track.lip_opening_m[by_label["closed"]] < 5e-4


@pytest.mark.parametrize("start_s, end_s", [(0.0, 0.0), (1.4, 9.0), (50.0, 60.0)])
def test_short_and_late_signs_have_a_key_frame(track: FaceTrack, start_s: float, end_s: float) -> None:
    keys = key_frames(track, start_s, end_s)
    assert keys
    assert all(0 <= key.frame < len(track) for key in keys)


def test_a_sheet_has_a_row_for_each_sign(track: FaceTrack, plan: MouthingPlan, head: Head, tmp_path: Path) -> None:
    rows = sheet_rows(plan, track, "x")
    assert [(row.gloss, row.mouthing) for row in rows] == [("WHY", "“why”"), ("PT:PRO2SG", "“why”"), ("LATE", "/leɪt/")]
    renderer = make_renderer(head, None, size=64, style="mesh")
    write_sheet(Take(track, head, "x", plan), tmp_path / "whole.png", renderer)
    write_sheet(Take(track, head, "x"), tmp_path / "track.png", renderer)
    with Image.open(tmp_path / "whole.png") as whole, Image.open(tmp_path / "track.png") as single:
        assert whole.width == single.width
        assert whole.height > 2.5 * single.height
        assert np.asarray(whole).std() > 20
