"""The whole path on one screen: glosses -> plan -> score -> curves -> track -> files. Every arrow is one call."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from slp_mouthing.cast import CastOptions, find_head
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.files import safe_stem, shown
from slp_mouthing.settings import DRIVERS, StudioOptions
from slp_mouthing.types import FaceMotion, FaceTrack, MouthScore, Take, Utterance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from slp_mouthing.articulation import Style
    from slp_mouthing.drivers import Driver, Moved
    from slp_mouthing.formats import PictureOptions
    from slp_mouthing.head.rig import Head
    from slp_mouthing.head.transfer import Transfer
    from slp_mouthing.mouthing.lexicon import Lexicon
    from slp_mouthing.speech.espeak import Espeak
    from slp_mouthing.speech.f5 import F5
    from slp_mouthing.speech.recording import Recording
    from slp_mouthing.types import (
        Array,
        BodySequence,
        ControlCurves,
        FaceFrame,
        MouthingPlan,
        Phone,
        Sign,
        Speech,
    )


class OnStep(Protocol):
    """Is told what is being done now; `slow` marks what takes far longer than usual, such as a first compilation."""

    def __call__(self, text: str, slow: bool = False) -> None: ...


def silent(text: str, slow: bool = False) -> None:
    """The `OnStep` of a caller who does not want to know."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one input file."""

    outputs: tuple[Path, ...] = ()
    signing_s: float = 0.0
    warnings: tuple[str, ...] = ()
    made: int = 0
    """Utterances rendered now; the others were there."""

    def __add__(self, other: FileReport) -> FileReport:
        return FileReport(
            self.outputs + other.outputs,
            self.signing_s + other.signing_s,
            self.warnings + other.warnings,
            self.made + other.made,
        )


