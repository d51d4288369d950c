"""Clips of noise with phones, and networks of a few thousand weights, for tests: nothing is synthesised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.decoder.options import EncoderOptions, NetworkOptions
from slp_mouthing.training.batches import ArticulationTarget, Batches, BatchOptions, Example, examples
from slp_mouthing.training.clip import Clip
from slp_mouthing.types import Phone

if TYPE_CHECKING:
    from slp_mouthing.training.clip import Split

WORDS = ("p ɒ p", "m ʌ m iː", "f aɪ v", "t uː", "s ə m b aʊ")
SMALL = NetworkOptions(EncoderOptions(dim=16, layers=1, heads=2, feed_forward=16, stem=8, letter=4, dropout=0.1), hidden=8)


def clip(number: int = 0, split: Split = "train", subject: str = "") -> Clip:
    """A word of noise, with rest around it."""
    rng = np.random.default_rng(number)
    symbols = WORDS[number % len(WORDS)].split()
    edges = 0.2 + np.cumsum([0.0, *rng.uniform(0.08, 0.16, len(symbols))])
    phones = tuple(Phone(name, a, b) for name, a, b in zip(symbols, edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    duration_s = phones[-1].end_s + 0.25
    samples = rng.normal(0.0, 0.1, round(duration_s * 16000)).astype(np.float32)
    return Clip(
        f"clip-{number}", "", voice=subject, subject=subject or "voice", split=split, samples=samples, sample_rate_hz=16000,
        phones=phones, actions=((phones[0].start_s, phones[-1].end_s),), duration_s=duration_s,
    )  # fmt: skip


def made(count: int = 6, rates: tuple[float, ...] = (30.0,)) -> list[Example]:
    return list(examples(map(clip, range(count)), ArticulationTarget(rates)))


def batches(count: int = 6, clips: int = 2, **options: object) -> Batches:
    return Batches(made(count), BatchOptions(clips=clips, **options))  # type: ignore[arg-type]
