"""espeak-ng: text or IPA to a waveform with timed phones, the same bytes for the same input, always.

espeak-ng keeps state between utterances (oscillator phase, flutter, intonation) that neither a new voice nor
`espeak_Terminate` resets, so a second call in a process differs from the first. Each utterance therefore gets a fresh image of
the library: loaded, used once and unloaded, which costs less than the synthesis of a word.
"""

from __future__ import annotations

import _ctypes
import atexit
import contextlib
import ctypes
import difflib
import functools
import importlib.metadata
import itertools
import os
import re
import shutil
import sys
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InstallationError, SpeechError
from slp_mouthing.speech.inventories import INVENTORIES, inventory_of
from slp_mouthing.speech.phones import PhoneMark, matched, parse_ipa, phones_from_marks, to_mnemonics
from slp_mouthing.speech.scripts import readable
from slp_mouthing.types import Speech

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from slp_mouthing.types import Array, Phone

    _Request = tuple[str, str | None, int]
    """Text, IPA, words a minute."""

DEFAULT_RATE_WPM = 175
_RATES_WPM = (80, 450)
DEFAULT_PITCH = DEFAULT_PITCH_RANGE = 50
_PITCHES = (0, 99)
_CACHED_UTTERANCES = 512
_RELEASE_S = 0.05
"""Kept after the last phone, so that its tail does not click."""

_SYNCHRONOUS = 2
_INITIALIZE_OPTIONS = 0x0001 | 0x0002 | 0x8000  # phoneme events, in IPA, and never exit()
_UTF8, _PHONEME_INPUT, _END_PAUSE = 0x0001, 0x0100, 0x1000
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7

_INSTALL, _REINSTALL = "pip install espeakng-loader", "pip install --force-reinstall espeakng-loader"
_DATA_FILES = ("phontab", "phonindex", "phondata", "intonations", "en_dict", "lang/gmw/en")
"""Without these nothing is spoken."""

