"""Formats of a few mouth shapes: each phone is seen as its viseme, closures stay closed, and what is lost is said."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.export import losses, oculus, rhubarb, visemes, vrm
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES, FaceTrack, Take

SOUNDS: dict[str, dict[str, float]] = {
    "p": {"mouthPress": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.2, "jawOpen": 0.1, "mouthClose": 0.1},
    "f": {"mouthRollLower": 0.6, "mouthUpperUp": 0.25, "jawOpen": 0.1},
    "th": {"tongueOut": 0.35, "tongueWide": 0.2, "jawOpen": 0.18, "mouthLowerDown": 0.15, "mouthUpperUp": 0.1},
    "t": {"tongueTipUp": 0.7, "jawOpen": 0.13},
    "k": {"tongueBack": 0.8, "jawOpen": 0.18},
    "sh": {"mouthFunnel": 0.55, "mouthPucker": 0.3, "tongueUp": 0.4, "jawOpen": 0.12},
    "s": {"mouthStretch": 0.3, "mouthSmile": 0.22, "mouthLowerDown": 0.28, "mouthUpperUp": 0.2, "tongueUp": 0.3, "jawOpen": 0.06},
    "a": {"jawOpen": 0.62, "mouthLowerDown": 0.15, "mouthUpperUp": 0.1},
    "e": {"jawOpen": 0.38, "mouthStretch": 0.32, "mouthSmile": 0.15, "mouthLowerDown": 0.22, "mouthUpperUp": 0.15},
    "i": {"jawOpen": 0.12, "mouthStretch": 0.5, "mouthSmile": 0.5, "mouthLowerDown": 0.25, "mouthUpperUp": 0.25, "tongueUp": 0.8},
    "o": {"jawOpen": 0.42, "mouthFunnel": 0.6, "mouthPucker": 0.15, "tongueBack": 0.4},
    "u": {"jawOpen": 0.1, "mouthPucker": 0.9, "mouthFunnel": 0.15, "tongueBack": 0.4},
    "rest": {},
}
"""How a mouth looks in the middle of each sound."""


def speaking(sounds: list[str], frames_each: int = 6, fps: float = 30.0, **extra: float) -> Take:
    """A take that holds each sound, straight from one to the next."""
    head = load_builtin()
    values = np.zeros((len(sounds), len(CONTROL_NAMES)), np.float32)
    for row, sound in zip(values, sounds, strict=True):
        for name, weight in (SOUNDS[sound] | extra).items():
            for column in (name, f"{name}Left", f"{name}Right"):
                if column in CONTROL_NAMES:
                    row[CONTROL_NAMES.index(column)] = weight
    values = np.repeat(values, frames_each, axis=0)
    blendshapes, tongue = values[:, : len(ARKIT_NAMES)], values[:, len(ARKIT_NAMES) :]
    opening_m, width_m = head.lips(blendshapes, tongue)
    track = FaceTrack(
        fps=fps, head=head.name, jaw_pose=head.jaw_pose(blendshapes), blendshapes=blendshapes,
        eyes_pose=head.eyes_pose(blendshapes), tongue=tongue, lip_opening_m=opening_m, lip_width_m=width_m,
    )  # fmt: skip
    return Take(track, head, "speaking")


ALL = speaking(list(SOUNDS), frames_each=1)


@pytest.mark.parametrize(
    ("sound", "viseme"),
    [
        ("p", "PP"), ("f", "FF"), ("th", "TH"), ("t", "DD"), ("k", "kk"), ("sh", "CH"), ("s", "SS"), ("a", "aa"), ("e", "E"),
        ("i", "ih"), ("o", "oh"), ("u", "ou"), ("rest", "sil"),
    ],
)  # fmt: skip
def test_oculus_sees_each_sound_as_its_viseme(sound, viseme):
    weights = oculus.viseme_weights(ALL.track)[list(SOUNDS).index(sound)]
    assert oculus.NAMES[weights.argmax()] == viseme
    assert weights.max() > 0.55


@pytest.mark.parametrize(("sound", "vowel"), [("a", "aa"), ("e", "ee"), ("i", "ih"), ("o", "oh"), ("u", "ou")])
def test_vrm_sees_each_vowel(sound, vowel):
    found = {name: weights[list(SOUNDS).index(sound)] for name, weights in vrm.expressions(ALL.track).items()}
    assert max(found, key=found.__getitem__) == vowel
    assert found[vowel] > 0.7


@pytest.mark.parametrize("sound", ["p", "rest"])
def test_vrm_leaves_closed_lips_closed(sound):
    found = vrm.expressions(ALL.track)
    assert all(weights[list(SOUNDS).index(sound)] == 0.0 for weights in found.values())


def test_rhubarb_sees_each_sound_as_its_shape():
    spoken = {"p": "A", "s": "B", "e": "C", "a": "D", "o": "E", "u": "F", "f": "G", "t": "H", "rest": "X"}
    cues = rhubarb.mouth_cues(speaking(list(spoken)).track)
    assert [shape for _, _, shape in cues] == list(spoken.values())
    np.testing.assert_allclose([start for start, _, _ in cues], np.arange(len(spoken)) * 0.2, atol=1e-9)


def test_rhubarb_keeps_a_contact_of_one_frame_and_no_other_flicker():
    cues = rhubarb.mouth_cues(speaking(["a"] * 6 + ["p"] + ["a"] * 6 + ["e"] + ["o"] * 6, frames_each=1).track)
    assert [shape for _, _, shape in cues] == ["D", "A", "D", "E"]
    (_, closed, _) = (end - start for start, end, _ in cues[:3])
    assert closed == pytest.approx(1 / 30)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(list(SOUNDS)), min_size=1, max_size=30), st.sampled_from([24.0, 25.0, 29.97, 60.0]))
def test_any_speech_gives_sound_files(sounds, fps):
    take = speaking(sounds, frames_each=1, fps=fps)
    weights = oculus.viseme_weights(take.track)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-9)
    assert weights.min() >= 0.0
    sealed = take.track.lip_opening_m == 0.0
    opening = [name not in ("sil", "PP") for name in oculus.NAMES]
    assert not weights[sealed][:, opening].any(), "no viseme parts lips that are sealed"
    vowels = np.stack(list(vrm.expressions(take.track).values()))
    assert vowels.min() >= 0.0 and vowels[:5].sum(axis=0).max() <= 1.0 + 1e-9
    cues = rhubarb.mouth_cues(take.track)
    assert cues[0][0] == 0.0 and cues[-1][1] == pytest.approx(len(sounds) / fps)
    assert all(before[1] == after[0] and before[2] != after[2] for before, after in pairwise(cues))


def test_oculus_file(tmp_path):
    oculus.write_oculus(ALL, tmp_path / "a.oculus.csv")
    header, *rows = csv.reader((tmp_path / "a.oculus.csv").read_text().splitlines())
    assert header == ["time_s", "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"]
    values = np.array(rows, float)
    np.testing.assert_allclose(values[:, 0], ALL.track.time_s, atol=1e-6)
    np.testing.assert_allclose(values[:, 1:], oculus.viseme_weights(ALL.track), atol=1e-4)


def test_vrm_file(tmp_path):
    vrm.write_vrm(ALL, tmp_path / "a.vrm.json")
    document = json.loads((tmp_path / "a.vrm.json").read_text())
    assert (document["specVersion"], document["fps"], document["frames"]) == ("1.0", 30.0, len(ALL.track))
    assert list(document["expressions"]) == ["aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft", "blinkRight"]
    assert {len(weights) for weights in document["expressions"].values()} == {len(ALL.track)}


def test_vrm_blinks_add_up_to_each_eye():
    blendshapes = np.zeros((3, 52), np.float32)
    blendshapes[:, ARKIT_NAMES.index("eyeBlinkLeft")] = [1.0, 0.5, 0.0]
    blendshapes[:, ARKIT_NAMES.index("eyeBlinkRight")] = [1.0, 0.25, 0.75]
    found = vrm.expressions(replace(speaking(["rest"], 3).track, blendshapes=blendshapes))
    np.testing.assert_allclose(found["blink"] + found["blinkLeft"], [1.0, 0.5, 0.0], atol=1e-6)
    np.testing.assert_allclose(found["blink"] + found["blinkRight"], [1.0, 0.25, 0.75], atol=1e-6)


def test_rhubarb_file_has_the_keys_of_rhubarbs_own(tmp_path):
    rhubarb.write_rhubarb(ALL, tmp_path / "a.rhubarb.json")
    document = json.loads((tmp_path / "a.rhubarb.json").read_text())
    assert document["metadata"] == {"soundFile": "speaking", "duration": round(len(ALL.track) / 30, 3)}
    assert all(set(cue) == {"start", "end", "value"} for cue in document["mouthCues"])
    assert document["mouthCues"][-1]["end"] == document["metadata"]["duration"]
    assert {cue["value"] for cue in document["mouthCues"]} <= set("ABCDEFGHX")


@pytest.mark.parametrize("suffix", ["oculus.csv", "vrm.json", "rhubarb.json"])
def test_cheeks_and_brows_are_said_to_be_lost(suffix):
    told = " ".join(losses(speaking(["a"], cheekPuff=0.9, browInnerUp=0.4, mouthLeft=0.3), f"a.{suffix}"))
    assert f"a.{suffix}: not shown: cheekPuff (up to 0.90), browInnerUp (up to 0.40), mouthLeft (up to 0.30)" in told


def test_vrm_says_that_contacts_are_lost():
    assert any("p, b, m" in line for line in vrm.losses(speaking(["p", "a"])))
    assert any("f, v" in line for line in vrm.losses(speaking(["f", "a"])))
    assert not any("f, v" in line for line in vrm.losses(speaking(["p", "a"])))


def test_the_loss_at_the_lips_is_in_millimetres():
    wide = [line for line in vrm.losses(speaking(["sh"])) if "lips' opening is off by" in line]
    assert len(wide) == 1 and " mm on average" in wide[0]


def test_rest_loses_nothing():
    still = speaking(["rest"])
    assert [losses(still, f"a.{suffix}") for suffix in ("oculus.csv", "vrm.json", "rhubarb.json", "glb", "usd")] == [()] * 5


def test_a_mix_of_two_shapes_is_found_again():
    basis = visemes.postures(oculus.SHAPES)
    aa, ou = ([shape.name for shape in oculus.SHAPES].index(name) for name in ("aa", "ou"))
    mixture = np.zeros((1, len(oculus.SHAPES)))
    mixture[0, [aa, ou]] = 0.6, 0.4
    controls = visemes.rebuilt(mixture, oculus.SHAPES)
    half = replace(
        speaking(["a"], 1).track, blendshapes=controls[:, :52], tongue=controls[:, 52:], lip_opening_m=np.float32([0.01])
    )
    np.testing.assert_allclose(visemes.features(half), mixture @ basis, atol=1e-6)
    np.testing.assert_allclose(visemes.mix(half, oculus.SHAPES), mixture, atol=1e-4)
