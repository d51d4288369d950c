"""The ablation, from corpora to table, on next to nothing: what is judged, what is kept, what is refused."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch")

from slp_mouthing.errors import InputError
from slp_mouthing.evaluation import ablation
from slp_mouthing.evaluation.ablation import ARMS, AblationOptions, ablate
from slp_mouthing.training import curriculum, lip_reading
from slp_mouthing.training.corpus import CorpusOptions, build_corpus

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("corpora")
    for kind, count in (("clean", 12), ("mead-like", 60)):
        build_corpus(folder / kind, CorpusOptions(kind, count=count))
    return folder / "clean", folder / "mead-like"


@pytest.fixture
def one_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every subject has the default head: drawing a person takes seconds."""
    subject, form = lip_reading.subject_of("default"), curriculum._form_of("default", True)
    for module in (lip_reading, ablation):
        monkeypatch.setattr(module, "subject_of", lambda identity: subject)
    monkeypatch.setattr(curriculum, "_form_of", lambda identity, adapted: form)


@pytest.mark.skipif("LONG_TESTS" not in os.environ, reason="takes a minute: make test-long")
@pytest.mark.usefixtures("one_head")
def test_three_networks_a_tracker_and_a_ceiling(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    options = AblationOptions(1, geometric_steps=2, adapt_steps=1, read_steps=1, test_clips=1, frames=10)
    report = ablate(*corpora, tmp_path, options)
    assert report.columns == (*ARMS, "tracker", "ceiling")
    tracker, ceiling = (dict(zip(report.columns, row.cells, strict=True))["ceiling"] for row in report.rows[:2])
    assert tracker is not None and ceiling is not None
    assert (tracker.value, ceiling.value) == (0, 0)
    recall = report.row("closures seen, recall").cells
    assert recall[-1] is not None and recall[-1].value == 1
    kept = tmp_path / "seed-0" / "pretraining.json"
    figures = json.loads(kept.read_text())
    kept.write_text(json.dumps(figures | {"ssim": 0.5}))
    again = ablate(*corpora, tmp_path, options).row("SSIM").cells[0]
    assert again is not None and again.value == 0.5, "a run that is there is not made again"
    assert all(np.isfinite(cell.value) for row in report.rows for cell in row.cells if cell)


@pytest.mark.usefixtures("one_head")
def test_a_corpus_without_noise_is_refused(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    clean, _ = corpora
    with pytest.raises(InputError, match="no tracker's noise"):
        ablate(clean, clean, tmp_path, AblationOptions(1))
    with pytest.raises(InputError, match="seeds is 0"):
        AblationOptions(0)
