"""Published networks in files: their authors' checkpoints, read without running what is in them, and ours, safetensors."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slp_mouthing.decoder.mesh_model import MeshModel
from slp_mouthing.errors import InputError, MissingExtra
from slp_mouthing.files import atomic_write
from slp_mouthing.torchfile import read_torch

try:
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save
except ImportError as error:
    raise MissingExtra("torch", "wav2vec2", why="a published speech-to-mesh network") from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from slp_mouthing.decoder.published import PublishedNetwork, Weights

    Kind = type[PublishedNetwork]

FORMAT = "slp-mouthing mesh model 1"
_WRAPPERS = ("state_dict", "model", "model_state_dict", "network")
"""Names under which training programs keep the weights beside other things."""
_AUTOENCODER = "autoencoder."
_FIRST_STAGE = ("quantize.embedding.weight", "decoder.vertice_map_reverse.weight")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a file holds, and whether it is whole."""

    title: str
    data: str
    vertices: int
    fps: float
    subjects: tuple[str, ...]
    encoder: str
    parameters: int
    tensors: int
    """In the file."""
    unused: int
    """Of these, what only training needs."""
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    source: str
    """The file it was imported from; empty for a file of its authors."""
    problem: str
    """Why it cannot be used; empty when it can."""


def load_model(path: str | Path, device: str = "cpu") -> MeshModel:
    """A network that `import_model` brought in, in evaluation mode on a torch device.

    Raises `InputError` for a file that is missing, damaged, no such network, or holds weights that are not finite.
    """
    weights, about = _read_own(Path(path))
    network = _fitted(_known(about, str(path)), weights, str(path))
    return MeshModel(network.to(device), _checksum(Path(path)))


def import_model(path: str | Path, out: str | Path, autoencoder: str | Path | None = None) -> MeshModel:
    """Bring the published checkpoint `path` into our format, `out` (safetensors, whole or not at all). -> the network

    `autoencoder`: CodeTalker's first stage, which its second does not hold. Raises `InputError` as `load_model` does, and for
    files with code in them; `OutputError`.
    """
    if Path(path).suffix == ".safetensors" and is_imported(path):
        raise InputError("is imported already", where=str(path), hint="give it to --driver as it is")
    found = read_checkpoint(path, autoencoder)
    kind = _recognise(found, str(path))
    own = _own(found, kind, str(path))
    network = _fitted(kind, own, str(path))
    about = {"format": FORMAT, "kind": kind.__name__, "source": Path(path).name, "source_sha256": _checksum(Path(path))}
    weights = {name: weight.contiguous() for name, weight in network.state_dict().items()}
    # Not safetensors' own `save_file`: what it writes nobody but the owner may read.
    atomic_write(out, save(weights, {"about": json.dumps(about)}))
    return MeshModel(network, _checksum(Path(out)))


def describe(path: str | Path, autoencoder: str | Path | None = None) -> ModelInfo:
    """What a published checkpoint or an imported network holds; missing and unknown weights are told, not raised.

    Raises `InputError` for a file that is missing, damaged, holds code, or is recognised as none of the networks.
    """
    where = str(path)
    if Path(path).suffix == ".safetensors":
        own, about = _read_own(Path(path))
        kind, source, found = _known(about, where), str(about.get("source", "")), own
    else:
        found = read_checkpoint(path, autoencoder)
        kind, source = _recognise(found, where), ""
        own = _own(found, kind, where)
    network = _shaped(kind, own, where)
    expected, config, model = network.state_dict().keys(), network.audio_encoder.config, MeshModel(network, "")
    encoder = f"wav2vec2, {config.num_hidden_layers} layers of {config.hidden_size}"
    parameters, unused = sum(weight.numel() for weight in own.values()), len(found) - len(own)
    missing, unknown = tuple(sorted(expected - own.keys())), tuple(sorted(own.keys() - expected))
    return ModelInfo(
        kind.TITLE, network.data.name, model.vertices, model.fps, model.subjects, encoder, parameters, len(found), unused,
        missing, unknown, source, _problem(network, own),
    )  # fmt: skip


def _problem(network: PublishedNetwork, own: Weights) -> str:
    from slp_mouthing.decoder.network import check_weights

    try:
        check_weights(network, own, "")
    except InputError as error:
        return error.what
    return ""


