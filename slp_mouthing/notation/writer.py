"""Utterance -> gloss text: the inverse of the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.notation.mouth import write_mouth

if TYPE_CHECKING:
    from slp_mouthing.types import Sign, Utterance


def format_utterance(utterance: Utterance) -> str:
    """One line of gloss text with the start and end of every sign.

    `parse` gives the same signs and spans back, up to lines and columns, for every utterance that gloss text can hold.
    """
    firsts = {span.first: span for span in utterance.spans}
    lasts = {span.last for span in utterance.spans}
    words: list[str] = []
    for index, sign in enumerate(utterance.signs):
        word = _sign(sign)
        if index in firsts:
            word = f"⌘{write_mouth(firsts[index].override)}({word}"
        words.append(f"{word})" if index in lasts else word)
    return " ".join(words)


def _sign(sign: Sign) -> str:
    word = f"{sign.gloss}@{_seconds(sign.start_s)}-{_seconds(sign.end_s)}"
    return f"{word}{{{write_mouth(sign.override)}}}" if sign.override else word


def _seconds(time_s: float) -> str:
    """Decimals to a microsecond, never an exponent."""
    return f"{time_s:.6f}".rstrip("0").rstrip(".")
