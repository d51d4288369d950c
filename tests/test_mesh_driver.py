"""Published networks as drivers: their motion on the user's FLAME, resting where the plan says rest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from slp_mouthing.articulation import Style, presence  # noqa: E402
from slp_mouthing.cli.main import run  # noqa: E402
from slp_mouthing.decoder.checkpoint import import_model, load_model  # noqa: E402
from slp_mouthing.errors import InputError  # noqa: E402
from slp_mouthing.head.least_squares import SolveOptions  # noqa: E402
from slp_mouthing.head.solve import ControlSolver  # noqa: E402
from slp_mouthing.mesh_driver import MeshDriver  # noqa: E402
from slp_mouthing.pipeline import Result, Studio  # noqa: E402
from slp_mouthing.settings import StudioOptions  # noqa: E402
from slp_mouthing.types import ARKIT_NAMES, FaceMotion, FaceTrack, MouthScore, Speech  # noqa: E402
from tests.decoder import published_plain as plain  # noqa: E402
from tests.head.flame_files import SMALL, write_folder  # noqa: E402
from tests.published_on_flame import write_checkpoint, write_imported  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

GLOSSES = "WHY@0.4 PT:PRO2SG@0.7 LATE@0.4"
VERTICES = SMALL.head + 2 * SMALL.eye
UPPER = np.array([name.startswith(("eye", "brow")) for name in ARKIT_NAMES])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`flame/`, `net.safetensors` and `hello.txt`."""
    desk = tmp_path_factory.mktemp("desk")
    write_folder(desk / "flame", SMALL)
    write_imported(desk / "net.safetensors", VERTICES)
    (desk / "hello.txt").write_text(GLOSSES)
    return desk


@pytest.fixture(autouse=True)
def _here(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(desk / "cache"))
    monkeypatch.chdir(desk)


def _options(**changes: Any) -> StudioOptions:
    return StudioOptions(
        **{"head": "flame", "flame": "flame", "flame_shape": SMALL.shapes, "driver": "net.safetensors"} | changes
    )


@pytest.fixture(scope="module")
def studio(desk: Path) -> Studio:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(desk / "cache"))
        patch.chdir(desk)
        studio = Studio(_options(vertices=True))
        studio.check()
    return studio


@pytest.fixture(scope="module")
def rendered(studio: Studio, desk: Path) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(desk)
        return studio.render(GLOSSES)


def _said(rendered: Result) -> tuple[np.ndarray, np.ndarray]:
    """What the network says of the voice, times the mouthings' presence; and that presence."""
    present, sound = presence(replace(rendered.score, phones=()), 30.0), rendered.sound
    motion = load_model("net.safetensors").predict(sound.samples, sound.sample_rate_hz).vertex_offsets
    held = np.concatenate([motion, np.repeat(motion[-1:], len(present) - len(motion), axis=0)])
    return held * present[:, None, None], present


