"""SMPL-X meshes with FLAME's face: against the smplx library, and against FLAME itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.body import read_body
from slp_mouthing.body_mesh import betas_of, gender_of, load_body, posed, with_flame_face, write_body_mesh
from slp_mouthing.cli.main import run
from slp_mouthing.errors import HeadError, OutputError
from slp_mouthing.head.flame_files import read_flame
from slp_mouthing.merging import MeshOptions, merge_file
from tests.body.conftest import beat2, make_track
from tests.head.flame_files import SMALL, write_folder
from tests.smplx_files import write_body_model

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import BodySequence

FLAME_SHAPES = 6
"""Directions of identity in the small made-up FLAME."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """smplx/ of 2500 vertices and flame/, which share their heads."""
    folder = tmp_path_factory.mktemp("models")
    arrays = write_folder(folder / "flame", SMALL)
    write_body_model(folder / "smplx", arrays["v_template"], 2500)
    return folder


@pytest.fixture
def body(tmp_path: Path) -> BodySequence:
    return read_body(beat2(tmp_path / "signer.npz", frames=5))


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A body of 10475 vertices: the library's extra joints are vertices of the full mesh."""
    folder = tmp_path_factory.mktemp("smplx")
    write_body_model(folder, np.random.default_rng(3).normal(0, 0.1, (500, 3)))
    return folder


@pytest.mark.parametrize("hand_mean", [False, True])
def test_equals_the_smplx_library(full_size: Path, hand_mean: bool, tmp_path: Path) -> None:
    smplx = pytest.importorskip("smplx", reason="smplx is not installed: pip install 'slp-mouthing[flame]'")
    torch = pytest.importorskip("torch")
    theirs = smplx.SMPLX(
        str(full_size), gender="neutral", ext="npz", use_pca=False, flat_hand_mean=not hand_mean, num_betas=300,
        num_expression_coeffs=100, batch_size=5, use_face_contour=False,
    )  # fmt: skip
    body = read_body(beat2(tmp_path / "signer.npz", frames=5))
    betas = betas_of(body)
    assert betas is not None

    def tensor(values: np.ndarray | None) -> object:
        assert values is not None
        return torch.tensor(np.asarray(values), dtype=torch.float32)

    with torch.no_grad():
        wished = theirs(
            betas=tensor(np.tile(betas, (5, 1))), expression=tensor(body.expressions), global_orient=tensor(body.root_orient),
            body_pose=tensor(body.body_pose), left_hand_pose=tensor(body.left_hand_pose),
            right_hand_pose=tensor(body.right_hand_pose), jaw_pose=tensor(body.jaw_pose), leye_pose=tensor(body.eyes_pose[:, :3]),
            reye_pose=tensor(body.eyes_pose[:, 3:]), transl=tensor(body.translation_m),
        ).vertices.numpy()  # fmt: skip
    ours = np.concatenate(list(posed(load_body(full_size), body, betas=betas, hand_mean=hand_mean)))
    assert ours.shape == (5, 10475, 3)
    np.testing.assert_allclose(ours, wished, atol=2e-5)


def test_the_face_moves_as_flames(folder: Path, body: BodySequence) -> None:
    flame = read_flame(folder / "flame", shape_count=FLAME_SHAPES)
    directions = flame.model.shapes[FLAME_SHAPES:]
    ids = np.load(folder / "smplx" / "SMPL-X__FLAME_vertex_ids.npy")
    whole = with_flame_face(load_body(folder / "smplx"), folder / "smplx", folder / "flame", flame_shape=FLAME_SHAPES)
    zero = {
        name: np.zeros_like(getattr(body, name)) for name in ("root_orient", "body_pose", "left_hand_pose", "right_hand_pose")
    }
    face = np.random.default_rng(0).normal(size=(5, len(directions)))
    still = replace(body, **zero, jaw_pose=None, eyes_pose=None, translation_m=None, expressions=face)
    moved = np.concatenate(list(posed(whole, still)))
    wished = np.einsum("te,evx->tvx", face, directions)
    np.testing.assert_allclose(moved[:, ids] - whole.skin.template[ids], wished, atol=2e-6)
    others = np.setdiff1d(np.arange(whole.vertex_count), ids)
    np.testing.assert_allclose(moved[:, others], np.broadcast_to(whole.skin.template[others], moved[:, others].shape), atol=1e-6)


