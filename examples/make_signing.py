"""Makes a body that signs `why-because.txt`, for the built-in half body or any tool that reads SMPL-X.

The arms are moved from one hand-set pose to the next: a stand-in for signing captured from a person, not a source to learn
signs from.

    python examples/make_signing.py out/signing.npz
    mouth render examples/why-because.txt --body out/signing.npz
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slp_mouthing.figure.handshapes import hand_pose
from slp_mouthing.figure.reach import Reach, arm_turns
from slp_mouthing.figure.skeleton import SMPLX_BODY
from slp_mouthing.files import atomic_path

FPS = 60.0
PAUSE_S = 0.9
"""Hands at rest between the utterances, and before and after them."""


@dataclass(frozen=True)
class Key:
    """Both hands and the head at one moment of a sign."""

    at: float
    """Share of the sign's time, 0 to 1."""
    right: Reach
    right_shape: str
    left: Reach | None = None
    left_shape: str = "relaxed"
    nod: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the head, rad: down, to the left, and tilted to the right."""


REST = Reach((95, -545, 190), (-0.75, -0.1, 0.55), (-0.25, -0.9, -0.3), elbow=(0.45, -1, -0.4))
"""Hands folded before the waist; x to the hand's own side, mm."""
SHOULDER = tuple(
    Reach(wrist, fingers=(-1.0, 0.42, -0.25), palm=(0.1, -0.2, -1), elbow=(1, -0.75, 0.5))
    for wrist in ((-35, -300, 235), (-78, -285, 190))
)
"""The index finger before and on the other shoulder."""
WRIST = Reach((40, -380, 250), (-0.95, 0.1, 0.3), (0.15, -0.95, 0.2))
WHEEL = Reach((165, -330, 300), (-0.45, 0.65, 0.5), (-0.75, -0.1, -0.35))
STICK = Reach((55, -350, 300), (-0.3, 0.25, 0.9), (-0.4, -0.9, 0.2))
BROKEN = Reach((170, -345, 290), (-0.1, 0.8, 0.6), (-0.95, 0.1, -0.1))
SIGNS: dict[str, tuple[float, tuple[Key, ...]]] = {
    # Gloss: seconds, keys. WHY and BECAUSE are the same hands: the mouth tells them apart.
    "WHY": (0.75, (Key(0.25, SHOULDER[0], "index", nod=(0.05, 0, 0.10)), Key(0.45, SHOULDER[1], "index", nod=(0.1, 0, 0.12)),
                   Key(0.65, SHOULDER[0], "index", nod=(0.06, 0, 0.12)), Key(0.9, SHOULDER[1], "index", nod=(0.1, 0, 0.12)))),
    "PT:PRO2SG": (0.36, (Key(0.55, Reach((70, -300, 390), (-0.1, 0.1, 1), (-0.5, -0.85, 0)), "index", nod=(0.05, 0, 0.08)),
                         Key(1.0, Reach((70, -302, 400), (-0.1, 0.08, 1), (-0.5, -0.85, 0)), "index", nod=(0.05, 0, 0.06)))),
    "LATE": (0.75, (Key(0.3, Reach((35, -335, 265), (-0.4, 1, 0.2), (-0.9, -0.2, 0)), "index", WRIST, "flat"),
                    Key(0.85, Reach((25, -338, 280), (-0.7, 0.05, 1), (-0.7, -0.7, 0)), "index", WRIST, "flat", (0.1, 0, 0.05)))),
    "BECAUSE": (0.8, (Key(0.25, SHOULDER[0], "index"), Key(0.45, SHOULDER[1], "index", nod=(0.06, 0, 0)),
                      Key(0.65, SHOULDER[0], "index"), Key(0.9, SHOULDER[1], "index", nod=(0.06, 0, 0)))),
    "BUS": (0.7, (Key(0.3, WHEEL, "fist", WHEEL, "fist"),
                  Key(0.6, Reach((160, -300, 305), WHEEL.fingers, WHEEL.palm), "fist",
                      Reach((165, -365, 300), WHEEL.fingers, WHEEL.palm), "fist", (0.02, 0, -0.05)),
                  Key(0.9, Reach((165, -365, 300), WHEEL.fingers, WHEEL.palm), "fist",
                      Reach((160, -300, 305), WHEEL.fingers, WHEEL.palm), "fist", (0.02, 0, 0.05)))),
    "BREAK-DOWN": (0.85, (Key(0.3, STICK, "fist", STICK, "fist"), Key(0.5, STICK, "fist", STICK, "fist", (0.05, 0, 0)),
                          Key(0.75, BROKEN, "fist", BROKEN, "fist", (0.14, 0, 0)),
                          Key(1.0, BROKEN, "fist", BROKEN, "fist", (0.14, 0, 0)))),
}  # fmt: skip
UTTERANCES = (("WHY", "PT:PRO2SG", "LATE"), ("BECAUSE", "BUS", "BREAK-DOWN"))


