"""What a merge does in time: blending, offset, trim, resampling, and what it reports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from slp_mouthing.body import MergeOptions, merge, merge_file, read_body
from slp_mouthing.body.resample import resample_curves, resample_rotations
from slp_mouthing.errors import InputError
from slp_mouthing.types import BodySequence, FaceTrack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _body(frames: int = 90, fps: float = 30.0, columns: int = 10) -> BodySequence:
    """A body whose own jaw is open by 0.3 rad and whose own expressions are 1."""
    jaw = np.zeros((frames, 3))
    jaw[:, 0] = 0.3
    zeros = np.zeros((frames, 63))
    return BodySequence(
        format="beat2", fps=fps, time_s=np.arange(frames) / fps, root_orient=zeros[:, :3], body_pose=zeros,
        left_hand_pose=zeros[:, :45], right_hand_pose=zeros[:, :45], jaw_pose=jaw, eyes_pose=zeros[:, :6],
        expressions=np.ones((frames, columns)),
    )  # fmt: skip


def _still(track: FaceTrack) -> FaceTrack:
    """The track with its face at rest: jaw and expressions 0."""
    assert track.expressions is not None
    return replace(track, jaw_pose=np.zeros_like(track.jaw_pose), expressions=np.zeros_like(track.expressions))


def test_beyond_the_track_the_bodys_face_returns_within_the_blend(track_of: Callable[..., FaceTrack]) -> None:
    merged, report = merge(_still(track_of(30, 30.0)), _body(), MergeOptions(offset_s=1.0))
    assert merged.jaw_pose is not None and merged.expressions is not None
    opening = merged.jaw_pose[:, 0]
    assert (opening[30:60] == 0).all() and (merged.expressions[30:60] == 0).all()
    assert (opening[:28] == 0.3).all() and (opening[62:] == 0.3).all()
    assert (np.diff(opening[27:31]) < 0).all() and (np.diff(opening[59:63]) > 0).all()
    assert report.covered_s == pytest.approx((1.0, 1.0 + 29 / 30))


def test_without_blend_the_cut_is_hard(track_of: Callable[..., FaceTrack]) -> None:
    merged, _ = merge(_still(track_of(30, 30.0)), _body(), MergeOptions(offset_s=1.0, blend_s=0.0))
    assert merged.jaw_pose is not None
    assert np.flatnonzero(merged.jaw_pose[:, 0] == 0).tolist() == list(range(30, 60))


def test_equal_clocks_copy_frames_exactly(track_of: Callable[..., FaceTrack]) -> None:
    track = track_of(30, 29.97)
    merged, _ = merge(track, _body(fps=29.97, columns=100), MergeOptions(offset_s=20 / 29.97))
    assert merged.jaw_pose is not None and merged.expressions is not None
    assert np.array_equal(merged.jaw_pose[20:50].astype(np.float32), track.jaw_pose)
    assert np.array_equal(merged.expressions[20:50].astype(np.float32), track.expressions)


def test_trim_uses_a_part_of_the_track(track_of: Callable[..., FaceTrack]) -> None:
    track = track_of(60, 30.0)
    merged, report = merge(track, _body(), MergeOptions(offset_s=1.0, trim_s=(0.5, 1.0)))
    assert merged.jaw_pose is not None
    np.testing.assert_allclose(merged.jaw_pose[30:46], track.jaw_pose[15:31], atol=1e-6)
    assert (merged.jaw_pose[49:, 0] == 0.3).all()
    assert report.covered_s == pytest.approx((1.0, 1.5))


def test_ten_minutes_do_not_drift(track_of: Callable[..., FaceTrack]) -> None:
    track = track_of(600 * 25, 25.0, "builtin")
    body = _body(600 * 60, 59.94)
    merged, _ = merge(track, body, MergeOptions(channels=("jaw",)))
    last = np.flatnonzero(body.time_s <= track.time_s[-1])[-1]
    expected = Slerp(track.time_s[-3:], Rotation.from_rotvec(track.jaw_pose[-3:]))(body.time_s[last]).as_rotvec()
    assert merged.jaw_pose is not None
    np.testing.assert_allclose(merged.jaw_pose[last], expected, atol=1e-6)


def test_lost_expressions_are_reported_as_a_share_of_the_norm(track_of: Callable[..., FaceTrack]) -> None:
    track = _still(track_of(30, 30.0))
    assert track.expressions is not None
    track.expressions[:, 3], track.expressions[:, 40] = 0.8, 0.6
    _, report = merge(track, _body(columns=10))
    assert (report.expressions_written, report.expressions_lost) == (10, 90)
    assert report.lost_norm == pytest.approx(0.6, abs=1e-6)
    assert "10 of 100, 90 lost (60.0% of their norm)" in "\n".join(report.lines())


def test_a_builtin_track_writes_the_jaw_and_says_so(track_of: Callable[..., FaceTrack]) -> None:
    body = _body()
    merged, report = merge(track_of(30, 30.0, "builtin"), body)
    assert report.written == ("jaw",) and merged.expressions is body.expressions
    assert [w for w in report.warnings if "builtin" in w and "FLAME" in w]


def test_another_flame_is_warned_of(track_of: Callable[..., FaceTrack]) -> None:
    _, report = merge(track_of(30, 30.0, "flame2023"), _body())
    assert any("flame2023" in warning for warning in report.warnings)


def test_a_body_shorter_than_the_track_is_reported_with_figures(track_of: Callable[..., FaceTrack]) -> None:
    merged, report = merge(track_of(75, 25.0), _body(60))
    assert any("ends at 2.00 s" in w and "0.99 s (25 frames) are not shown" in w for w in report.warnings), report.warnings
    assert merged.jaw_pose is not None and len(merged.jaw_pose) == 60


def test_a_negative_offset_cuts_the_tracks_start(track_of: Callable[..., FaceTrack]) -> None:
    track = track_of(60, 30.0)
    merged, report = merge(track, _body(), MergeOptions(offset_s=-0.5))
    assert merged.jaw_pose is not None
    np.testing.assert_allclose(merged.jaw_pose[:45], track.jaw_pose[15:], atol=1e-6)
    assert any("0.50 s (15 frames) before the body" in warning for warning in report.warnings)


@pytest.mark.parametrize("offset_s", [-10.0, 10.0])
def test_a_track_beside_the_body_is_an_error(offset_s: float, track_of: Callable[..., FaceTrack]) -> None:
    with pytest.raises(InputError, match=r"outside of the body's 0 to 2\.97 s.*--offset"):
        merge(track_of(), _body(), MergeOptions(offset_s=offset_s))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ("tongue",)}, "unknown face channel 'tongue', allowed: jaw, expression, eyes"),
        ({"trim_s": (2.0, 1.0)}, "trim is 2 to 1 s"),
        ({"blend_s": -1.0}, "blend -1 s"),
        ({"offset_s": float("nan")}, "offset nan s"),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MergeOptions(**options)  # type: ignore[arg-type]


def test_missing_frames_keep_the_clock(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    folder = makers["smplerx"](tmp_path / "signer")
    for frame in (5, 6, 7):
        (folder / f"{frame:05}_0.npz").unlink()
    report = merge_file(track, folder, tmp_path / "out", MergeOptions(fps=25.0))
    merged = read_body(tmp_path / "out", fps=25.0)
    assert any("3 frames are missing" in warning for warning in report.warnings)
    assert merged.jaw_pose is not None
    np.testing.assert_allclose(merged.jaw_pose[[3, 4]], FaceTrack.load(track).jaw_pose[[3, 7]], atol=1e-6)


def test_frame_rates_by_convention_and_by_the_user_are_named(
    makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path
) -> None:
    path = makers["signavatars"](tmp_path / "signer.pkl")
    assert any("24 fps, as SignAvatars" in w for w in merge_file(track, path, tmp_path / "a.pkl").warnings)
    report = merge_file(track, path, tmp_path / "b.pkl", MergeOptions(fps=25.0))
    assert report.fps == 25.0 and not [w for w in report.warnings if "frame rate" in w]
    path = makers["beat2"](tmp_path / "signer.npz")
    report = merge_file(track, path, tmp_path / "c.npz", MergeOptions(fps=25.0))
    assert any("says 30 fps, and 25 is used" in warning for warning in report.warnings)


# ---- resampling -----------------------------------------------------------------------------------------------------------
INSTANTS = st.lists(st.floats(0.0, 9.0), min_size=1, max_size=20)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**16), instants=INSTANTS)
def test_rotations_follow_scipys_slerp(seed: int, instants: list[float]) -> None:
    poses = np.random.default_rng(seed).uniform(-1.0, 1.0, (10, 6))
    at = np.array(instants)
    got = resample_rotations(poses, at)
    for joint in (slice(0, 3), slice(3, 6)):
        expected = Slerp(np.arange(10), Rotation.from_rotvec(poses[:, joint]))(at)
        error = (Rotation.from_rotvec(got[:, joint]).inv() * expected).magnitude()
        # An instant within a millionth of a frame is the frame.
        np.testing.assert_allclose(error, 0.0, atol=5e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**16), instants=INSTANTS)
def test_curves_stay_between_their_neighbours(seed: int, instants: list[float]) -> None:
    curves = np.random.default_rng(seed).normal(size=(10, 3))
    at = np.array(instants)
    before, after = curves[np.floor(at).astype(int)], curves[np.minimum(np.ceil(at).astype(int), 9)]
    got = resample_curves(curves, at)
    assert (got >= np.minimum(before, after) - 1e-5).all() and (got <= np.maximum(before, after) + 1e-5).all()


def test_rest_stays_still_when_resampled() -> None:
    curves = np.zeros((40, 1))
    curves[20:, 0] = 1.0
    got = resample_curves(curves, np.arange(0, 39, 0.37))
    assert (got[np.arange(0, 39, 0.37) <= 19] == 0).all()


def test_smooth_curves_lose_little() -> None:
    time_s = np.arange(60) / 60
    curves = np.sin(2 * np.pi * 3 * time_s)[:, None]
    at = np.arange(1, 58, 60 / 25)
    assert np.abs(resample_curves(curves, at)[:, 0] - np.sin(2 * np.pi * 3 * at / 60)).max() < 0.01


def test_a_track_of_one_frame_is_held() -> None:
    poses = np.array([[0.1, 0.2, 0.3]])
    assert np.array_equal(resample_rotations(poses, np.zeros(1)), poses)
    assert np.array_equal(resample_curves(poses, np.zeros(1)), poses)


def test_without_expressions_the_jaw_closes_where_the_lips_do() -> None:
    from slp_mouthing.pipeline import render

    track = render("BABY@0.8").track
    merged, _ = merge(track, _body(frames=60), MergeOptions(channels=("jaw",)))
    assert merged.jaw_pose is not None
    jaw = merged.jaw_pose[: len(track), 0]
    sealed = track.lip_opening_m == 0
    assert sealed[4:-8].any() and (jaw[sealed] < np.radians(0.2)).all()
    assert jaw.max() > np.radians(3)
