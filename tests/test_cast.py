"""Who is seen: heads and avatars that belong together, and those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.avatar.folder import import_avatar
from slp_mouthing.avatar.ply import write_avatar
from slp_mouthing.avatar.splats import lit_avatar
from slp_mouthing.cast import CastOptions, find_gaussians, find_head
from slp_mouthing.errors import HeadError
from tests.head.flame_files import SMALL, write_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flame2023")
    write_folder(folder, SMALL, name="flame2023.pkl")
    return folder


def test_flame_of_another_size_needs_its_shape_count(flame: Path) -> None:
    head = find_head(CastOptions("flame", flame, flame_shape=SMALL.shapes))
    assert head.name == "flame2023" and np.isfinite(head.neutral_m).all()
    with pytest.raises(HeadError, match="--flame-shape"):
        find_head(CastOptions("flame", flame))


def test_an_avatar_of_another_release_is_refused(flame: Path, tmp_path: Path) -> None:
    options = CastOptions("flame", flame, SMALL.shapes)
    head = find_head(options)
    gaussians = default_avatar(head)
    write_avatar(lit_avatar(gaussians, gaussians.color, sh_degree=0), tmp_path / "a.ply")
    for release in ("flame2023", "flame2020"):
        import_avatar(tmp_path / "a.ply", tmp_path / release, head=release, triangles=(len(head.triangles),))
    assert len(find_gaussians(replace(options, avatar=str(tmp_path / "flame2023")), head)) == len(gaussians)
    with pytest.raises(HeadError, match="--head flame --flame DIR"):
        find_gaussians(replace(options, avatar=str(tmp_path / "flame2020")), head)


def test_a_person_of_the_built_in_head_has_no_other_head(flame: Path) -> None:
    with pytest.raises(HeadError, match="leave --avatar out"):
        find_head(CastOptions("flame", flame, SMALL.shapes, avatar="willow"))
