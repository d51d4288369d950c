"""Writes a tiny F5-TTS with random weights in the published layout. Runs under the Python of F5's environment.

python make_f5.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import yaml
from f5_tts.model import CFM, DiT
from safetensors.torch import save_file
from vocos import Vocos

ARCH = {"dim": 64, "depth": 2, "heads": 2, "ff_mult": 2, "text_dim": 32, "conv_layers": 2}
LETTERS = " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,'"
MEL = {"n_fft": 1024, "hop_length": 256, "win_length": 1024, "n_mel_channels": 100, "target_sample_rate": 24000,
       "mel_spec_type": "vocos"}  # fmt: skip
VOCOS = {
    "feature_extractor": {
        "class_path": "vocos.feature_extractors.MelSpectrogramFeatures",
        "init_args": {"sample_rate": 24000, "n_fft": 1024, "hop_length": 256, "n_mels": 100, "padding": "center"},
    },
    "backbone": {
        "class_path": "vocos.models.VocosBackbone",
        "init_args": {"input_channels": 100, "dim": 32, "intermediate_dim": 64, "num_layers": 2},
    },
    "head": {
        "class_path": "vocos.heads.ISTFTHead",
        "init_args": {"dim": 32, "n_fft": 1024, "hop_length": 256, "padding": "center"},
    },
}


def main(folder: Path) -> None:
    torch.manual_seed(0)
    (folder / "vocos").mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(LETTERS) + "\n", encoding="utf-8")
    transformer = DiT(**ARCH, text_num_embeds=len(LETTERS), mel_dim=100, text_mask_padding=True)
    model = CFM(transformer=transformer, mel_spec_kwargs=MEL, vocab_char_map={c: i for i, c in enumerate(LETTERS)})
    for weight in model.parameters():
        # A fresh network's last layers are zero, and it would say the noise it begins from.
        torch.nn.init.normal_(weight, std=0.05)
    averaged = {f"ema_model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    save_file(averaged, str(folder / "model_1.safetensors"))
    counters = {"initted": torch.tensor(True), "step": torch.tensor(1)}
    (folder / "trained").mkdir(exist_ok=True)
    torch.save({"ema_model_state_dict": averaged | counters, "step": 1}, folder / "trained" / "model_last.pt")
    (folder / "vocos" / "config.yaml").write_text(yaml.safe_dump(VOCOS), encoding="utf-8")
    vocoder = Vocos.from_hparams(str(folder / "vocos" / "config.yaml"))
    torch.save(vocoder.state_dict(), folder / "vocos" / "pytorch_model.bin")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
