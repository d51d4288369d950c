"""A face track into a body sequence, on the body's clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slp_mouthing.body.clock import cover, gaps
from slp_mouthing.body.resample import resample_curves, resample_rotations, slerp
from slp_mouthing.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slp_mouthing.body.clock import Coverage
    from slp_mouthing.types import BodySequence, FaceTrack

    Floats = NDArray[np.floating[Any]]

CHANNELS = {"jaw": "jaw_pose", "expression": "expressions", "eyes": "eyes_pose"}
"""What may be replaced -> the field of track and body."""

SMPLX_FLAME = "flame2020"
"""The FLAME whose expression coefficients SMPL-X shares."""


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """Which part of a track goes where."""

    fps: float | None = None
    """The body's frame rate, instead of what its file says or its format implies."""
    offset_s: float = 0.0
    """When the track's part begins on the body's clock; negative: it began before the body."""
    trim_s: tuple[float, float | None] = (0.0, None)
    """Part of the track that is used, from its start; None: to its end."""
    channels: tuple[str, ...] = ("jaw", "expression")
    """Of `CHANNELS`; all others stay as the body has them."""
    blend_s: float = 0.1
    """Beyond both ends of the track, from the body's own face to the track's and back."""
    widen: bool = False
    """Give a file the face channels that its format lacks, instead of leaving them out."""

    def __post_init__(self) -> None:
        if unknown := [name for name in self.channels if name not in CHANNELS]:
            raise InputError(f"unknown face channel '{unknown[0]}', allowed: {', '.join(CHANNELS)}")
        if not self.channels:
            raise InputError("no face channel is asked for", hint=f"choose of {', '.join(CHANNELS)}")
        start, end = self.trim_s
        if not 0.0 <= start < (np.inf if end is None else end):
            raise InputError(f"trim is {start:g} to {end:g} s, expected 0 or more, and the end after the start")
        if not (np.isfinite(self.offset_s) and 0.0 <= self.blend_s < np.inf):
            raise InputError(f"offset {self.offset_s:g} s, blend {self.blend_s:g} s: expected finite times, blend 0 or more")


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge did."""

    format: str
    frames: int
    fps: float
    track_frames: int
    track_fps: float
    written: tuple[str, ...]
    """Face channels that were replaced."""
    covered_s: tuple[float, float]
    """First and last instant of the body at which the face is the track's."""
    expressions_written: int = 0
    expressions_lost: int = 0
    """Coefficients of the track that the body has no columns for."""
    lost_norm: float = 0.0
    """Norm of the lost coefficients over that of all, both over the whole track."""
    lost_mean_mm: float | None = None
    """How far the lost coefficients move a vertex of FLAME's face, over all vertices and frames; None without a FLAME."""
    lost_most_mm: float | None = None
    """The same of the vertex and frame where it is most."""
    kept: tuple[str, ...] = ()
    """Names of everything in the file that is bit for bit as it was."""
    warnings: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The report for people."""
        start, end = self.covered_s
        lines = [
            f"body: {self.format}, {self.frames} frames at {self.fps:g} fps; wrote {', '.join(self.written)}",
            f"track: {self.track_frames} frames at {self.track_fps:g} fps, {self._clock()}; "
            f"speaks from {start:.2f} to {end:.2f} s of {self.frames / self.fps:.2f} s",
        ]
        if self.expressions_written:
            lost = f"{self.expressions_lost} lost ({self._loss()})" if self.expressions_lost else "none lost"
            lines.append(f"expressions: {self.expressions_written} of {self.expressions_written + self.expressions_lost}, {lost}")
        if self.kept:
            lines.append(f"kept bit for bit: {', '.join(self.kept)}")
        return lines

    def _loss(self) -> str:
        share = f"{self.lost_norm:.1%} of their norm"
        if self.lost_mean_mm is None or self.lost_most_mm is None:
            return share
        return f"{share}; {self.lost_mean_mm:.2f} mm on average, {self.lost_most_mm:.2f} mm at most"

    def _clock(self) -> str:
        same = np.isclose(self.track_fps, self.fps, rtol=1e-9)
        return "as the body" if same else f"resampled to {self.fps:g} (rotations by slerp, curves by cubic)"


def merge(track: FaceTrack, body: BodySequence, options: MergeOptions | None = None) -> tuple[BodySequence, MergeReport]:
    """The body with the track's face where the track lasts, blended into the body's own face beyond its ends.

    Frames and channels that the track does not reach keep their bits. Raises `InputError` when nothing can be written.
    """
    options = options or MergeOptions()
    coverage = cover(track, body.time_s, options)
    reached, at, share = coverage.reached, coverage.at, coverage.share
    faces, warnings = _faces(track, body, options.channels)
    if not faces:
        raise InputError(f"nothing to write: {'; '.join(warnings)}")
    new: dict[str, Any] = {
        name: _blended(name, getattr(body, name), reached, curves, at, share) for name, curves in faces.items()
    }
    report = _report(track, body, options, faces, coverage, warnings)
    return replace(body, **new), report


def _faces(track: FaceTrack, body: BodySequence, channels: tuple[str, ...]) -> tuple[dict[str, Floats], list[str]]:
    """The track's channels that are asked for and that both sides have, and why others are not."""
    faces: dict[str, Floats] = {}
    warnings = []
    for channel in channels:
        name = CHANNELS[channel]
        curves = closing_jaw(track) if name == "jaw_pose" else getattr(track, name)
        if getattr(body, name) is None:
            warnings.append(f"{body.format} has no {channel} channel: it is left out")
        elif curves is None:
            warnings.append(
                f"a track of the head '{track.head}' has no {channel} coefficients: the body keeps its own, and lips move with "
                "the jaw only; render with your FLAME (--head flame) for the whole face"
            )
        else:
            faces[name] = curves
    if "expressions" in faces and track.head != SMPLX_FLAME:
        warnings.append(f"expressions of '{track.head}' are not those of {SMPLX_FLAME}, which SMPL-X shares: shapes will differ")
    return faces, warnings


