"""A track's mouth in the face points of a `.pose` file, on the person that it was made of and wherever that head turns.

The person's own closed mouth is found from the file: frames are laid over one another by the points that move with the skull,
and the middle of those whose lips are nearest is the face at rest. The track's motion of a head is carried over to it, scaled to
the mouth's width, and each frame's own turn of the head puts it back. Points far from the mouth keep their bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from slp_mouthing.body.clock import cover, gaps
from slp_mouthing.body.face_mesh import ANCHORS, COMPONENT, LOWER_LIPS, STEADY, UPPER_LIPS
from slp_mouthing.body.merge import MergeOptions, MergeReport
from slp_mouthing.body.resample import resample_curves
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slp_mouthing.body.pose_file import PoseFile
    from slp_mouthing.types import FaceTrack

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_CLOSED_SHARE = 0.2
"""Of the frames: those whose lips are nearest, from which the face at rest is found."""
_LEAST_STEADY = 6
_CLOSING = (1.0, 0.6, 0.25, 0.0)
"""How far each loop of the lips goes along when the lips at rest are brought together, from within."""
_WIDTHS = (0.75, 1.35)
"""Of a mouth over the head's own, face for face: what is scaled with."""


class FaceModel(Protocol):
    """A head as the face mesh sees it; metres, x to the person's left, y down, z away from the camera."""

    anchors: Mapping[int, Floats]
    """Places of `ANCHORS` at rest, [3] each."""

    def reach(self, points_m: Floats, numbers: NDArray[np.int64]) -> Floats:
        """How far the mouth can move the skin at points [N, 3]: 0 not at all, 1 as much as the lips. -> [N]"""
        ...

    def follow(self, track: FaceTrack, points_m: Floats, numbers: NDArray[np.int64]) -> Floats:
        """The motion of the skin at points [N, 3] with MediaPipe's `numbers` [N]. -> [T, N, 3]"""
        ...


@dataclass(frozen=True, slots=True)
class _Person:
    """The face points of one person, N of them in D dimensions."""

    numbers: NDArray[np.int64]  # [N] MediaPipe's
    points: Floats  # [T, N, D] as the file has them
    seen: Mask  # [T] frames with a face

    def index(self, numbers: tuple[int, ...]) -> NDArray[np.int64]:
        """Where points are, in the order of `numbers`; those that the file lacks are left out."""
        place = {number: k for k, number in enumerate(self.numbers.tolist())}
        return np.array([place[number] for number in numbers if number in place], np.int64)


def merge_pose(
    track: FaceTrack, file: PoseFile, face: FaceModel, options: MergeOptions | None = None
) -> tuple[PoseFile, MergeReport]:
    """The file with the mouth of the track, and what was done. Raises `InputError` for a file without a usable face."""
    options = options or MergeOptions()
    component, place = file.find(COMPONENT)
    dimensions = min(3, len(component.format) - 1, file.data.shape[3])
    person = _person(file, place, component.points, dimensions)
    coverage = cover(track, file.time_s, options)
    seen = person.seen[coverage.reached]
    frames, at, share = coverage.reached[seen], coverage.at[seen], coverage.share[seen]
    rest, turns = _at_rest(person)
    offsets, reach = _motion(track, face, person, rest)
    now = resample_curves(offsets.reshape(len(offsets), -1), at).reshape(len(at), *rest.shape)
    data = np.array(file.data)
    moved = np.flatnonzero(reach > 0)
    old = person.points[frames][:, moved]
    new = turns.place(frames, (rest + now)[:, moved])
    target = data[:, 0, place, :dimensions]
    target[np.ix_(frames, moved)] = old + (share[:, None] * reach[moved])[:, :, None] * (new - old)
    warnings = [] if file.data.shape[1] == 1 else [f"{file.data.shape[1]} people: the first one gets the mouth"]
    if missing := int((~seen).sum()):
        warnings.append(f"{missing} of {len(seen)} frames show no face: they stay as they are")
    report = MergeReport(
        format=f".pose {file.version:g}", frames=len(file.data), fps=file.fps, track_frames=len(track), track_fps=track.fps,
        written=(f"{len(moved)} of {len(person.numbers)} face points",), covered_s=coverage.covered_s(track, options),
        kept=("confidence", *(c.name for c in file.components if c.name != COMPONENT)),
        warnings=(*warnings, *gaps(file.time_s, file.fps, track.fps, options, coverage.used)),
    )  # fmt: skip
    return file.with_data(data), report


def _person(file: PoseFile, place: slice, names: tuple[str, ...], dimensions: int) -> _Person:
    if not all(name.isdecimal() for name in names) or file.data.shape[1] == 0:
        raise InputError(f"the points of {COMPONENT} are not numbered as MediaPipe's are", where=file.where)
    points = file.data[:, 0, place, :dimensions].astype(np.float64)
    known = (file.confidence[:, 0, place] > 0) & np.isfinite(points).all(axis=2)
    person = _Person(np.array([int(name) for name in names]), points, np.asarray(known.any(axis=1)))
    needed = np.concatenate([person.index(STEADY), person.index(tuple(ANCHORS)), person.index((13, 14))])
    seen = np.asarray(known[:, needed].all(axis=1))
    if len(person.index(STEADY)) < _LEAST_STEADY or len(person.index((13, 14, 61, 291))) < 4:
        raise InputError(f"{COMPONENT} lacks the lips or the points around them that keep still", where=file.where)
    if not seen.any():
        raise InputError("no frame shows the whole face", where=file.where)
    return _Person(person.numbers, np.nan_to_num(points), seen)


