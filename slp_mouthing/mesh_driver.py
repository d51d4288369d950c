"""Networks that move FLAME's vertices as drivers: the voice in, controls of the user's FLAME out.

What a network says are offsets from a neutral mesh. They are put onto the neutral mesh of the user's head, whose lips touch as
those of the captured people do, and the head's controls are solved for. Such a network hears a voice and knows neither phones nor
plan; the plan says when the mouth rests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from slp_mouthing.articulation import presence, with_gestures
from slp_mouthing.articulation.motion import frame_times_s
from slp_mouthing.drivers import Moved
from slp_mouthing.errors import InputError
from slp_mouthing.head.flame_controls import ControlledFlame
from slp_mouthing.head.least_squares import SolveOptions
from slp_mouthing.head.solve import ControlSolver, FlameSolver
from slp_mouthing.types import ARKIT_NAMES, CONTROL_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from slp_mouthing.articulation import Style
    from slp_mouthing.head.rig import Head
    from slp_mouthing.types import Array, FaceMotion, Floats, MouthScore, Speech

_FARTHEST_M = 0.2
"""No face goes farther: such a network says other units than metres, or nothing at all."""
_UPPER = np.array([name.startswith(("eye", "brow")) for name in CONTROL_NAMES])
"""Controls that are not the mouth's: captured faces hardly move there, and what `upper_face` makes of them is laid over."""


class MeshModel(Protocol):
    """`decoder.mesh_model.MeshModel`, or `decoder.trained.TrainedMeshModel`."""

    @property
    def name(self) -> str: ...

    @property
    def checksum(self) -> str: ...

    @property
    def head(self) -> str: ...

    @property
    def vertices(self) -> int: ...

    @property
    def subjects(self) -> tuple[str, ...]: ...

    @property
    def usual_subject(self) -> str: ...

    def predict(self, samples: Floats, sample_rate_hz: int, subject: str | None = None, fps: float = 30.0) -> FaceMotion: ...


class MeshDriver:
    """A network on the user's FLAME. Immutable once built; threads may share it."""

    streams = False

    def __init__(self, model: MeshModel, head: Head, subject: str = "") -> None:
        """`subject`: in whose style; empty for the usual one. Raises `InputError` for another mesh, head or subject."""
        self._model, self._head = model, _fitting(model, head)
        self._subject = _known(model, subject)
        self._bare = model.vertices
        self._jaw = FlameSolver(self._head.flame)
        # Motion of a mesh that the controls cannot follow would be refined in each frame, for hundredths of a millimetre.
        self._controls = ControlSolver(self._head, SolveOptions(refinements=0))

    @property
    def checksum(self) -> str:
        return self._model.checksum

    @property
    def name(self) -> str:
        return ", ".join(filter(None, (self._model.name, self._subject)))

    def for_any_voice(self) -> MeshDriver:
        return self

    def move(self, score: MouthScore, speech: Callable[[], Speech], fps: float, style: Style) -> Moved:
        """The face of a score and its voice on the same clock. Raises `InputError`, for sound that is too long among others."""
        if (style.jaw, style.lip) != (1.0, 1.0):
            raise InputError(f"{self._model.name} has no jaw and lips of their own to size", hint="leave --jaw and --lip out")
        # A contact is entered at once where it is known to be one; what is only heard is entered gently.
        present = presence(replace(score, phones=()), fps)
        if not score.phones:
            return Moved(with_gestures(np.zeros((len(present), len(CONTROL_NAMES))), present, score, fps))
        offsets = self.offsets(speech(), len(frame_times_s(score, fps)), fps)
        offsets *= (style.intensity * present)[:, None, None].astype(np.float32)
        whole = self._with_teeth(offsets, present)
        solved = self._solved(whole, present)
        return Moved(with_gestures(solved, present, score, fps), lambda: whole - self._posed(solved))

    def offsets(self, speech: Speech, frames: int, fps: float) -> Array:
        """What the network says of a voice, the last frame held to the end: [T, V, 3] m, FLAME's own vertices."""
        motion = self._model.predict(speech.samples, speech.sample_rate_hz, self._subject or None, fps).vertex_offsets
        # Written so that NaN fails it.
        if not np.abs(motion).max(initial=0.0) <= _FARTHEST_M:
            what = f"{self._model.name} moves the mesh by more than {_FARTHEST_M:g} m, or says no numbers"
            raise InputError(what, hint="it must have learned offsets in metres")
        return np.array(motion[np.minimum(np.arange(frames), len(motion) - 1)], np.float32)

    def _with_teeth(self, offsets: Array, present: Floats) -> Array:
        """With those of our teeth's vertices, of which the lower ones follow the jaw. [T, 5023, 3] -> [T, V, 3]"""
        flame, neutral = self._head.flame, self._head.neutral_m
        found = self._jaw(neutral[: self._bare] + offsets)
        teeth = flame.pose_flame(found.expressions, found.jaw_pose)[:, self._bare :] - neutral[self._bare :]
        return np.concatenate([offsets, teeth * (present > 0)[:, None, None]], axis=1, dtype=np.float32)

    def _solved(self, offsets: Array, present: Floats) -> NDArray[np.float64]:
        """Controls of the head, 0 at rest: [T, V, 3] -> [T, C]"""
        found = self._controls(self._head.neutral_m + offsets)
        values = np.concatenate([found.blendshapes, found.tongue], axis=1).astype(np.float64)
        values[:, _UPPER] = 0.0
        return np.asarray(values * (present > 0)[:, None], np.float64)

    def _posed(self, values: Floats) -> Array:
        controls = values.astype(np.float32)
        arkit = len(ARKIT_NAMES)
        return np.asarray(self._head.pose(controls[:, :arkit], controls[:, arkit:]) - self._head.neutral_m)


def _fitting(model: MeshModel, head: Head) -> ControlledFlame:
    """The head, if the model's vertices are its own. Raises `InputError`."""
    if model.head != "flame":
        what = f"{model.name} moves the {model.vertices} vertices of {model.head.upper()}'s mesh, which no head here has"
        raise InputError(what, hint="take a network that was trained on VOCASET")
    if not isinstance(head, ControlledFlame):
        raise InputError(f"{model.name} moves FLAME's mesh, the head is {head.name}", hint="give --head flame --flame DIR")
    if model.vertices != (bare := len(head.flame.files.model.template)):
        raise InputError(f"{model.name} moves {model.vertices} vertices, FLAME has {bare}")
    return head


def _known(model: MeshModel, subject: str) -> str:
    """In whose style it speaks; empty where it makes no difference. Raises `InputError`."""
    if subject and subject not in model.subjects:
        allowed = f"allowed: {', '.join(model.subjects)}" if model.subjects else "it has one style"
        raise InputError(f"{model.name} knows no subject '{subject}', {allowed}")
    return subject or model.usual_subject
