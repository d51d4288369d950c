"""Captured data of a few triangles, in the users' own formats: FLAME, tracked MEAD, VOCASET, avatars, and their recordings."""

from __future__ import annotations

import json
import wave
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.avatar.folder import import_avatar, load_avatar
from slp_mouthing.avatar.ply import write_avatar
from slp_mouthing.avatar.splats import SH_C0, SplatAvatar, Splats
from slp_mouthing.head.flame import FlameHead, load_flame
from slp_mouthing.render.camera import Camera, look_at
from slp_mouthing.render.gaussians import CapturedDrawable
from slp_mouthing.render.video import write_video
from tests.head.flame_files import Sizes, python2_pickle, write_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = Sizes(head=1200, eye=20, expressions=5)
NEUTRAL = Path("neutral/level_1")
VIDEO_PX = (240, 180)


def write_flame(folder: Path) -> Path:
    write_folder(folder, SIZES, masks=True)
    return folder


def write_wav(path: Path, seconds: float, rate_hz: int = 22050, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate_hz)) / rate_hz)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(np.repeat(np.rint(tone * 32767).astype("<i2"), channels).tobytes())


# ---- MEAD -----------------------------------------------------------------------------------------------------------------
def motion(actor: str, sentence: int, frames: int) -> FlameParam:
    """A mouth that opens and shuts on a head that turns a little and stands somewhere."""
    rng, turn = np.random.default_rng(sentence), np.arange(frames) / 4
    still = np.zeros((frames, 3), np.float32)
    jaw, rotation, eyes = still.copy(), still.copy(), np.zeros((frames, 6), np.float32)
    jaw[:, 0] = 0.15 + 0.15 * np.sin(turn + sentence)
    rotation[:, 1], rotation[:, 2] = 0.1 * np.sin(turn / 3), 0.2
    shape = np.random.default_rng(sum(map(ord, actor))).normal(size=300)
    return FlameParam(
        shape=shape.astype(np.float32), expr=0.5 * rng.normal(size=(frames, 5)).astype(np.float32), rotation=rotation,
        neck_pose=still, jaw_pose=jaw, translation=still + np.float32([0.02, 0.1, 0.0]), eyes_pose=eyes,
    )  # fmt: skip


def write_mead(folder: Path, takes: Sequence[tuple[str, int]], frames: int = 12, held_out: Sequence[str] = ()) -> Path:
    """Takes (actor, sentence) with sound, and without video."""
    for actor, sentence in takes:
        path = folder / actor / "flame" / NEUTRAL / f"{sentence:03d}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        motion(actor, sentence, frames).save(path)
        write_wav(folder / actor / "audio" / NEUTRAL / f"{sentence:03d}.wav", frames / 30, 16000)
    actors = sorted({actor for actor, _ in takes})
    splits = {"train": [a for a in actors if a not in held_out], "validation": list(held_out)}
    (folder / "splits.json").write_text(json.dumps(splits))
    return folder


# ---- VOCASET --------------------------------------------------------------------------------------------------------------
def write_vocaset(folder: Path, flame: Path, subject: str, frames: int = 24) -> Path:
    """One clip at 60 frames a second, of the jaw alone, on FLAME's mean face."""
    (folder / "vertices_npy").mkdir(parents=True)
    head = load_flame(flame)
    bare = len(head.files.model.template)
    jaw = np.zeros((frames, 3), np.float32)
    jaw[:, 0] = 0.2 - 0.2 * np.cos(np.arange(frames) / 4)
    posed = head.pose_flame(np.zeros((frames, 5), np.float32), jaw)[:, :bare]
    np.save(folder / "vertices_npy" / f"{subject}_sentence01.npy", posed.reshape(frames, -1))
    (folder / "templates.pkl").write_bytes(python2_pickle({subject: head.neutral_m[:bare].astype(np.float64)}))
    write_wav(folder / "wav" / f"{subject}_sentence01.wav", frames / 60)
    (folder / "splits.json").write_text(json.dumps({"train": [subject]}))
    return folder


# ---- avatars and recordings -----------------------------------------------------------------------------------------------
def write_person(folder: Path, flame: Path, *, teeth: bool = True, sparse: bool = False, seed: int = 0) -> Path:
    """An avatar with a freckled skin: one Gaussian on each triangle; `sparse`: a few in front that hardly cover one another."""
    head = load_flame(flame)
    count = len(head.triangles) if teeth else len(head.files.triangles)
    rng = np.random.default_rng(seed)
    colors = head.colors[head.triangles[:count, 0]] + rng.uniform(-0.15, 0.15, (count, 1))
    local = Splats(
        position=np.zeros((count, 3), np.float32), rotation_wxyz=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        log_scale=np.tile(np.float32([-0.7, -2.0, -0.7]), (count, 1)), opacity_logit=np.full(count, 3, np.float32),
        sh=((colors[:, None] - 0.5) / SH_C0).astype(np.float32),
    )  # fmt: skip
    chosen = np.arange(count)
    if sparse:
        chosen = chosen[::25][head.neutral_m[head.triangles[:count:25], 2].mean(axis=1) > 0.02]
        local = replace(local, log_scale=np.full((count, 3), -0.9, np.float32))
    local = Splats(**{field.name: getattr(local, field.name)[chosen] for field in fields(Splats)})
    ply = _ready(folder.with_suffix(".ply"))
    write_avatar(SplatAvatar(local, chosen.astype(np.int32)), ply)
    triangles = (len(head.files.triangles), len(head.triangles))
    import_avatar(ply, folder, head="flame2020", triangles=triangles)
    return folder


def film(mead: Path, actor: str, sentence: int, flame: Path, avatar: Path, *, fps: float = 30.0) -> FlameHead:
    """Record a take: the actor's avatar in its tracked motion, by a camera somewhere in front. -> the actor's head"""
    param = FlameParam.load(mead / actor / "flame" / NEUTRAL / f"{sentence:03d}.npz")
    head, camera = load_flame(flame, shape=param.shape), front_camera()
    drawn = CapturedDrawable(_gaussians(str(avatar)), head.triangles)
    posed = head.pose_flame(
        param.expr, param.jaw_pose, param.eyes_pose, neck_pose=param.neck_pose, rotation=param.rotation,
        translation=param.translation,
    )  # fmt: skip
    shown = posed[(np.arange(round(len(posed) * fps / 30)) * 30 / fps).round().astype(int)]
    pictures = []
    for vertices in shown:
        image, alpha = drawn.draw(vertices, camera)
        pictures.append((255 * np.clip(image + 0.4 * (1 - alpha[..., None]), 0, 1)).astype(np.uint8))
    write_video(pictures, _ready(mead / actor / "video/front" / NEUTRAL / f"{sentence:03d}.mp4"), fps)
    return head


def front_camera() -> Camera:
    return look_at((0.15, 0.1, 1.0), (0.02, 0.08, 0.0), span_m=0.3, width=VIDEO_PX[0], height=VIDEO_PX[1])


def write_camera(mead: Path, actor: str) -> None:
    camera = front_camera()
    path = _ready(mead / actor / "camera/front.npz")
    np.savez(path, intrinsics=camera.intrinsics, world_to_camera=camera.world_to_camera)


@lru_cache(maxsize=4)
def _gaussians(folder: str) -> SplatAvatar:
    return load_avatar(folder).gaussians


def _ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
