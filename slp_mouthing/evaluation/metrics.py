"""The field's metrics of talking heads, each as its released code computes it.

Letters: T frames, V vertices, n lip vertices, u upper-face vertices. A clip is a pair of posed meshes, predicted and true,
[T, V, 3] in metres, frame by frame. Functions give one figure for each clip, so that `statistics` can say how sure their mean is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slp_mouthing.errors import InputError
from slp_mouthing.evaluation.warping import derivative_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slp_mouthing.types import Floats

    Vertices = NDArray[np.integer]

_SMOOTHING_FRAMES = 2.0
"""Standard deviation of the Gaussian that MTM looks through."""
LONGEST_WARP = 3000
"""Frames that are warped at once."""


# ---- lip vertex error -----------------------------------------------------------------------------------------------------
def lip_errors_m(predicted: Floats, true: Floats, lips: Vertices) -> Floats:
    """Distance of the lip vertex that is furthest off, frame by frame. [T, V, 3], [T, V, 3], [n] -> [T] m"""
    _check(predicted, true)
    return np.asarray(np.linalg.norm(predicted[:, lips] - true[:, lips], axis=-1).max(axis=1, initial=0.0))


def lve_squared_m2(errors_m: Sequence[Floats]) -> float:
    """LVE as released with FaceFormer and CodeTalker: the largest squared distance of a frame, mean over all frames of all clips.

    In m^2; published tables are this times 1e5. `errors_m`: `lip_errors_m` of each clip.
    """
    return float(np.mean(np.concatenate([errors**2 for errors in errors_m])))


def lve_mm(errors_m: Floats) -> float:
    """LVE as VisualSpeaker's text has it, for one clip: the largest distance of a frame, mean over its frames, in mm."""
    return float(1e3 * np.mean(errors_m)) if len(errors_m) else float("nan")


# ---- upper face -----------------------------------------------------------------------------------------------------------
def fdd_m2(predicted: Floats, true: Floats, neutral: Floats, upper: Vertices) -> float:
    """Upper-face dynamics deviation (CodeTalker) of one clip, signed: positive when the prediction moves less than the truth.

    Of each vertex the standard deviation over time of its squared distance from the neutral, mean over the vertices; true less
    predicted, in m^2. `neutral` [V, 3], `upper` [u].
    """
    _check(predicted, true)
    return _liveliness(true, neutral, upper) - _liveliness(predicted, neutral, upper)


def _liveliness(vertices: Floats, neutral: Floats, upper: Vertices) -> float:
    moved = np.square(vertices[:, upper] - neutral[upper]).sum(axis=-1)
    return float(moved.std(axis=0).mean())


# ---- timing ---------------------------------------------------------------------------------------------------------------
def mtm_ms(predicted_gap: Floats, true_gap: Floats, fps: float) -> float:
    """Mean temporal misalignment (perceptual 3D talking head, section 5) of one clip; NaN when no extremum finds its like.

    Args:
        predicted_gap: distance of the middles of upper and lower lip, [T]; `lip_gap`.
        true_gap: the same of the truth, [T'].

    Both are smoothed and warped onto each other by their slopes. Where the path pairs a local extremum of one with an extremum
    of the same kind of the other, which must lie between the neighbouring extrema of the truth, their distance in time counts.
    Clips of more than `LONGEST_WARP` frames are warped piece by piece, since a warp takes their square in memory.
    """
    pieces = range(0, min(len(true_gap), len(predicted_gap)), LONGEST_WARP)
    apart = [x for k in pieces for x in _misaligned(predicted_gap[k : k + LONGEST_WARP], true_gap[k : k + LONGEST_WARP])]
    return float(np.mean(apart) * 1e3 / fps) if apart else float("nan")


def _misaligned(predicted_gap: Floats, true_gap: Floats) -> list[int]:
    """Frames between each extremum of the truth and its like."""
    from scipy.ndimage import gaussian_filter1d

    true, predicted = (gaussian_filter1d(np.asarray(gap, float), _SMOOTHING_FRAMES) for gap in (true_gap, predicted_gap))
    kinds_true, kinds_predicted = _extrema(true), _extrema(predicted)
    at = np.flatnonzero(kinds_true)
    bounds = np.concatenate([[0], at, [len(true) - 1]])
    apart = []
    for i, j in derivative_path(true, predicted).tolist():
        if kinds_true[i] and kinds_true[i] == kinds_predicted[j]:
            place = int(np.searchsorted(at, i)) + 1
            if bounds[place - 1] <= j <= bounds[place + 1]:
                apart.append(abs(i - j))
    return apart


