"""Networks of our own training in use with torch: those that `light` leaves out, and those that move a mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from slp_mouthing.decoder.encoder import collate
from slp_mouthing.decoder.features import Normaliser, log_mel
from slp_mouthing.decoder.mesh_model import at_rate
from slp_mouthing.decoder.network import MouthingNetwork, load_network
from slp_mouthing.decoder.options import USUAL_FPS
from slp_mouthing.decoder.speech_input import SpeechInput, frame_times_s
from slp_mouthing.errors import InputError
from slp_mouthing.types import FaceMotion

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.decoder.options import NetworkOptions
    from slp_mouthing.types import Array, Floats


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork:
    """Ready to run, as `light.LightNetwork` is. Immutable, and safe to share between threads."""

    network: MouthingNetwork

    @staticmethod
    def load(path: str | Path) -> TrainedNetwork:
        """Of what `mouth train` wrote. Raises `InputError` as `load_network` does."""
        return TrainedNetwork(load_network(path)[0])

    @property
    def options(self) -> NetworkOptions:
        return self.network.options

    def predict(self, speech: SpeechInput, neutral_m: Array | None = None) -> Array:
        """Motion at `speech.times_s`, [T, K]. `neutral_m` [V, 3]: who speaks, for networks that know speakers by their mesh."""
        who = None if neutral_m is None else torch.tensor(neutral_m, dtype=torch.float32)[None]
        with torch.inference_mode():
            predicted: Array = self.network.predict(collate([speech]), who)[0].numpy()
        return predicted


@dataclass(frozen=True, slots=True, eq=False)
class TrainedMeshModel:
    """A network that learned a mesh's offsets, with the interface of `mesh_model.MeshModel`."""

    trained: TrainedNetwork
    checksum: str
    """Of its file, for a track's meta."""
    name: str
    neutral_m: Array  # [V, 3] of the person to be shown
    head: str = "flame"
    """Whose vertices they are. VOCASET and tracked MEAD, the captured corpora, are FLAME's."""

    @property
    def vertices(self) -> int:
        return self.trained.options.outputs // 3

    @property
    def subjects(self) -> tuple[str, ...]:
        return ()

    @property
    def usual_subject(self) -> str:
        return ""

    def predict(self, samples: Floats, sample_rate_hz: int, subject: str | None = None, fps: float = USUAL_FPS) -> FaceMotion:
        """As `MeshModel.predict`: offsets from the neutral mesh, from 0 s on. It hears alone, as it learned."""
        if subject is not None:
            raise InputError(f"{self.name} knows no subject '{subject}': it has one style")
        mel = log_mel(samples, sample_rate_hz)
        frames = max(int(len(samples) / sample_rate_hz * USUAL_FPS), 1)
        wave = self._wave(samples, sample_rate_hz)
        speech = SpeechInput(frame_times_s(frames, USUAL_FPS), Normaliser.of(mel)(mel), None, wave)
        motion = self.trained.predict(speech, self.neutral_m if self.trained.options.vertices else None)
        return FaceMotion(fps, at_rate(motion.reshape(frames, -1, 3), USUAL_FPS, fps), self.head)

    def _wave(self, samples: Floats, sample_rate_hz: int) -> Array | None:
        if self.trained.options.wav2vec2 is None:
            return None
        from slp_mouthing.decoder.wav2vec2 import wave_input

        return wave_input(samples, sample_rate_hz)
