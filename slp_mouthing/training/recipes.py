"""What the clips of a corpus are made of. A recipe makes any one of its clips from a seed and the clip's index alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from slp_mouthing.training.clean import CleanRecipe
from slp_mouthing.training.mead_like import MeadLikeRecipe
from slp_mouthing.training.words import WordsRecipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.training.clip import Clip


class Recipe(Protocol):
    """The clips of one kind of corpus."""

    @property
    def count(self) -> int:
        """How many there are."""

    def clip(self, index: int) -> Clip:
        """Clip `index` of `count`; the same whatever was made before it."""


RECIPES: dict[str, Callable[[int, int | None], Recipe]] = {
    "words": WordsRecipe,
    "words-flite": partial(WordsRecipe, recorded=0.35),
    "clean": CleanRecipe,
    "mead-like": MeadLikeRecipe,
}
"""By kind: seed and number of clips (None for the kind's own) to a recipe."""
_WITH_FLITE = ("words-flite",)


def versions(kind: str) -> dict[str, str]:
    """Of the programs that speak in a kind of corpus. Raises `InstallationError` when one is missing."""
    from slp_mouthing.speech import espeak, flite

    found = {"espeak-ng": espeak.version()}
    return found | {"flite": flite.version()} if kind in _WITH_FLITE else found
