"""Recordings in the field's layout, and what is wrong with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from slp_mouthing.avatar.dataset import check_pictures, load_dataset, load_picture
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MATRIX = [[1, 0, 0, 0.1], [0, 1, 0, 0.2], [0, 0, 1, 1.5], [0, 0, 0, 1]]


def write(folder: Path, frames: list[dict[str, Any]] | None = None, split: str = "train", **shared: Any) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    (folder / "fg_masks").mkdir(exist_ok=True)
    rgb = np.full((16, 20, 3), 255, np.uint8)
    rgb[4:12, 5:15] = (200, 100, 40)
    mask = np.zeros((16, 20), np.uint8)
    mask[4:12, 5:15] = 255
    Image.fromarray(rgb).save(folder / "images/00000_00.png")
    Image.fromarray(mask).save(folder / "fg_masks/00000_00.png")
    content = shared | {"frames": [frame()] if frames is None else frames}
    (folder / f"transforms_{split}.json").write_text(json.dumps(content))
    return folder


def frame(**changes: Any) -> dict[str, Any]:
    base = {
        "timestep_index": 3, "camera_index": 0, "camera_id": "222200042", "cx": 10.5, "cy": 8.0, "fl_x": 40.0, "fl_y": 41.0,
        "h": 16, "w": 20, "transform_matrix": MATRIX, "file_path": "images/00000_00.png", "fg_mask_path": "fg_masks/00000_00.png",
    }  # fmt: skip
    return {key: value for key, value in (base | changes).items() if value is not None}


def test_a_frame_as_vhap_writes_it(tmp_path: Path) -> None:
    (view,) = load_dataset(write(tmp_path)).train
    assert (view.width, view.height, view.timestep, view.camera) == (20, 16, 3, "222200042")
    np.testing.assert_allclose(view.intrinsics, [[40, 0, 10.5], [0, 41, 8], [0, 0, 1]])
    np.testing.assert_allclose(view.position_m, [0.1, 0.2, 1.5], atol=1e-6)
    # OpenGL's camera looks along -z: what lies there has positive depth.
    ahead = view.world_to_camera @ [0.1, 0.2, 0.5, 1]
    np.testing.assert_allclose(ahead[:3], [0, 0, 1], atol=1e-6)
    above = view.world_to_camera @ [0.1, 0.3, 0.5, 1]
    assert above[1] == pytest.approx(-0.1)


def test_shared_camera_and_suffix_left_out(tmp_path: Path) -> None:
    bare = frame(file_path="images/00000_00", cx=None, cy=None, fl_x=None, fl_y=None, w=None, h=None)
    view = load_dataset(write(tmp_path, [bare], camera_angle_x=0.5)).train[0]
    assert view.intrinsics[0, 0] == pytest.approx(10 / np.tan(0.25))
    assert view.intrinsics[0, 2] == 10


def test_white_behind_the_head_is_taken_out(tmp_path: Path) -> None:
    folder = write(tmp_path)
    mask = np.array(Image.open(folder / "fg_masks/00000_00.png"))
    mask[4] = mask[4] // 2
    rgb = np.array(Image.open(folder / "images/00000_00.png")).astype(int)
    share = mask[4, :, None].astype(int)
    rgb[4] = (rgb[4] * share + 255 * (255 - share)) // 255
    Image.fromarray(rgb.astype(np.uint8)).save(folder / "images/00000_00.png")
    Image.fromarray(mask).save(folder / "fg_masks/00000_00.png")
    colors, found = load_picture(load_dataset(folder).train[0])
    np.testing.assert_array_equal(found, mask)
    assert colors[0, 0].max() == 0
    np.testing.assert_array_equal(colors[8, 10], (200, 100, 40))
    np.testing.assert_allclose(colors[4, 10], (100, 50, 20), atol=2)


def test_what_lies_behind_the_head_does_not_count(tmp_path: Path) -> None:
    folder = write(tmp_path)
    rgb = np.array(Image.open(folder / "images/00000_00.png"))
    rgb[0] = (10, 200, 30)
    Image.fromarray(rgb).save(folder / "images/00000_00.png")
    colors, mask = load_picture(load_dataset(folder).train[0])
    assert colors[mask == 0].max() == 0


def test_alpha_stands_for_a_mask(tmp_path: Path) -> None:
    rgba = np.full((16, 20, 4), 128, np.uint8)
    folder = write(tmp_path, [frame(fg_mask_path=None, file_path="images/a.png")])
    Image.fromarray(rgba).save(folder / "images/a.png")
    colors, mask = load_picture(load_dataset(folder).train[0])
    assert mask[0, 0] == 128 and colors[0, 0, 0] == 64


def nan_camera() -> list[list[float]]:
    return [[float("nan"), *MATRIX[0][1:]], *MATRIX[1:]]


def scaled_camera() -> list[list[float]]:
    return [[2, 0, 0, 0], *MATRIX[1:]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fg_mask_path": None}, "has no mask; name one with fg_mask_path"),
        ({"fg_mask_path": "fg_masks/no.png"}, "fg_mask_path names 'fg_masks/no.png', which is not there"),
        ({"file_path": "images/no.png"}, "file_path names 'images/no.png', which is not there"),
        ({"file_path": None}, "lacks file_path"),
        ({"transform_matrix": None}, "lacks the camera's transform_matrix"),
        ({"transform_matrix": [[1, 2], [3]]}, "lacks the camera's transform_matrix"),
        ({"transform_matrix": nan_camera()}, "transform_matrix is not finite"),
        ({"transform_matrix": scaled_camera()}, "does not hold a rotation"),
        ({"fl_x": None, "fl_y": None}, "lacks the camera's fl_x"),
        ({"fl_x": float("inf")}, "fl_x is inf, expected a positive number"),
        ({"w": 21}, "picture of 20 x 16 for a camera of 21 x 16"),
        ({"timestep_index": -1}, "timestep_index is -1"),
        ({"flame_param_path": "flame_param/00003.npz"}, "flame_param_path names 'flame_param/00003.npz', which is not there"),
    ],
)
def test_broken_frames_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match="frame 0") as caught:
        load_dataset(write(tmp_path, [frame(**changes)]))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / "transforms_train.json").unlink(), "lacks transforms_train.json"),
        (lambda f: (f / "transforms_train.json").write_text("{"), "is not JSON"),
        (lambda f: (f / "transforms_train.json").write_text('{"frames": []}'), "holds no frames"),
        (lambda f: (f / "transforms_train.json").write_text("[]"), "lacks the list 'frames'"),
        (lambda f: (f / "transforms_train.json").write_text('{"frames": [1]}'), "is not an object"),
        (lambda f: (f / "images/00000_00.png").write_bytes(b"no"), "is not a picture"),
        (lambda f: Image.new("L", (8, 8)).save(f / "fg_masks/00000_00.png"), "mask of 8 x 8 for a picture of 20 x 16"),
    ],
)
def test_broken_recordings_are_refused(tmp_path: Path, break_it: Callable[[Path], object], message: str) -> None:
    folder = write(tmp_path)
    break_it(folder)
    with pytest.raises(InputError, match=message):
        load_dataset(folder)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        load_dataset(tmp_path / "no")


def test_every_picture_and_mask_is_looked_at_once(tmp_path: Path) -> None:
    folder, told = write(tmp_path, [frame(), frame(timestep_index=4)]), []
    check_pictures(load_dataset(folder).views, lambda done, total: told.append((done, total)))
    assert told == [(1, 1)]
    mask = folder / "fg_masks/00000_00.png"
    Image.fromarray(np.zeros((16, 20), np.uint8)).save(mask)
    with pytest.raises(InputError, match=r"00000_00\.png: has a mask that is all black"):
        check_pictures(load_dataset(folder).views)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 20), dtype=np.uint8)).save(mask)
    whole = mask.read_bytes()
    mask.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"fg_masks/00000_00\.png: is not a picture that can be read"):
        check_pictures(load_dataset(folder).views)
