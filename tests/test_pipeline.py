"""The Python interface: one call, a studio for many, from many threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

import slp_mouthing as mouth
from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.avatar.folder import import_avatar
from slp_mouthing.avatar.ply import write_avatar
from slp_mouthing.avatar.splats import lit_avatar
from slp_mouthing.cast import CastOptions
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.formats import PictureOptions, renderer
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.gltf_file import read_glb
from slp_mouthing.head.identities import IDENTITIES
from slp_mouthing.pipeline import Studio, export_track
from slp_mouthing.types import Sign, Utterance

if TYPE_CHECKING:
    from pathlib import Path

LINE = "WHY@0.5 PT:PRO2SG@0.2 LATE@0.6"


def test_render_gives_track_plan_and_motion() -> None:
    result = mouth.render(LINE)
    assert [action.text for action in result.plan.actions if action.phones] == ["why", "late"]
    frames = int(np.ceil((1.3 + 0.2) * 30 - 1e-6))
    assert len(result.track) == frames
    assert result.motion.vertex_offsets.shape == (frames, len(result.head.neutral_m), 3)
    assert np.abs(result.motion.vertex_offsets).max() > 0.003
    assert json.loads(result.track.meta)["input"] == "WHY@0-0.5 PT:PRO2SG@0.5-0.7 LATE@0.7-1.3"


def test_the_face_rests_before_between_and_after() -> None:
    """The plan says rest: no vertex moves by more than 0.05 mm from frame to frame."""
    result = mouth.render("WHY@0.5-1.0 LATE@2.5-3.0 WHY@4.5-5.0{}")
    moved_mm = np.linalg.norm(np.diff(result.vertices_m, axis=0), axis=2).max(axis=1) * 1000
    time_s = result.track.time_s[1:]
    for start_s, end_s in ((0.0, 0.45), (1.3, 2.45), (3.3, 5.2)):
        assert moved_mm[(time_s > start_s) & (time_s < end_s)].max() < 0.05
    assert np.allclose(result.track.blendshapes[-1], 0.0, atol=1e-6)


def test_sound_is_as_long_as_the_track() -> None:
    result = mouth.render(LINE)
    assert abs(result.sound.duration_s - len(result.track) / result.track.fps) < 1 / result.track.fps
    assert np.abs(result.sound.samples).max() > 0.05


def test_a_studio_serves_many_threads_alike() -> None:
    studio = mouth.Studio(head="builtin", voice="en-gb")
    lines = [LINE, "BECAUSE@0.8 BUS@0.5", "FAMILY@0.6", "%(Peter)@0.9"] * 3
    alone = [studio.render(line).track for line in lines]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda line: studio.render(line).track, lines))
    for a, b in zip(alone, together, strict=True):
        assert np.array_equal(a.blendshapes, b.blendshapes) and np.array_equal(a.lip_opening_m, b.lip_opening_m)


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 50.0, 60.0])
def test_any_frame_rate_covers_the_same_time(fps: float) -> None:
    track = mouth.render(LINE, fps=fps).track
    assert len(track) == int(np.ceil(1.5 * fps - 1e-6))
    assert track.lip_opening_m.max() > 0.004


def test_settings_out_of_range_are_refused() -> None:
    for settings in ({"head": "nobody"}, {"fps": 0.0}, {"fps": float("nan")}, {"intensity": -1.0}, {"driver": "magic"}):
        with pytest.raises(InputError):
            mouth.Studio(**settings)
    with pytest.raises(InputError, match="expected one"):
        mouth.render("WHY\nLATE")


@pytest.fixture(scope="module")
def own_head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The head of our own GLB, as if it were a user's."""
    path = tmp_path_factory.mktemp("head") / "mine.glb"
    mouth.render("WHY@0.5").save(path)
    return path


def test_a_glb_with_arkit_shapes_is_a_head(own_head: Path, tmp_path: Path) -> None:
    ours = mouth.render("BABY@0.8")
    theirs = mouth.render("BABY@0.8", head=str(own_head))
    assert theirs.track.head == "mine.glb"
    sealed = ours.track.lip_opening_m == 0
    assert (theirs.track.lip_opening_m[sealed] <= 0.3e-3).all()
    assert np.corrcoef(theirs.track.lip_opening_m, ours.track.lip_opening_m)[0, 1] > 0.98
    theirs.save(tmp_path / "a.track.npz")
    export_track(tmp_path / "a.track.npz", [tmp_path / "b.glb"], PictureOptions(cast=CastOptions(str(own_head))))
    assert len(read_glb(tmp_path / "b.glb").points) == len(theirs.head.neutral_m)
    with pytest.raises(HeadError, match="--head"):
        export_track(tmp_path / "a.track.npz", [tmp_path / "b.glb"], PictureOptions())


def test_an_avatar_folder_is_shown_and_checked_against_the_head(own_head: Path, tmp_path: Path) -> None:
    head = mouth.render("WHY@0.5").head
    gaussians = lit_avatar(default_avatar(head), np.full((len(default_avatar(head)), 3), 0.5, np.float32), sh_degree=0)
    write_avatar(gaussians, tmp_path / "grey.ply")
    import_avatar(tmp_path / "grey.ply", tmp_path / "grey", head="builtin", triangles=(len(head.triangles),))
    frame = renderer(head, PictureOptions(size=128, cast=CastOptions(avatar=str(tmp_path / "grey")))).frame(head.neutral_m)
    middle = frame[30:90, 50:78].reshape(-1, 3).astype(int)
    assert np.ptp(middle, axis=1).max() < 30 and frame.std() > 5
    card = tmp_path / "grey" / "avatar.json"
    card.write_text(card.read_text().replace(f'"triangles": {len(head.triangles)}', f'"triangles": {len(head.triangles) + 7}'))
    (tmp_path / "grey").rename(tmp_path / "other")
    with pytest.raises(HeadError, match="bound to builtin"):
        renderer(head, PictureOptions(size=64, cast=CastOptions(avatar=str(tmp_path / "other"))))


def test_people_differ_and_all_close_their_lips() -> None:
    tracks = {name: mouth.render("BABY@0.8", avatar=name).track for name in IDENTITIES}
    widths_mm = {round(float(track.lip_width_m[0]) * 1000, 1) for track in tracks.values()}
    assert len(widths_mm) == len(IDENTITIES) >= 4
    assert all((track.lip_opening_m[4:-8] == 0).any() and track.lip_opening_m.max() > 0.004 for track in tracks.values())
    assert all(len(default_avatar(load_builtin(person))) <= 40_000 for person in IDENTITIES.values())
    with pytest.raises(HeadError, match="did you mean willow"):
        mouth.render("WHY", avatar="wilow")


@pytest.mark.parametrize("seed", [-1, 1.5])
def test_a_seed_is_a_count(seed: int) -> None:
    with pytest.raises(InputError, match=r"seed|wrong type"):
        mouth.Studio(seed=seed, upper_face="always")


@pytest.mark.parametrize("start_s, end_s", [(float("nan"), 1.0), (0.0, float("inf")), (2.0, 1.0), (-1.0, 0.5)])
def test_times_that_no_sign_has_are_refused(start_s: float, end_s: float) -> None:
    with pytest.raises(InputError, match="sign 'WHY' is from"):
        Studio(driver="rules").render(Utterance((Sign("WHY", "lexical", start_s, end_s),)))
