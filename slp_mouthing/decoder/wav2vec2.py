"""wav2vec 2.0 (Baevski et al. 2020) as the encoder: the user's own weights, base or large, from a local folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.decoder.encoder import Stem
from slp_mouthing.decoder.features import SAMPLE_RATE_HZ, at_16_khz
from slp_mouthing.decoder.options import NetworkOptions, Wav2Vec2Options
from slp_mouthing.errors import InputError, MissingExtra

try:
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model
except ImportError as error:
    raise MissingExtra("transformers", "wav2vec2", why="the wav2vec2 encoder") from error

from torch import nn
from torch.nn.functional import interpolate, pad

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from slp_mouthing.decoder.encoder import SpeechBatch
    from slp_mouthing.decoder.network import MouthingNetwork
    from slp_mouthing.decoder.options import EncoderOptions
    from slp_mouthing.types import Array, Floats

LONGEST_S = 120.0
"""Its attention and its convolutions see all of a sound at once: memory grows without bound."""
_FRESH = frozenset({"masked_spec_embed"})
"""Weights that some published files lack, and that only its own pretraining uses."""


def wave_input(samples: Floats, sample_rate_hz: int) -> Array:
    """Sound as wav2vec2 was trained on it: 16 kHz, mean 0, deviation 1 over the utterance. [N] or [N, channels] -> [N']

    Raises `InputError` as `features.log_mel` does, and for sound longer than `LONGEST_S`.
    """
    wave = at_16_khz(samples, sample_rate_hz)
    if (duration_s := len(wave) / SAMPLE_RATE_HZ) > LONGEST_S:
        raise InputError(
            f"the sound lasts {duration_s:.0f} s, wav2vec2 takes at most {LONGEST_S:.0f}", hint="split it at a pause"
        )
    return np.asarray((wave - wave.mean()) / np.sqrt(wave.var() + 1e-7), np.float32)


class Wav2Vec2Encoder(nn.Module):
    """Memory from wav2vec2 [B, T, D], with what the slim stem makes of the phones and the log-mel added when asked for.

    As FaceFormer and VisualSpeaker have it: the convolutional features are frozen, and brought to the video rate before they are
    projected, so that the transformer itself works on video frames.
    """

    def __init__(self, model: Wav2Vec2Model, options: EncoderOptions, stem: bool = False) -> None:
        super().__init__()
        self.model = model
        model.feature_extractor.requires_grad_(False)
        self.map = nn.Linear(model.config.hidden_size, options.dim)
        self.stem = Stem(options) if stem else None

    def forward(self, batch: SpeechBatch) -> Tensor:
        mask = batch.frame_mask
        if batch.wave is None or batch.samples is None:
            raise ValueError("wav2vec2 hears waves, and the batch has none")
        memory: Tensor = self.map(video_states(self.model, batch.wave, batch.samples, batch.frames))
        if self.stem is not None:
            memory = memory + self.stem(batch)
        return memory * mask[..., None]


def video_states(model: Wav2Vec2Model, wave: Tensor, samples: Tensor, frames: Tensor) -> Tensor:
    """Last hidden states at the video rate, zero-padded waves [B, N] with lengths [B] -> [B, T, hidden], T the most of `frames`.

    Each clip's are what it has alone.
    """
    T = int(frames.max())
    # One by one: the base model's group norm takes its statistics over the whole length, padding too.
    clips = [pad(states, (0, 0, 0, T - len(states))) for states in _convolved(model, wave, samples, frames)]
    hidden = model.feature_projection(torch.stack(clips))[0]
    mask = torch.arange(T, device=frames.device) < frames[:, None]
    states: Tensor = model.encoder(hidden, attention_mask=mask).last_hidden_state
    return states


def _convolved(model: Wav2Vec2Model, wave: Tensor, samples: Tensor, frames: Tensor) -> Iterator[Tensor]:
    """The frozen features of each clip, linearly interpolated so that the first and last fall on its first and last frame."""
    shortest = _receptive_field(model.config)
    for clip, count, size in zip(wave, samples.tolist(), frames.tolist(), strict=True):
        whole = pad(clip[:count], (0, max(shortest - count, 0)))
        with torch.no_grad():
            features = model.feature_extractor(whole[None])  # [1, C, 50 Hz]
        yield interpolate(features, size=size, mode="linear", align_corners=True)[0].T


def _receptive_field(config: Wav2Vec2Config) -> int:
    """Samples that one feature covers: 400."""
    field = 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        field = (field - 1) * stride + kernel
    return int(field)


# ---- models -----------------------------------------------------------------------------------------------------------------
def load_wav2vec2(folder: str | Path) -> Wav2Vec2Model:
    """The model in a local folder as transformers saves it (`config.json` with weights), whatever head was trained on it.

    Raises `InputError` when it is missing, damaged, of another kind, or lacks weights. Weights stored as pickles are read without
    running what is in them.
    """
    where = str(folder)
    config = _read_config(Path(folder))
    try:
        loaded: Any = Wav2Vec2Model.from_pretrained(
            folder, config=config, local_files_only=True, output_loading_info=True, weights_only=True
        )
    except Exception as error:  # transformers raises whatever its many readers raise
        raise InputError(f"its weights cannot be read ({error})", where=where, hint="download the folder again") from error
    model: Wav2Vec2Model
    model, report = loaded
    if missing := sorted(set(report["missing_keys"]) - _FRESH):
        raise InputError(f"lacks {len(missing)} weights ('{missing[0]}')", where=where, hint="download the folder again")
    for name, weight in model.state_dict().items():
        if not bool(torch.isfinite(weight).all()):
            raise InputError(f"weight '{name}' holds values that are not finite", where=where)
    return model


def wav2vec2_network(folder: str | Path, options: NetworkOptions | None = None, stem: bool = True) -> MouthingNetwork:
    """A network to train whose encoder is the model in `folder`. Raises `InputError` as `load_wav2vec2` does."""
    from slp_mouthing.decoder.network import MouthingNetwork

    model = load_wav2vec2(folder)
    part = Wav2Vec2Options(model.config.to_json_string(use_diff=True), stem)
    return MouthingNetwork(replace(options or NetworkOptions(), wav2vec2=part), model)


def make_wav2vec2(options: Wav2Vec2Options) -> Wav2Vec2Model:
    """An untrained one of the size that `options` notes: for weights that are loaded after."""
    return Wav2Vec2Model(Wav2Vec2Config.from_dict(json.loads(options.config)))


def _read_config(folder: Path) -> Wav2Vec2Config:
    path = folder / "config.json"
    if not path.is_file():
        raise InputError("no such file", where=str(path), hint="give the folder of a wav2vec2 model as transformers saves it")
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found.get("model_type") != "wav2vec2":
            raise InputError(f"is of kind '{found.get('model_type')}', expected wav2vec2", where=str(path))
        return Wav2Vec2Config.from_dict(found)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"is damaged ({error})", where=str(path)) from error
