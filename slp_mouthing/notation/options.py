"""How a file is read, where its notation leaves a choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slp_mouthing.errors import InputError
from slp_mouthing.notation.conventions import STYLES

if TYPE_CHECKING:
    from slp_mouthing.notation.conventions import GlossStyle


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Each notation heeds the options that concern it."""

    tiers: tuple[str, ...] = ()
    """EAF: names of the gloss tiers of one signer (both hands); empty: those of the corpus that the file is from."""
    mouth_tiers: tuple[str, ...] = ()
    """EAF: names of the tiers that say what the mouth does; empty: those of the corpus, or none with `tiers`."""
    heed_mouth: bool = True
    """EAF: use the file's own mouth tiers; else the lexicon decides."""
    split: str = ""
    """EAF: name of a tier, each of whose annotations becomes an utterance; empty: one utterance per signer."""
    gloss_style: GlossStyle | None = None
    """Conventions of the glosses; None: those of the corpus, else the BSL Corpus'."""

    def __post_init__(self) -> None:
        if self.gloss_style is not None and self.gloss_style not in STYLES:
            raise InputError(f"unknown gloss style '{self.gloss_style}', allowed: {', '.join(STYLES)}")

    @property
    def style(self) -> GlossStyle:
        return self.gloss_style or "bsl"
