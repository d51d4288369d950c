"""A body's signing with a face's mouthing: clocks, sign times, and how captures are set before the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import slp_mouthing as mouth
from slp_mouthing.body import read_body
from slp_mouthing.body.sampling import part, sampled
from slp_mouthing.errors import InputError
from slp_mouthing.figure.skinning import joint_places
from slp_mouthing.figure.turns import joint_rotations
from slp_mouthing.figure.upright import upright
from slp_mouthing.formats import PictureOptions
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.notation import parse
from slp_mouthing.signer import make_signer
from slp_mouthing.staging import assigned, at_rest_until, joint_motion, read_signing, staged
from slp_mouthing.types import BodySequence, Take, TimedGloss

if TYPE_CHECKING:
    from pathlib import Path

LINE = "WHY@0.5 PT:PRO2SG@0.2 LATE@0.6"
SIGNS = (TimedGloss("WHY", 1.0, 1.6), TimedGloss("PT:PRO2SG", 1.7, 2.0), TimedGloss("LATE", 2.1, 2.8))


def _body(frames: int = 100, fps: float = 25.0, signs: tuple[TimedGloss, ...] = (), seed: int = 0) -> BodySequence:
    t = np.arange(frames)[:, None] / fps
    rng = np.random.default_rng(seed)

    def waves(columns: int) -> np.ndarray:
        return 0.3 * np.sin(t * rng.uniform(1, 5, columns) + rng.uniform(0, 6, columns))

    return BodySequence("beat2", fps, t[:, 0], waves(3), waves(63), waves(45), waves(45), signs=signs)


def _saved(path: Path, **changes: Any) -> Path:
    poses = np.random.default_rng(0).normal(0, 0.2, (120, 165)).cumsum(0) * 0.05
    arrays = {
        "poses": poses, "expressions": np.zeros((120, 100)), "trans": np.zeros((120, 3)), "mocap_frame_rate": 30,
        "glosses": np.array([s.gloss for s in SIGNS]), "sign_times_s": np.array([(s.start_s, s.end_s) for s in SIGNS]),
    }  # fmt: skip
    np.savez(path, **(arrays | changes))
    return path


def test_a_file_says_when_its_signs_are_made(tmp_path: Path) -> None:
    assert read_body(_saved(tmp_path / "body.npz")).signs == SIGNS


@pytest.mark.parametrize(
    "changes",
    [
        {"sign_times_s": np.zeros((2, 2))},
        {"sign_times_s": np.array([[1.0, 0.5], [2, 3], [3, 4]])},
        {"sign_times_s": np.full((3, 2), np.nan)},
        {"glosses": np.zeros(3)},
    ],
)
def test_an_annotation_that_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"body\.npz.*sign_times_s"):
        read_body(_saved(tmp_path / "body.npz", **changes))


def test_the_bodys_sign_times_hold() -> None:
    [(utterance, body)], warnings = assigned(parse(LINE), _body(signs=SIGNS))
    assert not warnings
    times = [(sign.start_s, sign.end_s) for sign in utterance.signs]
    np.testing.assert_allclose(times, [(0.5, 1.1), (1.2, 1.5), (1.6, 2.3)])
    assert utterance.offset_s == 0.5
    assert body is not None
    assert [sign.start_s for sign in body.signs] == pytest.approx([0.5, 1.2, 1.6])


def test_several_utterances_share_a_body_out() -> None:
    utterances = parse("WHY@0.5\nPT:PRO2SG LATE")
    (first, before), (second, after) = assigned(utterances, _body(signs=SIGNS))[0]
    assert before is not None and after is not None
    assert first.offset_s + before.time_s[-1] <= 1.65 + 1e-6 <= second.offset_s + after.time_s[0] + 0.05
    assert second.signs[0].start_s == pytest.approx(1.7 - 1.65)


def test_other_glosses_keep_the_inputs_times_and_say_so() -> None:
    [(utterance, _)], warnings = assigned(parse("BUS@0.4 LATE@0.4"), _body(signs=SIGNS))
    assert utterance.signs[0].start_s == 0.0
    assert "WHY PT:PRO2SG LATE" in warnings[0] and "BUS LATE" in warnings[0]


def test_an_utterance_after_the_body_is_an_error() -> None:
    from dataclasses import replace

    with pytest.raises(InputError, match="begins after the body"):
        assigned([replace(parse(LINE)[0], offset_s=9.0)], _body())


@pytest.mark.parametrize("fps", [25.0, 60.0, 17.3])
def test_frame_rates_of_either_side_meet(fps: float) -> None:
    track, body = mouth.render(LINE, fps=30).track, _body(frames=int(4 * fps), fps=fps)
    signer = make_signer(load_builtin())
    longer = at_rest_until(track, 120)
    motion = joint_motion(body, signer, longer)
    assert len(motion) == len(longer) == 120
    assert np.abs(np.diff(motion.rotations_wxyz, axis=0)).max() < 0.2, "no joint jumps"


def test_a_body_on_the_tracks_clock_is_not_resampled() -> None:
    body = _body(fps=30.0)
    same = sampled(body, body.time_s, 30.0)
    np.testing.assert_array_equal(same.body_pose, body.body_pose)


def test_a_part_has_its_own_clock() -> None:
    cut = part(_body(signs=SIGNS), 1.65, 2.5)
    assert cut.time_s[0] == pytest.approx(0.03) and cut.time_s[-1] <= 0.85
    assert [sign.gloss for sign in cut.signs] == ["PT:PRO2SG", "LATE"]


def test_the_face_rests_where_the_body_goes_on() -> None:
    track = mouth.render(LINE).track
    longer = at_rest_until(track, len(track) + 60)
    np.testing.assert_array_equal(longer.blendshapes[: len(track)], track.blendshapes)
    assert not np.any(longer.blendshapes[len(track) + 30 :])
    assert at_rest_until(track, 3) is track


def test_a_take_lasts_as_long_as_its_body_and_its_face() -> None:
    result = mouth.render(LINE)
    for seconds in (0.5, 4.0):
        take = staged(Take(result.track, result.head, "x", body=_body(frames=int(25 * seconds))))
        assert take.joints is not None
        assert len(take.track) == len(take.joints) == max(len(result.track), int(30 * seconds))


@pytest.mark.parametrize("turn", [(np.pi / 2, 0, 0), (np.pi, 0, 0), (0, 2.0, 0), (1.0, -1.0, 2.0)])
def test_captures_in_any_axes_stand_upright_and_face_the_camera(turn: tuple[float, float, float]) -> None:
    """AMASS has z up, fits to video y down: all look the same on the stage."""
    body, skeleton = _body(), make_signer(load_builtin()).skeleton
    turned = (Rotation.from_rotvec(turn) * Rotation.from_rotvec(body.root_orient)).as_rotvec()
    places = []
    for root in (body.root_orient, turned):
        rotations, root_m = upright(skeleton, joint_rotations(root, body.body_pose, body.left_hand_pose, body.right_hand_pose))
        places.append(joint_places(skeleton, rotations, root_m))
    np.testing.assert_allclose(places[0], places[1], atol=2e-5)
    neck, chest = (skeleton.index(name) for name in ("neck", "spine3"))
    np.testing.assert_allclose(places[0][:, neck, :, 3].mean(0), skeleton.joints_m[neck], atol=1e-5)
    assert places[0][:, chest, 2, 2].mean() > 0.8, "the chest faces +z"


def test_render_shows_the_signer(tmp_path: Path) -> None:
    glosses = tmp_path / "late.txt"
    glosses.write_text("WHY PT:PRO2SG LATE", encoding="utf-8")
    body = read_body(_saved(tmp_path / "body.npz"))
    picture = PictureOptions(size=64, style="mesh")
    mouth.Studio(fps=10).render_file(glosses, tmp_path, formats=["mp4"], picture=picture, body=body)
    with av.open(str(tmp_path / "late.mp4")) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert frames[0].shape == (80, 64, 3)
    assert abs(len(frames) - 10 * 2.8) <= 1, "half a second before WHY to half a second after LATE"
    assert np.abs(frames[2].astype(int) - frames[-3]).max() > 60, "hands move"
    track = mouth.FaceTrack.load(tmp_path / "late.track.npz")
    assert len(track) <= len(frames)


def test_hands_relative_to_relaxed_ones_curl(tmp_path: Path) -> None:
    path = _saved(tmp_path / "body.npz", poses=np.zeros((120, 165)))
    flat, relaxed = (read_signing(path, hand_mean=mean) for mean in (False, True))
    assert not flat.left_hand_pose.any() and np.abs(relaxed.left_hand_pose[:, 5]).min() > 0.2
