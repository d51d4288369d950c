"""Made-up heads in FLAME's file formats: an egg with two eyes, smooth random shapes, and the pickles as Python 2 wrote them."""

from __future__ import annotations

import contextlib
import pickle
import struct
import sys
from dataclasses import dataclass
from io import BytesIO
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp
from scipy.spatial import ConvexHull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOINTS = np.array([[0, -0.12, -0.02], [0, -0.06, -0.02], [0, -0.005, 0.005], [0.032, 0.032, 0.075], [-0.032, 0.032, 0.075]])
EYE_RADIUS = 0.012


@dataclass(frozen=True)
class Sizes:
    head: int
    eye: int
    shapes: int = 300
    expressions: int = 100
    neck_hole: int = 0
    """Triangles left out below."""


SMALL = Sizes(head=2000, eye=40, shapes=6, expressions=8)
FULL = Sizes(head=3931, eye=546, neck_hole=58)
"""5023 vertices, 9976 triangles, 300 identity and 100 expression directions, as published."""


def make_arrays(sizes: Sizes = SMALL, seed: int = 0) -> dict[str, Any]:
    """A model's entries by their published names, plain numpy."""
    rng = np.random.default_rng(seed)
    egg = _sphere(sizes.head) * (0.075, 0.11, 0.095)
    eyes = [_sphere(sizes.eye) * EYE_RADIUS + center for center in JOINTS[3:]]
    points = np.concatenate([egg, *eyes])
    starts = np.cumsum([0, sizes.head, sizes.eye])
    triangles = np.concatenate([_hull(part) + start for part, start in zip([egg, *eyes], starts, strict=True)])
    triangles = triangles[np.argsort(points[triangles, 1].mean(axis=1), kind="stable")[sizes.neck_hole :]]
    weights = np.zeros((len(points), 5))
    weights[: sizes.head] = _head_weights(egg)
    for eye, start in enumerate(starts[1:]):
        weights[start : start + sizes.eye, 3 + eye] = 1
    regressor = np.where(rng.random((5, len(points))) < 30 / len(points), rng.random((5, len(points))), 0) + 1e-9
    regressor /= regressor.sum(axis=1, keepdims=True)
    regressor += _towards(points, JOINTS - regressor @ points)
    count = sizes.shapes + sizes.expressions
    scale = 2e-3 * np.r_[np.linspace(1, 0.1, sizes.shapes), np.linspace(1, 0.1, sizes.expressions)]
    return {
        "v_template": points,
        "shapedirs": _waves(points, count, rng) * scale,
        "posedirs": _waves(points, 36, rng) * 1e-3,
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], range(5)], np.int64),
        "f": triangles.astype(np.uint32),
        "J": JOINTS,
        "bs_type": "lrotmin",
    }


def make_embedding(arrays: dict[str, Any], head: int) -> dict[str, np.ndarray]:
    """51 landmarks as a face has them, on the triangles nearest to their places."""
    points, triangles = arrays["v_template"], arrays["f"].astype(int)
    on_head = np.flatnonzero(triangles.max(axis=1) < head)
    centers = points[triangles[on_head]].mean(axis=1)
    places = _landmark_places()
    distance = np.linalg.norm(centers[:, None, :2] - places, axis=-1) + np.where(centers[:, None, 2] > 0, 0, 1)
    rng = np.random.default_rng(5)
    return {
        "lmk_face_idx": on_head[distance.argmin(axis=0)].astype(np.int64),
        "lmk_b_coords": rng.dirichlet([1, 1, 1], size=51),
    }


def make_masks(arrays: dict[str, Any], sizes: Sizes) -> dict[str, np.ndarray]:
    points = arrays["v_template"]
    near_mouth = np.hypot(points[:, 0] / 0.03, (points[:, 1] + 0.045) / 0.015) < 1
    return {
        "lips": np.flatnonzero(near_mouth & (points[:, 2] > 0)),
        "left_eyeball": np.arange(sizes.head, sizes.head + sizes.eye),
        "right_eyeball": np.arange(sizes.head + sizes.eye, sizes.head + 2 * sizes.eye),
    }


def write_folder(
    folder: Path, sizes: Sizes = SMALL, *, seed: int = 0, name: str = "FLAME_NEUTRAL.pkl", masks: bool = False
) -> dict[str, Any]:
    """Model, embedding and masks as a user has them. Returns the model's plain arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = make_arrays(sizes, seed)
    if name.endswith(".npz"):
        np.savez(folder / name, **{k: v for k, v in arrays.items() if not isinstance(v, str)})
    else:
        (folder / name).write_bytes(published_pickle(arrays))
    (folder / "flame_static_embedding.pkl").write_bytes(python2_pickle(make_embedding(arrays, sizes.head)))
    if masks:
        (folder / "FLAME_masks.pkl").write_bytes(python2_pickle(make_masks(arrays, sizes)))
    return arrays


# ---- pickles --------------------------------------------------------------------------------------------------------------
def published_pickle(arrays: dict[str, Any]) -> bytes:
    """FLAME's own kind: chumpy around the float arrays, a sparse regressor, Python 2 strings."""
    with fake_chumpy() as (make_ch, make_select):
        entries = dict(arrays)
        directions = arrays["shapedirs"]
        chosen = np.arange(directions.size)
        entries["shapedirs"] = make_select(make_ch(directions), chosen, directions.shape)
        for name in ("v_template", "weights", "posedirs"):
            entries[name] = make_ch(arrays[name])
        entries["J_regressor"] = sp.csc_matrix(arrays["J_regressor"])
        return python2_pickle(entries)


