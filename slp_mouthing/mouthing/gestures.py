"""Mouth gestures: what the mouth does that is not speech, as poses of the face's controls.

The names are those of BSL teaching and research (Sutton-Spence & Day 2001, "Mouthings and mouth gestures in British Sign
Language"); the codes are SiGML's mouth gestures, each given to the gesture that comes nearest.
"""

from __future__ import annotations

import difflib

from slp_mouthing.errors import InputError
from slp_mouthing.types import MouthGesture

Pose = tuple[tuple[str, float], ...]


def find(name: str) -> MouthGesture:
    """The gesture of that name or SiGML code, in any case. Raises `InputError` with the nearest names."""
    key = name.strip().lower().replace("_", "-").replace(" ", "-")
    gesture = _BY_KEY.get(key)
    if gesture is None:
        near = difflib.get_close_matches(key, _BY_KEY, n=3, cutoff=0.5)
        allowed = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(GESTURES)}"
        raise InputError(f"unknown mouth gesture '{name}'", hint=allowed)
    return gesture


def _pose(**weights: float) -> Pose:
    """A pose by control name; a name that ends in `_` stands for its left and its right control."""
    pairs = (((f"{n[:-1]}Left", w), (f"{n[:-1]}Right", w)) if n.endswith("_") else ((n, w),) for n, w in weights.items())
    return tuple(pair for pair_of_sides in pairs for pair in pair_of_sides)


_PRESSED = _pose(mouthPress_=0.6, mouthRollLower=0.25, mouthRollUpper=0.2)
_OPEN = _pose(jawOpen=0.5, mouthLowerDown_=0.2)
_ROUND = _pose(mouthPucker=0.75, mouthFunnel=0.4, jawOpen=0.08)
_WIDE = _pose(mouthStretch_=0.5, mouthSmile_=0.4, jawOpen=0.08, mouthLowerDown_=0.3, mouthUpperUp_=0.2)
_TEETH = _pose(mouthStretch_=0.5, mouthLowerDown_=0.4, mouthUpperUp_=0.3)
_TEETH_WIDE = _pose(mouthStretch_=0.6, mouthSmile_=0.4, mouthLowerDown_=0.45, mouthUpperUp_=0.3)
_SHH = _pose(mouthFunnel=0.8, mouthPucker=0.35, jawOpen=0.06, mouthLowerDown_=0.15, mouthUpperUp_=0.15)
_TIP_UP = _pose(jawOpen=0.45, tongueTipUp=1.0, mouthLowerDown_=0.25, mouthUpperUp_=0.2)

