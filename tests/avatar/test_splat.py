"""Files of baked frames for viewers."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from slp_mouthing.avatar.splat import splat_bytes, write_sequence
from slp_mouthing.avatar.splats import SH_C0
from slp_mouthing.errors import MissingExtra, OutputError

from .conftest import make_avatar


def test_splat_records():
    splats = make_avatar().local
    content = splat_bytes(splats)
    assert len(content) == 32 * len(splats)
    importance = np.exp(splats.log_scale.astype(float).sum(1)) * splats.opacity
    for row, i in enumerate(np.argsort(-importance)):
        values = struct.unpack_from("<6f8B", content, 32 * row)
        np.testing.assert_array_equal(np.float32(values[:3]), splats.position[i])
        np.testing.assert_allclose(values[3:6], np.exp(splats.log_scale[i]), rtol=1e-6)
        color = np.clip(0.5 + SH_C0 * splats.sh[i, 0], 0, 1)
        np.testing.assert_allclose(np.array(values[6:10]) / 255, [*color, splats.opacity[i]], atol=0.5 / 255 + 1e-6)
        rotation = splats.rotation_wxyz[i] / np.linalg.norm(splats.rotation_wxyz[i])
        np.testing.assert_allclose((np.array(values[10:]) - 128) / 128, rotation, atol=1.001 / 128)


@pytest.mark.parametrize("suffix", ["ply", "splat"])
def test_a_sequence_replaces_the_earlier_one(tmp_path, suffix):
    splats, path = make_avatar(degree=0).local, tmp_path / f"why.{suffix}"
    moved = [replace(splats, position=splats.position + step) for step in range(3)]
    assert write_sequence(moved, path) == 3
    assert write_sequence(iter(moved[:2]), path) == 2
    names = sorted(p.name for p in path.iterdir())
    assert names == [f"why_000001.{suffix}", f"why_000002.{suffix}"]
    first, second = (path.joinpath(name).read_bytes() for name in names)
    assert first != second and len(first) == len(second)


def test_a_users_folder_is_left_alone(tmp_path):
    path = tmp_path / "why.ply"
    path.mkdir()
    (path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="other files"):
        write_sequence([make_avatar().local], path)
    assert (path / "notes.txt").read_text() == "mine"


def test_unknown_suffix(tmp_path):
    with pytest.raises(OutputError, match="allowed: ply, splat, spz"):
        write_sequence([], tmp_path / "why.ksplat")


def test_spz_says_what_to_install_or_keeps_the_gaussians(tmp_path):
    splats, path = make_avatar(degree=2).local, tmp_path / "why.spz"
    try:
        import gsply
    except ImportError:
        with pytest.raises(MissingExtra, match=r"slp-mouthing\[spz\]"):
            write_sequence([splats], path)
        assert not path.exists()
        return
    write_sequence([splats], path)
    back = gsply.read_spz(path / "why_000001.spz")
    np.testing.assert_allclose(back.means, splats.position, atol=2**-16)
    np.testing.assert_allclose(back.scales, splats.log_scale, atol=1 / 32 + 1e-5)
    np.testing.assert_allclose(back.opacities, splats.opacity_logit, atol=0.2)
    np.testing.assert_allclose(back.shN, np.clip(splats.sh[:, 1:], -1, 1), atol=1 / 128)
    unit = splats.rotation_wxyz / np.linalg.norm(splats.rotation_wxyz, axis=1, keepdims=True)
    np.testing.assert_allclose(np.abs((back.quats * unit).sum(1)), 1, atol=1e-4)
