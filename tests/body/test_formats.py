"""Every format: recognised by its content, the face written, everything else bit for bit."""

from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation, Slerp

from slp_mouthing.body import MergeOptions, merge_file, read_body
from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.types import BodySequence, FaceTrack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OFFSET_S = 0.2
OTHERS = ("root_orient", "body_pose", "left_hand_pose", "right_hand_pose", "translation_m", "eyes_pose")
FPS = {"beat2": 30, "amass-smplx": 120, "signavatars": 24, "motionx": 30}


def _merge(track: Path, path: Path, **options: Any) -> tuple[BodySequence, BodySequence, Path]:
    """The body before and after, and the file."""
    fps = None if path.is_file() else 20.0
    out = path.with_name("out" + path.suffix)
    merge_file(track, path, out, MergeOptions(fps=fps, offset_s=OFFSET_S, **options))
    return read_body(path, fps=fps), read_body(out, fps=fps), out


def test_each_format_is_recognised_with_its_frame_rate(body: tuple[str, Path]) -> None:
    name, path = body
    sequence = read_body(path, fps=None if name in FPS else 20.0)
    assert (sequence.format, sequence.fps) == (name, FPS.get(name, 20))
    assert len(sequence) == 40 and sequence.body_pose.shape == (40, 63) and sequence.right_hand_pose.shape == (40, 45)
    np.testing.assert_allclose(sequence.time_s, np.arange(40) / sequence.fps)


def test_the_face_is_the_track_resampled(body: tuple[str, Path], track: Path) -> None:
    _, after, _ = _merge(track, body[1])
    face = FaceTrack.load(track)
    time_s = after.time_s - OFFSET_S
    inside = (time_s >= 0) & (time_s <= face.time_s[-1])
    assert inside.sum() >= 10
    jaw = Slerp(face.time_s, Rotation.from_rotvec(face.jaw_pose))(time_s[inside]).as_rotvec()
    assert after.jaw_pose is not None
    np.testing.assert_allclose(after.jaw_pose[inside], jaw, atol=1e-6)
    if after.expressions is not None:
        curves = PchipInterpolator(face.time_s, face.expressions)(time_s[inside])
        np.testing.assert_allclose(after.expressions[inside], curves[:, : after.expressions.shape[1]], atol=1e-6)


def test_other_channels_and_frames_keep_their_bits(body: tuple[str, Path], track: Path) -> None:
    before, after, _ = _merge(track, body[1])
    for name in OTHERS:
        assert np.array_equal(getattr(before, name), getattr(after, name)), name
    untouched = (before.time_s < OFFSET_S - 0.1) | (before.time_s > OFFSET_S + 29 / 25 + 0.1)
    assert untouched.any()
    for name in ("jaw_pose", "expressions"):
        if getattr(before, name) is not None:
            assert np.array_equal(getattr(before, name)[untouched], getattr(after, name)[untouched])
            assert not np.array_equal(getattr(before, name), getattr(after, name))


@pytest.mark.parametrize(("name", "file"), [("beat2", "signer.npz"), ("amass-smplx", "signer.npz"), ("smplerx", "signer")])
def test_eyes_follow_the_track_when_asked(
    name: str, file: str, makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path
) -> None:
    _, after, _ = _merge(track, makers[name](tmp_path / file), channels=("eyes",))
    at = int(np.argmin(np.abs(after.time_s - OFFSET_S - 0.4)))
    time_s = after.time_s[at] - OFFSET_S
    eyes = FaceTrack.load(track)
    left = Slerp(eyes.time_s, Rotation.from_rotvec(eyes.eyes_pose[:, :3]))(time_s).as_rotvec()
    assert after.eyes_pose is not None
    np.testing.assert_allclose(after.eyes_pose[at, :3], left, atol=1e-6)


@pytest.mark.parametrize("name", ["beat2", "amass-smplx"])
def test_npz_members_keep_their_bytes(name: str, makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    path = makers[name](tmp_path / "signer.npz")
    _, _, out = _merge(track, path)
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out) as after:
        assert before.namelist() == after.namelist()
        changed = {member for member in before.namelist() if before.read(member) != after.read(member)}
    assert changed == ({"poses.npy", "expressions.npy"} if name == "beat2" else {"poses.npy", "pose_jaw.npy"})


