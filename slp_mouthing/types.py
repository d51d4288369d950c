"""The nouns that flow between the stages, in the order in which they arise.

    Utterance -> MouthingPlan -> MouthScore -> ControlCurves -> FaceTrack (-> FaceMotion, frames, files)

Units: metres, seconds, radians. Axes: y up, the face looks along +z, +x is the head's own left. Letters in shapes:
T frames, V vertices, F triangles, C controls, K tongue controls, N audio samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from slp_mouthing.head.rig import Figure, Head

    Array = NDArray[np.float32]
    Floats = NDArray[np.floating[Any]]

SignKind = Literal["lexical", "name", "fingerspelling", "pointing", "depicting", "gesture", "buoy", "unknown"]
ActionType = Literal[
    "Mouthing", "MG", "None", "Anticipation-M", "Anticipation-MG", "Perseveration-M", "Perseveration-MG",
    "Anticipation", "Perseveration", "Unsure", "Indecipherable",
]  # fmt: skip
Source = Literal["lexicon", "rule", "override", "default"]
Reduction = Literal["full", "tonic", "first_syllable", "first_consonant"]
BrowShape = Literal["wh_question", "yes_no_question", "topic", "negation"]
Meaning = Literal["wh", "negation"]
"""Of a sign, for the brows: it asks for more than yes or no, or it denies."""

ARKIT_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawRight", "jawLeft", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthRight", "mouthLeft", "mouthSmileLeft", "mouthSmileRight",
    "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""ARKit's 52 blend shapes in Live Link order: the order of every `blendshapes` array."""

TONGUE_NAMES: tuple[str, ...] = ("tongueUp", "tongueTipUp", "tongueBack", "tongueWide", "tongueLeft", "tongueRight")
"""Tongue controls beside ARKit's own `tongueOut`: body raised, tip raised to the teeth ridge, body retracted and raised at the
back, blade spread between the teeth, and the tip to the head's left or right. All in [0, 1]."""

CONTROL_NAMES: tuple[str, ...] = ARKIT_NAMES + TONGUE_NAMES
"""All controls of a face: columns of `ControlCurves.values`."""


# ---- notation -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class MouthOverride:
    """What the input itself asks the mouth to do, against lexicon and rules."""

    kind: Literal["text", "ipa", "gesture", "none"]
    value: str = ""
    """A word or phrase, IPA without slashes, a gesture name or SiGML code; empty for `none`."""
    lenient: bool = False
    """Found in a corpus rather than written for us: what cannot be mouthed is a warning, not an error."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of an utterance and the slot in which the hands make it."""

    gloss: str
    kind: SignKind
    start_s: float
    end_s: float
    text: str | None = None
    """The word spelled or named (`FS:`, `%(...)`, `SN:`), as written; None for other kinds."""
    timed: bool = field(default=True, kw_only=True)
    """The input says when it is made; else it only follows the sign before it."""
    lemma: str = field(default="", kw_only=True)
    """The gloss to look up, where the annotation's own marks hide it (`loc-NORD`: NORD); empty: the gloss itself."""
    override: MouthOverride | None = None
    line: int = 0
    """Line and column of the token in the input, from 1; 0 when the input has none."""
    column: int = 0

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class MouthSpan:
    """One mouthing asked for over several signs: `⌘word(GLOSS1 GLOSS2)`."""

    override: MouthOverride
    first: int
    last: int
    """Index of the first and of the last sign, both included."""


@dataclass(frozen=True, slots=True)
class TimedMouthing:
    """A mouth action that the input times by itself, independently of the hands: an annotation on a mouth tier."""

    override: MouthOverride
    start_s: float
    end_s: float
    word: str = ""
    """The word, where `override` is IPA, for voices that read none."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Signs in order of time, not overlapping."""

    signs: tuple[Sign, ...]
    spans: tuple[MouthSpan, ...] = ()
    name: str = ""
    warnings: tuple[str, ...] = ()
    input: str = ""
    """File it was read from, for messages and the track's meta; empty when it was given as text."""
    mouthings: tuple[TimedMouthing, ...] = ()
    """In order of time, not overlapping. When there are any they are all that the mouth does: it rests between them."""
    offset_s: float = 0.0
    """Time on the input's clock at which this utterance has its 0."""
    question: bool = False
    """It ends with a question mark."""

    @property
    def end_s(self) -> float:
        return self.signs[-1].end_s if self.signs else 0.0


# ---- speech ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Phone:
    """One phone with its time. `symbol` is IPA without stress and length-only marks; `sil` is silence."""

    symbol: str
    start_s: float
    end_s: float
    stress: Literal[0, 1, 2] = 0
    """Of the syllable the phone belongs to: 0 none, 1 primary, 2 secondary."""
    syllable: int = 0
    """Index of the syllable within the mouthing."""

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def at(self, start_s: float, end_s: float) -> Phone:
        """The same phone at another time."""
        return replace(self, start_s=start_s, end_s=end_s)