def pose(key: Key) -> np.ndarray:
    """A key as SMPL-X's 165 numbers."""
    turns = {**arm_turns("right", key.right), **arm_turns("left", key.left or REST)}
    half = np.array(key.nod) / 2
    turns |= {"neck": half, "head": half, "spine3": np.array(key.nod) * 0.2}
    body = np.concatenate([turns.get(name, np.zeros(3)) for name in SMPLX_BODY])
    hands = hand_pose(key.left_shape, "left"), hand_pose(key.right_shape, "right")
    return np.concatenate([body, np.zeros(9), *hands])


def choreography() -> tuple[list[float], list[np.ndarray], list[str], list[tuple[float, float]]]:
    """Times and poses of all keys, glosses and their slots."""
    rest = pose(Key(0, REST, "relaxed"))
    times, poses, glosses, slots, now = [0.0], [rest], [], [], PAUSE_S / 2
    for utterance in UTTERANCES:
        times.append(now)
        poses.append(rest)
        now += PAUSE_S / 4
        for gloss in utterance:
            seconds, keys = SIGNS[gloss]
            times += [now + key.at * seconds for key in keys]
            poses += [pose(key) for key in keys]
            glosses.append(gloss)
            slots.append((now, now + seconds))
            now += seconds
        now += PAUSE_S / 2
        times.append(now)
        poses.append(rest)
        now += PAUSE_S / 2
    return [*times, now], [*poses, rest], glosses, slots


def motion() -> dict[str, np.ndarray]:
    """The arrays of a BEAT2 file, and the signs with their times."""
    from scipy.interpolate import PchipInterpolator
    from scipy.spatial.transform import Rotation

    times, poses, glosses, slots = choreography()
    at = np.arange(int(times[-1] * FPS)) / FPS
    # Joints go from key to key along the shortest way, slow at both ends.
    quaternions = Rotation.from_rotvec(np.concatenate(poses).reshape(-1, 3)).as_quat().reshape(len(poses), -1, 4)
    for k in range(1, len(poses)):
        away = (quaternions[k] * quaternions[k - 1]).sum(1) < 0
        quaternions[k, away] *= -1
    moved = PchipInterpolator(times, quaternions, axis=0)(at)
    turned = Rotation.from_quat(moved.reshape(-1, 4)).as_rotvec().reshape(len(at), -1).astype(np.float32)
    return {
        "poses": turned, "expressions": np.zeros((len(at), 100), np.float32), "trans": np.zeros((len(at), 3), np.float32),
        "betas": np.zeros(300, np.float32), "model": np.array("smplx2020"), "gender": np.array("neutral"),
        "mocap_frame_rate": np.array(FPS), "glosses": np.array(glosses), "sign_times_s": np.array(slots),
    }  # fmt: skip


def main(path: Path) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **motion())  # type: ignore[arg-type]
    print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/signing.npz"))
