from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slp_mouthing.cli.main import run
from tests.training.small_corpora import forget, small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def few_words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    small(monkeypatch)
    yield
    forget()


def test_a_corpus_is_built_and_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "words"
    assert run(["corpus", "build", "words", "-o", str(folder), "--clips", "4", "--seed", "5"]) == 0
    assert "4 clips (train " in capsys.readouterr().out
    assert run(["corpus", "info", str(folder), "--check"]) == 0
    printed = capsys.readouterr().out
    assert "words, seed 5, by slp-mouthing " in printed
    assert "words held out: " in printed
    assert printed.endswith("every clip is there and whole\n")
    (folder / "clips-0000003.npz").write_bytes(b"damaged")
    assert run(["corpus", "info", str(folder), "--check"]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "is not the file that the manifest lists; run `mouth corpus build` again" in message


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (
            ["corpus", "build", "sentences", "-o", "x"],
            1,
            "unknown kind of corpus 'sentences', allowed: words, words-flite, clean",
        ),
        (["corpus", "build", "words"], 2, "--out"),
        (["corpus", "build", "words", "-o", "x", "--clips", "0"], 2, "--clips"),
        (["corpus", "info", "nowhere"], 1, "nowhere: no such folder"),
    ],
)
def test_wrong_requests_are_one_line(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == status
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
