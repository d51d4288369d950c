"""What the mouth aims at for each phone: targets of the articulators, and how much each phone insists on them.

The table is by IPA letter, so that a phone of any language has a viseme: diphthongs and affricates are the sequence of their
letters. Targets are weights of face controls at clear everyday mouthing, where /ɑː/ opens the jaw to about two thirds.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from slp_mouthing.types import Phone

    Weights = NDArray[np.float64]

ARTICULATORS: tuple[str, ...] = (
    "jawOpen",
    "mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile", "mouthLowerDown", "mouthUpperUp",
    "tongueOut", "tongueUp", "tongueTipUp", "tongueBack", "tongueWide",
)  # fmt: skip
"""Columns of `Viseme.targets`; mouth controls that come in pairs are driven alike on both sides."""
JAW, LIPS, TONGUE = slice(0, 1), slice(1, 7), slice(7, 12)

Contact = Literal["", "lips", "teeth"]


@dataclass(frozen=True, slots=True, eq=False)
class Viseme:
    """One target posture."""

    targets: Weights = field(repr=False)  # [A] in [0, 1]
    dominance: Weights = field(repr=False)  # [A] how firmly the phone holds each articulator against its neighbours
    contact: Contact = ""
    """What must touch: lip on lip, or lower lip on upper teeth."""
    hold: tuple[float, float] = (0.0, 1.0)
    """Part of the phone for which the contact lasts; a stop's ends at its burst."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A viseme on the clock."""

    viseme: Viseme
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


def segments(phones: Iterable[Phone]) -> list[Segment]:
    """The visemes of `phones` in order of time; pauses have none."""
    found: list[Segment] = []
    for phone in phones:
        if phone.symbol == "sil":
            continue
        parts = visemes(phone.symbol)
        edges = np.linspace(0.0, 1.0, len(parts) + 1)
        if len(parts) == 2:
            edges[1] = _FIRST_OF_TWO
        edges = phone.start_s + edges * phone.duration_s
        found += [Segment(part, float(a), float(b)) for part, a, b in zip(parts, edges[:-1], edges[1:], strict=True)]
    return found


def visemes(symbol: str) -> list[Viseme]:
    """One viseme per IPA letter of `symbol`; length, stress, tone and diacritics do not change it."""
    letters = [c for c in unicodedata.normalize("NFD", symbol) if unicodedata.category(c) in ("Ll", "Lo", "Lu")]
    return [_BY_LETTER.get(letter, _NEUTRAL) for letter in letters] or [_NEUTRAL]


_FIRST_OF_TWO = 0.55
"""Share of a diphthong or affricate that belongs to its first part."""


def _viseme(jaw: float, jaw_dominance: float, lips_dominance: float, tongue_dominance: float, **targets: float) -> Viseme:
    """Targets by articulator without `mouth`, as `pucker=0.9`; what is not named aims at rest."""
    names = [name.removeprefix("mouth") for name in ARTICULATORS]
    values, dominance = np.zeros(len(ARTICULATORS)), np.empty(len(ARTICULATORS))
    values[JAW] = jaw
    for name, value in targets.items():
        values[names.index(name if name.startswith("tongue") else name[0].upper() + name[1:])] = value
    dominance[JAW], dominance[LIPS], dominance[TONGUE] = jaw_dominance, lips_dominance, tongue_dominance
    return Viseme(values, dominance)


def _vowel(jaw: float, lips_dominance: float = 1.0, **targets: float) -> Viseme:
    return _viseme(jaw, lips_dominance, lips_dominance, 0.3, **targets)


_NEUTRAL = _vowel(0.18, 0.4, lowerDown=0.06)

_STOP_HOLD = (0.08, 0.62)
_NASAL_HOLD = (0.08, 0.85)
_FRICATIVE_HOLD = (0.15, 0.8)