@dataclass(frozen=True, slots=True)
class Speech:
    """A waveform with its phones; the phones tile it from the first to the last sound, silence around them left out."""

    samples: Array  # [N] in [-1, 1]
    sample_rate_hz: int
    phones: tuple[Phone, ...]
    text: str = ""
    voice: str = ""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate_hz


# ---- plan -----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class MouthAction:
    """What the mouth does, when, and why. `start_s`, `end_s` are the visible motion without the relaxation to rest."""

    type: ActionType
    text: str | None
    ipa: str | None
    gesture: str | None
    start_s: float
    end_s: float
    signs: tuple[int, ...]
    """Indices of the signs the action stands on."""
    source: Source
    reduction: Reduction = "full"
    stretch: float = 1.0
    """Duration of the motion over the natural duration of what is mouthed; 1 is natural."""
    rule: str = ""
    """The lexicon entry or the named rule that decided."""
    phones: tuple[Phone, ...] = ()
    """What is mouthed after reduction and repetition, at natural speed from 0 s; empty without a mouthing."""

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class BrowAction:
    """What the brows say, and when, without attack and release."""

    shape: BrowShape
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class MouthingPlan:
    """The mouth's part of an utterance, decided. Actions are in order of time and do not overlap."""

    signs: tuple[Sign, ...]
    actions: tuple[MouthAction, ...]
    warnings: tuple[str, ...] = ()
    name: str = ""
    fps: float = 30.0
    input: str = ""
    """File the utterance was read from; empty when it was given as text."""
    offset_s: float = 0.0
    """Time on the input's clock at which this plan has its 0."""
    question: bool = False
    """The utterance ends with a question mark: the brows ask, see `upper_face`."""
    brows: tuple[BrowAction, ...] = ()
    """What the brows say of the sentence, in order of time, not overlapping."""

    @property
    def end_s(self) -> float:
        return self.signs[-1].end_s if self.signs else 0.0


@dataclass(frozen=True, slots=True)
class MouthGesture:
    """A mouth action that is not speech: a held pose with attack and relaxation, or a repeated one."""

    name: str
    description: str
    pose: tuple[tuple[str, float], ...]
    """(control name, weight) at the hold."""
    codes: tuple[str, ...] = ()
    """SiGML codes it stands for (`C01`)."""
    attack_s: float = 0.15
    relax_s: float = 0.15
    repeat_hz: float = 0.0
    """0: one held pose; else the pose comes and goes at this rate."""
    away: tuple[tuple[str, float], ...] = ()
    """The other pose of a repeated gesture; empty for rest."""
    onset: tuple[tuple[str, float], ...] = ()
    """The pose it begins with, before it goes over into the held one; empty: the held one."""


@dataclass(frozen=True, slots=True)
class TimedGesture:
    gesture: MouthGesture
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class MouthScore:
    """Everything the mouth does, on the signs' clock: the articulation's only input."""

    phones: tuple[Phone, ...]
    """In order of time, not overlapping; gaps are rest. `syllable` counts on through the utterance."""
    gestures: tuple[TimedGesture, ...]
    duration_s: float
    """End of the track: the last sign's end plus the relaxation."""
    actions: tuple[tuple[float, float], ...] = ()
    """(start_s, end_s) of each mouthing, so that neighbours coarticulate and the rest between them is known."""


# ---- face -----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ControlCurves:
    """Weights of `CONTROL_NAMES` in [0, 1] over time."""

    fps: float
    values: Array  # [T, C]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def blendshapes(self) -> Array:  # [T, 52]
        return self.values[:, : len(ARKIT_NAMES)]

    @property
    def tongue(self) -> Array:  # [T, K]
        return self.values[:, len(ARKIT_NAMES) :]


