"""Phones from a synthesiser's marks, their syllables, and IPA as espeak-ng's own mnemonics.

Symbols are espeak-ng's, so that text and IPA input give the same ones; in British English: `a` for the vowel of "trap", `ɛ` for
that of "dress", `ɹ` and `ɡ`. Other usual spellings are understood in IPA input and brought to these: see `inventories`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from slp_mouthing.errors import SpeechError
from slp_mouthing.phonetics import GLIDES_AND_LIQUIDS, SONORANTS, STOPS, is_vowel
from slp_mouthing.speech.inventories import ENGLISH
from slp_mouthing.types import Phone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slp_mouthing.speech.inventories import Inventory
    from slp_mouthing.types import Array

Stress = Literal[0, 1, 2]

SILENCE = "sil"
_STRESS_MARKS: dict[str, Stress] = {"ˈ": 1, "ˌ": 2}
_SILENT_LEVEL = 60 / 2**15
"""Magnitude below which espeak-ng's output is silence: its bursts and frication start an order of magnitude above."""
_LONGEST_CLOSURE_S = 0.06
_SHORTEST_PHONE_S = 0.005
_SHORTEST_PAUSE_S = 0.138
"""At the end of an utterance, up to 250 words a minute; off-glides are shorter from 80 on."""
_DARK_L_SHARE = 0.35

_COMPOUNDS: dict[str, tuple[tuple[str, float], ...]] = {
    "əl": (("ə", 0.4), ("l", 0.6)),
    "aɪə": (("aɪ", 0.65), ("ə", 0.35)),
    "aʊə": (("aʊ", 0.65), ("ə", 0.35)),
}
"""Marks of espeak-ng that are several phones, with the share of the duration that each takes."""

_IGNORED = frozenset("/[]().‿\u035c\u0361\u200d\u032f")
"""Brackets, syllable dots, ties, and the mark of a vowel that makes no syllable."""
_LETTERS = {"ʧ": "tʃ", "ʤ": "dʒ", ":": "ː", "'": "ˈ", "c\u0327": "ç"}
"""Signs written for others; /ç/ is a letter of its own, not /c/ with a cedilla."""
_RHOTICS = frozenset("ɹrɾ")
_MAX_WORD_PHONES = 60
"""espeak-ng's buffer for one word of mnemonics overflows, and the process dies, at about twice as many."""


@dataclass(frozen=True, slots=True)
class PhoneMark:
    """A synthesiser's event: from `sample` on it renders `label`; an empty label is a pause or the tail of the phone before."""

    label: str
    sample: int
    word: int


