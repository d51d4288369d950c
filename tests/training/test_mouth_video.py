"""The mouth in a recording, cut out as the renders of an avatar show it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.errors import InputError  # noqa: E402
from slp_mouthing.render.video import write_video  # noqa: E402
from slp_mouthing.training.avatar_people import AvatarPeople, Sitter  # noqa: E402
from slp_mouthing.training.dataset import open_dataset  # noqa: E402
from slp_mouthing.training.mouth_video import (  # noqa: E402
    Footage,
    cut_out,
    mouth_pictures,
    pictures_at,
    read_landmarks,
    reprojected,
    similarities,
)
from tests.training.small_captured import (  # noqa: E402
    NEUTRAL,
    film,
    write_camera,
    write_flame,
    write_mead,
    write_person,
)

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import Array

FRAMES = 12
WHOLE = slice(0, FRAMES)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sitter, Array]:
    """A recorded take of MEAD, who is in it, and the pictures that its avatar makes of the tracked motion."""
    folder = tmp_path_factory.mktemp("stage")
    flame = write_flame(folder / "flame")
    avatar = write_person(folder / "avatar", flame)
    mead = write_mead(folder / "mead", [("M003", 1)], FRAMES)
    head = film(mead, "M003", 1, flame, avatar)
    write_camera(mead, "M003")
    dataset = open_dataset(mead, flame)
    people, clip = AvatarPeople(dataset, avatar, flame), dataset[0]  # type: ignore[arg-type]
    sitter = people.sitter(clip)
    np.testing.assert_allclose(sitter.neutral_m, head.neutral_m[:-120], atol=1e-6)
    offsets = torch.from_numpy(clip.vertex_offsets.reshape(FRAMES, -1))
    return mead, sitter, sitter.crop.pictures(sitter.posed(offsets), sitter.camera).numpy()


def likeness(one: Array, other: Array) -> float:
    """Correlation of the middle of two sets of pictures in grey, where there is skin."""
    return float(np.corrcoef(*(pictures[:, 10:-24, 20:-20].mean(axis=3).ravel() for pictures in (one, other)))[0, 1])


def best_place(seen: Array, rendered: Array) -> tuple[int, float]:
    """How far a picture must be shifted to be most alike, in pixels, and how alike it is then."""
    shifts = [(x, y) for x in range(-6, 7) for y in range(-6, 7)]
    found = {shift: likeness(seen, np.roll(rendered, shift[::-1], axis=(1, 2))) for shift in shifts}
    best = max(found, key=lambda shift: found[shift])
    return max(map(abs, best)), found[best]


def footage_of(mead: Path) -> Footage:
    take = f"{NEUTRAL}/001"
    return Footage(
        mead / "M003/video/front" / f"{take}.mp4",
        camera=mead / "M003/camera/front.npz",
        tracked=mead / "M003/flame" / f"{take}.npz",
    )


def test_a_camera_finds_the_mouth_of_a_turning_head(stage: tuple[Path, Sitter, Array]) -> None:
    mead, sitter, rendered = stage
    seen = mouth_pictures(footage_of(mead), sitter.head, sitter.camera, WHOLE, 30.0)
    assert seen.shape == rendered.shape
    aside_px, alike = best_place(seen, rendered)
    assert aside_px <= 1
    assert alike > 0.9


def test_landmarks_find_it_as_well(stage: tuple[Path, Sitter, Array], tmp_path: Path) -> None:
    mead, sitter, rendered = stage
    footage, points = footage_of(mead), np.zeros((FRAMES, 68, 2))
    points[:, 17:] = reprojected(footage, sitter.head) + np.random.default_rng(0).normal(0, 0.3, (FRAMES, 51, 2))
    points[5] = np.nan  # No face was found there.
    np.save(tmp_path / "points.npy", points)
    marked = replace(footage, landmarks=tmp_path / "points.npy", camera=None)
    seen = mouth_pictures(marked, sitter.head, sitter.camera, slice(2, 8), 30.0)
    aside_px, alike = best_place(seen, rendered[2:8])
    assert aside_px <= 1
    assert alike > 0.9


def test_the_mouth_cut_out_is_taken_as_it_is_at_any_rate_and_size(stage: tuple[Path, Sitter, Array], tmp_path: Path) -> None:
    _, sitter, rendered = stage
    shown = (np.arange(round(FRAMES * 25 / 30)) * 30 / 25).round().astype(int)
    pixels = (255 * rendered[shown].clip(0, 1)).astype(np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    write_video(pixels, tmp_path / "mouth.mp4", 25.0)
    seen = mouth_pictures(Footage(tmp_path / "mouth.mp4", cropped=True), sitter.head, sitter.camera, WHOLE, 30.0)
    assert likeness(seen, rendered) > 0.97
    write_video(pixels[:, :100], tmp_path / "mouth.mp4", 25.0)
    with pytest.raises(InputError, match="pictures are 192 x 100, a crop of the mouth is square"):
        mouth_pictures(Footage(tmp_path / "mouth.mp4", cropped=True), sitter.head, sitter.camera, WHOLE, 30.0)


def test_a_similarity_is_found_exactly_and_speech_does_not_change_its_size() -> None:
    rest = np.random.default_rng(0).uniform(0, 96, (51, 2))
    turn, shift = 2.5 * np.exp(0.3j), 200 + 100j
    moved = turn * (rest[:, 0] + 1j * rest[:, 1]) + shift
    points = np.stack([moved.real, moved.imag], axis=-1)[None].repeat(40, axis=0)
    points[:, 38:] += np.random.default_rng(1).normal(0, 9, (40, 13, 2))  # The lips' lower half.
    for found in similarities(rest, points, 30.0):
        assert found == (pytest.approx(turn), pytest.approx(shift))


def test_cutting_out_undoes_what_a_camera_did() -> None:
    rows, columns = np.mgrid[:300, :400]
    wave = np.uint8(127 + 100 * np.sin(columns / 9) * np.cos(rows / 11))
    turn, shift = 1.7 * np.exp(0.4j), 120 + 40j
    cut = cut_out(wave[..., None].repeat(3, axis=2), turn, shift, 96)
    y, x = np.mgrid[:96, :96] + 0.5
    place = turn * (x + 1j * y) + shift - 0.5 - 0.5j
    expected = 127 + 100 * np.sin(place.real / 9) * np.cos(place.imag / 11)
    assert np.abs(cut[..., 0] - expected).max() < 6


def test_what_is_wrong_with_a_recording_is_told(stage: tuple[Path, Sitter, Array], tmp_path: Path) -> None:
    mead, sitter, _ = stage
    footage, about = footage_of(mead), (sitter.head, sitter.camera, WHOLE, 30.0)
    with pytest.raises(InputError, match="no such file"):
        mouth_pictures(replace(footage, video=tmp_path / "none.mp4"), *about)
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match="is no video that can be read"):
        mouth_pictures(replace(footage, video=tmp_path / "text.mp4"), *about)
    with pytest.raises(InputError, match=r"ends at 0\.40 s, the clip's motion goes on at 0\.57 s"):
        list(pictures_at(footage.video, np.arange(20) / 30))
    assert len(list(pictures_at(footage.video, np.arange(FRAMES + 3) / 30))) == FRAMES + 3, "a last frame that is late stays"
    with pytest.raises(InputError, match="has landmarks of 12 frames, the motion goes on to 14"):
        mouth_pictures(footage, sitter.head, sitter.camera, slice(2, 14), 30.0)


def test_what_is_wrong_with_landmarks_and_cameras_is_told(stage: tuple[Path, Sitter, Array], tmp_path: Path) -> None:
    mead, sitter, _ = stage
    points, camera = tmp_path / "points.npy", tmp_path / "camera.npz"
    for content, told in (
        (np.zeros((3, 5, 2)), r"holds \(3, 5, 2\), expected frames x 68 x 2"),
        (np.full((3, 68, 2), np.nan), "holds no frame with a face"),
    ):
        np.save(points, content)
        with pytest.raises(InputError, match=told):
            read_landmarks(points)
    points.write_text("1 2 3")
    with pytest.raises(InputError, match="is no array that can be read"):
        read_landmarks(points)
    shutil.copy(mead / "M003/camera/front.npz", camera)
    about = (replace(footage_of(mead), camera=camera), sitter.head, sitter.camera, WHOLE, 30.0)
    away = dict(np.load(camera))
    np.savez(camera, **(away | {"world_to_camera": np.diag([1, -1, -1, 1]) @ away["world_to_camera"]}))
    with pytest.raises(InputError, match="looks away from the tracked head; world_to_camera is in OpenCV's axes"):
        mouth_pictures(*about)
    np.savez(camera, **(away | {"intrinsics": np.eye(4)}))
    with pytest.raises(InputError, match=r"intrinsics is \(4, 4\), expected \(3, 3\)"):
        mouth_pictures(*about)
    np.savez(camera, intrinsics=np.eye(3))
    with pytest.raises(InputError, match="is no camera that can be read"):
        mouth_pictures(*about)