def test_older_files_have_ten_directions_of_each(tmp_path: Path) -> None:
    write_body_model(tmp_path, np.zeros((10, 3)), 600, shapes=20)
    model = load_body(tmp_path)
    assert model.shape_count == 10 and len(model.skin.shapes) == 20


def test_person_and_gender_come_from_the_file(tmp_path: Path) -> None:
    body = read_body(beat2(tmp_path / "a.npz", gender="female"))
    betas = betas_of(body)
    assert gender_of(body) == "female" and betas is not None and betas.shape == (300,)
    assert gender_of(read_body(beat2(tmp_path / "b.npz", gender="unsaid"))) == "neutral"


@pytest.mark.parametrize("suffix", [".npz", ".obj"])
def test_meshes_are_written(folder: Path, body: BodySequence, suffix: str, tmp_path: Path) -> None:
    model = load_body(folder / "smplx")
    write_body_mesh(body, tmp_path / f"mesh{suffix}", model)
    wished = np.concatenate(list(posed(model, body)))
    if suffix == ".npz":
        with np.load(tmp_path / "mesh.npz") as mesh:
            np.testing.assert_array_equal(mesh["vertices_m"], wished)
            np.testing.assert_array_equal(mesh["triangles"], model.triangles)
            assert mesh["fps"] == 30
    else:
        lines = (tmp_path / "mesh.obj" / "mesh_000005.obj").read_text().splitlines()
        points = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
        np.testing.assert_allclose(points, wished[4], atol=1e-6)
        assert sum(line.startswith("f ") for line in lines) == len(model.triangles)


def test_bad_models_are_one_line(folder: Path, tmp_path: Path, body: BodySequence) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(HeadError, match=r"holds no SMPLX_NEUTRAL\.npz"):
        load_body(tmp_path / "empty")
    with np.load(folder / "smplx" / "SMPLX_NEUTRAL.npz", allow_pickle=False) as arrays:
        kept = {name: arrays[name] for name in ("v_template", "shapedirs", "posedirs", "weights", "kintree_table", "f")}
    np.savez(tmp_path / "SMPLX_NEUTRAL.npz", J_regressor=np.zeros((24, 2500)), **kept)
    with pytest.raises(HeadError, match=r"'J_regressor' is \[24, 2500\], SMPL-X has \[55, 2500\]"):
        load_body(tmp_path)
    np.save(tmp_path / "SMPL-X__FLAME_vertex_ids.npy", np.arange(7))
    with pytest.raises(HeadError, match="names 7 vertices up to 6, FLAME has"):
        with_flame_face(load_body(folder / "smplx"), tmp_path, folder / "flame", flame_shape=FLAME_SHAPES)
    with pytest.raises(OutputError, match=r"unknown format '\.fbx'"):
        write_body_mesh(body, tmp_path / "mesh.fbx", load_body(folder / "smplx"))


def test_what_a_format_loses_is_said_in_mm(folder: Path, tmp_path: Path) -> None:
    track = make_track(coefficients=8)
    track.save(tmp_path / "a.track.npz")
    body = beat2(tmp_path / "signer.npz", expressions=np.zeros((40, 3)))
    models = MeshOptions(flame=folder / "flame", flame_shape=FLAME_SHAPES)
    report = merge_file(tmp_path / "a.track.npz", body, tmp_path / "out.npz", models=models)
    flame = read_flame(folder / "flame", shape_count=FLAME_SHAPES)
    away = np.linalg.norm(np.einsum("te,evx->tvx", track.expressions[:, 3:], flame.model.shapes[FLAME_SHAPES + 3 :]), axis=2)
    assert report.lost_mean_mm == pytest.approx(1e3 * away.mean(), rel=1e-4)
    assert report.lost_most_mm == pytest.approx(1e3 * away.max(), rel=1e-4)
    assert any("mm on average" in line for line in report.lines())


def test_on_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_track(coefficients=8).save(tmp_path / "a.track.npz")
    body, merged, mesh = beat2(tmp_path / "signer.npz"), tmp_path / "signing.npz", tmp_path / "signing.vertices.npz"
    arguments = ["merge", str(tmp_path / "a.track.npz"), str(body), "-o", str(merged), "--mesh", str(mesh)]
    models = ["--smplx", str(folder / "smplx"), "--flame", str(folder / "flame"), "--flame-shape", str(FLAME_SHAPES)]
    assert run([*arguments, *models]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(mesh)
    with np.load(mesh) as written:
        assert written["vertices_m"].shape == (40, 2500, 3)
