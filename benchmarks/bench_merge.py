"""What it costs to merge ten minutes of face into a body, reading and writing included, against the figure it must reach.

python benchmarks/bench_merge.py            prints wall seconds, minimum of three runs, and the error against scipy's Slerp
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from slp_mouthing.body import MergeOptions, merge_file, read_body
from slp_mouthing.types import TONGUE_NAMES, FaceTrack

MINUTES = 10
RUNS = 3


def write_track(path: Path, fps: float, head: str) -> Path:
    """A face that never rests."""
    frames = round(MINUTES * 60 * fps)
    t = np.arange(frames)[:, None] / fps
    jaw = np.concatenate([0.2 + 0.2 * np.sin(9 * t), 0.05 * np.sin(5 * t), 0.02 * np.sin(3 * t)], axis=1)
    curves = np.sin(t * np.linspace(2, 20, 100))
    FaceTrack(
        fps=fps, head=head, jaw_pose=jaw.astype(np.float32), blendshapes=np.zeros((frames, 52), np.float32),
        eyes_pose=np.zeros((frames, 6), np.float32), tongue=np.zeros((frames, len(TONGUE_NAMES)), np.float32),
        lip_opening_m=np.zeros(frames, np.float32), lip_width_m=np.zeros(frames, np.float32),
        expressions=None if head == "builtin" else curves.astype(np.float32),
    ).save(path)  # fmt: skip
    return path


def write_bodies(folder: Path) -> dict[str, tuple[Path, float | None]]:
    """Name -> body of ten minutes (the folder: one), and the frame rate to say."""
    rng, frames = np.random.default_rng(0), MINUTES * 60 * 30
    arrays = {
        "poses": rng.normal(0, 0.3, (frames, 165)), "expressions": rng.normal(size=(frames, 100)),
        "trans": rng.normal(size=(frames, 3)), "betas": np.zeros(300), "gender": "neutral", "mocap_frame_rate": 30,
    }  # fmt: skip
    np.savez(folder / "stored.npz", **arrays)
    np.savez_compressed(folder / "deflated.npz", **arrays)
    np.save(folder / "motionx.npy", rng.normal(size=(frames, 322)).astype(np.float32))
    smplx = {"smplx": rng.normal(size=(MINUTES * 60 * 24, 182)).astype(np.float32), "focal": np.ones((9, 2))}
    (folder / "signavatars.pkl").write_bytes(pickle.dumps(smplx))
    (folder / "soke").mkdir()
    sizes = {"root_pose": 3, "body_pose": 63, "lhand_pose": 45, "rhand_pose": 45, "jaw_pose": 3, "shape": 10, "expr": 10}
    for frame in range(60 * 20):
        entries = {f"smplx_{name}": rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}
        (folder / "soke" / f"{frame:06}.pkl").write_bytes(pickle.dumps(entries))
    return {
        "BEAT2 npz, 165 + 100 columns": (folder / "stored.npz", None),
        "the same, compressed": (folder / "deflated.npz", None),
        "Motion-X npy, 322 columns": (folder / "motionx.npy", None),
        "SignAvatars pkl, 182 columns": (folder / "signavatars.pkl", None),
        "SOKE folder, 1 minute at 20 fps": (folder / "soke", 20.0),
    }


def best_s(track: Path, body: Path, fps: float | None) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        merge_file(track, body, body.with_name(f"out{body.suffix}"), MergeOptions(fps=fps))
        times.append(time.perf_counter() - start)
    return min(times)


def jaw_error_rad(track: Path, body: Path, fps: float | None) -> float:
    """Largest difference between the file just written and scipy's interpolation of the track."""
    merged, face = read_body(body.with_name(f"out{body.suffix}"), fps=fps), FaceTrack.load(track)
    inside = merged.time_s <= face.time_s[-1]
    expected = Slerp(face.time_s, Rotation.from_rotvec(face.jaw_pose))(merged.time_s[inside]).as_rotvec()
    assert merged.jaw_pose is not None
    return float(np.abs(merged.jaw_pose[inside] - expected).max())


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    tracks = {
        "FLAME track, 60 fps": write_track(folder / "flame.track.npz", 60.0, "flame2020"),
        "built-in track, 30 fps": write_track(folder / "builtin.track.npz", 30.0, "builtin"),
    }
    bodies = write_bodies(folder)
    print(f"{os.cpu_count()} processors, best of {RUNS}; at least 5 s for 165 columns, aim 1 s")
    for name, track in tracks.items():
        for kind, (body, fps) in bodies.items():
            seconds = best_s(track, body, fps)
            print(f"{name:<24} {kind:<33} {seconds:6.2f} s   jaw error {jaw_error_rad(track, body, fps):.1e} rad")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
