"""How far a tracked face is from the true one: the errors of the MEAD-like set, each kind alone and together.

python benchmarks/tracking_error.py [CLIPS]
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from slp_mouthing.articulation import CHANNELS
from slp_mouthing.training.faces import head_of, vertices_m
from slp_mouthing.training.mead_like import MeadLikeRecipe
from slp_mouthing.training.tracking import TrackingOptions, observe

ALL = TrackingOptions()
NONE = TrackingOptions(smoothing_frames=0.0, lost_closures=0.0, jitter=0.0, dropouts_hz=0.0)
KINDS = {
    "smoothing": replace(NONE, smoothing_frames=ALL.smoothing_frames),
    "lost closures": replace(NONE, lost_closures=ALL.lost_closures),
    "jitter": replace(NONE, jitter=ALL.jitter),
    "dropouts": replace(NONE, dropouts_hz=ALL.dropouts_hz),
    "all": ALL,
}
CONTACTS = [CHANNELS.index("lipsShut"), CHANNELS.index("lipOnTeeth")]
COMPLETE, SEEN = 0.9, 0.7


def closures(truth: np.ndarray) -> list[tuple[int, int, int]]:
    """Channel, first frame and end of every complete contact of [T, H]."""
    found = []
    for column in CONTACTS:
        complete = truth[:, column] * truth[:, -1] > COMPLETE
        edges = np.flatnonzero(np.diff(np.concatenate([[0], complete, [0]]).astype(np.int8))).reshape(-1, 2)
        found += [(column, int(first), int(end)) for first, end in edges]
    return found


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    recipe = MeadLikeRecipe(0)
    errors_mm: dict[str, list[float]] = {kind: [] for kind in KINDS}
    moving_mm: dict[str, list[float]] = {kind: [] for kind in KINDS}
    seen: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for index in np.linspace(0, recipe.count - 1, count).astype(int).tolist():
        clip = recipe.clip(index)
        head = head_of(clip.identity)
        lips = np.unique(head.lip_columns)
        few, truth = head.at_vertices(lips), clip.truth()
        true_m, moving = vertices_m(few, truth)[:, : len(lips)], truth[:, -1] > 0.5
        for kind, options in KINDS.items():
            observed = observe(truth, np.random.default_rng([0, index]), clip.fps, options)
            worst = np.linalg.norm(vertices_m(few, observed)[:, : len(lips)] - true_m, axis=-1).max(axis=1) * 1e3
            errors_mm[kind].append(float(worst.mean()))
            moving_mm[kind].append(float(worst[moving].mean()))
            seen[kind] += [
                bool((observed[a:b, column] * observed[a:b, -1]).max() > SEEN) for column, a, b in closures(truth)
            ]  # fmt: skip
    print(f"{count} clips, {len(seen['all'])} closures; LVE: largest distance of a lip vertex in a frame, mean over frames")
    for kind in KINDS:
        print(
            f"{kind:<14} LVE {np.mean(errors_mm[kind]):.2f} mm, {np.mean(moving_mm[kind]):.2f} mm while the mouth moves; "
            f"closures still seen {np.mean(seen[kind]):.0%}"
        )


if __name__ == "__main__":
    main()
