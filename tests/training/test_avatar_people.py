"""The perceptual stage on captured data: avatars on FLAME's mesh, read against the video or against renders of the motion."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.avatar.folder import import_avatar  # noqa: E402
from slp_mouthing.cli.main import run  # noqa: E402
from slp_mouthing.decoder.network import load_network  # noqa: E402
from slp_mouthing.errors import HeadError, InputError  # noqa: E402
from slp_mouthing.head.flame import load_flame  # noqa: E402
from slp_mouthing.lipreading.autoavsr import AutoAvsr  # noqa: E402
from slp_mouthing.lipreading.checkpoint import load_reader  # noqa: E402
from slp_mouthing.training import curriculum  # noqa: E402
from slp_mouthing.training.avatar_people import AvatarPeople, people_of  # noqa: E402
from slp_mouthing.training.captured import Captured  # noqa: E402
from slp_mouthing.training.curriculum import RECIPES, TrainOptions, train  # noqa: E402
from slp_mouthing.training.dataset import open_dataset  # noqa: E402
from slp_mouthing.training.lip_reading import DrawnPeople, LipReading  # noqa: E402
from tests.lipreading.test_autoavsr import SMALL as SMALL_AUTOAVSR  # noqa: E402
from tests.training.small_captured import (  # noqa: E402
    NEUTRAL,
    film,
    write_camera,
    write_flame,
    write_mead,
    write_person,
    write_vocaset,
)
from tests.training.small_clips import SMALL  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.training.clip import Clip

FRAMES = 12


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's files: FLAME, two actors of tracked MEAD without video, an avatar of each."""
    folder = tmp_path_factory.mktemp("desk")
    flame = write_flame(folder / "flame")
    write_mead(folder / "mead", [("M003", 1), ("W009", 2), ("M003", 31)], FRAMES)
    for seed, actor in enumerate(("M003", "W009")):
        write_person(folder / "avatars" / actor, flame, seed=seed)
    return folder