_ALL = (
    # cheeks
    MouthGesture("puffed-cheeks", "both cheeks full of air, lips shut", _pose(cheekPuff=1.0, mouthPress_=0.45), ("C01",)),
    MouthGesture("puffed-lips", "cheeks and lips full of air", _pose(cheekPuff=0.9, mouthPucker=0.3), ("C02",)),
    MouthGesture("puff-slowly", "cheeks fill gradually", _pose(cheekPuff=1.0, mouthPress_=0.4), ("C03",), attack_s=0.4),
    MouthGesture("puffed-cheek", "one cheek full of air; the lips move to the other side",
                 _pose(cheekPuff=0.8, mouthRight=0.9, mouthDimpleRight=0.5, mouthPress_=0.4), ("C04", "C05", "C06")),
    MouthGesture("sucked-cheeks", "cheeks drawn in between the teeth", _pose(jawOpen=0.3, mouthClose=0.3, mouthPucker=0.8,
                 mouthPress_=0.5), ("C07", "C08")),
    MouthGesture("tongue-in-cheek", "tip of the tongue bulges one cheek", _pose(tongueLeft=1.0, mouthRight=0.7,
                 cheekPuff=0.4, mouthPress_=0.3, mouthDimpleRight=0.4)),
    MouthGesture("tongue-in-lip", "tongue bulges below the lower lip", _pose(tongueTipUp=0.2, mouthShrugLower=0.9, jawOpen=0.3,
                 mouthClose=0.3, jawForward=0.4), ("C12",)),
    # lips
    MouthGesture("pursed", "lips drawn together", _pose(mouthPucker=0.85, mouthPress_=0.8,
                 mouthRollLower=0.15, mouthRollUpper=0.15), ("L04",)),
    MouthGesture("kiss", "lips pushed forward, then released", _pose(mouthPucker=1.0, mouthPress_=0.5, mouthRollLower=0.1),
                 attack_s=0.2, relax_s=0.08),
    MouthGesture("mm", "lips pressed together", _PRESSED, ("L23",)),
    MouthGesture("mm-mm", "lips pressed together again and again", _PRESSED, ("L25",), repeat_hz=3.0),
    MouthGesture("lips-stretched", "lips shut and drawn wide", _pose(mouthStretch_=0.7, mouthPress_=0.4), ("L34",)),
    MouthGesture("mouth-down", "lips shut, corners down", _pose(mouthFrown_=0.85, mouthShrugLower=0.35, mouthPress_=0.2),
                 ("L29", "L30", "L31")),
    MouthGesture("smile", "corners up, lips shut", _pose(mouthSmile_=0.7, cheekSquint_=0.3)),
    MouthGesture("sneer", "upper lip raised on one side", _pose(mouthUpperUpLeft=0.8, noseSneerLeft=0.5), ("L26",)),
    MouthGesture("open-o", "round, open mouth", _pose(jawOpen=0.45, mouthFunnel=0.75), ("L05",)),
    MouthGesture("closed-o", "round, small opening", _pose(jawOpen=0.12, mouthFunnel=0.5, mouthPucker=0.5), ("L06",)),
    MouthGesture("oa", "round mouth that opens", _OPEN, ("L07", "L10"), onset=_ROUND),
    MouthGesture("boo", "lips shut, then round: boo", _ROUND, attack_s=0.1, onset=_PRESSED),
    MouthGesture("pah", "lips shut, then flung open: pah", _OPEN, ("L11",), attack_s=0.08, onset=_PRESSED),
    MouthGesture("bam", "open, then shut: bam", _PRESSED, ("L08", "L09"), repeat_hz=1.5, away=_OPEN),
    MouthGesture("bee", "lips shut, then wide: bee", _WIDE, ("L12", "L13", "L15"), attack_s=0.08, onset=_PRESSED),
    MouthGesture("p", "lips pressed, then released", _PRESSED, ("L17",), attack_s=0.1, relax_s=0.05),
    MouthGesture("p-p-p", "lips pressed and released in quick succession", _PRESSED, ("L18",), repeat_hz=5.0,
                 away=_pose(jawOpen=0.12, mouthFunnel=0.2)),
    MouthGesture("lips-vibrate", "air sets the lips trembling: prrr", _pose(mouthPucker=0.35, cheekPuff=0.3, mouthFunnel=0.3),
                 ("L02", "L03", "L32"), repeat_hz=9.0, away=_pose(mouthPucker=0.35, cheekPuff=0.2, mouthPress_=0.3)),
    # air
    MouthGesture("blow", "air through rounded lips", _pose(mouthPucker=0.7, mouthFunnel=0.35, jawOpen=0.06, cheekPuff=0.35),
                 ("L35", "L22")),
    MouthGesture("phh", "cheeks empty through loose lips", _pose(cheekPuff=0.55, mouthPucker=0.3, mouthFunnel=0.2),
                 ("L19", "L20")),
    MouthGesture("blow-corner", "air through one corner", _pose(mouthPucker=0.2, mouthRight=0.5,
                 cheekPuff=0.25, mouthLowerDownRight=0.5, mouthUpperUpRight=0.35), ("C11",)),
    MouthGesture("blow-open", "jaw down, air out", _pose(jawOpen=0.35, mouthFunnel=0.5, cheekPuff=0.15), ("C13",)),
    MouthGesture("shh", "rounded lips apart, teeth together: shh", _SHH, ("L01", "L14")),
    MouthGesture("shh-shh", "shh again and again", _SHH, ("L33",), repeat_hz=2.5),
    MouthGesture("sigh", "mouth falls open with a breath", _pose(jawOpen=0.25, mouthFrown_=0.2), attack_s=0.3, relax_s=0.3),
    # teeth
    MouthGesture("eee", "teeth together, lips drawn wide", _TEETH_WIDE, ("D01",)),
    MouthGesture("teeth-on-lip", "upper teeth on the lower lip: f", _pose(mouthRollLower=0.75, mouthUpperUp_=0.6, jawOpen=0.04),
                 ("D02", "D03", "D04", "D09", "L16")),
    MouthGesture("lip-bite", "lower lip held between the teeth", _pose(mouthRollLower=1.0, mouthStretch_=0.3,
                 mouthUpperUp_=0.55)),
    MouthGesture("bite", "teeth shut, lips stretched", _pose(mouthStretch_=0.6, mouthLowerDown_=0.5, mouthUpperUp_=0.4), ("D08",),
                 attack_s=0.1),
    MouthGesture("teeth-clatter", "teeth meet in quick succession", _TEETH, ("D05",), repeat_hz=6.0,
                 away=(*_TEETH, ("jawOpen", 0.15))),
    # jaw
    MouthGesture("jaw-drop", "mouth falls open", _pose(jawOpen=0.85)),
    MouthGesture("jaw-sideways", "jaw from side to side", _pose(jawLeft=1.0, mouthLeft=0.4), ("J01",), repeat_hz=1.5,
                 away=_pose(jawRight=1.0, mouthRight=0.4)),
    MouthGesture("jaw-forward", "jaw pushed forward", _pose(jawForward=1.0, mouthShrugLower=0.5), ("J03",)),
    MouthGesture("chew", "jaw chews behind shut lips", _pose(jawOpen=0.5, mouthClose=0.5, jawLeft=0.7, mouthLeft=0.2),
                 ("J02",), repeat_hz=1.6, away=_pose(jawRight=0.4, mouthPress_=0.5)),
    MouthGesture("gagaga", "jaw up and down, tongue at the back", _pose(jawOpen=0.45, tongueBack=0.3), ("J04",), repeat_hz=4.0,
                 away=_pose(jawOpen=0.15, tongueBack=0.9)),
    MouthGesture("yawn", "mouth wide open, eyes narrowed", _pose(jawOpen=0.95, eyeSquint_=0.5, mouthFunnel=0.2, browInnerUp=0.3),
                 attack_s=0.4, relax_s=0.4),
    # tongue
    MouthGesture("th", "tip of the tongue between the teeth", _pose(jawOpen=0.14, tongueOut=0.4, tongueWide=0.5),
                 ("T02", "L27", "L28")),
    MouthGesture("tongue-out", "tongue out of an open mouth", _pose(jawOpen=0.35, tongueOut=0.95), ("T05",)),
    MouthGesture("tongue-flick", "tongue out and back at once", _pose(jawOpen=0.2, tongueOut=0.75), ("T04",),
                 attack_s=0.08, relax_s=0.08),
    MouthGesture("tongue-out-repeated", "tongue out and in again and again", _pose(jawOpen=0.25, tongueOut=0.8), ("T06",),
                 repeat_hz=2.5, away=_pose(jawOpen=0.2)),
    MouthGesture("tongue-blow", "air over the tip of the tongue",
                 _pose(jawOpen=0.14, tongueOut=0.5, mouthFunnel=0.3, cheekPuff=0.2)),
    MouthGesture("pursed-tongue", "tip of the tongue in pursed lips", _pose(mouthPucker=0.6, tongueOut=0.6, jawOpen=0.1),
                 ("T16",)),
    MouthGesture("l", "tip of the tongue behind the upper teeth", _TIP_UP, ("T01", "T09", "T10", "T11")),
    MouthGesture("lalala", "tip of the tongue up and down", _TIP_UP, ("T07", "T08"), repeat_hz=4.0, away=_pose(jawOpen=0.35)),
    MouthGesture("tongue-down", "tip of the tongue behind the lower teeth",
                 _pose(jawOpen=0.4, tongueUp=1.0, mouthLowerDown_=0.2), ("T13",)),
)  # fmt: skip

GESTURES: dict[str, MouthGesture] = {gesture.name: gesture for gesture in _ALL}
"""Every gesture by name."""

_BY_KEY = {key.lower(): gesture for gesture in _ALL for key in (gesture.name, *gesture.codes)}
