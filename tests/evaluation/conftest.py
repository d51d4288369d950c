"""A few words instead of the lexicon's thousands, so that tests need not sort those into splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slp_mouthing.evaluation import passages
from slp_mouthing.training.texts import Texts

if TYPE_CHECKING:
    from slp_mouthing.training.clip import Split

WORDS: dict[Split, tuple[str, ...]] = {
    "train": ("mother", "five", "shoe", "apple", "week", "beef", "paper", "goat", "yellow", "river", "think", "harbour"),
    "test": ("bomb", "puppy", "vivid", "father", "moon", "cheese"),
}


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "texts_of", lambda split: Texts(split, WORDS[split], ()))
