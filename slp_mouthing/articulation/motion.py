"""The score as control curves: mouthings and mouth gestures between stretches of perfect rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation.coarticulation import LINK_S, RELAXATION_S, activation, balance, gains, holds, smoothstep
from slp_mouthing.articulation.visemes import ARTICULATORS, segments
from slp_mouthing.errors import InputError
from slp_mouthing.types import CONTROL_NAMES, ControlCurves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.articulation.visemes import Segment
    from slp_mouthing.types import MouthScore, TimedGesture

    Floats = NDArray[np.float64]
    Span = tuple[float, float]

_ATTACK_S = 0.065
"""From rest into a mouthing at most; a short first phone is entered faster. So quick that at 60 frames a second the first frame
of a schwa is seen."""
_ATTACK_SHARE, _ATTACK_SHARE_OF_CONTACT = 0.7, 0.3
"""Part of the first phone that the attack may take; a contact is complete before its middle."""

CHANNELS: tuple[str, ...] = (*ARTICULATORS, "lipsShut", "lipOnTeeth", "presence")
"""What a driver says of a mouth: where each articulator leans, how complete the two contacts are, and how far the mouth is away
from rest. Columns of `channels`; H in shapes."""

_COLUMN = {name: k for k, name in enumerate(CONTROL_NAMES)}
_ARTICULATOR = {name: k for k, name in enumerate(ARTICULATORS)}
_LIPS_SHUT = {"mouthPress": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.2}
_LIP_ON_TEETH = {"mouthRollLower": 0.6, "mouthUpperUp": 0.25}
_SHUT_JAW = 0.12
"""Pressed lips follow a jaw that is no lower."""
_BITE_JAW = 0.11
"""Where the jaw brings the rolled lower lip just under the upper teeth."""


@dataclass(frozen=True, slots=True)
class Style:
    """How large the movements are; 1 is clear everyday mouthing, 0 a still face. Contacts are complete whatever the style."""

    intensity: float = 1.0
    """Factor on jaw and lips together."""
    jaw: float = 1.0
    """Factor on how far the jaw opens."""
    lip: float = 1.0
    """Factor on how far the lips round, spread and part."""

    def __post_init__(self) -> None:
        for name in ("intensity", "jaw", "lip"):
            if not 0.0 <= getattr(self, name) <= 2.0:
                raise InputError(f"style {name} is {getattr(self, name):g}, allowed: 0 to 2")


def articulate(score: MouthScore, fps: float, style: Style | None = None) -> ControlCurves:
    """`score` sampled at `fps`: T = ceil(duration x fps) frames, frame i at i / fps.

    Every control is in [0, 1], and exactly 0 while the plan says rest. A mouthing's first moving frame is the one nearest to its
    `start_s`; its last target is left at the frame nearest to its `end_s`, for rest, which it reaches `RELAXATION_S` later.
    """
    return perform(channels(score, fps, style), score, fps)


def perform(values: Floats, score: MouthScore, fps: float) -> ControlCurves:
    """The face of channels [T, H] from any driver, with the mouth gestures of `score` laid over."""
    return with_gestures(compose(values), values[:, -1], score, fps)


def with_gestures(curves: Floats, present: Floats, score: MouthScore, fps: float) -> ControlCurves:
    """Control weights [T, C] with the mouth gestures of `score` laid over, where the mouthings' presence [T] leaves room."""
    times_s = frame_times_s(score, fps)
    for gesture in score.gestures:
        weight = _gesture_weight(gesture, times_s, fps) * (1.0 - present)
        curves = curves * (1.0 - weight[:, None]) + weight[:, None] * _gesture_pose(gesture, times_s)
    return ControlCurves(fps, curves.astype(np.float32))


def frame_times_s(score: MouthScore, fps: float) -> Floats:  # [T]
    # Not one frame more because 0.7 x 30 is a hair above 21.
    return np.arange(math.ceil(score.duration_s * fps - 1e-6)) / fps


