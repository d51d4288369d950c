"""The jaw: a rotation about the condyles that slides forward as the mouth opens, and shifts of the joint. Millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

CONDYLES = np.array([0.0, -18.0, 10.0])
OPEN_RAD = float(np.radians(19.0))
"""Rotation at jawOpen 1: some 30 mm between the incisors."""
GLIDE = np.array([0.0, -3.0, 8.0])
"""Shift of the condyles at jawOpen 1."""
THRUST = np.array([0.0, -0.5, 5.5])
"""Shift at jawForward 1."""
SWING = np.array([5.5, -0.3, -0.6])
"""Shift at jawLeft 1; jawRight mirrors it."""


def joint_shift(forward: Floats, left: Floats, right: Floats) -> Floats:
    """Shift of the joint by jawForward, jawLeft and jawRight. [T] each -> [T, 3]"""
    aside = left - right
    swing = np.stack([aside, np.abs(aside), np.abs(aside)], axis=1)
    return np.asarray(forward[:, None] * THRUST.astype(forward.dtype) + swing * SWING.astype(forward.dtype))


def move_with_jaw(points: Floats, opening: Floats, share: Floats, shift: Floats) -> None:
    """Open the jaw under `points` [T, N, 3] by `opening` [T, N] (1 is jawOpen 1); add `share` [N] of `shift` [T, 3]; in place.

    Each point turns about the condyles by its own share of the angle, so that skin between jaw and skull moves on arcs. A
    point that does not turn keeps its bits.
    """
    angle = opening * points.dtype.type(OPEN_RAD)
    sine, versine = np.sin(angle), 1 - np.cos(angle)
    y, z = points[..., 1] - points.dtype.type(CONDYLES[1]), points[..., 2] - points.dtype.type(CONDYLES[2])
    points[..., 1] -= versine * y + sine * z
    points[..., 2] += sine * y - versine * z
    points += opening[..., None] * GLIDE.astype(points.dtype) + share[:, None] * shift[:, None]
