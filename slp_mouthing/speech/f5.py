"""F5-TTS: a natural voice that copies a reference, each mouthing exactly as long as its sign allows.

F5's libraries pin versions that do not go together with ours, so it runs in an environment of its own (`make f5-env`), in a
process that this one talks to (`f5_worker.py`). The model, its vocoder and the voice are the user's; none comes with the package.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import wave
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InstallationError, SpeechError
from slp_mouthing.files import shown
from slp_mouthing.speech import f5_worker
from slp_mouthing.speech.recording import read_recording

if TYPE_CHECKING:
    from slp_mouthing.speech.recording import Recording
    from slp_mouthing.types import Array

RATE_HZ = 24000
REFERENCE_S = (1.0, 15.0)
"""Shortest and longest reference; F5 was trained on up to 30 s of reference and speech together."""
ENVIRONMENT = "SLP_MOUTHING_F5_ENV"
_SETTINGS = {"PYTHONPATH": "", "PYTHONIOENCODING": "utf-8", "HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled"}
"""Of the worker: nothing of ours among its modules, and nothing from or to the network."""
_MAKE = f"make f5-env in the project's folder, or let {ENVIRONMENT} name an environment that has f5-tts"
_LAYOUT = "see 'F5-TTS' in docs/voices.md for what goes into the folder"


@dataclass(frozen=True, slots=True)
class F5Files:
    """What the user brings."""

    checkpoint: Path
    """`*.safetensors` or `*.pt`."""
    vocabulary: Path
    """`vocab.txt`: one letter a line."""
    vocoder: Path
    """Folder `vocos`: `config.yaml` and `pytorch_model.bin`."""
    reference: Path
    """`reference.*`: some seconds of the voice."""
    reference_text: str
    """`reference.txt`: what is said in it."""
    config: Path | None = None
    """F5's own `*.yaml` for the checkpoint; None: as for F5-TTS v1."""

    @property
    def checksum(self) -> str:
        digest = hashlib.sha256(self.reference_text.encode())
        vocoder = (self.vocoder / "config.yaml", self.vocoder / "pytorch_model.bin")
        for path in (self.checkpoint, self.vocabulary, *vocoder, self.reference, self.config):
            if path:
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class F5Options:
    """How F5 samples; the defaults are its own."""

    steps: int = 32
    """Evaluations of the flow; 16 is twice as fast and slightly rougher."""
    guidance: float = 2.0
    """Strength of classifier-free guidance."""
    sway: float = -1.0
    """Sway sampling: below 0, early steps are finer."""
    seed: int = 0
    """Of the noise that each mouthing begins from."""
    threads: int = 0
    """Of the processor; 0: all."""


def find_files(folder: str | Path) -> F5Files:
    """The files in the user's folder. Raises `SpeechError` that names the one that is missing."""
    folder = Path(folder)
    if not folder.is_dir():
        raise SpeechError("no such folder", where=shown(folder), hint=_LAYOUT)
    vocoder = folder / "vocos"
    for path in (folder / "vocab.txt", vocoder / "config.yaml", vocoder / "pytorch_model.bin", folder / "reference.txt"):
        if not path.is_file():
            raise SpeechError(f"no {path.relative_to(folder).as_posix()} in it", where=shown(folder), hint=_LAYOUT)
    sounds = [path for path in sorted(folder.glob("reference.*")) if path.suffix != ".txt"]
    text = (folder / "reference.txt").read_text(encoding="utf-8", errors="replace").strip()
    if not text:
        raise SpeechError("says nothing", where=shown(folder / "reference.txt"), hint="write what is said in the reference")
    return F5Files(
        checkpoint=_one(folder, [*folder.glob("*.safetensors"), *folder.glob("*.pt")], "checkpoint (.safetensors or .pt)"),
        vocabulary=folder / "vocab.txt",
        vocoder=vocoder,
        reference=_one(folder, sounds, "reference.wav"),
        reference_text=text,
        config=next(iter(sorted(folder.glob("*.yaml"))), None),
    )


