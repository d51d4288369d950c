"""Every command and every line of Python in the README runs as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from slp_mouthing.cli.main import run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.partition("#")[0].strip()
    for kind, block in BLOCKS
    if kind == "sh"
    for line in block.splitlines()
    if line.startswith("mouth ")
]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like the repository and can be written to."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [*COMMANDS, "mouth plan examples/why-because.txt"])
def test_commands_run(command: str, checkout: Path) -> None:
    assert run(shlex.split(command)[1:]) == 0


def test_python_runs(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "out").mkdir()
    for code in (block for kind, block in BLOCKS if kind == "python"):
        exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "(45, 52)\nwhy\n45\n"
    assert (checkout / "out" / "why.track.npz").exists()


def test_nothing_is_missing() -> None:
    assert "@@" not in README
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links and all((ROOT / link).exists() for link in links)
