"""F5-TTS in its own environment: reads requests as lines of JSON, answers with lines of JSON and sound files.

This file runs as a script under the Python of that environment, where nothing else of this package is installed:

    python f5_worker.py < requests > answers

The first line is what `F5` (speech/f5.py) knows of the model; the answer says that it is loaded. Every further line is
`{"text": ..., "samples": ..., "out": FILE.wav}`, answered by `{"done": FILE.wav}`. A problem is `{"error": one line}`; after the
first line it ends the process.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
import wave
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE_HZ, HOP, BANDS, WINDOW = 24000, 256, 100, 1024
"""Of the mel spectrograms between F5 and its vocoder."""
HEAD_DIM = 64
REFERENCE_RMS = 0.1
"""A quieter reference is brought to this loudness, and what is said in its voice back to its own."""
_STFT_BUFFERS = ("mel_spec.mel_stft.mel_scale.fb", "mel_spec.mel_stft.spectrogram.window")
"""Constants that early checkpoints hold."""


class WorkerError(Exception):
    """What the user should be told."""


class Speaker:
    """A model, a vocoder and a voice."""

    def __init__(self, setup: dict[str, Any]) -> None:
        import torch

        torch.set_num_threads(int(setup["threads"]))
        self.steps, self.guidance, self.sway, self.seed = (setup[k] for k in ("steps", "guidance", "sway", "seed"))
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = _model(Path(setup["checkpoint"]), Path(setup["vocabulary"]), setup["config"]).to(self.device).eval()
        self.vocoder = _vocoder(Path(setup["vocoder"])).to(self.device).eval()
        self.text = setup["reference_text"].strip()
        self.text += "" if self.text[-1:] in ".?!。" else "."
        wave_ = torch.from_numpy(_read(setup["reference"]))[None].to(self.device)
        loudness = float(wave_.square().mean().sqrt())
        self.gain = max(REFERENCE_RMS / max(loudness, 1e-6), 1.0)
        with torch.inference_mode():
            self.reference = self.model.mel_spec(self.gain * wave_).permute(0, 2, 1)  # [1, M, 100]

    def say(self, text: str, samples: int) -> Any:
        """`text` in exactly `samples` samples -> [N]."""
        import torch
        from f5_tts.model.utils import convert_char_to_pinyin

        frames, known = math.ceil(samples / HOP), self.reference.shape[1]
        letters = convert_char_to_pinyin([f"{self.text} {text}"])
        if len(letters[0]) >= known + frames:
            raise WorkerError(
                f"{len(letters[0])} letters in {known + frames} frames: give a longer reference with a shorter text"
            )
        with torch.inference_mode():
            mel, _ = self.model.sample(
                cond=self.reference,
                text=letters,
                duration=known + frames,
                steps=self.steps,
                cfg_strength=self.guidance,
                sway_sampling_coef=self.sway,
                seed=self.seed,
            )
            # A frame of the reference before it: the vocoder gives a hop between two frames.
            mel = mel[:, known - 1 :].float().permute(0, 2, 1)
            sound = self.vocoder.decode(mel).squeeze().cpu().numpy() / self.gain
        return np.pad(sound, (0, max(samples - len(sound), 0)))[:samples]


# ---- files ----------------------------------------------------------------------------------------------------------------
def _model(checkpoint: Path, vocabulary: Path, config: str) -> Any:
    from f5_tts.model import CFM, DiT
    from f5_tts.model.utils import get_tokenizer

    weights = _weights(checkpoint)
    letters, count = get_tokenizer(str(vocabulary), "custom")
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    try:
        arch = architecture(shapes) | _settings(config)
    except KeyError as error:
        raise WorkerError(f"{checkpoint.name} is no F5-TTS checkpoint: {error.args[0]} is missing") from error
    embedded = shapes["transformer.text_embed.text_embed.weight"][0] - 1
    if embedded != count:
        raise WorkerError(f"{vocabulary.name} has {count} lines, the checkpoint was trained with {embedded}")
    mel = {"n_fft": WINDOW, "hop_length": HOP, "win_length": WINDOW, "n_mel_channels": BANDS, "target_sample_rate": RATE_HZ,
           "mel_spec_type": "vocos"}  # fmt: skip
    model = CFM(
        transformer=DiT(**arch, text_num_embeds=count, mel_dim=BANDS),
        mel_spec_kwargs=mel,
        odeint_kwargs={"method": "euler"},
        vocab_char_map=letters,
    )
    _load(model, weights, checkpoint.name)
    return model


def _weights(path: Path) -> dict[str, Any]:
    """The averaged weights of a training checkpoint (.pt) or of a published one (.safetensors)."""
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            weights = load_file(str(path))
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            weights = weights.get("ema_model_state_dict", weights)
    except Exception as error:
        raise WorkerError(f"{path.name} cannot be read: {error}") from error
    found = {name.removeprefix("ema_model."): value.float() for name, value in weights.items() if hasattr(value, "shape")}
    bad = next((name for name, value in found.items() if not torch.isfinite(value).all()), None)
    if bad:
        raise WorkerError(f"{path.name} holds values that are no numbers, in {bad}")
    return {name: value for name, value in found.items() if name not in ("initted", "step", *_STFT_BUFFERS)}


def architecture(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Sizes of the diffusion transformer, from the shapes of its weights. Raises `KeyError` for other networks."""
    dim = shapes["transformer.input_embed.proj.weight"][0]
    block = "transformer.transformer_blocks.0."
    return {
        "dim": dim,
        "depth": _count(shapes, "transformer.transformer_blocks."),
        "heads": shapes[f"{block}attn.to_q.weight"][0] // HEAD_DIM,
        "dim_head": HEAD_DIM,
        "ff_mult": shapes[f"{block}ff.ff.0.0.weight"][0] // dim,
        "text_dim": shapes["transformer.text_embed.text_embed.weight"][1],
        "conv_layers": _count(shapes, "transformer.text_embed.text_blocks."),
        "qk_norm": "rms_norm" if f"{block}attn.q_norm.weight" in shapes else None,
        "long_skip_connection": "transformer.long_skip_connection.weight" in shapes,
    }


