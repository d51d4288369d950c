"""Every command and every line of Python in docs/corpora.md runs as it stands, but for the number of clips."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slp_mouthing.cli.main import run
from tests.training.small_corpora import forget, small

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    small(monkeypatch)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    monkeypatch.chdir(tmp_path)
    yield
    forget()


def test_the_page_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()):
        program, *arguments = shlex.split(line)
        if program == "python":
            monkeypatch.setattr(sys, "argv", [*arguments, "2"])
            runpy.run_path(arguments[0], run_name="__main__")
        else:
            few = ["--clips", "3", "--jobs", "1"] if "build" in arguments else []
            assert (program, run([*arguments, *few])) == ("mouth", 0), line
    for code in (block for kind, block in BLOCKS if kind == "python"):
        exec(compile(code, "corpora.md", "exec"), {})
    assert re.search(r"\(\d+,\) 16000 \(\d+, 15\)\n$", capsys.readouterr().out)
