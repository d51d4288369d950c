from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.render.video import frame_rate, write_video
from slp_mouthing.types import Speech

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLORS = np.array([[214, 170, 148], [60, 90, 140], [30, 30, 30], [200, 60, 60]], np.uint8)


def _frames(count: int, height: int = 64, width: int = 96) -> Iterator[np.ndarray]:
    for k in range(count):
        yield np.broadcast_to(COLORS[k * len(COLORS) // count], (height, width, 3)).copy()


def _tone(seconds: float, rate: int = 22050) -> Speech:
    times = np.arange(int(seconds * rate)) / rate
    samples = np.where(times < 0.5, 0, 0.5 * np.sin(2 * np.pi * 440 * times))
    return Speech(samples.astype(np.float32), rate, ())


def test_frames_come_back_with_their_colors_and_times(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    assert write_video(_frames(20), path, 30.0) == 20
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == 30
        decoded = list(container.decode(video=0))
    assert [frame.time for frame in decoded] == pytest.approx([k / 30 for k in range(20)])
    for frame, sent in zip(decoded, _frames(20), strict=True):
        seen = frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
        assert np.abs(seen[24:40, 32:64].astype(int) - sent[24:40, 32:64]).max() <= 6
    assert path.read_bytes().find(b"moov") < path.read_bytes().find(b"mdat"), "plays before it is loaded"


def test_sound_starts_at_time_zero_and_lasts_as_long_as_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(_frames(30), path, 25.0, sound=_tone(5.0))
    with av.open(str(path)) as container:
        blocks = list(container.decode(audio=0))
        rate = container.streams.audio[0].rate
    samples = np.concatenate([block.to_ndarray()[0] for block in blocks])
    start = np.flatnonzero(np.abs(samples) > 0.2)[0] / rate + float(blocks[0].time)
    assert start == pytest.approx(0.5, abs=0.03)
    assert len(samples) / rate == pytest.approx(1.2, abs=0.15)


def test_the_same_frames_give_the_same_pictures(tmp_path: Path) -> None:
    """Not the same bytes: on a busy machine FFmpeg's encoders now and then choose other ones."""
    for name, sound in (("a", None), ("b", None), ("voice", _tone(0.4))):
        write_video(_frames(12), tmp_path / f"{name}.mp4", 25.0, sound=sound)
    first, *others = (_pictures(tmp_path / f"{name}.mp4") for name in ("a", "b", "voice"))
    assert all(np.abs(first - other).max() <= 3 for other in others)


def _pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)])


def test_odd_sizes_lose_a_row_and_a_column(tmp_path: Path) -> None:
    write_video(_frames(3, 65, 97), tmp_path / "a.mp4", 30.0)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert (container.streams.video[0].height, container.streams.video[0].width) == (64, 96)


@pytest.mark.parametrize(
    "fps, exact", [(30.0, Fraction(30)), (29.97, Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), (12.5, Fraction(25, 2)),
                   (59.94, Fraction(60000, 1001)), (25.0, Fraction(25))],
)  # fmt: skip
def test_rates_are_exact(fps: float, exact: Fraction) -> None:
    assert frame_rate(fps) == exact


def test_a_failure_midway_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from _frames(3)
        raise RuntimeError("the renderer stopped")

    with pytest.raises(RuntimeError):
        write_video(broken(), tmp_path / "a.mp4", 30.0)
    with pytest.raises(InputError):
        write_video(iter(()), tmp_path / "a.mp4", 30.0)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_video(_frames(2), tmp_path, 30.0)
