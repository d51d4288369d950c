"""`mouth avatar fit`, from a recording on disk to an avatar's folder."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.avatar.folder import load_avatar
from slp_mouthing.cli.main import run
from slp_mouthing.fitting import FlameMotion
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.flame import load_flame
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack
from tests.avatar.test_lpips import write_weights
from tests.head.flame_files import SMALL, write_folder

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 24


def write_recording(folder: Path, frames: int = 2, **changes: Any) -> Path:
    """Grey pictures by one camera before the face; `changes` go into each frame, None leaves an entry out."""
    folder.mkdir()
    Image.fromarray(np.full((SIZE, SIZE, 4), 128, np.uint8)).save(folder / "grey.png")
    matrix = np.eye(4)
    matrix[2, 3] = 1.2
    entries = []
    for t in range(frames):
        entry = {"file_path": "grey.png", "timestep_index": t, "transform_matrix": matrix.tolist(), "fl_x": 100.0} | changes
        entry = {key: value.format(t) if isinstance(value, str) else value for key, value in entry.items()}
        entries.append({key: value for key, value in entry.items() if value is not None})
    shared = {} if "flame_param_path" in changes else {"track_path": "face.track.npz"}
    (folder / "transforms_train.json").write_text(json.dumps(shared | {"frames": entries}))
    return folder


def write_track(path: Path, frames: int = 2, head: str = "builtin") -> None:
    zero = np.zeros((frames, 3), np.float32)
    FaceTrack(
        25.0, head, zero, np.zeros((frames, len(ARKIT_NAMES)), np.float32), np.tile(zero, 2),
        np.zeros((frames, len(TONGUE_NAMES)), np.float32), zero[:, 0], zero[:, 0],
    ).save(path)  # fmt: skip


def fit(recording: Path, out: Path, *more: str) -> int:
    return run(["avatar", "fit", str(recording), "-o", str(out), "--iterations", "4", "--report-every", "2", *more])


def test_builtin_head_from_a_track(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording, out = write_recording(tmp_path / "recording"), tmp_path / "me"
    write_track(recording / "face.track.npz")
    assert fit(recording, out) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("2/4: training ") and "Gaussians of degree 3 on builtin" in printed
    stored = load_avatar(out)
    assert stored.card.head == "builtin" and stored.card.source == "fitted to recording"
    assert set(stored.gaussians.binding.tolist()) == set(range(len(load_builtin().triangles)))
    assert fit(recording, out, "--resume") == 0


def test_flame_from_parameters(tmp_path: Path) -> None:
    flame = tmp_path / "flame2023"
    write_folder(flame, SMALL)
    recording, rng = write_recording(tmp_path / "recording", flame_param_path="{0:05d}.npz"), np.random.default_rng(0)
    for t in range(2):
        FlameParam(
            shape=rng.standard_normal(6), expr=rng.standard_normal((1, 8)), rotation=np.zeros((1, 3)), neck_pose=np.zeros((1, 3)),
            jaw_pose=np.full((1, 3), 0.1), eyes_pose=np.zeros((1, 6)), translation=np.zeros((1, 3)),
        ).save(recording / f"{t:05d}.npz")  # fmt: skip
    assert fit(recording, tmp_path / "me", "--flame", str(flame), "--flame-shape", "6") == 0
    stored = load_avatar(tmp_path / "me")
    assert stored.card.head.startswith("flame") and stored.person is not None and len(stored.person.shape) == 6


def test_a_persons_offsets_move_mesh_and_joints_as_in_the_head_that_is_rendered(tmp_path: Path) -> None:
    write_folder(tmp_path / "flame", SMALL)
    offset = 0.01 * np.random.default_rng(0).standard_normal((SMALL.head + 2 * SMALL.eye, 3)).astype(np.float32)
    still = np.zeros((1, 3), np.float32)
    param = FlameParam(
        shape=np.ones(6, np.float32), expr=np.zeros((1, 8), np.float32), rotation=still, neck_pose=still, jaw_pose=still + 0.2,
        eyes_pose=np.zeros((1, 6), np.float32), translation=still, static_offset=offset,
    )  # fmt: skip
    fitted = FlameMotion({0: param}, tmp_path / "flame", 6).vertices(0).detach().numpy()
    head = load_flame(tmp_path / "flame", shape=param.shape, static_offset=offset, shape_count=6)
    np.testing.assert_allclose(fitted, head.pose_flame(param.expr, param.jaw_pose)[0], atol=1e-6)


def test_what_cannot_be_stored_is_refused_before_the_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_recording(tmp_path / "recording")
    write_track(recording / "face.track.npz")
    assert fit(recording, recording) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "holds other files" in printed.err


@pytest.mark.parametrize("device", ["mars", "cuda:99"])
def test_devices_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str], device: str) -> None:
    recording = write_recording(tmp_path / "recording")
    write_track(recording / "face.track.npz")
    assert fit(recording, tmp_path / "me", "--device", device) == 1
    assert f"device '{device}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "track", "message"),
    [
        ({"timestep_index": 7}, "builtin", "has 2 frames, and the recording asks for timestep 7"),
        ({}, "flame2023", "is a track of the head 'flame2023', expected 'builtin'"),
        ({}, None, "track_path names 'face.track.npz', which is not there"),
        ({"flame_param_path": None}, None, "has no parameters of the face"),
        ({"transform_matrix": np.diag([1.0, 1, 1, 1]).tolist()}, "builtin", "camera '0' stands inside the head"),
    ],
)
def test_broken_recordings_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], track: str | None, message: str
) -> None:
    recording = write_recording(tmp_path / "recording", **changes)
    if track:
        write_track(recording / "face.track.npz", head=track)
    assert fit(recording, tmp_path / "me") == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "me").exists()


def test_pictures_are_looked_through_before_the_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_recording(tmp_path / "recording")
    write_track(recording / "face.track.npz")
    whole = (recording / "grey.png").read_bytes()
    (recording / "grey.png").write_bytes(whole[: len(whole) - 30])
    assert fit(recording, tmp_path / "me") == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "grey.png: is not a picture that can be read" in printed.err
    Image.fromarray(np.zeros((SIZE, SIZE, 4), np.uint8)).save(recording / "grey.png")
    assert fit(recording, tmp_path / "me") == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "grey.png: is transparent all over" in printed.err


def test_lpips_of_held_out_views(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_fitting.SIZE", 32)
    recording, weights = write_recording(tmp_path / "recording"), tmp_path / "weights"
    write_track(recording / "face.track.npz")
    weights.mkdir()
    write_weights(weights, "alex")
    assert fit(recording, tmp_path / "me", "--lpips", str(weights)) == 1
    assert "the recording has none" in capsys.readouterr().err
    (recording / "transforms_val.json").write_text((recording / "transforms_train.json").read_text())
    assert fit(recording, tmp_path / "me", "--lpips", str(weights)) == 0
    assert re.search(r"held out .* dB, SSIM .*, LPIPS \d\.\d{4};", capsys.readouterr().out)
