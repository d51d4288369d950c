"""A small classifier with nothing to tune by hand: kernel ridge regression onto the classes (regularised least squares).

Closed form, so that the same examples always give the same classifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Floats

_RIDGE = 0.1
_FLAT = 1e-6
"""A feature that varies less than this says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """Says which class features [N, D] look most like."""

    classes: NDArray[np.str_]  # [K]
    _middle: Floats  # [D]
    _scale: Floats  # [D]
    _examples: Floats  # [M, D]
    _weights: Floats  # [M, K]

    def __call__(self, features: Floats) -> NDArray[np.str_]:  # [N]
        return np.asarray(self.classes[np.argmax(self.scores(features), axis=1)])

    def scores(self, features: Floats) -> Floats:
        """How much each looks like each class. [N, D] -> [N, K]"""
        return _kernel((features - self._middle) * self._scale, self._examples) @ self._weights


def train(features: Floats, labels: Sequence[str] | NDArray[np.str_]) -> Classifier:
    """The classifier of examples [M, D] with their classes [M]; every class counts alike, however many examples it has.

    Raises `InputError` for fewer than two classes.
    """
    given = np.asarray(labels)
    classes, numbers, counts = np.unique(given, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise InputError(f"{len(classes)} classes to tell apart, at least 2")
    middle, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > _FLAT, 1.0 / np.maximum(deviation, _FLAT), 0.0)
    examples = (features - middle) * scale
    targets = np.where(numbers[:, None] == np.arange(len(classes)), 1.0, -1.0 / (len(classes) - 1))
    # A rare class's examples are as if there were more of them: their ridge is smaller.
    ridge = _RIDGE * counts[numbers] * len(classes) / len(given)
    weights = np.linalg.solve(_kernel(examples, examples) + np.diag(ridge), targets)
    return Classifier(classes, middle, scale, examples, weights)


def balanced_accuracy(said: NDArray[np.str_], true: NDArray[np.str_]) -> float:
    """Share said rightly of each class, mean over the classes that there are: guessing the commonest gains nothing."""
    return float(np.mean([np.mean(said[true == name] == name) for name in np.unique(true)]))


def _kernel(a: Floats, b: Floats) -> Floats:
    """Gaussian of the distance, as wide as examples usually lie apart. [N, D], [M, D] -> [N, M]"""
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * a @ b.T
    return np.asarray(np.exp(-np.maximum(squared, 0.0) / a.shape[1]))
