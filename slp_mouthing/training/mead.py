"""MEAD as VisualSpeaker uses it: the neutral sentences, with FLAME fitted to each by a tracker such as VHAP.

ACTOR/video/front/neutral/level_1/NNN.mp4    as MEAD has them
ACTOR/audio/neutral/level_1/NNN.m4a          or .wav; without it the video's own sound
ACTOR/flame/neutral/level_1/NNN.npz          GaussianAvatars' `flame_param.npz` or VHAP's `tracked_flame_params_*.npz`, at 30 fps

For the lip reader, where it is to see the video (`mouth_video`), one of:

ACTOR/mouth/front/neutral/level_1/NNN.mp4      the mouth cut out, 96 x 96, as Auto-AVSR's preparation makes it
ACTOR/landmarks/front/neutral/level_1/NNN.npy  iBUG's 68 points in the video, [T, 68, 2] px
ACTOR/camera/front.npz                         the camera in whose space the head was tracked, or one per clip as for the others

ACTOR is `M003`, `W009`, ... The published splits have no names: six actors for validation and six for test, two of them women in
each, are drawn by hash here, fewer where there are fewer actors. Training has the first 30 sentences, the others the rest. A
`splits.json` of the user's own takes the place of the drawn actors. Motion of the whole head is left out, as in the paper, and so
are the teeth, so that the mesh is VOCASET's and a network goes from one to the other: `teeth` adds them where they are drawn.
"""

from __future__ import annotations

import hashlib
import zipfile
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED
from slp_mouthing.head.flame import make_head
from slp_mouthing.training.captured import FPS, Captured, Take, flame_files, read_sound
from slp_mouthing.training.clip import SAMPLE_RATE_HZ, Clip
from slp_mouthing.training.dataset import SPLITS_FILE, read_splits
from slp_mouthing.training.mouth_video import Footage
from slp_mouthing.training.words import at_rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slp_mouthing.head.flame import FlameHead
    from slp_mouthing.training.clip import Split

_TRAIN_SENTENCES = 30
_NEUTRAL = Path("neutral/level_1")
_ACTORS = 43
"""In the paper, five of the 48 being left out."""
_HELD_OUT = {"W": 2, "M": 4}
"""Actors of each held-out split in the paper, by the first letter of the name."""


def is_layout(folder: Path) -> bool:
    """Whether a folder is laid out like tracked MEAD."""
    return any(folder.glob(f"*/flame/{_NEUTRAL}/*.npz"))


def open_mead(folder: Path, flame: str | Path | None = None) -> Captured:
    """The clips of the folder, on the user's FLAME. Raises `InputError` for what is missing in it."""
    found = sorted(folder.glob(f"*/flame/{_NEUTRAL}/*.npz"))
    actors = sorted({path.parents[3].name for path in found})
    splits = read_splits(folder) or actor_splits(actors)
    takes = [take for path in found if (take := _take(path, splits))]
    return Captured(tuple(takes), partial(_read, flame=flame))


def actor_splits(actors: Sequence[str]) -> dict[str, Split]:
    """The split of each actor: of the women and of the men those first by hash are held out, in the paper's proportion."""
    splits: dict[str, Split] = dict.fromkeys(actors, "train")
    for letter, most in _HELD_OUT.items():
        mine = sorted((actor for actor in actors if actor.startswith(letter)), key=_hash)
        each = min(most, -(-most * len(actors) // _ACTORS), (len(mine) - 1) // 2) if mine else 0
        splits |= dict.fromkeys(mine[:each], "test")
        splits |= dict.fromkeys(mine[each : 2 * each], "validation")
    return splits


def _hash(actor: str) -> str:
    return hashlib.sha256(f"actor {actor}".encode()).hexdigest()


def _take(path: Path, splits: Mapping[str, Split]) -> Take | None:
    """The clip of a file of parameters; None when it is not a sentence of its actor's split."""
    actor = path.parents[3]
    split = splits.get(actor.name)
    if split is None:
        raise InputError(f"{actor.name} is in no split", where=str(path), hint=f"name it in {SPLITS_FILE}")
    if not path.stem.isdecimal():
        raise InputError("is not named by the number of its sentence", where=str(path), hint="rename it: 001.npz")
    if (int(path.stem) <= _TRAIN_SENTENCES) != (split == "train"):
        return None
    video = actor / "video/front" / _NEUTRAL / f"{path.stem}.mp4"
    sounds = [actor / "audio" / _NEUTRAL / f"{path.stem}{suffix}" for suffix in (".m4a", ".wav")]
    sound = next((file for file in (*sounds, video) if file.is_file()), None)
    if sound is None:
        raise InputError("neither its sound nor its video is there", where=str(sounds[0]))
    return Take(f"{actor.name}-{path.stem}", actor.name, split, path, sound, _frames(path) / FPS, _footage(actor, path))


def _footage(actor: Path, path: Path) -> Footage | None:
    """What is seen of a clip; None without a video."""

    def beside(kind: str, suffix: str) -> Path | None:
        file = actor / kind / "front" / _NEUTRAL / f"{path.stem}{suffix}"
        return file if file.is_file() else None

    if mouth := beside("mouth", ".mp4"):
        return Footage(mouth, cropped=True)
    video, everywhere = beside("video", ".mp4"), actor / "camera/front.npz"
    camera = beside("camera", ".npz") or (everywhere if everywhere.is_file() else None)
    return None if video is None else Footage(video, landmarks=beside("landmarks", ".npy"), camera=camera, tracked=path)


def _frames(path: Path) -> int:
    """Frames of a file of parameters, from the head of one array alone. Raises `InputError`."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("expr.npy") as member:
            version = np.lib.format.read_magic(member)
            read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return int(read_header(member)[0][0])
    except (*DAMAGED, IndexError) as error:
        raise InputError("is not a readable file of FLAME parameters", where=str(path), hint="export it again") from error


def _read(take: Take, flame: str | Path | None) -> Clip:
    param = FlameParam.load(take.motion)
    head = _head(str(flame or ""), param.shape.tobytes(), None if param.static_offset is None else param.static_offset.tobytes())
    # The head's own motion is no part of what the mouth says.
    bare = len(head.files.model.template)
    posed, neutral = head.pose_flame(param.expr, param.jaw_pose, param.eyes_pose)[:, :bare], head.neutral_m[:bare]
    return Clip(
        take.name, "", voice="", subject=take.subject, split=take.split,
        samples=at_rate(*read_sound(take.sound)), sample_rate_hz=SAMPLE_RATE_HZ, phones=(), actions=(),
        duration_s=take.duration_s, fps=FPS, identity=take.subject,
        vertex_offsets=posed - neutral, neutral_m=neutral, video=take.footage.video if take.footage else None,
    )  # fmt: skip


@lru_cache(maxsize=4)
def _head(flame: str, shape: bytes, static_offset: bytes | None) -> FlameHead:
    """The actor's head. Arrays come as bytes, by which heads are kept. Raises `HeadError`."""
    offset = None if static_offset is None else np.frombuffer(static_offset, np.float32).reshape(-1, 3)
    return make_head(flame_files(flame or None), np.frombuffer(shape, np.float32), offset)