_LIBRARY = threading.Lock()
"""The library is global state: one utterance at a time in a process."""
_CACHES = threading.Lock()
"""Held for a look at a cache only: what is known does not wait for a synthesis."""


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _EventId),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Who speaks, and how."""

    identifier: str
    pitch: int
    pitch_range: int
    rate_wpm: int = DEFAULT_RATE_WPM


class Espeak:
    """A voice of espeak-ng. Safe to share between threads.

    Args:
        voice: a language (`en-gb`, `de`, `nl`) or a voice file (`gmw/en`), with a variant of the speaker or without (`en-gb+f1`).
        pitch: of the voice, 0 to 99; 50 is its own.
        pitch_range: how lively the melody is, 0 (flat) to 99; 50 is the voice's own.

    Raises:
        InstallationError: espeak-ng or its data is missing or damaged, or has no such voice.
        SpeechError: a pitch out of range.
    """

    def __init__(self, voice: str = "en-gb", *, pitch: int = DEFAULT_PITCH, pitch_range: int = DEFAULT_PITCH_RANGE) -> None:
        for name, value in (("pitch", pitch), ("pitch range", pitch_range)):
            if not _PITCHES[0] <= value <= _PITCHES[1]:
                raise SpeechError(f"{name} is {value}, allowed: {_PITCHES[0]} to {_PITCHES[1]}")
        self.name = voice
        self._identifier = _voice_identifier(voice)
        self._speaker = _Speaker(self._identifier, pitch, pitch_range)
        self._cache: OrderedDict[_Request, Speech] = OrderedDict()

    def speak(self, text: str, ipa: str | None = None, rate_wpm: int = DEFAULT_RATE_WPM) -> Speech:
        """`text`, or `ipa` when it is given, as sound with its phones.

        Letters of scripts that the voice does not read are left out; nothing speakable gives a `Speech` without phones. The
        result is cached by content and never depends on earlier calls.
        Raises `SpeechError` for IPA that is not of the voice's inventory, and when espeak-ng fails.
        """
        if not _RATES_WPM[0] <= rate_wpm <= _RATES_WPM[1]:
            raise SpeechError(f"rate is {rate_wpm} words a minute, allowed: {_RATES_WPM[0]} to {_RATES_WPM[1]}")
        key = (text, ipa, rate_wpm)
        if (known := self._cached(key)) is not None:
            return known
        with _LIBRARY:
            # Another thread may have asked for the same while this one waited.
            if (speech := self._cached(key)) is None:
                speech = self._synthesize(text, rate_wpm) if ipa is None else self._synthesize_ipa(text, ipa, rate_wpm)
                self._keep(key, speech)
        return speech

    def pronounce(self, text: str, ipa: str | None = None, rate_wpm: int = DEFAULT_RATE_WPM) -> tuple[Phone, ...]:
        """The phones of `text` or `ipa` at natural speed, the first from 0 s. Raises as `speak` does."""
        phones = self.speak(text, ipa, rate_wpm).phones
        start_s = phones[0].start_s if phones else 0.0
        return tuple(phone.at(phone.start_s - start_s, phone.end_s - start_s) for phone in phones)

    def _cached(self, key: _Request) -> Speech | None:
        with _CACHES:
            if key in self._cache:
                self._cache.move_to_end(key)
            return self._cache.get(key)

    def _keep(self, key: _Request, speech: Speech) -> None:
        with _CACHES:
            self._cache[key] = speech
            if len(self._cache) > _CACHED_UTTERANCES:
                self._cache.popitem(last=False)

    def _synthesize(self, text: str, rate_wpm: int) -> Speech:
        # NUL would end the text for the C library.
        said = readable(text.replace("\0", " "), self._identifier.partition("+")[0])
        samples, marks, sample_rate_hz = _render(said, replace(self._speaker, rate_wpm=rate_wpm), _UTF8)
        return self._speech(samples, sample_rate_hz, phones_from_marks(marks, samples, sample_rate_hz), text)

    def _synthesize_ipa(self, text: str, ipa: str, rate_wpm: int) -> Speech:
        if (inventory := inventory_of(self._identifier)) is None:
            known = " or ".join(found.name for found in INVENTORIES.values())
            raise SpeechError(f"IPA needs a voice of {known}, got '{self.name}'", where=f"/{ipa}/", hint="give the word as text")
        request = parse_ipa(ipa, inventory)
        speaker = replace(self._speaker, rate_wpm=rate_wpm)
        samples, marks, sample_rate_hz = _render(to_mnemonics(request, inventory), speaker, _UTF8 | _PHONEME_INPUT)
        found = phones_from_marks(marks, samples, sample_rate_hz)
        phones = matched(found, request)
        if phones is None:
            said = "".join(phone.symbol for phone in found)
            raise SpeechError(f"espeak-ng says /{said}/ for it", where=f"/{ipa}/", hint="respell it, or give the word as text")
        return self._speech(samples, sample_rate_hz, phones, text)

    def _speech(self, samples: Array, sample_rate_hz: int, phones: tuple[Phone, ...], text: str) -> Speech:
        end = round((phones[-1].end_s + _RELEASE_S) * sample_rate_hz) if phones else 0
        samples = samples[:end].copy()
        samples.flags.writeable = False  # Shared through the cache.
        return Speech(samples, sample_rate_hz, phones, text, self.name)


# ---- the library ----------------------------------------------------------------------------------------------------------
def _render(text: str, speaker: _Speaker, flags: int) -> tuple[Array, list[PhoneMark], int]:
    """One utterance from a fresh image of the library. -> samples [N], marks, samples per second."""
    chunks: list[NDArray[np.int16]] = []
    marks: list[PhoneMark] = []
    words = 0

    def receive(wave: Any, count: int, events: Any) -> int:
        nonlocal words
        if wave and count > 0:
            chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        for event in itertools.takewhile(lambda event: event.type != _EVENT_END, map(events.__getitem__, itertools.count())):
            words += event.type == _EVENT_WORD
            if event.type == _EVENT_PHONEME:
                # Eight bytes without a terminator: a longer label may end inside a character.
                marks.append(PhoneMark(bytes(event.id.string).decode("utf-8", "ignore"), event.sample, words))
        return 0

    callback = _Callback(receive)
    encoded = text.encode("utf-8", "replace") + b"\0"
    with _library(speaker) as (library, sample_rate_hz), _quiet(text):
        library.espeak_SetSynthCallback(callback)
        if library.espeak_Synth(encoded, len(encoded), 0, 1, 0, flags | _END_PAUSE, None, None) != 0:
            raise SpeechError("espeak-ng cannot speak this text", where=text[:40])
    samples = np.concatenate([np.empty(0, np.int16), *chunks])
    return samples.astype(np.float32) / np.float32(2**15), marks, sample_rate_hz


@contextlib.contextmanager
def _library(speaker: _Speaker) -> Iterator[tuple[Any, int]]:
    """A fresh image of the library with the voice set, and its sampling rate; unloaded at the end."""
    path, data = _installation()
    library = _loaded(_unshared(path))
    library.espeak_Initialize.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
    library.espeak_Synth.argtypes = (
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p,
        ctypes.c_void_p,
    )  # fmt: skip
    try:
        sample_rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, os.fsencode(data), _INITIALIZE_OPTIONS)
        if sample_rate_hz <= 0:
            raise InstallationError("espeak-ng does not start", where=str(data), hint=_REINSTALL)
        if library.espeak_SetVoiceByName(speaker.identifier.encode()) != 0:
            raise InstallationError(f"espeak-ng cannot load the voice '{speaker.identifier}'", where=str(data), hint=_REINSTALL)
        library.espeak_SetParameter(_PARAMETER_RATE, speaker.rate_wpm, 0)
        library.espeak_SetParameter(_PARAMETER_PITCH, speaker.pitch, 0)
        library.espeak_SetParameter(_PARAMETER_RANGE, speaker.pitch_range, 0)
        yield library, sample_rate_hz
    finally:
        library.espeak_Terminate()
        _unload(library._handle)


def _loaded(path: Path) -> Any:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise InstallationError(f"espeak-ng cannot be loaded: {error}", where=str(path), hint=_REINSTALL) from error


def _unload(handle: int) -> None:
    # ctypes itself never unloads a library.
    if sys.platform == "win32":
        _ctypes.FreeLibrary(handle)
    else:
        _ctypes.dlclose(handle)


def _unshared(path: Path) -> Path:
    """`path`, or a copy of it when another part of this process holds the library: its state is not ours to use or to end."""
    if not hasattr(os, "RTLD_NOLOAD"):
        return path
    try:
        held = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD)
    except OSError:
        return path
    _unload(held._handle)
    return _private_copy(path)


@functools.cache
def _private_copy(path: Path) -> Path:
    folder = tempfile.mkdtemp(prefix="slp-mouthing-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(shutil.copy(path, folder))


@contextlib.contextmanager
def _quiet(text: str) -> Iterator[None]:
    """espeak-ng's own messages ("No envelope" for some scripts) go nowhere. Latin text gives none, and stderr is left alone."""
    if max(text, default="") < "\u0250":
        yield
        return
    sys.stderr.flush()
    kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