# ---- the whole path -----------------------------------------------------------------------------------------------------------
def test_a_published_checkpoint_becomes_motion_on_flame(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_checkpoint(desk / "vocaset.pth", VERTICES)
    assert run(["model", "import", "vocaset.pth", "-o", "faceformer.safetensors"]) == 0
    driver = ["--head", "flame", "--flame", "flame", "--flame-shape", str(SMALL.shapes), "--driver", "faceformer.safetensors"]
    subject = "FaceTalk_170728_03272_TA"
    assert run(["render", "hello.txt", "-o", "out", *driver, "--formats", "npz,glb", "--subject", subject]) == 0
    assert "hello.glb" in capsys.readouterr().out
    track = FaceTrack.load("out/hello.track.npz")
    meta = json.loads(track.meta)
    assert track.head == "flame2020" and track.expressions is not None and len(track) == 51
    assert meta["network"] == f"FaceFormer (VOCASET), {subject}"
    assert meta["decoder"] == hashlib.sha256((desk / "faceformer.safetensors").read_bytes()).hexdigest()
    assert track.blendshapes.any()


def test_frames_are_the_networks_solved_for(rendered: Result) -> None:
    (offsets, present), track = _said(rendered), rendered.track
    head: Any = rendered.head
    mesh = np.repeat(head.neutral_m[None], len(offsets), axis=0)
    assert track.vertex_offsets is not None
    mesh += track.vertex_offsets
    np.testing.assert_allclose(track.vertex_offsets[:, :VERTICES], offsets, atol=1e-6)
    solved = ControlSolver(head, SolveOptions(refinements=0))(mesh)
    expected = np.where(UPPER, 0, solved.blendshapes) * (present > 0)[:, None]
    np.testing.assert_allclose(track.blendshapes, expected, atol=2e-3)
    expressions, jaw = head.parameters(track.blendshapes, track.tongue)
    np.testing.assert_allclose(track.expressions, expressions, atol=1e-5)
    np.testing.assert_allclose(track.jaw_pose, jaw, atol=1e-5)


def test_the_mouth_rests_where_the_plan_says_rest(rendered: Result) -> None:
    present, track = presence(rendered.score, 30.0), rendered.track
    rest = present == 0
    assert 8 < rest.sum() < len(rest) - 8 and track.vertex_offsets is not None
    assert not track.blendshapes[rest].any() and not track.tongue[rest].any()
    assert np.abs(track.vertex_offsets[rest]).max() < 1e-7
    assert np.abs(track.vertex_offsets[~rest]).max(axis=(1, 2)).min() > 1e-4


def test_lower_teeth_go_with_the_jaw(rendered: Result) -> None:
    track = rendered.track
    assert track.vertex_offsets is not None
    teeth = rendered.head.neutral_m[VERTICES:] + track.vertex_offsets[:, VERTICES:]
    moves = np.abs(track.vertex_offsets[:, VERTICES:]).max(axis=(0, 2)).reshape(8, 15)
    upper, lower = [0, 2, 4, 5], [1, 3, 6, 7]
    assert moves[lower].min() > 10 * moves[upper].max()
    rigid = teeth.reshape(len(teeth), 8, 15, 3)[:, lower]
    apart = np.linalg.norm(rigid[:, 0, 0] - rigid[:, 3, 14], axis=-1)
    assert np.ptp(apart) < 1e-6


@pytest.mark.parametrize("fps", [24.0, 60.0])
def test_any_frame_rate(studio: Studio, rendered: Result, fps: float) -> None:
    score = rendered.score
    made = _driver(studio).move(score, rendered.speak, fps, Style())
    assert len(made.curves) == len(presence(score, fps)) and made.curves.values.any()


def test_mouth_gestures_are_laid_over(studio: Studio) -> None:
    track = studio.render("WHY@0.4 LATE{%puffed-cheeks}@0.6").track
    assert track.blendshapes[:, ARKIT_NAMES.index("cheekPuff")].max() > 0.5
    assert track.vertex_offsets is not None and np.abs(track.vertex_offsets[24]).max() > 1e-4


def test_the_upper_face_is_ours(studio: Studio) -> None:
    result = studio.render("WHY@0.4 PT:PRO1SG@6")
    assert not result.track.blendshapes[:, UPPER].any() and result.preview().blendshapes[:, UPPER].any()


def _driver(studio: Studio) -> MeshDriver:
    driver = studio._driver
    assert isinstance(driver, MeshDriver)
    return driver


def test_intensity_sizes_the_motion_and_jaw_and_lip_are_refused(studio: Studio, rendered: Result) -> None:
    driver, score = _driver(studio), rendered.score
    usual, half, still = (driver.move(score, rendered.speak, 30.0, Style(size)) for size in (1.0, 0.5, 0.0))
    assert not still.curves.values.any()
    posed = [studio.head.pose(made.curves.blendshapes, made.curves.tongue) - studio.head.neutral_m for made in (usual, half)]
    whole = [offsets + made.lacking() for offsets, made in zip(posed, (usual, half), strict=True) if made.lacking]
    np.testing.assert_allclose(whole[1][:, :VERTICES], 0.5 * whole[0][:, :VERTICES], atol=1e-6)
    for style in (Style(jaw=0.5), Style(lip=1.5)):
        with pytest.raises(InputError, match="leave --jaw and --lip out"):
            driver.move(score, rendered.speak, 30.0, style)


def test_nobody_is_heard_where_nothing_is_mouthed(studio: Studio) -> None:
    def nobody() -> Speech:
        raise AssertionError

    made = _driver(studio).move(MouthScore((), (), 1.0), nobody, 30.0, Style())
    assert made.curves.values.shape == (30, 58) and not made.curves.values.any()


@pytest.mark.parametrize("samples", [np.zeros(9600, np.float32), np.zeros(9600), np.ones(40, np.float32)])
def test_silent_and_short_recordings_move_as_ever(studio: Studio, rendered: Result, samples: np.ndarray) -> None:
    score = rendered.score
    made = _driver(studio).move(score, lambda: Speech(samples, 16000, score.phones), 30.0, Style())
    assert np.isfinite(made.curves.values).all()


def test_recordings_that_cannot_be_heard_are_named(studio: Studio, rendered: Result) -> None:
    score = rendered.score
    for samples, told in ((np.zeros(0, np.float32), "empty"), (np.full(99, np.nan, np.float32), "not finite")):
        with pytest.raises(InputError, match=told):
            _driver(studio).move(score, lambda samples=samples: Speech(samples, 16000, score.phones), 30.0, Style())


def test_it_does_not_stream(studio: Studio) -> None:
    with pytest.raises(InputError, match="cannot stream"):
        list(studio.stream(["WHY@0.4"]))


def test_files_are_made_again_when_the_network_is_another(desk: Path) -> None:
    def made() -> int:
        return Studio(_options(driver="one.safetensors")).render_file("hello.txt", "many", formats=("npz",), reuse=True).made

    write_imported(desk / "one.safetensors", VERTICES)
    assert [made(), made()] == [1, 0]
    write_imported(desk / "one.safetensors", VERTICES, scale=0.001)
    assert made() == 1


# ---- what cannot be -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"head": "builtin", "flame": None, "flame_shape": None}, "moves FLAME's mesh, the head is builtin; give --head flame"),
        ({"driver": "seven.safetensors"}, f"moves 7 vertices, FLAME has {VERTICES}"),
        ({"driver": "biwi.safetensors"}, "moves the 7 vertices of BIWI's mesh, which no head here has"),
        ({"subject": "me"}, "knows no subject 'me', allowed: FaceTalk_170728_03272_TA"),
        ({"driver": "selftalk.safetensors", "subject": "0"}, "knows no subject '0', it has one style"),
        ({"driver": "none.safetensors"}, "no such file"), ({"driver": "cut.safetensors"}, "damaged"),
        ({"jaw": 0.5}, "leave --jaw and --lip out"),
        ({"driver": "nan.safetensors"}, "not finite"), ({"driver": "page.safetensors"}, "damaged"),
    ],
)  # fmt: skip
def test_what_cannot_drive_is_named(desk: Path, changes: dict[str, Any], told: str) -> None:
    _write_broken(desk)
    with pytest.raises(InputError, match=told):
        Studio(_options(**changes)).check()


