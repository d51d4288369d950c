"""Utterance -> gloss text: the inverse of the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing.notation.mouth import write_mouth

if TYPE_CHECKING:
    from slp_mouthing.types import Sign, TimedMouthing, Utterance


def format_utterance(utterance: Utterance) -> str:
    """One line of gloss text with the start and end of every sign.

    `parse` gives the same signs and spans back, up to lines and columns, for every utterance that gloss text can hold. What it
    cannot, mouthings at times of their own, follows as a comment.
    """
    firsts = {span.first: span for span in utterance.spans}
    lasts = {span.last for span in utterance.spans}
    words: list[str] = []
    for index, sign in enumerate(utterance.signs):
        word = _sign(sign)
        if index in firsts:
            word = f"⌘{write_mouth(firsts[index].override)}({word}"
        words.append(f"{word})" if index in lasts else word)
    words += ["?"] if utterance.question else []
    timed = [f"{write_mouth(one.override)}@{_slot(one)}" for one in utterance.mouthings]
    return " ".join([*words, "#", *timed] if timed else words)


def _sign(sign: Sign) -> str:
    word = f"{sign.gloss}@{_slot(sign)}"
    return f"{word}{{{write_mouth(sign.override)}}}" if sign.override else word


def _slot(one: Sign | TimedMouthing) -> str:
    return f"{_seconds(one.start_s)}-{_seconds(one.end_s)}"


def _seconds(time_s: float) -> str:
    """Decimals to a microsecond, never an exponent."""
    return f"{time_s:.6f}".rstrip("0").rstrip(".")