def closing_jaw(track: FaceTrack) -> Floats:
    """The track's jaw, [T, 3] rad; of a track without expressions, the jaw that closes the lips by itself.

    The lips of such a track close by `mouthClose` over an open jaw. A body that gets the jaw alone would gape on /p b m/, so the
    jaw gives up what `mouthClose` takes back.
    """
    if track.expressions is not None:
        return track.jaw_pose
    open_, close = (track.blendshapes[:, track.blendshape_names.index(name)] for name in ("jawOpen", "mouthClose"))
    kept = 1.0 - np.minimum(close, open_) / np.maximum(open_, 1e-6)
    return np.asarray(track.jaw_pose * kept[:, None], np.float64)


def _blended(name: str, own: Floats, reached: NDArray[np.int64], curves: Floats, at: Floats, share: Floats) -> Floats:
    """`own` [T, D] with the track's `curves` in the frames `reached`."""
    new, old, ramp = own.copy(), own[reached].astype(np.float64), (share < 1.0) & (share > 0.0)
    if name == "expressions":
        face = _fitted(resample_curves(curves.astype(np.float64), at), own.shape[1])
        face[ramp] = old[ramp] + share[ramp, None] * (face[ramp] - old[ramp])
    else:
        face = resample_rotations(curves.astype(np.float64), at)
        face[ramp] = slerp(old[ramp], face[ramp], share[ramp])
    new[reached] = face
    return new


def _fitted(coefficients: Floats, columns: int) -> Floats:
    """Cut off, or filled with zeros, to the body's number. [N, E] -> [N, columns]"""
    out = np.zeros((len(coefficients), columns))
    count = min(columns, coefficients.shape[1])
    out[:, :count] = coefficients[:, :count]
    return out


def _report(
    track: FaceTrack, body: BodySequence, options: MergeOptions, faces: dict[str, Floats], coverage: Coverage, warnings: list[str]
) -> MergeReport:
    written = min(faces["expressions"].shape[1], _columns(body)) if "expressions" in faces else 0
    lost, lost_norm = _lost(faces["expressions"], written) if written else (0, 0.0)
    return MergeReport(
        format=body.format, frames=len(body), fps=body.fps, track_frames=len(track), track_fps=track.fps,
        written=tuple(name for name, field in CHANNELS.items() if field in faces), covered_s=coverage.covered_s(track, options),
        expressions_written=written, expressions_lost=lost, lost_norm=lost_norm,
        warnings=(*warnings, *gaps(body.time_s, body.fps, track.fps, options, coverage.used)),
    )  # fmt: skip


def _columns(body: BodySequence) -> int:
    return 0 if body.expressions is None else body.expressions.shape[1]


def _lost(expressions: Floats, written: int) -> tuple[int, float]:
    """Number of the coefficients beyond `written`, and their share of the norm over all frames. [T, E]"""
    total, beyond = float(np.linalg.norm(expressions)), expressions[:, written:]
    return beyond.shape[1], float(np.linalg.norm(beyond)) / total if total else 0.0
