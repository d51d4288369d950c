"""The shipped network's speed on one core, against torch: python benchmarks/bench_decoder.py [NETWORK.npz]

Without a file an untrained network of the default size: the time does not depend on the weights. Times are of the process, so
that what else runs counts little. Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from slp_mouthing.decoder.encoder import collate
from slp_mouthing.decoder.features import Normaliser, log_mel
from slp_mouthing.decoder.light import LightNetwork
from slp_mouthing.decoder.network import MouthingNetwork, load_network, save_network
from slp_mouthing.decoder.phone_stream import phone_frames
from slp_mouthing.decoder.speech_input import SpeechInput, frame_times_s
from slp_mouthing.speech.espeak import Espeak

if TYPE_CHECKING:
    from collections.abc import Callable

    from slp_mouthing.types import Speech

SENTENCE = "my brother bought a purple football at the market before the museum opened "


def seconds(call: Callable[[], object], times: int) -> float:
    call()
    found = []
    for _ in range(times):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return min(found)


def heard(speech: Speech) -> SpeechInput:
    mel = log_mel(speech.samples, speech.sample_rate_hz)
    times_s = frame_times_s(int(speech.duration_s * 30), 30.0)
    return SpeechInput(times_s, Normaliser.of(mel)(mel), phone_frames(speech.phones, len(mel)))


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "untrained.npz"
        if len(sys.argv) <= 1:
            save_network(MouthingNetwork(), path)
        light, (network, _) = LightNetwork.load(path), load_network(path)
    espeak = Espeak("en-gb")
    print(f"{'speech':>8}{'features':>12}{'numpy':>12}{'torch':>12}{'times real time':>17}{'difference':>13}")
    for text in ("why", "thank you very much", SENTENCE, 6 * SENTENCE):
        speech = espeak.speak(text)
        clip, times = heard(speech), 3 if len(text) > 200 else 10
        batch = collate([clip])
        features = seconds(lambda speech=speech: heard(speech), times)
        fast, slow = seconds(lambda clip=clip: light.predict(clip), times), seconds(lambda b=batch: network.predict(b), times)
        worst = np.abs(light.predict(clip) - network.predict(batch)[0].numpy()).max()
        rate = speech.duration_s / (features + fast)
        times_ms = "".join(f"{1e3 * found:9.1f} ms" for found in (features, fast, slow))
        print(f"{speech.duration_s:6.1f} s{times_ms}{rate:16.0f}x{worst:13.1e}")


if __name__ == "__main__":
    main()
