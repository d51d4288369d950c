"""A speaking face and a signing body on one stage: which part of a body goes with which utterance, and both in one mesh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.types import JointMotion, Take

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from slp_mouthing.signer import Signer
    from slp_mouthing.types import Array, BodySequence, FaceTrack, TimedGloss, Utterance

LEAD_S = 0.5
"""Of the body before an utterance's first sign and after its last, at most."""
RELAX_S = 0.3
"""From the face of a track's end to rest, where the body goes on."""


def staged(take: Take) -> Take:
    """The take on the built-in half body, which moves as `take.body` does, on the track's clock.

    It lasts as long as the longer of the two: the face comes to rest at its end, or the body stands as it stood last.
    """
    from slp_mouthing.signer import make_signer

    assert take.body is not None
    signer = make_signer(take.head)
    frames = int(np.ceil((take.body.time_s[-1] + 1 / take.body.fps) * take.track.fps - 1e-6))
    track = at_rest_until(take.track, frames)
    return replace(take, track=track, head=signer, body=None, joints=joint_motion(take.body, signer, track))


def read_signing(path: Path, *, fps: float | None = None, hand_mean: bool = False) -> BodySequence:
    """A body file for the half body.

    Args:
        fps: the frame rate, instead of what the file says or its format implies.
        hand_mean: the file's hands are relative to relaxed ones, as the smplx library has them by default.

    Raises `InputError`.
    """
    from slp_mouthing.body import read_body
    from slp_mouthing.body.pose_file import is_pose_file
    from slp_mouthing.figure.handshapes import hand_pose

    if is_pose_file(path):
        raise InputError("a .pose file holds points, and the half body needs the turns of joints", where=str(path))
    body = read_body(path, fps=fps)
    if not hand_mean:
        return body
    left, right = (
        own + hand_pose("relaxed", side) for own, side in ((body.left_hand_pose, "left"), (body.right_hand_pose, "right"))
    )
    return replace(body, left_hand_pose=left, right_hand_pose=right)


def joint_motion(body: BodySequence, signer: Signer, track: FaceTrack) -> JointMotion:
    """How a body moves a signer's joints at the instants of a track."""
    from slp_mouthing.body.sampling import sampled
    from slp_mouthing.figure.turns import joint_rotations
    from slp_mouthing.figure.upright import upright

    now = sampled(body, track.time_s, track.fps)
    turns = joint_rotations(now.root_orient, now.body_pose, now.left_hand_pose, now.right_hand_pose)
    return JointMotion(track.fps, *upright(signer.skeleton, turns))


def at_rest_until(track: FaceTrack, frames: int) -> FaceTrack:
    """The track until it has `frames` frames, its face coming to rest; as it is when it has as many, or none."""
    more = frames - len(track)
    if more <= 0 or not len(track):
        return track
    still = np.clip(np.arange(1, more + 1) / (RELAX_S * track.fps), 0, 1)
    share = 1 - still * still * (3 - 2 * still)
    names = ("jaw_pose", "blendshapes", "eyes_pose", "tongue", "expressions")
    relaxed: dict[str, Any] = {name: _fading(getattr(track, name), share) for name in names if getattr(track, name) is not None}
    held: dict[str, Any] = {name: _fading(getattr(track, name), np.ones(more)) for name in ("lip_opening_m", "lip_width_m")}
    return replace(track, vertex_offsets=None, **relaxed, **held)


def _fading(values: Array, share: NDArray[np.float64]) -> Array:
    """Values [T, ...] that go on with a share [N] of the last one. -> [T + N, ...]"""
    after = np.multiply.outer(share, values[-1]).astype(np.float32)
    return np.concatenate([values, after])


def assigned(
    utterances: Sequence[Utterance], body: BodySequence | None
) -> tuple[Sequence[tuple[Utterance, BodySequence | None]], tuple[str, ...]]:
    """Each utterance with the part of the body that signs it, and warnings.

    Where the body's annotation has the utterances' glosses in their order, it says when each sign is made, and each utterance
    gets its own part; else the utterances keep their times, on the body's clock.
    """
    from slp_mouthing.body.sampling import part

    if body is None:
        return [(utterance, None) for utterance in utterances], ()
    glosses = [sign.gloss for utterance in utterances for sign in utterance.signs]
    if [sign.gloss for sign in body.signs] == glosses and glosses:
        return _by_annotation(utterances, body), ()
    warnings = []
    if body.signs:
        warnings.append(
            f"the body's signs are {_listed([s.gloss for s in body.signs])}, not {_listed(glosses)}: the input's times hold"
        )
    end_s = float(body.time_s[-1])
    late = [utterance for utterance in utterances if utterance.offset_s > end_s]
    if late:
        raise InputError(
            f"the utterance at {late[0].offset_s:.2f} s begins after the body, which ends at {end_s:.2f} s", where=late[0].input
        )
    if len(utterances) > 1 and not any(utterance.offset_s for utterance in utterances):
        warnings.append("the body does not say when its signs are made: every utterance begins with it")
    return [(utterance, part(body, utterance.offset_s, end_s)) for utterance in utterances], tuple(warnings)


def _by_annotation(utterances: Sequence[Utterance], body: BodySequence) -> list[tuple[Utterance, BodySequence]]:
    from slp_mouthing.body.sampling import part

    found, first = [], 0
    for utterance in utterances:
        signs = body.signs[first : first + len(utterance.signs)]
        first += len(signs)
        start_s, end_s = _span(body, signs)
        found.append((_retimed(utterance, signs, start_s), part(body, start_s, end_s)))
    return found


def _span(body: BodySequence, signs: Sequence[TimedGloss]) -> tuple[float, float]:
    """From the first sign to the last, with half of the pauses around them."""
    before = max((s.end_s for s in body.signs if s.end_s <= signs[0].start_s + 1e-6 and s not in signs), default=-np.inf)
    after = min((s.start_s for s in body.signs if s.start_s >= signs[-1].end_s - 1e-6 and s not in signs), default=np.inf)
    start_s = max(0.0, signs[0].start_s - LEAD_S, (before + signs[0].start_s) / 2)
    return start_s, min(float(body.time_s[-1]), signs[-1].end_s + LEAD_S, (after + signs[-1].end_s) / 2)


def _retimed(utterance: Utterance, signs: Sequence[TimedGloss], start_s: float) -> Utterance:
    times = [(sign.start_s - start_s, sign.end_s - start_s) for sign in signs]
    moved = tuple(replace(sign, start_s=a, end_s=b) for sign, (a, b) in zip(utterance.signs, times, strict=True))
    return replace(utterance, signs=moved, offset_s=start_s)


def _listed(glosses: Sequence[str], most: int = 4) -> str:
    return " ".join([*glosses[:most], "..."] if len(glosses) > most else glosses)