@dataclass(frozen=True)
class Result:
    """One utterance, rendered to a face: what `render` returns."""

    track: FaceTrack
    plan: MouthingPlan
    score: MouthScore = field(repr=False)
    head: Head = field(repr=False)
    speak: Callable[[], Speech] = field(repr=False)
    """Gives the voice, and makes it the first time."""
    preview: Callable[[], FaceTrack] = field(repr=False)
    """Gives the track that pictures show, with eyes and brows that live."""
    cast: CastOptions = field(repr=False, default_factory=CastOptions)
    """Who pictures show."""
    body: BodySequence | None = field(repr=False, default=None)
    """The signing that goes with the face, on its clock."""

    @cached_property
    def motion(self) -> FaceMotion:
        """Vertex offsets of the head from its neutral, [T, V, 3] m; computed when first asked for."""
        return FaceMotion(self.track.fps, self.vertices_m - self.head.neutral_m, self.track.head)

    @property
    def vertices_m(self) -> Array:
        """The posed mesh, [T, V, 3] m."""
        return self.head.pose(self.track.blendshapes, self.track.tongue, self.track.eyes_pose)

    @property
    def sound(self) -> Speech:
        """The voice on the signs' clock, synthesised or recorded, as long as the track."""
        return self.speak()

    def take(self, *, sound: bool = False, preview: bool = False) -> Take:
        """What an exporter gets."""
        track = self.preview() if preview else self.track
        return Take(track, self.head, safe_stem(self.plan.name), self.plan, self.sound if sound else None, self.body)

    def save(self, path: str | Path, picture: PictureOptions | None = None) -> tuple[str, ...]:
        """Write one file in the format of its suffix: `.track.npz`, `.plan.json`, `.glb`, `.mp4`, ...

        Returns what that format cannot show of this face, a line each. Raises `OutputError`.
        """
        from slp_mouthing import formats

        picture = picture or formats.PictureOptions(cast=self.cast)
        shown = Path(path).suffix.lstrip(".") in formats.PICTURES
        return formats.save(self.take(sound=picture.sound, preview=shown), Path(path), picture)


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
        self._head: Head | None = None

    def check(self) -> None:
        """Load lexicon, voice, head and driver, and raise the `MouthError` that rendering would raise for them."""
        _ = self.lexicon, self.voice, self.head, self._f5
        resting = MouthScore((), (), duration_s=1.0)
        self._driver.move(resting, lambda: self.voice.speak(""), self.options.fps, self._style)

    def render(self, signs: str | Utterance, recording: Recording | None = None) -> Result:
        """One utterance, given as gloss text or parsed; on the clock of `recording` and in its voice where there is one.

        Raises `MouthError` (`InputError` for several utterances, `MissingExtra` for a recording without pocketsphinx).
        """
        from slp_mouthing.dubbing import dub
        from slp_mouthing.notation import format_utterance

        utterance = self._utterance(signs)
        plan = dub(utterance, recording, self.plan, self._pronounce) if recording else self.plan(utterance)
        return self.perform(plan, format_utterance(utterance), recording)

    def stream(self, signs: Iterable[str | Sign], lookahead: int = 1) -> Iterator[FaceFrame]:
        """Frames of the face as signs arrive: gloss tokens or `Sign`s in order of time.

        A sign's frames leave when `lookahead` more signs are there, or none is to come; with 0 they leave at once, and a sign
        that would have lent or taken a mouthing, or blended into the next, does not. Raises `MouthError`.
        """
        from slp_mouthing.streaming import stream

        return stream(self, signs, lookahead)

    def plan(self, utterance: Utterance) -> MouthingPlan:
        """What the mouth does on each sign, when, and why. Loads neither head nor renderer."""
        from slp_mouthing.mouthing.plan import PlanOptions, plan
        from slp_mouthing.upper_face import brow_actions

        own, without = self.options, frozenset(self.options.without_rules)
        options = PlanOptions(strict=own.strict, density=own.density, fps=own.fps, seed=own.seed, without=without)
        made = plan(utterance, self.lexicon, self._pronounce, options)
        found = {k: self.lexicon.meaning(sign.lemma or sign.gloss) for k, sign in enumerate(made.signs)}
        return replace(made, brows=brow_actions(made, {k: meaning for k, meaning in found.items() if meaning}, without))

    def perform(self, plan: MouthingPlan, source: str = "", recording: Recording | None = None) -> Result:
        """The plan as a face in motion. `source` is the input as the track's meta records it.

        `recording` is heard instead of a synthesised voice; the plan is on its clock.
        """
        from slp_mouthing.mouthing import gestures
        from slp_mouthing.timing import TimingOptions, score, sound
        from slp_mouthing.voicing import voiced

        options, meta = self.options, self._meta(source, recording)
        if self._f5 and not recording:
            plan, recording = voiced(plan, self._f5, self._pronounce)
        scored = score(plan, gestures.find, TimingOptions(fps=options.fps))
        speak = cache(lambda: sound(plan, scored, self.voice.speak))
        if recording:
            speak = cache(lambda: replace(recording.cut(plan.offset_s, scored.duration_s), phones=scored.phones))
        driver = self._driver.for_any_voice() if recording else self._driver
        made = driver.move(scored, speak, options.fps, self._style)
        lively = cache(lambda: self._lively(made.curves, plan))
        track = self._track(lively() if options.upper_face == "always" else made.curves, meta)
        if options.vertices:
            track = self._with_vertices(track, made)
        preview = cache(lambda: self._track(lively(), meta) if options.upper_face == "previews" else track)
        return Result(track, plan, scored, self.head, speak, preview, options.cast)

    @property
    def _style(self) -> Style:
        from slp_mouthing.articulation import Style

        return Style(self.options.intensity, self.options.jaw, self.options.lip)

    def _lively(self, curves: ControlCurves, plan: MouthingPlan) -> ControlCurves:
        """With eyes and brows."""
        from slp_mouthing.upper_face import UpperFaceOptions, add_upper_face

        return add_upper_face(curves, plan, UpperFaceOptions(seed=self.options.seed))

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

    @cached_property
    def _f5(self) -> F5 | None:
        from slp_mouthing.assets import user_folder
        from slp_mouthing.speech.f5 import F5, find_files, find_python

        return F5(find_files(user_folder("f5", self.options.f5)), find_python()) if self.options.tts == "f5" else None

    @cached_property
    def _driver(self) -> Driver:
        from slp_mouthing.driver_files import read_driver
        from slp_mouthing.drivers import find_driver

        if self.options.driver in DRIVERS:
            return find_driver(self.options.driver, self.voice)
        return read_driver(self.options.driver, self.voice, self.head, self.options.subject)

    @property
    def streams(self) -> bool:
        """Whether `stream` can be had of this driver."""
        return self._driver.streams

    @property
    def head(self) -> Head:
        with self._loading:
            if self._head is None:
                self._head = find_head(self.options.cast)
            return self._head

    def _utterance(self, signs: str | Utterance) -> Utterance:
        from slp_mouthing.notation import parse

        if isinstance(signs, Utterance):
            _check_times(signs)
            return signs
        if not isinstance(signs, str):
            raise InputError(f"got {type(signs).__name__}, expected gloss text or an Utterance")
        utterances = parse(signs, strict=self.options.strict, style=self.options.read.style)
        if len(utterances) != 1:
            raise InputError(f"{len(utterances)} utterances, expected one", hint="render them one by one")
        return utterances[0]

    def _pronounce(self, text: str | None, ipa: str | None) -> tuple[Phone, ...]:
        return self.voice.pronounce(text or "", ipa)

    def _track(self, curves: ControlCurves, meta: str) -> FaceTrack:
        """The curves on the studio's head. They are made for the built-in head, and carried over to any other."""
        from slp_mouthing.head.builtin import BuiltinHead, load_builtin

        head = self.head if isinstance(self.head, BuiltinHead) else load_builtin()
        opening_m, width_m = head.lips(curves.blendshapes, curves.tongue)
        track = FaceTrack(
            fps=curves.fps,
            head=head.name,
            jaw_pose=head.jaw_pose(curves.blendshapes),
            blendshapes=curves.blendshapes,
            eyes_pose=head.eyes_pose(curves.blendshapes),
            tongue=curves.tongue,
            lip_opening_m=opening_m,
            lip_width_m=width_m,
            meta=meta,
        )
        return track if self.head is head else self._transfer(track)

    def _with_vertices(self, track: FaceTrack, made: Moved) -> FaceTrack:
        offsets = self.head.pose(track.blendshapes, track.tongue, track.eyes_pose) - self.head.neutral_m
        return replace(track, vertex_offsets=offsets + made.lacking() if made.lacking else offsets)

    @cached_property
    def _transfer(self) -> Transfer:
        return _transfer_to(self.head)

    def render_file(
        self,
        path: str | Path,
        out: str | Path,
        *,
        formats: Sequence[str] = ("mp4", "glb"),
        stem: str | None = None,
        picture: PictureOptions | None = None,
        body: BodySequence | None = None,
        recording: Recording | None = None,
        reuse: bool = False,
        on_step: OnStep = silent,
    ) -> FileReport:
        """Render every utterance of a file to `out/STEM.track.npz`, `out/STEM.plan.json` and one file per format.

        Several utterances become `STEM-001`, `STEM-002`, ... With `reuse`, those whose files are there, whole, and made from
        the same input by the same settings are left as they are. Raises `MouthError`.

        `body`: the signing, for formats that show it. Where it says when its signs are made, those times hold.
        `recording`: the voice, whose clock then holds; of several utterances, each is at its own place on it.
        """
        from slp_mouthing.dubbing import check_places
        from slp_mouthing.formats import PictureOptions, prepare, suffixes
        from slp_mouthing.notation import read
        from slp_mouthing.staging import assigned

        path, picture = Path(path), replace(picture or PictureOptions(), cast=self.options.cast)
        wanted = suffixes(("track.npz", "plan.json", *formats))
        utterances = read(path, strict=self.options.strict, options=self.options.read)
        prepare(wanted, on_step)
        report = FileReport(warnings=self._head_warnings())
        if recording:
            check_places(utterances, recording)
        signing, notes = assigned(utterances, body)
        report += FileReport(warnings=notes)
        made: list[str] = []
        for utterance, signed in signing:
            name = (stem or safe_stem(path.stem)) + utterance.name.removeprefix(shown(path.stem))
            targets = [Path(out) / f"{name}.{suffix}" for suffix in wanted]
            report += self._render_utterance(utterance, signed, recording, targets, picture, reuse, on_step)
            made.append(name)
        return report + FileReport(warnings=_stale(Path(out), stem or safe_stem(path.stem), made))

    def _head_warnings(self) -> tuple[str, ...]:
        from slp_mouthing.head.gltf_head import GlbHead

        return tuple(f"{self.head.name}: {text}" for text in self.head.warnings) if isinstance(self.head, GlbHead) else ()

    def _render_utterance(
        self,
        utterance: Utterance,
        body: BodySequence | None,
        recording: Recording | None,
        targets: list[Path],
        picture: PictureOptions,
        reuse: bool,
        on_step: OnStep,
    ) -> FileReport:
        if reuse and self._is_made(utterance, recording, targets):
            return FileReport(tuple(targets), utterance.end_s)
        on_step(f"{targets[0].name}: mouthing {len(utterance.signs)} signs")
        result = replace(self.render(utterance, recording), body=body)
        warnings = result.plan.warnings
        for target in targets:
            on_step(f"writing {target}")
            warnings += result.save(target, picture)
        return FileReport(tuple(targets), utterance.end_s, warnings, made=1)

    def _is_made(self, utterance: Utterance, recording: Recording | None, targets: list[Path]) -> bool:
        """Whether all files are there and whole, and the track made from this input by these settings."""
        from slp_mouthing.formats import is_whole
        from slp_mouthing.notation import format_utterance

        if not all(is_whole(path) for path in targets):
            return False
        try:
            track = FaceTrack.load(targets[0])
        except InputError:
            return False
        return track.meta == self._meta(format_utterance(utterance), recording) and track.fps == self.options.fps

    def _meta(self, source: str, recording: Recording | None) -> str:
        from slp_mouthing import __version__

        options = self.options
        meta = {"version": __version__, "input": source, "voice": self.voice.name, "seed": options.seed,
                "decoder": self._driver.checksum, "settings": self._settings}  # fmt: skip
        if self._driver.name:
            meta |= {"network": self._driver.name}
        if self._f5:
            meta |= {"voice": "F5-TTS", "recording": self._f5.checksum}
        if recording:
            meta |= {"voice": recording.name, "recording": recording.checksum}
        return json.dumps(meta, ensure_ascii=False)

    @cached_property
    def _settings(self) -> str:
        """Checksum of everything else that shapes a track: options and lexicon."""
        options = self.options
        style = (options.intensity, options.jaw, options.lip)
        settings = (
            options.cast,
            style,
            options.upper_face,
            options.vertices,
            options.density,
            options.without_rules,
            options.read,
            self.lexicon.checksum,
        )
        digest = hashlib.sha256(repr(settings).encode())
        return digest.hexdigest()[:16]


