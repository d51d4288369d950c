"""What a lip reader learns from: crops of many people who mouth a corpus, with what they say in each frame.

A scene is one person under one light before one camera; its file holds its clips. Words and people are held out: training clips
are of training words on training people, validation is of validation words on the same people, and the test is of test words on
people that training never sees. Each scene depends on the seed and its own number alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.articulation import Style
from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.files import DAMAGED, atomic_path, atomic_write, check_folder, read_text
from slp_mouthing.lipreading.symbols import letters, numbers, viseme_frames
from slp_mouthing.render.camera import orbit
from slp_mouthing.render.light import Lighting
from slp_mouthing.render.mouth_camera import MouthCameraOptions, mouth_camera, mouth_points
from slp_mouthing.training.faces import head_of, vertices_m

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from slp_mouthing.render.camera import Camera
    from slp_mouthing.training.clip import Clip, Split
    from slp_mouthing.training.corpus import Corpus
    from slp_mouthing.types import Array

    OnScene = Callable[[int, int, int], None]
    """Scenes done, scenes in all, frames so far."""

MANIFEST = "renders.json"
FORMAT = "slp-mouthing renders 1"
_STREAM = 0x11B5
_FIRST_TEST_PERSON = 5000
"""Seeds of people: training's count from 0."""


@dataclass(frozen=True, slots=True)
class RenderOptions:
    people: int = 24
    """To train on."""
    test_people: int = 6
    """That training never sees."""
    clips: int = 20
    """Of each person to train on."""
    validation_clips: int = 2
    """Of each person that training sees."""
    test_clips: int = 12
    """Of each person that it does not."""
    rates: tuple[float, ...] = (25.0, 30.0)
    """Frame rates, drawn for each clip."""
    seed: int = 0

    @property
    def scenes(self) -> int:
        return self.people + self.test_people


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """A clip as a lip reader sees it."""

    split: Split
    person: str
    fps: float
    pictures: NDArray[np.uint8] = field(repr=False)  # [T, 96, 96] grey
    visemes: NDArray[np.int64] = field(repr=False)  # [T] into `symbols.VISEMES`
    letters: NDArray[np.int64] = field(repr=False)  # [L] into `symbols.PHONES`
    middles: Array = field(repr=False)  # [L] frame of each letter's middle

    def __len__(self) -> int:
        return len(self.pictures)


# ---- building -------------------------------------------------------------------------------------------------------------
def build_renders(corpus: Corpus, folder: str | Path, options: RenderOptions, on_scene: OnScene = lambda *_: None) -> None:
    """Render what is missing of the set: a killed build goes on where it was.

    Raises `InputError` for a corpus with too few clips, `OutputError` when the folder holds another set.
    """
    folder = Path(folder)
    check_folder(folder, lambda entry: entry.suffix in (".npz", ".json"))
    settings = {"format": FORMAT, "corpus": f"{corpus.manifest.kind} {corpus.manifest.seed}"} | asdict(options)
    stored = json.loads(json.dumps(settings))
    if (folder / MANIFEST).exists() and read_manifest(folder) != stored:
        raise OutputError("holds renders made with other options", where=str(folder), hint="choose another folder")
    atomic_write(folder / MANIFEST, json.dumps(stored, indent=1) + "\n")
    frames = 0
    for scene in range(options.scenes):
        path = folder / f"scene-{scene:04d}.npz"
        if not path.exists():
            _write_scene(path, list(render_scene(corpus, scene, options)))
        frames += len(read_visemes(path))
        on_scene(scene + 1, options.scenes, frames)


def render_scene(corpus: Corpus, scene: int, options: RenderOptions) -> Iterator[Crops]:
    """One person's clips. Raises `InputError` when the corpus has too few."""
    from slp_mouthing.training.mouth_scene import MouthScene

    rng = np.random.default_rng([options.seed, scene, _STREAM])
    tested = scene >= options.people
    person = str(_FIRST_TEST_PERSON + scene - options.people if tested else scene)
    head = head_of(person)
    camera = _draw_camera(rng, mouth_points(head.neutral_m, head.landmarks))
    mouth = MouthScene.of(head, _draw_lighting(rng), camera, baked=bool(rng.random() < 0.3))
    for split, index in _clips_of(corpus, scene, options):
        yield _crops(corpus[index], split, person, mouth, rng, options)


def _clips_of(corpus: Corpus, scene: int, options: RenderOptions) -> Iterator[tuple[Split, int]]:
    """Each training clip of the corpus is on one person."""
    parts: list[tuple[Split, int, int]] = [("train", options.clips, scene), ("validation", options.validation_clips, scene)]
    if scene >= options.people:
        parts = [("test", options.test_clips, scene - options.people)]
    for split, count, part in parts:
        found = np.random.default_rng([options.seed, _STREAM]).permutation(corpus.indices(split))
        if len(found) < count:
            raise InputError(f"the corpus has {len(found)} {split} clips, {count} are asked for", hint="build a larger one")
        yield from ((split, int(found[(part * count + k) % len(found)])) for k in range(count))