# ---- mouthings ------------------------------------------------------------------------------------------------------------
def channels(score: MouthScore, fps: float, style: Style | None = None) -> Floats:  # [T, H]
    """What the mouthings of `score` ask of `CHANNELS`, each in [0, 1]: what a decoder learns to predict from speech."""
    style = style or Style()
    times_s, found = frame_times_s(score, fps), segments(score.phones)
    gain = gains(style.intensity, style.jaw, style.lip)
    lean = balance(found, times_s, gain)
    shut = activation(holds(found, "lips", 1.0 / fps), times_s)
    bite = activation(holds(found, "teeth", 1.0 / fps), times_s) * (1.0 - shut)
    firmness = _firmness(style)
    present = _presence(score.actions, found, times_s, fps)
    return np.column_stack([lean, shut * firmness, bite * firmness, present])


def styled(values: Floats, style: Style) -> Floats:
    """Channels [T, H] of everyday mouthing as `style` has them; the rules know the style beforehand."""
    gain = gains(style.intensity, style.jaw, style.lip)
    lean, contacts = values[:, : len(gain)], values[:, len(gain) : -1]
    return np.column_stack([np.minimum(lean * gain, 1.0), contacts * _firmness(style), values[:, -1]])


def _firmness(style: Style) -> float:
    """Contacts do not shrink with the style, but a still face stays still."""
    return min(1.0, 4.0 * style.intensity * max(style.jaw, style.lip))


def presence(score: MouthScore, fps: float) -> Floats:  # [T]
    """The last of `CHANNELS` alone, as the plan has it."""
    return _presence(score.actions, segments(score.phones), frame_times_s(score, fps), fps)


def compose(values: Floats) -> Floats:
    """Channels [T, H] as control weights -> [T, C]. Lips shut are shut whatever the other channels are."""
    lean, (shut, bite, present) = values[:, : len(ARTICULATORS)], values[:, len(ARTICULATORS) :].T
    return np.asarray(present[:, None] * _controls(lean, shut, bite))


def _controls(lean: Floats, shut: Floats, bite: Floats) -> Floats:
    """Articulators [T, A] and contacts [T] as controls -> [T, C]. The contact says what the lips do, the balance the rest."""
    values = np.zeros((len(lean), len(CONTROL_NAMES)))

    def of(name: str) -> Floats:
        return lean[:, _ARTICULATOR[name]]

    apart = (1.0 - shut) * (1.0 - bite)
    jaw = of("jawOpen")
    jaw = jaw + bite * (_BITE_JAW - jaw)
    jaw = jaw + shut * (np.minimum(jaw, _SHUT_JAW) - jaw)
    _set(values, "jawOpen", jaw)
    # The lips take back all that the jaw opens, wherever it is.
    _set(values, "mouthClose", jaw * shut)
    for name in ("mouthFunnel", "mouthLowerDown", "mouthUpperUp", "tongueOut"):
        _set(values, name, of(name) * apart)
    _set(values, "mouthPucker", of("mouthPucker") * (1.0 - 0.6 * shut) * (1.0 - 0.7 * bite))
    for name in ("mouthStretch", "mouthSmile"):
        _set(values, name, of(name) * (1.0 - 0.5 * shut))
    for name in ("tongueUp", "tongueTipUp", "tongueBack", "tongueWide"):
        _set(values, name, of(name))
    for weights, contact in ((_LIPS_SHUT, shut), (_LIP_ON_TEETH, bite)):
        for name, weight in weights.items():
            _add(values, name, weight * contact)
    return values


def _set(values: Floats, name: str, curve: Floats) -> None:
    for column in _columns(name):
        values[:, column] = curve


def _add(values: Floats, name: str, curve: Floats) -> None:
    for column in _columns(name):
        values[:, column] += curve


def _columns(name: str) -> list[int]:
    """The control's column, or both when it has sides."""
    return [_COLUMN[key] for key in (name, f"{name}Left", f"{name}Right") if key in _COLUMN]


