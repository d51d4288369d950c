"""Where the words of a recording are: forced alignment by pocketsphinx's American English model.

The words are looked for in their order, each at most once; between them, or in place of one, any other sound may be. So words
that nobody says are told from those that are, and a recording may hold more than was asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slp_mouthing.errors import InstallationError, MissingExtra
from slp_mouthing.speech import arpabet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slp_mouthing.speech.arpabet import Pronunciation
    from slp_mouthing.speech.recording import Recording, Samples
    from slp_mouthing.types import Phone

_RATE_HZ = 16000
_FRAME = _RATE_HZ // 100
"""Samples from one frame of the model to the next."""
_SHORTEST = 1600
"""Samples of a tenth of a second: no word is shorter."""
_WORD_BEAM = 1e-15
"""A wider one finds the same words at many times the cost."""
_WIDE = {"beam": 1e-200, "pbeam": 1e-200, "wbeam": 1e-200}
_CLEAR = 1 / 3
"""Share of the words above which the others count as not said."""
_SKIPPED, _OTHER = 0.01, 0.01
"""Weights of a word that is not said, and of a sound of another. Of 15 recordings of English, these find
95% of the longer words when a third of them is left out of the list, and 3% of words that are not said among as many that are."""
_OTHER_SOUNDS = ("AA", "AE", "AH", "AO", "AY", "EH", "ER", "IH", "IY", "OW", "UW", "S", "SH", "F", "T", "K", "M", "N", "L", "R")
"""What other words are made of, roughly: all sounds would find no more, and cost more."""
_LONGEST_WINDOW = 3000
"""Frames. Phones are found in pieces of a recording up to this long: the model's memory grows with the square of it."""
_SQUEEZED = 3.4
"""Frames for each sound of a word, of at least 3, up to which the word is there only because it had to be."""
_MARGIN = 30
"""Frames heard before and after a piece."""
_VARIANTS = range(2, 7)
"""Numbers under which the dictionary lists further ways to say a word."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word to be found."""

    text: str
    phones: tuple[Phone, ...] = ()
    """How a voice says it, beside what the dictionary knows; their times do not matter."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word that was found."""

    text: str
    phones: tuple[Phone, ...]
    """On the recording's clock, without gaps."""

    @property
    def start_s(self) -> float:
        return self.phones[0].start_s

    @property
    def end_s(self) -> float:
        return self.phones[-1].end_s


def words_of(text: str) -> list[str]:
    """The words of a transcript, in lower case and without punctuation."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.replace("’", "'").lower())


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the words are."""

    words: tuple[SpokenWord | None, ...]
    """Each as it is said; None for one that is not found."""
    doubtful: bool = False
    """Too few were found; they were then taken to be all that is said, in order, and may be anywhere if that is not so."""


def align(recording: Recording, words: Sequence[Word]) -> Alignment:
    """Finds `words` in a recording, in order.

    Raises `MissingExtra` without pocketsphinx, `InstallationError` when its model does not load.
    """
    aligner = _Aligner(words)
    samples = recording.at_rate(_RATE_HZ)
    if len(samples) < _SHORTEST:
        return Alignment((None,) * len(words))
    heard = aligner.locate(samples)
    known, count = len(aligner.known), sum(part.word is not None for part in heard)
    doubtful = known > 0 and count <= _CLEAR * known and len(samples) <= _LONGEST_WINDOW * _FRAME
    windows = [aligner.all_of(samples)] if doubtful else _windows(heard)
    found: list[SpokenWord | None] = [None] * len(words)
    for window in windows:
        for index, spoken in aligner.spoken(samples, window):
            found[index] = spoken
    return Alignment(tuple(found), doubtful)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the model heard in frames `start` to `end`: a way to say a word of the list, another sound, or a pause."""

    entry: str
    """Of the model's dictionary."""
    start: int
    end: int
    word: int | None = None
    """Index in the list of words."""


