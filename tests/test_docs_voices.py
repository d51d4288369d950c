"""Every command and every line of Python on the page on voices runs as it stands, on recordings that are made here."""

from __future__ import annotations

import re
import shlex
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slp_mouthing.cli.main import run
from slp_mouthing.speech.f5 import ENVIRONMENT, find_files

if TYPE_CHECKING:
    from slp_mouthing.speech.recording import Recording

PAGE = Path(__file__).parent.parent / "docs" / "voices.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Any) -> Path:
    """A folder with what the page names."""
    (tmp_path / "talk.txt").write_text("MOTHER PT:PRO1SG FINISH\n", encoding="utf-8")
    write(tmp_path / "talk.wav", say("mother finish")[0])
    write(tmp_path / "interview.wav", say("mother please finish")[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, recording: Recording) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, recording.sample_rate_hz, 0, "NONE", ""))
        file.writeframes(recording.samples.tobytes())


def test_commands_and_python_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()):
        program, *arguments = shlex.split(line)
        assert (program, run(arguments)) == ("mouth", 0), line
        assert (desk / "out" / "talk.mp4").stat().st_size > 1000
    capsys.readouterr()
    for code in (block for kind, block in BLOCKS if kind == "python"):
        exec(compile(code, PAGE.name, "exec"), {})
    assert capsys.readouterr().out == "['MOTHER', 'PT:PRO1SG', 'FINISH'] True\n"


def test_the_folder_on_the_page_is_a_voice(tmp_path: Path) -> None:
    for name in re.findall(r"^my-voice/(\S+)", TEXT, re.MULTILINE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    files = find_files(tmp_path)
    assert files.config is not None
    assert files.reference_text == "x"


def test_names_on_the_page_are_ours() -> None:
    assert ENVIRONMENT in TEXT
    assert "f5-env:" in (PAGE.parent.parent / "Makefile").read_text(encoding="utf-8")
    assert "(docs/voices.md)" in (PAGE.parent.parent / "README.md").read_text(encoding="utf-8")
