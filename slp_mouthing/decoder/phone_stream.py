"""Timed phones as frames at 100 Hz, beside the sound: which letter of IPA is on, and where in it the frame lies."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.features import FEATURE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Array, Phone

UNKNOWN, SILENCE = 0, 1
_LETTERS = (
    "iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝᵻᵿ"
    "pbɸβʙmfvʋɱθðtdnrɾɬɮʈɖɳɽlɭszʃʒɕʑʂʐɹɻwʍɥjçʝʎɲcɟkɡgŋxɣɰqɢχʁʀɴhɦħʔʕ"
)  # fmt: skip
PHONES: tuple[str, ...] = ("", "sil", *_LETTERS)
"""What the network knows by number. The order is part of every trained model: new letters go to the end."""

_NUMBER = {letter: number for number, letter in enumerate(PHONES)}
_FIRST_OF_TWO = 0.55
"""Share of a diphthong or affricate that belongs to its first letter, as in the rule driver."""
_TYPICAL_S = 0.1
_LOG_RANGE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class PhoneFrames:
    """Phones sampled at 100 Hz, frame m at m / 100 s. In silence phase and duration are 0, whatever its length."""

    ids: NDArray[np.int64]  # [M] into `PHONES`
    phase: Array  # [M] in [0, 1): part of the letter that is over
    duration: Array  # [M] natural log of the letter's length over 0.1 s, in [-3, 3]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, frames: slice) -> PhoneFrames:
        return PhoneFrames(self.ids[frames], self.phase[frames], self.duration[frames])


def phone_frames(phones: Sequence[Phone], length: int) -> PhoneFrames:
    """`length` frames of `phones`, in order of time and not overlapping; gaps are silence, so is what lies after them."""
    ids = np.full(length, SILENCE, np.int64)
    phase, duration = np.zeros(length, np.float32), np.zeros(length, np.float32)
    if not (spans := list(_letters(phones))):
        return PhoneFrames(ids, phase, duration)
    numbers = np.array([number for number, _, _ in spans])
    # To a microsecond: a boundary on a frame falls on the same side wherever the clock began.
    starts_s, ends_s = np.round([span[1:] for span in spans], 6).T
    times_s = np.arange(length) / FEATURE_HZ
    on = np.maximum(np.searchsorted(starts_s, times_s, side="right") - 1, 0)
    inside = (starts_s[on] <= times_s) & (times_s < ends_s[on]) & (numbers[on] != SILENCE)
    on, lengths_s = on[inside], (ends_s - starts_s)[on[inside]]
    ids[inside] = numbers[on]
    phase[inside] = (times_s[inside] - starts_s[on]) / lengths_s
    duration[inside] = np.clip(np.log(lengths_s / _TYPICAL_S), -_LOG_RANGE, _LOG_RANGE)
    return PhoneFrames(ids, phase, duration)


def _letters(phones: Iterable[Phone]) -> Iterator[tuple[int, float, float]]:
    """(number, start_s, end_s) of each letter; length, stress, tone and diacritics do not change it."""
    for phone in phones:
        if phone.end_s <= phone.start_s:
            continue
        numbers = _numbers(phone.symbol)
        shares = np.linspace(0.0, 1.0, len(numbers) + 1)
        if len(numbers) == 2:
            shares[1] = _FIRST_OF_TWO
        edges_s = phone.start_s + shares * phone.duration_s
        yield from zip(numbers, edges_s[:-1].tolist(), edges_s[1:].tolist(), strict=True)


def _numbers(symbol: str) -> list[int]:
    if symbol == PHONES[SILENCE]:
        return [SILENCE]
    letters = [c for c in unicodedata.normalize("NFD", symbol) if unicodedata.category(c) in ("Ll", "Lo", "Lu")]
    return [_NUMBER.get(letter, UNKNOWN) for letter in letters] or [UNKNOWN]
