"""What a network is made of: read by training, by inference with and without torch, and from the files."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from slp_mouthing.decoder.phone_stream import PHONES

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMINGS = 4
"""What is said of a letter's time beside its id, see `encoder.letter_timing`."""
TAPS = 9
"""Features at 100 Hz that each video frame sees: 40 ms to either side, more than a frame, so that no closure falls between."""
KERNEL = 5
"""Of the convolutions at 100 Hz."""
USUAL_FPS = 30.0
GATES = 3
"""The last articulation outputs (lips shut, lip on teeth, presence) are on or off most of the time: they pass a sigmoid."""
STYLE = 3
"""Numbers of a style: intensity, jaw, lip, each 1 in everyday mouthing."""

Outputs = Literal["articulation", "offsets"]


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """The log-mel encoder's size."""

    dim: int = 192
    """D, of the memory."""
    layers: int = 4
    heads: int = 4
    feed_forward: int = 768
    stem: int = 128
    """Channels at 100 Hz."""
    letter: int = 48
    """Dimensions of a letter's embedding."""
    back: int = 24
    """Video frames that a layer sees before each frame."""
    ahead: int = 3
    """And after it: times `layers` it is the look-ahead of the whole, with 0.09 s of the stem."""
    dropout: float = 0.1
    drop_phones: float = 0.25
    """Part of the training clips that come without phones, so that recordings without a transcript work."""
    drop_audio: float = 0.1
    """Part that comes without sound, so that phones alone are enough."""
    vocabulary: int = len(PHONES)


@dataclass(frozen=True, slots=True)
class Wav2Vec2Options:
    """A wav2vec2 model in place of the log-mel encoder."""

    config: str
    """transformers' own, as JSON."""
    stem: bool = True
    """Add what the log-mel encoder's stem makes of phones and log-mel."""


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """The autoregressive decoder's size; the defaults are VisualSpeaker's (section 3.3) but for `outputs` and `memory_dim`."""

    outputs: int = 15
    """K."""
    memory_dim: int = 192
    """Of the encoder's vectors."""
    model_dim: int = 64
    """D."""
    heads: int = 4
    feed_forward: int = 128
    layers: int = 1
    period: int = 30
    """Frames after which positions repeat, and the attention's bias takes its next step; the frame rate in the papers."""
    dropout: float = 0.3
    span: int = 1
    """Memory vectors that a frame has for its own: it sees these and no others."""
    draft: bool = False
    """Correct the motion that another head suggests, instead of making all of it."""


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """The network's size and what it says."""

    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    outputs: int = 15
    """K."""
    kind: Outputs = "articulation"
    """Channels in [0, 1], or vertex offsets in metres (or weights of a linear basis of them), which have no bounds."""
    hidden: int = 192
    """Of the draft head."""
    gate_margin: float = 0.1
    """A gate this near to 0 or 1 is at it: no sigmoid gets there, and lips that are shut must be shut exactly."""
    wav2vec2: Wav2Vec2Options | None = None
    decoder: DecoderOptions | None = None
    """Of the autoregressive decoder; None: the draft is the motion."""
    vertices: int = 0
    """Of the neutral mesh that tells who speaks; 0: the style tells it."""

    @property
    def drafts(self) -> bool:
        """Whether there is a draft head."""
        return self.decoder is None or self.decoder.draft

    @property
    def gates(self) -> int:
        return GATES if self.kind == "articulation" else 0

    @property
    def fitted_decoder(self) -> DecoderOptions | None:
        """`decoder` with the sizes that its neighbours have."""
        return self.decoder and replace(self.decoder, outputs=self.outputs, memory_dim=self.encoder.dim)


def head_slopes(heads: int) -> tuple[float, ...]:
    """ALiBi's (Press et al. 2022), for each head: 1/4, 1/16, 1/64, 1/256 for four."""
    return tuple(2.0 ** (-8.0 * (head + 1) / heads) for head in range(heads))


def options_from_json(found: Mapping[str, Any]) -> NetworkOptions:
    """What `dataclasses.asdict` made. Raises `TypeError` for unknown names and `ValueError` for sizes that cannot be."""
    parts: dict[str, Any] = {"encoder": EncoderOptions(**found["encoder"])}
    if found.get("wav2vec2") is not None:
        parts["wav2vec2"] = Wav2Vec2Options(**found["wav2vec2"])
    if found.get("decoder") is not None:
        parts["decoder"] = DecoderOptions(**found["decoder"])
    options = NetworkOptions(**{**found, **parts})
    everything: list[NetworkOptions | EncoderOptions | DecoderOptions] = [options, options.encoder]
    for part in everything + ([options.decoder] if options.decoder else []):
        for size in fields(part):
            value, usual = getattr(part, size.name), size.default
            if isinstance(usual, (int, float)) and not isinstance(value, (type(usual), int)):
                raise ValueError(f"{size.name} is {value!r}, expected a number like {usual}")
            largest = _MOST_LAYERS if size.name == "layers" else _LARGEST
            if isinstance(value, (int, float)) and not 0 <= value <= largest:
                raise ValueError(f"{size.name} is {value}, allowed: 0 to {largest}")
    return options


_LARGEST, _MOST_LAYERS = 2**18, 64
"""Sizes beyond them are damage: they would ask for more memory, or for more time, than there is."""
