from __future__ import annotations

import json
import os
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slp_mouthing.avatar.flame_param import FlameParam
from slp_mouthing.errors import HeadError, InputError
from slp_mouthing.head.flame import load_flame
from slp_mouthing.training.captured import Captured, read_sound
from slp_mouthing.training.dataset import open_dataset
from slp_mouthing.training.mead import actor_splits
from slp_mouthing.training.mouth_video import Footage
from tests.head.flame_files import Sizes, python2_pickle, write_folder
from tests.training.small_captured import write_wav

if TYPE_CHECKING:
    from pathlib import Path

TRAIN, VALIDATION, TEST = "FaceTalk_170728_03272_TA", "FaceTalk_170811_03275_TA", "FaceTalk_170809_00138_TA"
VERTICES = 6
RNG = np.random.default_rng(0)
TEMPLATES = {subject: RNG.normal(size=(VERTICES, 3)) for subject in (TRAIN, VALIDATION, TEST)}


# ---- VOCASET --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def vocaset(tmp_path: Path) -> Path:
    (tmp_path / "templates.pkl").write_bytes(python2_pickle(TEMPLATES))
    (tmp_path / "vertices_npy").mkdir()
    for subject, sentence, frames in (
        (TRAIN, 1, 61),
        (TRAIN, 30, 20),
        (VALIDATION, 20, 20),
        (VALIDATION, 21, 20),
        (TEST, 40, 40),
    ):
        name = f"{subject}_sentence{sentence:02d}"
        motion = np.repeat(TEMPLATES[subject].reshape(1, -1), frames, axis=0) + 1e-3 * np.arange(frames)[:, None]
        np.save(tmp_path / "vertices_npy" / f"{name}.npy", motion)
        write_wav(tmp_path / "wav" / f"{name}.wav", frames / 60)
    return tmp_path


def test_vocaset_is_split_as_published(vocaset: Path) -> None:
    dataset = open_dataset(vocaset)
    assert dataset.counts() == {"train": 2, "validation": 1, "test": 1}
    assert [clip.name for clip in dataset.clips("validation")] == [f"{VALIDATION}_sentence21"]
    assert sorted(dataset.durations_s) == pytest.approx(sorted([31 / 30, 10 / 30, 10 / 30, 20 / 30]))


def test_vocaset_comes_at_thirty_frames_as_offsets_from_the_template(vocaset: Path) -> None:
    clip = next(open_dataset(vocaset).clips("train"))
    assert (clip.subject, clip.fps, clip.articulation) == (TRAIN, 30.0, None)
    assert clip.vertex_offsets is not None
    assert clip.vertex_offsets.shape == (31, VERTICES, 3)
    np.testing.assert_allclose(clip.vertex_offsets[:, 0, 0], 2e-3 * np.arange(31), atol=1e-6)
    np.testing.assert_allclose(clip.neutral_m, TEMPLATES[TRAIN], atol=1e-6)
    assert clip.sample_rate_hz == 16000
    assert len(clip.samples) == pytest.approx(16000 * 61 / 60, abs=2)


def test_own_splits_take_the_place_of_the_published_ones(vocaset: Path) -> None:
    (vocaset / "splits.json").write_text(json.dumps({"train": [VALIDATION], "test": [TRAIN, TEST]}))
    assert open_dataset(vocaset).counts() == {"train": 2, "validation": 0, "test": 3}


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ("{", "is not an object of lists of subjects"),
        ("[]", "is not an object of lists of subjects"),
        ('{"trian": []}', "unknown split 'trian', allowed: train, validation, test"),
        ('{"train": ["A"], "test": ["A"]}', "'A' is in two splits"),
        ('{"train": ["A"]}', "is in no split; name the split of each subject in splits.json"),
    ],
)
def test_bad_splits_are_told(vocaset: Path, splits: str, message: str) -> None:
    (vocaset / "splits.json").write_text(splits)
    with pytest.raises(InputError, match=message):
        open_dataset(vocaset)


def test_what_is_missing_or_wrong_in_vocaset_is_told(vocaset: Path) -> None:
    motion = vocaset / "vertices_npy" / f"{TRAIN}_sentence01.npy"
    good = motion.read_bytes()
    np.save(motion, np.zeros((4, 3 * VERTICES + 3)))
    with pytest.raises(InputError, match=f"{VERTICES + 1} vertices, the subject's template has {VERTICES}"):
        list(open_dataset(vocaset).clips())
    np.save(motion, np.full((4, 3 * VERTICES), np.nan))
    with pytest.raises(InputError, match="holds values that are not finite"):
        list(open_dataset(vocaset).clips())
    for content, message in ((good[:200], "is damaged, or no array"), (good[:60], "is damaged, or no array")):
        motion.write_bytes(content)
        with pytest.raises(InputError, match=message):
            open_dataset(vocaset)
    np.save(motion, np.zeros(7))
    with pytest.raises(InputError, match=r"holds float64 \(7,\), expected frames x 3 coordinates"):
        open_dataset(vocaset)
    motion.write_bytes(good)
    (vocaset / "wav" / f"{TRAIN}_sentence01.wav").write_bytes(b"RIFF?")
    with pytest.raises(InputError, match="is no sound that can be read"):
        list(open_dataset(vocaset).clips())
    (vocaset / "wav" / f"{TRAIN}_sentence01.wav").unlink()
    with pytest.raises(InputError, match="its sound is missing"):
        open_dataset(vocaset)


