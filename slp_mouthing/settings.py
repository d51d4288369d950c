"""What a user may choose for everything that is rendered, and which choices there are."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slp_mouthing.cast import CastOptions
from slp_mouthing.errors import InputError
from slp_mouthing.mouthing.rulebook import check_names
from slp_mouthing.notation.options import ReadOptions

DRIVERS = ("neural", "rules")
NETWORKS = (".npz", ".safetensors")
TTS = ("espeak", "f5")
UPPER_FACE = ("previews", "always", "never")


@dataclass(frozen=True, slots=True)
class StudioOptions:
    """What holds for everything a studio renders."""

    head: str = "builtin"
    """`builtin`, `flame`, or the path of a GLB file with ARKit's shapes."""
    flame: Path | None = None
    """Folder of the user's FLAME; None: the configured one."""
    flame_shape: int | None = None
    """Where the expression starts among FLAME's directions; None: 300, as published."""
    avatar: str = "default"
    """A person of the built-in head by name, or the folder of a Gaussian avatar."""
    voice: str | None = None
    """espeak-ng voice; None: the lexicon's."""
    tts: str = "espeak"
    """What is heard: one of `TTS`. Words are pronounced by espeak-ng in any case."""
    f5: Path | None = None
    """Folder of the user's F5-TTS; None: the configured one."""
    lexicons: tuple[Path, ...] = ()
    """The user's own, layered over the built-in one in this order."""
    fps: float = 30.0
    driver: str = "neural"
    """What moves the mouth: one of `DRIVERS`, or the path of a network, see `driver_files`."""
    subject: str = ""
    """In whose style such a network speaks, where it knows some; empty: the usual one."""
    intensity: float = 1.0
    """Size of the mouth's movements, 0 to 2; 1 is clear everyday mouthing."""
    jaw: float = 1.0
    """Share of the jaw in them, 0 to 2."""
    lip: float = 1.0
    """Share of the lips in them, 0 to 2."""
    upper_face: str = "previews"
    """Whether eyes and brows live. One of `UPPER_FACE`: in pictures alone, so that tracks leave a captured body its own;
    in tracks as well; nowhere."""
    seed: int = 0
    """Of what is left to chance: when the eyes blink, which mouthings a density below 1 keeps."""
    without_rules: tuple[str, ...] = ()
    """Rules that are turned off, of `mouthing.rulebook.NAMES`."""
    vertices: bool = False
    """Keep the posed mesh in the track, as offsets from the neutral one; a driver that moves vertices keeps its own."""
    density: float = 1.0
    """Share of the mouthings kept that a sign could do without, 0 to 1: signers differ."""
    read: ReadOptions = field(default_factory=ReadOptions)
    """How input files are read, where their notation leaves a choice."""
    strict: bool = False
    """An unknown gloss, or an utterance that cannot be read, is an error instead of a warning."""

    def __post_init__(self) -> None:
        self._normalize()
        if self.head not in ("builtin", "flame") and not self.head.lower().endswith(".glb"):
            raise InputError(f"unknown head '{self.head}', allowed: builtin, flame, or the path of a .glb file")
        if self.driver not in DRIVERS and not self.driver.lower().endswith(NETWORKS):
            what = (
                f"unknown driver '{self.driver}', allowed: {', '.join(DRIVERS)}, or the path of a network ({', '.join(NETWORKS)})"
            )
            raise InputError(what, hint="bring a published checkpoint in with `mouth model import`")
        if self.subject and not self.driver.lower().endswith(NETWORKS[1]):
            raise InputError(f"the driver {self.driver} knows no subject '{self.subject}': it has one style")
        if self.upper_face not in UPPER_FACE:
            raise InputError(f"unknown choice of the upper face '{self.upper_face}', allowed: {', '.join(UPPER_FACE)}")
        if self.tts not in TTS:
            raise InputError(f"unknown voice '{self.tts}', allowed: {', '.join(TTS)}")
        if not 1.0 <= self.fps <= 240.0:
            raise InputError(f"fps is {self.fps:g}, allowed: 1 to 240")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}, allowed: 0 and above")
        for name, high in (("intensity", 2.0), ("jaw", 2.0), ("lip", 2.0), ("density", 1.0)):
            if not 0.0 <= getattr(self, name) <= high:
                raise InputError(f"{name} is {getattr(self, name):g}, allowed: 0 to {high:g}")

    def _normalize(self) -> None:
        """Callers give paths as text, one lexicon without a list, and whole numbers."""
        lexicons = (self.lexicons,) if isinstance(self.lexicons, str | Path) else self.lexicons
        try:
            values: dict[str, Any] = {name: float(getattr(self, name)) for name in ("fps", "intensity", "jaw", "lip", "density")}
            values["lexicons"] = tuple(Path(path) for path in lexicons)
            values["without_rules"] = tuple(sorted(check_names(self.without_rules)))
            values["voice"] = None if self.voice is None else str(self.voice)
            values["seed"] = operator.index(self.seed)
            values |= {name: None if path is None else Path(path) for name, path in (("flame", self.flame), ("f5", self.f5))}
            values |= {name: str(getattr(self, name)) for name in ("head", "avatar", "driver", "subject")}
        except (TypeError, ValueError) as error:
            raise InputError(f"a setting has a wrong type: {error}") from error
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def cast(self) -> CastOptions:
        return CastOptions(self.head, self.flame, self.flame_shape, self.avatar)
