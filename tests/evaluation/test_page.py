"""Every command and every line of Python of the page on evaluation runs, on fewer words."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from slp_mouthing.cli.main import run

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
(CODE,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
FEWER = {"driver": ("--passages", "1", "--training", "5"), "pairs": ("--training", "4", "--test", "2")}


@pytest.mark.usefixtures("few_words", "few_pairs")
def test_commands_run_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "why-because.txt").write_text("WHY@0.3\nBECAUSE@0.3\n")
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS:
        program, *words = shlex.split(command)
        assert program == "mouth"
        assert run([*words, *FEWER.get(words[1], ())]) == 0, command
    assert (tmp_path / "by-ear.png").is_file()


@pytest.mark.usefixtures("few_words")
def test_python_runs_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(CODE, "evaluation.md", "exec"), {})
    assert 0.5 < float(capsys.readouterr().out) <= 1.0