@pytest.fixture
def mead(desk: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    shutil.copytree(desk / "mead", tmp_path / "mead")
    return tmp_path / "mead"


def opened(folder: Path, desk: Path) -> Captured:
    dataset = open_dataset(folder, desk / "flame")
    assert isinstance(dataset, Captured)
    return dataset


@pytest.fixture(scope="module")
def people(desk: Path) -> AvatarPeople:
    return AvatarPeople(opened(desk / "mead", desk), desk / "avatars", desk / "flame")


def offsets_of(one: Clip) -> torch.Tensor:
    assert one.vertex_offsets is not None
    return torch.from_numpy(one.vertex_offsets.reshape(len(one.vertex_offsets), -1))


@pytest.fixture(scope="module")
def one(people: AvatarPeople) -> Clip:
    return people.dataset.named("M003-001")


# ---- what is drawn --------------------------------------------------------------------------------------------------------
def test_the_mesh_has_teeth_where_the_avatar_has_them(desk: Path, people: AvatarPeople, one: Clip) -> None:
    head, sitter = load_flame(desk / "flame"), people.sitter(one)
    posed = sitter.posed(offsets_of(one))
    assert posed.shape == (FRAMES, len(head.neutral_m), 3)
    write_person(desk / "toothless", desk / "flame", teeth=False)
    bare = AvatarPeople(people.dataset, desk / "toothless", desk / "flame")
    posed = bare.sitter(one).posed(offsets_of(one))
    assert posed.shape == (FRAMES, len(head.files.model.template), 3)
    assert bare.crops(one, offsets_of(one)).shape == (FRAMES, 1, 88, 88)


def test_each_subject_wears_its_own_avatar_and_one_may_do_for_all(desk: Path, people: AvatarPeople, one: Clip) -> None:
    other = people.dataset.named("W009-002")
    shared = AvatarPeople(people.dataset, desk / "avatars/M003", desk / "flame")
    assert torch.equal(people.crops(one, offsets_of(one)), shared.crops(one, offsets_of(one)))
    assert not torch.equal(people.crops(other, offsets_of(other)), shared.crops(other, offsets_of(other)))


# ---- the loss -------------------------------------------------------------------------------------------------------------
def small_autoavsr() -> AutoAvsr:
    """Of random weights, made so large that it heeds what it sees."""
    torch.manual_seed(0)
    reader = AutoAvsr(SMALL_AUTOAVSR).eval().requires_grad_(False)
    reader.proj_encoder.weight *= 1e3
    return reader


@pytest.mark.parametrize("kind", ["ours", "autoavsr"])
def test_the_truth_reads_like_itself_and_a_mouth_that_stays_shut_does_not(people: AvatarPeople, one: Clip, kind: str) -> None:
    reading, truth = LipReading(load_reader() if kind == "ours" else small_autoavsr(), people=people), offsets_of(one)
    assert reading(truth, one).item() == pytest.approx(0, abs=1e-5)
    shut = torch.zeros_like(truth).requires_grad_()
    loss = reading(shut, one)
    assert loss.item() > 1e-4
    loss.backward()
    assert torch.isfinite(shut.grad).all() and shut.grad.any()


def test_gradients_are_those_of_the_loss(desk: Path, people: AvatarPeople, one: Clip) -> None:
    """Of vertices of the lips, and of the chin, which carries the lower teeth.

    Where Gaussians that cover one another change their order the loss jumps, so that these are apart.
    """
    write_person(desk / "sparse", desk / "flame", sparse=True)
    sparse = AvatarPeople(people.dataset, desk / "sparse", desk / "flame")
    reading, given, head = LipReading(load_reader(), people=sparse), 0.7 * offsets_of(one), sparse.sitter(one).head
    rng, skin = np.random.default_rng(0), head.neutral_m[: given.shape[1] // 3]
    for name, near in (("lip_upper_mid", 20), ("lip_lower_mid", 20), ("chin", 40)):
        chosen = np.linalg.norm(skin - head.neutral_m[head.landmarks[name]], axis=1).argsort()[:near]
        way = torch.zeros(FRAMES, len(skin), 3)
        way[:, chosen] = torch.from_numpy(rng.normal(size=(FRAMES, 1, 3))).float()
        values, step = given.clone().requires_grad_(), 5e-4 * way.view(FRAMES, -1)
        reading(values, one).backward()
        ahead, back = (reading(given + side * step, one).item() for side in (1, -1))
        assert (values.grad * step).sum().item() == pytest.approx((ahead - back) / 2, rel=0.15), name


def test_a_few_steps_bring_a_mouth_nearer_to_how_the_truth_reads(people: AvatarPeople, one: Clip) -> None:
    reading, truth = LipReading(load_reader(), people=people), offsets_of(one)
    opening = torch.tensor(0.8, requires_grad=True)
    optimiser, losses = torch.optim.Adam([opening], 0.04), []
    for _ in range(5):
        optimiser.zero_grad()
        loss = reading(opening * truth, one)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert abs(opening.item() - 1.0) < 0.1


def test_a_video_is_the_truth_where_there_is_one(desk: Path, mead: Path, one: Clip) -> None:
    for actor, sentence in (("M003", 1), ("W009", 2)):
        film(mead, actor, sentence, desk / "flame", desk / "avatars" / actor)
        write_camera(mead, actor)
    dataset = opened(mead, desk)
    assert dataset.named("M003-001").video == mead / "M003/video/front" / NEUTRAL / "001.mp4"
    filmed = AvatarPeople(dataset, desk / "avatars", desk / "flame")
    rendered = AvatarPeople(dataset, desk / "avatars", desk / "flame", "renders")
    assert (filmed.is_filmed, rendered.is_filmed) == (True, False)
    seen, drawn = (people.true_crops(one, slice(3, 9)) for people in (filmed, rendered))
    assert seen.shape == drawn.shape == (6, 1, 88, 88)
    assert torch.equal(drawn, rendered.crops(one, offsets_of(one)[3:9]))
    assert np.corrcoef(seen[..., 10:-20, 15:-15].flatten(), drawn[..., 10:-20, 15:-15].flatten())[0, 1] > 0.85
    reading = LipReading(load_reader(), people=filmed)
    truth, shut = (reading(values, one).item() for values in (offsets_of(one), 0 * offsets_of(one)))
    assert truth < shut, "the tracked motion reads more like the video than a mouth that stays shut"


# ---- what is told ---------------------------------------------------------------------------------------------------------
class _Synthetic:
    """A built corpus."""


def test_synthetic_clips_draw_their_own_people(desk: Path) -> None:
    assert isinstance(people_of(_Synthetic()), DrawnPeople)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="avatars and targets are for captured data"):
        people_of(_Synthetic(), desk / "avatars")  # type: ignore[arg-type]


def test_avatars_that_are_missing_or_do_not_fit_are_told(desk: Path, mead: Path, tmp_path: Path) -> None:
    dataset, flame = opened(mead, desk), desk / "flame"
    with pytest.raises(InputError, match="are drawn by their avatars, and there are none; give --avatars DIR"):
        people_of(dataset, None, flame)
    with pytest.raises(InputError, match=r"nowhere: no such folder; make one: mouth avatar import PLY -o"):
        people_of(dataset, tmp_path / "nowhere", flame)
    shutil.copytree(desk / "avatars/M003", tmp_path / "some/M003")
    with pytest.raises(InputError, match=r"some/W009: no avatar of W009; mouth avatar import PLY -o .*some/W009; or give"):
        people_of(dataset, tmp_path / "some", flame)
    import_avatar(desk / "avatars/M003.ply", tmp_path / "other", head="builtin", triangles=(40000,))
    with pytest.raises(InputError, match=r"bound to builtin with 40000 triangles, FLAME has \d+, or \d+ with teeth"):
        people_of(dataset, tmp_path / "other", flame)
    with pytest.raises(HeadError, match="no such folder; give --flame DIR"):
        people_of(dataset, desk / "avatars", tmp_path / "no-flame")


def test_videos_that_are_missing_are_told(desk: Path, mead: Path) -> None:
    flame, avatars = desk / "flame", desk / "avatars"
    with pytest.raises(InputError, match="clip 'M003-001' has no video; add it, or train against renders"):
        people_of(opened(mead, desk), avatars, flame, "video")
    video = mead / "W009/video/front" / NEUTRAL / "002.mp4"
    video.parent.mkdir(parents=True)
    video.touch()
    with pytest.raises(InputError, match="clip 'M003-001' has no video"):
        people_of(opened(mead, desk), avatars, flame)
    shutil.copytree(video.parent, mead / "M003/video/front" / NEUTRAL)
    (mead / "M003/video/front" / NEUTRAL / "002.mp4").rename(mead / "M003/video/front" / NEUTRAL / "001.mp4")
    with pytest.raises(InputError, match=r"001\.mp4: nothing says where the mouth of 'M003-001' is; add landmarks"):
        people_of(opened(mead, desk), avatars, flame)
    assert isinstance(people_of(opened(mead, desk), avatars, flame, "renders"), AvatarPeople)


def test_meshes_of_another_topology_are_told(people: AvatarPeople, one: Clip) -> None:
    with pytest.raises(HeadError, match="clip 'M003-001' has 7 vertices, FLAME 1240; give the FLAME"):
        people.crops(replace(one, neutral_m=np.zeros((7, 3), np.float32)), torch.zeros(2, 21))


# ---- the stage ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    often = {"report_every": 1, "checkpoint_every_s": 0.0, "accumulate": 1, "precision": "float32"}
    for name, stages in RECIPES.items():
        less = {
            stage: replace(of, encoder=SMALL.encoder, loop=replace(of.loop, **often))  # type: ignore[arg-type]
            for stage, of in stages.items()
        }
        monkeypatch.setitem(RECIPES, name, less)  # type: ignore[arg-type]


@pytest.mark.usefixtures("small")
def test_three_stages_from_vocaset_to_mead_with_the_same_commands(desk: Path, tmp_path: Path) -> None:
    flame, subject = str(desk / "flame"), "FaceTalk_170728_03272_TA"
    write_vocaset(tmp_path / "vocaset", desk / "flame", subject)
    runs = [str(tmp_path / name) for name in ("one", "two", "three", "voca")]
    best = [f"{name}/best.safetensors" for name in runs]
    paper = ["--recipe", "paper", "--steps", "2"]
    assert run(["train", "geometric", str(tmp_path / "vocaset"), "-o", runs[0], *paper]) == 0
    adapted = [*paper, "--flame", flame]
    assert run(["train", "adapt", str(desk / "mead"), "-o", runs[1], "--from", best[0], *adapted]) == 0
    drawn = [*adapted, "--avatars", str(desk / "avatars")]
    assert run(["train", "perceptual", str(desk / "mead"), "-o", runs[2], "--from", best[1], *drawn]) == 0
    one_for_all = [*adapted, "--avatar", str(desk / "avatars/M003")]
    assert run(["train", "perceptual", str(tmp_path / "vocaset"), "-o", runs[3], "--from", best[0], *one_for_all]) == 0
    assert load_network(best[2])[0].options.vertices == 1240


def losses_of(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "curve.jsonl").read_text().splitlines()]