@dataclass(frozen=True, slots=True)
class FaceMotion:
    """Motion of a head's mesh as offsets from its neutral vertices."""

    fps: float
    vertex_offsets: Array  # [T, V, 3] metres
    head: str


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """A face over time in parameters that other tools read: the `.track.npz` file.

    It holds two complete descriptions of the same face, and a reader uses one: ARKit's (`blendshapes`, where jawOpen includes
    the jaw) and FLAME's (`jaw_pose`, `expressions`, `eyes_pose`).
    """

    fps: float
    head: str
    """`builtin`, `flame2020`, `flame2023`, or the name of a GLB file (`my.glb`)."""
    jaw_pose: Array  # [T, 3] axis-angle, rad
    blendshapes: Array  # [T, 52] in [0, 1]
    eyes_pose: Array  # [T, 6] axis-angle, rad, left then right
    tongue: Array  # [T, K]
    lip_opening_m: Array  # [T] inner-lip gap at the midline; 0 when the lips touch
    lip_width_m: Array  # [T] corner to corner
    meta: str = "{}"
    """One JSON object: version, input, voice, seed, decoder."""
    blendshape_names: tuple[str, ...] = ARKIT_NAMES
    tongue_names: tuple[str, ...] = TONGUE_NAMES
    expressions: Array | None = None  # [T, 100] for a FLAME head
    vertex_offsets: Array | None = field(default=None, repr=False)  # [T, V, 3] metres

    def __len__(self) -> int:
        return len(self.blendshapes)

    @property
    def time_s(self) -> Array:  # [T]
        import numpy as np

        return (np.arange(len(self)) / self.fps).astype(np.float64)

    @property
    def curves(self) -> ControlCurves:
        import numpy as np

        return ControlCurves(self.fps, np.concatenate([self.blendshapes, self.tongue], axis=1))

    def save(self, path: str | Path) -> None:
        """Write `.track.npz`, whole or not at all. Raises `OutputError`."""
        from slp_mouthing import trackfile

        trackfile.save(self, path)

    @staticmethod
    def load(path: str | Path) -> FaceTrack:
        """Read `.track.npz`. Raises `InputError` when it is not one, or is damaged."""
        from slp_mouthing import trackfile

        return trackfile.load(path)


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """One frame of a face that is streamed, fields as in `FaceTrack`."""

    time_s: float
    """From the stream's start."""
    jaw_pose: Array  # [3] axis-angle, rad
    blendshapes: Array  # [52] in [0, 1]
    eyes_pose: Array  # [6] axis-angle, rad, left then right
    tongue: Array  # [K]
    lip_opening_m: float
    lip_width_m: float


@dataclass(frozen=True, slots=True)
class TimedGloss:
    """A sign as a body's annotation has it."""

    gloss: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class BodySequence:
    """A body over time into whose face a track goes. SMPL-X's joints as axis-angle in rad, in the file's own axes.

    Arrays are views of what the file holds, in its own precision; None where its format has no such channel.
    """

    format: str
    """Key of `body.FORMATS`."""
    fps: float
    time_s: Floats  # [T] from 0; uniform, but for frames that the source left out
    root_orient: Floats  # [T, 3]
    body_pose: Floats  # [T, 63]
    left_hand_pose: Floats  # [T, 45]
    right_hand_pose: Floats  # [T, 45]
    jaw_pose: Floats | None = None  # [T, 3]
    eyes_pose: Floats | None = None  # [T, 6] left then right
    expressions: Floats | None = None  # [T, E] the first E of FLAME's coefficients
    translation_m: Floats | None = None  # [T, 3]
    signs: tuple[TimedGloss, ...] = ()
    """What it signs and when, on its own clock, where its file says so."""
    extra: object = field(default=None, repr=False)
    """What was read, for the writer: it keeps everything else that the file holds."""

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """J joints in a tree. Where none is turned, the axes of all are the world's."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """Parents come before their children; the root's is -1."""
    joints_m: Floats  # [J, 3] where none is turned

    def index(self, name: str) -> int:
        return self.names.index(name)


@dataclass(frozen=True, slots=True)
class Binding:
    """How joints carry a mesh: each vertex by up to four, by linear blend skinning."""

    joints: NDArray[np.int32]  # [V, 4]
    weights: Array  # [V, 4], rows sum to 1
    places: Array  # [J, 3, 4] rotation and place of each joint in the pose in which the mesh is given


@dataclass(frozen=True, slots=True)
class JointMotion:
    """A skeleton over time."""

    fps: float
    rotations_wxyz: Array  # [T, J, 4] unit quaternions, each joint against its parent
    root_m: Array  # [3] where the root joint stands

    def __len__(self) -> int:
        return len(self.rotations_wxyz)

    def only(self, frame: int) -> JointMotion:
        return replace(self, rotations_wxyz=self.rotations_wxyz[frame : frame + 1])


@dataclass(frozen=True, slots=True)
class Take:
    """One performed utterance with everything around it: what an exporter gets."""

    track: FaceTrack
    head: Head
    """The head that `track` was made for: `head.name == track.head`."""
    name: str
    """Of the utterance, free of characters that file names forbid (`files.safe_stem`)."""
    plan: MouthingPlan | None = None
    sound: Speech | None = None
    """The voice on the signs' clock."""
    body: BodySequence | None = field(default=None, repr=False)
    """The signing that goes with it, on the take's clock, for formats that show it."""
    joints: JointMotion | None = field(default=None, repr=False)
    """How the body moves that the head stands on, frame by frame of the track; None for a head alone."""

    def posed(self, frames: slice) -> Array:
        """The mesh in some of the track's frames. -> [T, V, 3] m"""
        track = self.track
        vertices = self.head.pose(track.blendshapes[frames], track.tongue[frames], track.eyes_pose[frames])
        return vertices if self.joints is None else cast("Figure", self.head).moved(vertices, self.joints, frames.start)
