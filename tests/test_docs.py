"""Every command and every line of Python in docs/ runs as it stands, on generated files of the users' formats."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from slp_mouthing.avatar.dataset import load_dataset
from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.avatar.ply import write_avatar
from slp_mouthing.avatar.splats import SplatAvatar, Splats
from slp_mouthing.cli.main import run
from tests.head.flame_files import FULL, write_folder
from tests.head.glb_files import other_head, write_glb
from tests.published_on_flame import write_checkpoint
from tests.test_fitting import write_recording, write_track

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "heads-and-avatars.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
FLAME_TRIANGLES, FLAME_VERTICES = 10144, 5143


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page names; its sentences are of one short sign each."""
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "why-because.txt").write_text("WHY@0.3\nBECAUSE@0.3\n")
    write_folder(tmp_path / "flame2023", FULL, name="flame2023.pkl", masks=True)
    write_checkpoint(tmp_path / "vocaset.pth")
    write_glb(tmp_path / "my.glb", [other_head()])
    write_avatar(blobs(FLAME_TRIANGLES), tmp_path / "point_cloud.ply")
    still = np.zeros((1, 3), np.float32)
    FlameParam(
        shape=np.full(300, 0.1, np.float32), expr=np.zeros((1, 100), np.float32), rotation=still, neck_pose=still,
        jaw_pose=still, eyes_pose=np.zeros((1, 6), np.float32), translation=still,
        static_offset=np.zeros((FLAME_VERTICES, 3), np.float32),
    ).save(tmp_path / "flame_param.npz")  # fmt: skip
    write_track(write_recording(tmp_path / "recording") / "face.track.npz")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blobs(count: int) -> SplatAvatar:
    """One grey Gaussian on each triangle."""
    local = Splats(
        position=np.zeros((count, 3), np.float32), rotation_wxyz=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        log_scale=np.full((count, 3), -1, np.float32), opacity_logit=np.ones(count, np.float32),
        sh=np.zeros((count, 1, 3), np.float32),
    )  # fmt: skip
    return SplatAvatar(local, np.arange(count, dtype=np.int32))


def test_commands_run_one_after_the_other(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in (line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()):
        # A fit's length and the pictures' size are all that is changed.
        program, *arguments = shlex.split(line.replace("--iterations 2000", "--iterations 2"))
        arguments += ["--size", "96"] if "render" in arguments or program == "python" else []
        if program == "python":
            monkeypatch.setattr(sys, "argv", arguments)
            runpy.run_path(arguments[0], run_name="__main__")
        else:
            assert (program, run(arguments)) == ("mouth", 0), line
    made = ("sheets/willow.png", "anna/avatar.json", "me/avatar.ply", "me.fit.pt", "why.splat", "why.ply/why_000001.ply")
    assert all((desk / name).is_file() for name in made)


def test_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    for code in (block for kind, block in BLOCKS if kind == "python"):
        exec(compile(code, PAGE.name, "exec"), {})
    assert capsys.readouterr().out == "(1, 1, 88, 88) True True\n(64, 64, 3) True\n"


def test_the_recording_on_the_page_is_read(tmp_path: Path) -> None:
    from PIL import Image

    for name, mode in (("images", "RGB"), ("fg_masks", "L")):
        (tmp_path / name).mkdir()
        Image.new(mode, (802, 550)).save(tmp_path / name / "00000_00.png")
    (tmp_path / "flame_param").mkdir()
    (tmp_path / "flame_param" / "00000.npz").touch()
    frames = next(block for kind, block in BLOCKS if kind == "json" and '"frames"' in block)
    (tmp_path / "transforms_train.json").write_text(frames)
    (view,) = load_dataset(tmp_path).train
    np.testing.assert_allclose(view.position_m, [0, 0, 1.2], atol=1e-6)


def test_the_readme_leads_here() -> None:
    assert "(docs/heads-and-avatars.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
