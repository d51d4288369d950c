"""Renders of a corpus, and a small reader that learns from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.errors import InputError, OutputError  # noqa: E402
from slp_mouthing.lipreading.checkpoint import load_reader  # noqa: E402
from slp_mouthing.lipreading.conformer import ConformerOptions  # noqa: E402
from slp_mouthing.lipreading.frontend import FrontendOptions  # noqa: E402
from slp_mouthing.lipreading.reader import ReaderOptions, SmallReader  # noqa: E402
from slp_mouthing.lipreading.symbols import PHONES, VISEME_OF, numbers  # noqa: E402
from slp_mouthing.training import reader, renders  # noqa: E402
from slp_mouthing.training.clip import Clip  # noqa: E402
from slp_mouthing.types import Phone  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

RENDERS = renders.RenderOptions(people=1, test_people=1, clips=1, validation_clips=1, test_clips=1)
SMALL = ReaderOptions(
    FrontendOptions(shrink=2, stem=4, stem_kernel=5, pooled=False, widths=(6, 8), blocks=1, first_stride=2),
    ConformerOptions(16, heads=2, feed_forward=16, layers=1, kernel=3, dropout=0.0),
)


@dataclass(frozen=True)
class _Manifest:
    kind: str = "words"
    seed: int = 0


@dataclass(frozen=True)
class TinyCorpus:
    """One word in every split."""

    manifest: _Manifest = _Manifest()

    def indices(self, split: str) -> list[int]:
        return [("train", "validation", "test").index(split)]

    def __getitem__(self, index: int) -> Clip:
        phones = tuple(Phone(symbol, 0.1 + 0.12 * k, 0.22 + 0.12 * k) for k, symbol in enumerate("bab"))
        split = ("train", "validation", "test")[index]
        return Clip("word", "bab", "en-gb", "en-gb", split, np.zeros(1, np.float32), 16000, phones, ((0.1, 0.46),), 0.7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("renders")
    renders.build_renders(TinyCorpus(), made, RENDERS)
    return made


def test_renders_show_what_is_said(folder: Path) -> None:
    (clip,) = renders.load_renders(folder, "train")
    assert clip.pictures.shape == (len(clip), 96, 96) and len(clip) == np.ceil(0.7 * clip.fps)
    assert [PHONES[k] for k in clip.letters] == list("bab")
    opened, shut = (clip.pictures[round(at_s * clip.fps), 40:60, 30:66].astype(float) for at_s in (0.29, 0.0))
    assert np.abs(opened - shut).mean() > 3
    assert (clip.visemes[round(0.29 * clip.fps)], clip.visemes[0]) == (VISEME_OF["a"], 0)
    assert 0.29 * clip.fps == pytest.approx(clip.middles[1], abs=0.5)


def test_people_of_the_test_are_not_those_of_training(folder: Path) -> None:
    people = {split: {clip.person for clip in renders.load_renders(folder, split)} for split in ("train", "validation", "test")}
    assert people["train"] == people["validation"] and not people["train"] & people["test"]


def test_a_lost_scene_is_rendered_again_and_others_are_not(folder: Path) -> None:
    first, second = sorted(folder.glob("scene-*.npz"))
    before, kept = second.read_bytes(), first.stat().st_mtime_ns
    second.unlink()
    with pytest.raises(InputError, match="missing or damaged"):
        renders.load_renders(folder, "test")
    renders.build_renders(TinyCorpus(), folder, RENDERS)
    with np.load(second) as again:
        second.with_suffix(".old").write_bytes(before)
        with np.load(second.with_suffix(".old")) as old:
            np.testing.assert_array_equal(again["pictures"], old["pictures"])
    second.with_suffix(".old").unlink()
    assert first.stat().st_mtime_ns == kept


def test_another_set_in_the_folder_is_refused(folder: Path) -> None:
    with pytest.raises(OutputError, match="other options"):
        renders.build_renders(TinyCorpus(), folder, replace(RENDERS, seed=1))
    with pytest.raises(InputError):
        renders.load_renders(folder.parent / "none", "train")


def test_a_reader_learns_its_clip_by_heart(folder: Path) -> None:
    clips = renders.load_renders(folder, "train")
    window = reader.stacked([reader.whole_clip(clips[0])] * 2)
    torch.manual_seed(0)
    network, loss = SmallReader(SMALL), reader.ReaderLoss(1.0)
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        loss(torch.cat(network(window.crops, window.lengths), dim=-1), window).backward()
        optimiser.step()
    figures = reader.judge(network, clips)
    assert figures.phone_error_rate < 0.5 and figures.viseme_accuracy > 0.8 and figures.rest_accuracy > 0.8
    assert network.training


def test_training_from_a_corpus_to_a_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "load_corpus", lambda path: TinyCorpus())
    (tmp_path / "renders").symlink_to(folder)
    loop = replace(reader.ReaderTraining().loop, steps=2, precision="float32")
    options = reader.ReaderTraining(RENDERS, SMALL, clips=2, frames=8, loop=loop)
    seen: list[float] = []
    figures = reader.train_reader("corpus", tmp_path, options, lambda report: seen.append(report.progress))
    assert 0 <= figures.viseme_accuracy <= 1 and "phone error rate" in str(figures) and seen[-1] == 1
    assert load_reader(tmp_path / reader.BEST).options == SMALL
    with pytest.raises(OutputError, match="holds a run"):
        reader.train_reader("corpus", tmp_path, options)
    assert reader.train_reader("corpus", tmp_path, options, resume=True) == figures


def test_windows_hold_the_letters_in_them() -> None:
    pictures = np.zeros((50, 96, 96), np.uint8)
    middles = np.arange(0.5, 50, 5, dtype=np.float32)
    clip = renders.Crops("train", "0", 25.0, pictures, np.arange(50), np.array(numbers("pitəkisəbɪ")), middles)
    for seed in range(20):
        window = reader.drawn_window(clip, 16, np.random.default_rng(seed))
        first = int(window.visemes[0])
        assert window.visemes.tolist() == list(range(first, first + 16))
        assert len(window.letters) and len(window.letters) == sum(first <= middle < first + 16 for middle in middles)
        assert window.pictures.shape == (16, 88, 88)


def test_a_batch_depends_on_its_number_alone(folder: Path) -> None:
    batches = reader.WindowBatches(renders.load_renders(folder, "train"), reader.ReaderTraining(clips=2, frames=8))
    assert torch.equal(batches(3).crops, batches(3).crops) and not torch.equal(batches(3).crops, batches(4).crops)
    with pytest.raises(InputError, match="no renders"):
        reader.WindowBatches([], reader.ReaderTraining())
    with pytest.raises(InputError, match="no clips"):
        reader.judge(SmallReader(SMALL), [])
