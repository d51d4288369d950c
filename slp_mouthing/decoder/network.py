"""The network whole: an encoder of speech and a head that says what the face does, with its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slp_mouthing.decoder.autoregressive import AutoregressiveDecoder, StyleFromMesh
from slp_mouthing.decoder.encoder import LogMelEncoder
from slp_mouthing.decoder.options import STYLE, NetworkOptions
from slp_mouthing.decoder.weights import StoredNetwork, header_json, read_header, read_weights, write_weights
from slp_mouthing.errors import InputError, MissingExtra
from slp_mouthing.files import atomic_write

try:
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the neural driver's network") from error

from torch import nn
from torch.nn.functional import silu

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from transformers import Wav2Vec2Model

    from slp_mouthing.decoder.encoder import SpeechBatch

_HEADER = "header"


class MouthingNetwork(nn.Module):
    """Speech to motion: an encoder, a head that drafts each frame by itself, and where asked for an autoregressive decoder.

    `style` says who speaks, and how: intensity, jaw and lip [B, 3] (without it everyday mouthing), or, where the options name
    its vertices, the neutral mesh [B, V, 3] in metres.
    """

    def __init__(self, options: NetworkOptions | None = None, wav2vec2: Wav2Vec2Model | None = None) -> None:
        """`wav2vec2`: a trained one of the size in `options`; without it its weights are to be loaded."""
        super().__init__()
        self.options = options = options or NetworkOptions()
        self.encoder = _encoder(options, wav2vec2)
        self.head = DraftHead(options) if options.drafts else None
        self.decoder: AutoregressiveDecoder | None = None
        self.speaker: nn.Module | None = None
        if options.fitted_decoder is not None:
            dim = options.fitted_decoder.model_dim
            self.decoder = AutoregressiveDecoder(options.fitted_decoder)
            self.speaker = StyleFromMesh(options.vertices, dim) if options.vertices else nn.Linear(STYLE, dim)

    def encode(self, batch: SpeechBatch) -> Tensor:  # [B, T, D]
        memory: Tensor = self.encoder(batch)
        return memory

    def draft(self, memory: Tensor, style: Tensor | None = None) -> Tensor | None:
        """Each frame from its own memory, [B, T, D] -> [B, T, K]; None where the decoder makes all of it."""
        return None if self.head is None else self.head(memory, None if self.options.vertices else style)

    def forward(self, batch: SpeechBatch, style: Tensor | None = None, past: Tensor | None = None) -> Tensor:
        """Motion [B, T, K]; frames beyond a clip's end hold nothing of meaning.

        With a decoder, `past` [B, T, K] is the true motion that it goes on from, shifted within (teacher forcing); without
        `past` it goes on from its own, and no gradient reaches it.
        """
        memory = self.encode(batch)
        motion = self.draft(memory, style)
        if self.decoder is not None:
            speaker = self._embedded(batch, style)
            if past is None:
                motion = self.decoder.generate(memory, speaker, batch.frames, motion)
            else:
                motion = self.decoder(past, memory, speaker, motion)
        assert motion is not None
        return motion

    @torch.no_grad()
    def predict(self, batch: SpeechBatch, style: Tensor | None = None) -> Tensor:
        """Free-running, [B, T, K], with articulation held in [0, 1]; in evaluation mode whatever the mode was."""
        training = self.training
        self.eval()
        try:
            predicted: Tensor = self(batch, style)
        finally:
            self.train(training)
        return predicted.clamp(0.0, 1.0) if self.options.kind == "articulation" else predicted

    def _embedded(self, batch: SpeechBatch, style: Tensor | None) -> Tensor:
        """Who speaks, for the decoder: [B, its dimension]."""
        assert self.speaker is not None
        if style is None and self.options.vertices:
            raise ValueError("this network knows speakers by their neutral mesh, and was given none")
        # As in the draft head, everyday mouthing is the origin.
        numbers = torch.zeros(len(batch), STYLE, device=batch.frames.device) if style is None else style - 1.0
        embedded: Tensor = self.speaker(style if self.options.vertices else numbers)
        return embedded


def _encoder(options: NetworkOptions, wav2vec2: Wav2Vec2Model | None) -> nn.Module:
    if options.wav2vec2 is None:
        return LogMelEncoder(options.encoder)
    from slp_mouthing.decoder.wav2vec2 import Wav2Vec2Encoder, make_wav2vec2

    return Wav2Vec2Encoder(wav2vec2 or make_wav2vec2(options.wav2vec2), options.encoder, options.wav2vec2.stem)


class DraftHead(nn.Module):
    """Two layers, frame by frame; the style scales and shifts what is between them."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.gates, self.margin = options.gates, options.gate_margin
        self.hidden = nn.Linear(options.encoder.dim, options.hidden)
        self.style = nn.Linear(STYLE, 2 * options.hidden)
        self.out = nn.Linear(options.hidden, options.outputs)
        nn.init.zeros_(self.style.weight)
        nn.init.zeros_(self.style.bias)

    def forward(self, memory: Tensor, style: Tensor | None = None) -> Tensor:
        hidden = self.hidden(memory)
        if style is not None:
            scale, shift = self.style(style - 1.0)[:, None].chunk(2, dim=-1)
            hidden = hidden * (1.0 + scale) + shift
        values: Tensor = self.out(silu(hidden))
        if not self.gates:
            return values
        gates = (values[..., -self.gates :].sigmoid() - self.margin) / (1.0 - 2.0 * self.margin)
        return torch.cat([values[..., : -self.gates], gates], dim=-1)