@dataclass(frozen=True, slots=True)
class IpaPhone:
    """One phone of an IPA request."""

    symbol: str
    stress: Stress
    word: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of the waveform before its times are final."""

    symbol: str
    stress: Stress
    start_s: float
    end_s: float
    word: int


# ---- marks -> phones ------------------------------------------------------------------------------------------------------
def phones_from_marks(marks: Sequence[PhoneMark], samples: Array, sample_rate_hz: int) -> tuple[Phone, ...]:
    """Phones that tile `samples` [N] from the first to the last sound; pauses between words are `sil`."""
    starts = _starts(marks, samples, sample_rate_hz)
    end = (PhoneMark("", len(samples), -1), len(samples))
    pieces = [
        piece
        for (mark, start), (_, stop) in pairwise([*starts, end])
        for piece in _pieces(mark, start / sample_rate_hz, stop / sample_rate_hz)
    ]
    return _syllabified(_trimmed(pieces))


def _starts(marks: Sequence[PhoneMark], samples: Array, sample_rate_hz: int) -> list[tuple[PhoneMark, int]]:
    """Each mark that is a phone or a pause, with the first sample of it."""
    starts: list[tuple[PhoneMark, int]] = []
    stops = [*(mark.sample for mark in marks[1:]), len(samples)]
    for mark, stop in zip(marks, stops, strict=True):
        if mark.label.startswith("("):
            continue  # "(en)": a change of language, which has no sound.
        # The echo of some voices sounds on in a pause, which is longer than any off-glide.
        glides = stop - mark.sample < _SHORTEST_PAUSE_S * sample_rate_hz
        if not mark.label and glides and np.any(np.abs(samples[mark.sample : stop]) >= _SILENT_LEVEL):
            continue  # An off-glide without a symbol of its own prolongs what it follows.
        start = mark.sample
        if mark.label[:1] in STOPS:
            before = starts[-1][1] if starts else 0
            start = _closure_start(samples, start, max(before, start - round(_LONGEST_CLOSURE_S * sample_rate_hz)))
        if starts and starts[-1][0].label and start - starts[-1][1] < _SHORTEST_PHONE_S * sample_rate_hz:
            starts[-1] = _moved_into(starts[-1], starts[-2][1] if len(starts) > 1 else 0)
        starts.append((mark, start))
    return starts


def _moved_into(dark_l: tuple[PhoneMark, int], vowel_start: int) -> tuple[PhoneMark, int]:
    """A dark /l/ is rendered as the end of its vowel and marked, without a duration of its own, after it."""
    mark, start = dark_l
    return mark, start - round(_DARK_L_SHARE * (start - vowel_start))


def _closure_start(samples: Array, burst: int, earliest: int) -> int:
    """First sample of the silence that ends at `burst`: espeak-ng marks a stop at its burst, not at its closure."""
    loud = np.flatnonzero(np.abs(samples[earliest:burst]) >= _SILENT_LEVEL)
    return earliest + int(loud[-1]) + 1 if len(loud) else earliest


def _pieces(mark: PhoneMark, start_s: float, end_s: float) -> list[_Piece]:
    stress = _STRESS_MARKS.get(mark.label[:1], 0)
    symbol = "".join(c for c in mark.label if c == "ː" or (unicodedata.category(c)[0] in "LM" and c not in _STRESS_MARKS))
    pieces = []
    for part, share in _COMPOUNDS.get(symbol, ((symbol or SILENCE, 1.0),)):
        stop_s = min(start_s + share * (end_s - start_s), end_s)
        pieces.append(_Piece(part, stress, start_s, stop_s, mark.word))
        start_s = stop_s
    pieces[-1] = replace(pieces[-1], end_s=end_s)
    return pieces


def _trimmed(pieces: list[_Piece]) -> list[_Piece]:
    """Without silence at both ends, empty pieces, and pauses in a row."""
    kept: list[_Piece] = []
    for piece in pieces:
        if piece.end_s <= piece.start_s or (piece.symbol == SILENCE and not kept):
            continue
        if piece.symbol == SILENCE and kept[-1].symbol == SILENCE:
            kept[-1] = replace(kept[-1], end_s=piece.end_s)
        else:
            kept.append(piece)
    return kept[:-1] if kept and kept[-1].symbol == SILENCE else kept


# ---- syllables ------------------------------------------------------------------------------------------------------------
def _syllabified(pieces: list[_Piece]) -> tuple[Phone, ...]:
    syllables = syllable_indices([(piece.symbol, piece.word) for piece in pieces])
    stress: dict[int, Stress] = {}
    for piece, syllable in zip(pieces, syllables, strict=True):
        stress[syllable] = stress.get(syllable) or piece.stress
    return tuple(
        Phone(piece.symbol, piece.start_s, piece.end_s, 0 if piece.symbol == SILENCE else stress[syllable], syllable)
        for piece, syllable in zip(pieces, syllables, strict=True)
    )


def syllable_indices(phones: Sequence[tuple[str, int]]) -> list[int]:
    """Syllable of each (symbol, word): each vowel takes the longest onset that English allows, and words do not share one."""
    indices: list[int] = []
    for _, group in groupby(phones, key=lambda phone: phone[1]):
        first = indices[-1] + 1 if indices else 0
        indices += [first + index for index in _within_word([symbol for symbol, _ in group])]
    return indices


def _within_word(symbols: list[str]) -> list[int]:
    nuclei = [i for i, symbol in enumerate(symbols) if is_vowel(symbol)]
    boundaries = []
    for left, right in pairwise(nuclei):
        start = left + 1
        while not _is_onset(symbols[start:right]):
            start += 1
        boundaries.append(start)
    return [sum(boundary <= i for boundary in boundaries) for i in range(len(symbols))]


def _is_onset(cluster: Sequence[str]) -> bool:
    if len(cluster) <= 1:
        return "ŋ" not in cluster
    first, second = cluster[0], cluster[1]
    if SILENCE in cluster or (first in SONORANTS and second != "j"):
        return False
    if len(cluster) == 2:
        glides = second in GLIDES_AND_LIQUIDS and (second != "l" or first not in ("t", "d", "θ", "ð"))
        return glides or (first in "sʃ" and second in "ptkmnfv")
    return len(cluster) == 3 and first in "sʃ" and second in "ptk" and _is_onset(cluster[1:])


# ---- IPA ------------------------------------------------------------------------------------------------------------------
def parse_ipa(ipa: str, inventory: Inventory = ENGLISH) -> tuple[IpaPhone, ...]:
    """The phones of IPA such as `bɪˈkɒz`; slashes, brackets, ties and dots are ignored, spaces part words.

    Raises `SpeechError` that names an unknown symbol and its position.
    """
    text = unicodedata.normalize("NFD", ipa)
    for written, meant in _LETTERS.items():
        text = text.replace(written, meant)
    text = "".join(c for c in text if c not in _IGNORED)
    phones: list[IpaPhone] = []
    stress: Stress = 0
    word = position = 0
    while position < len(text):
        if text[position].isspace():
            word, position = word + 1, position + 1
        elif text[position] in _STRESS_MARKS:
            stress, position = _STRESS_MARKS[text[position]], position + 1
        else:
            symbols, length = _longest_match(text, position, ipa, inventory)
            for symbol in symbols:
                phones.append(IpaPhone(symbol, stress if is_vowel(symbol) else 0, word))
                stress = 0 if is_vowel(symbol) else stress
            position += length
    return tuple(phones)


def _longest_match(text: str, position: int, ipa: str, inventory: Inventory) -> tuple[tuple[str, ...], int]:
    for length in (3, 2, 1):
        symbol = text[position : position + length]
        if len(symbol) == length and (symbol in inventory.mnemonics or symbol in inventory.spellings):
            return inventory.spellings.get(symbol, (symbol,)), length
    symbol = text[position]
    column = unicodedata.normalize("NFD", ipa).find(symbol) + 1
    raise SpeechError(
        f"'{symbol}' (U+{ord(symbol):04X}) at position {column} of /{ipa.strip('/')}/ is no {inventory.name} phone",
        hint=f"allowed: {' '.join(inventory.mnemonics)}",
    )


def matched(phones: Sequence[Phone], request: Sequence[IpaPhone]) -> tuple[Phone, ...] | None:
    """`phones` under the symbols of the request, or None when they are not its phones.

    espeak-ng links some vowels by an /ɹ/ of its own, which is joined to the vowel, and reduces vowels without being asked.
    """
    found: list[Phone] = []
    wanted = iter([*request, None])
    phone_wanted = next(wanted)
    for phone in phones:
        if phone.symbol == SILENCE:
            found.append(phone)
        elif phone.symbol in _RHOTICS and found and (phone_wanted is None or phone_wanted.symbol not in _RHOTICS):
            found[-1] = found[-1].at(found[-1].start_s, phone.end_s)
        elif phone_wanted is None or is_vowel(phone.symbol) != is_vowel(phone_wanted.symbol):
            return None
        else:
            found.append(replace(phone, symbol=phone_wanted.symbol))
            phone_wanted = next(wanted)
    return tuple(found) if phone_wanted is None else None


def to_mnemonics(phones: Sequence[IpaPhone], inventory: Inventory = ENGLISH) -> str:
    """The request in espeak-ng's notation, a bracket per word. Raises `SpeechError` for a word beyond espeak-ng's buffer."""
    words = []
    for _, group in groupby(phones, key=lambda phone: phone.word):
        word = list(group)
        if len(word) > _MAX_WORD_PHONES:
            raise SpeechError(f"a word of {len(word)} phones, at most {_MAX_WORD_PHONES}", hint="part it with spaces")
        if not any(phone.stress for phone in word):
            word = _stress_first_full_vowel(word)
        marks = (",'"[phone.stress == 1] * (phone.stress > 0) + inventory.mnemonics[phone.symbol] for phone in word)
        words.append("[[" + "|".join(marks) + "]]")
    return " ".join(words)


def _stress_first_full_vowel(word: list[IpaPhone]) -> list[IpaPhone]:
    """Left to itself espeak-ng stresses the last vowel of an unmarked word, be it a schwa."""
    vowels = [i for i, phone in enumerate(word) if is_vowel(phone.symbol)]
    full = [i for i in vowels if word[i].symbol not in ("ə", "ɐ")]
    for i in (full or vowels)[:1]:
        word[i] = replace(word[i], stress=1)
    return word