def lip_gap(vertices: Floats, upper: int, lower: int) -> Floats:
    """Distance of the two middle vertices, FLAME's 3531 and 3504. [T, V, 3] -> [T]"""
    return np.asarray(np.linalg.norm(vertices[:, upper] - vertices[:, lower], axis=-1))


def _extrema(curve: Floats) -> NDArray[np.int8]:
    """1 at local maxima, -1 at local minima, in the middle of flat ones; 0 elsewhere. [T] -> [T]"""
    from scipy.signal import find_peaks

    kinds = np.zeros(len(curve), np.int8)
    kinds[find_peaks(curve)[0]] = 1
    kinds[find_peaks(-curve)[0]] = -1
    return kinds


# ---- intensity ------------------------------------------------------------------------------------------------------------
def lip_intensity_m(vertices: Floats, lips: Vertices) -> float:
    """How much the lips move in a clip: the RMS over frames of the mean step of a lip vertex, m per frame.

    It grows with the length of a frame: compare clips of one frame rate only.
    """
    steps = np.linalg.norm(np.diff(vertices[:, lips], axis=0), axis=-1).mean(axis=1)
    return float(np.sqrt(np.mean(steps**2))) if len(steps) else float("nan")


def speech_intensity(samples: Floats) -> float:
    """Root mean square of a waveform [N]."""
    wave = np.asarray(samples, np.float64)
    return float(np.sqrt(np.mean(wave**2))) if len(wave) else float("nan")


def slcc(speech: Sequence[float], lips: Sequence[float], identities: Sequence[str], clips: Sequence[bool] | None = None) -> float:
    """Speech-lip intensity correlation (perceptual 3D talking head, section 5): Pearson's r over clips.

    Both intensities are z-scored among all clips of each identity (deviation with n - 1), so that neither loud speakers nor
    large mouths count. Clips of an identity without variation are left out; NaN when fewer than two remain.

    Args:
        speech: `speech_intensity` of each clip.
        lips: `lip_intensity_m` of each.
        identities: who speaks in each.
        clips: those that are correlated, such as one level of intensity; None: all.
    """
    loud, large = (_scored(np.asarray(values, np.float64), identities) for values in (speech, lips))
    kept = np.isfinite(loud) & np.isfinite(large)
    if clips is not None:
        kept &= np.asarray(clips, bool)
    return pearson(loud[kept], large[kept])


def _scored(values: Floats, identities: Sequence[str]) -> Floats:
    out = np.full(len(values), np.nan)
    owners = np.asarray(identities)
    for identity in set(identities):
        own = owners == identity
        spread = values[own].std(ddof=1) if own.sum() > 1 else 0.0
        if spread > 0:
            out[own] = (values[own] - values[own].mean()) / spread
    return out


def pearson(a: Floats, b: Floats) -> float:
    """Correlation of [N] with [N]; NaN when one does not vary."""
    if len(a) < 2 or not (np.ptp(a) > 0 and np.ptp(b) > 0):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


# ---- readability ----------------------------------------------------------------------------------------------------------
def plrs(speech: Floats, mesh: Floats) -> float:
    """Perceptual lip readability (perceptual 3D talking head, section 5) of one clip: mean cosine of its windows.

    Args:
        speech: embedding of each window of 5 frames, mean-pooled, [W, D]; the speech-mesh representation's.
        mesh: of the same windows, [W, D].
    """
    if speech.shape != mesh.shape:
        raise InputError(f"embeddings of shape {speech.shape} and {mesh.shape}, expected the same windows")
    lengths = np.linalg.norm(speech, axis=-1) * np.linalg.norm(mesh, axis=-1)
    return float(np.mean((speech * mesh).sum(axis=-1) / np.maximum(lengths, 1e-12))) if len(speech) else float("nan")


def _check(predicted: Floats, true: Floats) -> None:
    if predicted.shape != true.shape:
        raise InputError(f"motion of shape {predicted.shape} against {true.shape}, expected the same frames of the same mesh")
