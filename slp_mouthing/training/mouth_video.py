"""What a recording shows of a mouth, as a lip reader takes it: upright, of one size, in the middle, as renders are.

Where the mouth is follows from landmarks in pixels. They are brought over those of the person's head at rest before the mouth
camera by a similarity for each frame: turned and sized by what speech does not move (nose and corners of the eyes), shifted by
the mouth itself, and all of it smoothed, so that speech neither shakes nor scales the picture.

Landmarks are iBUG's without the jaw line, 51 of them (numbers 17 to 67). Letters: T frames, L landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.errors import InputError
from slp_mouthing.files import DAMAGED
from slp_mouthing.head.flame import full_pose
from slp_mouthing.head.flame_files import LANDMARK_COUNT
from slp_mouthing.head.skinning import skin
from slp_mouthing.render.mouth_camera import MouthCameraOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.head.flame import FlameHead
    from slp_mouthing.render.camera import Camera
    from slp_mouthing.types import Array

    Pixels = NDArray[np.uint8]
    Complex = NDArray[np.complex128]

_FIRST, _ALL = 17, 68
_STILL = np.array([27, 28, 29, 30, 33, 36, 39, 42, 45]) - _FIRST
"""The nose's bridge, tip and root, and the corners of the eyes."""
_MOUTH = np.array([33, 48, 51, 54]) - _FIRST
"""Root of the nose, corners of the lips, middle of the upper lip: about the mouth, and not on the jaw."""
_LATE_S = 0.15
"""By how much a video may end before its motion; its last picture stays."""


@dataclass(frozen=True, slots=True)
class Footage:
    """A clip's recording from the front, and what says where the mouth is in it."""

    video: Path
    cropped: bool = False
    """It shows the mouth alone: square, as Auto-AVSR's preparation makes it."""
    landmarks: Path | None = None
    """[T, 68, 2] px, a row per frame of the motion; see `read_landmarks`."""
    camera: Path | None = None
    """`intrinsics` [3, 3] px, `world_to_camera` [4, 4] in OpenCV's axes; with the head's own motion in `tracked`."""
    tracked: Path | None = None
    """`flame_param.npz`"""

    @property
    def is_placed(self) -> bool:
        """Whether it is known where the mouth is."""
        return self.cropped or self.landmarks is not None or self.camera is not None


def mouth_pictures(footage: Footage, head: FlameHead, camera: Camera, part: slice, fps: float) -> Array:
    """The frames `part` of a clip as the mouth camera would have seen them. -> [T, H, W, 3] in [0, 1]

    Args:
        footage: `is_placed`.
        head: the person's, at rest.
        camera: the mouth camera of that head.
        fps: of the motion, by which frames are counted.

    Raises `InputError` for files that are missing, damaged, or do not fit.
    """
    times_s = np.arange(part.start, part.stop) / fps
    if footage.cropped:
        made = [_resized(picture, camera.width, footage.video) for picture in pictures_at(footage.video, times_s)]
    else:
        found = read_landmarks(footage.landmarks) if footage.landmarks else reprojected(footage, head)
        rest = project(head.landmarks_m(head.neutral_m[None])[0], camera.world_to_camera, camera.intrinsics)
        places = similarities(rest, found, fps)
        if len(places) < part.stop:
            what = f"has landmarks of {len(places)} frames, the motion goes on to {part.stop}"
            raise InputError(what, where=str(footage.landmarks or footage.tracked))
        pairs = zip(pictures_at(footage.video, times_s), places[part], strict=True)
        made = [cut_out(picture, turn, shift, camera.width) for picture, (turn, shift) in pairs]
    return np.stack(made).astype(np.float32) / np.float32(255)


# ---- where the mouth is ---------------------------------------------------------------------------------------------------
def read_landmarks(path: Path) -> Array:
    """iBUG's 68 points of each frame, or the 51 without the jaw line: .npy [T, 68, 2] px. -> [T, 51, 2]

    Rows that are not finite are frames where no face was found: they are filled in from those before and after. Raises
    `InputError`.
    """
    try:
        points: Any = np.load(path, allow_pickle=False)
    except DAMAGED as error:
        raise InputError("is no array that can be read", where=str(path), hint="save the landmarks with numpy.save") from error
    if not isinstance(points, np.ndarray) or points.ndim != 3 or points.shape[1:] not in ((_ALL, 2), (LANDMARK_COUNT, 2)):
        got = points.shape if isinstance(points, np.ndarray) else "several arrays"
        raise InputError(f"holds {got}, expected frames x {_ALL} x 2 in pixels", where=str(path))
    seen = np.isfinite(points).all(axis=(1, 2))
    if not seen.any():
        raise InputError("holds no frame with a face", where=str(path))
    points, frames = points[:, -LANDMARK_COUNT:].astype(np.float64), np.arange(len(points))
    flat = points.reshape(len(points), -1)
    filled = np.stack([np.interp(frames, frames[seen], column[seen]) for column in flat.T], axis=1)
    return np.asarray(filled.reshape(points.shape))