def test_templates_with_code_in_them_are_refused(vocaset: Path) -> None:
    class Code:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, ("touch owned",)

    (vocaset / "templates.pkl").write_bytes(pickle.dumps({TRAIN: Code()}, protocol=2))
    with pytest.raises(InputError, match="refused: it asks Python for"):
        open_dataset(vocaset)
    (vocaset / "templates.pkl").write_bytes(python2_pickle({TRAIN: TEMPLATES[TRAIN]}))
    with pytest.raises(InputError, match=f"has no template of {min(VALIDATION, TEST)}"):
        open_dataset(vocaset)
    (vocaset / "templates.pkl").unlink()
    with pytest.raises(InputError, match=r"templates\.pkl: no such file"):
        open_dataset(vocaset)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """The same subjects as their authors pack them: frames of all sequences in one array, in no order."""
    lengths = {(TRAIN, "sentence01"): 5, (VALIDATION, "sentence20"): 4, (TEST, "sentence40"): 6}
    order = np.random.default_rng(1).permutation(sum(lengths.values())).tolist()
    vertices = np.zeros((len(order), VERTICES, 3), np.float32)
    rows: dict[str, dict[str, dict[int, int]]] = {}
    sounds: dict[str, dict[str, dict[str, object]]] = {}
    for (subject, sequence), length in lengths.items():
        mine = [order.pop() for _ in range(length)]
        vertices[mine] = TEMPLATES[subject] + 1e-3 * np.arange(length)[:, None, None]
        rows.setdefault(subject, {})[sequence] = dict(enumerate(mine))
        audio = np.full(round(22000 * length / 60), 8192, np.int16)
        sounds.setdefault(subject, {})[sequence] = {"audio": audio, "sample_rate": 22000}
    np.save(tmp_path / "data_verts.npy", vertices)
    for name, content in (("subj_seq_to_idx", rows), ("raw_audio_fixed", sounds), ("templates", TEMPLATES)):
        (tmp_path / f"{name}.pkl").write_bytes(python2_pickle(content))
    return tmp_path


def test_vocaset_as_its_authors_pack_it(original: Path) -> None:
    dataset = open_dataset(original)
    assert dataset.counts() == {"train": 1, "validation": 0, "test": 1}
    clip = next(dataset.clips("train"))
    assert clip.name == f"{TRAIN}_sentence01"
    assert clip.vertex_offsets is not None
    np.testing.assert_allclose(clip.vertex_offsets[:, 0, 0], [0.0, 2e-3, 4e-3], atol=1e-6)
    assert len(clip.samples) == pytest.approx(16000 * 5 / 60, abs=2)
    assert np.median(clip.samples) == pytest.approx(0.25, abs=0.01)


def test_what_is_missing_in_the_authors_files_is_told(original: Path) -> None:
    np.save(original / "data_verts.npy", np.zeros((3, VERTICES, 3), np.float32))
    with pytest.raises(InputError, match=r"names rows that data_verts\.npy lacks"):
        open_dataset(original)
    (original / "raw_audio_fixed.pkl").write_bytes(python2_pickle({TRAIN: {}}))
    np.save(original / "data_verts.npy", np.zeros((99, VERTICES, 3), np.float32))
    with pytest.raises(InputError, match="has no sound of"):
        open_dataset(original)
    (original / "data_verts.npy").unlink()
    with pytest.raises(InputError, match=r"data_verts\.npy: no such file"):
        open_dataset(original)


# ---- MEAD -----------------------------------------------------------------------------------------------------------------
SIZES = Sizes(head=400, eye=20, expressions=5)


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flame")
    write_folder(folder, SIZES)
    return folder


def write_take(folder: Path, actor: str, sentence: int, frames: int = 4) -> FlameParam:
    rng = np.random.default_rng(sentence)
    still = np.zeros((frames, 3), np.float32)
    param = FlameParam(
        shape=rng.normal(size=300).astype(np.float32), expr=rng.normal(size=(frames, 5)).astype(np.float32),
        rotation=still + 0.5, neck_pose=still + 0.1, jaw_pose=still + np.float32(0.2), translation=still + 3.0,
        eyes_pose=np.zeros((frames, 6), np.float32),
    )  # fmt: skip
    path = folder / actor / "flame/neutral/level_1" / f"{sentence:03d}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    param.save(path)
    write_wav(folder / actor / "audio/neutral/level_1" / f"{sentence:03d}.wav", frames / 30, 44100, channels=2)
    return param