def _write_broken(desk: Path) -> None:
    from safetensors.torch import load_file, save_file

    if (desk / "page.safetensors").exists():
        return
    made = {
        "seven": plain.make_faceformer(), "biwi": plain.make_faceformer(biwi=True), "selftalk": plain.make_selftalk(VERTICES),
    }  # fmt: skip
    for name, published in made.items():
        torch.save(published.weights, desk / f"{name}.pth")
        import_model(desk / f"{name}.pth", desk / f"{name}.safetensors")
    whole = desk / "net.safetensors"
    (desk / "cut.safetensors").write_bytes(whole.read_bytes()[:-99])
    weights = load_file(whole)
    weights["decoder.vertice_map_r.bias"][0] = float("nan")
    about = {"about": '{"format": "slp-mouthing mesh model 1", "kind": "FaceFormer"}'}
    save_file(weights, desk / "nan.safetensors", about)
    (desk / "page.safetensors").write_text("<!doctype html>")


@pytest.mark.parametrize("size", [0.3, float("nan")])
def test_motion_beyond_any_face_is_named(rendered: Result, size: float) -> None:
    class Wild:
        name, checksum, head, vertices, subjects, usual_subject = "Wild", "", "flame", VERTICES, (), ""

        def predict(self, samples: Any, rate_hz: int, subject: str | None = None, fps: float = 30.0) -> FaceMotion:
            return FaceMotion(fps, np.full((3, VERTICES, 3), size, np.float32), "flame")

    driver, score = MeshDriver(Wild(), rendered.head), rendered.score
    with pytest.raises(InputError, match=r"more than 0\.2 m, or says no numbers"):
        driver.move(score, lambda: Speech(np.zeros(99, np.float32), 16000, ()), 30.0, Style())


def test_a_checkpoint_as_published_is_to_be_brought_in_first() -> None:
    with pytest.raises(InputError, match=r"unknown driver 'vocaset.pth', .*; bring a published checkpoint in with `mouth model"):
        _options(driver="vocaset.pth")
    with pytest.raises(InputError, match="neural knows no subject 'me'"):
        StudioOptions(subject="me")
