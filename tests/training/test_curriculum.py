"""Stages on small data: what fits, what is told, and that each begins where the one before ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from slp_mouthing.decoder.network import load_network
from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.training import curriculum
from slp_mouthing.training.checkpoints import CURVE
from slp_mouthing.training.curriculum import RECIPES, Stage, TrainOptions, train
from slp_mouthing.training.forcing import Forcing
from slp_mouthing.training.losses import READ_WEIGHT
from tests.training.small_captured import SIZES, write_flame
from tests.training.small_clips import SMALL, clip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slp_mouthing.training.clip import Clip, Split
    from slp_mouthing.training.loop import Report

AS_PUBLISHED = RECIPES["paper"]


@dataclass
class Clips:
    """A dataset in memory."""

    all: list[Clip]

    def clips(self, split: Split | None = None) -> Iterator[Clip]:
        return (one for one in self.all if split in (None, one.split))

    def indices(self, split: Split | None = None) -> list[int]:
        return [k for k, one in enumerate(self.all) if split in (None, one.split)]


def words() -> list[Clip]:
    return [clip(k) for k in range(5)] + [clip(7, "validation"), clip(8, "validation", "stranger")]


def captured(vertices: int = 4) -> list[Clip]:
    """As VOCASET and MEAD have them: no phones, a mesh."""
    rng = np.random.default_rng(0)
    neutral = rng.normal(size=(vertices, 3)).astype(np.float32)
    return [
        replace(
            one, phones=(), actions=(), neutral_m=neutral, vertex_offsets=rng.normal(size=(20, vertices, 3)).astype(np.float32)
        )
        for one in words()
    ]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks and schedules of a test's size."""
    for name, stages in RECIPES.items():
        less: dict[str, Stage] = {
            stage: replace(
                of, epochs=1, encoder=SMALL.encoder, loop=replace(of.loop, report_every=1, validate_every=2, precision="float32")
            )
            for stage, of in stages.items()
        }
        monkeypatch.setitem(RECIPES, name, less)


def use(monkeypatch: pytest.MonkeyPatch, clips: list[Clip]) -> None:
    monkeypatch.setattr(curriculum, "open_dataset", lambda folder, flame=None: Clips(clips))


def test_first_stage_of_the_shipped_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, words())
    reports: list[Report] = []
    best = train("corpus", tmp_path / "run", TrainOptions(steps=4, batch=2), reports.append)
    network, meta = load_network(best)
    assert (network.options.kind, network.options.outputs) == ("articulation", 15)
    assert meta == {"stage": "geometric", "recipe": "shipped", "corpus": "corpus", "seed": 0}
    figures = reports[-1].figures
    assert {"known/phones/recall", "unknown/audio/correlation", "total"} <= set(figures)


def test_the_same_seed_gives_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, words())
    options = TrainOptions(steps=3, batch=2)
    first, second = (load_network(train("c", tmp_path / name, options))[0].state_dict() for name in ("a", "b"))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    other = load_network(train("c", tmp_path / "c", replace(options, seed=1)))[0].state_dict()
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


def test_the_next_stage_begins_where_the_last_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, words())
    first = train("c", tmp_path / "first", TrainOptions(steps=2, batch=2))
    adapted = train("c", tmp_path / "second", TrainOptions("adapt", start=first, steps=1, batch=2, learning_rate=0.0))
    before, after = (load_network(path)[0].state_dict() for path in (first, adapted))
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_decoder_is_added_and_trained_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, words())
    first = train("c", tmp_path / "first", TrainOptions(steps=1, batch=2))
    options = TrainOptions(start=first, steps=3, batch=2, decoder="corrects", freeze=True, rolled=0.5)
    network, _ = load_network(train("c", tmp_path / "second", options))
    assert network.decoder is not None
    assert network.decoder.vertice_map_r.weight.abs().sum() > 0.0
    for name, value in load_network(first)[0].state_dict().items():
        assert torch.equal(value, network.state_dict()[name]), name
    with pytest.raises(InputError, match="no decoder to train alone"):
        train("c", tmp_path / "third", TrainOptions(start=first, freeze=True))


def test_the_papers_settings() -> None:
    geometric, perceptual = AS_PUBLISHED["geometric"], AS_PUBLISHED["perceptual"]
    assert (geometric.epochs, geometric.batches.clips, geometric.loop.accumulate) == (250, 4, 1)
    assert (geometric.loop.optimiser, geometric.loop.learning_rate, geometric.loop.schedule) == ("adam", 1e-4, "constant")
    assert geometric.encoder.dropout == 0.3
    assert (geometric.decoder, geometric.forcing) == ("alone", Forcing()), "teacher forcing"
    assert (perceptual.batches.clips, perceptual.loop.accumulate) == (1, 4)
    assert READ_WEIGHT == 1e-5