def _crops(clip: Clip, split: Split, person: str, mouth: Any, rng: np.random.Generator, options: RenderOptions) -> Crops:
    import torch

    from slp_mouthing.render.lip_crop import GREY

    fps = float(rng.choice(options.rates))
    style = Style(float(rng.uniform(0.6, 1.3)), float(rng.uniform(0.75, 1.3)), float(rng.uniform(0.75, 1.3)))
    posed = torch.from_numpy(vertices_m(mouth.head, clip.truth(fps, style)))
    with torch.no_grad():
        grey = mouth.pictures(posed) @ torch.tensor(GREY)
    spoken = list(letters(clip.phones))
    return Crops(
        split,
        person,
        fps,
        pictures=(255 * grey.clamp(0, 1)).round().to(torch.uint8).numpy(),
        visemes=viseme_frames(clip.phones, len(posed), fps),
        letters=np.array(numbers(letter.symbol for letter in spoken), np.int64),
        middles=np.array([letter.middle_s * fps for letter in spoken], np.float32),
    )


def _draw_camera(rng: np.random.Generator, points_m: Array) -> Camera:
    """Near enough to the mouth camera: crops of real faces are turned, shifted and sized a little at random."""
    size, distance_m = MouthCameraOptions().size_px, float(rng.uniform(0.8, 1.6))
    options = MouthCameraOptions(distance_m=distance_m, span_per_mouth_width=float(rng.uniform(1.85, 2.2)))
    straight = mouth_camera(points_m, options)
    target = straight.position_m - (0.0, 0.0, distance_m) + rng.uniform(-0.0015, 0.0015, 3)
    yaw, pitch = rng.uniform(-10, 10), rng.uniform(-7, 7)
    span_m = size * distance_m / float(straight.intrinsics[0, 0])
    return orbit(target, yaw_deg=yaw, pitch_deg=pitch, distance_m=distance_m, span_m=span_m, width=size, height=size)


def _draw_lighting(rng: np.random.Generator) -> Lighting:
    usual = Lighting()
    key, fill = (np.array(direction) + rng.uniform(-0.35, 0.35, 3) for direction in (usual.key_direction, usual.fill_direction))
    strength = rng.uniform(0.5, 1.3, 3)[:, None] * [usual.key_color, usual.fill_color, usual.sky_color]
    colors = [tuple(color) for color in strength.tolist()]
    return Lighting(
        key_direction=tuple(key.tolist()), key_color=colors[0], fill_direction=tuple(fill.tolist()), fill_color=colors[1],
        sky_color=colors[2], exposure=float(rng.uniform(0.45, 0.8)),
    )  # fmt: skip


# ---- files ----------------------------------------------------------------------------------------------------------------
def _write_scene(path: Path, clips: Sequence[Crops]) -> None:
    about = [{"split": clip.split, "person": clip.person, "fps": clip.fps} for clip in clips]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(clip, name) for clip in clips]) for name in ("pictures", "visemes", "letters", "middles")
    }
    frames, spoken = ([len(getattr(clip, name)) for clip in clips] for name in ("visemes", "letters"))
    with atomic_path(path) as temporary:
        np.savez(temporary, about=np.array(json.dumps(about)), frames=frames, spoken=spoken, **arrays)


def load_renders(folder: str | Path, split: Split) -> list[Crops]:
    """The clips of a split. Raises `InputError` for a set that is missing, unfinished or damaged."""
    folder = Path(folder)
    manifest = read_manifest(folder)
    count = int(manifest["people"]) + int(manifest["test_people"])
    return [clip for scene in range(count) for clip in _read_scene(folder / f"scene-{scene:04d}.npz") if clip.split == split]


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The options of a set. Raises `InputError` when there is none."""
    path = Path(folder) / MANIFEST
    try:
        content = json.loads(read_text(path))
        if content["format"] != FORMAT:
            raise ValueError(content["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("is no manifest of renders", where=str(path), hint="render again into another folder") from error
    return dict(content)


def read_visemes(path: Path) -> NDArray[np.int64]:
    """Of all frames of a scene. Raises `InputError`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return np.asarray(file["visemes"])
    except DAMAGED as error:
        raise InputError(
            "is missing or damaged", where=str(path), hint="delete it, and render again: only that is made"
        ) from error


def _read_scene(path: Path) -> Iterator[Crops]:
    try:
        with np.load(path, allow_pickle=False) as file:
            about, arrays = json.loads(str(file["about"])), {name: file[name] for name in file.files if name != "about"}
    except DAMAGED as error:
        raise InputError(
            "is missing or damaged", where=str(path), hint="delete it, and render again: only that is made"
        ) from error
    by_frame, by_letter = (np.cumsum(arrays[name])[:-1] for name in ("frames", "spoken"))
    parts = [np.split(arrays[name], by_frame) for name in ("pictures", "visemes")]
    parts += [np.split(arrays[name], by_letter) for name in ("letters", "middles")]
    for one, *columns in zip(about, *parts, strict=True):
        yield Crops(one["split"], one["person"], one["fps"], *columns)
