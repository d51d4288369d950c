"""A driver against the true motion of words that training never hears: curves, contacts, mesh, readability, rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation import Style
from slp_mouthing.errors import InputError
from slp_mouthing.evaluation import closures, curves, metrics, viseme_classifier, word_identification
from slp_mouthing.evaluation.lip_measures import onlooker
from slp_mouthing.evaluation.passages import held_out_voices, passage, passages, training_voices
from slp_mouthing.evaluation.performance import perform, true_motion
from slp_mouthing.evaluation.report import Report, Row
from slp_mouthing.evaluation.statistics import exact, mean, ratio
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.training.voices import DEFAULT_VOICE, Voice
from slp_mouthing.types import MouthScore, Speech

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from slp_mouthing.evaluation.classifier import Classifier
    from slp_mouthing.evaluation.drivers import Judged
    from slp_mouthing.evaluation.lip_measures import Onlooker
    from slp_mouthing.evaluation.performance import Performance
    from slp_mouthing.evaluation.statistics import Estimate
    from slp_mouthing.types import Floats

    OnProgress = Callable[[int, int], None]
    """Passages done, passages in all."""

_TEMPLATE_VOICES = 2
_SILENCE_S = 2.0

_NOTES = (
    "truth: the rule driver on the same plan. Words of the test split; intervals of 95% by resampling passages.",
    "correlation: Pearson's r of each control over the frames of all passages, mean over those that move; pairs count once.",
    "recall: share of the phones /p b m/ (/f v/) in which the lips (lip and teeth) touch on the posed head; precision: share of "
    "the contacts made within mouthings that the truth has too, or a phone asks for, within a frame and 0.3 mm.",
    "visemes: 16 classes, balanced accuracy of a reader trained on true motion of training words; words: nearest template of the "
    "true motion by two other voices, among all words of the test.",
    "rest: the furthest lip vertex, in the worst passage.",
)


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """On how much a driver is judged."""

    voices: tuple[str, ...] = ()
    """Names as in `training.voices.Voice`, a column each; none: the default one, and those that training never hears together."""
    passages: int = 40
    """Of five words, for each column."""
    training: int = 120
    """Passages of true motion that the reader of visemes is trained on."""
    fps: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.passages, self.training) < 1:
            raise InputError(f"{self.passages} passages and {self.training} for training, expected at least 1 of each")


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """All that is known of a driver with one group of voices."""

    performances: tuple[Performance, ...]
    visemes: viseme_classifier.Reading
    words: tuple[Estimate, Estimate, Estimate]
    """Identified of the prediction, of the truth, and of the prediction with the words shuffled."""


def judge(driver: Judged, options: JudgeOptions | None = None, on_progress: OnProgress | None = None) -> Report:
    """Figures of `driver`, a column for each group of voices. Raises `MouthError`, for an unknown voice among others."""
    options = options or JudgeOptions()
    columns = _Judge(driver, options, on_progress or (lambda done, total: None)).columns()
    rows = [Row(name, tuple(of(c) for c in columns.values()), unit, digits, goal) for name, unit, digits, goal, of in _FIGURES]
    still = exact(_motion_in_silence_mm(driver, options.fps))
    rows.append(Row("motion when the input is silence", (still,) * len(columns), "mm", 4, "0"))
    return Report(f"driver '{driver.name}', {options.fps:g} fps", tuple(columns), tuple(rows), _NOTES)


class _Judge:
    def __init__(self, driver: Judged, options: JudgeOptions, on_progress: OnProgress) -> None:
        self.driver, self.options, self.on_progress = driver, options, on_progress
        self.onlooker: Onlooker = onlooker(load_builtin())
        self.groups = _groups(options)
        self.done, self.total = 0, options.training + len(self.groups) * options.passages

    def columns(self) -> dict[str, _Column]:
        reader = self._reader()
        return {name: self._column(voices, reader) for name, voices in self.groups.items()}

    def _reader(self) -> Classifier:
        options, voices = self.options, training_voices(6, self.options.seed)
        clips = []
        for one in passages("train", voices, options.training, options.seed, options.fps):
            clips.append(true_motion(one, self.onlooker, options.fps).visemes)
            self._step()
        return viseme_classifier.train_reader(clips, options.seed)

    def _column(self, voices: list[Voice], reader: Classifier) -> _Column:
        made = []
        for one in passages("test", voices, self.options.passages, self.options.seed, self.options.fps):
            made.append(perform(self.driver, one, self.onlooker, self.options.fps))
            self._step()
        seen, real = ([getattr(p, side).visemes for p in made] for side in ("predicted", "true"))
        return _Column(tuple(made), viseme_classifier.read(reader, seen, real, self.options.seed), self._words(made))

    def _words(self, made: Sequence[Performance]) -> tuple[Estimate, Estimate, Estimate]:
        asked = np.array([word for p in made for word in p.words])
        seen, real = (np.concatenate([getattr(p, side).words for p in made]) for side in ("predicted", "true"))
        templates, words = self._templates(sorted(set(asked)))
        shuffled = np.random.default_rng([self.options.seed, 0x50]).permutation(asked)
        pairs = ((seen, asked), (real, asked), (seen, shuffled))
        first, second, third = (word_identification.identified(motion, names, templates, words) for motion, names in pairs)
        return first, second, third

    def _templates(self, vocabulary: list[str]) -> tuple[Floats, NDArray[np.str_]]:
        """True motion of every word by voices that are not judged. -> [P, L, D], [P]"""
        motions: list[Floats] = []
        words: list[str] = []
        for k, voice in enumerate(training_voices(_TEMPLATE_VOICES + 1, self.options.seed + 1)[1:]):
            rng = np.random.default_rng([self.options.seed, k, 0x7E])
            one = passage(tuple(vocabulary), voice, rng, self.options.fps)
            motions.append(true_motion(one, self.onlooker, self.options.fps).words)
            words += one.words
        return np.concatenate(motions), np.array(words)

    def _step(self) -> None:
        self.done += 1
        self.on_progress(self.done, self.total)


def _groups(options: JudgeOptions) -> dict[str, list[Voice]]:
    if options.voices:
        return {name: [Voice(name)] for name in options.voices}
    return {f"default voice ({DEFAULT_VOICE})": [Voice(DEFAULT_VOICE)], "held-out voices": held_out_voices(8, options.seed)}


def _motion_in_silence_mm(driver: Judged, fps: float) -> float:
    """Furthest that a lip vertex moves when nothing is asked for and nothing is heard."""
    score = MouthScore((), (), _SILENCE_S)
    sound = Speech(np.zeros(round(_SILENCE_S * 22050), np.float32), 22050, ())
    watching = onlooker(load_builtin())
    seen = watching(driver.move(score, lambda: sound, fps, Style(), Voice(DEFAULT_VOICE)))
    return curves.rest_error_mm(seen.lips_m, watching.neutral_lips_m, np.ones(len(seen.opening_m), bool))


# ---- figures --------------------------------------------------------------------------------------------------------------
def _lve_squared(column: _Column) -> Estimate:
    """As released: pooled over frames, 1e-5 m^2 as the tables have it."""
    errors = [p.errors_m for p in column.performances]
    return ratio([1e5 * float((e**2).sum()) for e in errors], [len(e) for e in errors])


def _worst(name: str) -> Callable[[_Column], Estimate]:
    return lambda column: exact(max(getattr(p, name) for p in column.performances), len(column.performances))


def _correlation(part: str) -> Callable[[_Column], Estimate]:
    return lambda column: curves.correlation([getattr(p, part) for p in column.performances])


def _contact(kind: str, figure: Callable[[Sequence[closures.Tally]], Estimate]) -> Callable[[_Column], Estimate]:
    return lambda column: figure([getattr(p, kind) for p in column.performances])


_FIGURES: tuple[tuple[str, str, int, str, Callable[[_Column], Estimate]], ...] = (
    ("correlation within mouthings", "", 3, "0.95, held out 0.85", _correlation("within")),
    ("correlation, rest included", "", 3, "", _correlation("throughout")),
    ("closure recall /p b m/", "", 3, "0.98, held out 0.92", _contact("lips", closures.recall)),
    ("closure precision /p b m/", "", 3, "0.95, held out 0.92", _contact("lips", closures.precision)),
    ("contact recall /f v/", "", 3, "", _contact("teeth", closures.recall)),
    ("contact precision /f v/", "", 3, "", _contact("teeth", closures.precision)),
    ("LVE, mean distance", "mm", 3, "", lambda c: mean([metrics.lve_mm(p.errors_m) for p in c.performances])),
    ("LVE as released, squared", "1e-5 m2", 3, "", _lve_squared),
    ("MTM", "ms", 1, "", lambda c: mean([p.mtm_ms for p in c.performances])),
    ("visemes read of the prediction", "", 3, "", lambda c: c.visemes.predicted),
    ("visemes read of the truth (ceiling)", "", 3, "", lambda c: c.visemes.ceiling),
    ("visemes read when shuffled (floor)", "", 3, "", lambda c: c.visemes.floor),
    ("visemes, share of the ceiling", "", 3, "0.85", lambda c: c.visemes.share),
    ("words identified of the prediction", "", 3, "", lambda c: c.words[0]),
    ("words identified of the truth (ceiling)", "", 3, "", lambda c: c.words[1]),
    ("words identified when shuffled (floor)", "", 3, "", lambda c: c.words[2]),
    ("rest error", "mm", 4, "0", _worst("rest_error_mm")),
    ("jitter at rest", "mm", 4, "0", _worst("rest_jitter_mm")),
)  # fmt: skip
"""Name, unit, digits, goal, how it is had."""
