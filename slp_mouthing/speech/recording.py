"""A recording of somebody speaking: any sound file to one channel, in bounded memory, with its faults named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import shown
from slp_mouthing.types import Speech

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from slp_mouthing.types import Array

    Samples = NDArray[np.int16]

MIN_RATE_HZ = 8000
KEPT_RATE_HZ = 48000
"""Sound above this rate is brought down to it."""
MAX_DURATION_S = 3600.0
"""Longest recording: 330 MB of samples at `KEPT_RATE_HZ`."""

_SILENT_LEVEL = 1e-3
"""A recording whose loudest sample is below this (-60 dB of full scale) holds no speech."""
_FULL_SCALE = 1 - 2e-4
_CLIPPED_SHARE = 1e-3
"""Share of the samples at full scale above which the recording was too loud; in speech that is not, they are single ones."""
_LONGEST_NAME = 250
_CHUNK = 1 << 16
_FROM_INT16 = np.float32(1 / 2**15)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Sound on its own clock, one channel."""

    samples: Samples  # [N]
    sample_rate_hz: int
    name: str = "recording"
    """File it was read from."""
    transcript: str = ""
    """What is said in it, where that is known: words in order, punctuation and case do not count."""
    warnings: tuple[str, ...] = ()
    start_s: float = 0.0
    """Time of the first sample on the recording's clock."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate_hz

    @property
    def checksum(self) -> str:
        """Of the sound and of what is said in it."""
        return hashlib.sha256(self.samples.tobytes() + self.transcript.encode()).hexdigest()[:16]

    def cut(self, start_s: float | None = None, duration_s: float | None = None) -> Speech:
        """The sound from `start_s` on (None: from its start), without phones; silence before it starts and after it ends."""
        start_s = self.start_s if start_s is None else start_s
        first = round((start_s - self.start_s) * self.sample_rate_hz)
        count = len(self.samples) - first if duration_s is None else round(duration_s * self.sample_rate_hz)
        samples = np.zeros(max(count, 0), np.float32)
        heard = self.samples[max(first, 0) : max(first + count, 0)]
        at = max(-first, 0)
        samples[at : at + len(heard)] = heard * _FROM_INT16
        return Speech(samples, self.sample_rate_hz, (), self.transcript, self.name)

    def part(self, start_s: float, end_s: float) -> Recording:
        """What lies between two times, on the same clock."""
        first, last = (max(round((time_s - self.start_s) * self.sample_rate_hz), 0) for time_s in (start_s, end_s))
        return replace(self, samples=self.samples[first:last], start_s=self.start_s + first / self.sample_rate_hz)

    def at_rate(self, sample_rate_hz: int) -> Samples:
        """The samples at another rate, [N'] from the same time zero."""
        if sample_rate_hz == self.sample_rate_hz:
            return self.samples
        return _joined(_resampled(_frames(self), sample_rate_hz))


def read_recording(path: str | Path, transcript: str = "") -> Recording:
    """Any sound file (WAV, FLAC, MP3, ...; of a video, its first sound track) as one channel of 16 bits.

    Channels are mixed. Speech that was recorded too loud gives a warning. Raises `InputError` for what is no sound, is empty,
    silent, longer than `MAX_DURATION_S`, or sampled below `MIN_RATE_HZ`.
    """
    path, name = Path(path), shown(path)
    if not path.is_file():
        raise InputError("no such file", where=name, hint="give a sound file, such as a WAV")
    reader = _Reader(path, name)
    samples = reader.read()
    if not len(samples):
        raise InputError("the recording is empty", where=name)
    if reader.loudest < _SILENT_LEVEL:
        raise InputError("the recording is silent", where=name, hint="check the microphone, or the track that was saved")
    warnings = []
    if (share := reader.clipped_s * reader.kept_rate_hz / len(samples)) > _CLIPPED_SHARE:
        warnings.append(f"{name}: {share:.1%} of the recording is clipped; record it less loud, sounds may be misheard")
    return Recording(samples, reader.kept_rate_hz, path.name, transcript, tuple(warnings))


def read_transcript(text: str) -> str:
    """The text itself, or that of the file it names. Raises `InputError` for a file that is no text."""
    path = Path(text)
    try:
        if not text or len(text) > _LONGEST_NAME or not path.is_file():
            return text
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError("cannot be read as text in UTF-8", where=shown(path), hint="give what is said as plain text") from error


class _Reader:
    """Decodes a file piece by piece, and listens for faults on the way."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.kept_rate_hz = 0
        self.loudest = 0.0
        self.clipped_s = 0.0

    def read(self) -> Samples:
        import av

        try:
            # A playlist must not make the library fetch anything.
            with av.open(str(self.path), options={"protocol_whitelist": "file"}) as container:
                if not container.streams.audio:
                    raise InputError("no sound in this file", where=self.name, hint="give a sound file, such as a WAV")
                rate_hz = container.streams.audio[0].rate
                if rate_hz < MIN_RATE_HZ:
                    raise InputError(f"{rate_hz} samples a second, at least {MIN_RATE_HZ} are needed", where=self.name)
                self.kept_rate_hz = min(rate_hz, KEPT_RATE_HZ)
                return _joined(_resampled(self._checked(container.decode(audio=0)), self.kept_rate_hz))
        except (av.FFmpegError, OSError) as error:
            what = f"cannot be read as sound ({error.strerror or error})"
            raise InputError(what, where=self.name, hint="give a sound file, such as a WAV") from error

    def _checked(self, frames: Iterator[Any]) -> Iterator[Any]:
        heard_s = 0.0
        for frame in frames:
            level = np.abs(_levels(frame.to_ndarray()))
            if not np.isfinite(level).all():
                raise InputError("the recording holds values that are no numbers", where=self.name, hint="save it again")
            self.loudest = max(self.loudest, float(level.max(initial=0.0)))
            self.clipped_s += float(np.mean(level >= _FULL_SCALE)) * frame.samples / frame.sample_rate
            heard_s += frame.samples / frame.sample_rate
            if heard_s > MAX_DURATION_S:
                raise InputError(f"the recording lasts more than {MAX_DURATION_S / 60:g} minutes", where=self.name, hint="cut it")
            yield frame


def _levels(samples: NDArray[Any]) -> Array:
    """Decoded samples of any type, in [-1, 1]."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    if samples.dtype == np.uint8:
        return samples.astype(np.float32) / np.float32(2**7) - np.float32(1.0)
    return samples.astype(np.float32) / np.float32(-float(np.iinfo(samples.dtype).min))


def _frames(recording: Recording) -> Iterator[Any]:
    import av

    for start in range(0, len(recording.samples), _CHUNK):
        frame = av.AudioFrame.from_ndarray(recording.samples[None, start : start + _CHUNK], format="s16", layout="mono")
        frame.sample_rate, frame.pts = recording.sample_rate_hz, start
        yield frame


def _resampled(frames: Iterator[Any], rate_hz: int) -> Iterator[Samples]:
    """Frames of any layout, type and rate as one channel of 16 bits."""
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
    for frame in frames:
        # Times of a damaged or edited file may jump; its samples follow one another all the same.
        frame.pts = None
        yield from (out.to_ndarray()[0] for out in resampler.resample(frame))
    yield from (out.to_ndarray()[0] for out in resampler.resample(None))


def _joined(pieces: Iterator[Samples]) -> Samples:
    """The pieces as one array. It grows in place: a list of them would take the memory twice."""
    joined = bytearray()
    for piece in pieces:
        joined += piece.tobytes()
    return np.frombuffer(joined, np.int16)
