"""Pages of stills to judge people by: five views of each mouth shape, one page a person.

    python benchmarks/identity_sheets.py [-o DIR] [--people willow,rowan] [--draw 4] [--size 320]

Without `--people`, the finished identities; `--draw N` adds N people drawn at random. Writes DIR/NAME.png and DIR/people.png, all
faces at rest beside one another.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from slp_mouthing.avatar.default import default_avatar
from slp_mouthing.head.builtin import load_builtin
from slp_mouthing.head.identities import IDENTITIES
from slp_mouthing.head.identity import draw_identity
from slp_mouthing.render.camera import mouth, portrait, profile, three_quarter
from slp_mouthing.render.scene import make_renderer
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES

if TYPE_CHECKING:
    from PIL.Image import Image

    from slp_mouthing.head.identity import Identity

SHAPES: dict[str, dict[str, float]] = {
    "rest": {},
    "p": {"jawOpen": 0.1, "mouthClose": 0.1, "mouthPress": 0.3, "mouthRollLower": 0.1, "mouthRollUpper": 0.1},
    "f": {"mouthRollLower": 0.5, "mouthUpperUp": 0.25, "jawOpen": 0.08},
    "θ": {"tongueOut": 0.35, "jawOpen": 0.18},
    "s": {"jawOpen": 0.06, "mouthStretch": 0.2, "mouthLowerDown": 0.2, "mouthUpperUp": 0.18},
    "ʃ": {"mouthFunnel": 0.55, "mouthPucker": 0.3, "jawOpen": 0.12},
    "uː": {"mouthPucker": 0.9, "jawOpen": 0.1, "mouthFunnel": 0.15},
    "iː": {"mouthStretch": 0.4, "mouthSmile": 0.2, "jawOpen": 0.12, "mouthLowerDown": 0.25, "mouthUpperUp": 0.25},
    "ɑː": {"jawOpen": 0.65, "mouthLowerDown": 0.15, "mouthUpperUp": 0.12},
    "w": {"mouthPucker": 1.0},
}
"""Controls by mouth shape; a name without its side moves both."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("sheets"))
    parser.add_argument("--people", default=",".join(IDENTITIES))
    parser.add_argument("--draw", type=int, default=0, metavar="N")
    parser.add_argument("--size", type=int, default=320, help="of a still, pixels")
    options = parser.parse_args()
    people = {name: IDENTITIES[name] for name in options.people.split(",")}
    people |= {f"drawn-{seed}": draw_identity(seed) for seed in range(options.draw)}
    options.output.mkdir(parents=True, exist_ok=True)
    faces = []
    for name, identity in people.items():
        stills = draw_person(identity, options.size)
        page(stills).save(options.output / f"{name}.png")
        faces.append(stills[:1, :2])
        print(options.output / f"{name}.png")
    page(np.concatenate(faces)).save(options.output / "people.png")


def draw_person(identity: Identity, size: int) -> np.ndarray:
    """Stills [shapes, views, size, size, 3]."""
    head = load_builtin(identity)
    cameras = [make(head, size, size) for make in (portrait, three_quarter, mouth)]
    cameras += [mouth(head, size, size, yaw_deg=40.0), profile(head, size, size)]
    renderer = make_renderer(head, default_avatar(head), size=size)
    views = [renderer.seen_by(camera) for camera in cameras]
    weights = np.array([controls(shape) for shape in SHAPES.values()], np.float32)
    posed = head.pose(weights[:, : len(ARKIT_NAMES)], weights[:, len(ARKIT_NAMES) :])
    return np.array([[view.frame(vertices) for view in views] for vertices in posed])


def controls(shape: dict[str, float]) -> list[float]:
    """All controls of a mouth shape."""
    return [shape.get(name, shape.get(name.removesuffix("Left").removesuffix("Right"), 0.0)) for name in CONTROL_NAMES]


def page(stills: np.ndarray) -> Image:
    """Stills [rows, columns, height, width, 3] on one page."""
    from PIL import Image

    rows, columns, height, width, _ = stills.shape
    return Image.fromarray(stills.swapaxes(1, 2).reshape(rows * height, columns * width, 3))


if __name__ == "__main__":
    main()
