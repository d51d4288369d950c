"""Vertices to parameters: what a head made comes back, within bounds, smooth where the input is noisy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.errors import HeadError
from slp_mouthing.head.builtin import BuiltinHead, load_builtin
from slp_mouthing.head.flame import FlameHead, load_flame
from slp_mouthing.head.solve import ControlSolver, FlameSolver, SolveOptions
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES
from tests.head.flame_files import SMALL, write_folder

if TYPE_CHECKING:
    from slp_mouthing.types import Array

FPS = 30


@pytest.fixture(scope="module")
def builtin() -> BuiltinHead:
    return load_builtin()


@pytest.fixture(scope="module")
def control_solver(builtin: BuiltinHead) -> ControlSolver:
    return ControlSolver(builtin)


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> FlameHead:
    folder = tmp_path_factory.mktemp("flame")
    write_folder(folder)
    return load_flame(folder, shape_count=SMALL.shapes)


@pytest.fixture(scope="module")
def flame_solver(flame: FlameHead) -> FlameSolver:
    return FlameSolver(flame)


def control_curves(frames: int, seed: int, active: int = 10) -> tuple[Array, Array]:
    """A jaw that opens and closes, and some other controls at once, smooth over time. -> [T, 52], [T, K]"""
    rng, time_s = np.random.default_rng(seed), np.arange(frames) / FPS
    values = np.zeros((frames, len(CONTROL_NAMES)), np.float32)
    for column in rng.choice(values.shape[1], active, replace=False):
        rate_hz, phase, size = rng.uniform(0.3, 2.5), rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 1)
        values[:, column] = size * np.clip(0.5 + 0.6 * np.sin(2 * np.pi * rate_hz * time_s + phase), 0, 1)
    values[:, CONTROL_NAMES.index("jawOpen")] = 0.6 * np.clip(np.sin(2 * np.pi * 1.3 * time_s), 0, 1)
    return values[:, : len(ARKIT_NAMES)], values[:, len(ARKIT_NAMES) :]


def flame_curves(head: FlameHead, frames: int, seed: int = 0) -> dict[str, Array]:
    rng, time_s = np.random.default_rng(seed), np.arange(frames)[:, None] / FPS

    def curves(count: int, size: float) -> np.ndarray:
        waves = np.sin(2 * np.pi * rng.uniform(0.3, 2.5, count) * time_s + rng.uniform(0, 2 * np.pi, count))
        return (size * waves).astype(np.float32)

    jaw = np.concatenate([0.22 + curves(1, 0.22), curves(2, 0.05)], axis=1)
    return {"expressions": curves(head.expression_count, 1.2), "jaw_pose": jaw, "eyes_pose": curves(6, 0.25)}


def rms(values: Array) -> float:
    return float(np.sqrt(np.square(values).mean()))


# ---- the built-in head ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(4))
def test_built_in_motion_comes_back(builtin: BuiltinHead, control_solver: ControlSolver, seed: int) -> None:
    blendshapes, tongue = control_curves(90, seed)
    vertices = builtin.pose(blendshapes, tongue)
    found = control_solver(vertices)
    assert rms(found.residual.lips_mm) < 0.1
    assert rms(found.residual.all_mm) < 0.1
    again = builtin.pose(found.blendshapes, found.tongue)
    distance_mm = 1e3 * np.sqrt(np.square(vertices - again).sum(axis=-1).mean(axis=1))
    np.testing.assert_allclose(found.residual.all_mm, distance_mm, rtol=1e-3, atol=1e-5)
    for values in (found.blendshapes, found.tongue):
        assert values.min() >= 0 and values.max() <= 1
    jaw_open = ARKIT_NAMES.index("jawOpen")
    np.testing.assert_allclose(found.blendshapes[:, jaw_open], blendshapes[:, jaw_open], atol=0.02)
    np.testing.assert_array_equal(found.jaw_pose, builtin.jaw_pose(found.blendshapes))


@pytest.mark.parametrize("name", ["jawOpen", "mouthPucker", "mouthSmileLeft", "eyeBlinkRight", "eyeLookInLeft", "tongueOut"])
def test_a_single_control_is_recognised(builtin: BuiltinHead, control_solver: ControlSolver, name: str) -> None:
    values = np.zeros((1, len(CONTROL_NAMES)), np.float32)
    values[0, CONTROL_NAMES.index(name)] = 0.7
    if name == "tongueOut":
        values[0, CONTROL_NAMES.index("jawOpen")] = 0.4
    wanted = values[:, : len(ARKIT_NAMES)], values[:, len(ARKIT_NAMES) :]
    found = control_solver(builtin.pose(*wanted))
    np.testing.assert_allclose(np.concatenate([found.blendshapes, found.tongue], axis=1), values, atol=0.05)


def test_rest_is_rest(builtin: BuiltinHead, control_solver: ControlSolver) -> None:
    found = control_solver(builtin.neutral_m[None])
    assert np.abs(found.blendshapes).max() < 1e-3
    assert found.residual.all_mm[0] < 1e-3


def test_opposites_are_not_used_at_once(builtin: BuiltinHead, control_solver: ControlSolver) -> None:
    blendshapes, tongue = control_curves(60, seed=5, active=20)
    found = control_solver(builtin.pose(blendshapes, tongue)).blendshapes
    left, right = (found[:, ARKIT_NAMES.index(name)] for name in ("jawLeft", "jawRight"))
    assert np.minimum(left, right).max() == 0


def test_smoothing_calms_noisy_vertices(builtin: BuiltinHead) -> None:
    blendshapes, tongue = control_curves(60, seed=3)
    noise = np.random.default_rng(0).normal(0, 5e-4, (60, *builtin.neutral_m.shape)).astype(np.float32)
    vertices = builtin.pose(blendshapes, tongue) + noise

    def jitter(change: float) -> float:
        found = ControlSolver(builtin, SolveOptions(noise_mm=1, change=change))(vertices).blendshapes
        return float(np.abs(np.diff(found, 2, axis=0)).mean())

    assert jitter(0.05) < 0.7 * jitter(5.0)


@pytest.mark.parametrize("jaw_open", [0.0, 0.15])
def test_pressed_lips_come_back_closed(builtin: BuiltinHead, control_solver: ControlSolver, jaw_open: float) -> None:
    shut = {"mouthPressLeft": 0.3, "mouthPressRight": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.2, "mouthClose": 0.1}
    blendshapes, tongue = control_curves(12, seed=0, active=0)
    blendshapes[:] = 0
    for name, weight in (shut | {"jawOpen": jaw_open}).items():
        blendshapes[:, ARKIT_NAMES.index(name)] = np.linspace(0, weight, len(blendshapes))
    found = control_solver(builtin.pose(blendshapes, tongue))
    gap_m, width_m = builtin.lips(found.blendshapes, found.tongue)
    wanted_gap_m, wanted_width_m = builtin.lips(blendshapes, tongue)
    np.testing.assert_allclose(gap_m, wanted_gap_m, atol=4e-4)
    np.testing.assert_allclose(width_m, wanted_width_m, atol=2e-4)
    assert found.residual.lips_mm.max() < 0.15


def test_vertices_that_no_controls_give_are_refined_and_keep_the_best(builtin: BuiltinHead) -> None:
    vertices = builtin.pose(*control_curves(6, seed=2))
    vertices[:, builtin.landmarks["lips_outer"], 2] += 0.002
    plain, refined = (ControlSolver(builtin, SolveOptions(refinements=rounds))(vertices) for rounds in (0, 2))
    assert rms(refined.residual.lips_mm) < rms(plain.residual.lips_mm) + 1e-3
    assert refined.blendshapes.min() >= 0 and refined.blendshapes.max() <= 1


# ---- FLAME ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("teeth", [True, False])
def test_flame_motion_comes_back(flame: FlameHead, flame_solver: FlameSolver, teeth: bool) -> None:
    wanted = flame_curves(flame, 90)
    vertices = flame.pose_flame(**wanted)
    found = flame_solver(vertices if teeth else vertices[:, : len(flame.files.model.template)])
    assert rms(found.residual.lips_mm) < 0.1
    assert rms(found.residual.all_mm) < 0.1
    np.testing.assert_allclose(found.jaw_pose, wanted["jaw_pose"], atol=0.01)
    np.testing.assert_allclose(found.eyes_pose, wanted["eyes_pose"], atol=0.02)
    # The last directions move the mesh by hundredths of a millimetre.
    assert np.abs(found.expressions - wanted["expressions"]).mean() < 0.02


def test_flame_mesh_that_no_parameter_gives_keeps_its_residual(flame: FlameHead, flame_solver: FlameSolver) -> None:
    vertices = np.repeat(flame.neutral_m[None], 3, axis=0)
    vertices[1, flame.landmarks["lips_outer"][0]] += 0.01
    found = flame_solver(vertices)
    assert found.residual.lips_mm[1] > 1
    assert np.abs(found.expressions).max() < 0.5


# ---- both -----------------------------------------------------------------------------------------------------------------
def test_results_do_not_depend_on_threads(builtin: BuiltinHead, control_solver: ControlSolver) -> None:
    vertices = builtin.pose(*control_curves(150, seed=1))
    one = ControlSolver(builtin, SolveOptions(threads=1))(vertices)
    two = ControlSolver(builtin, SolveOptions(threads=2))(vertices)
    np.testing.assert_array_equal(one.blendshapes, two.blendshapes)


def test_no_frames(builtin: BuiltinHead, control_solver: ControlSolver) -> None:
    found = control_solver(np.zeros((0, *builtin.neutral_m.shape), np.float32))
    assert found.blendshapes.shape == (0, len(ARKIT_NAMES))
    assert found.residual.all_mm.shape == (0,)


def spoiled(vertices: np.ndarray, value: float) -> np.ndarray:
    vertices = np.array(vertices)
    vertices[1, 5, 2] = value
    return vertices


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v[:, :-1], "vertices are 3 x"),
        (lambda v: v[0], "vertices are"),
        (lambda v: v[..., :2], "x 2, expected"),
        (lambda v: spoiled(v, np.nan), "frame 1: vertices hold values that are not finite"),
        (lambda v: spoiled(v, np.inf), "frame 1"),
    ],
)
def test_meshes_that_do_not_fit(
    builtin: BuiltinHead, control_solver: ControlSolver, flame: FlameHead, flame_solver: FlameSolver, change: Any, message: str
) -> None:
    for solver, neutral in ((control_solver, builtin.neutral_m), (flame_solver, flame.neutral_m)):
        with pytest.raises(HeadError, match=message):
            solver(change(np.repeat(neutral[None], 3, axis=0)))
