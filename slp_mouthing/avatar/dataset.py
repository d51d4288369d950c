"""A multi-view recording to fit an avatar to, in the layout that VHAP writes and GaussianAvatars reads (NeRF's transforms).

transforms_train.json    frames to fit to
transforms_val.json      frames of held-out cameras; optional
transforms_test.json     frames of held-out motion; optional

Each lists `frames`: `file_path` and `fg_mask_path` (or an alpha channel in the picture), `transform_matrix` (4 x 4, camera to
world, OpenGL's axes: y up, z backwards), `fl_x fl_y cx cy w h` (or `camera_angle_x`; either may stand once for all frames),
`timestep_index`, `camera_id` or `camera_index`, and `flame_param_path` (see `flame_param.py`, one frame each). For heads with
ARKit's controls `track_path`, beside `frames`, names one `.track.npz` whose frames `timestep_index` counts.
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.files import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Array

    Pixels = NDArray[np.uint8]

SPLITS = ("train", "val", "test")
WHITE = 250
"""Least value of a background that counts as white."""
CACHE_BYTES = 2**31
"""Of decoded pictures that are kept."""
_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""Between OpenGL's camera axes and OpenCV's."""
_SUFFIXES = ("", ".png", ".jpg", ".jpeg")
"""NeRF's own data sets leave the picture's suffix out."""


@dataclass(frozen=True, slots=True)
class View:
    """One picture by one camera."""

    image: Path
    mask: Path | None
    """None: the picture's alpha channel."""
    world_to_camera: Array  # [4, 4] OpenCV
    intrinsics: Array  # [3, 3] px
    width: int
    height: int
    timestep: int
    camera: str
    flame_param: Path | None = None

    @property
    def position_m(self) -> Array:  # [3]
        rotation, translation = self.world_to_camera[:3, :3], self.world_to_camera[:3, 3]
        return np.asarray(-rotation.T @ translation, np.float32)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A recording, read and checked; its pictures are still on disk."""

    folder: Path
    train: tuple[View, ...]
    val: tuple[View, ...] = ()
    test: tuple[View, ...] = ()
    track: Path | None = None

    @property
    def views(self) -> tuple[View, ...]:
        return self.train + self.val + self.test


def load_dataset(folder: str | Path) -> Dataset:
    """Read the lists of frames and check that every camera, picture and mask is there and that sizes agree.

    Raises `InputError` for the first thing that is missing or does not fit.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("is not a folder", where=str(folder), hint="give the folder that holds transforms_train.json")
    lists = {split: path for split in SPLITS if (path := folder / f"transforms_{split}.json").exists()}
    if "train" not in lists:
        raise InputError("lacks transforms_train.json", where=str(folder), hint="export the recording as VHAP does")
    contents = {split: _read_list(path) for split, path in lists.items()}
    views = {split: _views(contents[split], path, folder) for split, path in lists.items()}
    if not views["train"]:
        raise InputError("holds no frames", where=str(lists["train"]))
    track = contents["train"].get("track_path")
    return Dataset(folder, **views, track=None if track is None else _existing(folder, track, str(lists["train"]), "track_path"))


def load_picture(view: View) -> tuple[Pixels, Pixels]:
    """Colour times mask [H, W, 3], and mask [H, W].

    A picture whose background is white already, as VHAP writes them, is blended with it at the head's outline, and that white is
    taken out. Raises `InputError` for a file that is no picture.
    """
    return _load(view.image, view.mask)


