"""The loop: reproducible, resumable at any step, and clear about what goes wrong."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from slp_mouthing.decoder.network import MouthingNetwork, load_network, save_network
from slp_mouthing.errors import InputError, MouthError, OutputError
from slp_mouthing.training import checkpoints
from slp_mouthing.training.checkpoints import BEST, CHECKPOINT, CURVE, RUN, open_run
from slp_mouthing.training.loop import Loop, LoopOptions, learning_rate
from slp_mouthing.training.losses import ArticulationLoss, channel_deviations
from tests.training.small_clips import SMALL, batches, made

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slp_mouthing.training.loop import Report

OPTIONS = LoopOptions(steps=8, warm_up=2, report_every=2, validate_every=4, learning_rate=1e-2)
LOSS = ArticulationLoss(channel_deviations([example.motions[30.0] for example in made()]))


class Killed(Exception):
    """What ends a run at once, at the step given."""


def loop(folder: Path, options: LoopOptions = OPTIONS, loss: Any = LOSS, **more: Any) -> Loop:
    torch.manual_seed(0)
    return Loop(MouthingNetwork(SMALL), batches(), loss, options, folder, **more)


def weights(of: Loop) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in of.network.state_dict().items()}


def curve(folder: Path) -> list[dict[str, float]]:
    entries = [json.loads(line) for line in (folder / CURVE).read_text().splitlines()]
    return [{name: value for name, value in entry.items() if name != "elapsed_s"} for entry in entries]


def count(network: torch.nn.Module) -> Mapping[str, float]:
    return {"total": float(sum(p.detach().sum() for p in network.parameters()))}


@pytest.mark.parametrize("last", [1, 4, 5, 7])
def test_killed_and_resumed_is_the_same_to_the_last_bit(tmp_path: Path, last: int) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    in_one_go = loop(whole, validate=count)
    in_one_go.run()

    class Dying:
        calls = 0

        def __call__(self, prediction: torch.Tensor, batch: Any) -> torch.Tensor:
            Dying.calls += 1
            if Dying.calls > last:
                raise Killed
            return LOSS(prediction, batch)

    options = replace(OPTIONS, checkpoint_every_s=0.0)
    with pytest.raises(Killed):
        loop(killed, options, Dying(), validate=count).run()
    resumed = loop(killed, validate=count)
    counters = resumed.run(resume=True)
    for name, value in weights(in_one_go).items():
        assert torch.equal(value, weights(resumed)[name]), name
    assert counters.step == 8
    assert curve(whole)[-1] == {**curve(killed)[-1], "loss": curve(whole)[-1]["loss"]}
    assert [entry["step"] for entry in curve(killed)] == [2, 4, 6, 8]


def test_killed_before_its_first_checkpoint_a_run_tells_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / CURVE).write_text('{"step": 2, "loss": 1.0}\n')
    loop(tmp_path).run()
    assert [entry["step"] for entry in curve(tmp_path)] == [2, 4, 6, 8]


def test_learning_helps(tmp_path: Path) -> None:
    reports: list[Report] = []
    loop(tmp_path, LoopOptions(steps=40, warm_up=1, report_every=10, learning_rate=2e-2)).run(reports.append)
    assert reports[-1].loss < 0.7 * reports[0].loss
    assert reports[-1].progress == 1.0
    assert reports[0].left_s > 0.0


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    """The mean of the batches' gradients makes the step."""
    seen: list[torch.Tensor] = []

    def summed(prediction: torch.Tensor, batch: Any) -> torch.Tensor:
        seen.append(prediction.detach().sum())
        return prediction.sum()

    one = loop(tmp_path / "a", LoopOptions(steps=1, accumulate=2, clip_norm=0.0), summed)
    one.network.eval()
    loss = one.step()
    assert loss == pytest.approx(float(sum(seen)) / 2, rel=1e-4)


def test_stops_early_on_free_running_validation(tmp_path: Path) -> None:
    scores = iter([1.0, 3.0, 2.0, 2.5, 9.0])
    kept: list[int] = []

    def judge(network: torch.nn.Module) -> Mapping[str, float]:
        return {"total": next(scores)}

    def keep(network: torch.nn.Module, folder: Path) -> None:
        kept.append(1)

    options = LoopOptions(steps=50, report_every=1, validate_every=1, patience=2)
    counters = loop(tmp_path, options, validate=judge, save_best=keep).run()
    assert (counters.step, counters.best_step, counters.best) == (4, 2, 3.0)
    assert len(kept) == 2


def test_half_precision_learns_too(tmp_path: Path) -> None:
    reports: list[Report] = []
    options = LoopOptions(steps=20, warm_up=1, report_every=10, learning_rate=2e-2, precision="bfloat16")
    trained = loop(tmp_path, options)
    trained.run(reports.append)
    assert reports[-1].loss < reports[0].loss
    assert all(p.dtype == torch.float32 for p in trained.network.parameters())


