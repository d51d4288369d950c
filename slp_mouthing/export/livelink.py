"""`.livelink.csv`: the recording format of Epic's Live Link Face app, which Unreal, Blender and Maya add-ons import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import atomic_write, read_text
from slp_mouthing.types import ARKIT_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.types import Array, Take

ROTATION_NAMES = tuple(part + angle for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll"))
COLUMNS = (*(name[0].upper() + name[1:] for name in ARKIT_NAMES), *ROTATION_NAMES)
HEADER = ("Timecode", "BlendShapeCount", *COLUMNS)


def write_livelink(take: Take, path: Path) -> None:
    """Write blend shapes and the eyes' rotation (radians); the head's is 0. Raises `OutputError`."""
    track = take.track
    eyes = [_yaw_pitch_roll(track.eyes_pose[:, side : side + 3]) for side in (0, 3)]
    values = np.concatenate([track.blendshapes, np.zeros((len(track), 3)), *eyes], axis=1)
    rate_hz = _timecode_rate_hz(track.fps, len(track))
    lines = [",".join(HEADER)]
    for frame, row in enumerate(values.tolist()):
        numbers = ",".join(f"{value:.6f}" for value in row)
        lines.append(f"{timecode(frame / track.fps, rate_hz)},{len(COLUMNS)},{numbers}")
    atomic_write(path, "\n".join(lines) + "\n")


def read_livelink(path: Path) -> tuple[NDArray[np.float64], Array]:
    """Times and values of a recording, with the timecode's rate guessed as Unreal's importer does. -> [T] s, [T, 61].

    Raises `InputError`.
    """
    lines = read_text(path).splitlines()
    if not lines or tuple(lines[0].casefold().split(",")) != tuple(name.casefold() for name in HEADER):
        raise InputError("lacks the header of a Live Link Face recording", where=f"{path}:1")
    rows = [line.split(",") for line in lines[1:] if line]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(HEADER):
            raise InputError(f"{len(row)} columns, expected {len(HEADER)}", where=f"{path}:{number}")
    try:
        clock = np.array([row[0].split(":") for row in rows], np.float64).reshape(-1, 4)
        values = np.array([row[2:] for row in rows], np.float32).reshape(-1, len(COLUMNS))
    except ValueError as error:
        raise InputError(f"holds something that is not a number ({error})", where=str(path)) from error
    rate_hz = 60 if (clock[:, 3] > 30).any() else 30
    return clock @ [3600.0, 60.0, 1.0, 1.0 / rate_hz], values


def timecode(time_s: float, rate_hz: int) -> str:
    """`HH:MM:SS:FF.mmm`: hours, minutes, seconds, frames and thousandths of a frame."""
    frames, thousandths = divmod(round(time_s * rate_hz * 1000), 1000)
    seconds, frame = divmod(frames, rate_hz)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.{thousandths:03d}"


def _timecode_rate_hz(fps: float, frames: int) -> int:
    """The app records at 30 or 60 Hz, and the file does not say which: Unreal takes 60 if it sees a frame number above 30.

    Any other rate is written in 30ths of a second and fractions of them, so that the times are right all the same.
    """
    return 60 if fps == 60 and frames > 31 else 30


def _yaw_pitch_roll(axis_angle: Array) -> Array:
    """About y, then x, then z, of rotations. [T, 3] rad -> [T, 3] rad."""
    angles = np.linalg.norm(axis_angle, axis=1)
    half = np.sinc(angles / (2.0 * np.pi)) / 2.0  # sin(angle / 2) / angle, also at 0
    w, (x, y, z) = np.cos(angles / 2.0), (axis_angle * half[:, None]).T
    yaw = np.arctan2(2.0 * (x * z + w * y), 1.0 - 2.0 * (x * x + y * y))
    pitch = np.arcsin(np.clip(2.0 * (w * x - y * z), -1.0, 1.0))
    roll = np.arctan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z))
    return np.stack([yaw, pitch, roll], axis=1)