@pytest.fixture
def mead(tmp_path: Path) -> Path:
    for actor, sentence in (("M003", 1), ("M003", 30), ("M003", 31), ("W009", 2), ("W009", 33)):
        write_take(tmp_path, actor, sentence)
    (tmp_path / "splits.json").write_text(json.dumps({"train": ["M003"], "test": ["W009"]}))
    return tmp_path


def test_mead_trains_on_the_first_thirty_sentences(mead: Path, flame: Path) -> None:
    dataset = open_dataset(mead, flame)
    assert dataset.counts() == {"train": 2, "validation": 0, "test": 1}
    assert [clip.name for clip in dataset.clips()] == ["M003-001", "M003-030", "W009-033"]
    assert dataset.durations_s == pytest.approx([4 / 30] * 3)


def test_mead_is_posed_on_flame_without_the_heads_own_motion(mead: Path, flame: Path) -> None:
    clip = open_dataset(mead, flame)[0]
    param = FlameParam.load(mead / "M003/flame/neutral/level_1/001.npz")
    head = load_flame(flame, shape=param.shape)
    bare = len(head.files.model.template)
    expected = head.pose_flame(param.expr, param.jaw_pose) - head.neutral_m
    np.testing.assert_allclose(clip.vertex_offsets, expected[:, :bare], atol=1e-7)
    np.testing.assert_array_equal(clip.neutral_m, head.neutral_m[:bare], "FLAME's own vertices, as VOCASET has them")
    assert len(clip.samples) == pytest.approx(16000 * 4 / 30, abs=3)
    assert clip.video is None


def test_video_is_named_and_its_sound_taken_where_there_is_no_other(mead: Path, flame: Path) -> None:
    video = mead / "M003/video/front/neutral/level_1/001.mp4"
    video.parent.mkdir(parents=True)
    sound = mead / "M003/audio/neutral/level_1/001.wav"
    video.write_bytes(sound.read_bytes())  # What is in a file, not its name, says how it is decoded.
    sound.unlink()
    clip = open_dataset(mead, flame)[0]
    assert clip.video == video
    assert len(clip.samples) > 1000
    video.unlink()
    with pytest.raises(InputError, match="neither its sound nor its video is there"):
        open_dataset(mead, flame)


def test_what_says_where_the_mouth_is_in_a_video(mead: Path, flame: Path) -> None:
    def footage() -> Footage | None:
        dataset = open_dataset(mead, flame)
        assert isinstance(dataset, Captured)
        return dataset.take("M003-001").footage

    actor, take = mead / "M003", "neutral/level_1/001"
    assert footage() is None
    video = touched(actor / "video/front" / f"{take}.mp4")
    assert footage() == Footage(video, tracked=actor / "flame" / f"{take}.npz") and not footage().is_placed
    anywhere = touched(actor / "camera/front.npz")
    assert footage().camera == anywhere and footage().is_placed
    own = touched(actor / "camera/front" / f"{take}.npz")
    landmarks = touched(actor / "landmarks/front" / f"{take}.npy")
    assert (footage().camera, footage().landmarks) == (own, landmarks)
    mouth = touched(actor / "mouth/front" / f"{take}.mp4")
    assert footage() == Footage(mouth, cropped=True)


def touched(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_what_is_wrong_in_mead_is_told(mead: Path, flame: Path, tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="no such folder"):
        open_dataset(mead, tmp_path / "no-flame")[0]
    path = mead / "M003/flame/neutral/level_1/001.npz"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="is not a readable file of FLAME parameters"):
        open_dataset(mead, flame)
    path.rename(path.with_name("first.npz"))
    with pytest.raises(InputError, match="is not named by the number of its sentence"):
        open_dataset(mead, flame)


def test_actors_are_held_out_in_the_papers_proportion() -> None:
    actors = [f"M{k:03d}" for k in range(27)] + [f"W{k:03d}" for k in range(16)]
    splits = actor_splits(actors)
    for split in ("validation", "test"):
        held = [actor[0] for actor, own in splits.items() if own == split]
        assert (held.count("W"), held.count("M")) == (2, 4)
    assert set(actor_splits(["M003"]).values()) == {"train"}
    assert actor_splits([*actors[:6], "W001"])["W001"] == "train"


# ---- sound ----------------------------------------------------------------------------------------------------------------
def test_sound_of_any_rate_and_number_of_channels_is_one_channel(tmp_path: Path) -> None:
    for rate_hz, channels in ((8000, 1), (22050, 1), (44100, 2), (96000, 2)):
        write_wav(tmp_path / "sound.wav", 0.5, rate_hz, channels)
        samples, found_hz = read_sound(tmp_path / "sound.wav")
        assert found_hz == rate_hz
        assert len(samples) == round(0.5 * rate_hz)
        assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)


def test_files_without_sound_are_told(tmp_path: Path) -> None:
    write_wav(tmp_path / "empty.wav", 0.0)
    with pytest.raises(InputError, match="sound"):
        read_sound(tmp_path / "empty.wav")
    with pytest.raises(InputError, match="no such file"):
        read_sound(tmp_path / "nothing.wav")