@pytest.mark.usefixtures("small")
def test_the_loss_leads_the_network_and_a_run_goes_on_to_the_same_weights(desk: Path, tmp_path: Path) -> None:
    first = train(desk / "mead", tmp_path / "first", TrainOptions(recipe="paper", steps=1, flame=desk / "flame"))
    options = TrainOptions(
        "perceptual", "paper", first, flame=desk / "flame", avatars=desk / "avatars", steps=4, read_weight=1.0, batch=1,
        learning_rate=1e-3,
    )  # fmt: skip
    whole = train(desk / "mead", tmp_path / "whole", options)

    class Killed(Exception):
        pass

    def kill(report: object) -> None:
        if len(losses_of(tmp_path / "killed")) == 3:
            raise Killed

    with pytest.raises(Killed):
        train(desk / "mead", tmp_path / "killed", options, kill)
    resumed = train(desk / "mead", tmp_path / "killed", options, resume=True)
    one, other = (load_network(path)[0].state_dict() for path in (whole, resumed))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert losses_of(tmp_path / "whole") == losses_of(tmp_path / "killed")
    geometric = train(desk / "mead", tmp_path / "without", replace(options, read_weight=0.0, avatars=None))
    plain = load_network(geometric)[0].state_dict()
    assert any(not torch.equal(value, plain[name]) for name, value in one.items())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("recipe", "given", "weight"), [("shipped", None, 0.01), ("shipped", 0.5, 0.5), ("paper", None, 1e-5)])
