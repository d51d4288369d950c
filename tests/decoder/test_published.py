"""FaceFormer, SelfTalk and CodeTalker: imported from their layouts, equal to plain passes, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from slp_mouthing.decoder.checkpoint import describe, import_model, load_model, read_checkpoint  # noqa: E402
from slp_mouthing.decoder.wav2vec2 import wave_input  # noqa: E402
from slp_mouthing.errors import InputError, OutputError  # noqa: E402
from tests.decoder import published_plain as plain  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slp_mouthing.decoder.mesh_model import MeshModel

SUBJECTS = (
    "FaceTalk_170728_03272_TA", "FaceTalk_170904_00128_TA", "FaceTalk_170725_00137_TA", "FaceTalk_170915_00223_TA",
    "FaceTalk_170811_03274_TA", "FaceTalk_170913_03279_TA", "FaceTalk_170904_03276_TA", "FaceTalk_170912_03278_TA",
)  # fmt: skip


def _sound(duration_s: float = 1.3) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(int(16000 * duration_s)).astype(np.float32) * 0.1


def _wave(duration_s: float = 1.3) -> torch.Tensor:
    return torch.from_numpy(wave_input(_sound(duration_s), 16000))


def _imported(folder: Path, weights: plain.Weights, first: plain.Weights | None = None) -> MeshModel:
    """Through files, as a user has it."""
    torch.save(weights, folder / "published.pth")
    if first is not None:
        torch.save({"state_dict": first, "epoch": 3}, folder / "first.pth.tar")
    import_model(folder / "published.pth", folder / "ours.safetensors", None if first is None else folder / "first.pth.tar")
    return load_model(folder / "ours.safetensors")


def _assert_equal(model: MeshModel, expected: torch.Tensor, subject: str | None = None) -> None:
    motion = model.predict(_sound(), 16000, subject, model.fps)
    assert motion.fps == model.fps
    assert motion.vertex_offsets.shape == (len(expected), model.vertices, 3)
    assert np.allclose(motion.vertex_offsets.reshape(expected.shape), expected.numpy(), atol=1e-5)


# ---- equal to plain passes ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("old_names", [False, True], ids=["new names", "old names"])
@pytest.mark.parametrize("biwi", [False, True], ids=["vocaset", "biwi"])
@torch.no_grad()
def test_faceformer(tmp_path: Path, biwi: bool, old_names: bool) -> None:
    published = plain.make_faceformer(biwi=biwi, old_names=old_names)
    model = _imported(tmp_path, published.weights)
    assert model.fps == (25.0 if biwi else 30.0)
    _assert_equal(model, plain.faceformer(published, _wave(), 2), model.subjects[2])


@pytest.mark.parametrize("biwi", [False, True], ids=["vocaset", "biwi"])
@torch.no_grad()
def test_selftalk(tmp_path: Path, biwi: bool) -> None:
    published = plain.make_selftalk(biwi=biwi)
    model = _imported(tmp_path, published.weights)
    assert model.subjects == ()
    _assert_equal(model, plain.selftalk(published, _wave()))


@pytest.mark.parametrize("biwi", [False, True], ids=["vocaset", "biwi"])
@torch.no_grad()
def test_codetalker(tmp_path: Path, biwi: bool) -> None:
    published, first = plain.make_codetalker(biwi=biwi)
    model = _imported(tmp_path, {"state_dict": published.weights}, first)
    _assert_equal(model, plain.codetalker(published, first, _wave(), 1), model.subjects[1])


@torch.no_grad()
def test_sound_longer_than_half_a_minute_is_heard_in_pieces_by_selftalk(tmp_path: Path) -> None:
    published = plain.make_selftalk()
    motion = _imported(tmp_path, published.weights).predict(_sound(31.0), 16000)
    expected = plain.selftalk(published, _wave(31.0))
    assert np.allclose(motion.vertex_offsets.reshape(expected.shape), expected.numpy(), atol=1e-5)


def test_faceformer_goes_beyond_its_twenty_seconds(tmp_path: Path) -> None:
    motion = _imported(tmp_path, plain.make_faceformer().weights).predict(_sound(25.0), 16000)
    assert len(motion.vertex_offsets) == 749


# ---- in use -------------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def faceformer(tmp_path_factory: pytest.TempPathFactory) -> MeshModel:
    return _imported(tmp_path_factory.mktemp("faceformer"), plain.make_faceformer().weights)


def test_subjects_have_their_names_and_their_styles(faceformer: MeshModel) -> None:
    assert faceformer.subjects == SUBJECTS
    usual, named, other = (faceformer.predict(_sound(), 16000, name).vertex_offsets for name in (None, SUBJECTS[5], SUBJECTS[0]))
    assert np.array_equal(usual, named) and not np.allclose(usual, other)
    with pytest.raises(InputError, match="knows no subject 'me', allowed: FaceTalk_170728_03272_TA"):
        faceformer.predict(_sound(), 16000, "me")


def test_other_subjects_go_by_number(tmp_path: Path) -> None:
    model = _imported(tmp_path, plain.make_faceformer(subjects=3).weights)
    assert model.subjects == ("0", "1", "2")
    assert not np.allclose(model.predict(_sound(), 16000, "2").vertex_offsets, model.predict(_sound(), 16000).vertex_offsets)


def test_motion_at_other_rates_is_the_same_motion(faceformer: MeshModel) -> None:
    own, slower, faster = (faceformer.predict(_sound(), 16000, fps=fps) for fps in (30.0, 15.0, 60.0))
    assert np.allclose(slower.vertex_offsets[:19], own.vertex_offsets[:38:2])
    assert np.allclose(faster.vertex_offsets[::2], own.vertex_offsets)
    middle = (own.vertex_offsets[3] + own.vertex_offsets[4]) / 2
    assert np.allclose(faster.vertex_offsets[7], middle, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 96000])
def test_any_sound_is_heard(faceformer: MeshModel, rate_hz: int) -> None:
    stereo = np.random.default_rng(1).standard_normal((rate_hz, 2)).clip(-1, 1).astype(np.float32)
    for samples in (stereo, np.zeros(rate_hz, np.float32), np.sign(stereo[:, 0])):
        offsets = faceformer.predict(samples, rate_hz).vertex_offsets
        assert len(offsets) == 29 and np.isfinite(offsets).all()


@pytest.mark.parametrize("make", [plain.make_faceformer, plain.make_selftalk, lambda **size: plain.make_codetalker(**size)])
@pytest.mark.parametrize("biwi", [False, True], ids=["vocaset", "biwi"])
def test_the_shortest_sounds_give_a_frame(make: Callable[..., Any], biwi: bool, tmp_path: Path) -> None:
    made = make(biwi=biwi)
    model = (
        _imported(tmp_path, made.weights) if isinstance(made, plain.Published) else _imported(tmp_path, made[0].weights, made[1])
    )
    for count in (1, 500, 1200):
        offsets = model.predict(np.ones(count, np.float32), 16000, fps=model.fps).vertex_offsets
        assert len(offsets) == 1 and np.isfinite(offsets).all()


@pytest.mark.parametrize(
    ("samples", "told"),
    [(np.zeros(0), "empty"), (np.full(99, np.nan), "not finite"), (np.zeros(16000 * 121, np.int16), "at most 120")],
)
def test_sound_that_cannot_be_heard_is_named(faceformer: MeshModel, samples: np.ndarray, told: str) -> None:
    with pytest.raises(InputError, match=told):
        faceformer.predict(samples, 16000)


# ---- files --------------------------------------------------------------------------------------------------------------------
def test_what_a_file_holds_is_told(tmp_path: Path) -> None:
    weights = plain.make_selftalk().weights
    del weights["vertice_map_r.bias"], weights["transformer_decoder.layers.0.norm1.bias"]
    torch.save(weights | {"vertice_map_r.bias": torch.zeros(21), "extra": torch.zeros(2)}, tmp_path / "a.pth")
    found = describe(tmp_path / "a.pth")
    assert (found.title, found.data, found.vertices, found.fps, found.subjects) == ("SelfTalk", "VOCASET", 7, 30.0, ())
    assert found.missing == ("transformer_decoder.layers.0.norm1.bias",)
    assert found.unknown == ("extra",)
    assert found.tensors == len(weights) + 2 and found.unused > 50


def test_an_import_keeps_what_inference_needs_alone(tmp_path: Path) -> None:
    _imported(tmp_path, plain.make_selftalk().weights)
    ours, theirs = (tmp_path / name for name in ("ours.safetensors", "published.pth"))
    assert ours.stat().st_size < 0.7 * theirs.stat().st_size
    found = describe(ours)
    assert found.source == "published.pth" and not found.missing and not found.unknown and not found.unused


def _broken(name: str) -> plain.Weights:
    weights = plain.make_faceformer().weights
    layer = "transformer_decoder.layers.0"
    match name:
        case "missing":
            del weights[f"{layer}.norm2.weight"]
        case "unknown":
            weights["more.weight"] = torch.zeros(1)
        case "shape":
            weights[f"{layer}.linear2.weight"] = torch.zeros(16, 31)
        case "nan":
            weights["vertice_map.weight"][3, 2] = float("nan")
        case "period":
            weights["PPE.pe"] = plain._positions(16, 24)
        case "positions":
            weights["PPE.pe"] = torch.zeros(5)
        case "encoder":
            del weights["audio_encoder.feature_extractor.conv_layers.3.conv.weight"]
        case "stage":
            weights = plain.make_codetalker()[0].weights
        case "first":
            weights = plain.make_codetalker()[1]
        case "foreign":
            weights = {"layer.weight": torch.zeros(3)}
        case "empty":
            weights = {}
    return weights


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing", r"'decoder.transformer_decoder.layers.0.norm2.weight' is missing"), ("unknown", "'more.weight' is unknown"),
        ("shape", r"has shape \[16, 31\], expected \[16, 32\]"), ("nan", r"vertice_map.weight' holds values that are not finite"),
        ("period", "repeat after 24 frames, expected 30"), ("positions", "positions are no table"),
        ("encoder", "conv_layers.3.conv.weight' is missing"), ("stage", "second stage alone; give its first stage"),
        ("first", "is CodeTalker's first stage"), ("foreign", "none of these networks: FaceFormer, SelfTalk, CodeTalker"),
        ("empty", "no weights by name"),
    ],
)  # fmt: skip
def test_other_networks_are_named(tmp_path: Path, name: str, told: str) -> None:
    torch.save(_broken(name), tmp_path / "a.pth")
    with pytest.raises(InputError, match=told):
        import_model(tmp_path / "a.pth", tmp_path / "b.safetensors")
    assert not (tmp_path / "b.safetensors").exists()


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("ran",))


def test_code_is_refused_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, zipped in enumerate((True, False)):
        torch.save({"a": _Evil()}, tmp_path / f"{number}.pth", _use_new_zipfile_serialization=zipped)
        with pytest.raises(InputError, match="refused: it asks Python for print"):
            read_checkpoint(tmp_path / f"{number}.pth")
    assert "ran" not in capsys.readouterr().out


def test_damaged_files_are_named(tmp_path: Path) -> None:
    torch.save(plain.make_faceformer().weights, tmp_path / "good.pth")
    content = (tmp_path / "good.pth").read_bytes()
    cases = {
        "cut": (content[: len(content) // 2], "damaged"), "short": (content[:100], "damaged"), "nothing": (b"", "damaged"),
        "page": (b"<!DOCTYPE html><html>", "web page"), "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "LFS"),
        "text": (b"hello" * 50, "damaged"),
    }  # fmt: skip
    for name, (broken, told) in cases.items():
        (tmp_path / name).write_bytes(broken)
        with pytest.raises(InputError, match=told):
            read_checkpoint(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        read_checkpoint(tmp_path / "none.pth")


def test_files_of_ours_are_held_against_their_network(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    _imported(tmp_path, plain.make_faceformer().weights)
    ours = tmp_path / "ours.safetensors"
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "none.safetensors")
    (tmp_path / "cut").write_bytes(ours.read_bytes()[:-400])
    with pytest.raises(InputError, match="damaged"):
        load_model(tmp_path / "cut")
    save_file(load_file(ours), tmp_path / "bare")
    with pytest.raises(InputError, match="no imported network"):
        load_model(tmp_path / "bare")
    with pytest.raises(InputError, match="mouth model import"):
        load_model(tmp_path / "published.pth")
    save_file(load_file(ours), tmp_path / "new", {"about": '{"format": "slp-mouthing mesh model 1", "kind": "Later"}'})
    with pytest.raises(InputError, match="kind 'Later'"):
        load_model(tmp_path / "new")


def test_a_result_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    torch.save(plain.make_faceformer().weights, tmp_path / "a.pth")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        import_model(tmp_path / "a.pth", tmp_path / "folder.safetensors")
