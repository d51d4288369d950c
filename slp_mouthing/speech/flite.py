"""flite: text or IPA in the voices of recorded people, with timed phones. Corpora are made with it; rendering never is.

Its voices are built from recordings (CMU ARCTIC and a diphone set, all free), where espeak-ng's are formulas: what is learned
from them carries over to recordings. The program is the user's to install, in Debian `apt install flite`.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InstallationError, SpeechError
from slp_mouthing.speech.arpabet import from_phones, from_spelling
from slp_mouthing.speech.espeak import DEFAULT_PITCH, DEFAULT_RATE_WPM, Espeak
from slp_mouthing.speech.phones import SILENCE
from slp_mouthing.types import Phone, Speech

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slp_mouthing.types import Array

VOICES = ("awb", "kal16", "rms", "slt")
"""A Scot, three Americans; `slt` is a woman."""
_DIPHONE_PITCH_HZ = 105.0
"""Of `kal16`, whose pitch is told in Hz."""
_OCTAVE = 80.0
"""Steps of pitch, of 0 to 99, in which a voice rises by an octave."""
_WEAK = {"ax": "ə", "ah": "ʌ"}
"""Vowels that CMU's dictionary tells apart by stress alone, and flite by name."""
_SEGMENT = re.compile(r"([a-z]+):([0-9.]+)")
_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Flite:
    """A voice of flite's, with the interface of `Espeak`. The same words give the same bytes."""

    name: str
    pitch: int = DEFAULT_PITCH
    """0 to 99; 50 is the voice's own. `rms` has no other."""

    def speak(self, text: str, ipa: str | None = None, rate_wpm: int = DEFAULT_RATE_WPM) -> Speech:
        """`text`, or English `ipa` when it is given, as sound with its phones.

        Raises `SpeechError` for IPA that American English has no sounds for and when flite says nothing, `InstallationError`
        without flite or the voice, and when flite does not work.
        """
        return _spoken(self, text, ipa, rate_wpm)

    def pronounce(self, text: str, ipa: str | None = None, rate_wpm: int = DEFAULT_RATE_WPM) -> tuple[Phone, ...]:
        """The phones of `text` or `ipa` at natural speed, the first from 0 s. Raises as `speak` does."""
        phones = self.speak(text, ipa, rate_wpm).phones
        return tuple(phone.at(phone.start_s - phones[0].start_s, phone.end_s - phones[0].start_s) for phone in phones)


@functools.lru_cache(maxsize=512)
def _spoken(voice: Flite, text: str, ipa: str | None, rate_wpm: int) -> Speech:
    # Of American English, but for IPA, which is British in our lexicons.
    model = Espeak("en-us").pronounce(text) if ipa is None else Espeak("en-gb").pronounce("", ipa)
    said = ["-t", text] if ipa is None else ["-p", _spelling(model, ipa)]
    with tempfile.TemporaryDirectory(prefix="slp-mouthing-flite-") as folder:
        path = Path(folder) / "speech.wav"
        segments = _run([*_settings(voice, rate_wpm), "-psdur", *said, "-o", str(path)])
        samples, rate_hz = _read(path)
    phones = _phones(_marks(segments), model)
    if not phones:
        raise SpeechError(f"flite says nothing for '{ipa or text}'")
    samples.flags.writeable = False  # Shared through the cache.
    return Speech(samples, rate_hz, phones, text, voice.name)


def _settings(voice: Flite, rate_wpm: int) -> list[str]:
    if voice.name not in VOICES:
        raise InstallationError(f"flite has no voice '{voice.name}', allowed: {', '.join(VOICES)}")
    if voice.name not in _built_in(_program()):
        raise InstallationError(f"this flite was built without the voice '{voice.name}'", hint="install one with all its voices")
    shift = 2.0 ** ((voice.pitch - DEFAULT_PITCH) / _OCTAVE)
    pitch = f"int_f0_target_mean={_DIPHONE_PITCH_HZ * shift:.4f}" if voice.name == "kal16" else f"f0_shift={shift:.4f}"
    return ["-voice", voice.name, "--setf", f"duration_stretch={DEFAULT_RATE_WPM / rate_wpm:.4f}", "--setf", pitch]


def version() -> str:
    """Raises `InstallationError` without flite."""
    found = re.search(r"version: flite-([\d.]+)", _run(["--version"]))
    return found[1] if found else "unknown"


@functools.cache
def _built_in(program: str) -> frozenset[str]:
    """Names of its voices. One that it lacks it would replace by another, and not say so."""
    return frozenset(_run(["-lv"]).partition(":")[2].split())


def _program() -> str:
    if (program := shutil.which("flite")) is None:
        raise InstallationError("flite is not installed", hint="install it (Debian: apt install flite), or choose another corpus")
    return program


def _run(arguments: Sequence[str]) -> str:
    program = _program()
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, errors="replace", timeout=_LONGEST_S)
    except ValueError as error:
        raise SpeechError(f"flite cannot say this ({error})") from error
    except (subprocess.TimeoutExpired, OSError) as error:
        raise InstallationError(f"flite did not speak ({error})") from error
    return done.stdout


def _read(path: Path) -> tuple[Array, int]:
    try:
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            if len(samples) < file.getnframes():
                raise EOFError
            return samples.astype(np.float32) / np.float32(2**15), file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise InstallationError("flite gave no sound", hint="is there space left for temporary files?") from error


# ---- phones ---------------------------------------------------------------------------------------------------------------
def _spelling(model: Sequence[Phone], ipa: str) -> str:
    """ARPABET as flite reads it."""
    found = from_phones(model)
    if found is None:
        raise SpeechError("has sounds that American English has not", where=f"/{ipa}/")
    pairs = zip(found.phones, found.arpabet, strict=True)
    names = ["ax" if phone.symbol == "ə" else name.lower() for phone, names in pairs for name in names]
    return " ".join(["pau", *names, "pau"])


def _marks(segments: str) -> list[tuple[str, float, float]]:
    """(name, start_s, end_s) of what `-psdur` prints, a line with its own clock for each utterance."""
    marks: list[tuple[str, float, float]] = []
    for line in segments.splitlines():
        start_s = first_s = marks[-1][2] if marks else 0.0
        for name, end in _SEGMENT.findall(line):
            marks.append((name, start_s, first_s + float(end)))
            start_s = marks[-1][2]
    return [mark for mark in marks if mark[2] > mark[1]]


def _phones(marks: Iterable[tuple[str, float, float]], model: Sequence[Phone]) -> tuple[Phone, ...]:
    """From the first sound to the last; stresses are those of `model`, the same words said by another voice."""
    marks = list(marks)
    sounds = [mark for mark in marks if mark[0] != "pau"]
    if not sounds:
        return ()
    spelled = from_spelling(" ".join("AH" if name == "ax" else name.upper() for name, _, _ in sounds), model).phones
    placed = dict(zip(sounds, spelled, strict=True))
    inner = marks[marks.index(sounds[0]) : marks.index(sounds[-1]) + 1]
    return tuple(_phone(mark, placed.get(mark)) for mark in inner)


def _phone(mark: tuple[str, float, float], spelled: Phone | None) -> Phone:
    name, start_s, end_s = mark
    if spelled is None:
        return Phone(SILENCE, start_s, end_s)
    return replace(spelled.at(start_s, end_s), symbol=_WEAK.get(name, spelled.symbol))
