from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slp_mouthing.cli.main import run
from slp_mouthing.training.corpus import build_corpus
from slp_mouthing.training.curriculum import RECIPES
from tests.training.small_clips import SMALL
from tests.training.small_corpora import SEVEN, forget, small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("corpora") / "seven"
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        build_corpus(folder, SEVEN)
        for name, stages in RECIPES.items():
            less = {stage: replace(of, encoder=SMALL.encoder) for stage, of in stages.items()}
            patch.setitem(RECIPES, name, less)  # type: ignore[misc]
        yield str(folder)
    forget()


def test_a_stage_trains_goes_on_and_tells(corpus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboard")
    first = ["train", "geometric", corpus, "-o", str(tmp_path / "first"), "--steps", "2", "--batch", "2", "--tensorboard"]
    assert run(first) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(tmp_path / "first" / "best.safetensors")
    assert "step 2 (100%): loss " in printed.err
    assert list((tmp_path / "first" / "tensorboard").iterdir())
    assert run(first) == 1
    assert "holds a run; go on with it with --resume" in capsys.readouterr().err
    assert run([*first, "--resume"]) == 0
    second = [
        "train",
        "adapt",
        corpus,
        "-o",
        str(tmp_path / "second"),
        "--from",
        printed.out.strip(),
        "--steps",
        "1",
        "--batch",
        "2",
    ]
    assert run(second) == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["geometric", "nowhere", "-o", "run"], 1, "nowhere: no such folder"),
        (["geometric", "nowhere"], 2, "--out"),
        (["adapt", "nowhere", "-o", "run"], 1, "stage 'adapt' goes on from a network; give the one of the stage before, --from"),
        (["geometric", "nowhere", "-o", "run", "--recipe", "mine"], 1, "unknown recipe 'mine', allowed: shipped, paper"),
        (["geometric", "nowhere", "-o", "run", "--device", "tpu9"], 1, "unknown device 'tpu9', allowed: cpu, cuda, cuda:0, ..."),
        (["geometric", "nowhere", "-o", "run", "--steps", "0"], 2, "--steps"),
    ],
)
def test_wrong_requests_are_one_line(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(["train", *arguments]) == status
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
