"""What training never hears, as the manifest of a corpus lists it."""

from __future__ import annotations

from slp_mouthing.training import texts
from slp_mouthing.training.clip import SPLITS
from slp_mouthing.training.voices import ACCENTS, RECORDED, variants_of


def held_out() -> dict[str, dict[str, list[str]]]:
    """Words, accents, recorded voices and variants of a speaker, each by split."""
    unheard = [split for split in SPLITS if split != "train"]
    words = texts.word_splits()
    return {
        "words": {split: [word for word, own in words.items() if own == split] for split in unheard},
        "accents": {split: list(ACCENTS[split]) for split in unheard},
        "recorded": {split: list(RECORDED[split]) for split in unheard},
        "variants": {split: list(variants_of(split)) for split in unheard},
    }
