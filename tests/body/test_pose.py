"""`.pose` files: read and written as the pose-format library does, and their mouths follow a track."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import slp_mouthing as mouth
from slp_mouthing.body import MergeOptions
from slp_mouthing.body.face_mesh import ANCHORS, COMPONENT, LOWER_LIPS, STEADY, UPPER_LIPS
from slp_mouthing.body.pose_file import PoseFile, read_pose
from slp_mouthing.body.pose_merge import merge_pose
from slp_mouthing.errors import InputError
from slp_mouthing.face_points import BuiltinFacePoints
from slp_mouthing.head.builtin import load_builtin

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.types import FaceTrack

FRAMES, FPS = 75, 25.0
NUMBERS = sorted(
    {n for loops in (UPPER_LIPS, LOWER_LIPS) for loop in loops for n in loop} | set(ANCHORS) | set(STEADY) | {50, 280}
)


def _text(value: str) -> bytes:
    return struct.pack("<H", len(value.encode())) + value.encode()


def write_pose(path: Path, data: np.ndarray, confidence: np.ndarray, *, version: float = 0.2, form: str = "XYZC") -> Path:
    """A body of three points, then the face. `data` [T, people, 3 + face, D]."""
    names = [("POSE_LANDMARKS", ["NOSE", "LEFT_WRIST", "RIGHT_WRIST"]), (COMPONENT, [str(n) for n in NUMBERS])]
    header = struct.pack("<fHHHH", version, 1000, 800, 0, len(names))
    for name, points in names:
        header += _text(name) + _text(form) + struct.pack("<HHH", len(points), 1, 1)
        header += b"".join(map(_text, points)) + struct.pack("<HH", 0, 1) + struct.pack("<HHH", 255, 0, 0)
    count = (FPS, len(data), data.shape[1]) if version == 0.2 else (int(FPS), len(data) % 65536, data.shape[1])
    header += struct.pack("<fIH" if version == 0.2 else "<HHH", *count)
    path.write_bytes(header + data.astype("<f4").tobytes() + confidence.astype("<f4").tobytes())
    return path


class Person:
    """Somebody with the built-in head's face, other proportions, and a mouth and a head of their own that move."""

    def __init__(self, frames: int = FRAMES, seed: int = 0, turning: float = 1.0) -> None:
        self.face, self.head = BuiltinFacePoints(), load_builtin()
        rng = np.random.default_rng(seed)
        places = self.head.neutral_m * (1, -1, -1)
        upper = self.face._skin[places[self.face._skin, 1] < -0.02]
        somewhere = dict(zip(NUMBERS, places[rng.choice(upper, len(NUMBERS))], strict=True))
        lips = {number: places[vertex] for number, vertex in self.face._lips.items()}
        self.rest = np.stack([lips.get(n, self.face.anchors.get(n, somewhere[n])) for n in NUMBERS])
        t = np.arange(frames)[:, None] / FPS
        turns = Rotation.from_euler(
            "xyz", turning * np.concatenate([0.2 * np.sin(2 * t), 0.4 * np.sin(1.3 * t), 0.1 * t], axis=1)
        )
        self.turns, self.shift = turns, 30 * np.sin(t * (1, 2, 0.5)) + (500, 300, 0)

    def shown(self, track: FaceTrack, noise_px: float = 0.0) -> np.ndarray:
        """Pixels [T, N, 3] of the face with a track's mouth."""
        moved = self.rest + self.face.follow(track, self.rest, np.array(NUMBERS))
        size = 1400 * np.array([1.06, 0.96, 1.0])
        turned = np.einsum("tab,tnb->tna", self.turns.as_matrix(), moved * size)
        return turned + self.shift[:, None] + np.random.default_rng(1).normal(0, noise_px, turned.shape)

    def held(self, pixels: np.ndarray) -> np.ndarray:
        """The same without the head's own motion."""
        return np.einsum("tba,tnb->tna", self.turns.as_matrix(), pixels - self.shift[:, None])