@dataclass(frozen=True, slots=True)
class _Turns:
    """What the head's own motion makes of a face at rest: a linear map and a shift for each frame."""

    linear: Floats  # [T, D, D], for row vectors
    shift: Floats  # [T, D]

    def place(self, frames: NDArray[np.int64], points: Floats) -> Floats:
        """Points [n, N, D] of frames [n] from rest to where the head is."""
        return np.asarray(points @ self.linear[frames] + self.shift[frames][:, None])

    def undo(self, points: Floats) -> Floats:
        """All frames' points [T, N, D] brought to rest."""
        return np.asarray((points - self.shift[:, None]) @ np.linalg.inv(self.linear))


def _at_rest(person: _Person) -> tuple[Floats, _Turns]:
    """The face with closed lips and a still head [N, D], and each frame's turn from it."""
    steady, lips = person.index(STEADY), person.index((13, 14))
    first = person.points[np.argmax(person.seen)]
    # Frames without a face are no turn of one.
    points = np.where(person.seen[:, None, None], person.points, first)
    turns = _turns(first[steady], points[:, steady])
    for _ in range(2):
        laid = turns.undo(points)
        gap = np.where(person.seen, np.linalg.norm(laid[:, lips[1]] - laid[:, lips[0]], axis=1), np.inf)
        closed = np.argsort(gap, kind="stable")[: max(1, int(_CLOSED_SHARE * person.seen.sum()))]
        rest = np.median(laid[closed], axis=0)
        turns = _turns(rest[steady], points[:, steady])
    return _closed(person, rest), turns


def _turns(rest: Floats, points: Floats) -> _Turns:
    """Maps from rest [S, D] to each frame's points [T, S, D]: similar in space; in a plane affine, for heads that turn away."""
    center, centers = rest.mean(0), points.mean(1)
    a, b = rest - center, points - centers[:, None]
    if rest.shape[1] == 2:
        linear = np.linalg.lstsq(a, np.moveaxis(b, 0, 1).reshape(len(a), -1), rcond=None)[0]
        linear = linear.reshape(2, len(points), 2).swapaxes(0, 1)
    else:
        u, sizes, vt = np.linalg.svd(a.T @ b)
        sign = np.sign(np.linalg.det(u @ vt))
        u[:, :, -1] *= sign[:, None]
        sizes[:, -1] *= sign
        linear = (u @ vt) * (sizes.sum(1) / (a * a).sum())[:, None, None]
    return _Turns(linear, centers - np.einsum("d,tde->te", center, linear))


def _closed(person: _Person, rest: Floats) -> Floats:
    """The face at rest, its lips brought together."""
    rest = rest.copy()
    pairs = [(person.index((a,)), person.index((b,))) for a, b in zip(UPPER_LIPS[0][1:-1], LOWER_LIPS[0][1:-1], strict=True)]
    gaps_ = [rest[b[0]] - rest[a[0]] if len(a) and len(b) else np.zeros(rest.shape[1]) for a, b in pairs]
    for part, upper, lower in zip(_CLOSING, UPPER_LIPS, LOWER_LIPS, strict=True):
        for gap, above, below in zip(gaps_, upper[1:-1], lower[1:-1], strict=True):
            rest[person.index((above,))] += part * gap / 2
            rest[person.index((below,))] -= part * gap / 2
    return rest


def _motion(track: FaceTrack, face: FaceModel, person: _Person, rest: Floats) -> tuple[Floats, Floats]:
    """The track's motion of the person's points about rest [T, N, D], and how far the mouth reaches each [N]."""
    chosen = [number for number in ANCHORS if number in set(person.numbers.tolist())]
    ours = np.stack([face.anchors[number] for number in chosen])[:, : rest.shape[1]]
    theirs = rest[person.index(tuple(chosen))]
    turn = _similar(ours, theirs)
    back = np.linalg.inv(turn.linear[0])
    points = _bent((rest - turn.shift[0]) @ back, (theirs - turn.shift[0]) @ back, ours)
    if rest.shape[1] == 2:
        points = np.concatenate([points, np.full((len(points), 1), np.nan)], axis=1)
    offsets = face.follow(track, points, person.numbers)[:, :, : rest.shape[1]]
    return offsets @ turn.linear[0] * _mouth_scale(ours, theirs, chosen, turn), face.reach(points, person.numbers)


def _similar(rest: Floats, points: Floats) -> _Turns:
    """The one similarity from points [A, D] to points [A, D], also in a plane."""
    if rest.shape[1] == 3:
        return _turns(rest, points[None])
    flat = [np.concatenate([x, np.zeros((len(x), 1))], axis=1) for x in (rest, points)]
    found = _turns(flat[0], flat[1][None])
    return _Turns(found.linear[:, :2, :2], found.shift[:, :2])


def _bent(points: Floats, anchors: Floats, targets: Floats) -> Floats:
    """Points [N, D] moved as a smooth warp moves anchors [A, D] to their targets."""
    from scipy.interpolate import RBFInterpolator

    warp = RBFInterpolator(anchors, targets - anchors, kernel="linear", smoothing=1e-6)
    return np.asarray(points + warp(points))


def _mouth_scale(ours: Floats, theirs: Floats, chosen: list[int], turn: _Turns) -> float:
    right, left = chosen.index(61), chosen.index(291)
    width, own = (np.linalg.norm(x[left] - x[right]) for x in (theirs, ours @ turn.linear[0]))
    return float(np.clip(width / own, *_WIDTHS))
