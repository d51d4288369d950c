"""A run of two steps in as many processes as it is started in: python fleet_program.py FOLDER"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import torch

from slp_mouthing.decoder.network import MouthingNetwork
from slp_mouthing.training.fleet import join_fleet
from slp_mouthing.training.loop import Loop, LoopOptions
from slp_mouthing.training.losses import ArticulationLoss, channel_deviations
from tests.training.small_clips import SMALL, batches, made


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    fleet = join_fleet()
    torch.manual_seed(fleet.rank)  # Unlike weights: the run must align them.
    loss = ArticulationLoss(channel_deviations([example.motions[30.0] for example in made()]))
    options = LoopOptions(steps=2, warm_up=1, report_every=1, learning_rate=1e-2)
    trained = Loop(MouthingNetwork(SMALL), batches(augmentation=None), loss, options, folder, fleet=fleet)
    trained.run()
    bits = b"".join(p.detach().numpy().tobytes() for p in trained.network.parameters())
    (folder / f"weights-{fleet.rank}-of-{fleet.world}").write_text(hashlib.sha256(bits).hexdigest())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
