from __future__ import annotations

import wave
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError
from slp_mouthing.speech import recording as module
from slp_mouthing.speech.recording import Recording, read_recording, read_transcript

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, samples: Any, rate_hz: int) -> Path:
    """`samples` [C, N] or [N] in [-1, 1] or of 16 bits as a WAV file."""
    samples = np.atleast_2d(samples)
    if samples.dtype.kind == "f":
        samples = (samples * 32767).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setparams((len(samples), 2, rate_hz, 0, "NONE", ""))
        file.writeframes(np.ascontiguousarray(samples.T).tobytes())
    return path


def clicks(rate_hz: int, *at_s: float, duration_s: float = 1.0) -> Any:
    """A short tone at each time."""
    times_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    tones = [np.exp(-(((times_s - at) / 0.002) ** 2)) * np.sin(2 * np.pi * 1000 * (times_s - at) + 1) for at in at_s]
    return 0.8 * np.sum(tones, axis=0)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_layout_is_one_channel_on_the_same_clock(tmp_path: Path, rate_hz: int, channels: int) -> None:
    sound = clicks(rate_hz, 0.25, 0.75)
    found = read_recording(write(tmp_path / "a.wav", np.stack([sound] * channels), rate_hz))
    assert found.samples.ndim == 1
    assert found.sample_rate_hz == min(rate_hz, 48000)
    assert found.duration_s == pytest.approx(1.0, abs=0.001)
    assert found.warnings == ()
    for samples, rate in ((found.samples, found.sample_rate_hz), (found.at_rate(16000), 16000)):
        loudest = np.argmax(np.abs(samples[: rate // 2].astype(float))), np.argmax(np.abs(samples[rate // 2 :].astype(float)))
        assert loudest[0] / rate == pytest.approx(0.25, abs=0.001)
        assert loudest[1] / rate == pytest.approx(0.25, abs=0.001)


def test_other_formats_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    samples = (clicks(16000, 0.5) * 30000).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert np.array_equal(read_recording(path).samples, samples)


def test_a_recording_that_was_too_loud_is_named(tmp_path: Path) -> None:
    loud = np.clip(3 * np.sin(np.arange(16000) / 20), -1, 1)
    (warning,) = read_recording(write(tmp_path / "loud.wav", loud, 16000)).warnings
    assert "clipped" in warning
    assert "loud.wav" in warning


@pytest.mark.parametrize(
    ("samples", "rate_hz", "message"),
    [
        (np.zeros(0), 16000, "empty"),
        (np.zeros(16000), 16000, "silent"),
        (np.full(4000, 0.5), 4000, "4000 samples a second, at least 8000"),
    ],
    ids=["empty", "silent", "slow"],
)
def test_what_nobody_can_hear_is_refused(tmp_path: Path, samples: Any, rate_hz: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_recording(write(tmp_path / "a.wav", samples, rate_hz))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all", bytes(range(256)) * 40])
def test_what_is_no_sound_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"notes\.wav: ") as error:
        read_recording(path)
    assert "\n" not in str(error.value)


def test_a_missing_file_a_picture_and_numbers_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_recording(tmp_path / "none.wav")
    video = tmp_path / "still.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="no sound in this file"):
        read_recording(video)
    broken = tmp_path / "nan.wav"
    header = b"RIFF" + (36 + 8 * 4).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    fields = [(3, 2), (1, 2), (16000, 4), (64000, 4), (4, 2), (32, 2)]  # floats, mono
    header += b"".join(value.to_bytes(size, "little") for value, size in fields) + b"data" + (32).to_bytes(4, "little")
    broken.write_bytes(header + np.full(8, np.nan, np.float32).tobytes())
    with pytest.raises(InputError, match="no numbers"):
        read_recording(broken)


def test_what_is_too_long_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DURATION_S", 1.5)
    assert read_recording(write(tmp_path / "a.wav", clicks(8000, 0.5), 8000)).duration_s == 1.0
    with pytest.raises(InputError, match="more than"):
        read_recording(write(tmp_path / "a.wav", clicks(8000, 0.5, duration_s=2), 8000))


@settings(deadline=None)
@given(start_s=st.floats(-2, 4), duration_s=st.floats(0, 4))
def test_a_cut_is_as_long_as_asked_and_silent_beyond_the_recording(start_s: float, duration_s: float) -> None:
    rate = 100
    recording = Recording(np.arange(1, 201, dtype=np.int16), rate)
    cut = recording.cut(start_s, duration_s)
    assert len(cut.samples) == round(duration_s * rate)
    for k, value in enumerate(cut.samples * 2**15):
        at = round(start_s * rate) + k
        assert value == (at + 1 if 0 <= at < 200 else 0)


def test_the_checksum_knows_sound_and_words() -> None:
    one = Recording(np.arange(10, dtype=np.int16), 16000)
    assert one.checksum == Recording(np.arange(10, dtype=np.int16), 16000, "other name").checksum
    assert one.checksum != Recording(np.arange(11, dtype=np.int16), 16000).checksum
    assert one.checksum != Recording(one.samples, 16000, transcript="words").checksum


def test_a_transcript_is_text_or_the_file_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "said.txt"
    path.write_text("\ufeffWhy, oh why?", encoding="utf-8")
    assert read_transcript(str(path)) == "Why, oh why?"
    assert read_transcript("Why? " * 200) == "Why? " * 200
    assert read_transcript("") == ""
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_transcript(str(path))
