"""Signs that the mouth alone tells apart, and words that no mouth can tell apart: the first must be told, the second not.

The pairs come from the lexicon: entries that `contrasts` names. The homophenes are the check of the checker: a classifier that
tells pat from bat has found something that is not on the lips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.evaluation.classifier import train
from slp_mouthing.evaluation.realisations import Stage, Word
from slp_mouthing.evaluation.report import Report, Row
from slp_mouthing.evaluation.statistics import mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slp_mouthing.evaluation.drivers import Judged
    from slp_mouthing.evaluation.realisations import Timing
    from slp_mouthing.evaluation.statistics import Estimate
    from slp_mouthing.mouthing.lexicon import Lexicon
    from slp_mouthing.types import Floats

    Pair = tuple[Word, Word]
    OnProgress = Callable[[int, int], None]
    """Words done, words in all."""

_HOMOPHENES = (
    "pat bat, seat seed, coat goat, sue zoo, fan van, cheap jeep, pie buy, bad ban, rope robe, safe save, pin bin, ten den, "
    "town down, cold gold, price prize, leaf leave, rich ridge, tea knee, pack back, cap cab"
)
_NEAR = (
    "pat fat, pin tin, pie tie, rope road, ten men, seat sheep, coat boat, cold bold, sue shoe, fan ran, safe shape, bad bath, "
    "buy why, cap cat"
)
"""As alike as can be but for one phone that is seen."""
_NASALS = "pat mat, bat mat, pie my, bad mad, rope roam, cap cam"
"""Alike on the lips but for how long they are shut: the rules hold a nasal through, a stop until its burst."""
_LEAKS = 10
"""Homophenes that are also tried with the timing of the voice."""

_NOTES = (
    "chance is 0.5; people, voices, styles, slots and neighbouring words of the test are not those of the training",
    "timing is level: phones of a visual class last alike but for chance; the last row shows what would leak otherwise",
)


@dataclass(frozen=True, slots=True)
class PairOptions:
    """How often each word is realised."""

    training: int = 24
    """Realisations of each word that its classifier learns from."""
    test: int = 16
    fps: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.training, self.test) < 2:
            raise InputError(f"{self.training} realisations to learn from and {self.test} to test, expected at least 2")


def contrasts(lexicon: Lexicon) -> list[Pair]:
    """Every pair of entries of which one names the other as alike on the hands, and which are both mouthed."""
    entries = lexicon.entries
    named = {tuple(sorted((gloss, other))) for gloss, entry in entries.items() for other in entry.contrasts if other in entries}
    return [(Word(a, True), Word(b, True)) for a, b in sorted(named) if _is_mouthed(a, lexicon) and _is_mouthed(b, lexicon)]


def homophenes() -> list[Pair]:
    return _pairs(_HOMOPHENES)


def judge_pairs(driver: Judged, lexicon: Lexicon, options: PairOptions | None = None, on_progress: OnProgress | None = None,
                pairs: Iterable[Pair] | None = None) -> Report:  # fmt: skip
    """How well a classifier of the motion tells the words of each pair apart.

    Args:
        driver: whose motion it is.
        lexicon: what signs mouth, and which are told apart by the mouth alone.
        options: how often each word is realised.
        on_progress: told of every word done.
        pairs: instead of the lexicon's.

    Raises `InputError` when there are no pairs, `LexiconError` for a pair that is not mouthed.
    """
    options = options or PairOptions()
    found = list(contrasts(lexicon) if pairs is None else pairs)
    if not found:
        raise InputError("no pairs of signs that the mouth tells apart", hint="give a lexicon whose entries have 'contrasts'")
    sets: list[tuple[str, list[Pair], Timing, str]] = [
        ("signs alike on the hands", found, "level", "0.95"),
        ("words one visible phone apart", _pairs(_NEAR), "level", ""),
        ("homophenes", homophenes(), "level", "0.45 to 0.55"),
        ("nasal against stop", _pairs(_NASALS), "level", ""),
        ("homophenes, timing as spoken", homophenes()[:_LEAKS], "spoken", ""),
    ]
    performing = _Performing(driver, lexicon, options, on_progress or (lambda done, total: None), _count(sets))
    rows = []
    for name, some, timing, goal in sets:
        figures = performing.told_apart(some, timing)
        rows.append(Row(name, (_pooled(figures.values()),), "share told apart", 3, goal))
        if name == sets[0][0]:
            rows += [Row(f"  {a} / {b}", (mean(right),), "", 3) for (a, b), right in figures.items()]
    return Report(f"driver '{driver.name}': pairs told apart by their motion", ("told apart",), tuple(rows), _NOTES)


class _Performing:
    """Realises every word once for each timing."""

    def __init__(self, driver: Judged, lexicon: Lexicon, options: PairOptions, on_progress: OnProgress, total: int) -> None:
        self.options, self.on_progress, self.total = options, on_progress, total
        self.stages: dict[Timing, Stage] = {
            timing: Stage(driver, lexicon, options.fps, options.seed, timing) for timing in ("level", "spoken")
        }
        self.known: dict[tuple[Timing, Word], tuple[Floats, Floats]] = {}

    def told_apart(self, pairs: Iterable[Pair], timing: Timing) -> dict[tuple[str, str], Floats]:
        """For each pair whether each test realisation was told rightly, [2 N] of 0 and 1."""
        return {(a.name, b.name): _rightly(self._word(a, timing), self._word(b, timing)) for a, b in pairs}

    def _word(self, word: Word, timing: Timing) -> tuple[Floats, Floats]:
        if (timing, word) not in self.known:
            stage, options = self.stages[timing], self.options
            self.known[timing, word] = (
                stage.realise(word, "train", options.training),
                stage.realise(word, "test", options.test),
            )
            self.on_progress(len(self.known), self.total)
        return self.known[timing, word]


def _rightly(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> Floats:
    learnt, tested = (np.concatenate(parts) for parts in zip(first, second, strict=True))
    names = [np.repeat(["first", "second"], [len(a), len(b)]) for a, b in zip(first, second, strict=True)]
    return np.asarray(train(learnt, names[0])(tested) == names[1], float)


def _pooled(figures: Iterable[Floats]) -> Estimate:
    """Mean over pairs; the interval is over pairs as well, since realisations of a pair share its words."""
    return mean([float(right.mean()) for right in figures])


def _pairs(text: str) -> list[Pair]:
    return [(Word(a), Word(b)) for a, b in (pair.split() for pair in text.split(","))]


def _count(sets: Iterable[tuple[str, list[Pair], Timing, str]]) -> int:
    return len({(timing, word) for _, pairs, timing, _ in sets for pair in pairs for word in pair})


def _is_mouthed(gloss: str, lexicon: Lexicon) -> bool:
    return lexicon.entries[gloss].mouth.kind in ("text", "ipa")