class _Aligner:
    """pocketsphinx with a dictionary of its own: `w3(2)` is the second way to say the list's fourth word."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        # Weights of words need a narrow beam; once the words are known, a wide one costs little and does not lose the way.
        self.decoder, self.exact = _decoder(wbeam=_WORD_BEAM), _decoder(**_WIDE)
        self.ways: dict[str, tuple[int, Pronunciation]] = {}
        for index, word in enumerate(words):
            for number, way in enumerate(self._ways(word), 1):
                entry = f"w{index}" if number == 1 else f"w{index}({number})"
                self._teach(entry, way.spelling)
                self.ways[entry] = index, way
        self.known = sorted({index for index, _ in self.ways.values()})
        for name in _OTHER_SOUNDS:
            self._teach(f"+{name}", name, last=name == _OTHER_SOUNDS[-1])

    def locate(self, samples: Samples) -> list[_Heard]:
        """Everything that is heard but pauses, in order."""
        steps: list[tuple[int, int, float] | tuple[int, int, float, str]] = []
        for state, index in enumerate(self.known):
            steps += [(state, state + 1, 1.0, f"w{index}"), (state, state + 1, _SKIPPED)]
        steps += [(state, state, _OTHER, f"+{name}") for state in range(len(self.known) + 1) for name in _OTHER_SOUNDS]
        self.decoder.add_fsg("words", self.decoder.create_fsg("words", 0, len(self.known), steps))
        self.decoder.activate_search("words")
        _listen(self.decoder, samples)
        return [
            _Heard(part.word, part.start_frame, part.end_frame + 1, self.ways.get(part.word, (None,))[0])
            for part in self.decoder.seg() or ()
            if part.word in self.ways or part.word.startswith("+")
        ]

    def all_of(self, samples: Samples) -> list[_Heard]:
        """Every word, said in any of its ways, as all that there is."""
        frames = len(samples) // _FRAME
        return [_Heard(f"w{index}", 0, frames, index) for index in self.known]

    def spoken(self, samples: Samples, window: Sequence[_Heard]) -> Iterator[tuple[int, SpokenWord]]:
        """The phones of the words of a window, each with its index."""
        first = max(window[0].start - _MARGIN, 0)
        heard = samples[first * _FRAME : (window[-1].end + _MARGIN) * _FRAME]
        self.exact.set_align_text(" ".join(part.entry for part in window))
        try:
            _listen(self.exact, heard)
            self.exact.set_alignment()
            _listen(self.exact, heard)
        except RuntimeError:
            # The words do not fit into the time there is.
            return
        for word in self.exact.get_alignment() or ():
            if word.name in self.ways:
                index, way = self.ways[word.name]
                if word.duration > _SQUEEZED * len(way.spelling.split()):
                    yield index, SpokenWord(self.words[index].text, tuple(_timed(way, list(word), first)))

    def _teach(self, entry: str, spelling: str, *, last: bool = False) -> None:
        for decoder in (self.decoder, self.exact):
            decoder.add_word(entry, spelling, last)

    def _ways(self, word: Word) -> Iterator[Pronunciation]:
        """How the word may be said: as the voice does, and as the dictionary has it."""
        seen: set[str] = set()
        if (way := arpabet.from_phones(word.phones)) is not None:
            seen.add(way.spelling)
            yield way
        for entry in (word.text, *(f"{word.text}({number})" for number in _VARIANTS)):
            spelling = self.decoder.lookup_word(entry)
            if spelling is not None and spelling not in seen:
                seen.add(spelling)
                yield arpabet.from_spelling(spelling, word.phones)


def _listen(decoder: Any, samples: Samples) -> None:
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()


def _decoder(**beams: float) -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise MissingExtra("pocketsphinx", "align", why="finding the words of a recording") from error
    try:
        # Without the language weight, which would raise our weights to a power, and without the lattice, which ignores them.
        return Decoder(lm=None, loglevel="FATAL", lw=1.0, bestpath=False, **beams)
    except RuntimeError as error:
        hint = "pip install --force-reinstall pocketsphinx"
        raise InstallationError("pocketsphinx's English model does not load", hint=hint) from error


def _windows(heard: Sequence[_Heard]) -> Iterator[Sequence[_Heard]]:
    """`heard` in pieces that begin and end with a word, none longer than `_LONGEST_WINDOW` if a word is not."""
    words = [k for k, part in enumerate(heard) if part.word is not None]
    while words:
        fits = [k for k in words if heard[k].end - heard[words[0]].start <= _LONGEST_WINDOW] or words[:1]
        yield heard[fits[0] : fits[-1] + 1]
        words = words[len(fits) :]


def _timed(way: Pronunciation, parts: Sequence[Any], first: int) -> Iterator[Phone]:
    """The phones of a word from its ARPABET's frames, which count from frame `first` of the recording."""
    start = 0
    for phone, names in zip(way.phones, way.arpabet, strict=True):
        own = parts[start : start + len(names)]
        start += len(names)
        yield phone.at((first + own[0].start) / 100, (first + own[-1].start + own[-1].duration) / 100)