@contextlib.contextmanager
def fake_chumpy() -> Iterator[tuple[Any, Any]]:
    """Makers of objects whose pickles name chumpy's classes, which do not import on today's Python."""

    class Ch:
        pass

    class Select(Ch):
        pass

    modules = {}
    for kind, module in ((Ch, "chumpy.ch"), (Select, "chumpy.reordering")):
        kind.__module__, kind.__qualname__ = module, kind.__name__
        modules[module] = ModuleType(module)
        setattr(modules[module], kind.__name__, kind)

    def make(kind: type, **state: Any) -> Any:
        made = kind()
        made.__dict__.update(state, _dirty_vars=set(), _itr=None, _depends_on_deps={}, _status="new")
        return made

    previous = {name: sys.modules.get(name) for name in ("chumpy", *modules)}
    sys.modules.update({"chumpy": ModuleType("chumpy"), **modules})
    try:
        yield (
            lambda x: make(Ch, x=x),
            lambda a, chosen, shape: make(Select, a=a, idxs=chosen, preferred_shape=shape),
        )
    finally:
        for name, module in previous.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def python2_pickle(value: object) -> bytes:
    """Protocol 2 as Python 2, numpy 1 and scipy 0.19 wrote it: byte strings, and modules by their old names."""
    out = BytesIO()
    _Python2Pickler(out, protocol=2, fix_imports=True).dump(value)
    content = out.getvalue()
    for now, then in ((b"numpy._core.multiarray", b"numpy.core.multiarray"), (b"scipy.sparse._csc", b"scipy.sparse.csc")):
        content = content.replace(b"c" + now + b"\n", b"c" + then + b"\n")
    return content


class _Python2Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    dispatch: ClassVar = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_string(self, value: str | bytes) -> None:
        data = value.encode("latin1") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch[str] = save_string
    dispatch[bytes] = save_string


# ---- geometry -------------------------------------------------------------------------------------------------------------
def _sphere(count: int) -> np.ndarray:
    """Points spread evenly over the unit sphere. -> [count, 3]"""
    k = np.arange(count) + 0.5
    y, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - y * y)
    return np.stack([radius * np.cos(turn), y, radius * np.sin(turn)], axis=1)


def _hull(points: np.ndarray) -> np.ndarray:
    """A convex part's triangles, counter-clockwise from outside."""
    triangles = ConvexHull(points).simplices
    a, b, c = (points[triangles[:, k]] - points.mean(axis=0) for k in range(3))
    inwards = np.einsum("fx,fx->f", a, np.cross(b, c)) < 0
    triangles[inwards] = triangles[inwards][:, ::-1]
    return triangles


def _head_weights(points: np.ndarray) -> np.ndarray:
    """Root, neck and jaw: the jaw takes what lies below the mouth and in front of the ears."""
    x, y, z = points.T
    jaw = 1 / (1 + np.exp(-((-0.045 - y) / 0.004))) / (1 + np.exp(-(z - 0.01) / 0.01))
    neck = (1 - jaw) / (1 + np.exp(-((y + 0.09) / 0.01)))
    return np.stack([1 - jaw - neck, neck, jaw, 0 * x, 0 * x], axis=1)


def _towards(points: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Zero-sum regressor rows that add `offsets` [5, 3]. -> [5, V]"""
    centered = points - points.mean(axis=0)
    return offsets @ np.linalg.solve(centered.T @ centered, centered.T)


def _waves(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth random vector fields, each strongest at its own place on the front of the head. -> [V, 3, count]"""
    front = np.stack([rng.uniform(-0.05, 0.05, count), rng.uniform(-0.09, 0.07, count), np.full(count, 0.08)])
    near = np.exp(-((points[:, :, None] - front) ** 2).sum(axis=1) / 0.035**2)
    phase = points @ rng.normal(0, 40, (3, 3 * count)) + rng.uniform(0, 2 * np.pi, 3 * count)
    return np.sin(phase).reshape(len(points), 3, count) * near[:, None]


def _landmark_places() -> np.ndarray:
    """x, y of iBUG's points 17 to 67 on the egg, from the head's right (-x) as that scheme has them. -> [51, 2]"""

    def ellipse(center: tuple[float, float], size: tuple[float, float], count: int) -> np.ndarray:
        turn = np.pi - 2 * np.pi * np.arange(count) / count
        return np.array(center) + np.stack([np.cos(turn), np.sin(turn)], axis=1) * size

    brows = np.stack([np.linspace(-0.045, 0.045, 10), np.full(10, 0.055)], axis=1)
    bridge = np.stack([np.zeros(4), np.linspace(0.03, 0, 4)], axis=1)
    nostrils = np.stack([np.linspace(-0.012, 0.012, 5), np.full(5, -0.01)], axis=1)
    eyes = [ellipse((x, 0.032), (0.015, 0.006), 6) for x in (-0.032, 0.032)]
    lips = [ellipse((0, -0.045), (0.025, 0.009), 12), ellipse((0, -0.045), (0.02, 0.004), 8)]
    return np.concatenate([brows, bridge, nostrils, *eyes, *lips])
