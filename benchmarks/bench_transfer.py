"""What of a mouth carries over from head to head, and how fast: python benchmarks/bench_transfer.py ["GLOSS TEXT"]

FLAME itself is licensed and not here: "flame-like" is a file of its format made from the built-in head, whose expression
directions hold mouth shapes. "random flame" is an egg under random waves: what happens when they do not. "other.glb" is the
built-in head's skin, resampled, in other proportions. "curves as they are" is the head without transfer.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import slp_mouthing as mouth
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.flame import FlameHead, load_flame
from slp_mouthing.head.gltf_head import GlbHead, load_glb_head
from slp_mouthing.head.transfer import Transfer
from tests.head.flame_files import SMALL, write_folder
from tests.head.flame_like import SHAPES, write_flame_like
from tests.head.glb_files import other_head, write_glb
from tests.head.speech_curves import correlation, protrusion

if TYPE_CHECKING:
    import numpy as np

    from slp_mouthing.head.builtin import BuiltinHead
    from slp_mouthing.types import FaceTrack

GLOSSES = (
    "BUY@0.5 MAYBE{perhaps maybe}@0.8 HOME@0.5 BOAT{my boat}@0.7 FIVE@0.5 SHOE{shoe pool}@0.8 WHO@0.4 BABY{baby people}@0.8 "
    "MUM@0.5 WHY@0.5 LATE@0.6 FISH{fish and chips}@0.9 THURSDAY{thursday}@0.7 BEEN{been there}@0.6 PAPER{paper}@0.5 MOVE@0.4"
)
CONTACT_M, OPEN_M = 3e-4, 6e-4


def vertices(track: FaceTrack, head: BuiltinHead | GlbHead | FlameHead) -> np.ndarray:
    if isinstance(head, FlameHead):
        return head.pose_flame(track.expressions, track.jaw_pose, track.eyes_pose)
    return head.pose(track.blendshapes, track.tongue, track.eyes_pose)


def report(
    name: str, before: FaceTrack, source: BuiltinHead | GlbHead | FlameHead, after: FaceTrack,
    target: BuiltinHead | GlbHead | FlameHead, times: str = "",
) -> None:  # fmt: skip
    depth = correlation(protrusion(vertices(before, source), source), protrusion(vertices(after, target), target))
    opening = correlation(before.lip_opening_m, after.lip_opening_m)
    width = correlation(before.lip_width_m, after.lip_width_m)
    contact, apart = before.lip_opening_m <= CONTACT_M, before.lip_opening_m > OPEN_M
    kept, stay = (after.lip_opening_m[contact] <= CONTACT_M).mean(), (after.lip_opening_m[apart] > CONTACT_M).mean()
    print(f"{name:34}{opening:9.4f}{width:9.4f}{depth:11.4f}{kept:9.1%}{stay:9.1%}  {times}")


def carry(
    source: BuiltinHead | GlbHead | FlameHead, target: BuiltinHead | GlbHead | FlameHead, track: FaceTrack, cache: Path,
    name: str,
) -> FaceTrack:  # fmt: skip
    started = time.perf_counter()
    Transfer(source, target, cache=cache)
    built = time.perf_counter()
    transfer = Transfer(source, target, cache=cache)
    ready = time.perf_counter()
    after = transfer(track)
    rate = len(track) / (time.perf_counter() - ready)
    report(name, track, source, after, target, f"{built - started:6.2f}{ready - built:8.2f}{rate:8.0f}")
    return after


def main() -> None:
    builtin = load_builtin()
    track = mouth.render(sys.argv[1] if len(sys.argv) > 1 else GLOSSES).track
    contact = (track.lip_opening_m <= CONTACT_M).mean()
    print(f"{len(track)} frames, {contact:.0%} of them with lips in contact")
    print(f"{'':34}{'opening':>9}{'width':>9}{'protrusion':>11}{'contact':>9}{'open':>9}  {'new s':>6}{'cache s':>8}{'fps':>8}")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        write_flame_like(here / "like")
        write_folder(here / "random")
        like, egg = load_flame(here / "like", shape_count=SHAPES), load_flame(here / "random", shape_count=SMALL.shapes)
        glb = load_glb_head(write_glb(here / "other.glb", [other_head()]))
        on_flame = carry(builtin, like, track, here, "builtin -> flame-like")
        carry(like, builtin, on_flame, here, "flame-like -> builtin")
        on_glb = carry(builtin, glb, track, here, "builtin -> other.glb")
        carry(glb, builtin, on_glb, here, "other.glb -> builtin")
        carry(like, glb, on_flame, here, "flame-like -> other.glb")
        carry(builtin, egg, track, here, "builtin -> random flame")
        opening, width = glb.lips(track.blendshapes, track.tongue)
        plain = replace(track, head=glb.name, lip_opening_m=opening, lip_width_m=width)
        report("other.glb, curves as they are", track, builtin, plain, glb)


if __name__ == "__main__":
    main()