def test_each_recipe_has_a_weight_for_captured_meshes(
    desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, given: float | None, weight: float
) -> None:
    weights: list[float] = []

    def noted(geometric: object, perceptual: object, weight: float) -> object:
        weights.append(weight)
        return geometric

    monkeypatch.setattr(curriculum, "PerceptualLoss", noted)
    first = train(desk / "mead", tmp_path / "first", TrainOptions(recipe=recipe, steps=1, flame=desk / "flame"))
    options = TrainOptions(
        "perceptual", recipe, first, flame=desk / "flame", avatars=desk / "avatars", steps=1, batch=1, read_weight=given
    )
    train(desk / "mead", tmp_path / "run", options)
    assert weights == [weight]


@pytest.mark.usefixtures("small")
def test_the_stage_ends_before_it_begins_without_avatars(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = train(desk / "mead", tmp_path / "first", TrainOptions(recipe="paper", steps=1, flame=desk / "flame"))
    command = ["train", "perceptual", str(desk / "mead"), "-o", str(tmp_path / "run"), "--from", str(first), "--flame",
               str(desk / "flame")]  # fmt: skip
    assert run(command) == 1
    told = capsys.readouterr().err
    assert "there are none; give --avatars DIR" in told and told.count("\n") == 1
    assert not (tmp_path / "run").exists()
    assert run([*command, "--targets", "pictures"]) == 1
    assert "unknown targets 'pictures', allowed: video, renders" in capsys.readouterr().err
