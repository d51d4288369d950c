"""A camera that holds the mouth still."""

from __future__ import annotations

import numpy as np
import pytest

from slp_mouthing.errors import HeadError
from slp_mouthing.render.mouth_camera import POINTS, MouthCameraOptions, follow, mouth_camera, mouth_points

REST = np.array([[0.025, -0.067, 0.085], [-0.025, -0.067, 0.085], [0, -0.066, 0.1], [0, -0.068, 0.1], [0, -0.036, 0.115]])


def pixels(camera, points: np.ndarray) -> np.ndarray:
    local = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    projected = local @ camera.intrinsics.T
    return projected[:, :2] / projected[:, 2:]


def turned(points: np.ndarray, yaw: float, shift: tuple[float, float, float]) -> np.ndarray:
    c, s = np.cos(yaw), np.sin(yaw)
    return points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + shift


def test_mouth_fills_half_of_the_crop() -> None:
    left, right, upper, _, nose = pixels(mouth_camera(REST), REST)
    assert left[0] - right[0] == pytest.approx(48, abs=0.5)
    assert (left + right) / 2 == pytest.approx([48, 48], abs=1.5)
    assert nose[1] < upper[1] < 49 and nose[1] > 5


def test_size_of_the_person_does_not_matter() -> None:
    small, large = (pixels(mouth_camera(k * REST, MouthCameraOptions(distance_m=k)), k * REST) for k in (0.8, 1.3))
    np.testing.assert_allclose(small, large, atol=1e-2)


def test_points_come_from_landmarks() -> None:
    vertices = np.arange(30, dtype=np.float32).reshape(2, 5, 3)
    landmarks = {name: np.array([i], np.int32) for i, name in enumerate(reversed(POINTS))}
    np.testing.assert_array_equal(mouth_points(vertices, landmarks), vertices[:, ::-1])


def test_a_moving_head_stays_in_place() -> None:
    time_s = np.arange(60) / 30
    points = np.stack([turned(REST, 0.3 * np.sin(t), (0.05 * t, 0.02 * np.sin(2 * t), 0)) for t in time_s])
    cameras = follow(points, REST, 30.0)
    rest = pixels(mouth_camera(REST), REST)
    drift = [np.abs(pixels(camera, p) - rest).max() for camera, p in zip(cameras, points, strict=True)]
    assert max(drift[5:-5]) < 1.0


def test_speech_and_noise_do_not_shake_the_crop() -> None:
    rng, time_s = np.random.default_rng(0), np.arange(60) / 30
    points = np.tile(REST, (60, 1, 1)) + rng.normal(0, 5e-4, (60, 5, 3))
    points[:, 3, 1] -= 0.02 * np.maximum(np.sin(2 * np.pi * 4 * time_s), 0)
    shaken = np.stack([pixels(camera, REST) for camera in follow(points, REST, 30.0)])
    # Half a millimetre of noise is half a pixel of the crop.
    assert np.diff(shaken, axis=0).std() < 0.2
    assert np.abs(shaken - pixels(mouth_camera(REST), REST)).max() < 1.5


@pytest.mark.parametrize("broken", [np.full((5, 3), np.nan), np.zeros((5, 3))])
def test_unusable_landmarks_are_refused(broken: np.ndarray) -> None:
    with pytest.raises(HeadError, match="landmarks"):
        mouth_camera(broken)
    with pytest.raises(HeadError, match="landmarks"):
        follow(np.stack([broken] * 3) * np.nan, REST, 30.0)
