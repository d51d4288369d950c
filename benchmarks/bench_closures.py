"""Closures, onsets and stillness of rule-driven mouthings on the built-in head, at the frame rates of video.

    python benchmarks/bench_closures.py [--words 500]

Generated words of one to three syllables, each with a lip closure or a lip-teeth contact, mouthed in slots of 160 to 600 ms that
start anywhere between frames. For each frame rate:

closures   the share of /p b m/ with a frame inside the phone in which the lips touch, and of /f v/ with a frame in which the
           lower lip is at the upper teeth; and the share of vowels in which the mouth opens, as one that never opens is no good
onset      the largest distance, in frames, between a mouthing's planned start and the first frame that is visibly off rest
offset     the largest distance, in frames, between its planned end and the last frame in which the face is where it would be if
           the mouthing went on; and the longest time from the planned end to complete rest
stillness  the furthest that any vertex moves between two frames while the plan says rest
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import slp_mouthing as mouth
from slp_mouthing.articulation import articulate
from slp_mouthing.articulation.measure import bouts

if TYPE_CHECKING:
    from slp_mouthing.articulation.measure import Bout
    from slp_mouthing.head.rig import Head
    from slp_mouthing.pipeline import Result
    from slp_mouthing.types import Array, Phone

RATES = (24.0, 25.0, 30.0, 50.0, 60.0)
ONSETS = ("p", "b", "m", "f", "v", "pl", "bl", "fl", "pɹ", "bɹ", "fɹ", "w", "t", "s", "k", "n", "l", "h", "ʃ", "tʃ", "dʒ", "θ")
NUCLEI = ("ɪ", "iː", "ɛ", "a", "ɑː", "ɒ", "ɔː", "ʊ", "uː", "ʌ", "ɜː", "eɪ", "aɪ", "ɔɪ", "aʊ", "əʊ")
CODAS = ("", "p", "b", "m", "f", "v", "t", "n", "s", "k", "l", "mp", "lp")
WORDS_PER_UTTERANCE = 25
TEETH_M = 0.001
"""Lower lip and upper incisors are in contact below this distance between their vertices, which stand 1.5 mm apart."""
REST_S = 0.2
"""After a mouthing the plan allows this much for relaxation."""


@dataclass
class Tally:
    """Reached out of tried."""

    reached: int = 0
    tried: int = 0

    def count(self, reached: bool) -> None:
        self.reached, self.tried = self.reached + reached, self.tried + 1

    def __str__(self) -> str:
        return f"{self.reached}/{self.tried} ({self.reached / max(self.tried, 1):.1%})"


def word(rng: random.Random) -> str:
    while True:
        syllables = [rng.choice(ONSETS) + rng.choice(NUCLEI) + rng.choice(CODAS) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
        if set("pbmfv") & set("".join(syllables)):
            return "ˈ" + "".join(syllables)


def utterance(rng: random.Random) -> str:
    tokens, start_s = [], rng.uniform(0.0, 0.3)
    for k in range(WORDS_PER_UTTERANCE):
        end_s = start_s + rng.choice((0.16, 0.2, 0.3, 0.45, 0.6))
        tokens.append(f"W{k}@{start_s:.4f}-{end_s:.4f}{{/{word(rng)}/}}")
        start_s = end_s + rng.choice((0.0, 0.0, 0.1, 0.3, 0.6)) + rng.uniform(0.0, 0.05)
    return " ".join(tokens)


class LipOnTeeth:
    """Distance of the lower lip from the upper incisors."""

    def __init__(self, head: Head) -> None:
        def vertices(region: str) -> Array:
            return np.unique(head.triangles[head.regions == head.region_names.index(region)])

        middle = np.abs(head.neutral_m[:, 0]) < 0.005
        opened = np.zeros((1, 52), np.float32)
        opened[0, mouth.types.ARKIT_NAMES.index("jawOpen")] = 1.0
        still = np.abs(head.pose(opened, np.zeros((1, 6), np.float32))[0] - head.neutral_m).max(axis=1) < 1e-4
        teeth = vertices("tooth")
        teeth = teeth[middle[teeth] & still[teeth]]
        self.teeth = teeth[head.neutral_m[teeth, 1] < head.neutral_m[teeth, 1].min() + 0.0015]
        lips = vertices("lip")
        line = head.neutral_m[head.landmarks["lip_upper_mid"][0], 1]
        self.lip = lips[middle[lips] & (head.neutral_m[lips, 1] < line)]

    def least_m(self, vertices_m: Array) -> float:  # [T, V, 3]
        apart = vertices_m[:, self.lip, None] - vertices_m[:, None, self.teeth]
        return float(np.linalg.norm(apart, axis=-1).min(initial=np.inf))


def frames_of(phone: Phone, fps: float, count: int) -> slice:
    """Frames whose interval overlaps the phone."""
    return slice(max(int(np.ceil(phone.start_s * fps - 0.5)), 0), min(int(np.floor(phone.end_s * fps + 0.5)) + 1, count))


def closures(result: Result, teeth: LipOnTeeth, tallies: dict[str, Tally]) -> None:
    track = result.track
    for phone in result.score.phones:
        frames = frames_of(phone, track.fps, len(track))
        if phone.symbol in "pbm":
            tallies["p b m"].count(bool(np.any(track.lip_opening_m[frames] <= 0.0)))
        elif phone.symbol in "fv":
            vertices_m = result.head.pose(track.blendshapes[frames], track.tongue[frames])
            tallies["f v"].count(teeth.least_m(vertices_m) <= TEETH_M)
        elif phone.symbol in NUCLEI and phone.duration_s * track.fps >= 1.0:
            tallies["vowels open"].count(bool(np.any(track.lip_opening_m[frames] > 0.001)))


def bouts_of(result: Result) -> list[Bout]:
    """What comes from rest and returns to it; one that is not seen ends the benchmark."""
    fps = result.track.fps
    return bouts(result.score, lambda score: articulate(score, fps))


def stirring_m(result: Result) -> float:
    """Furthest that a vertex moves between two frames at rest."""
    track = result.track
    resting = np.ones(len(track), bool)
    for start_s, end_s in result.score.actions:
        # The frame nearest to the start moves already.
        resting &= (track.time_s < start_s - 0.501 / track.fps) | (track.time_s > end_s + REST_S)
    vertices_m = result.head.pose(track.blendshapes[resting], track.tongue[resting])
    together = np.diff(np.flatnonzero(resting)) == 1
    return float(np.linalg.norm(np.diff(vertices_m, axis=0)[together], axis=-1).max(initial=0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=500)
    words = parser.parse_args().words
    rng = random.Random(1)
    texts = [utterance(rng) for _ in range(-(-words // WORDS_PER_UTTERANCE))]
    print(f"{len(texts) * WORDS_PER_UTTERANCE} words")
    for fps in RATES:
        studio = mouth.Studio(fps=fps)
        teeth = LipOnTeeth(studio.head)
        tallies = {"p b m": Tally(), "f v": Tally(), "vowels open": Tally()}
        found: list[Bout] = []
        worst_m = 0.0
        for text in texts:
            result = studio.render(text)
            closures(result, teeth, tallies)
            found += bouts_of(result)
            worst_m = max(worst_m, stirring_m(result))
        counts = "  ".join(f"{name} {tally}" for name, tally in tallies.items())
        onset = fps * max(abs(bout.onset_s - bout.start_s) for bout in found)
        offset = fps * max(abs(bout.offset_s - bout.end_s) for bout in found)
        rest_s = max(bout.rest_s - bout.end_s for bout in found)
        print(f"{fps:4.0f} fps  {counts}  {len(found)} bouts: onset <= {onset:.3f} frames, offset <= {offset:.3f} frames, "
              f"at rest <= {rest_s:.3f} s after the end; rest moves {worst_m * 1e3:.4f} mm")  # fmt: skip


if __name__ == "__main__":
    main()
