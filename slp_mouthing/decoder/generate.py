"""Free-running generation: the autoregressive loop, for batches of unequal lengths, any length, and streams.

Three identities make it quick, and are exact:
- What is fed back is `vertice_map(vertice_map_r(h))`, a product of two matrices that is taken once; the loop never touches the
  vertices, and those of all frames come from one product at the end.
- A frame's cross-attention sees its own memory alone. Where that is one vector no query matters: it is
  `out_proj(v_proj(memory))`, known before the loop. Where there are a few, the projections are worked into them beforehand.
- Earlier frames never change, so that their keys and values are kept. All of them: the last head's bias falls by 1/256 a
  second, so that half an hour later a frame still counts. That is half a kilobyte for each.

The loop itself is compiled, see `rollout_kernel`. `reference_rollout` is its plain twin, equal to 1e-5.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from slp_mouthing.decoder.clip_loop import ClipLoop, LoopWeights
from slp_mouthing.decoder.light_weights import Named
from slp_mouthing.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the autoregressive decoder") from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from slp_mouthing.decoder.autoregressive import AutoregressiveDecoder
    from slp_mouthing.types import Array

Result = TypeVar("Result")


def rollout(
    decoder: AutoregressiveDecoder, memory: Tensor, style: Tensor, lengths: Tensor | None = None, draft: Tensor | None = None
) -> Tensor:
    """Motion of clips of unequal lengths, each frame from those predicted before it. -> [B, T, K], zero beyond a clip's end

    Args:
        memory: [B, S, M] from the encoder, S = T * span; what lies beyond a clip's end is not looked at.
        style: [B, D] embedding of the speaker.
        lengths: [B] frames of each clip; None for T.
        draft: [B, T, K] the other head's suggestion, where the decoder's options ask for one.
    """
    return FoldedDecoder(decoder).begin(style).push(memory, draft, lengths)


class FoldedDecoder:
    """A decoder ready to run free, with a copy of its layers: make another after training. Safe to share between threads."""

    def __init__(self, decoder: AutoregressiveDecoder) -> None:
        """Raises `ValueError` for sizes that are no multiples of four."""
        self.decoder, options = decoder, decoder.options
        weights = {name: _numpy(weight) for name, weight in decoder.state_dict().items()}
        into, out = weights["vertice_map.weight"], weights["vertice_map_r.weight"]
        self.feed = into.T
        """What a draft adds to the token after it, [K, D]."""
        self.offset = into @ weights["vertice_map_r.bias"] + weights["vertice_map.bias"]
        """Of every token but the first, [D]."""
        self.say = np.concatenate([out, weights["vertice_map_r.bias"][:, None]], axis=1).T
        """Hidden vectors, with a 1 after them, to motion: [D + 1, K]."""
        self.loop = LoopWeights.of(
            Named(weights).under("transformer_decoder.layers."), options.layers, options.heads, options.span,
            weights["PPE.pe"][0], (into @ out).T,
        )  # fmt: skip

    def begin(self, style: Tensor) -> Rollout:
        """Clips that arrive in parts; `style` [B, D]."""
        return Rollout(self, style)

    def each(
        self, memory: Tensor, style: Tensor, lengths: Sequence[int] | None = None, draft: Tensor | None = None
    ) -> Iterator[Tensor]:
        """One clip after the other, [its frames, K], in order; the arguments are those of `rollout`.

        With all vertices a whole batch takes gigabytes, and most of the time is spent to get them from the system.
        """
        counts = [memory.shape[1] // self.decoder.options.span] * len(style) if lengths is None else lengths

        def one(b: int) -> Tensor:
            heard = memory[b : b + 1, : counts[b] * self.decoder.options.span]
            return self.begin(style[b : b + 1]).push(heard, None if draft is None else draft[b : b + 1, : counts[b]])[0]

        yield from _shared(one, len(counts))


class Rollout:
    """Clips on their way through a decoder: memory goes in as it arrives, and each frame comes out with its own memory."""

    def __init__(self, folded: FoldedDecoder, style: Tensor) -> None:
        self._folded = folded
        self._clips = [ClipLoop(folded.loop, token) for token in _numpy(style)]
        self._offsets = folded.offset + _numpy(style)  # [B, D] of every token but the first

    @torch.no_grad()
    def push(self, memory: Tensor, draft: Tensor | None = None, lengths: Tensor | None = None) -> Tensor:
        """The next memory, [B, n * span, M] -> the motion of these frames, [B, n, K].

        `draft` [B, n, K] and `lengths` [B], frames of each clip in this part, as for `rollout`. Raises `ValueError` for memory
        of another number of clips or half a frame.
        """
        decoder, options = self._folded.decoder, self._folded.decoder.options
        B, n = len(self._clips), memory.shape[1] // options.span
        if memory.shape[:2] != (B, n * options.span):
            raise ValueError(f"memory has shape {list(memory.shape)}, expected [{B}, n * {options.span}, {options.memory_dim}]")
        counts = [n] * B if lengths is None else [min(int(count), n) for count in lengths]
        heard = _numpy(decoder.hear(memory, draft))
        drafted = _numpy(draft) if options.draft and draft is not None else None
        # Not numpy's: it asks for large pages, which a machine that has long been up takes a millisecond each to find.
        said = torch.empty(B, n, options.outputs)
        motion = said.numpy()

        def run(b: int) -> None:
            count = counts[b]
            suggested = None if drafted is None else drafted[b, :count]
            self._run(b, heard[b, : count * options.span], suggested, motion[b, :count])
            motion[b, count:] = 0.0

        for _ in _shared(run, B):
            pass
        return said.to(memory)

    def _run(self, b: int, heard: Array, draft: Array | None, motion: Array) -> None:
        """Part of clip `b`: from what it hears [n * span, D] and the draft [n, K], `motion` [n, K] is filled."""
        folded, dim = self._folded, len(self._offsets[b])
        added = np.repeat(self._offsets[b][None], len(motion), axis=0)
        if draft is not None:
            added += draft @ folded.feed
        hidden = np.ones((len(motion), dim + 1), np.float32)
        self._clips[b].run(folded.loop.hear(heard), added, hidden)
        # With all vertices most of the work is here.
        np.dot(hidden, folded.say, out=motion)
        if draft is not None:
            motion += draft


def reference_rollout(decoder: AutoregressiveDecoder, memory: Tensor, style: Tensor, draft: Tensor | None = None) -> Tensor:
    """As FaceFormer's released code has it: the whole past through all layers and back from the vertices, at every frame.

    The same arguments as `rollout`, for clips of equal lengths. Slow, differentiable, and what `rollout` must be equal to.
    """
    heard = decoder.hear(memory, draft)
    tokens = style[:, None]
    motion = style.new_zeros(len(style), 0, decoder.options.outputs)
    for t in range(memory.shape[1] // decoder.options.span):
        so_far = None if draft is None else draft[:, : t + 1]
        motion = decoder.say(decoder.run(tokens, heard), so_far)
        tokens = torch.cat([tokens, decoder.vertice_map(motion[:, -1:]) + style[:, None]], dim=1)
    return motion


def _shared(work: Callable[[int], Result], count: int) -> Iterator[Result]:
    """`work` for 0 to `count`, on as many threads as torch uses: kernels and products release the interpreter lock."""
    if (threads := min(torch.get_num_threads(), count)) <= 1:
        yield from map(work, range(count))
        return
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, count, threads):
            # No more at once than are being made: each result may be large.
            yield from pool.map(work, range(first, min(first + threads, count)))


def _numpy(tensor: Tensor) -> Array:
    array: Array = tensor.detach().to("cpu", torch.float32).numpy()
    return array
