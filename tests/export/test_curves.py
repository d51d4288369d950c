"""Curve formats of animation tools: Live Link Face recordings and blend shape JSON."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from slp_mouthing.errors import InputError
from slp_mouthing.export.arkit import read_arkit, write_arkit
from slp_mouthing.export.livelink import read_livelink, timecode, write_livelink
from slp_mouthing.types import ARKIT_NAMES

HEADER = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,EyeWideLeft,"
    "EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,EyeWideRight,JawForward,JawRight,"
    "JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,MouthSmileLeft,MouthSmileRight,MouthFrownLeft,"
    "MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,MouthStretchRight,MouthRollLower,MouthRollUpper,"
    "MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,"
    "MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,"
    "CheekSquintRight,NoseSneerLeft,NoseSneerRight,TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,"
    "RightEyeYaw,RightEyePitch,RightEyeRoll"
)


def test_livelink_header_and_columns(take, tmp_path):
    write_livelink(take, tmp_path / "a.livelink.csv")
    lines = (tmp_path / "a.livelink.csv").read_text().splitlines()
    assert lines[0] == HEADER
    rows = list(csv.reader(lines[1:]))
    assert len(rows) == len(take.track)
    assert {len(row) for row in rows} == {63}
    assert {row[1] for row in rows} == {"61"}
    assert [row[0] for row in rows[:3]] == ["00:00:00:00.000", "00:00:00:01.000", "00:00:00:02.000"]
    assert rows[31][0] == "00:00:01:01.000"


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 30.0, 50.0, 60.0, 120.0])
@pytest.mark.parametrize("frames", [5, 100])
def test_livelink_times_survive_the_importers_guess_of_the_rate(perform, tmp_path, fps, frames):
    take = perform(frames, fps)
    write_livelink(take, tmp_path / "a.livelink.csv")
    times_s, values = read_livelink(tmp_path / "a.livelink.csv")
    np.testing.assert_allclose(times_s, take.track.time_s, atol=2e-5)
    np.testing.assert_allclose(values[:, :52], take.track.blendshapes, atol=1e-6)


def test_livelink_at_60_counts_frames_as_the_app_does(perform, tmp_path):
    write_livelink(perform(70, 60.0), tmp_path / "a.livelink.csv")
    codes = [line.split(",")[0] for line in (tmp_path / "a.livelink.csv").read_text().splitlines()[1:]]
    assert codes[59:62] == ["00:00:00:59.000", "00:00:01:00.000", "00:00:01:01.000"]


def test_livelink_long_clips_carry_into_minutes_and_hours():
    assert timecode(3661.5, 30) == "01:01:01:15.000"
    assert timecode(59.99999, 30) == "00:01:00:00.000"


def test_livelink_eyes(perform, tmp_path):
    gaze = np.zeros((1, 6), np.float32)
    gaze[0, :3] = [0.0, 0.3, 0.0]
    gaze[0, 3:] = [-0.2, 0.0, 0.0]
    write_livelink(perform(1, eyes_pose=gaze), tmp_path / "a.livelink.csv")
    _, values = read_livelink(tmp_path / "a.livelink.csv")
    np.testing.assert_allclose(values[0, 52:], [0, 0, 0, 0.3, 0, 0, 0, -0.2, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "header"),
        ("a,b,c\n1,2,3\n", "header"),
        (HEADER + "\n00:00:00:00.000,61,0.5\n", "3 columns"),
        (HEADER + "\n00:00:00:00.000,61" + ",x" * 61 + "\n", "not a number"),
        (HEADER + "\nnow,61" + ",0" * 61 + "\n", "not a number"),
    ],
)
def test_livelink_bad_files_are_reported(tmp_path, content, problem):
    path = tmp_path / "bad.livelink.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=problem):
        read_livelink(path)


def test_arkit_round_trip(take, tmp_path):
    write_arkit(take, tmp_path / "a.arkit.json")
    fps, weights = read_arkit(tmp_path / "a.arkit.json")
    assert fps == take.track.fps
    np.testing.assert_allclose(weights, take.track.blendshapes, atol=1e-6)


def test_arkit_keys_are_those_that_importers_read(take, tmp_path):
    write_arkit(take, tmp_path / "a.arkit.json")
    document = json.loads((tmp_path / "a.arkit.json").read_text())
    assert document["facsNames"] == list(ARKIT_NAMES)
    assert (document["exportFps"], document["numPoses"], document["numFrames"]) == (30.0, 52, len(take.track))
    assert len(document["weightMat"]) == len(take.track)


def test_arkit_from_another_tool_with_fewer_shapes_in_another_order(tmp_path):
    (tmp_path / "a.json").write_text('{"exportFps": 60, "facsNames": ["jawOpen", "eyeBlinkLeft"], "weightMat": [[0.5, 1.0]]}')
    fps, weights = read_arkit(tmp_path / "a.json")
    assert fps == 60.0
    assert weights[0, ARKIT_NAMES.index("jawOpen")] == 0.5 and weights[0, 0] == 1.0 and weights.sum() == 1.5


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [["x"]]}'])
def test_arkit_bad_files_are_reported(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json"):
        read_arkit(tmp_path / "a.json")
