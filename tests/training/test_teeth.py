"""Teeth that follow a mesh without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.avatar.flame_param import FlameIdentity  # noqa: E402
from slp_mouthing.head.flame import FlameHead, load_flame  # noqa: E402
from slp_mouthing.head.flame_files import JAW  # noqa: E402
from slp_mouthing.head.flame_teeth import TOOTH_COUNT  # noqa: E402
from slp_mouthing.head.skinning import rotation_matrices  # noqa: E402
from slp_mouthing.training.teeth import Teeth, head_on, tooth_shift  # noqa: E402
from tests.training.small_captured import write_flame  # noqa: E402

if TYPE_CHECKING:
    from slp_mouthing.types import Array

ANGLES = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.5, -0.1, 0.05], [-0.1, 0.1, 0.0]], np.float32)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> FlameHead:
    return load_flame(write_flame(tmp_path_factory.mktemp("flame")), shape=np.full(20, 0.3, np.float32))


def turned(head: FlameHead) -> Array:
    """All of the mesh about the jaw's joint, without teeth. -> [T, V, 3]"""
    joint = head.rig.joints[JAW]
    return (head.neutral_m[:-TOOTH_COUNT] - joint) @ rotation_matrices(ANGLES).swapaxes(1, 2) + joint


def test_a_jaw_that_turns_is_found_and_its_teeth_with_it(head: FlameHead) -> None:
    teeth, given = Teeth(head), torch.from_numpy(turned(head))
    np.testing.assert_allclose(teeth.jaw_rotation(given), rotation_matrices(ANGLES), atol=1e-5)
    added = teeth.added(given)
    assert torch.equal(added[:, :-TOOTH_COUNT], given)
    posed = head.pose_flame(np.zeros((len(ANGLES), 0), np.float32), ANGLES)
    np.testing.assert_allclose(added[:, -TOOTH_COUNT:], posed[:, -TOOTH_COUNT:], atol=1e-5)


def test_on_a_speaking_face_they_are_near_flames_own(head: FlameHead) -> None:
    rng = np.random.default_rng(0)
    posed = head.pose_flame(rng.normal(0, 0.5, (4, 5)).astype(np.float32), ANGLES)
    added = Teeth(head).added(torch.from_numpy(posed[:, :-TOOTH_COUNT])).numpy()
    apart, moved = (np.linalg.norm((posed - other)[:, -TOOTH_COUNT:], axis=-1).max() for other in (added, head.neutral_m))
    assert apart < 0.1 * moved


def test_the_lower_teeth_lead_gradients_to_the_jaw(head: FlameHead) -> None:
    teeth, given = Teeth(head), torch.from_numpy(turned(head))
    vertices = given.clone().requires_grad_()
    weights = torch.randn(TOOTH_COUNT, 3, generator=torch.Generator().manual_seed(0))
    (teeth.added(vertices)[:, -TOOTH_COUNT:] * weights).sum().backward()
    way = torch.randn(vertices.shape, generator=torch.Generator().manual_seed(1))
    ahead, back = (teeth.jaw_rotation(given + side * way) for side in (1e-3, -1e-3))
    lower = (teeth.added(given + 1e-3 * way) - teeth.added(given - 1e-3 * way))[:, -TOOTH_COUNT:]
    assert not torch.equal(ahead, back)
    assert (vertices.grad * way).sum().item() == pytest.approx(((lower * weights).sum() / 2e-3).item(), rel=1e-2)


def test_a_persons_own_teeth_stand_where_the_avatar_has_them(head: FlameHead) -> None:
    files, bare = head.files, len(head.files.model.template)
    offset = np.random.default_rng(2).normal(0, 1e-3, (bare + TOOTH_COUNT, 3)).astype(np.float32)
    person = FlameIdentity(np.full(20, 0.3, np.float32), offset)
    own = load_flame(files.path.parent, shape=person.shape, static_offset=offset)
    usual = head_on(files, own.neutral_m[:bare])
    np.testing.assert_allclose(usual.neutral_m[:bare], own.neutral_m[:bare], atol=1e-6)
    np.testing.assert_allclose(usual.rig.joints, own.rig.joints, atol=1e-6)
    np.testing.assert_allclose(usual.neutral_m[bare:] + tooth_shift(files, person), own.neutral_m[bare:], atol=1e-6)
    assert not tooth_shift(files, FlameIdentity(person.shape)).any()
