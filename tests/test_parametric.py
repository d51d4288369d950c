"""A take in the parameters of SMPL-X and FLAME, read back by our own readers of those files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing import formats
from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.body import read_body
from slp_mouthing.cast import CastOptions
from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.flame import load_flame
from slp_mouthing.head.transfer import Transfer
from slp_mouthing.pipeline import export_track
from slp_mouthing.types import ARKIT_NAMES, FaceTrack, Take
from tests.head.flame_files import SMALL, write_folder

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = formats.PictureOptions()


def take_of(frames: int = 20, fps: float = 30.0, **changes: object) -> Take:
    """Jaw and lips that open and close on the built-in head."""
    head, time_s = load_builtin(), np.arange(frames) / fps
    blendshapes = np.zeros((frames, 52), np.float32)
    blendshapes[:, ARKIT_NAMES.index("jawOpen")] = 0.3 + 0.3 * np.sin(8 * time_s)
    blendshapes[frames // 2 :, ARKIT_NAMES.index("mouthClose")] = blendshapes[frames // 2 :, ARKIT_NAMES.index("jawOpen")]
    blendshapes[:, ARKIT_NAMES.index("mouthPucker")] = 0.5
    tongue = np.zeros((frames, 6), np.float32)
    opening_m, width_m = head.lips(blendshapes, tongue)
    track = FaceTrack(
        fps=fps, head="builtin", jaw_pose=head.jaw_pose(blendshapes), blendshapes=blendshapes,
        eyes_pose=np.full((frames, 6), 0.05, np.float32), tongue=tongue, lip_opening_m=opening_m, lip_width_m=width_m,
    )  # fmt: skip
    return Take(replace(track, **changes), head, "take")


def flame_take(frames: int = 20, release: str = "flame2020") -> Take:
    """The same as a track of FLAME; what is written comes from the track alone."""
    rng = np.random.default_rng(4)
    take = take_of(frames, head=release, expressions=rng.normal(0, 0.5, (frames, 100)).astype(np.float32))
    return replace(take, head=_Renamed(take.head, release))


class _Renamed:
    """A head under another name."""

    def __init__(self, head, name):
        self._head, self.name = head, name

    def __getattr__(self, attribute):
        return getattr(self._head, attribute)


def test_smplx_file_has_the_keys_and_sizes_of_beat2(tmp_path: Path) -> None:
    formats.save(flame_take(), tmp_path / "a.smplx.npz", PLAIN)
    with np.load(tmp_path / "a.smplx.npz", allow_pickle=False) as stored:
        sizes = {name: stored[name].shape for name in stored.files}
        assert sizes == {
            "poses": (20, 165), "expressions": (20, 100), "trans": (20, 3), "betas": (300,), "model": (), "gender": (),
            "mocap_frame_rate": (),
        }  # fmt: skip
        assert (str(stored["model"]), str(stored["gender"]), int(stored["mocap_frame_rate"])) == ("smplx2020", "neutral", 30)


def test_smplx_holds_the_face_frame_for_frame_on_a_still_body(tmp_path: Path) -> None:
    take = flame_take()
    assert formats.save(take, tmp_path / "a.smplx.npz", PLAIN) == ()
    body = read_body(tmp_path / "a.smplx.npz")
    assert (body.format, body.fps, len(body)) == ("beat2", 30.0, 20)
    np.testing.assert_allclose(body.jaw_pose, take.track.jaw_pose, atol=1e-6)
    np.testing.assert_allclose(body.expressions, take.track.expressions, atol=1e-6)
    np.testing.assert_allclose(body.eyes_pose, take.track.eyes_pose, atol=1e-6)
    assert not any(np.any(part) for part in (body.root_orient, body.body_pose, body.left_hand_pose, body.translation_m))


@pytest.mark.parametrize(("fps", "kind"), [(25.0, "i"), (29.97, "f")])
def test_smplx_frame_rate_is_the_tracks(tmp_path: Path, fps: float, kind: str) -> None:
    formats.save(take_of(fps=fps), tmp_path / "a.smplx.npz", PLAIN)
    with np.load(tmp_path / "a.smplx.npz", allow_pickle=False) as stored:
        assert stored["mocap_frame_rate"].dtype.kind == kind
    assert read_body(tmp_path / "a.smplx.npz").fps == fps


def test_smplx_of_a_head_without_expressions_closes_its_jaw_and_says_what_is_lost(tmp_path: Path) -> None:
    take = take_of()
    told = formats.save(take, tmp_path / "a.smplx.npz", PLAIN)
    body = read_body(tmp_path / "a.smplx.npz")
    assert not np.any(body.expressions)
    np.testing.assert_allclose(body.jaw_pose[:10], take.track.jaw_pose[:10], atol=1e-6)
    assert np.abs(body.jaw_pose[10:]).max() < 1e-6, "closed by mouthClose, so closed by the jaw"
    assert all(line.startswith("a.smplx.npz: ") for line in told)
    assert any("--head flame" in line for line in told) and any(" mm on average" in line for line in told)


def test_smplx_of_another_flame_says_so(tmp_path: Path) -> None:
    told = formats.save(flame_take(release="flame2023"), tmp_path / "a.smplx.npz", PLAIN)
    assert any("flame2023" in line for line in told)


def test_flame_param_of_a_flame_track(tmp_path: Path) -> None:
    take = flame_take()
    assert formats.save(take, tmp_path / "a.flame.npz", PLAIN) == ()
    param = FlameParam.load(tmp_path / "a.flame.npz")
    np.testing.assert_array_equal(param.expr, take.track.expressions)
    np.testing.assert_array_equal(param.jaw_pose, take.track.jaw_pose)
    np.testing.assert_array_equal(param.eyes_pose, take.track.eyes_pose)
    assert param.shape.shape == (300,) and not param.shape.any() and not param.rotation.any()


def test_flame_param_is_of_the_avatars_person(tmp_path: Path) -> None:
    from slp_mouthing.avatar.flame_param import FlameIdentity

    formats.parametric.write_flame(flame_take(), tmp_path / "a.flame.npz", FlameIdentity(np.full(300, 0.25, np.float32)))
    np.testing.assert_array_equal(FlameParam.load(tmp_path / "a.flame.npz").shape, np.float32(0.25))


def test_flame_param_of_the_built_in_head_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no FLAME expressions; render with --head flame"):
        formats.save(take_of(), tmp_path / "a.flame.npz", formats.PictureOptions(cast=CastOptions()))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("frames", [1, 2])
def test_shortest_clips(tmp_path: Path, frames: int) -> None:
    formats.save(take_of(frames), tmp_path / "a.smplx.npz", PLAIN)
    assert len(read_body(tmp_path / "a.smplx.npz")) == frames


@pytest.mark.parametrize("suffix", ["smplx.npz", "flame.npz"])
def test_same_take_same_bytes_and_whole_or_nothing(tmp_path: Path, suffix: str) -> None:
    take = flame_take()
    for name in ("a", "b"):
        formats.save(take, tmp_path / f"{name}.{suffix}", PLAIN)
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    (tmp_path / f"c.{suffix}").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        formats.save(take, tmp_path / f"c.{suffix}", PLAIN)


def test_names_of_the_formats() -> None:
    assert formats.suffixes(["npz", "smplx", "flame", "oculus", "vrm", "rhubarb", "usd"]) == (
        "track.npz", "smplx.npz", "flame.npz", "oculus.csv", "vrm.json", "rhubarb.json", "usd",
    )  # fmt: skip


def test_a_track_of_the_built_in_head_is_exported_on_a_flame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_folder(tmp_path / "flame2020", SMALL, name="generic_model.pkl", masks=True)
    picture = formats.PictureOptions(cast=CastOptions("flame", tmp_path / "flame2020", SMALL.shapes))
    take = take_of(6)
    take.track.save(tmp_path / "a.track.npz")
    export_track(tmp_path / "a.track.npz", [tmp_path / "a.flame.npz", tmp_path / "a.smplx.npz"], picture)
    expected = Transfer(load_builtin(), load_flame(tmp_path / "flame2020", shape_count=SMALL.shapes))(take.track)
    np.testing.assert_allclose(FlameParam.load(tmp_path / "a.flame.npz").expr, expected.expressions, atol=1e-6)
    stored = read_body(tmp_path / "a.smplx.npz").expressions
    np.testing.assert_allclose(stored[:, : SMALL.expressions], expected.expressions, atol=1e-6)
