from __future__ import annotations

import json
import wave
from typing import TYPE_CHECKING, Any

import pytest

from slp_mouthing.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path


def test_audio_and_transcript_on_the_command_line(tmp_path: Path, say: Any) -> None:
    recording, spans = say("mother please finish")
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setparams((1, 2, recording.sample_rate_hz, 0, "NONE", ""))
        file.writeframes(recording.samples.tobytes())
    (tmp_path / "g.txt").write_text("MOTHER FINISH\n", encoding="utf-8")
    command = ["render", str(tmp_path / "g.txt"), "-o", str(tmp_path / "out"), "--formats", "npz", "--driver", "rules"]
    said = ["--audio", str(tmp_path / "said.wav"), "--transcript", "Mother, please finish!"]
    assert run([*command, *said]) == 0
    signs = json.loads((tmp_path / "out" / "g.plan.json").read_text(encoding="utf-8"))["signs"]
    assert [sign["start_s"] for sign in signs] == pytest.approx([spans[0][0], spans[2][0]], abs=0.12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--transcript", "why"], "--transcript without a recording"),
        (["--audio", "none.wav"], "none.wav: no such file"),
        (["--audio", "pyproject.toml"], "give a sound file, such as a WAV"),
    ],
)
def test_what_cannot_be_heard_is_one_line(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "g.txt").write_text("WHY\n", encoding="utf-8")
    assert run(["render", str(tmp_path / "g.txt"), "-o", str(tmp_path / "out"), *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
