"""The network whole: an encoder of speech and a head that says what the face does, with its file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slp_mouthing.decoder.encoder import LogMelEncoder
from slp_mouthing.decoder.options import STYLE, NetworkOptions, options_from_json
from slp_mouthing.errors import InputError, MissingExtra
from slp_mouthing.files import atomic_path

try:
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file
except ImportError as error:
    raise MissingExtra("torch", "torch", why="the neural driver's network") from error

from torch import nn
from torch.nn.functional import silu

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slp_mouthing.decoder.encoder import SpeechBatch

FORMAT = "slp-mouthing network 1"


class MouthingNetwork(nn.Module):
    """Speech to motion. `forward` and `predict` give [B, T, K]; frames beyond a clip's end hold nothing of meaning."""

    def __init__(self, options: NetworkOptions | None = None) -> None:
        super().__init__()
        self.options = options = options or NetworkOptions()
        self.encoder = LogMelEncoder(options.encoder)
        self.head = DraftHead(options)

    def encode(self, batch: SpeechBatch) -> Tensor:  # [B, T, D]
        memory: Tensor = self.encoder(batch)
        return memory

    def draft(self, memory: Tensor, style: Tensor | None = None) -> Tensor:
        """Each frame from its own memory. [B, T, D], [B, 3] -> [B, T, K]; without `style` everyday mouthing."""
        drafted: Tensor = self.head(memory, style)
        return drafted

    def forward(self, batch: SpeechBatch, style: Tensor | None = None) -> Tensor:
        return self.draft(self.encode(batch), style)

    @torch.no_grad()
    def predict(self, batch: SpeechBatch, style: Tensor | None = None) -> Tensor:
        """Free-running, with articulation held in [0, 1]; in evaluation mode whatever the mode was."""
        training = self.training
        self.eval()
        try:
            predicted: Tensor = self(batch, style)
        finally:
            self.train(training)
        return predicted.clamp(0.0, 1.0) if self.options.kind == "articulation" else predicted


class DraftHead(nn.Module):
    """Two layers, frame by frame; the style scales and shifts what is between them."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.gates = options.gates
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
        return torch.cat([values[..., : -self.gates], values[..., -self.gates :].sigmoid()], dim=-1)


# ---- files ------------------------------------------------------------------------------------------------------------------
def save_network(network: MouthingNetwork, path: str | Path, meta: Mapping[str, Any] | None = None) -> None:
    """Write weights, options and `meta` (anything JSON holds) as safetensors, whole or not at all. Raises `OutputError`."""
    header = {"format": FORMAT, "options": json.dumps(asdict(network.options)), "meta": json.dumps(dict(meta or {}))}
    weights = {name: tensor.detach().to("cpu").contiguous() for name, tensor in network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(weights, temporary, header)


def load_network(path: str | Path) -> tuple[MouthingNetwork, dict[str, Any]]:
    """The network, in evaluation mode on the CPU, and its meta.

    Raises `InputError` for a file that is missing, damaged, of another program or another topology, or holds weights that are
    not finite.
    """
    where = str(path)
    header, weights = _read(Path(path))
    if header.get("format") != FORMAT:
        raise InputError("is no network of ours", where=where, hint="bring others in with `mouth model import`")
    try:
        options = options_from_json(json.loads(header["options"]))
        meta = json.loads(header.get("meta", "{}"))
        network = MouthingNetwork(options)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"its options are not understood ({error})", where=where) from error
    check_weights(network, weights, where)
    network.load_state_dict(weights)
    return network.eval(), meta


def check_weights(network: nn.Module, weights: Mapping[str, Tensor], where: str) -> None:
    """Raises `InputError` at the first weight that is missing, superfluous, of another shape, or not finite."""
    expected = network.state_dict()
    for name in sorted(expected.keys() ^ weights.keys()):
        raise InputError(f"weight '{name}' is {'missing' if name in expected else 'unknown'}: another topology", where=where)
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise InputError(
                f"weight '{name}' has shape {list(tensor.shape)}, expected {list(expected[name].shape)}", where=where
            )
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"weight '{name}' holds values that are not finite", where=where, hint="train it again")


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise InputError("no such file", where=str(path))
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"is damaged, or not a safetensors file ({error})", where=str(path)) from error