def find_python() -> Path:
    """The Python of F5's environment. Raises `InstallationError`."""
    named = os.environ.get(ENVIRONMENT)
    folder = Path(named) if named else Path(__file__).parents[2] / "build" / "f5"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.is_file():
        raise InstallationError("F5-TTS has no environment", where=str(folder), hint=_MAKE)
    return python


class F5:
    """A voice of F5-TTS. Loads when it first speaks; safe to share between threads. The same words are the same sound."""

    def __init__(self, files: F5Files, python: Path, options: F5Options | None = None) -> None:
        self.files, self.python, self.options = files, python, options or F5Options()
        self.checksum = hashlib.sha256(f"{files.checksum} {self.options}".encode()).hexdigest()[:16]
        self._lock = threading.Lock()
        self._said: dict[tuple[str, int], Array] = {}
        self._process: _Process | None = None

    def say(self, text: str, duration_s: float) -> Array:
        """`text` in a slot: exactly round(duration_s x 24000) samples, [N] in [-1, 1].

        Raises `SpeechError` when F5 cannot load its files or speak, `InstallationError` when its environment lacks something.
        """
        samples = round(duration_s * RATE_HZ)
        with self._lock:
            if (text, samples) not in self._said:
                self._process = self._process or _Process(self.python, self._setup())
                self._said[text, samples] = self._process.say(text, samples)
            return self._said[text, samples]

    def _setup(self) -> dict[str, Any]:
        files, options = self.files, self.options
        return {
            "checkpoint": str(files.checkpoint),
            "vocabulary": str(files.vocabulary),
            "vocoder": str(files.vocoder),
            "config": str(files.config or ""),
            "reference_text": files.reference_text,
            "reference": _reference(files),
            "steps": options.steps,
            "guidance": options.guidance,
            "sway": options.sway,
            "seed": options.seed,
            "threads": options.threads or os.cpu_count() or 1,
        }


class _Process:
    """The worker, loaded. Ends with this object, or with this program."""

    def __init__(self, python: Path, setup: dict[str, Any]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slp-mouthing-f5-"))
        write_wav(self.folder / "reference.wav", setup["reference"])
        self.errors = (self.folder / "errors.txt").open("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [str(python), f5_worker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            encoding="utf-8",
            env=os.environ | _SETTINGS,
        )
        weakref.finalize(self, _end, self.process, self.errors, self.folder)
        self._ask(setup | {"reference": str(self.folder / "reference.wav")})

    def say(self, text: str, samples: int) -> Array:
        out = self.folder / "said.wav"
        self._ask({"text": text, "samples": samples, "out": str(out)})
        with wave.open(str(out), "rb") as file:
            return np.frombuffer(file.readframes(samples), "<i2").astype(np.float32) / np.float32(2**15)

    def _ask(self, request: dict[str, Any]) -> None:
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"it ended without an answer: {self._last_words()}"}
        if problem := answer.get("error"):
            missing = problem.startswith(("ModuleNotFoundError", "ImportError", "OSError: lib"))
            kind = InstallationError if missing else SpeechError
            raise kind(f"F5-TTS: {problem}", hint=_MAKE if missing else "")

    def _last_words(self) -> str:
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors if line.strip()]
        return lines[-1] if lines else "killed, or out of memory"


def _end(process: subprocess.Popen[str], errors: IO[str], folder: Path) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, errors):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()
    shutil.rmtree(folder, ignore_errors=True)


def _reference(files: F5Files) -> Recording:
    recording = read_recording(files.reference)
    low_s, high_s = REFERENCE_S
    if not low_s <= recording.duration_s <= high_s:
        what = f"the reference lasts {recording.duration_s:.1f} s, allowed: {low_s:g} to {high_s:g}"
        raise SpeechError(what, where=shown(files.reference), hint="cut it at a pause, and its text with it")
    return recording


def write_wav(path: Path, recording: Recording) -> None:
    """As F5 wants it: 24,000 samples a second of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(recording.at_rate(RATE_HZ).astype("<i2").tobytes())


def _one(folder: Path, found: list[Path], what: str) -> Path:
    if len(found) != 1:
        names = ", ".join(sorted(path.name for path in found)) or "none"
        raise SpeechError(f"one {what} is needed, found {names}", where=shown(folder), hint=_LAYOUT)
    return found[0]