def test_a_loss_that_explodes_ends_the_run(tmp_path: Path) -> None:
    def explode(prediction: torch.Tensor, batch: Any) -> torch.Tensor:
        return prediction.sum() * math.nan

    with pytest.raises(MouthError, match="loss is nan at step 0"):
        loop(tmp_path, loss=explode).run()


def test_neither_steps_nor_minutes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="steps or of minutes"):
        loop(tmp_path, LoopOptions())


def test_time_is_a_measure_of_progress(tmp_path: Path) -> None:
    timed = loop(tmp_path, LoopOptions(minutes=1.0))
    timed.counters.elapsed_s = 30.0
    assert timed.progress == pytest.approx(0.5)


def test_learning_rate_warms_up_and_falls() -> None:
    options = LoopOptions(steps=100, warm_up=10, learning_rate=1.0)
    assert learning_rate(options, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(options, 50, 0.5) == pytest.approx(0.5)
    assert learning_rate(options, 100, 1.0) == pytest.approx(0.0)
    assert learning_rate(LoopOptions(steps=100, warm_up=0, learning_rate=1.0, schedule="constant"), 99, 0.99) == 1.0


# ---- the run's folder -----------------------------------------------------------------------------------------------------
def test_a_run_is_not_continued_by_mistake(tmp_path: Path) -> None:
    assert not open_run(tmp_path, {"seed": 0, "loop": {"rate": 1}}, resume=False)
    with pytest.raises(OutputError, match="holds a run"):
        open_run(tmp_path, {"seed": 0, "loop": {"rate": 1}}, resume=False)
    with pytest.raises(OutputError, match=r"another rate \(1, now 2\)"):
        open_run(tmp_path, {"seed": 0, "loop": {"rate": 2}}, resume=True)
    assert not open_run(tmp_path, {"seed": 0, "loop": {"rate": 1}}, resume=True), "nothing to go on from yet"
    (tmp_path / RUN).write_text("{")
    with pytest.raises(InputError, match="damaged"):
        open_run(tmp_path, {}, resume=True)


@pytest.mark.parametrize("damage", ["cut", "text", "other network", "pickle", "missing"])
def test_a_damaged_checkpoint_is_told(tmp_path: Path, damage: str) -> None:
    first = loop(tmp_path)
    first.step()
    first.save()
    path = tmp_path / CHECKPOINT
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "text":
        path.write_text("hello")
    elif damage == "pickle":
        torch.save({"network": print}, path)
    elif damage == "other network":
        torch.save({"network": {}, "optimiser": {}, "counters": {}}, path)
    else:
        path.unlink()
    with pytest.raises(InputError) as told:
        loop(tmp_path).run(resume=True)
    assert CHECKPOINT in str(told.value)
    assert "\n" not in str(told.value)


def _edited(content: dict[str, Any], edit: str) -> None:
    first = next(iter(content["network"]))
    if edit == "step":
        content["counters"]["step"] = "many"
    elif edit == "weight":
        content["network"][first].view(-1)[0] = math.nan
    else:
        state = next(state for state in content["optimiser"]["state"].values() if state["exp_avg"].ndim > 1)
        state["exp_avg"] = torch.zeros(2)


@pytest.mark.parametrize(
    ("edit", "message"),
    [("step", "step is 'many'"), ("weight", "holds values that are not finite"), ("moments", "state of .* has another shape")],
)
def test_an_edited_checkpoint_is_told(tmp_path: Path, edit: str, message: str) -> None:
    first = loop(tmp_path)
    first.step()
    first.save()
    content = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    _edited(content, edit)
    torch.save(content, tmp_path / CHECKPOINT)
    with pytest.raises(InputError, match=message):
        loop(tmp_path).run(resume=True)


def test_what_a_kill_left_while_it_saved_goes_with_resume(tmp_path: Path) -> None:
    open_run(tmp_path, {}, resume=False)
    for name in (".0a1b2c3d.checkpoint.pt", ".0a1b2c3d.best.safetensors", ".mine"):
        (tmp_path / name).write_bytes(b"half")
    open_run(tmp_path, {}, resume=True)
    assert {path.name for path in tmp_path.iterdir()} == {RUN, ".mine"}


def test_half_a_line_of_a_killed_run_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / CURVE).write_text('{"step": 2}\n{"step": 4}\n{"ste')
    checkpoints.trim_curve(tmp_path, 2)
    assert (tmp_path / CURVE).read_text() == '{"step": 2}\n'


def test_the_best_network_is_a_file_that_loads(tmp_path: Path) -> None:
    def keep(network: torch.nn.Module, folder: Path) -> None:
        assert isinstance(network, MouthingNetwork)
        save_network(network, folder / BEST)

    trained = loop(tmp_path, save_best=keep)
    trained.run()
    stored, _ = load_network(tmp_path / BEST)
    for name, value in weights(trained).items():
        assert torch.equal(value, stored.state_dict()[name])
