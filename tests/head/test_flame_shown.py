"""A FLAME head before the renderer: its materials, its teeth and its mouth are seen, as mesh and as Gaussians."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.flame import load_flame
from slp_mouthing.head.flame_controls import ControlledFlame
from slp_mouthing.head.transfer import Transfer
from slp_mouthing.render.scene import make_renderer
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES
from tests.head.flame_like import SHAPES, write_flame_like

if TYPE_CHECKING:
    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.render.scene import SceneRenderer
    from slp_mouthing.types import Array

TOOTH_TRIANGLES = 168
SIZE = 128


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> ControlledFlame:
    folder = tmp_path_factory.mktemp("flame")
    write_flame_like(folder, expressions=12, samples=24)
    flame = load_flame(folder, shape_count=SHAPES)
    return ControlledFlame(Transfer(load_builtin(), flame, cache=folder), load_builtin(), flame)


@pytest.fixture(scope="module")
def avatar(head: ControlledFlame) -> Avatar:
    return default_avatar(head)


@pytest.fixture(scope="module", params=["mesh", "splat"])
def renderer(request: pytest.FixtureRequest, head: ControlledFlame, avatar: Avatar) -> SceneRenderer:
    return make_renderer(head, avatar if request.param == "splat" else None, size=SIZE, view="mouth", style=request.param)


@pytest.fixture(scope="module")
def opening(head: ControlledFlame) -> Array:
    """At rest, then with an open jaw. [2, V, 3]"""
    blendshapes = np.zeros((2, len(ARKIT_NAMES)), np.float32)
    blendshapes[1, ARKIT_NAMES.index("jawOpen")] = 0.6
    return head.pose(blendshapes, np.zeros((2, len(TONGUE_NAMES)), np.float32))


def test_the_avatar_has_the_heads_materials_on_their_own_triangles(head: ControlledFlame, avatar: Avatar) -> None:
    assert {"skin", "lip", "tooth", "sclera", "iris"} <= set(avatar.material_names)
    on_teeth = avatar.material == avatar.material_names.index("tooth")
    np.testing.assert_array_equal(on_teeth, avatar.binding >= len(head.triangles) - TOOTH_TRIANGLES)
    for array in avatar.to_world(head.neutral_m, head.triangles):
        assert np.isfinite(array).all()


def test_lips_are_redder_than_the_skin_about_them(renderer: SceneRenderer, opening: Array) -> None:
    frame = renderer.frame(opening[0]).astype(float)
    redness = frame[..., 0] - frame[..., 1]
    lips = redness[SIZE // 2 - 8 : SIZE // 2 + 8, SIZE // 2 - 8 : SIZE // 2 + 8]
    chin = redness[-16:-4, SIZE // 2 - 8 : SIZE // 2 + 8]
    assert lips.max() > chin.mean() + 8


def test_an_open_mouth_is_dark_with_teeth_in_it(renderer: SceneRenderer, opening: Array, head: ControlledFlame) -> None:
    rest, opened = (renderer.frame(vertices).astype(float) for vertices in opening)
    inside = np.abs(opened - rest).max(axis=2) > 40
    assert 0.02 < inside.mean() < 0.4
    assert opened[inside].mean() < rest[inside].mean()
    pale = opened.min(axis=2) > opened.max(axis=2) - 25
    assert (pale & inside).sum() > 30


def test_each_identity_is_a_head_of_its_own(head: ControlledFlame) -> None:
    other = load_flame(head.flame.files.path, shape=np.float32([1]), shape_count=SHAPES)
    assert len({head.flame: 1, other: 2}) == 2 and head.flame != other


def test_a_still_of_a_solved_track_is_not_solved_again(head: ControlledFlame, monkeypatch: pytest.MonkeyPatch) -> None:
    blendshapes = np.random.default_rng(3).uniform(0, 0.6, (9, len(ARKIT_NAMES))).astype(np.float32)
    tongue = np.zeros((9, len(TONGUE_NAMES)), np.float32)
    alone = ControlledFlame(head.transfer, load_builtin(), head.flame).pose(blendshapes[4:5], tongue[4:5])
    posed = head.pose(blendshapes, tongue)
    solve, solved = head.transfer.values, []
    monkeypatch.setattr(head._solved, "_solve", lambda frames: solved.append(len(frames)) or solve(frames))
    again, jaw = head.pose(blendshapes[4:5], tongue[4:5]), head.jaw_pose(blendshapes)
    assert not solved and len(jaw) == 9
    np.testing.assert_allclose(again[0], posed[4], atol=1e-7)
    np.testing.assert_allclose(alone[0], posed[4], atol=1e-7)
    mixed = np.concatenate([blendshapes[:2], 0.5 * blendshapes[:1], 0.5 * blendshapes[:1]])
    assert head.pose(mixed, tongue[:4]).shape[0] == 4 and solved == [1]
    assert head.pose(blendshapes[:0], tongue[:0]).shape == (0, *head.neutral_m.shape)
