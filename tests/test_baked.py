"""Takes baked for viewers: what they would show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.avatar.default import AvatarOptions, default_avatar
from slp_mouthing.avatar.splats import lit_avatar
from slp_mouthing.baked import baked_frames, write_baked, write_baked_frame
from slp_mouthing.errors import OutputError
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.render import rasterize_numpy
from slp_mouthing.render.camera import portrait
from slp_mouthing.render.lit import LitHead
from slp_mouthing.render.scene import Renderer
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES, FaceTrack, Take

if TYPE_CHECKING:
    from pathlib import Path

HALF_TURN = np.diag([1.0, -1, -1, 1]).astype(np.float32)


@pytest.fixture(scope="module")
def take() -> Take:
    head = load_builtin()
    blendshapes = np.zeros((2, len(ARKIT_NAMES)), np.float32)
    blendshapes[1, ARKIT_NAMES.index("jawOpen")] = 0.6
    zero, tongue = np.zeros((2, 6), np.float32), np.zeros((2, len(TONGUE_NAMES)), np.float32)
    return Take(FaceTrack(30.0, head.name, zero[:, :3], blendshapes, zero, tongue, zero[:, 0], zero[:, 0]), head, "why")


@pytest.fixture(scope="module")
def avatar(take: Take) -> Any:
    return default_avatar(take.head, AvatarOptions(density=0.6))


def test_a_viewer_sees_what_the_renderer_shows(take: Take, avatar: Any) -> None:
    camera = portrait(take.head, 96, 96)
    renderer = Renderer(LitHead(take.head), avatar, camera, threads=1)
    backdrop = np.linspace((0.800, 0.822, 0.848), (0.640, 0.662, 0.690), 96)[:, None]
    for splats, shown in zip(baked_frames(take.head, avatar, take.track), renderer.frames(take.track), strict=True):
        image, alpha = rasterize_numpy(
            splats.position, splats.rotation_wxyz, np.exp(splats.log_scale), splats.opacity, None,
            camera.world_to_camera @ HALF_TURN, camera.intrinsics, 96, 96, sh=splats.sh,
        )  # fmt: skip
        seen = 255 * (image + (1 - alpha)[..., None] * backdrop)
        # Both sides of the skin are there: inside the mouth a little more is seen than the renderer shows.
        assert np.abs(seen - shown).mean() < 6


@pytest.mark.parametrize("suffix", ["ply", "splat"])
def test_a_sequence_has_a_file_for_each_frame(take: Take, avatar: Any, suffix: str, tmp_path: Path) -> None:
    write_baked(take, tmp_path / f"why.{suffix}", gaussians=avatar)
    names = [f"why_{number:06d}.{suffix}" for number in (1, 2)]
    assert sorted(p.name for p in (tmp_path / f"why.{suffix}").iterdir()) == names
    write_baked_frame(take, tmp_path / f"open.{suffix}", gaussians=avatar, frame=1)
    assert (tmp_path / f"open.{suffix}").read_bytes() == (tmp_path / f"why.{suffix}" / names[1]).read_bytes()


def test_captured_avatars_keep_their_own_light(take: Take, avatar: Any) -> None:
    captured = lit_avatar(avatar, avatar.color)
    frames = list(baked_frames(take.head, captured, take.track))
    assert len(frames) == 2
    np.testing.assert_array_equal(np.abs(frames[0].sh), np.abs(captured.sh))


@pytest.mark.parametrize(
    "name, frame, match", [("a.xyz", 0, "unknown format"), ("a.ply", 2, "no frame 2"), ("a.ply", -1, "no frame")]
)
def test_wrong_requests_leave_no_file(take: Take, avatar: Any, name: str, frame: int, match: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=match):
        write_baked_frame(take, tmp_path / name, gaussians=avatar, frame=frame)
    assert not list(tmp_path.iterdir())
