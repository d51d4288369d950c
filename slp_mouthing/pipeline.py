"""The whole path on one screen: glosses -> plan -> score -> curves -> track -> files. Every arrow is one call."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from slp_mouthing.errors import InputError, MouthError, OutputError
from slp_mouthing.types import FaceMotion, FaceTrack, Take

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slp_mouthing.head.rig import Head
    from slp_mouthing.mouthing.lexicon import Lexicon
    from slp_mouthing.render.scene import Renderer
    from slp_mouthing.speech.espeak import Espeak
    from slp_mouthing.types import Array, ControlCurves, MouthingPlan, MouthScore, Phone, Speech, Utterance

Driver = Literal["rules"]
DRIVERS: tuple[Driver, ...] = ("rules",)
HEADS: tuple[str, ...] = ("builtin",)


@dataclass(frozen=True, slots=True)
class StudioOptions:
    """What holds for everything a studio renders."""

    head: str = "builtin"
    voice: str | None = None
    """espeak-ng voice; None: the lexicon's."""
    lexicons: tuple[Path, ...] = ()
    """The user's own, layered over the built-in one in this order."""
    fps: float = 30.0
    driver: Driver = "rules"
    intensity: float = 1.0
    """Size of the mouth's movements; 1 is clear everyday mouthing."""
    strict: bool = False
    """Raise where a warning would be given."""

    def __post_init__(self) -> None:
        if self.head not in HEADS:
            raise InputError(f"unknown head '{self.head}', allowed: {', '.join(HEADS)}")
        if self.driver not in DRIVERS:
            raise InputError(f"unknown driver '{self.driver}', allowed: {', '.join(DRIVERS)}")
        if not 1.0 <= self.fps <= 240.0:
            raise InputError(f"fps is {self.fps:g}, allowed: 1 to 240")
        if not 0.0 <= self.intensity <= 2.0:
            raise InputError(f"intensity is {self.intensity:g}, allowed: 0 to 2")


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How frames look: videos and contact sheets."""

    size: int = 512
    """Width and height in pixels."""
    view: str = "portrait"
    style: str = "splat"
    captions: bool = False
    """Burn in each sign's gloss and its mouthing."""
    sound: bool = False
    """Give the video the synthesised voice."""


@dataclass(frozen=True)
class Result:
    """One utterance, rendered to a face: what `render` returns."""

    track: FaceTrack
    plan: MouthingPlan
    score: MouthScore = field(repr=False)
    head: Head = field(repr=False)
    voice: Espeak = field(repr=False)

    @cached_property
    def motion(self) -> FaceMotion:
        """Vertex offsets of the head from its neutral, [T, V, 3] m; computed when first asked for."""
        return FaceMotion(self.track.fps, self.vertices_m - self.head.neutral_m, self.track.head)

    @property
    def vertices_m(self) -> Array:
        """The posed mesh, [T, V, 3] m."""
        return self.head.pose(self.track.blendshapes, self.track.tongue, self.track.eyes_pose)

    @cached_property
    def sound(self) -> Speech:
        """The synthesised voice on the signs' clock, as long as the track."""
        from slp_mouthing.timing import sound

        return sound(self.plan, self.score, self.voice.speak)

    def save(self, path: str | Path, picture: PictureOptions | None = None) -> None:
        """Write one file in the format of its suffix. Raises `OutputError`."""
        path = Path(path)
        for suffix in sorted(FORMATS, key=len, reverse=True):
            if path.name.endswith(f".{suffix}"):
                FORMATS[suffix](self, path, picture or PictureOptions())
                return
        raise OutputError(f"unknown format of '{path.name}', allowed: {', '.join(FORMATS)}")


class Studio:
    """Loads lexicon, voice and head once, then renders utterance after utterance. Safe to share between threads."""

    def __init__(self, options: StudioOptions | None = None, **settings: Any) -> None:
        """Settings are the fields of `StudioOptions`: `Studio(head="builtin", voice="en-gb", fps=25)`."""
        if options is not None and settings:
            raise TypeError("give options or settings, not both")
        self.options = options or StudioOptions(**settings)
        self._loading = threading.Lock()
        self._lexicon: Lexicon | None = None
        self._voice: Espeak | None = None

    def render(self, signs: str | Utterance) -> Result:
        """One utterance, given as gloss text or parsed. Raises `MouthError` (`InputError` for several utterances)."""
        return self.perform(self.plan(self._utterance(signs)))

    def plan(self, utterance: Utterance) -> MouthingPlan:
        """What the mouth does on each sign, when, and why. Loads neither head nor renderer."""
        from slp_mouthing.mouthing.plan import PlanOptions, plan

        options = PlanOptions(strict=self.options.strict, fps=self.options.fps)
        return plan(utterance, self.lexicon, self._pronounce, options)

    def perform(self, plan: MouthingPlan) -> Result:
        """The plan as a face in motion."""
        from slp_mouthing.articulation import Style, articulate
        from slp_mouthing.mouthing import gestures
        from slp_mouthing.timing import TimingOptions, score

        scored = score(plan, gestures.find, TimingOptions(fps=self.options.fps))
        curves = articulate(scored, self.options.fps, Style(intensity=self.options.intensity))
        return Result(self._track(curves, plan), plan, scored, self.head, self.voice)

    @property
    def lexicon(self) -> Lexicon:
        from slp_mouthing.mouthing.lexicon import load_lexicon

        with self._loading:
            if self._lexicon is None:
                self._lexicon = load_lexicon(self.options.lexicons)
            return self._lexicon

    @property
    def voice(self) -> Espeak:
        from slp_mouthing.speech.espeak import Espeak

        name = self.options.voice or self.lexicon.voice
        with self._loading:
            if self._voice is None:
                self._voice = Espeak(name)
            return self._voice

    @property
    def head(self) -> Head:
        from slp_mouthing.head.builtin import load_builtin

        return load_builtin()

    def _utterance(self, signs: str | Utterance) -> Utterance:
        from slp_mouthing.notation import parse

        if not isinstance(signs, str):
            return signs
        utterances = parse(signs, strict=self.options.strict)
        if len(utterances) != 1:
            raise InputError(f"{len(utterances)} utterances, expected one", hint="render them one by one")
        return utterances[0]

    def _pronounce(self, text: str | None, ipa: str | None) -> tuple[Phone, ...]:
        return self.voice.speak(text or "", ipa).phones

    def _track(self, curves: ControlCurves, plan: MouthingPlan) -> FaceTrack:
        opening_m, width_m = self.head.lips(curves.blendshapes, curves.tongue)
        return FaceTrack(
            fps=curves.fps,
            head=self.head.name,
            jaw_pose=self.head.jaw_pose(curves.blendshapes),
            blendshapes=curves.blendshapes,
            eyes_pose=self.head.eyes_pose(curves.blendshapes),
            tongue=curves.tongue,
            lip_opening_m=opening_m,
            lip_width_m=width_m,
            meta=self._meta(plan),
        )

    def _meta(self, plan: MouthingPlan) -> str:
        from slp_mouthing import __version__

        return json.dumps(
            {"version": __version__, "input": plan.input, "voice": self.voice.name, "seed": 0, "decoder": self.options.driver,
             "settings": self.settings_digest()},
            ensure_ascii=False,
        )  # fmt: skip
