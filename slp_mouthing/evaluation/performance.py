"""A passage performed by a driver beside its true motion, measured at the lips of the built-in head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.articulation import Style, articulate
from slp_mouthing.articulation.likeness import moments
from slp_mouthing.errors import InputError
from slp_mouthing.evaluation import closures, curves, metrics
from slp_mouthing.evaluation.viseme_classifier import windows
from slp_mouthing.evaluation.word_identification import word_motions

if TYPE_CHECKING:
    from slp_mouthing.articulation.likeness import Moments
    from slp_mouthing.evaluation.drivers import Judged
    from slp_mouthing.evaluation.lip_measures import Onlooker, Seen
    from slp_mouthing.evaluation.passages import Passage
    from slp_mouthing.evaluation.viseme_classifier import Windows
    from slp_mouthing.types import ControlCurves, Floats, MouthScore


@dataclass(frozen=True, slots=True, eq=False)
class Readable:
    """What readers get of a motion."""

    visemes: Windows
    words: Floats  # [actions, L, D]

    @staticmethod
    def of(score: MouthScore, seen: Seen, fps: float) -> Readable:
        return Readable(windows(score, seen.measures, fps), word_motions(score, seen.measures, fps))


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """One passage: how far the prediction is from the truth, and what can be read of both."""

    words: tuple[str, ...]
    within: Moments
    """Of the control curves, within mouthings."""
    throughout: Moments
    lips: closures.Tally
    teeth: closures.Tally
    errors_m: Floats  # [T] of the lip vertex that is furthest off
    mtm_ms: float
    rest_error_mm: float
    rest_jitter_mm: float
    predicted: Readable
    true: Readable


def perform(driver: Judged, passage: Passage, onlooker: Onlooker, fps: float, style: Style | None = None) -> Performance:
    """`passage` by `driver`, against the rules. Raises `InputError` when the driver's frames are not those of the score."""
    style, score = style or Style(), passage.score
    real = articulate(score, fps, style)
    made = driver.move(score, passage.sound, fps, style, passage.voice)
    if made.values.shape != real.values.shape:
        raise InputError(f"driver '{driver.name}' made frames {made.values.shape}, expected {real.values.shape}")
    seen, truth = onlooker(made), onlooker(real)
    at_rest = curves.resting(score, fps, len(real))
    middle = onlooker.middle_of_lips
    return Performance(
        words=passage.words,
        within=moments(made.values, real.values, curves.mouthing(score, fps, len(real))),
        throughout=moments(made.values, real.values),
        lips=closures.tally("lips", score, seen, truth, fps),
        teeth=closures.tally("teeth", score, seen, truth, fps),
        errors_m=metrics.lip_errors_m(seen.lips_m, truth.lips_m, np.arange(len(onlooker.lips))),
        mtm_ms=metrics.mtm_ms(metrics.lip_gap(seen.lips_m, *middle), metrics.lip_gap(truth.lips_m, *middle), fps),
        rest_error_mm=curves.rest_error_mm(seen.lips_m, onlooker.neutral_lips_m, at_rest),
        rest_jitter_mm=curves.rest_jitter_mm(seen.lips_m, at_rest),
        predicted=Readable.of(score, seen, fps),
        true=Readable.of(score, truth, fps),
    )


def true_motion(passage: Passage, onlooker: Onlooker, fps: float) -> Readable:
    """What readers learn from: the passage as the rules perform it."""
    curves_made: ControlCurves = articulate(passage.score, fps)
    return Readable.of(passage.score, onlooker(curves_made), fps)