def _count(shapes: dict[str, tuple[int, ...]], prefix: str) -> int:
    return len({name.removeprefix(prefix).split(".")[0] for name in shapes if name.startswith(prefix)})


def _settings(config: str) -> dict[str, Any]:
    """What the shapes do not tell, from F5's own configuration file; without one, as in version 1."""
    if not config:
        return {"text_mask_padding": True, "pe_attn_head": None}
    import yaml

    model = yaml.safe_load(Path(config).read_text(encoding="utf-8"))["model"]
    if model["backbone"] != "DiT":
        raise WorkerError(f"{Path(config).name} is of a {model['backbone']}; only F5-TTS's DiT is known here")
    return {name: model["arch"].get(name) for name in ("text_mask_padding", "pe_attn_head") if name in model["arch"]}


def _load(model: Any, weights: dict[str, Any], name: str) -> None:
    own = model.state_dict()
    for key, value in own.items():
        if key in _STFT_BUFFERS:
            weights.setdefault(key, value)
    problems = [key for key in own.keys() | weights.keys() if key not in own or key not in weights
                or own[key].shape != weights[key].shape]  # fmt: skip
    if problems:
        raise WorkerError(f"{name} does not fit the network: {sorted(problems)[0]} and {len(problems) - 1} more")
    model.load_state_dict(weights)


def _vocoder(folder: Path) -> Any:
    import torch
    import yaml
    from vocos import Vocos

    config = folder / "config.yaml"
    parts = yaml.safe_load(config.read_text(encoding="utf-8"))
    for part in parts.values():
        # The file names classes to be called: only the vocoder's own.
        if not str(part["class_path"]).startswith("vocos."):
            raise WorkerError(f"{config.name} names {part['class_path']}, which is no part of Vocos")
    vocoder = Vocos.from_hparams(str(config))
    weights = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    vocoder.load_state_dict(weights)
    return vocoder


def _read(path: str) -> Any:  # [N] float32
    with wave.open(path, "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(2**15)


def _write(path: str, samples: Any) -> None:
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(np.clip(np.rint(samples * 2**15), -(2**15), 2**15 - 1).astype("<i2").tobytes())


# ---- requests -------------------------------------------------------------------------------------------------------------
def _requests() -> Iterator[dict[str, Any]]:
    """Until there are no more. Loading and speaking take long: a program that was killed meanwhile leaves nothing running."""
    lines: SimpleQueue[str] = SimpleQueue()
    parent = os.getppid()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line)
        lines.put("")
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    Thread(target=listen, daemon=True).start()
    while line := lines.get():
        yield json.loads(line)


def main() -> int:
    # The libraries print; what they say goes where errors go, and the answers stay clean.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    speaker: Speaker | None = None
    for request in _requests():
        try:
            if speaker is None:
                speaker = Speaker(request)
                answer(ready=RATE_HZ)
            else:
                _write(request["out"], speaker.say(request["text"], int(request["samples"])))
                answer(done=request["out"])
        except Exception as error:
            answer(error=" ".join(str(error).split()) if isinstance(error, WorkerError) else f"{type(error).__name__}: {error}")
            if speaker is None:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
