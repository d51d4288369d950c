"""A signer's GLB, posed by a small reader as an engine would: morph targets, then joints."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import slp_mouthing as mouth
from slp_mouthing.export.glb import glb_bytes
from slp_mouthing.figure.turns import joint_rotations
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.signer import make_signer
from slp_mouthing.types import JointMotion, Take

_TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


@pytest.fixture(scope="module")
def take() -> Take:
    track = mouth.render("WHY@0.4", fps=12).track
    signer, t = make_signer(load_builtin()), np.arange(len(track))[:, None] / 12
    waves = [0.4 * np.sin(3 * t + np.arange(columns)) for columns in (3, 63, 45, 45)]
    motion = JointMotion(12.0, joint_rotations(*waves), np.array([0.0, -0.6, 0.05], np.float32))
    return Take(track, signer, "why", joints=motion)


@pytest.fixture(scope="module")
def content(take: Take) -> bytes:
    return glb_bytes(take.track, take.head, take.name, take.joints)


class Player:
    """Reads a GLB as the specification says, and poses it."""

    def __init__(self, content: bytes) -> None:
        size = int.from_bytes(content[12:16], "little")
        self.document: dict[str, Any] = json.loads(content[20 : 20 + size])
        self.payload = content[28 + size :]
        self.mesh = self.document["meshes"][0]["primitives"][0]

    def array(self, index: int) -> np.ndarray:
        accessor = self.document["accessors"][index]
        count, width = accessor["count"], _WIDTHS[accessor["type"]]
        values = np.zeros(count * width, _TYPES[accessor["componentType"]])
        if "bufferView" in accessor:
            values = self._read(accessor, accessor["componentType"], count * width)
        values = values.reshape(count, width)
        if sparse := accessor.get("sparse"):
            rows = self._read(sparse["indices"], sparse["indices"]["componentType"], sparse["count"])
            values[rows] = self._read(sparse["values"], accessor["componentType"], sparse["count"] * width).reshape(-1, width)
        return values

    def _read(self, place: dict[str, int], component: int, count: int) -> np.ndarray:
        view = self.document["bufferViews"][place["bufferView"]]
        start = view.get("byteOffset", 0) + place.get("byteOffset", 0)
        return np.frombuffer(self.payload, _TYPES[component], count, start).copy()

    def vertices(self, frame: int) -> np.ndarray:
        samplers = self.document["animations"][0]["samplers"]
        turns: dict[int, np.ndarray] = {}
        for channel in self.document["animations"][0]["channels"]:
            keys = self.array(samplers[channel["sampler"]]["output"])
            if channel["target"]["path"] == "weights":
                weights = keys.reshape(-1, len(self.mesh["targets"]))[frame]
            else:
                turns[channel["target"]["node"]] = keys[frame]
        points = self.array(self.mesh["attributes"]["POSITION"]).astype(float)
        for weight, target in zip(weights, self.mesh["targets"], strict=True):
            points += weight * self.array(target["POSITION"])
        skin = self.document["skins"][0]
        back = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
        places = self._places(turns)
        motion = np.stack([places[node] for node in skin["joints"]]) @ back
        joints, shares = (self.array(self.mesh["attributes"][name]) for name in ("JOINTS_0", "WEIGHTS_0"))
        blended = np.einsum("vk,vkab->vab", shares, motion[joints])
        return np.einsum("vab,vb->va", blended[:, :3, :3], points) + blended[:, :3, 3]

    def _places(self, turns: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
        nodes, found = self.document["nodes"], {}
        waiting = [(node, np.eye(4)) for node in self.document["scenes"][0]["nodes"]]
        while waiting:
            number, above = waiting.pop()
            own, node = np.eye(4), nodes[number]
            own[:3, 3] = node.get("translation", (0, 0, 0))
            own[:3, :3] = Rotation.from_quat(turns.get(number, node.get("rotation", (0, 0, 0, 1)))).as_matrix()
            found[number] = above @ own
            waiting += [(child, found[number]) for child in node.get("children", ())]
        return found


def test_the_played_signer_equals_ours(take: Take, content: bytes) -> None:
    player = Player(content)
    for frame in (0, 3, len(take.track) - 1):
        ours = take.posed(slice(frame, frame + 1))[0]
        assert np.linalg.norm(player.vertices(frame) - ours, axis=1).max() < 1e-4


def test_joints_have_smplx_names_in_one_tree(content: bytes) -> None:
    document = Player(content).document
    names = [document["nodes"][node]["name"] for node in document["skins"][0]["joints"]]
    assert {"pelvis", "spine3", "neck", "head", "left_wrist", "right_index1", "left_thumb3"} <= set(names)
    assert document["scenes"][0]["nodes"] == [0, names.index("pelvis") + 1]


def test_joints_that_keep_still_have_no_channel(take: Take) -> None:
    identity = np.tile(np.array([1, 0, 0, 0], np.float32), (len(take.track), len(take.head.skeleton.names), 1))
    still = JointMotion(12.0, identity, np.zeros(3, np.float32))
    document = Player(glb_bytes(take.track, take.head, "still", still)).document
    turned = {
        document["nodes"][c["target"]["node"]]["name"]
        for c in document["animations"][0]["channels"]
        if c["target"]["path"] == "rotation"
    }
    assert turned and all("shoulder" in n or "elbow" in n or "forearm" in n for n in turned), "the mesh is not made at 0"


@pytest.mark.gltf_validator
def test_the_validator_finds_nothing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "signer.glb"
    path.write_bytes(content)
    script = Path(__file__).with_name("validate_glb.mjs")
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed")
    ran = subprocess.run([node, script, path], capture_output=True, text=True, env=os.environ, check=False)
    if "Cannot find module 'gltf-validator'" in ran.stderr:
        pytest.skip("the npm package gltf-validator is neither in the working directory nor in NODE_PATH")
    report = json.loads(ran.stdout)
    assert (report["numErrors"], report["numWarnings"]) == (0, 0), report["messages"]
