"""What the clips of a corpus are made of. A recipe makes any one of its clips from a seed and the clip's index alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from slp_mouthing.training.words import WordsRecipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.training.clip import Clip


class Recipe(Protocol):
    """The clips of one kind of corpus."""

    count: int

    def clip(self, index: int) -> Clip:
        """Clip `index` of `count`; the same whatever was made before it."""


RECIPES: dict[str, Callable[[int, int | None], Recipe]] = {"words": WordsRecipe}
"""By kind: seed and number of clips (None for the kind's own) to a recipe."""
