"""The network without torch: numpy alone, for whole utterances and for streams of any length.

There is one way through: chunks go in, frames come out as soon as all that they may look at is known, and a whole utterance is
a stream of a few chunks. Since every layer's view is bounded, each keeps the little past that it needs; memory does not grow.
`network.MouthingNetwork` is the reference, equal to 1e-5.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.decoder.features import FEATURE_HZ
from slp_mouthing.decoder.light_rollout import DecoderWeights, LightRollout, decoder_shapes
from slp_mouthing.decoder.light_stages import Layer, Stem
from slp_mouthing.decoder.light_weights import HeadWeights, LayerWeights, Named, StemWeights, encoder_shapes, normalised
from slp_mouthing.decoder.options import STYLE
from slp_mouthing.decoder.speech_input import SpeechInput
from slp_mouthing.decoder.weights import read_weights
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from slp_mouthing.decoder.options import NetworkOptions
    from slp_mouthing.decoder.weights import StoredNetwork
    from slp_mouthing.types import Array, Floats

_CHUNK_FRAMES = 256
"""Video frames that a whole utterance is worked through at a time."""


class LightNetwork:
    """A trained network, ready to run. Immutable, and safe to share between threads."""

    def __init__(self, stored: StoredNetwork) -> None:
        self.options: NetworkOptions = stored.options
        self.meta: Mapping[str, Any] = stored.meta
        encoder = stored.options.encoder
        weights = Named(stored.weights)
        self._stem = StemWeights.of(weights.under("encoder.stem."))
        self._layers = [LayerWeights.of(weights.under(f"encoder.layers.{k}."), encoder) for k in range(encoder.layers)]
        self._head = HeadWeights.of(weights, stored.options) if stored.options.drafts else None
        decoder = stored.options.fitted_decoder
        self._decoder = None if decoder is None else DecoderWeights.of(weights, decoder)

    @staticmethod
    def load(path: str | Path) -> LightNetwork:
        """Of `.npz`. Raises `InputError` for a file that is missing, damaged, of another program or topology, or needs torch."""
        stored = read_weights(path)
        if reason := _needs_torch(stored.options):
            raise InputError(f"is a network that needs torch: {reason}", where=str(path), hint="take its .safetensors file")
        for name, shape in every_shape(stored.options):
            if (found := stored.weights.get(name)) is None or found.shape != shape:
                got = "missing" if found is None else f"of shape {list(found.shape)}"
                raise InputError(f"weight '{name}' is {got}, expected {list(shape)}: another topology", where=str(path))
        return LightNetwork(stored)

    def predict(self, speech: SpeechInput, style: Floats | None = None) -> Array:
        """Motion at `speech.times_s`, [T, K]. `style` [3]: intensity, jaw, lip; without it everyday mouthing."""
        stream = self.stream(speech.fps, style, audio=speech.mel is not None, phones=speech.phones is not None)
        parts = [stream.push(chunk) for chunk in _chunks(speech)]
        return np.concatenate([*parts, stream.finish()])

    def stream(self, fps: float, style: Floats | None = None, *, audio: bool = True, phones: bool = True) -> LightStream:
        """An utterance that arrives in parts; `audio` and `phones` say which of the two its parts hold."""
        return LightStream(self, fps, style, audio, phones)


class LightStream:
    """One utterance on its way through a network."""

    def __init__(self, network: LightNetwork, fps: float, style: Floats | None, audio: bool, phones: bool) -> None:
        self._stem = Stem(network._stem, network.options.encoder, fps, audio, phones)
        self._layers = [Layer(weights, network.options.encoder) for weights in network._layers]
        self._head = None if network._head is None else network._head.styled(style)
        self._rollout = None if network._decoder is None else LightRollout(network._decoder, style)
        self._streams, self._bounded = (audio, phones), network.options.kind == "articulation"

    def push(self, speech: SpeechInput) -> Array:
        """The next features and the next frames' times (both on the clock of the whole) -> the frames now known, [t, K].

        Either may be empty; times may run ahead of the features. A frame is known once the look-ahead after it is there.
        """
        if ((speech.mel is not None), (speech.phones is not None)) != self._streams:
            raise ValueError("the part holds other streams than the utterance was begun with")
        return self._run(speech, final=False)

    def finish(self) -> Array:
        """The rest of the frames, [t, K]: nothing comes after what was pushed."""
        return self._run(None, final=True)

    def fork(self) -> LightStream:
        """Another stream that goes on from here: its `finish` tells what comes if nothing else does."""
        # No layer changes an array that it holds: it takes a new one.
        other = copy.copy(self)
        other._stem, other._layers = self._stem.fork(), [copy.copy(layer) for layer in self._layers]
        other._rollout = None if self._rollout is None else self._rollout.fork()
        return other

    def _run(self, speech: SpeechInput | None, final: bool) -> Array:
        x = self._stem.run(speech, final)
        for layer in self._layers:
            x = layer.run(x, final)
        memory = normalised(x)
        motion = None if self._head is None else self._head(memory)
        if self._rollout is not None:
            motion = self._rollout.run(memory, motion)
        assert motion is not None
        return np.clip(motion, 0.0, 1.0) if self._bounded else motion


def _needs_torch(options: NetworkOptions) -> str:
    """What of a network is not written in numpy; empty when all of it is."""
    if options.wav2vec2 is not None:
        return "it hears through wav2vec2"
    if options.vertices:
        return "it knows speakers by their neutral mesh"
    decoder = options.decoder
    if decoder is None:
        return ""
    if decoder.span != 1:
        return f"its decoder looks at {decoder.span} memory vectors for each frame"
    if not decoder.heads or decoder.model_dim % (4 * decoder.heads) or decoder.feed_forward % 4:
        return "its decoder's sizes are no multiples of four"
    return ""


def every_shape(options: NetworkOptions) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every weight of a network by torch's name, with its shape."""
    yield from encoder_shapes(options)
    if (decoder := options.fitted_decoder) is not None:
        yield from ((f"decoder.{name}", shape) for name, shape in decoder_shapes(decoder))
        yield from (("speaker.weight", (decoder.model_dim, STYLE)), ("speaker.bias", (decoder.model_dim,)))


def _chunks(speech: SpeechInput) -> Iterator[SpeechInput]:
    """`speech` in parts of `_CHUNK_FRAMES`."""
    size = max(round(_CHUNK_FRAMES / speech.fps * FEATURE_HZ), 1)
    count = max(-(-speech.length // size), -(-len(speech.times_s) // _CHUNK_FRAMES))
    for k in range(count):
        part = slice(k * size, (k + 1) * size)
        mel = None if speech.mel is None else speech.mel[part]
        phones = None if speech.phones is None else speech.phones[part]
        yield SpeechInput(speech.times_s[k * _CHUNK_FRAMES : (k + 1) * _CHUNK_FRAMES], mel, phones)