def _track(line: str) -> FaceTrack:
    track = mouth.render(line, fps=FPS).track
    more = np.zeros((max(0, FRAMES - len(track)), 1), np.float32)
    fields = ("jaw_pose", "blendshapes", "eyes_pose", "tongue")
    longer = {n: np.concatenate([getattr(track, n), more.repeat(getattr(track, n).shape[1], 1)])[:FRAMES] for n in fields}
    lips = {
        n: np.concatenate([getattr(track, n), more[:, 0] + getattr(track, n)[-1]])[:FRAMES]
        for n in ("lip_opening_m", "lip_width_m")
    }
    return replace(track, **longer, **lips)


def _lips(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gap at the midline and width, over the width of the mouth at rest."""
    index = {n: k for k, n in enumerate(NUMBERS)}
    gap = np.linalg.norm(pixels[:, index[14]] - pixels[:, index[13]], axis=1)
    width = np.linalg.norm(pixels[:, index[308]] - pixels[:, index[78]], axis=1)
    return gap / width[-1], width / width[-1]


@pytest.fixture(scope="module")
def person() -> Person:
    return Person()


@pytest.fixture(scope="module")
def own(person: Person) -> FaceTrack:
    return _track("LATE@0.3-0.8 FAMILY@1.4-2.0")


@pytest.fixture
def file(person: Person, own: FaceTrack, tmp_path: Path) -> Path:
    face = person.shown(own, noise_px=0.1)
    body = np.random.default_rng(2).normal(400, 100, (FRAMES, 3, 3))
    data = np.concatenate([body, face], axis=1)[:, None]
    return write_pose(tmp_path / "signer.pose", data, np.ones(data.shape[:3]))


@pytest.mark.parametrize(("form", "turning", "tolerance"), [("XYZC", 1.0, 0.05), ("XYC", 0.3, 0.07)])
def test_the_mouth_is_the_tracks_and_the_head_its_own(
    own: FaceTrack, form: str, turning: float, tolerance: float, tmp_path: Path
) -> None:
    person = Person(turning=turning)
    data = np.concatenate([np.zeros((FRAMES, 3, 3)), person.shown(own, noise_px=0.1)], axis=1)[:, None, :, : len(form) - 1]
    file = write_pose(tmp_path / "signer.pose", data, np.ones(data.shape[:3]), form=form)
    track = _track("WHY@0.5-1.1 BUS@1.5-2.1")
    merged, report = merge_pose(track, read_pose(file), person.face, MergeOptions(blend_s=0))
    face, wished = merged.data[:, 0, 3:].astype(np.float64), person.shown(track)
    face = np.concatenate([face, wished[:, :, face.shape[2] :]], axis=2)
    (gap, width), (wished_gap, wished_width) = (_lips(person.held(x)) for x in (face, wished))
    # This person's face is a tenth wider for its height than the head's, and openings go with the mouth's width.
    np.testing.assert_allclose(gap - gap[-1], wished_gap - wished_gap[-1], atol=tolerance)
    np.testing.assert_allclose(width, wished_width, atol=tolerance)
    assert gap.max() > 0.2, "the mouth opens"
    assert report.format == ".pose 0.2" and "face points" in report.written[0]


def test_closed_lips_are_closed(person: Person, file: Path) -> None:
    track = _track("WHY{}@0.5-1.1")
    merged, _ = merge_pose(track, read_pose(file), person.face, MergeOptions(blend_s=0))
    gap, _ = _lips(person.held(merged.data[:, 0, 3:].astype(np.float64)))
    assert gap.max() < 0.01, "what the person mouthed is gone"


def test_all_else_keeps_its_bits(person: Person, file: Path, tmp_path: Path) -> None:
    track = _track("WHY@0.5-1.1")
    before = read_pose(file)
    merged, report = merge_pose(track, before, person.face, MergeOptions(offset_s=1.0, trim_s=(0.4, 1.2), blend_s=0.1))
    after_path = tmp_path / "after.pose"
    merged.save(after_path)
    after = read_pose(after_path)
    assert after.before == before.before
    np.testing.assert_array_equal(after.confidence, before.confidence)
    np.testing.assert_array_equal(after.data[:, :, :3], before.data[:, :, :3])
    changed = np.flatnonzero((after.data != before.data).any(axis=(1, 2, 3)))
    assert changed.min() == 23 and changed.max() == 47, "the track's part, and a tenth of a second of blending"
    eyes = [3 + NUMBERS.index(n) for n in (33, 133, 362, 263, 10)]
    np.testing.assert_array_equal(after.data[:, :, eyes], before.data[:, :, eyes])
    assert "POSE_LANDMARKS" in report.kept


def test_frames_without_a_face_stay_as_they_are(person: Person, file: Path, tmp_path: Path) -> None:
    source = read_pose(file)
    data, confidence = np.array(source.data), np.array(source.confidence)
    data[20:26, 0, 3:], confidence[20:26, 0, 3:] = 0, 0
    gappy = read_pose(write_pose(tmp_path / "gaps.pose", data, confidence))
    merged, report = merge_pose(_track("WHY@0.5-1.1"), gappy, person.face)
    np.testing.assert_array_equal(merged.data[20:26], data[20:26])
    assert any("6 of" in warning for warning in report.warnings)


@pytest.mark.parametrize("version", [0.1, 0.2])
def test_files_come_back_byte_for_byte(tmp_path: Path, version: float) -> None:
    data = np.random.default_rng(0).normal(size=(7, 2, 3 + len(NUMBERS), 3))
    path = write_pose(tmp_path / "a.pose", data, np.ones(data.shape[:3]), version=version)
    read_pose(path).save(tmp_path / "b.pose")
    assert path.read_bytes() == (tmp_path / "b.pose").read_bytes()


def test_long_files_of_version_0_1_have_all_their_frames(tmp_path: Path) -> None:
    data = np.zeros((65540, 1, 3 + len(NUMBERS), 1))
    path = write_pose(tmp_path / "long.pose", data, np.ones(data.shape[:3]), version=0.1, form="XC")
    assert len(read_pose(path).data) == 65540


def _cut(content: bytes) -> bytes:
    return content[:-5]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, "bytes of points"),
        (lambda content: content[:30], "damaged"),
        (lambda content: b"", "damaged"),
        (lambda content: struct.pack("<f", 0.0) + content[4:], "version 0"),
        (lambda content: b"\xff" * 400, "version"),
    ],
)
def test_what_is_no_pose_file_is_one_line(file: Path, damage: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.pose").write_bytes(damage(file.read_bytes()))
    with pytest.raises(InputError, match=rf"bad\.pose: .*{message}"):
        read_pose(tmp_path / "bad.pose")


def test_a_file_without_a_face_says_so(file: Path, person: Person) -> None:
    source = read_pose(file)
    bare = replace(source, components=source.components[:1], data=source.data[:, :, :3], confidence=source.confidence[:, :, :3])
    with pytest.raises(InputError, match="has no component FACE_LANDMARKS: it holds POSE_LANDMARKS"):
        merge_pose(_track("WHY"), bare, person.face)
    unseen = replace(source, confidence=np.zeros_like(source.confidence))
    with pytest.raises(InputError, match="no frame shows the whole face"):
        merge_pose(_track("WHY"), unseen, person.face)


def test_on_the_command_line(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from slp_mouthing.cli.main import run

    _track("WHY@0.5-1.1").save(tmp_path / "why.track.npz")
    assert run(["merge", str(tmp_path / "why.track.npz"), str(file), "-o", str(tmp_path / "out.pose")]) == 0
    assert ".pose 0.2, 75 frames" in capsys.readouterr().out
    assert run(["merge", str(tmp_path / "why.track.npz"), str(file), "-o", str(tmp_path / "out.npz")]) == 1
    assert "name it out.pose" in capsys.readouterr().err


def test_the_pose_format_library_reads_what_is_written(file: Path, person: Person, tmp_path: Path) -> None:
    pose_format = pytest.importorskip("pose_format")
    merged, _ = merge_pose(_track("WHY@0.5-1.1"), read_pose(file), person.face)
    merged.save(tmp_path / "merged.pose")
    theirs = pose_format.Pose.read((tmp_path / "merged.pose").read_bytes())
    assert [c.name for c in theirs.header.components] == ["POSE_LANDMARKS", COMPONENT]
    assert theirs.body.fps == FPS
    np.testing.assert_array_equal(np.asarray(theirs.body.data.data), merged.data)
    with (tmp_path / "rewritten.pose").open("wb") as out:
        theirs.write(out)
    ours: PoseFile = read_pose(tmp_path / "rewritten.pose")
    np.testing.assert_array_equal(ours.data, merged.data)
    np.testing.assert_array_equal(ours.confidence, merged.confidence)