def is_imported(path: str | Path) -> bool:
    """Whether `import_model` wrote it. Raises `InputError` when it is no safetensors file."""
    with _opened(Path(path)) as file:
        return _about(file).get("format") == FORMAT


# ---- reading ------------------------------------------------------------------------------------------------------------------
def read_checkpoint(path: str | Path, autoencoder: str | Path | None = None) -> dict[str, Tensor]:
    """The weights of a file that `torch.save` wrote, by name. Raises `InputError`."""
    found = _read_pickle(Path(path))
    if all(name in found for name in _FIRST_STAGE):
        raise InputError("is CodeTalker's first stage", where=str(path), hint="give its second stage, and this as --autoencoder")
    if autoencoder is not None:
        found |= {_AUTOENCODER + name: weight for name, weight in _read_pickle(Path(autoencoder)).items()}
    return found


def _read_pickle(path: Path) -> dict[str, Tensor]:
    content = read_torch(path)
    while isinstance(content, dict) and (inner := next((content[name] for name in _WRAPPERS if name in content), None)):
        content = inner
    if not isinstance(content, dict) or not any(isinstance(weight, torch.Tensor) for weight in content.values()):
        raise InputError("holds no weights by name", where=str(path))
    return {str(name).removeprefix("module."): weight for name, weight in content.items() if isinstance(weight, torch.Tensor)}


def _read_own(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with _opened(path) as file:
        about = _about(file)
        if about.get("format") != FORMAT:
            raise InputError("is no imported network", where=str(path), hint="bring it in with `mouth model import`")
        return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise InputError("no such file", where=str(path))
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        hint = "bring a published checkpoint in with `mouth model import`"
        raise InputError(f"is damaged, or not a safetensors file ({error})", where=str(path), hint=hint) from error


def _about(file: Any) -> dict[str, Any]:
    about: Any = json.loads((file.metadata() or {}).get("about", "{}"))
    return about if isinstance(about, dict) else {}


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- recognising --------------------------------------------------------------------------------------------------------------
def _kinds() -> dict[str, Kind]:
    from slp_mouthing.decoder.codetalker import CodeTalker
    from slp_mouthing.decoder.faceformer import FaceFormer
    from slp_mouthing.decoder.selftalk import SelfTalk

    return {kind.__name__: kind for kind in (FaceFormer, SelfTalk, CodeTalker)}


def _recognise(found: Weights, where: str) -> Kind:
    for kind in _kinds().values():
        if all(name in found for name in kind.MARKS):
            return kind
    titles = ", ".join(kind.TITLE for kind in _kinds().values())
    raise InputError(f"its weights are of none of these networks: {titles}", where=where)


def _known(about: Mapping[str, Any], where: str) -> Kind:
    """The kind that a file of ours names."""
    if (kind := _kinds().get(str(about.get("kind")))) is None:
        raise InputError(f"holds a network of kind '{about.get('kind')}'", where=where, hint="import it again")
    return kind


def _own(found: Weights, kind: Kind, where: str) -> dict[str, Tensor]:
    from slp_mouthing.decoder.published import own_weights

    try:
        return own_weights(found, kind)
    except (IndexError, RuntimeError) as error:
        raise InputError(f"is no {kind.TITLE}: its positions are no table", where=where) from error


def _shaped(kind: Kind, own: Weights, where: str) -> PublishedNetwork:
    """The network that the weights would fit, without weights. Raises `InputError`."""
    if kind.__name__ == "CodeTalker" and not any(name.startswith("codes.") for name in own):
        raise InputError("is CodeTalker's second stage alone", where=where, hint="give its first stage with --autoencoder")
    try:
        with torch.device("meta"):
            return kind.shaped_as(own)
    except KeyError as error:
        raise InputError(f"is no {kind.TITLE}: weight {error} is missing", where=where) from error
    except (IndexError, ValueError, ZeroDivisionError, RuntimeError, AssertionError) as error:
        raise InputError(f"is no {kind.TITLE} ({error})", where=where) from error


def _fitted(kind: Kind, own: Mapping[str, Tensor], where: str) -> PublishedNetwork:
    """The network with its weights, each of them held against what it should be. Raises `InputError`."""
    from slp_mouthing.decoder.network import check_weights

    network = _shaped(kind, own, where)
    check_weights(network, own, where)
    network.load_state_dict(own, assign=True)
    return network.requires_grad_(False).eval()
