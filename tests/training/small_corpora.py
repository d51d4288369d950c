"""Corpora of few words in shards of three clips, for tests: `small()` here, or run as a program to build one.

python small_corpora.py FOLDER JOBS [CLIPS after which it kills itself]
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from slp_mouthing.training import corpus, texts
from slp_mouthing.training.corpus import CorpusOptions

if TYPE_CHECKING:
    import pytest

    from slp_mouthing.training.corpus import BuildProgress

WORDS = (
    "because", "blue", "bus stop", "cabbage", "family", "five", "good afternoon", "late", "maybe", "mother", "people", "radio",
    "television", "think", "village", "wardrobe", "why", "yellow", "actor", "advantage", "afraid", "agree", "around", "green",
)  # fmt: skip
SEVEN = CorpusOptions("words", seed=5, count=7)


def small(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(corpus, "SHARD_CLIPS", 3)
    patch.setattr(texts, "_lexicon_texts", lambda: WORDS)
    forget()


def forget() -> None:
    """What was made of other words."""
    for cache in (texts.texts_of, texts.word_splits):
        cache.cache_clear()


def _main(folder: str, jobs: int, last: int) -> None:
    def kill(progress: BuildProgress) -> None:
        if progress.clips >= last:
            os.kill(os.getpid(), signal.SIGKILL)

    corpus.build_corpus(folder, CorpusOptions(SEVEN.kind, SEVEN.seed, SEVEN.count, jobs), kill)


if __name__ in ("__main__", "__mp_main__"):
    corpus.SHARD_CLIPS = 3
    texts._lexicon_texts = lambda: WORDS
if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1000)
