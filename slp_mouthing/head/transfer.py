"""Motion of one head on another: built-in head, heads from GLB files, the user's FLAME, each onto each.

What must carry over is what the lips do: gap, width, protrusion, contact. Each frame's parameters on the target are those whose
lips do the same at the target's size. What the lips leave open is decided by the curves themselves where both heads take ARKit's
controls, for those mean the same on every such head, and by the face's skin where one of them is FLAME.

Frames are solved one by one, so that a frame's result does not depend on those around it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.errors import HeadError, OutputError
from slp_mouthing.files import atomic_path
from slp_mouthing.head.correspondence import Correspondence, correspond
from slp_mouthing.head.descent import descend
from slp_mouthing.head.flame import FlameHead
from slp_mouthing.head.least_squares import JacobianTable, Parameters, tabulate
from slp_mouthing.head.lip_probe import COLUMNS, MIDDLE
from slp_mouthing.head.puppet import ControlPuppet, puppet, set_look
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.head.puppet import Puppet
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array, FaceTrack

    Floats = NDArray[np.floating[Any]]

_VERSION = 1
"""Of what the cache holds; raised with every change of it."""
_WIDTH, _DEPTH = COLUMNS, COLUMNS + 1
"""Columns of the probe's measures after the gaps."""
_UNSEEN_M = 1e-4
"""An opening this much off is right; lips that should touch and do not are brought this much closer than that."""
_LIP_REACH, _FACE_REACH, _DEEPEST = 0.3, 1.8, 1.3
"""By the mouth's width: what counts as around the lips, as the face, and how far behind the lips it ends."""
_FRAMES_AT_ONCE = 128
_HOLD = np.where([name.startswith(("mouth", "jawOpen")) for name in CONTROL_NAMES], 1.0, 100.0)
"""Curves that say nothing of the lips stay as they are."""


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """What counts how much. A weight of 2 makes a deviation count like twice its size."""

    middle: float = 10.0
    """Weight of the gap at the midline."""
    gaps: float = 1.5
    """Weight of the gaps beside it."""
    shape: float = 6.0
    """Weight of width and protrusion."""
    skin: float = 0.7
    """Weight of each skin vertex, where skin decides what lips leave open."""
    vertices: int = 240
    """Skin vertices that are compared, half of them around the lips."""
    control_mm: float = 20.0
    """A change of a control by 1 counts like this deviation, where curves decide what lips leave open."""
    pull_mm: float = 0.3
    """An expression coefficient of 1 counts like this deviation, where skin decides what lips leave open."""
    rounds: int = 8
    """Corrections of the frames whose lips, measured on the target's posed mesh, are not yet where they should be."""


