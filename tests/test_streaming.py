"""Streams: the same face as the whole utterance, given out as its signs arrive."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.errors import InputError
from slp_mouthing.pipeline import Studio
from slp_mouthing.types import Sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slp_mouthing.types import FaceFrame

TOKENS = [
    "WHY@0.5", "PT:PRO2SG@0.2", "LATE@0.6", "BECAUSE@0.5", "BUS@0.5", "BREAK@0.6", "MOTHER@0.5", "PT:PRO3SG@0.2", "HAPPY@0.5",
    "NAME@0.4", "FS:BOB@0.7", "COFFEE@0.5", "WANT{%puffed-cheeks}@0.4",
]  # fmt: skip


@pytest.fixture(scope="module", params=["rules", "neural"])
def studio(request: pytest.FixtureRequest) -> Studio:
    return Studio(driver=request.param)


def _blendshapes(frames: list[FaceFrame]) -> np.ndarray:
    return np.stack([frame.blendshapes for frame in frames])


def test_a_stream_is_the_utterance_rendered_at_once(studio: Studio) -> None:
    whole = studio.render(" ".join(TOKENS)).track
    frames = list(studio.stream(TOKENS))
    assert len(frames) == len(whole)
    assert np.allclose([frame.time_s for frame in frames], whole.time_s)
    assert np.abs(_blendshapes(frames) - whole.blendshapes).max() < 1e-4
    assert np.allclose([frame.lip_opening_m for frame in frames], whole.lip_opening_m, atol=1e-5)


def test_frames_leave_before_the_stream_ends() -> None:
    given: list[int] = []

    def arriving() -> Iterator[str]:
        for token in TOKENS:
            given.append(len(frames))
            yield token

    frames: list[FaceFrame] = []
    for frame in Studio().stream(arriving()):
        frames += [frame]
    assert all(before <= after for before, after in pairwise(given))
    assert given[3] > 0
    assert len(frames) - given[-1] < 60


def test_without_look_ahead_a_sign_leaves_at_once() -> None:
    given: list[int] = []

    def arriving() -> Iterator[str]:
        for token in ("WHY@0.5", "BECAUSE@0.5"):
            given.append(len(frames))
            yield token

    frames: list[FaceFrame] = []
    for frame in Studio().stream(arriving(), lookahead=0):
        frames += [frame]
    assert given == [0, 15]


def test_a_long_stream_keeps_no_more_than_a_short_one() -> None:
    from slp_mouthing.streaming import _Stream

    state = _Stream(Studio(), 1)
    for k in range(60):
        state.add([Sign("WHY", "lexical", k * 0.6, k * 0.6 + 0.5)])
        list(state.frames(final=False))
        assert len(state.signs) <= 9
        assert len(state.actions) <= 9


def test_signs_that_cannot_follow_are_refused() -> None:
    late, early = Sign("WHY", "lexical", 1.0, 1.5), Sign("LATE", "lexical", 0.2, 0.5)
    with pytest.raises(InputError, match=r"'LATE' starts at 0\.2 s"):
        list(Studio().stream([late, early]))
    with pytest.raises(InputError, match="expected gloss text or a Sign"):
        list(Studio().stream([3]))  # type: ignore[list-item]
    with pytest.raises(InputError, match="several signs"):
        list(Studio().stream(["⌘why(WHY LATE)"]))
    with pytest.raises(InputError, match="from nan to 1 s"):
        list(Studio().stream([Sign("WHY", "lexical", float("nan"), 1.0)]))
    assert list(Studio().stream([])) == []


@pytest.mark.parametrize("lookahead", [-1, 1.5])
def test_a_look_ahead_is_a_count_of_signs(lookahead: int) -> None:
    with pytest.raises(InputError, match="look-ahead"):
        list(Studio().stream(["WHY", "LATE"], lookahead))


def test_a_full_stop_in_a_stream_is_the_rest_it_is_in_gloss_text() -> None:
    studio, tokens = Studio(driver="rules"), ["WHY@0.5", ".", "LATE@0.6", "."]
    whole = studio.render(" ".join(tokens)).track
    frames = list(studio.stream(tokens))
    assert len(frames) == len(whole)
    assert np.abs(_blendshapes(frames) - whole.blendshapes).max() < 1e-4