def reprojected(footage: Footage, head: FlameHead) -> Array:
    """Where the camera saw the landmarks of a head that moves as it was tracked, and does not speak. -> [T, 51, 2] px

    Raises `InputError`.
    """
    assert footage.tracked is not None and footage.camera is not None
    param = FlameParam.load(footage.tracked)
    corners = head.files.triangles[head.files.landmark_triangles]
    pose = full_pose(np.zeros_like(param.jaw_pose), None, param.neck_pose, param.rotation)
    model = head.rig.at_vertices(corners.ravel())
    posed = skin(model, np.zeros((len(pose), 0), np.float32), pose, param.translation).reshape(len(pose), *corners.shape, 3)
    points = np.einsum("tlcx,lc->tlx", posed.astype(np.float64), head.files.landmark_weights)
    world_to_camera, intrinsics = _read_camera(footage.camera)
    if (points @ world_to_camera[2, :3] + world_to_camera[2, 3] <= 0).any():
        what = "looks away from the tracked head"
        raise InputError(what, where=str(footage.camera), hint="world_to_camera is in OpenCV's axes: y down, z forward")
    return project(points, world_to_camera, intrinsics)


def _read_camera(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shapes = {"world_to_camera": (4, 4), "intrinsics": (3, 3)}
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = [np.asarray(file[name], np.float64) for name in shapes]
    except DAMAGED as error:
        raise InputError("is no camera that can be read", where=str(path), hint=f"an .npz with {' and '.join(shapes)}") from error
    for (name, shape), array in zip(shapes.items(), arrays, strict=True):
        if array.shape != shape or not np.isfinite(array).all():
            raise InputError(f"{name} is {array.shape}, expected {shape}, all finite", where=str(path))
    return arrays[0], arrays[1]


def project(points_m: Array, world_to_camera: NDArray[Any], intrinsics: NDArray[Any]) -> Array:
    """Points before a camera in OpenCV's axes. [..., 3] m -> [..., 2] px"""
    seen = (points_m @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]) @ intrinsics.T
    return np.asarray(seen[..., :2] / seen[..., 2:])


def similarities(rest_px: Array, points_px: Array, fps: float) -> list[tuple[complex, complex]]:
    """What brings the picture of a head at rest over each frame, `z -> turn * z + shift` with z = x + iy.

    [L, 2], [T, L, 2] px -> (turn, shift) of each frame. Smoothed over the window in which `mouth_camera` follows a head.
    """
    rest, points = _complex(rest_px), _complex(points_px)
    still = rest[_STILL] - rest[_STILL].mean()
    turns = (points[:, _STILL] @ still.conj()) / (np.abs(still) ** 2).sum()
    turns, mouths = (_smoothed(values, fps) for values in (turns, points[:, _MOUTH].mean(axis=1)))
    shifts = mouths - turns * rest[_MOUTH].mean()
    return list(zip(turns.tolist(), shifts.tolist(), strict=True))


def _complex(points: Array) -> Complex:
    return np.asarray(points[..., 0] + 1j * points[..., 1])


def _smoothed(values: Complex, fps: float) -> Complex:
    from scipy.ndimage import gaussian_filter1d

    # Its two deviations to either side are the window, as in `mouth_camera.follow`.
    deviation = MouthCameraOptions().smooth_s * fps / 4
    return np.asarray(gaussian_filter1d(values, deviation, mode="nearest"))


# ---- pictures -------------------------------------------------------------------------------------------------------------
def cut_out(picture: Pixels, turn: complex, shift: complex, size_px: int) -> Pixels:
    """The square that `z -> turn * z + shift` lays over a picture [H, W, 3]; where it is larger, its pixels are averaged."""
    from PIL import Image

    fine = max(int(np.ceil(abs(turn))), 1)
    step = turn / fine
    rows = (step.real, -step.imag, shift.real, step.imag, step.real, shift.imag)
    side = fine * size_px
    cut = Image.fromarray(picture).transform((side, side), Image.Transform.AFFINE, rows, Image.Resampling.BILINEAR)
    return np.asarray(cut.reduce(fine) if fine > 1 else cut)


def _resized(picture: Pixels, size_px: int, video: Path) -> Pixels:
    from PIL import Image

    height, width = picture.shape[:2]
    if height != width:
        raise InputError(f"pictures are {width} x {height}, a crop of the mouth is square", where=str(video))
    if width == size_px:
        return picture
    return np.asarray(Image.fromarray(picture).resize((size_px, size_px), Image.Resampling.LANCZOS))


def pictures_at(path: Path, times_s: NDArray[np.float64]) -> Iterator[Pixels]:
    """What a video shows at times that ascend, [H, W, 3] each, whatever its own rate.

    Raises `InputError` for a file that is missing, no video, or too short.
    """
    import av

    try:
        with av.open(str(path)) as container:
            yield from _at(container, times_s, str(path))
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path)) from error
    except (av.FFmpegError, IndexError, OSError) as error:
        raise InputError(f"is no video that can be read ({error})", where=str(path)) from error


def _at(container: Any, times_s: NDArray[np.float64], where: str) -> Iterator[Pixels]:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    rate, wanted, last = float(stream.average_rate or 0) or 30.0, list(times_s), None
    for number, frame in enumerate(container.decode(stream)):
        while wanted and round(wanted[0] * rate) <= number:
            yield frame.to_ndarray(format="rgb24")
            wanted.pop(0)
        last = frame
        if not wanted:
            return
    ends_s = (number + 1) / rate if last is not None else 0.0
    for time_s in wanted:
        if last is None or time_s > ends_s + _LATE_S:
            raise InputError(f"ends at {ends_s:.2f} s, the clip's motion goes on at {time_s:.2f} s", where=where)
        yield last.to_ndarray(format="rgb24")