# ---- files ------------------------------------------------------------------------------------------------------------------
def save_network(network: MouthingNetwork, path: str | Path, meta: Mapping[str, Any] | None = None) -> None:
    """Write weights, options and `meta` (anything JSON holds), whole or not at all. Raises `OutputError`.

    `.npz` is in half precision and needs no torch to run, see `light`; any other suffix is safetensors in full precision.
    """
    weights = {name: tensor.detach().to("cpu").contiguous() for name, tensor in network.state_dict().items()}
    if Path(path).suffix == ".npz":
        write_weights(StoredNetwork(network.options, {name: w.numpy() for name, w in weights.items()}, meta or {}), path)
        return
    # Not safetensors' own `save_file`: what it writes nobody but the owner may read.
    atomic_write(path, save(weights, {_HEADER: header_json(network.options, meta or {})}))


def load_network(path: str | Path) -> tuple[MouthingNetwork, dict[str, Any]]:
    """The network, in evaluation mode on the CPU, and its meta.

    Raises `InputError` for a file that is missing, damaged, of another program or another topology, or holds weights that are
    not finite.
    """
    stored = read_network(path)
    weights = {name: torch.from_numpy(weight) for name, weight in stored.weights.items()}
    try:
        network = MouthingNetwork(stored.options)
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        raise InputError(f"its options make no network ({error})", where=str(path)) from error
    check_weights(network, weights, str(path))
    network.load_state_dict(weights)
    return network.eval(), dict(stored.meta)


def read_network(path: str | Path) -> StoredNetwork:
    """What `save_network` wrote, `.npz` or safetensors. Raises `InputError`."""
    return read_weights(path) if Path(path).suffix == ".npz" else _read_safetensors(Path(path))


def check_weights(network: nn.Module, weights: Mapping[str, Tensor], where: str) -> None:
    """Raises `InputError` at the first weight that is missing, superfluous, of another shape, or not finite."""
    expected = network.state_dict()
    for name in sorted(expected.keys() ^ weights.keys()):
        raise InputError(f"weight '{name}' is {'missing' if name in expected else 'unknown'}: another topology", where=where)
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            shapes = f"{list(tensor.shape)}, expected {list(expected[name].shape)}"
            raise InputError(f"weight '{name}' has shape {shapes}", where=where)
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"weight '{name}' holds values that are not finite", where=where, hint="train it again")


def _read_safetensors(path: Path) -> StoredNetwork:
    if not path.is_file():
        raise InputError("no such file", where=str(path))
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        hint = "give the best.safetensors of a run"
        raise InputError(f"is damaged, or not a safetensors file ({error})", where=str(path), hint=hint) from error
    if "lip reader" in about.get("format", ""):
        raise InputError("is a lip reader, not a driver", where=str(path), hint="it goes to `mouth train perceptual --reader`")
    options, meta = read_header(about.get(_HEADER, "{}"), str(path))
    return StoredNetwork(options, weights, meta)
