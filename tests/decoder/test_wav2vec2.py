"""The wav2vec2 encoder on tiny random models: interpolation as the papers have it, company, files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from slp_mouthing.decoder.encoder import collate  # noqa: E402
from slp_mouthing.decoder.features import log_mel  # noqa: E402
from slp_mouthing.decoder.network import load_network, save_network  # noqa: E402
from slp_mouthing.decoder.options import EncoderOptions, NetworkOptions  # noqa: E402
from slp_mouthing.decoder.phone_stream import phone_frames  # noqa: E402
from slp_mouthing.decoder.speech_input import SpeechInput, frame_times_s  # noqa: E402
from slp_mouthing.decoder.wav2vec2 import load_wav2vec2, video_states, wav2vec2_network, wave_input  # noqa: E402
from slp_mouthing.errors import InputError  # noqa: E402
from slp_mouthing.types import Phone  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = NetworkOptions(EncoderOptions(dim=16, stem=8, letter=4), hidden=12)
BASE = {"feat_extract_norm": "group", "conv_bias": False, "do_stable_layer_norm": False}
LARGE = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}


@pytest.fixture(scope="module", params=[BASE, LARGE], ids=["base", "large"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = transformers.Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, **request.param,
    )  # fmt: skip
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("wav2vec2")
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    return folder


def _clip(duration_s: float, seed: int = 0) -> SpeechInput:
    samples = np.random.default_rng(seed).standard_normal(int(duration_s * 16000)).astype(np.float32)
    mel = log_mel(samples, 16000)
    phones = phone_frames([Phone("m", 0.0, duration_s)], len(mel))
    return SpeechInput(frame_times_s(max(round(duration_s * 30), 1), 30.0), mel, phones, wave_input(samples, 16000))


def _as_published(model: torch.nn.Module, wave: torch.Tensor, frames: int) -> torch.Tensor:
    """FaceFormer's path, written out: convolutions, then linear interpolation by hand, projection, transformer. [T, hidden]"""
    features = model.feature_extractor(wave[None])[0].T
    position = torch.linspace(0, len(features) - 1, frames)
    below = position.long().clamp(max=len(features) - 2)
    share = (position - below)[:, None]
    features = (1 - share) * features[below] + share * features[below + 1]
    hidden = model.feature_projection.projection(model.feature_projection.layer_norm(features))[None]
    return model.encoder(hidden).last_hidden_state[0]


@torch.no_grad()
def test_interpolation_is_the_papers(folder: Path) -> None:
    model, clip = load_wav2vec2(folder).eval(), _clip(1.1)
    batch = collate([clip])
    states = video_states(model, batch.wave, batch.samples, batch.frames)[0]
    assert torch.allclose(states, _as_published(model, batch.wave[0], 33), atol=1e-5)


def test_company_changes_nothing(folder: Path) -> None:
    network, clips = wav2vec2_network(folder, OPTIONS), [_clip(1.0), _clip(0.4, 1), _clip(0.01, 2)]
    together = network.predict(collate(clips))
    for clip, row in zip(clips, together, strict=True):
        assert torch.allclose(row[: len(clip.times_s)], network.predict(collate([clip]))[0], atol=1e-5)


def test_the_convolutions_are_frozen_and_the_rest_learns(folder: Path) -> None:
    network = wav2vec2_network(folder, OPTIONS).train()
    network(collate([_clip(0.5)])).square().mean().backward()
    learning = {name for name, weight in network.named_parameters() if weight.grad is not None}
    assert not any("feature_extractor" in name for name in learning)
    assert {"encoder.model.feature_projection.projection.weight", "encoder.map.weight", "encoder.stem.sample.weight"} <= learning


def test_a_wave_alone_is_enough_without_the_stem(folder: Path) -> None:
    clip = _clip(0.5)
    network = wav2vec2_network(folder, OPTIONS, stem=False)
    alone = SpeechInput(clip.times_s, wave=clip.wave)
    assert torch.equal(network.predict(collate([alone])), network.predict(collate([clip])))
    with pytest.raises(ValueError, match="waves"):
        network.predict(collate([replace(clip, wave=None)]))


def test_a_file_gives_the_network_back(folder: Path, tmp_path: Path) -> None:
    network, batch = wav2vec2_network(folder, OPTIONS), collate([_clip(0.5)])
    save_network(network, tmp_path / "net.safetensors")
    loaded, _ = load_network(tmp_path / "net.safetensors")
    assert torch.equal(loaded.predict(batch), network.predict(batch))


def test_bad_folders_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_wav2vec2(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="cannot be read"):
        load_wav2vec2(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:2000])
    with pytest.raises(InputError, match="cannot be read"):
        load_wav2vec2(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(InputError, match="expected wav2vec2"):
        load_wav2vec2(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        load_wav2vec2(tmp_path)


def test_missing_weights_are_named(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    fewer = {name: weight for name, weight in weights.items() if not name.startswith("encoder.layers.1.")}
    save_file(fewer, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"lacks \d+ weights"):
        load_wav2vec2(tmp_path)
    weights["encoder.layer_norm.bias"][:] = float("nan")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="not finite"):
        load_wav2vec2(tmp_path)


def test_a_fine_tuned_checkpoint_in_old_names_is_read(folder: Path, tmp_path: Path) -> None:
    """A head over it adds a prefix, and the positional convolution's weight norm has had two spellings."""
    model = load_wav2vec2(folder)
    spellings = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    old = {}
    for name, weight in model.state_dict().items():
        for new, before in spellings.items():
            name = name.replace(new, before)
        old[f"wav2vec2.{name}"] = weight
    torch.save({**old, "lm_head.weight": torch.zeros(5, 32), "lm_head.bias": torch.zeros(5)}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    loaded = load_wav2vec2(tmp_path).state_dict()
    assert all(torch.equal(loaded[name], weight) for name, weight in model.state_dict().items())


def test_pickles_with_code_are_refused(folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (print, ("ran",))

    torch.save({"a": Evil()}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(InputError, match="cannot be read"):
        load_wav2vec2(tmp_path)


def test_sound_beyond_its_reach_is_refused() -> None:
    with pytest.raises(InputError, match="at most 120"):
        wave_input(np.zeros(16000 * 121, np.float32), 16000)
    assert np.isfinite(wave_input(np.zeros(1600, np.float32), 16000)).all()