@pytest.mark.parametrize("stage", ["geometric", "adapt"])
def test_captured_meshes_train_with_the_same_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    vertices = SIZES.head + 2 * SIZES.eye
    use(monkeypatch, captured(vertices))
    first = train("vocaset", tmp_path / "first", TrainOptions(recipe="paper", steps=2))
    network, _ = load_network(first)
    assert (network.options.kind, network.options.outputs) == ("offsets", 3 * vertices)
    assert network.options.vertices == vertices
    if stage == "adapt":
        adapt = TrainOptions("adapt", "paper", first, steps=2, flame=write_flame(tmp_path / "flame"))
        reports: list[Report] = []
        train("mead", tmp_path / "second", adapt, reports.append)
        assert reports[-1].figures["known/error_mm"] > 0.0
        use(monkeypatch, words())
        with pytest.raises(InputError, match=f"gives {3 * vertices} outputs, the corpus has 15"):
            train("words", tmp_path / "third", adapt)


def test_a_corpus_of_another_mesh_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, captured(4))
    first = train("mead", tmp_path / "first", TrainOptions(recipe="paper", steps=1))
    adapt = TrainOptions("adapt", "paper", first, steps=1, flame=write_flame(tmp_path / "flame"))
    with pytest.raises(InputError, match="the corpus has 4 vertices, FLAME 1240; track it with the same head"):
        train("mead", tmp_path / "second", adapt)


def test_the_perceptual_stage_sees_each_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, words())
    first = train("c", tmp_path / "first", TrainOptions(steps=1, batch=2))
    seen: list[str] = []

    def reads(prediction: torch.Tensor, one: Clip) -> torch.Tensor:
        assert len(prediction) == len(one.truth()), "frame by frame against the truth"
        seen.append(one.name)
        return prediction.square().mean()

    options = TrainOptions("perceptual", start=first, steps=3, loss="articulation")
    train("c", tmp_path / "second", options, perceptual=reads)
    read = list(seen)
    assert {name.removesuffix(" at rest") for name in read} == {one.name for one in words() if one.split == "train"}
    train("c", tmp_path / "third", replace(options, read_weight=0.0), perceptual=reads)
    assert seen == read, "the stage without the loss"
    with pytest.raises(InputError, match="no such file"):
        train("c", tmp_path / "fourth", replace(options, reader=tmp_path / "none.safetensors"))


def test_a_folder_in_use_and_a_run_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, words())
    train("c", tmp_path, TrainOptions(steps=2, batch=2))
    with pytest.raises(OutputError, match="holds a run"):
        train("c", tmp_path, TrainOptions(steps=2, batch=2))
    with pytest.raises(OutputError, match="another steps"):
        train("c", tmp_path, TrainOptions(steps=3, batch=2), resume=True)
    train("c", tmp_path, TrainOptions(steps=2, batch=2), resume=True)
    assert json.loads((tmp_path / CURVE).read_text().splitlines()[-1])["step"] == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"stage": "first"}, "unknown stage 'first', allowed: geometric, adapt, perceptual"),
        ({"recipe": "mine"}, "unknown recipe 'mine', allowed: shipped, paper"),
        ({"loss": "l1"}, "unknown loss 'l1', allowed: articulation, vertices"),
        ({"precision": "int8"}, "unknown precision 'int8', allowed: float32, bfloat16"),
        ({"epochs": 1, "steps": 1}, "give one of them"),
        ({"stage": "adapt"}, "goes on from a network"),
        ({"avatars": Path("people")}, "avatars is of the perceptual stage, this one is 'geometric'; leave it out"),
        ({"stage": "adapt", "start": Path("one"), "read_weight": 0.0}, "read-weight is of the perceptual stage"),
        ({"start": Path("one"), "wav2vec2": Path("two")}, "leave --from or --wav2vec2 out"),
    ],
)
def test_what_cannot_be_asked(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        TrainOptions(**wrong)  # type: ignore[arg-type]


def test_no_clips_to_train_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, [clip(0, "test")])
    with pytest.raises(InputError, match="no clips to train on"):
        train("c", tmp_path, TrainOptions(steps=1))
