"""Frames to an MP4 file: H.264 and, with a voice, AAC."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.types import Speech

    Pixels = NDArray[np.uint8]

CRF = 18
"""x264's constant quality: visually lossless at this size."""
ENCODER = {"crf": str(CRF), "preset": "veryfast"}
ENCODER_THREADS = 1
"""With several, x264's choices depend on their timing, and the same frames give another file; rendering is slower anyway."""
AAC_FRAME = 1024


def write_video(frames: Iterable[Pixels], path: str | Path, fps: float, sound: Speech | None = None) -> int:
    """Write frames [H, W, 3] as they come, with the sound from time zero; returns how many frames.

    Whole or not at all. The same frames give the same pictures, though not always the same bytes: FFmpeg's encoders now and then
    choose others. Odd sizes lose their last row or column, which H.264 cannot hold. Raises `InputError` when there is no frame,
    `OutputError` when it cannot be written.
    """
    import av

    rate = frame_rate(fps)
    with atomic_path(path) as temporary:
        with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            tracks = _Tracks(container, rate, sound)
            for frame in frames:
                tracks.add(frame)
            tracks.close()
        if not tracks.count:
            raise InputError("there is no frame to write", where=str(path))
    return tracks.count


def frame_rate(fps: float) -> Fraction:
    """The exact rate that is meant: 29.97 is 30000/1001."""
    exact = Fraction(fps).limit_denominator(1001)
    ntsc = Fraction(round(fps) * 1000, 1001)
    return ntsc if abs(fps - ntsc) < 0.005 and exact.denominator != 1 else Fraction(fps).limit_denominator(1000)


class _Tracks:
    """An open file's video track and, with a voice, its sound track, written side by side."""

    def __init__(self, container: Any, rate: Fraction, sound: Speech | None) -> None:
        self.count = 0
        self._container, self._rate = container, rate
        self._video = container.add_stream("libx264", rate=rate, options=ENCODER)
        self._video.pix_fmt = "yuv420p"
        self._video.thread_count = ENCODER_THREADS
        self._video.codec_context.time_base = 1 / rate
        # The matrix of standard HD: players assume it, and colours stay what they are.
        self._video.codec_context.colorspace, self._video.codec_context.color_range = 1, 1
        self._audio = container.add_stream("aac", rate=sound.sample_rate_hz, layout="mono") if sound else None
        self._sound = _blocks(sound) if sound else iter(())
        self._sound_end_s = 0.0

    def add(self, pixels: Pixels) -> None:
        import av

        height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
        if self.count == 0:
            self._video.width, self._video.height = width, height
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", threads=1)
        frame.pts, frame.time_base = self.count, 1 / self._rate
        self._container.mux(self._video.encode(frame))
        self.count += 1
        self._write_sound(float(self.count / self._rate))

    def close(self) -> None:
        """Flush both encoders; sound beyond the last frame is left out."""
        if self.count:
            self._container.mux(self._video.encode(None))
            if self._audio:
                self._container.mux(self._audio.encode(None))

    def _write_sound(self, until_s: float) -> None:
        """Sound keeps pace with the pictures, so that a player need not seek."""
        while self._audio and self._sound_end_s < until_s and (block := next(self._sound, None)):
            self._sound_end_s = float((block.pts + block.samples) * block.time_base)
            self._container.mux(self._audio.encode(block))


def _blocks(sound: Speech) -> Iterator[Any]:
    """The samples as frames of the encoder's size, the last one filled with silence: of a shorter one the encoder reads on."""
    import av

    for start in range(0, len(sound.samples), AAC_FRAME):
        samples = np.clip(sound.samples[start : start + AAC_FRAME], -1, 1).astype(np.float32)
        filled = np.pad(samples, (0, AAC_FRAME - len(samples)))[None]
        block = av.AudioFrame.from_ndarray(filled, format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = sound.sample_rate_hz, start, Fraction(1, sound.sample_rate_hz)
        yield block
