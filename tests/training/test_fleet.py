from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from slp_mouthing.errors import InputError
from slp_mouthing.training.fleet import Alone, join_fleet
from tests.training import fleet_program

ROOT = Path(__file__).parents[2]


def test_one_process_is_a_fleet_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert isinstance(join_fleet(), Alone)


def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="unknown device 'gpu'"):
        join_fleet("gpu")
    with pytest.raises(InputError, match="finds no CUDA"):
        join_fleet("cuda:99")


def test_two_processes_keep_the_same_weights_and_one_writes(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "PYTHONPATH": str(ROOT),
        "ACCELERATE_USE_CPU": "1",
        # A machine whose name is in no table of hosts has this address all the same.
        "GLOO_SOCKET_IFNAME": "lo",
    }
    started = [
        subprocess.Popen(
            [sys.executable, fleet_program.__file__, str(tmp_path)],
            env=os.environ | common | {"RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"},
        )
        for rank in ("0", "1")
    ]
    assert [process.wait(300) for process in started] == [0, 0]
    first, second = (tmp_path / f"weights-{rank}-of-2" for rank in (0, 1))
    assert first.read_text() == second.read_text()
    assert len((tmp_path / "curve.jsonl").read_text().splitlines()) == 2
