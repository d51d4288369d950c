"""`mouth merge` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slp_mouthing.cli.main import run
from slp_mouthing.types import TONGUE_NAMES, FaceTrack


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """why.track.npz, 1 s at 25 fps, and signer.npz, 2 s at 30 fps."""
    monkeypatch.chdir(tmp_path)
    zeros = np.zeros((25, 1), np.float32)
    FaceTrack(
        fps=25.0, head="builtin", jaw_pose=zeros + np.float32([0.2, 0, 0]), blendshapes=zeros.repeat(52, 1),
        eyes_pose=zeros.repeat(6, 1), tongue=zeros.repeat(len(TONGUE_NAMES), 1), lip_opening_m=zeros[:, 0],
        lip_width_m=zeros[:, 0],
    ).save("why.track.npz")  # fmt: skip
    poses = np.full((60, 165), 0.1)
    np.savez("signer.npz", poses=poses, expressions=poses[:, :100], trans=poses[:, :3], mocap_frame_rate=30, gender="female")


@pytest.mark.usefixtures("files")
def test_it_writes_the_file_and_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["merge", "why.track.npz", "signer.npz", "-o", "signing.npz", "--offset", "0.5"]) == 0
    output = capsys.readouterr()
    assert "wrote jaw" in output.out and "resampled to 30" in output.out and output.out.splitlines()[-1] == "signing.npz"
    assert "kept bit for bit: expressions, trans, mocap_frame_rate, gender" in output.out
    assert output.err.startswith("warning: a track of the head 'builtin' has no expression coefficients")
    poses = np.load("signing.npz")["poses"]
    np.testing.assert_allclose(poses[15:44, 66:69], np.tile([0.2, 0, 0], (29, 1)), atol=1e-6)
    assert (poses[:12] == 0.1).all() and (poses[:, 69:] == 0.1).all()


@pytest.mark.usefixtures("files")
def test_eyes_and_trim() -> None:
    arguments = ["merge", "why.track.npz", "signer.npz", "-o", "out.npz", "--eyes", "--channels", "jaw", "--trim", "0.2", "0.6"]
    assert run([*arguments, "--blend", "0"]) == 0
    poses = np.load("out.npz")["poses"]
    assert np.flatnonzero(poses[:, 69] == 0).tolist() == list(range(13))


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--channels", "jaw,nose"], "unknown face channel 'nose', allowed: jaw, expression, eyes"),
        (["--offset", "99"], "outside of the body's 0 to 1.97 s"),
        (["--fps", "-3"], "the frame rate is -3"),
        (["--channels", ""], "no face channel is asked for"),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["merge", "why.track.npz", "signer.npz", "-o", "out.npz", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not Path("out.npz").exists()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", ["signer.npz", "why.track.npz", "../{}/signer.npz"])
def test_inputs_are_never_written_over(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [Path(file).read_bytes() for file in ("signer.npz", "why.track.npz")]
    assert run(["merge", "why.track.npz", "signer.npz", "-o", name.format(tmp_path.name)]) == 1
    assert "is an input, which stays as it is; choose another name with -o" in capsys.readouterr().err
    assert [Path(file).read_bytes() for file in ("signer.npz", "why.track.npz")] == before