# ---- rest -----------------------------------------------------------------------------------------------------------------
def _presence(actions: Sequence[Span], found: Sequence[Segment], times_s: Floats, fps: float) -> Floats:
    """How far the mouth is away from rest, [T] in [0, 1]: 0 is rest itself."""
    presence = np.zeros_like(times_s)
    attacks_s = {segment.start_s: _attack_s(segment) for segment in found}
    for block in _linked(actions):
        attack_s = attacks_s.get(block[0][0], _ATTACK_S)
        inside = _rise_and_fall((block[0][0], block[-1][1]), attack_s, relaxation_frames(fps), times_s, fps)
        for (_, end_s), (start_s, _) in pairwise(block):
            inside *= _dip(end_s, start_s, times_s)
        presence = np.maximum(presence, inside)
    return presence


def relaxation_frames(fps: float) -> int:
    """Frames from the last target of a mouthing to rest."""
    return max(round(RELAXATION_S * fps), 1)


def _attack_s(first: Segment) -> float:
    share = _ATTACK_SHARE_OF_CONTACT if first.viseme.contact else _ATTACK_SHARE
    return min(_ATTACK_S, share * first.duration_s)


def _linked(actions: Sequence[Span]) -> list[list[Span]]:
    """Runs of actions with short pauses between them."""
    blocks: list[list[Span]] = []
    for action in actions:
        if blocks and action[0] - blocks[-1][-1][1] < LINK_S:
            blocks[-1].append(action)
        else:
            blocks.append([action])
    return blocks


def _dip(start_s: float, end_s: float, times_s: Floats) -> Floats:
    """Towards rest and back within a pause, deeper the longer it is."""
    length_s = max(end_s - start_s, 1e-6)
    depth = min(length_s / LINK_S, 1.0) ** 2
    phase = np.clip((times_s - start_s) / length_s, 0.0, 1.0)
    return 1.0 - depth * np.sin(np.pi * phase) ** 2


def _rise_and_fall(span: Span, attack_s: float, relax_frames: int, times_s: Floats, fps: float) -> Floats:
    """0 to 1 at the start of `span` and back to 0 after its end, [T].

    The frame nearest to the start is the first that moves, the frame nearest to the end the last that is full, so that neither
    is off by more than half a frame whatever the rate.
    """
    first, last = round(span[0] * fps), round(span[1] * fps)
    frame = times_s * fps
    rise = smoothstep((frame - (first - 1)) / max(attack_s * fps, 1.0))
    fall = smoothstep((frame - last) / relax_frames)
    return rise * (1.0 - fall)


_SHORTEST_ONSET_S = 0.08
"""For which the pose that a gesture begins with is held, so that some frame shows it."""


# ---- mouth gestures -------------------------------------------------------------------------------------------------------
def _gesture_weight(timed: TimedGesture, times_s: Floats, fps: float) -> Floats:  # [T]
    attack_s = min(timed.gesture.attack_s, 0.5 * (timed.end_s - timed.start_s))
    relax_frames = min(max(round(timed.gesture.relax_s * fps), 1), relaxation_frames(fps))
    return _rise_and_fall((timed.start_s, timed.end_s), attack_s, relax_frames, times_s, fps)


def _gesture_pose(timed: TimedGesture, times_s: Floats) -> Floats:  # [T, C]
    """The held pose, or its alternation with the other one, which starts and ends at the pose."""
    gesture = timed.gesture
    pose, away = _pose(gesture.pose), _pose(gesture.away)
    length_s = timed.end_s - timed.start_s
    cycles = max(round(gesture.repeat_hz * length_s), 1) if gesture.repeat_hz > 0 else 0
    phase = np.clip((times_s - timed.start_s) / length_s, 0.0, 1.0)
    share = 0.5 - 0.5 * np.cos(2.0 * np.pi * cycles * phase)
    moved = pose + share[:, None] * (away - pose)
    if not gesture.onset:
        return moved
    attack_s = min(gesture.attack_s, length_s / 3.0)
    held_s = max(attack_s, _SHORTEST_ONSET_S)
    gone = smoothstep((times_s - timed.start_s - held_s) / attack_s)[:, None]
    return _pose(gesture.onset) * (1.0 - gone) + moved * gone


def _pose(weights: Sequence[tuple[str, float]]) -> Floats:  # [C]
    pose = np.zeros(len(CONTROL_NAMES))
    for name, weight in weights:
        pose[_COLUMN[name]] = weight
    return pose
