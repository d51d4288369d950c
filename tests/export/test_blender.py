"""Blender itself opens the GLB and the USD, plays them, and its mesh is ours.

`make test-blender` runs this: with Debian's `blender` where it is on the PATH, and with Blender's own build as a Python module
(`bpy`), in the Python that BPY_PYTHON names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from slp_mouthing.export.glb import write_glb
from slp_mouthing.export.shapes import surfaces
from slp_mouthing.export.usd import write_usd
from slp_mouthing.head.builtin import load_builtin

PROMISED_M = 1e-4
SCRIPT = Path(__file__).with_name("play_in_blender.py")
FRAMES = (0, 4, 9, 13, 17, 23)
TOO_OLD = 3


def blender() -> list[str]:
    found = shutil.which("blender")
    if not found:
        pytest.skip("blender is not on the PATH (Debian: apt-get install blender python3-numpy)")
    return [found, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]


def bpy_module() -> list[str]:
    found = os.environ["BPY_PYTHON"]
    if not shutil.which(found) or subprocess.run([found, "-c", "import bpy"], capture_output=True, check=False).returncode:
        pytest.skip(f"{found} has no bpy that loads (pip install bpy, in Python 3.11)")
    return [found]


PLAYERS = {"blender": blender, "bpy": bpy_module}


@pytest.mark.blender
@pytest.mark.parametrize("suffix", ["glb", "usd"])
@pytest.mark.parametrize("player", PLAYERS)
def test_blender_plays_our_mesh(perform, tmp_path, player, suffix):
    if "BPY_PYTHON" not in os.environ:
        pytest.skip("takes a minute: make test-blender")
    command = PLAYERS[player]()
    head = load_builtin()
    spoken = perform(frames=24, actor=head)
    path, out = tmp_path / f"spoken.{suffix}", tmp_path / "corners.f32"
    if suffix == "usd":
        pytest.importorskip("pxr", reason="usd-core is not installed")
    {"glb": write_glb, "usd": write_usd}[suffix](spoken, path)
    arguments = [SCRIPT, "--", path, out, str(spoken.track.fps), *map(str, FRAMES)]
    ran = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if ran.returncode == TOO_OLD:
        pytest.skip(f"this {player} imports no blend shapes from USD: it is older than 4.0, or built without USD")
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    triangles = np.concatenate(list(surfaces(head).values()))
    played = np.fromfile(out, "<f4").reshape(len(FRAMES), len(triangles), 3, 3)
    posed = head.pose(spoken.track.blendshapes, spoken.track.tongue, spoken.track.eyes_pose)
    true = posed[list(FRAMES)][:, triangles]
    assert np.linalg.norm(played - true, axis=3).max() <= PROMISED_M
    assert np.linalg.norm(true - true[:1], axis=3).max() > 1e-3, "the frames differ"
