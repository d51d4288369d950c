"""The plan on the signs' clock: each mouthing fitted to its slot, and the voice stretched along with it.

Vowels and transitions take the stretch. Closures and other consonants keep their natural speed, and a closure is never
shorter than what a frame can show.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import SpeechError
from slp_mouthing.phonetics import LIP_CONTACTS, SONORANTS, VOWELS
from slp_mouthing.types import MouthScore, Phone, Speech, TimedGesture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Array, MouthAction, MouthGesture, MouthingPlan

    Seconds = NDArray[np.float64]

_VOWEL, _CONTACT, _SONORANT, _OBSTRUENT, _PAUSE = range(5)
_SHORTEST_S = np.array([0.045, 0.0, 0.03, 0.035, 0.0])
"""By class: a phone is compressed to this before closures give way. A closure's own floor depends on the frame rate."""
_STRETCH = np.array([1.0, 0.0, 0.3, 0.0, 0.5])
"""By class: share of the surplus time that a second of natural duration takes."""
_CRUSHED = 0.25
"""Part of `_SHORTEST_S` that is kept before closures become shorter than a frame shows."""


@dataclass(frozen=True, slots=True)
class TimingOptions:
    fps: float = 30.0
    """Frame rate of the track: a closure must outlast a frame to be seen."""
    relaxation_s: float = 0.2
    """From the last sign's end to the end of the track."""
    closure_s: float = 0.07
    """Hold of a lip closure or lip-teeth contact where there is room; speech has shorter ones than the eye needs."""
    closure_frames: float = 1.2
    """Shortest such hold, so that at least one frame samples it."""


# ---- plan -> score --------------------------------------------------------------------------------------------------------
def score(plan: MouthingPlan, find_gesture: Callable[[str], MouthGesture], options: TimingOptions | None = None) -> MouthScore:
    """Every action of `plan` on the signs' clock.

    The first phone of a mouthing starts at its action's `start_s` and the last ends at its `end_s`, exactly; no phone is lost.
    `find_gesture` raises for unknown names.
    """
    options = options or TimingOptions()
    phones: list[Phone] = []
    gestures: list[TimedGesture] = []
    spans: list[tuple[float, float]] = []
    for action in plan.actions:
        if action.phones:
            phones += _numbered(fit(action.phones, action.start_s, action.end_s, options), phones)
            spans.append((action.start_s, action.end_s))
        elif action.gesture is not None:
            gestures.append(TimedGesture(find_gesture(action.gesture), action.start_s, action.end_s))
    end_s = max([plan.end_s, *(action.end_s for action in plan.actions)])
    return MouthScore(tuple(phones), tuple(gestures), end_s + options.relaxation_s, tuple(spans))


def _numbered(phones: Sequence[Phone], before: Sequence[Phone]) -> list[Phone]:
    """Syllables counted on from those `before`."""
    first = before[-1].syllable + 1 if before else 0
    return [replace(phone, syllable=phone.syllable - phones[0].syllable + first) for phone in phones]


def fit(phones: Sequence[Phone], start_s: float, end_s: float, options: TimingOptions) -> tuple[Phone, ...]:
    """`phones` at natural speed moved and stretched onto `start_s` to `end_s`, without gaps."""
    durations_s = _durations(phones, end_s - start_s, options)
    edges = start_s + np.concatenate([[0.0], np.cumsum(durations_s)])
    edges[-1] = end_s
    return tuple(phone.at(float(a), float(b)) for phone, a, b in zip(phones, edges[:-1], edges[1:], strict=True))


def _durations(phones: Sequence[Phone], slot_s: float, options: TimingOptions) -> Seconds:  # [P]
    """Durations that fill `slot_s`, interpolated between the stages of compression, or stretched beyond natural."""
    crushed, *_, natural = stages = _stages(phones, options)
    totals = [float(stage.sum()) for stage in stages]
    if slot_s <= totals[0]:
        return crushed * (slot_s / totals[0])
    if slot_s >= totals[-1]:
        weight = _STRETCH[_classes(phones)] * natural
        weight = weight if weight.any() else natural
        return natural + weight * ((slot_s - totals[-1]) / float(weight.sum()))
    above = bisect(totals, slot_s)
    share = (slot_s - totals[above - 1]) / (totals[above] - totals[above - 1])
    return stages[above - 1] * (1 - share) + stages[above] * share


def _stages(phones: Sequence[Phone], options: TimingOptions) -> list[Seconds]:  # [P] each
    """Durations from the most compressed to natural: each stage gives up one more thing."""
    classes = _classes(phones)
    contact = classes == _CONTACT
    seen_s = options.closure_frames / options.fps
    natural = np.array([max(phone.duration_s, 1e-3) for phone in phones])
    held_s = max(options.closure_s, seen_s)
    natural = np.where(contact, np.maximum(natural, held_s), natural)
    shortest = np.minimum(natural, _SHORTEST_S[classes])
    # A nasal or fricative that is held for longer than it needs gives way together with the vowels.
    vowels_short = np.where(contact, held_s, shortest)
    closures_short = np.where(contact, seen_s, shortest)
    crushed = np.where(contact, seen_s, _CRUSHED * shortest)
    return [crushed, closures_short, vowels_short, natural]


