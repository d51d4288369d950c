"""Drivers in the user's files: networks of `mouth train`, and published ones that `mouth model import` brought in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slp_mouthing.articulation import CHANNELS
from slp_mouthing.assets import checksum
from slp_mouthing.decoder.light import LightNetwork
from slp_mouthing.drivers import Neural, voice_normaliser
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from slp_mouthing.decoder.trained import TrainedNetwork
    from slp_mouthing.drivers import Driver
    from slp_mouthing.head.rig import Head
    from slp_mouthing.speech.espeak import Espeak


def read_driver(path: str, voice: Espeak, head: Head, subject: str = "") -> Driver:
    """The driver in a `.npz` or `.safetensors` file, for a voice and a head.

    `subject`: in whose style, for networks that know some. Raises `InputError` for a file that is missing, damaged, no driver, or
    does not fit the head; `MissingExtra` without torch, where it needs that.
    """
    if path.lower().endswith(".npz"):
        return _for_voice(_of_channels(LightNetwork.load(path), path), voice)
    from slp_mouthing.decoder.checkpoint import is_imported, load_model
    from slp_mouthing.decoder.trained import TrainedMeshModel, TrainedNetwork
    from slp_mouthing.mesh_driver import MeshDriver

    if is_imported(path):
        return MeshDriver(load_model(path), head, subject)
    network = TrainedNetwork.load(path)
    if subject:
        raise InputError(f"knows no subject '{subject}': it has one style", where=path)
    if network.options.kind == "articulation":
        return _for_voice(_of_channels(network, path), voice)
    neutral_m = head.neutral_m[: network.options.outputs // 3]
    return MeshDriver(TrainedMeshModel(network, checksum(path), Path(path).name, neutral_m), head)


def read_decoder(path: str) -> Neural:
    """A network of articulation that `mouth train` wrote, for any voice. Raises as `read_driver` does."""
    if path.lower().endswith(".npz"):
        return _of_channels(LightNetwork.load(path), path)
    from slp_mouthing.decoder.trained import TrainedNetwork

    return _of_channels(TrainedNetwork.load(path), path)


def _for_voice(decoder: Neural, voice: Espeak) -> Neural:
    return replace(decoder, normaliser=voice_normaliser(voice))


def _of_channels(network: LightNetwork | TrainedNetwork, path: str) -> Neural:
    options = network.options
    if options.kind != "articulation":
        raise InputError("moves a mesh, which takes torch", where=path, hint="take the best.safetensors beside it")
    if options.outputs != len(CHANNELS):
        raise InputError(f"says {options.outputs} channels, expected {len(CHANNELS)}", where=path, hint="train it again")
    return Neural(network, checksum(path), name=Path(path).name)