class Transfer:
    """From `source` to `target`; built once per pair of heads (1 s, or 0.1 s from the cache). Safe to share between threads."""

    def __init__(
        self, source: Head | FlameHead, target: Head | FlameHead, options: TransferOptions | None = None, *,
        cache: Path | None = None,
    ) -> None:  # fmt: skip
        """`cache` is the folder of results on disk; None takes the user's cache folder."""
        self.source, self.target, self.options = source, target, options or TransferOptions()
        self._from, self._to = puppet(source), puppet(target)
        self._by_curves = isinstance(self._from, ControlPuppet) and isinstance(self._to, ControlPuppet)
        path = (cache or _cache_folder()) / f"{self._key()}.npz"
        found = _load(path, self._to.parameters) or self._prepare()
        self._table, self._found = found
        if not path.exists():
            _save(path, *found)
        self._features = _Features(self._to, self._found.chosen, self.options, self._by_curves)
        self._motion = _Motion(self._from, self._to, self._found)

    def __call__(self, track: FaceTrack) -> FaceTrack:
        """The track on the target head. Raises `HeadError` when it is of another head than the source."""
        if track.head != self.source.name:
            raise HeadError(f"the track is of head '{track.head}', expected '{self.source.name}'")
        values = self.values(self._from.values(track))
        if isinstance(self.target, FlameHead):
            expressions, jaw = np.split(values.astype(np.float32), [-3], axis=1)
            changed: dict[str, Any] = {"expressions": expressions, "jaw_pose": jaw}
        else:
            changed = self._control_fields(values, track.eyes_pose, self.target)
        opening, width = (measure.astype(np.float32) for measure in self._to.lips(values))
        return replace(
            track, head=self.target.name, vertex_offsets=None, lip_opening_m=opening, lip_width_m=width, **changed
        )  # fmt: skip

    def values(self, source_values: Floats) -> Floats:
        """Parameters of the target for those of the source: controls [T, 58], or expression and jaw [T, E + 3]."""
        blocks = range(0, len(source_values), _FRAMES_AT_ONCE)
        found = [self._block(source_values[start : start + _FRAMES_AT_ONCE]) for start in blocks]
        return np.concatenate([np.zeros((0, len(self._to.parameters.step))), *found])

    def _block(self, source_values: Floats) -> Floats:
        goal = self._motion(source_values, by_curves=self._by_curves)
        values = source_values if self._by_curves else np.zeros((len(source_values), len(self._to.parameters.step)))
        goal.measures[:, MIDDLE] = self._features.measures(values)[:, MIDDLE]
        pull = 0.0 if self._by_curves else 1e-3 * self.options.pull_mm
        values, frames = values.copy(), np.arange(len(values))
        for _ in range(1 + self.options.rounds):
            goal.correct(self._to.opening(values[frames]), frames)
            wanted = self._features.packed(goal.skin[frames], goal.measures[frames], source_values[frames])
            values[frames] = descend(self._table, self._features, wanted, values[frames], pull)
            frames = frames[goal.missed(self._to.opening(values[frames]), frames) != 0]
            if not len(frames):
                break
        return values

    def _control_fields(self, values: Floats, eyes_pose: Array, target: Head) -> dict[str, Any]:
        if not self._by_curves:
            set_look(values, eyes_pose, target)
        controls = values.astype(np.float32)
        blendshapes, tongue = controls[:, : len(ARKIT_NAMES)], controls[:, len(ARKIT_NAMES) :]
        return {"blendshapes": blendshapes, "tongue": tongue, "jaw_pose": target.jaw_pose(blendshapes),
                "eyes_pose": target.eyes_pose(blendshapes), "expressions": None}  # fmt: skip

    # ---- once per pair ----
    def _prepare(self) -> tuple[JacobianTable, Correspondence]:
        found = correspond(self._from.face, self._to.face, self._spread_out())
        features = _Features(self._to, found.chosen, self.options, self._by_curves)
        return tabulate(features, self._to.parameters, lambda reach: np.arange(len(reach))), found

    def _spread_out(self) -> NDArray[np.intp]:
        """Skin vertices of the target's face, half of them around the lips; none where curves say enough. -> [S]"""
        if self._by_curves:
            return np.zeros(0, np.intp)
        from scipy.spatial import KDTree

        face, size = self._to.face, self._to.probe.rest_width
        points, lips = face.neutral[face.skin], face.neutral[face.landmarks["lips_outer"]]
        away = np.asarray(KDTree(lips).query(points)[0]) / size
        front = points[:, 2] > np.median(lips[:, 2]) - _DEEPEST * size
        near, rest = face.skin[away < _LIP_REACH], face.skin[(away >= _LIP_REACH) & (away < _FACE_REACH) & front]
        count = self.options.vertices // 2
        return np.sort(np.concatenate([part[:: max(1, len(part) // count)] for part in (near, rest)]))

    def _key(self) -> str:
        parts = (str(_VERSION), self._from.checksum(), self._to.checksum(), repr(self.options))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]


class _Features:
    """What is compared on the target, in metres times weight: skin vertices, lip measures, and the curves themselves."""

    def __init__(self, target: Puppet, chosen: NDArray[np.intp], options: TransferOptions, by_curves: bool) -> None:
        self._probe, self._count, self._options, self._by_curves = target.probe, len(chosen), options, by_curves
        self._pose = target.at(np.concatenate([chosen, target.probe.vertices]))
        self._pose_lips = target.at(target.probe.vertices)
        self._weights = np.full(COLUMNS + 2, options.gaps)
        self._weights[[MIDDLE, _WIDTH, _DEPTH]] = options.middle, options.shape, options.shape

    def __call__(self, values: Floats) -> Floats:
        """[T, P] -> [T, S, 3]"""
        points = self._pose(values)
        return self.packed(points[:, : self._count], self._probe(points[:, self._count :]), values)

    def measures(self, values: Floats) -> Floats:
        """[T, P] -> [T, L + 2]"""
        return self._probe(self._pose_lips(values))

    def packed(self, skin: Floats, measures: Floats, values: Floats) -> Floats:
        """Numbers as points. [T, N, 3], [T, L + 2], [T, P] -> [T, S, 3]"""
        scalars = measures * self._weights
        if self._by_curves:
            scalars = np.concatenate([scalars, values * _HOLD * (1e-3 * self._options.control_mm)], axis=1)
        scalars = np.pad(scalars, ((0, 0), (0, -scalars.shape[1] % 3)))
        return np.concatenate([self._options.skin * skin, scalars.reshape(len(scalars), -1, 3)], axis=1)


@dataclass(slots=True)
class _Goal:
    """What the target should show."""

    skin: Floats  # [T, N, 3] places of the chosen vertices
    measures: Floats  # [T, L + 2] of the probe
    opening: Floats  # [T] as the head itself measures it

    def missed(self, opening: Floats, frames: NDArray[np.intp]) -> Floats:
        """How much wider the lips are open than they should be, 0 where no one sees it. [N] m, [N] -> [N] m"""
        missed = opening - self.opening[frames]
        seen = (np.abs(missed) > _UNSEEN_M) | ((self.opening[frames] == 0) & (opening > 0))
        return np.where(seen, missed, 0.0)

    def correct(self, opening: Floats, frames: NDArray[np.intp]) -> None:
        """Ask of the probe what the lips still lack: it sees one pair of points, the head's own opening more. [N] m, [N]"""
        missed = self.missed(opening, frames)
        self.measures[frames, MIDDLE] -= missed + _UNSEEN_M * ((self.opening[frames] == 0) & (missed > 0))


class _Motion:
    """The source's motion at the target's size."""

    def __init__(self, source: Puppet, target: Puppet, found: Correspondence) -> None:
        self._source, self._target, self._found = source, target, found
        self._used, at = np.unique(found.sources, return_inverse=True)
        self._local = replace(found, sources=at.reshape(found.sources.shape))
        self._pose = source.at(np.concatenate([self._used, source.probe.vertices]).astype(np.intp))

    def __call__(self, values: Floats, *, by_curves: bool) -> _Goal:
        """Parameters of the source [T, P']."""
        source, target, scale = self._source, self._target, self._found.scale
        points = self._pose(values)
        opening, measures = scale * source.opening(values), source.probe(points[:, len(self._used) :])
        goal = measures * scale
        goal[:, _WIDTH] = measures[:, _WIDTH] * target.probe.rest_width / source.probe.rest_width
        if not by_curves:
            # Contours that lie apart while lips touch are no gap.
            goal[:, :COLUMNS] = np.maximum(goal[:, :COLUMNS], 0) * (opening > 0)[:, None]
        offsets = points[:, : len(self._used)] - source.face.neutral[self._used]
        return _Goal(target.face.neutral[self._found.chosen] + self._local.carry(offsets), goal, opening)


# ---- cache ----------------------------------------------------------------------------------------------------------------
def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slp-mouthing" / "transfer"


def _save(path: Path, table: JacobianTable, found: Correspondence) -> None:
    """A folder that cannot be written costs the next start a second, and is no error."""
    arrays = {"jacobians": table.jacobians, "gram": table.gram, "vertices": table.vertices, "chosen": found.chosen,
              "sources": found.sources, "weights": found.weights, "scale": np.array(found.scale)}  # fmt: skip
    with contextlib.suppress(OutputError), atomic_path(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def _load(path: Path, parameters: Parameters) -> tuple[JacobianTable, Correspondence] | None:
    """What `_save` wrote; None when it is not there or damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            table = JacobianTable(parameters, stored["vertices"], stored["jacobians"], stored["gram"])
            return table, Correspondence(stored["chosen"], stored["sources"], stored["weights"], float(stored["scale"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