_I = _vowel(0.12, stretch=0.5, smile=0.5, lowerDown=0.25, upperUp=0.25, tongueUp=0.8)
_SMALL_I = _vowel(0.2, 0.9, stretch=0.38, smile=0.3, lowerDown=0.2, upperUp=0.18, tongueUp=0.6)
_Y = _vowel(0.1, pucker=0.85, funnel=0.2, tongueUp=0.8)
_U = _vowel(0.1, pucker=0.9, funnel=0.15, tongueBack=0.4)
_SMALL_U = _vowel(0.17, pucker=0.62, funnel=0.28, tongueBack=0.3)
_E = _vowel(0.38, stretch=0.32, smile=0.15, lowerDown=0.22, upperUp=0.15, tongueUp=0.3)
_OE = _vowel(0.28, pucker=0.45, funnel=0.45, tongueUp=0.3)
_O = _vowel(0.28, funnel=0.5, pucker=0.45, tongueBack=0.3)
_OPEN_O = _vowel(0.42, funnel=0.6, pucker=0.15, tongueBack=0.4)
_SHORT_O = _vowel(0.5, funnel=0.42, pucker=0.05, tongueBack=0.4)
_A = _vowel(0.58, stretch=0.22, lowerDown=0.2, upperUp=0.14)
_BACK_A = _vowel(0.66, lowerDown=0.14, upperUp=0.08, tongueBack=0.5)
_UH = _vowel(0.44, 0.9, lowerDown=0.12, upperUp=0.06)
_ER = _vowel(0.26, 0.9, funnel=0.2, lowerDown=0.12, upperUp=0.06)
_SCHWA = _vowel(0.2, 0.5, lowerDown=0.08)

_P = replace(_viseme(0.1, 0.5, 0.08, 0.1, lowerDown=0.15, upperUp=0.1), contact="lips", hold=_STOP_HOLD)
_M = replace(_P, hold=_NASAL_HOLD)
_F = replace(_viseme(0.08, 0.8, 0.15, 0.1, upperUp=0.15), contact="teeth", hold=_FRICATIVE_HOLD)
_TH = _viseme(0.18, 0.7, 0.3, 1.0, tongueOut=0.35, tongueWide=0.2, lowerDown=0.15, upperUp=0.1)
_T = _viseme(0.12, 0.45, 0.06, 1.0, tongueTipUp=0.7)
_L = _viseme(0.3, 0.4, 0.08, 1.0, tongueTipUp=0.9, lowerDown=0.1)
_S = _viseme(0.06, 0.9, 0.3, 0.8, stretch=0.3, smile=0.22, lowerDown=0.28, upperUp=0.2, tongueUp=0.3)
_SH = _viseme(0.12, 0.9, 0.9, 0.8, funnel=0.55, pucker=0.3, lowerDown=0.12, upperUp=0.12, tongueUp=0.4)
_R = _viseme(0.16, 0.4, 0.5, 0.6, funnel=0.35, pucker=0.35, tongueBack=0.3)
_W = _viseme(0.08, 0.6, 1.0, 0.4, pucker=1.0, tongueBack=0.5)
_J = _viseme(0.12, 0.4, 0.25, 0.9, stretch=0.38, smile=0.36, lowerDown=0.15, tongueUp=0.8)
_K = _viseme(0.18, 0.25, 0.05, 1.0, tongueBack=0.8)
_H = _viseme(0.25, 0.03, 0.02, 0.02)

_BY_LETTER: dict[str, Viseme] = {
    letter: viseme
    for letters, viseme in (
        ("i", _I), ("ɪ", _SMALL_I), ("yʏ", _Y), ("u", _U), ("ʉɵ", replace(_Y, targets=_U.targets)), ("ʊᵿ", _SMALL_U),
        ("ɨɯᵻ", _SMALL_I), ("eɛ", _E), ("øœ", _OE), ("oɤ", _O), ("ɔ", _OPEN_O), ("ɒ", _SHORT_O), ("aæɶ", _A), ("ɑ", _BACK_A),
        ("ʌɐ", _UH), ("ɜɝɞ", _ER), ("əɘɚ", _SCHWA),
        ("pbɸβʙ", _P), ("m", _M), ("fvʋɱ", _F), ("θð", _TH), ("tdnrɾɬɮʈɖɳɽ", _T), ("lɭ", _L), ("sz", _S), ("ʃʒɕʑʂʐ", _SH),
        ("ɹɻ", _R), ("wʍɥ", _W), ("jçʝʎɲcɟ", _J), ("kɡgŋxɣɰqɢχʁʀɴ", _K), ("hɦħʔʕ", _H),
    )
    for letter in letters
}  # fmt: skip
