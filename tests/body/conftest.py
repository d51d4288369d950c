"""Small body files of every format, as their makers write them, and tracks to merge into them."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.types import TONGUE_NAMES, FaceTrack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAMES = 40


def make_track(frames: int = 30, fps: float = 25.0, head: str = "flame2020", coefficients: int = 100) -> FaceTrack:
    """A face that moves in every channel."""
    t = np.arange(frames)[:, None] / fps
    eyes = 0.2 * np.sin(t * np.arange(1, 7))
    jaw = np.concatenate([0.2 + 0.2 * np.sin(9 * t), 0.05 * np.cos(5 * t), 0.02 * t], axis=1)
    curves = np.sin(t * np.linspace(2, 20, coefficients)) * np.linspace(2, 0.2, coefficients)
    return FaceTrack(
        fps=fps, head=head, jaw_pose=jaw.astype(np.float32), blendshapes=np.zeros((frames, 52), np.float32),
        eyes_pose=eyes.astype(np.float32), tongue=np.zeros((frames, len(TONGUE_NAMES)), np.float32),
        lip_opening_m=np.zeros(frames, np.float32), lip_width_m=np.zeros(frames, np.float32),
        expressions=None if head == "builtin" else curves.astype(np.float32),
    )  # fmt: skip


def beat2(path: Path, frames: int = FRAMES, **changes: Any) -> Path:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "betas": rng.normal(size=300), "poses": rng.normal(0, 0.3, (frames, 165)), "expressions": rng.normal(size=(frames, 100)),
        "trans": rng.normal(size=(frames, 3)), "model": "smplx2020", "gender": "neutral", "mocap_frame_rate": 30,
    }  # fmt: skip
    np.savez(path, **{name: value for name, value in (arrays | changes).items() if value is not None})
    return path


def amass_smplx(path: Path, frames: int = FRAMES) -> Path:
    poses = np.random.default_rng(1).normal(0, 0.3, (frames, 165))
    vids = np.array([{"LFHD": 3}], object)
    np.savez_compressed(
        path, surface_model_type="smplx", gender="female", mocap_frame_rate=120.0, trans=poses[:, :3] * 2, poses=poses,
        root_orient=poses[:, :3], pose_body=poses[:, 3:66], pose_hand=poses[:, 75:], pose_jaw=poses[:, 66:69],
        pose_eye=poses[:, 69:75], betas=np.ones(16), markers_latent_vids=vids,
    )  # fmt: skip
    return path


def amass_smplh(path: Path, frames: int = FRAMES) -> Path:
    rng = np.random.default_rng(2)
    np.savez(path, poses=rng.normal(0, 0.3, (frames, 156)), trans=rng.normal(size=(frames, 3)), betas=np.ones(16), gender="male",
             mocap_framerate=60.0, dmpls=rng.normal(size=(frames, 8)))  # fmt: skip
    return path


def signavatars(path: Path, frames: int = FRAMES) -> Path:
    rng = np.random.default_rng(3)
    smplx = rng.normal(0, 0.3, (frames, 182)).astype(np.float32)
    entries = {
        "width": np.array([1280]), "focal": np.full((frames, 2), 5000.0), "2d": rng.normal(size=(frames, 106, 3)), "smplx": smplx,
        "unsmooth_smplx": smplx[:, :169].copy(), "left_valid": rng.random(frames) > 0.5, "name": "clip", "boxes": [1, 2.5, None],
    }  # fmt: skip
    path.write_bytes(pickle.dumps(entries))
    return path


def motionx(path: Path, frames: int = FRAMES) -> Path:
    np.save(path, np.random.default_rng(4).normal(0, 0.3, (frames, 322)).astype(np.float32))
    return path


def soke(folder: Path, frames: int = FRAMES) -> Path:
    rng = np.random.default_rng(5)
    sizes = {"root_pose": 3, "body_pose": 63, "lhand_pose": 45, "rhand_pose": 45, "jaw_pose": 3, "shape": 10, "expr": 10}
    folder.mkdir()
    for frame in range(frames):
        entries = {f"smplx_{name}": rng.normal(0, 0.3, size).astype(np.float32) for name, size in sizes.items()}
        # Zeros everywhere: the jaw's bytes are found in other arrays too.
        entries |= {"smplx_root_pose": np.zeros(3, np.float32), "smplx_jaw_pose": np.zeros(3, np.float32)}
        entries |= {"cam_trans": np.zeros(3, np.float32)}
        (folder / f"clip7_{frame}_3D.pkl").write_bytes(pickle.dumps(entries))
    return folder


def smplerx(folder: Path, frames: int = FRAMES) -> Path:
    rng = np.random.default_rng(6)
    shapes = {
        "global_orient": (1, 3), "body_pose": (21, 3), "left_hand_pose": (15, 3), "right_hand_pose": (15, 3), "jaw_pose": (1, 3),
        "leye_pose": (1, 3), "reye_pose": (1, 3), "betas": (1, 10), "expression": (1, 10), "transl": (1, 3),
    }  # fmt: skip
    folder.mkdir()
    for frame in range(1, frames + 1):
        arrays = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
        np.savez(folder / f"{frame:05}_0.npz", **arrays)
    return folder


MAKERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "beat2": ("signer.npz", beat2),
    "amass-smplx": ("signer.npz", amass_smplx),
    "signavatars": ("signer.pkl", signavatars),
    "motionx": ("signer.npy", motionx),
    "soke": ("signer", soke),
    "smplerx": ("signer", smplerx),
}
"""Formats with a face -> usual file name, and what makes one."""


@pytest.fixture(params=MAKERS)
def body(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Name of a format, and a file of it."""
    name, make = MAKERS[request.param]
    return request.param, make(tmp_path / name)


@pytest.fixture
def makers() -> dict[str, Callable[..., Path]]:
    return {"amass-smplh": amass_smplh} | {name: make for name, (_, make) in MAKERS.items()}


@pytest.fixture
def track_of() -> Callable[..., FaceTrack]:
    return make_track


@pytest.fixture
def track(tmp_path: Path) -> Path:
    """1.2 s of FLAME at 25 fps: no format's frame rate."""
    path = tmp_path / "why.track.npz"
    make_track().save(path)
    return path
