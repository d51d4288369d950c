"""Two folders of tracks, predicted and true, by the field's metrics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.cast import CastOptions, find_head
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.evaluation import metrics
from slp_mouthing.evaluation.regions import regions_of
from slp_mouthing.evaluation.report import Report, Row
from slp_mouthing.evaluation.statistics import exact, mean, ratio
from slp_mouthing.head.flame_controls import ControlledFlame
from slp_mouthing.types import FaceTrack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from slp_mouthing.evaluation.regions import Regions
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array, Floats

    OnProgress = Callable[[int, int], None]

SUFFIX = ".track.npz"
SOUNDS = (".wav", ".flac", ".m4a", ".mp3", ".mp4")
_BLOCK = 256
"""Frames posed at once."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A predicted track and the true one of the same name."""

    name: str
    """Path below the folder, without suffix. Its first folder is the identity; one called `level_...` the intensity."""
    predicted: Path
    true: Path
    sound: Path | None = None

    @property
    def identity(self) -> str:
        parts = Path(self.name).parts
        return parts[0] if len(parts) > 1 else ""

    @property
    def level(self) -> str:
        return next((part for part in Path(self.name).parts[:-1] if part.startswith("level_")), "")


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """What one pair adds."""

    errors_m: Floats  # [T]
    fdd_m2: float
    mtm_ms: float
    predicted_lips: float
    true_lips: float
    speech: float
    """Intensities: m per frame, and RMS; NaN without sound."""


def find_pairs(predicted: str | Path, true: str | Path, sounds: str | Path | None = None) -> tuple[list[Pair], list[str]]:
    """Tracks of the same name in both folders, and the names of those in one alone.

    Args:
        predicted: folder of `.track.npz` files, in folders of their own or not.
        true: the same.
        sounds: folder of sound files of the same names; None looks beside the true tracks.

    Raises `InputError` when there is no pair.
    """
    found = [_tracks(Path(folder)) for folder in (predicted, true)]
    common, alone = sorted(found[0].keys() & found[1].keys()), sorted(found[0].keys() ^ found[1].keys())
    if not common:
        raise InputError(f"no {SUFFIX} of the same name as in {true}", where=str(predicted))
    where = Path(true if sounds is None else sounds)
    return [Pair(name, found[0][name], found[1][name], _sound(where, name)) for name in common], alone


def judge_tracks(pairs: Sequence[Pair], cast: CastOptions | None = None, on_progress: OnProgress | None = None) -> Report:
    """LVE, FDD, MTM and, where there is sound, SLCC.

    Args:
        pairs: at least one, from `find_pairs`.
        cast: where a FLAME or GLB head is found; tracks of the built-in head need none.
        on_progress: told of every pair done, of all.

    Raises `InputError` for damaged tracks and pairs that do not fit, `HeadError` for a head that is not theirs.
    """
    heads: dict[str, tuple[Head, Regions]] = {}
    found = []
    for k, pair in enumerate(pairs):
        found.append(_compare(pair, cast or CastOptions(), heads))
        if on_progress:
            on_progress(k + 1, len(pairs))
    rows = [
        Row("LVE, mean distance", (mean([metrics.lve_mm(f.errors_m) for f in found]),), "mm"),
        Row("LVE as released, squared", (ratio([1e5 * float((f.errors_m**2).sum()) for f in found],
                                               [len(f.errors_m) for f in found]),), "1e-5 m2"),
        Row("FDD, true less predicted", (mean([1e5 * f.fdd_m2 for f in found]),), "1e-5 m2", 4),
        Row("MTM", (mean([f.mtm_ms for f in found]),), "ms", 1),
        *_slcc_rows(pairs, found),
    ]  # fmt: skip
    notes = ("intervals of 95% by resampling clips; SLCC depends on the frame rate, and is taken within identities",)
    return Report(f"{len(pairs)} tracks", ("value",), tuple(rows), notes)


# ---- files ----------------------------------------------------------------------------------------------------------------
def _tracks(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder), hint=f"give a folder of {SUFFIX} files")
    paths = {str(path.relative_to(folder)).removesuffix(SUFFIX): path for path in sorted(folder.rglob(f"*{SUFFIX}"))}
    if not paths:
        raise InputError(f"holds no {SUFFIX}", where=str(folder), hint="make them with 'mouth batch'")
    return paths


def _sound(folder: Path, name: str) -> Path | None:
    return next((path for suffix in SOUNDS if (path := folder / f"{name}{suffix}").is_file()), None)