def _classes(phones: Sequence[Phone]) -> NDArray[np.int64]:  # [P]
    return np.array([_class(phone.symbol) for phone in phones])


def _class(symbol: str) -> int:
    if symbol == "sil":
        return _PAUSE
    for letters, kind in ((VOWELS, _VOWEL), (LIP_CONTACTS, _CONTACT), (SONORANTS, _SONORANT)):
        if symbol[0] in letters:
            return kind
    return _OBSTRUENT


# ---- voice on the signs' clock --------------------------------------------------------------------------------------------
_SAMPLE_RATE_HZ = 22050
"""Of the silence when nothing is mouthed; espeak-ng's own."""
_HOP_S = 0.012
_SEARCH_S = 0.006


def sound(plan: MouthingPlan, score: MouthScore, speak: Callable[[str, str | None], Speech]) -> Speech:
    """The voice of every mouthing, stretched phone by phone to its slot; as long as the track.

    Args:
        score: of the same `plan`.
        speak: text and IPA (None without) to speech, `Espeak.speak`.
    """
    pieces: list[tuple[int, Array]] = []
    sample_rate_hz, first = _SAMPLE_RATE_HZ, 0
    for action in plan.actions:
        if not action.phones:
            continue
        placed = score.phones[first : first + len(action.phones)]
        first += len(action.phones)
        speech = _spoken(action, speak)
        if speech.phones:
            sample_rate_hz = speech.sample_rate_hz
            pieces.append((round(action.start_s * sample_rate_hz), _stretched(speech, placed)))
    samples = np.zeros(round(score.duration_s * sample_rate_hz), np.float32)
    for start, piece in pieces:
        piece = piece[: max(len(samples) - start, 0)]
        samples[start : start + len(piece)] += piece
    return Speech(samples, sample_rate_hz, score.phones, plan.name)


def _spoken(action: MouthAction, speak: Callable[[str, str | None], Speech]) -> Speech:
    """What is mouthed, reduced and repeated as it is; the whole word in languages whose IPA cannot be spoken."""
    if action.ipa:
        try:
            return speak("", action.ipa)
        except SpeechError:
            if not action.text:
                raise
    return speak(action.text or "", None)


def _stretched(speech: Speech, placed: Sequence[Phone]) -> Array:  # [N]
    """The parts of `speech` that `placed` asks for, each as long as it says: overlap-add with aligned waveforms (WSOLA)."""
    rate = speech.sample_rate_hz
    hop, search = round(_HOP_S * rate), round(_SEARCH_S * rate)
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    reads = _read_positions(speech, placed, hop)
    pad = 2 * hop + search
    source = np.concatenate([np.zeros(pad, np.float32), speech.samples, np.zeros(2 * pad, np.float32)])
    output = np.zeros((len(reads) + 1) * hop, np.float32)
    previous = reads[0] + pad - hop
    for k, read in enumerate(reads):
        low = read + pad - search
        expected = source[previous + hop : previous + 3 * hop]
        previous = low + int(np.argmax(np.correlate(source[low : low + 2 * search + 2 * hop], expected, "valid")))
        output[k * hop : (k + 2) * hop] += window * source[previous : previous + 2 * hop]
    return output[hop // 2 :]


def _read_positions(speech: Speech, placed: Sequence[Phone], hop: int) -> NDArray[np.int64]:
    """Sample of the speech at which each output window starts, `hop` samples apart."""
    rate = speech.sample_rate_hz
    sources = [speech.phones[i] for i in _sources(speech.phones, placed)]
    times_s = np.arange(placed[0].start_s, placed[-1].end_s, hop / rate)
    ends_s = np.array([phone.end_s for phone in placed])
    index = np.minimum(np.searchsorted(ends_s, times_s, side="right"), len(placed) - 1)
    start_s, length_s = (np.array([getattr(phone, name) for phone in placed])[index] for name in ("start_s", "duration_s"))
    from_s, source_s = (np.array([getattr(phone, name) for phone in sources])[index] for name in ("start_s", "duration_s"))
    reads_s: Seconds = from_s + (times_s - start_s) / length_s * source_s
    return np.clip(np.rint(reads_s * rate), 0, len(speech.samples) - 1).astype(np.int64)


def _sources(spoken: Sequence[Phone], placed: Sequence[Phone]) -> list[int]:
    """Which spoken phone each placed one is: reduction skips some, repetition starts again."""
    symbols = [phone.symbol for phone in spoken]
    found: list[int] = []
    for phone in placed:
        after = found[-1] + 1 if found else 0
        if phone.symbol in symbols[after:]:
            found.append(symbols.index(phone.symbol, after))
        elif phone.symbol in symbols:
            found.append(symbols.index(phone.symbol))
        else:
            found.append(min(after, len(symbols) - 1))
    return found
