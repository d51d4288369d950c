from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.avatar.default import AvatarOptions, default_avatar
from slp_mouthing.avatar.visibility import seen_somewhere

if TYPE_CHECKING:
    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.head.rig import Head


@pytest.fixture(scope="module")
def head() -> Head:
    from slp_mouthing.head.builtin import load_builtin

    return load_builtin()


@pytest.fixture(scope="module")
def avatar(head: Head) -> Avatar:
    return default_avatar(head)


def test_every_region_and_the_hair_are_there(avatar: Avatar, head: Head) -> None:
    found = {avatar.material_names[k] for k in np.unique(avatar.material)}
    present = {head.region_names[k] for k in np.unique(head.regions)}
    assert found == present | {"strand"}
    assert len(avatar) <= 40_000


def test_what_no_camera_sees_is_left_out(avatar: Avatar, head: Head) -> None:
    assert seen_somewhere(avatar, head).all()
    kept = np.unique(avatar.binding)
    inside = [head.region_names.index(name) for name in ("gum", "tooth", "sclera")]
    assert not np.isin(np.flatnonzero(np.isin(head.regions, inside)), kept).all(), "roots of teeth, backs of eyes"
    front = head.triangles[np.isin(head.triangles, head.landmarks["lips_outer"]).any(1)]
    assert np.isin(front, head.triangles[kept]).all(), "the lips are whole"


def test_gaussians_come_in_the_order_of_their_triangles(avatar: Avatar) -> None:
    assert (np.diff(avatar.binding) >= 0).all()


def test_the_same_seed_gives_the_same_avatar(avatar: Avatar, head: Head) -> None:
    again = default_avatar(head)
    for field in fields(avatar):
        np.testing.assert_array_equal(getattr(avatar, field.name), getattr(again, field.name))
    other = default_avatar(head, AvatarOptions(seed=1))
    assert not np.array_equal(avatar.color[: len(other)], other.color[: len(avatar)])


def test_gaussians_lie_on_the_head_and_are_small(avatar: Avatar, head: Head) -> None:
    means, quats, scales = avatar.to_world(head.neutral_m, head.triangles)
    low, high = head.neutral_m.min(0) - 0.003, head.neutral_m.max(0) + 0.003
    assert (means > low).all()
    assert (means < high).all()
    np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1, atol=1e-5)
    assert scales.max() < 0.016
    assert scales.min() > 0
    assert ((avatar.opacity > 0) & (avatar.opacity <= 1)).all()
    assert ((avatar.color >= 0) & (avatar.color <= 1)).all()


def test_discs_are_flat_on_their_triangle(avatar: Avatar, head: Head) -> None:
    skin = avatar.material == avatar.material_names.index("skin")
    _, _, scales = avatar.to_world(head.neutral_m, head.triangles)
    assert (scales[skin, 2] < 0.2 * scales[skin, 0]).all()


@pytest.mark.parametrize("density", [0.5, 2.0])
def test_density_sets_how_many(avatar: Avatar, head: Head, density: float) -> None:
    count = len(default_avatar(head, AvatarOptions(density=density)))
    assert (count > 1.5 * len(avatar)) if density > 1 else (count < len(avatar))


def test_without_strands_there_are_only_surfaces(head: Head) -> None:
    assert "strand" not in default_avatar(head, AvatarOptions(strands=False)).material_names