# ---- one pair -------------------------------------------------------------------------------------------------------------
def _compare(pair: Pair, cast: CastOptions, heads: dict[str, tuple[Head, Regions]]) -> _Compared:
    predicted, true = FaceTrack.load(pair.predicted), FaceTrack.load(pair.true)
    _check(pair, predicted, true)
    if true.head not in heads:
        head = _head(true, cast, str(pair.true))
        heads[true.head] = head, regions_of(head)
    head, regions = heads[true.head]
    frames = min(len(predicted), len(true))
    chosen, place = np.unique(np.r_[regions.lips, regions.upper, regions.upper_lip, regions.lower_lip], return_inverse=True)
    made, real = (
        _vertices(track, head, chosen, str(path))[:frames] for track, path in ((predicted, pair.predicted), (true, pair.true))
    )
    count = len(regions.lips)
    lips, upper = place[:count], place[count:-2]
    gaps = [metrics.lip_gap(vertices, *place[-2:]) for vertices in (made, real)]
    return _Compared(
        errors_m=metrics.lip_errors_m(made, real, lips),
        fdd_m2=metrics.fdd_m2(made, real, head.neutral_m[chosen], upper),
        mtm_ms=metrics.mtm_ms(gaps[0], gaps[1], true.fps),
        predicted_lips=metrics.lip_intensity_m(made, lips),
        true_lips=metrics.lip_intensity_m(real, lips),
        speech=_speech_intensity(pair.sound),
    )


def _check(pair: Pair, predicted: FaceTrack, true: FaceTrack) -> None:
    where = str(pair.predicted)
    if predicted.head != true.head:
        raise InputError(f"is of the head {predicted.head}, the true track of {true.head}", where=where)
    if abs(predicted.fps - true.fps) > 1e-6:
        raise InputError(f"has {predicted.fps:g} fps, the true track {true.fps:g}", where=where, hint="render both at one rate")
    if abs(len(predicted) - len(true)) > 1:
        raise InputError(f"has {len(predicted)} frames, the true track {len(true)}", where=where)
    if not len(true):
        raise InputError("has no frames", where=where)


def _head(track: FaceTrack, cast: CastOptions, where: str) -> Head:
    head = find_head(cast)
    if head.name != track.head:
        hint = "--head flame --flame DIR" if track.head.startswith("flame") else f"--head {track.head}"
        raise HeadError(f"the track is of the head {track.head}, not of {head.name}", where=where, hint=f"give it with {hint}")
    return head


def _vertices(track: FaceTrack, head: Head, chosen: NDArray[np.int64], where: str) -> Array:
    """The track's own mesh where it holds one, else the head's. -> [T, n, 3]"""
    if track.vertex_offsets is not None:
        if track.vertex_offsets.shape[1] != len(head.neutral_m):
            raise InputError(f"has {track.vertex_offsets.shape[1]} vertices, the head {len(head.neutral_m)}", where=where)
        return np.asarray(head.neutral_m[chosen] + track.vertex_offsets[:, chosen])
    blocks = [_posed(track, head, slice(k, k + _BLOCK))[:, chosen] for k in range(0, len(track), _BLOCK)]
    return np.concatenate(blocks)


def _posed(track: FaceTrack, head: Head, frames: slice) -> Array:
    if track.expressions is not None and isinstance(head, ControlledFlame):
        return head.flame.pose_flame(track.expressions[frames], track.jaw_pose[frames], track.eyes_pose[frames])
    return head.pose(track.blendshapes[frames], track.tongue[frames], track.eyes_pose[frames])


def _speech_intensity(path: Path | None) -> float:
    from slp_mouthing.training.captured import read_sound

    return float("nan") if path is None else metrics.speech_intensity(read_sound(path)[0])


# ---- intensity ------------------------------------------------------------------------------------------------------------
def _slcc_rows(pairs: Sequence[Pair], found: Sequence[_Compared]) -> list[Row]:
    """SLCC of both and how far they are apart, for all clips and for each level; nothing without sound."""
    heard = [k for k, compared in enumerate(found) if np.isfinite(compared.speech)]
    if len(heard) < 2:
        return []
    identities, speech = [pairs[k].identity for k in heard], [found[k].speech for k in heard]
    both = [[getattr(found[k], side) for k in heard] for side in ("predicted_lips", "true_lips")]
    levels = [pairs[k].level for k in heard]
    rows = []
    for level in ("", *sorted({name for name in levels if name})):
        kept = [not level or name == level for name in levels]
        made, real = (metrics.slcc(speech, lips, identities, kept) for lips in both)
        said = f", {level}" if level else ""
        figures = (("SLCC of the prediction", made), ("SLCC of the truth", real), ("SLCC, difference", abs(made - real)))
        rows += [Row(f"{name}{said}", (exact(value, sum(kept)),)) for name, value in figures]
    return rows
