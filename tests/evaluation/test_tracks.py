"""Folders of tracks by the field's metrics."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.io import wavfile

from slp_mouthing.articulation import articulate
from slp_mouthing.cast import CastOptions, find_head
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.evaluation import metrics
from slp_mouthing.evaluation.regions import regions_of
from slp_mouthing.evaluation.tracks import find_pairs, judge_tracks
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.flame_controls import ControlledFlame
from slp_mouthing.types import FaceTrack, MouthScore, Phone
from tests.head.flame_files import SMALL, write_folder

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.evaluation.report import Report

FPS = 25.0
PARTS = ("jaw_pose", "blendshapes", "eyes_pose", "tongue", "lip_opening_m", "lip_width_m")


def track(*symbols: str, size: float = 1.0) -> FaceTrack:
    phones = tuple(Phone(symbol, 0.2 + 0.2 * k, 0.4 + 0.2 * k) for k, symbol in enumerate(symbols))
    curves = articulate(MouthScore(phones, (), phones[-1].end_s + 0.4, ((0.2, phones[-1].end_s),)), FPS)
    head, values = load_builtin(), size * curves.values
    opening, width = head.lips(values[:, :52], values[:, 52:])
    return FaceTrack(FPS, "builtin", head.jaw_pose(values[:, :52]), values[:, :52], np.zeros((len(values), 6), np.float32),
                     values[:, 52:], opening, width)  # fmt: skip


WORDS = {
    "anna/one": (("m", "ɑː", "m", "ɑː"), 1.0), "anna/two": (("m", "ɑː", "m", "ɑː"), 0.6),
    "ben/one": (("f", "aɪ", "v"), 0.5), "ben/two": (("f", "aɪ", "v"), 0.9),
}  # fmt: skip
"""By name: phones, and how large the motion is and how loud the voice."""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name, (symbols, size) in WORDS.items():
        for side, one in (("true", track(*symbols, size=size)), ("predicted", track(*symbols, size=0.8))):
            (tmp_path / side / name).parent.mkdir(parents=True, exist_ok=True)
            one.save(tmp_path / side / f"{name}.track.npz")
        wave = 0.5 * size * np.sin(np.arange(8000))
        wavfile.write(tmp_path / "true" / f"{name}.wav", 16000, (wave * 32767).astype(np.int16))
    return tmp_path / "predicted", tmp_path / "true"


def value(report: Report, name: str) -> float:
    cell = report.row(name).cells[0]
    assert cell is not None
    return cell.value


def test_figures_are_those_of_the_posed_head(folders: tuple[Path, Path]) -> None:
    pairs, alone = find_pairs(*folders)
    assert [pair.name for pair in pairs] == list(WORDS) and not alone
    report = judge_tracks(pairs)
    head = load_builtin()
    regions = regions_of(head)
    meshes = [[head.pose(t.blendshapes, t.tongue) for t in (FaceTrack.load(p.predicted), FaceTrack.load(p.true))] for p in pairs]
    errors = [metrics.lip_errors_m(*pair, regions.lips) for pair in meshes]
    assert value(report, "LVE, mean distance") == pytest.approx(np.mean([metrics.lve_mm(e) for e in errors]), rel=1e-4)
    assert value(report, "LVE as released, squared") == pytest.approx(1e5 * metrics.lve_squared_m2(errors), rel=1e-4)
    fdd = np.mean([metrics.fdd_m2(*pair, head.neutral_m, regions.upper) for pair in meshes])
    assert value(report, "FDD, true less predicted") == pytest.approx(1e5 * fdd, rel=1e-3)


def test_the_truth_against_itself(folders: tuple[Path, Path]) -> None:
    report = judge_tracks(find_pairs(folders[1], folders[1])[0])
    for name in ("LVE, mean distance", "FDD, true less predicted", "MTM", "SLCC, difference"):
        assert value(report, name) == 0.0


def test_lips_and_voice_grow_together(folders: tuple[Path, Path]) -> None:
    report = judge_tracks(find_pairs(*folders)[0])
    assert value(report, "SLCC of the truth") == pytest.approx(1.0)
    assert np.isnan(value(report, "SLCC of the prediction"))  # It moves as far, however loud the voice is.
    silent, _ = find_pairs(*folders, sounds=folders[0])
    assert not any(row.name.startswith("SLCC") for row in judge_tracks(silent).rows)


def test_levels_are_named_by_folders(tmp_path: Path) -> None:
    for level in ("level_1", "level_2"):
        for k in range(3):
            name = tmp_path / "anna" / level / f"{k}.track.npz"
            name.parent.mkdir(parents=True, exist_ok=True)
            track("m", "ɑː", size=0.4 + 0.1 * k).save(name)
            wavfile.write(name.with_name(f"{k}.wav"), 16000, (1000 * (3 - k) * np.sin(np.arange(999))).astype(np.int16))
    report = judge_tracks(find_pairs(tmp_path, tmp_path)[0])
    assert value(report, "SLCC of the truth, level_1") == pytest.approx(-1.0, abs=0.05)


def test_meshes_of_the_file_go_before_the_heads(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "anna/one.track.npz"
    loaded = FaceTrack.load(path)
    offsets = np.zeros((len(loaded), len(load_builtin().neutral_m), 3), np.float32)
    replace(loaded, vertex_offsets=offsets).save(path)
    (pair,) = [pair for pair in find_pairs(*folders)[0] if pair.name == "anna/one"]
    true = FaceTrack.load(pair.true)
    lips = load_builtin().pose(true.blendshapes, true.tongue)[:, regions_of(load_builtin()).lips]
    furthest = np.linalg.norm(lips - load_builtin().neutral_m[regions_of(load_builtin()).lips], axis=-1).max(axis=1)
    assert value(judge_tracks([pair]), "LVE, mean distance") == pytest.approx(1e3 * furthest.mean(), rel=1e-4)


def test_regions_of_the_built_in_head() -> None:
    head = load_builtin()
    regions = regions_of(head)
    lips, upper = head.neutral_m[regions.lips], head.neutral_m[regions.upper]
    assert upper[:, 1].min() > lips[:, 1].max()
    assert head.neutral_m[regions.upper_lip, 1] >= head.neutral_m[regions.lower_lip, 1]


def test_flame_tracks_are_posed_by_their_own_parameters(tmp_path: Path) -> None:
    write_folder(tmp_path / "flame", SMALL, masks=True)
    cast = CastOptions("flame", tmp_path / "flame", SMALL.shapes)
    flame = find_head(cast)
    assert isinstance(flame, ControlledFlame)
    regions = regions_of(flame)
    assert np.array_equal(regions.lips, flame.flame.files.masks["lips"])
    rng, values = np.random.default_rng(0), np.zeros((2, 6, SMALL.expressions), np.float32)
    values[0] = rng.standard_normal((6, SMALL.expressions))
    for side, expressions in zip(("predicted", "true"), values, strict=True):
        still = track("m")
        parts = {name: getattr(still, name)[:6] for name in PARTS} | {"expressions": expressions, "head": flame.name}
        replace(still, **parts).save(tmp_path / side / "one.track.npz")
    posed = [flame.flame.pose_flame(v, np.zeros((6, 3), np.float32), np.zeros((6, 6), np.float32)) for v in values]
    report = judge_tracks(find_pairs(tmp_path / "predicted", tmp_path / "true")[0], cast)
    expected = metrics.lve_mm(metrics.lip_errors_m(posed[0], posed[1], regions.lips))
    assert value(report, "LVE, mean distance") == pytest.approx(expected, rel=1e-4)


# ---- bad input ------------------------------------------------------------------------------------------------------------
def test_names_in_one_folder_alone_are_told(folders: tuple[Path, Path]) -> None:
    (folders[0] / "ben/one.track.npz").unlink()
    pairs, alone = find_pairs(*folders)
    assert len(pairs) == 3 and alone == ["ben/one"]


@pytest.mark.parametrize(("predicted", "said"), [("nowhere", "no such folder"), ("empty", "holds no .track.npz")])
def test_folders_without_tracks(folders: tuple[Path, Path], tmp_path: Path, predicted: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=said):
        find_pairs(tmp_path / predicted, folders[1])


def test_folders_without_a_common_name(folders: tuple[Path, Path], tmp_path: Path) -> None:
    track("m").save(tmp_path / "other" / "else.track.npz")
    with pytest.raises(InputError, match="of the same name"):
        find_pairs(tmp_path / "other", folders[1])


@pytest.mark.parametrize(
    ("change", "said"),
    [({"fps": 30.0}, "30 fps, the true track 25"), ({"head": "flame2023"}, "of the head flame2023, the true track of builtin")],
)
def test_tracks_that_do_not_fit(folders: tuple[Path, Path], change: dict[str, object], said: str) -> None:
    path = folders[0] / "anna/one.track.npz"
    replace(FaceTrack.load(path), **change).save(path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=said):
        judge_tracks(find_pairs(*folders)[0])


def test_one_frame_more_or_less_is_passed_over(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "anna/one.track.npz"
    loaded = FaceTrack.load(path)

    def cut(frames: int) -> FaceTrack:
        return replace(loaded, **{name: getattr(loaded, name)[:-frames] for name in PARTS})  # type: ignore[arg-type]

    cut(1).save(path)
    judge_tracks(find_pairs(*folders)[0])
    cut(2).save(path)
    with pytest.raises(InputError, match="frames, the true track"):
        judge_tracks(find_pairs(*folders)[0])


def test_another_head_must_be_given(tmp_path: Path) -> None:
    for side in ("predicted", "true"):
        replace(track("m"), head="flame2020").save(tmp_path / side / "one.track.npz")
    with pytest.raises(HeadError, match="--head flame --flame DIR"):
        judge_tracks(find_pairs(tmp_path / "predicted", tmp_path / "true")[0])


# ---- the command ----------------------------------------------------------------------------------------------------------
def test_the_command_prints_writes_and_draws(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    from slp_mouthing.cli.main import run

    (folders[0] / "ben/one.track.npz").unlink()
    assert run(["evaluate", "tracks", *map(str, folders), "--plot", str(tmp_path / "figures.png")]) == 0
    printed = capsys.readouterr()
    assert "LVE, mean distance (mm)" in printed.out and "Traceback" not in printed.err
    assert "warning: ben/one: in one folder alone" in printed.err
    assert Image.open(tmp_path / "figures.png").width > 500
    assert run(["evaluate", "tracks", *map(str, folders), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["rows"][0]["figures"]["value"]["value"] > 0
    assert run(["evaluate", "tracks", str(tmp_path / "none"), str(folders[1])]) == 1
    assert "no such folder" in capsys.readouterr().err
