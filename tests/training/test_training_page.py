"""Every command of docs/training.md runs as it stands, but on few clips, for a moment, with a small network and small heads."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slp_mouthing.cli.main import run
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.training import curriculum
from slp_mouthing.training.curriculum import RECIPES
from tests.training.small_captured import write_flame, write_mead, write_person, write_vocaset
from tests.training.small_clips import SMALL
from tests.training.small_corpora import forget, small

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent.parent / "docs" / "training.md"
LESS = {"build": ["--clips", "4", "--jobs", "1"], "--minutes": ["--minutes", "0.005"], "--steps": ["--steps", "2"]}
LESS["--epochs"] = ["--epochs", "1"]


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    small(monkeypatch)
    for name, stages in RECIPES.items():
        less = {stage: replace(of, encoder=SMALL.encoder) for stage, of in stages.items()}
        monkeypatch.setitem(RECIPES, name, less)  # type: ignore[arg-type]
    monkeypatch.setattr(curriculum, "head_of", lambda identity: load_builtin())
    flame = write_flame(tmp_path / "flame2023")
    write_vocaset(tmp_path / "vocaset", flame, "FaceTalk_170728_03272_TA")
    write_mead(tmp_path / "mead", [("M003", 1), ("W009", 31)], held_out=["W009"])
    write_person(tmp_path / "avatars/M003", flame)
    (tmp_path / "examples").symlink_to(PAGE.parent.parent / "examples")
    monkeypatch.chdir(tmp_path)
    yield
    forget()


def test_the_page_runs() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for line in (line for block in blocks for line in block.splitlines()):
        program, *arguments = shlex.split(line)
        less = [word for sign, words in LESS.items() if sign in arguments for word in words]
        assert (program, run([*arguments, *less])) == ("mouth", 0), line
    assert Path("out/why-because-001.track.npz").is_file()
    for found in ("best.safetensors", "best.npz", "checkpoint.pt", "curve.jsonl", "run.json"):
        assert (Path("runs/two") / found).is_file()
