"""Free-running generation against FaceFormer's way, with all vertices: python benchmarks/bench_generate.py [ROUNDS]

FaceFormer's own sizes (64 dimensions, 15,069 outputs), random weights: the time does not depend on them. Both ways in turns on
one thread, so that what else runs on the machine meets both; the ratio is of the processor's time, medians over the rounds.
Without the encoder, which is the same for both. FaceFormer takes one clip at a time: its batch is as many clips in a row, of
which a few are timed.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import TYPE_CHECKING

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch

from slp_mouthing.decoder.autoregressive import AutoregressiveDecoder
from slp_mouthing.decoder.generate import FoldedDecoder, reference_rollout
from slp_mouthing.decoder.options import DecoderOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

FACEFORMER = DecoderOptions(outputs=15069, memory_dim=768, dropout=0.0)
BATCH = 64


def main(rounds: int = 3) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    decoder = AutoregressiveDecoder(FACEFORMER).eval()
    torch.nn.init.normal_(decoder.vertice_map_r.weight, std=0.01)
    folded = FoldedDecoder(decoder)
    folding_s = statistics.median(_seconds(lambda: FoldedDecoder(decoder)) for _ in range(5))
    print(f"folding the weights, once for a model: {1e3 * folding_s:.1f} ms")
    print(f"{'frames':>6} {'clips':>5} {'plain':>12} {'here':>12} {'ratio':>7} {'frames/s':>9} {'difference':>11}")
    for frames in (300, 600):
        _compare(folded, frames, rounds)


@torch.no_grad()
def _compare(folded: FoldedDecoder, frames: int, rounds: int) -> None:
    """One clip, and a batch."""
    memory, style = torch.randn(BATCH, frames, FACEFORMER.memory_dim), torch.randn(BATCH, FACEFORMER.model_dim)
    plain_s, alone_s, batch_s, difference = [], [], [], 0.0
    results: list[Tensor] = []
    for k in range(rounds):
        part = slice(k, k + 1)
        plain_s.append(_seconds(lambda part=part: results.append(reference_rollout(folded.decoder, memory[part], style[part]))))
        alone_s += [_seconds(lambda part=part: results.append(folded.begin(style[part]).push(memory[part]))) for _ in range(5)]
        difference = max(difference, float((results[0] - results[-1]).abs().max()))
        results.clear()
        batch_s.append(_seconds(lambda: sum(len(motion) for motion in folded.each(memory, style))))
    plain, alone, batch = (statistics.median(seconds) for seconds in (plain_s, alone_s, batch_s))
    for clips, theirs, ours in ((1, plain, alone), (BATCH, BATCH * plain, batch)):
        rate = clips * frames / ours
        print(f"{frames:6} {clips:5} {theirs:10.3f} s {ours:10.3f} s {theirs / ours:6.0f}x {rate:9.0f} {difference:11.1e}")


def _seconds(work: Callable[[], object]) -> float:
    """Of the processor."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