# ---- installation and voices ----------------------------------------------------------------------------------------------
def version() -> str:
    """Version of the installed espeak-ng, such as `1.52.0`. Raises `InstallationError` when it is missing or damaged."""
    with _LIBRARY, _library(_Speaker("gmw/en", DEFAULT_PITCH, DEFAULT_PITCH_RANGE)) as (library, _):
        library.espeak_Info.restype = ctypes.c_char_p
        return str(library.espeak_Info(None).decode()).split()[0]


@functools.cache
def _installation() -> tuple[Path, Path]:
    """The library and its data folder, whole. Raises `InstallationError`.

    espeak-ng itself prints about a missing file, and dies of a truncated one.
    """
    try:
        import espeakng_loader
    except ImportError as error:
        raise InstallationError("espeak-ng is not installed", hint=_INSTALL) from error
    try:
        library, data = Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except RuntimeError as error:
        raise InstallationError("espeak-ng's data folder is missing", hint=_REINSTALL) from error
    sizes = dict.fromkeys(_DATA_FILES) | _recorded_bytes()
    for path, size in [(library, None), *((data / name, size) for name, size in sizes.items())]:
        if fault := _fault(path, size):
            raise InstallationError(f"espeak-ng's file {fault}", where=str(path), hint=_REINSTALL)
    return library, data


def _recorded_bytes() -> dict[str, int | None]:
    """Size of each file by its path below the data folder, as the installer recorded it; empty where it kept no record."""
    try:
        files = importlib.metadata.files("espeakng-loader") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    return {"/".join(file.parts[2:]): file.size for file in files if file.parts[1:2] == ("espeak-ng-data",)}


def _fault(path: Path, size: int | None) -> str:
    """What is wrong with a file that should be `size` bytes, or at least not empty."""
    if not path.is_file():
        return "is missing"
    found = path.stat().st_size
    if size is not None and found != size:
        return f"is damaged: {found} bytes of {size}"
    return "" if found else "is empty"


@functools.cache
def _voices() -> dict[str, str]:
    """Voice names and language codes in lower case -> espeak-ng's identifier; the file a language names first wins."""
    folder = _installation()[1] / "lang"
    voices: dict[str, tuple[int, str]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        identifier = path.relative_to(folder).as_posix()
        voices[identifier.lower()] = voices[path.name.lower()] = (0, identifier)
        for code, priority in re.findall(r"^language\s+(\S+)(?:\s+(\d+))?", path.read_text("utf-8", "replace"), re.MULTILINE):
            ranked = (int(priority or 5), identifier)
            voices[code.lower()] = min(voices.get(code.lower(), ranked), ranked)
    return {name: identifier for name, (_, identifier) in voices.items()}


@functools.cache
def variants() -> dict[str, str]:
    """The variants of a speaker that are the same every time, in lower case, with espeak-ng's name of each.

    Those with breath are left out: its noise depends on memory that espeak-ng never initialises.
    """
    paths = sorted((_installation()[1] / "voices" / "!v").iterdir())
    breath = re.compile(r"^breathw?\s", re.MULTILINE)
    return {path.name.lower(): path.name for path in paths if not breath.search(path.read_text("utf-8", "replace"))}


def _voice_identifier(voice: str) -> str:
    name, plus, variant = voice.lower().replace("_", "-").partition("+")
    if name not in _voices():
        near = difflib.get_close_matches(name, _voices(), n=4, cutoff=0.6)
        hint = f"near ones: {', '.join(near)}" if near else "give a language such as en-gb, de or nl"
        raise InstallationError(f"unknown voice '{voice}'", hint=hint)
    if plus and variant not in variants():
        near = difflib.get_close_matches(variant, variants(), n=4, cutoff=0.0)
        raise InstallationError(f"unknown variant '{variant}', or one with breath noise", hint=f"near ones: {', '.join(near)}")
    return _voices()[name] + (f"+{variants()[variant]}" if plus else "")
