"""The autoregressive decoder without torch: the loop of `generate`, for one utterance in parts."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slp_mouthing.decoder.clip_loop import LoopWeights
    from slp_mouthing.decoder.light_weights import Linear, Named
    from slp_mouthing.decoder.options import DecoderOptions
    from slp_mouthing.types import Array, Floats


@dataclass(frozen=True, slots=True, eq=False)
class DecoderWeights:
    """`autoregressive.AutoregressiveDecoder` with the speaker's embedding before it and the encoder's last norm worked in."""

    speaker: Linear
    hear: Linear
    draft: Linear | None
    feed: Linear  # a frame's motion to what comes into the loop
    say: Linear
    offset: Array  # [D] of every token but the first
    loop: LoopWeights

    @staticmethod
    def of(weights: Named, options: DecoderOptions) -> DecoderWeights:
        from slp_mouthing.decoder.clip_loop import LoopWeights  # Compiled: most networks have no such decoder.

        decoder = weights.under("decoder.")
        feed, say = decoder.linear("vertice_map"), decoder.linear("vertice_map_r")
        hear = decoder.linear("audio_feature_map").after_norm(weights["encoder.norm.weight"], weights["encoder.norm.bias"])
        again, layers = say.then(feed), decoder.under("transformer_decoder.layers.")
        loop = LoopWeights.of(layers, options.layers, options.heads, options.span, decoder["PPE.pe"][0], again.weight)
        draft = decoder.linear("draft_map") if options.draft else None
        return DecoderWeights(weights.linear("speaker"), hear, draft, feed, say, again.bias, loop)


def decoder_shapes(options: DecoderOptions) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every weight by torch's name, with its shape."""
    dim = options.model_dim
    linear = {"audio_feature_map": (dim, options.memory_dim), "vertice_map": (dim, options.outputs)}
    linear |= {"vertice_map_r": (options.outputs, dim)}
    if options.draft:
        linear["draft_map"] = (dim, options.outputs)
    for layer in (f"transformer_decoder.layers.{k}" for k in range(options.layers)):
        for attention in ("self_attn", "multihead_attn"):
            yield from (
                (f"{layer}.{attention}.in_proj_weight", (3 * dim, dim)),
                (f"{layer}.{attention}.in_proj_bias", (3 * dim,)),
            )
            linear[f"{layer}.{attention}.out_proj"] = (dim, dim)
        linear |= {f"{layer}.linear1": (options.feed_forward, dim), f"{layer}.linear2": (dim, options.feed_forward)}
        for k in (1, 2, 3):
            yield from ((f"{layer}.norm{k}.weight", (dim,)), (f"{layer}.norm{k}.bias", (dim,)))
    for name, shape in linear.items():
        yield from ((f"{name}.weight", shape), (f"{name}.bias", shape[:1]))
    yield "PPE.pe", (1, options.period, dim)


class LightRollout:
    """One utterance's frames on their way out."""

    def __init__(self, weights: DecoderWeights, style: Floats | None) -> None:
        from slp_mouthing.decoder.clip_loop import ClipLoop

        self._weights = weights
        numbers = np.zeros(len(weights.speaker.weight)) if style is None else np.asarray(style) - 1.0
        speaker = weights.speaker(numbers.astype(np.float32))
        self._clip, self._offset = ClipLoop(weights.loop, speaker), weights.offset + speaker

    def run(self, memory: Array, draft: Array | None) -> Array:
        """The next frames, from memory before its norm's scale and shift [t, M] and the draft [t, K], if any -> [t, K]"""
        weights = self._weights
        heard = weights.hear(memory)
        added = np.repeat(self._offset[None], len(memory), axis=0)
        if weights.draft is not None and draft is not None:
            heard = heard + weights.draft(draft)
            # The draft is part of what is fed back, and its part of that is known beforehand.
            added += draft @ weights.feed.weight
        hidden = np.empty_like(heard)
        self._clip.run(weights.loop.hear(heard), added, hidden)
        motion = weights.say(hidden)
        return motion if draft is None else motion + draft

    def fork(self) -> LightRollout:
        other = copy.copy(self)
        other._clip = self._clip.fork()
        return other