def check_pictures(views: Sequence[View], on_checked: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Decode every picture and mask once. `on_checked` is told how many of how many are done.

    Raises `InputError` for the first that is damaged, and for a mask that is all black: there would be no head to fit.
    """
    pairs = list(dict.fromkeys((view.image, view.mask) for view in views))
    for done, (image, mask) in enumerate(pairs, start=1):
        if not _load(image, mask)[1].any():
            what = "has a mask that is all black" if mask else "is transparent all over"
            raise InputError(
                what, where=str(mask or image), hint="leave this picture out of the lists of frames, or mend its mask"
            )
        on_checked(done, len(pairs))


def picture_loader(views: tuple[View, ...]) -> Callable[[View], tuple[Pixels, Pixels]]:
    """`load_picture` with as many of the last pictures kept as fit into `CACHE_BYTES`."""
    largest = max(4 * view.width * view.height for view in views)
    by_files = lru_cache(maxsize=max(1, CACHE_BYTES // largest))(_load)
    return lambda view: by_files(view.image, view.mask)


def _load(image_path: Path, mask_path: Path | None) -> tuple[Pixels, Pixels]:
    from PIL import Image

    with _decoding(image_path), Image.open(image_path) as image:
        if mask_path is None:
            rgba = np.array(image.convert("RGBA"))
            return _times_mask(rgba[..., :3], rgba[..., 3]), rgba[..., 3]
        rgb = np.array(image.convert("RGB"))
    with _decoding(mask_path), Image.open(mask_path) as mask_image:
        mask = np.array(mask_image.convert("L"))
    outside = rgb[mask == 0]
    if len(outside) and outside.min() >= WHITE:
        return np.maximum(rgb, 255 - mask[..., None]) - (255 - mask[..., None]), mask
    return _times_mask(rgb, mask), mask


def _times_mask(rgb: Pixels, mask: Pixels) -> Pixels:
    return np.asarray((rgb.astype(np.uint16) * mask[..., None] + 127) // 255, np.uint8)


def _read_list(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise InputError(f"is not JSON ({error})", where=str(path)) from error
    if not isinstance(content, dict) or not isinstance(content.get("frames"), list):
        raise InputError("lacks the list 'frames'", where=str(path))
    return content


def _views(content: dict[str, Any], path: Path, folder: Path) -> tuple[View, ...]:
    shared = {key: value for key, value in content.items() if key != "frames"}
    return tuple(_view(shared, frame, f"{path}: frame {i}", folder) for i, frame in enumerate(content["frames"]))


def _view(shared: dict[str, Any], frame: Any, where: str, folder: Path) -> View:
    if not isinstance(frame, dict):
        raise InputError("is not an object", where=where)
    entry = shared | frame
    image = _existing(folder, entry.get("file_path"), where, "file_path", _SUFFIXES)
    size, has_alpha = _size_of(image)
    mask = None
    if "fg_mask_path" in entry:
        mask = _existing(folder, entry["fg_mask_path"], where, "fg_mask_path")
        if (got := _size_of(mask)[0]) != size:
            raise InputError(f"mask of {_by(got)} for a picture of {_by(size)}", where=f"{where}: {mask.name}")
    elif not has_alpha:
        raise InputError(
            "has no mask", where=f"{where}: {image.name}", hint="name one with fg_mask_path, or give pictures with alpha"
        )
    declared = tuple(int(_number(entry.get(key, size[i]), key, where)) for i, key in enumerate(("w", "h")))
    if declared != size:
        raise InputError(f"picture of {_by(size)} for a camera of {_by(declared)}", where=f"{where}: {image.name}")
    param = entry.get("flame_param_path")
    return View(
        image=image, mask=mask, world_to_camera=_world_to_camera(entry, where), intrinsics=_intrinsics(entry, size, where),
        width=size[0], height=size[1], timestep=_timestep(entry, where),
        camera=str(entry.get("camera_id", entry.get("camera_index", 0))),
        flame_param=None if param is None else _existing(folder, param, where, "flame_param_path"),
    )  # fmt: skip


def _existing(folder: Path, name: Any, where: str, key: str, suffixes: tuple[str, ...] = ("",)) -> Path:
    if not isinstance(name, str) or not name:
        raise InputError(f"lacks {key}", where=where)
    for suffix in suffixes:
        if (path := folder / f"{name}{suffix}").is_file():
            return path
    raise InputError(f"{key} names '{name}', which is not there", where=where)


def _size_of(path: Path) -> tuple[tuple[int, int], bool]:
    """Width and height of a picture, and whether it has an alpha channel, from its head alone."""
    from PIL import Image

    with _decoding(path), Image.open(path) as image:
        return image.size, "A" in image.getbands()


def _world_to_camera(entry: dict[str, Any], where: str) -> Array:
    try:
        matrix = np.array(entry.get("transform_matrix"), np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.shape != (4, 4):
        raise InputError("lacks the camera's transform_matrix of 4 x 4 numbers", where=where)
    if not np.isfinite(matrix).all():
        raise InputError("the camera's transform_matrix is not finite", where=where)
    rotation = matrix[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise InputError("the camera's transform_matrix does not hold a rotation", where=where)
    return np.linalg.inv(matrix @ _OPENGL).astype(np.float32)


def _intrinsics(entry: dict[str, Any], size: tuple[int, int], where: str) -> Array:
    width, height = size
    if "fl_x" in entry:
        fx = _number(entry["fl_x"], "fl_x", where)
    elif "camera_angle_x" in entry:
        fx = width / 2 / math.tan(_number(entry["camera_angle_x"], "camera_angle_x", where) / 2)
    else:
        raise InputError("lacks the camera's fl_x (or camera_angle_x)", where=where)
    fy, cx, cy = (_number(entry.get(k, d), k, where) for k, d in (("fl_y", fx), ("cx", width / 2), ("cy", height / 2)))
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float32)


def _number(value: Any, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise InputError(f"{key} is {value!r}, expected a positive number", where=where)
    return float(value)


def _timestep(entry: dict[str, Any], where: str) -> int:
    value = entry.get("timestep_index", 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"timestep_index is {value!r}, expected a number from 0", where=where)
    return value


def _by(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))


@contextlib.contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Failures of a picture's decoder as `InputError`."""
    try:
        yield
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError("is not a picture that can be read", where=str(path)) from error