def _check_times(utterance: Utterance) -> None:
    """Raises `InputError` for slots that a reader would not give."""
    end_s = 0.0
    for sign in utterance.signs:
        # Written so that NaN fails it.
        if not end_s - 1e-6 <= sign.start_s < sign.end_s < float("inf"):
            what = f"sign '{sign.gloss}' is from {sign.start_s:g} to {sign.end_s:g} s, after one that ends at {end_s:g} s"
            raise InputError(what, hint="signs stand in order of time from 0 on, and do not overlap")
        end_s = sign.end_s


def render(signs: str | Utterance, recording: Recording | None = None, **settings: Any) -> Result:
    """One utterance to a face: `render("WHY@0.5 PT:PRO2SG@0.2 LATE@0.6")`. Settings are those of `Studio`.

    The studio stays loaded between calls with the same settings. Raises `MouthError`.
    """
    return _shared_studio(StudioOptions(**settings)).render(signs, recording)


@lru_cache(maxsize=4)
def _shared_studio(options: StudioOptions) -> Studio:
    return Studio(options)


def export_track(
    track: str | Path, targets: Sequence[Path], picture: PictureOptions | None = None, on_step: OnStep = silent
) -> tuple[str, ...]:
    """Write a `.track.npz` in other formats, each named by its suffix.

    The track's own head is taken; `picture.cast` says where a FLAME, a GLB head or an avatar is found. A track of the built-in
    head moves to another one that is asked for. Returns what those formats cannot show of this face, a line each. Raises
    `MouthError`.
    """
    from slp_mouthing import formats

    loaded = FaceTrack.load(track)
    picture = picture or formats.PictureOptions()
    formats.prepare([target.suffix.lstrip(".") for target in targets], on_step)
    cast = picture.cast
    if cast.head == "builtin" and loaded.head.startswith("flame"):
        cast = replace(cast, head="flame")
    elif cast.head == "builtin" and loaded.head.endswith(".glb"):
        raise HeadError(f"the track is of the head {loaded.head}", where=str(track), hint="give that file with --head")
    head = find_head(cast)
    if loaded.head == "builtin" and head.name != "builtin":
        on_step(f"moving the face to {head.name}")
        loaded = _transfer_to(head)(loaded)
    take = Take(loaded, head, safe_stem(Path(track).name.removesuffix(".track.npz")))
    lost: tuple[str, ...] = ()
    for target in targets:
        on_step(f"writing {target}")
        lost += formats.save(take, target, replace(picture, cast=cast))
    return lost


def _transfer_to(head: Head) -> Transfer:
    """From the built-in head, whose controls the drivers make, to another one."""
    from slp_mouthing.head.builtin import load_builtin
    from slp_mouthing.head.flame_controls import ControlledFlame
    from slp_mouthing.head.transfer import Transfer

    return head.transfer if isinstance(head, ControlledFlame) else Transfer(load_builtin(), head)


def _stale(out: Path, stem: str, made: list[str]) -> tuple[str, ...]:
    """What an earlier run left, when the file had more utterances, or one where there are several now."""
    last = 0 if made == [stem] else len(made) and int(made[-1].removeprefix(f"{stem}-"))
    numbered = (f"{stem}-{number:03}" for number in count(last + 1))
    left = [stem, *takewhile(lambda name: (out / f"{name}.plan.json").exists(), numbered)]
    names = [f"{name}.plan.json" for name in left if name not in made and (out / f"{name}.plan.json").exists()]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    told = f"{', '.join(names[:3])}{more}: not of this run; delete what is out of date, with the files beside it"
    return (f"{out}: {told}",) if names else ()
