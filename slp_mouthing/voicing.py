"""A plan in a voice that knows how long each mouthing may last (F5-TTS): its sound, and the mouth as that voice moves it.

Such a voice says whole words, whatever the plan reduced them to, and its sounds have lengths of their own. The mouth follows what
is heard: the phones are those found in the sound by forced alignment or, where that finds nothing or is not installed, those of
espeak-ng over the part of the slot in which somebody speaks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.dubbing import Said, as_said, hear, keyed
from slp_mouthing.errors import MissingExtra
from slp_mouthing.mouthing import reduction
from slp_mouthing.speech.f5 import RATE_HZ
from slp_mouthing.speech.recording import Recording

if TYPE_CHECKING:
    from slp_mouthing.dubbing import Key, Pronounce
    from slp_mouthing.speech.f5 import F5
    from slp_mouthing.types import Array, MouthAction, MouthingPlan

NAME = "F5-TTS"
_SLACK_S = 0.05
"""By which a word that is found may reach out of its slot."""
_QUIET = 0.03
"""Share of the loudest moment (-30 dB) below which nobody speaks."""
_MOMENT = RATE_HZ // 100
_SHORTEST_S = 0.06
_TAIL_S = 1.0


def voiced(plan: MouthingPlan, voice: F5, pronounce: Pronounce) -> tuple[MouthingPlan, Recording]:
    """The plan with the phones of `voice`, and its sound on the input's clock.

    A mouthing that has no words, only IPA, stays as it is and is not heard. Raises `SpeechError`.
    """
    sounds = {key: voice.say(action.text, action.duration_s) for key, action in keyed(plan) if action.phones and action.text}
    recording = _placed(plan, sounds)
    found = _found(plan, recording, pronounce) if sounds else {}
    actions, warnings = [], list(plan.warnings)
    for key, action in keyed(plan):
        if key in sounds:
            actions.append(as_said(action, found.get(key) or _spread(action, sounds[key], pronounce), NAME))
            continue
        actions.append(action)
        if action.phones:
            warnings.append(f"{NAME} reads words: /{action.ipa}/ is mouthed in silence; give the word as text")
    return replace(plan, actions=tuple(actions), warnings=tuple(warnings)), recording


def _placed(plan: MouthingPlan, sounds: dict[Key, Array]) -> Recording:
    """Each sound at its mouthing's start."""
    samples = np.zeros(round((plan.end_s + _TAIL_S) * RATE_HZ), np.float32)
    for key, action in keyed(plan):
        if key in sounds:
            start = round(action.start_s * RATE_HZ)
            room = samples[start : start + len(sounds[key])]
            room += sounds[key][: len(room)]
    whole = np.clip(np.rint(samples * 2**15), -(2**15), 2**15 - 1).astype(np.int16)
    return Recording(whole, RATE_HZ, NAME, start_s=plan.offset_s)


def _found(plan: MouthingPlan, recording: Recording, pronounce: Pronounce) -> dict[Key, Said]:
    """The mouthings that are found within their slots."""
    try:
        heard, _ = hear(plan, recording, pronounce)
    except MissingExtra:
        return {}
    slots = {key: (action.start_s - _SLACK_S, action.end_s + _SLACK_S) for key, action in keyed(plan)}
    return {key: said for key, said in heard.items() if slots[key][0] <= said.start_s < said.end_s <= slots[key][1]}


def _spread(action: MouthAction, sound: Array, pronounce: Pronounce) -> Said:
    """The whole word's phones over the part of the slot that is loud enough to be speech."""
    phones = pronounce(action.text, None)
    first_s, last_s = spoken_part(sound)
    scale = (last_s - first_s) / reduction.natural_s(phones)
    at_s = action.start_s + first_s - scale * phones[0].start_s
    moved = tuple(phone.at(at_s + scale * phone.start_s, at_s + scale * phone.end_s) for phone in phones)
    return Said(moved, reduction.natural_s(phones))


def spoken_part(sound: Array) -> tuple[float, float]:
    """From the first to the last moment of [N] samples in which somebody speaks, in seconds; all of it when that is too short."""
    moments = sound[: len(sound) // _MOMENT * _MOMENT].reshape(-1, _MOMENT)
    level = np.sqrt((moments**2).mean(axis=1))
    loud = np.flatnonzero(level > _QUIET * level.max(initial=0.0))
    duration_s = len(sound) / RATE_HZ
    if not len(loud) or (loud[-1] + 1 - loud[0]) / 100 < _SHORTEST_S:
        return 0.0, duration_s
    return float(loud[0] / 100), min(float((loud[-1] + 1) / 100), duration_s)
