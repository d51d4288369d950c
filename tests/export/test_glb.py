"""The GLB is played back by a small reader of its own, as an engine would, and compared with the head."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from slp_mouthing.export.glb import glb_bytes
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.types import ARKIT_NAMES, TONGUE_NAMES

PROMISED_M = 1e-4
_TYPES = {5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC3": 3}


@dataclass(frozen=True)
class Played:
    """A GLB file, read as the specification says."""

    document: dict[str, Any]
    payload: bytes

    @classmethod
    def of(cls, content: bytes) -> Played:
        magic, version, total = content[:4], *np.frombuffer(content[4:12], "<u4")
        assert (magic, version, total) == (b"glTF", 2, len(content))
        size = int.from_bytes(content[12:16], "little")
        assert content[16:20] == b"JSON"
        payload = content[20 + size :]
        assert payload[4:8] == b"BIN\0" and int.from_bytes(payload[:4], "little") == len(payload) - 8
        return cls(json.loads(content[20 : 20 + size]), payload[8:])

    def array(self, index: int) -> np.ndarray:
        accessor = self.document["accessors"][index]
        count, width = accessor["count"], _WIDTHS[accessor["type"]]
        if "bufferView" in accessor:
            values = self._read(accessor, accessor["componentType"], count * width).reshape(count, width)
        else:
            values = np.zeros((count, width), _TYPES[accessor["componentType"]])
        if sparse := accessor.get("sparse"):
            rows = self._read(sparse["indices"], sparse["indices"]["componentType"], sparse["count"])
            values[rows] = self._read(sparse["values"], accessor["componentType"], sparse["count"] * width).reshape(-1, width)
        return values

    def _read(self, place: dict[str, int], component: int, count: int) -> np.ndarray:
        view = self.document["bufferViews"][place["bufferView"]]
        start = view.get("byteOffset", 0) + place.get("byteOffset", 0)
        return np.frombuffer(self.payload, _TYPES[component], count, start).copy()

    @property
    def mesh(self) -> dict[str, Any]:
        return self.document["meshes"][0]

    @property
    def names(self) -> list[str]:
        return self.mesh["extras"]["targetNames"]

    def target(self, name: str, attribute: str = "POSITION") -> np.ndarray:
        return self.array(self.mesh["primitives"][0]["targets"][self.names.index(name)][attribute])

    @property
    def neutral(self) -> np.ndarray:
        return self.array(self.mesh["primitives"][0]["attributes"]["POSITION"])

    @property
    def times_s(self) -> np.ndarray:
        return self.array(self.document["animations"][0]["samplers"][0]["input"])[:, 0]

    @property
    def weights(self) -> np.ndarray:  # [T, targets]
        return self.array(self.document["animations"][0]["samplers"][0]["output"]).reshape(len(self.times_s), -1)

    def vertices(self) -> np.ndarray:  # [T, V, 3]
        targets = np.stack([self.target(name) for name in self.names])
        return self.neutral + np.einsum("tn,nvx->tvx", self.weights, targets)


def true_vertices(take) -> np.ndarray:
    track = take.track
    return take.head.pose(track.blendshapes, track.tongue, track.eyes_pose)


def furthest_m(played: np.ndarray, true: np.ndarray) -> float:
    return float(np.linalg.norm(played - true, axis=2).max())


@pytest.fixture(scope="module")
def played(take) -> Played:
    return Played.of(glb_bytes(take.track, take.head, take.name))


def test_played_mesh_equals_the_heads_own(played, take):
    true = true_vertices(take)
    plain = take.head.neutral_m + np.einsum(
        "tn,nvx->tvx",
        take.track.curves.values,
        np.stack([take.head.target(name) for name in (*ARKIT_NAMES, *TONGUE_NAMES)]),
    )
    assert furthest_m(plain, true) > 1e-3, "the test head needs correctives"
    assert furthest_m(played.vertices(), true) <= PROMISED_M


def test_a_gaze_of_the_track_itself_is_played(perform):
    gaze = np.zeros((40, 6), np.float32)
    gaze[:, [0, 3]] = np.linspace(0, 0.3, 40)[:, None]
    looking = perform(eyes_pose=gaze)
    played = Played.of(glb_bytes(looking.track, looking.head, "looking"))
    assert furthest_m(played.vertices(), true_vertices(looking)) <= PROMISED_M


def test_targets_are_named_complete_shapes_for_live_driving(played, take):
    assert played.names[:52] == list(ARKIT_NAMES)
    assert played.names[52:58] == list(TONGUE_NAMES)
    assert all(name.startswith("clip_corrective_") for name in played.names[58:])
    for name in ("jawOpen", "mouthPucker", "tongueUp"):
        assert np.abs(played.target(name) - take.head.target(name)).max() <= 1e-6


def test_weights_of_the_controls_are_the_tracks(played, take):
    np.testing.assert_array_equal(played.weights[:, :58], take.track.curves.values)
    assert np.abs(played.weights[:, 58:]).max() <= 1.0
    rest = played.weights[:5, 58:]
    assert np.abs(rest).max() < 1e-4, "at rest the correctives rest too"
    assert not np.ptp(rest, axis=0).any(), "equal frames play alike"


def test_one_channel_moves_all_primitives_at_the_tracks_times(played, take):
    (animation,) = played.document["animations"]
    (channel,) = animation["channels"]
    assert channel["target"] == {"node": 0, "path": "weights"}
    assert animation["samplers"][0]["interpolation"] == "LINEAR"
    np.testing.assert_allclose(played.times_s, take.track.time_s, atol=1e-6)
    assert {json.dumps(primitive["targets"]) for primitive in played.mesh["primitives"]} == {
        json.dumps(played.mesh["primitives"][0]["targets"])
    }
    assert len(played.mesh["weights"]) == len(played.names)


def test_primitives_tile_the_mesh_by_material(played, take):
    materials = [material["name"] for material in played.document["materials"]]
    assert materials == ["skin", "lips", "eyes"], "hair has no triangles and so no primitive"
    for primitive, region in zip(played.mesh["primitives"], (0, 1, 2), strict=True):
        corners = played.array(primitive["indices"]).reshape(-1, 3)
        np.testing.assert_array_equal(corners, take.head.triangles[take.head.regions == region])


def test_colors_are_the_albedo(played, take):
    primitive = played.mesh["primitives"][0]
    np.testing.assert_array_equal(played.array(primitive["attributes"]["COLOR_0"]), take.head.colors)
    assert all(m["pbrMetallicRoughness"]["baseColorFactor"] == [1, 1, 1, 1] for m in played.document["materials"])


def test_normals_follow_the_open_jaw(played, take):
    moved = trimesh.Trimesh(take.head.neutral_m + take.head.target("jawOpen"), take.head.triangles, process=False)
    neutral = played.array(played.mesh["primitives"][0]["attributes"]["NORMAL"])
    np.testing.assert_allclose(np.linalg.norm(neutral, axis=1), 1.0, atol=1e-5)
    bent = neutral + played.target("jawOpen", "NORMAL")
    # trimesh weights a vertex's triangles by angle, we by area.
    cosines = np.einsum("vx,vx->v", bent, moved.vertex_normals)
    assert cosines.min() > 0.95 and np.median(cosines) > 0.999


def test_targets_that_move_little_are_small(played):
    accessors = played.document["accessors"]
    blink = accessors[played.mesh["primitives"][0]["targets"][played.names.index("eyeBlinkLeft")]["POSITION"]]
    assert "sparse" in blink and blink["sparse"]["count"] < blink["count"] / 2


def test_bounds_are_those_of_the_values(played):
    primitive = played.mesh["primitives"][0]
    for index in [primitive["attributes"]["POSITION"], *(target["POSITION"] for target in primitive["targets"])]:
        accessor, values = played.document["accessors"][index], played.array(index)
        np.testing.assert_array_equal(accessor["min"], values.min(axis=0))
        np.testing.assert_array_equal(accessor["max"], values.max(axis=0))


def test_origin_is_told(played):
    assert played.document["asset"] == {"generator": "slp-mouthing 1.2.3", "version": "2.0"}
    extras = played.document["scenes"][0]["extras"]
    assert extras["fps"] == 30.0 and extras["meta"]["input"] == "WHY"


def test_same_take_same_bytes(take):
    assert glb_bytes(take.track, take.head, take.name) == glb_bytes(take.track, take.head, take.name)


@pytest.mark.parametrize("frames", [1, 2])
def test_shortest_clips(perform, frames):
    short = perform(frames)
    played = Played.of(glb_bytes(short.track, short.head, "short"))
    assert len(played.times_s) == frames
    assert furthest_m(played.vertices(), true_vertices(short)) <= PROMISED_M


def test_a_still_face_has_no_correctives(perform):
    still = perform(blendshapes=np.zeros((40, 52), np.float32), tongue=np.zeros((40, 6), np.float32))
    still = replace(still, track=replace(still.track, eyes_pose=np.zeros((40, 6), np.float32)))
    played = Played.of(glb_bytes(still.track, still.head, "still"))
    assert len(played.names) == 58
    assert furthest_m(played.vertices(), np.repeat(still.head.neutral_m[None], 40, axis=0)) == 0.0


def test_more_vertices_than_short_indices_reach(perform):
    large = perform(3, rows=260)
    assert len(large.head.neutral_m) > 2**16
    played = Played.of(glb_bytes(large.track, large.head, "large"))
    corners = np.concatenate([played.array(primitive["indices"]) for primitive in played.mesh["primitives"]])
    assert corners.max() == large.head.triangles.max()
    assert furthest_m(played.vertices(), true_vertices(large)) <= PROMISED_M


def test_trimesh_loads_it(take, tmp_path):
    path = tmp_path / "take.glb"
    path.write_bytes(glb_bytes(take.track, take.head, take.name))
    scene = trimesh.load(path, process=False)
    assert sum(len(geometry.faces) for geometry in scene.geometry.values()) == len(take.head.triangles)


@pytest.mark.gltf_validator
def test_khronos_validator_has_nothing_to_say(take, tmp_path):
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed")
    path = tmp_path / "take.glb"
    path.write_bytes(glb_bytes(take.track, take.head, take.name))
    script = Path(__file__).with_name("validate_glb.mjs")
    ran = subprocess.run([node, script, path], capture_output=True, text=True, env=os.environ, check=False)
    if "Cannot find module 'gltf-validator'" in ran.stderr:
        pytest.skip("the npm package gltf-validator is neither in the working directory nor in NODE_PATH")
    assert ran.returncode == 0, ran.stderr
    issues = json.loads(ran.stdout)
    assert issues["numErrors"] == issues["numWarnings"] == 0, issues["messages"]


def test_the_built_in_head_is_played_within_the_promise(perform):
    head = load_builtin()
    spoken = perform(frames=24, actor=head)
    played = Played.of(glb_bytes(spoken.track, head, "spoken"))
    assert furthest_m(played.vertices(), true_vertices(spoken)) <= PROMISED_M
    np.testing.assert_array_equal(played.neutral, head.neutral_m)
    corners = np.concatenate([played.array(primitive["indices"]).reshape(-1, 3) for primitive in played.mesh["primitives"]])
    assert sorted(map(tuple, corners)) == sorted(map(tuple, head.triangles)), "every triangle once"