def test_amass_stores_the_jaw_twice_and_both_agree(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    _, _, out = _merge(track, makers["amass-smplx"](tmp_path / "signer.npz"))
    with np.load(out) as arrays:
        assert np.array_equal(arrays["poses"][:, 66:69], arrays["pose_jaw"])


def test_pickles_keep_every_other_byte(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    path = makers["signavatars"](tmp_path / "signer.pkl")
    # As numpy 1 spells it, which numpy 2 cannot write but its users must be able to read.
    entries = pickle.loads(path.read_bytes())
    content = pickle.dumps(entries, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    path.write_bytes(content)
    before, _, out = _merge(track, path)
    written = out.read_bytes()
    assert b"numpy.core.multiarray" in written and b"numpy._core" not in written
    differing = np.flatnonzero(np.frombuffer(content, np.uint8) != np.frombuffer(written, np.uint8))
    assert differing[-1] - differing[0] < before.body_pose.shape[0] * 182 * 4
    merged = pickle.loads(written)
    assert merged["name"] == "clip" and merged["boxes"] == [1, 2.5, None]
    assert np.array_equal(merged["unsmooth_smplx"], entries["unsmooth_smplx"])
    assert np.array_equal(merged["smplx"][:, 159:169], entries["smplx"][:, 159:169])


def test_the_same_merge_gives_the_same_bytes(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    path = makers["amass-smplx"](tmp_path / "signer.npz")
    outs = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for out in outs:
        merge_file(track, path, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_body_may_be_merged_onto_itself(body: tuple[str, Path], track: Path) -> None:
    path = body[1]
    options = MergeOptions(fps=20.0)
    merge_file(track, path, path, options)
    first = read_body(path, fps=20.0)
    merge_file(track, path, path, options)
    again = read_body(path, fps=20.0)
    assert first.jaw_pose is not None and again.jaw_pose is not None
    np.testing.assert_allclose(again.jaw_pose[:24], first.jaw_pose[:24], atol=1e-6)


def test_content_counts_and_not_the_name(makers: dict[str, Callable[..., Path]], tmp_path: Path) -> None:
    path = makers["beat2"](tmp_path / "signer.npz").rename(tmp_path / "motion.data")
    assert read_body(path).format == "beat2"


def test_the_result_keeps_the_bodys_suffix(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"out\.pkl.*stays one; name it out\.npy"):
        merge_file(track, makers["motionx"](tmp_path / "signer.npy"), tmp_path / "out.pkl")


def test_smplh_has_no_face_and_says_so(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    path = makers["amass-smplh"](tmp_path / "signer.npz")
    with pytest.raises(InputError, match=r"signer\.npz: AMASS SMPL\+H has no face.*--widen"):
        merge_file(track, path, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


def test_smplh_is_widened_to_smplx(makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    path = makers["amass-smplh"](tmp_path / "signer.npz")
    report = merge_file(track, path, tmp_path / "out.npz", MergeOptions(widen=True))
    assert any("betas stay those of SMPL+H" in warning for warning in report.warnings)
    before, after = read_body(path), read_body(tmp_path / "out.npz")
    assert after.format == "beat2" and after.fps == 60 and str(np.load(tmp_path / "out.npz")["surface_model_type"]) == "smplx"
    for name in ("root_orient", "body_pose", "left_hand_pose", "right_hand_pose", "translation_m"):
        assert np.array_equal(getattr(before, name), getattr(after, name)), name
    assert after.expressions is not None and after.eyes_pose is not None
    assert after.expressions[20].any() and not after.eyes_pose.any()


def test_amass_smplx_gains_expressions_only_when_widened(
    makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path
) -> None:
    path = makers["amass-smplx"](tmp_path / "signer.npz")
    report = merge_file(track, path, tmp_path / "jaw.npz")
    assert report.written == ("jaw",) and "no expression channel" in report.warnings[0]
    assert "expressions" not in np.load(tmp_path / "jaw.npz", allow_pickle=False).files
    report = merge_file(track, path, tmp_path / "face.npz", MergeOptions(widen=True))
    assert report.written == ("jaw", "expression") and report.expressions_written == 100


@pytest.mark.parametrize("columns", [10, 50, 100])
def test_any_number_of_expressions(columns: int, makers: dict[str, Callable[..., Path]], track: Path, tmp_path: Path) -> None:
    path = makers["beat2"](tmp_path / "signer.npz", expressions=np.zeros((40, columns), np.float32))
    report = merge_file(track, path, tmp_path / "out.npz")
    assert (report.expressions_written, report.expressions_lost) == (columns, 100 - columns)
    merged = read_body(tmp_path / "out.npz").expressions
    assert merged is not None and merged.dtype == np.float32
    np.testing.assert_allclose(merged[::6][:5], FaceTrack.load(track).expressions[::5][:5, :columns], atol=1e-6)  # type: ignore[index]
