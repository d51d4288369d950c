"""Scenes small enough for the plain twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Scene:
    """Gaussians about the origin, seen from 1 m away."""

    gaussians: dict[str, Any]
    camera: dict[str, Any]

    def arguments(self, **changes: Any) -> dict[str, Any]:
        return {**self.gaussians, **self.camera, **changes}


def make_scene(count: int = 150, width: int = 53, height: int = 37, seed: int = 0, harmonics: int = 0) -> Scene:
    rng = np.random.default_rng(seed)
    gaussians = {
        "means": rng.normal(0, 0.08, (count, 3)),
        "quats_wxyz": rng.normal(0, 1, (count, 4)),
        "scales": 0.012 * np.exp(0.6 * rng.normal(0, 1, (count, 3))),
        "opacities": rng.uniform(0.02, 1.0, count),
        "colors": rng.uniform(0, 1, (count, 3)),
    }
    if harmonics:
        gaussians |= {"colors": None, "sh": 0.3 * rng.normal(0, 1, (count, harmonics, 3))}
    angle = 0.3
    rotation = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    view = np.eye(4)
    view[:3, :3], view[:3, 3] = rotation, (0.01, -0.02, 1.0)
    K = np.array([[150.0, 0, width / 2 + 1], [0, 140.0, height / 2 - 2], [0, 0, 1]])
    # Single precision throughout, so that the twin sees the very same numbers.
    gaussians = {k: None if v is None else v.astype(np.float32).astype(np.float64) for k, v in gaussians.items()}
    view, K = (a.astype(np.float32).astype(np.float64) for a in (view, K))
    return Scene(gaussians, {"world_to_camera": view, "intrinsics": K, "width": width, "height": height})


@pytest.fixture(scope="session")
def scene() -> Scene:
    return make_scene()


@pytest.fixture(scope="session")
def head() -> Any:
    from slp_mouthing.head.builtin import load_builtin

    return load_builtin()


@pytest.fixture(scope="session")
def avatar(head: Any) -> Any:
    from slp_mouthing.avatar.default import default_avatar

    return default_avatar(head)


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are drawn by two threads, as on most machines of users, whatever the run's own limit."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
