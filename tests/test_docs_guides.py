"""Every command and every line of Python on the pages for linguists and for researchers runs as it stands, on smaller samples."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
import wave
from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")

from slp_mouthing.cli.main import run
from slp_mouthing.speech.espeak import Espeak
from tests.head.flame_files import FULL, write_folder

ROOT = Path(__file__).parent.parent
PAGES = ("linguists.md", "slp.md")
LESS = {
    "pairs": ["--training", "2", "--test", "2"],
    "driver": ["--training", "5", "--passages", "1"],
    "benchmarks/bench_notation.py": ["--tokens", "100"],
    "benchmarks/gesture_sheets.py": ["--only", "puffed-cheeks,pah", "--size", "64"],
}
"""Word of a command -> what makes it quick."""


def blocks(page: str, kind: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages name."""
    for name in ("benchmarks", "examples", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "mine.yaml").write_text(*blocks("linguists.md", "yaml"))
    (tmp_path / "signbank.csv").write_text(*blocks("linguists.md", "csv"))
    (tmp_path / "hello.txt").write_text("WHY LATE\n")
    speech = Espeak("en-gb").speak("why late")
    with wave.open(str(tmp_path / "hello.wav"), "wb") as file:
        file.setparams((1, 2, speech.sample_rate_hz, 0, "NONE", ""))
        file.writeframes((speech.samples * 32767).astype("<i2").tobytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("few_words", "few_pairs")
@pytest.mark.parametrize("page", PAGES)
def test_commands_run_one_after_the_other(page: str, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page == "slp.md":
        write_folder(desk / "flame2020", FULL, name="FLAME_NEUTRAL.pkl")
    for line in (line for block in blocks(page, "sh") for line in block.splitlines()):
        program, *arguments = shlex.split(line)
        arguments += [word for sign, words in LESS.items() if sign in arguments for word in words]
        if program == "python":
            monkeypatch.setattr(sys, "argv", arguments)
            runpy.run_path(arguments[0], run_name="__main__")
        else:
            assert (program, run(arguments)) == ("mouth", 0), line


def test_python_runs(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for code in blocks("slp.md", "python"):
        exec(compile(code, "slp.md", "exec"), {})
    assert capsys.readouterr().out == "(38, 52) ['why', 'late']\n38 1.48 (52,)\n"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert all((ROOT / "docs" / link).exists() for link in re.findall(r"\]\((?!http)([^)#]+)\)", text))
