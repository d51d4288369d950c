from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import slp_mouthing as mouth
from slp_mouthing.cli.main import run
from slp_mouthing.errors import InstallationError, MouthError, SpeechError
from slp_mouthing.speech import f5
from slp_mouthing.speech.f5 import F5, RATE_HZ, F5Files, F5Options, find_files, find_python
from slp_mouthing.speech.f5_worker import architecture

if TYPE_CHECKING:
    from slp_mouthing.speech.recording import Recording

QUICK = F5Options(steps=4, threads=2)


def write_reference(folder: Path, recording: Recording) -> None:
    with wave.open(str(folder / "reference.wav"), "wb") as file:
        file.setparams((1, 2, recording.sample_rate_hz, 0, "NONE", ""))
        file.writeframes(recording.samples.tobytes())
    (folder / "reference.txt").write_text("Mother, please finish.\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, say: Any) -> Path:
    """The user's files, without anything in them but the reference."""
    whole = tmp_path / "voice"
    (whole / "vocos").mkdir(parents=True)
    for name in ("model.safetensors", "vocab.txt", "vocos/config.yaml", "vocos/pytorch_model.bin"):
        (whole / name).write_bytes(b"x")
    write_reference(whole, say("mother please finish")[0])
    return whole


# ---- without its environment ----------------------------------------------------------------------------------------------
def test_the_folder_holds_what_is_needed(folder: Path) -> None:
    files = find_files(folder)
    assert files == F5Files(
        folder / "model.safetensors", folder / "vocab.txt", folder / "vocos", folder / "reference.wav", "Mother, please finish."
    )
    before = files.checksum
    (folder / "model.safetensors").write_bytes(b"y")
    assert files.checksum != before
    (folder / "F5TTS_v1_Base.yaml").write_bytes(b"")
    assert find_files(folder).config == folder / "F5TTS_v1_Base.yaml"


@pytest.mark.parametrize(
    "name", ["model.safetensors", "vocab.txt", "vocos/config.yaml", "vocos/pytorch_model.bin", "reference.wav", "reference.txt"]
)
def test_what_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SpeechError, match=name.replace("model.safetensors", "checkpoint")):
        find_files(folder)


def test_two_checkpoints_no_folder_and_a_reference_that_says_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="no such folder"):
        find_files(tmp_path / "nowhere")
    (folder / "other.pt").write_bytes(b"x")
    with pytest.raises(SpeechError, match=r"found model\.safetensors, other\.pt"):
        find_files(folder)
    (folder / "other.pt").unlink()
    (folder / "reference.txt").write_text(" \n", encoding="utf-8")
    with pytest.raises(SpeechError, match="says nothing"):
        find_files(folder)


def test_without_an_environment_the_way_to_one_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(f5.ENVIRONMENT, str(tmp_path))
    with pytest.raises(InstallationError, match="make f5-env"):
        find_python()


def test_an_environment_without_f5_is_one_clear_error(folder: Path) -> None:
    with pytest.raises(MouthError, match="F5-TTS: ") as error:
        F5(find_files(folder), Path(sys.executable)).say("why", 0.5)
    assert "\n" not in str(error.value)


def test_a_reference_that_is_too_long_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f5, "REFERENCE_S", (0.1, 0.5))
    with pytest.raises(SpeechError, match=r"lasts .* allowed: 0\.1 to 0\.5"):
        F5(find_files(folder), Path(sys.executable)).say("why", 0.5)


def test_sizes_are_those_of_the_weights() -> None:
    block = "transformer.transformer_blocks.{}.{}"
    shapes = {"transformer.input_embed.proj.weight": (1024, 712), "transformer.text_embed.text_embed.weight": (2546, 512)}
    for k in range(22):
        shapes |= {block.format(k, "attn.to_q.weight"): (1024, 1024), block.format(k, "ff.ff.0.0.weight"): (2048, 1024)}
    shapes |= {f"transformer.text_embed.text_blocks.{k}.grn.beta": (1, 1, 1024) for k in range(4)}
    assert architecture(shapes) == {
        "dim": 1024, "depth": 22, "heads": 16, "dim_head": 64, "ff_mult": 2, "text_dim": 512, "conv_layers": 4, "qk_norm": None,
        "long_skip_connection": False,
    }  # fmt: skip
    with pytest.raises(KeyError, match="input_embed"):
        architecture({"decoder.weight": (1, 1)})


# ---- in its environment (make test-f5) ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, say: Any) -> Path:
    """A tiny F5 with random weights in the published layout."""
    try:
        python = find_python()
    except InstallationError as error:
        pytest.skip(str(error))
    made = tmp_path_factory.mktemp("f5")
    subprocess.run([str(python), str(Path(__file__).parent / "make_f5.py"), str(made)], check=True, capture_output=True)
    write_reference(made, say("mother please finish")[0])
    return made


@pytest.fixture(scope="module")
def voice(tiny: Path) -> F5:
    return F5(find_files(tiny), find_python(), QUICK)


@pytest.mark.f5
@pytest.mark.parametrize("duration_s", [0.06, 0.1, 1 / 3, 0.5, 1.234])
def test_what_is_said_is_exactly_as_long_as_its_slot(voice: F5, duration_s: float) -> None:
    sound = voice.say("because", duration_s)
    assert len(sound) == round(duration_s * RATE_HZ)
    assert np.isfinite(sound).all()
    assert sound.std() > 1e-3


@pytest.mark.f5
def test_the_same_words_are_the_same_sound_whatever_was_said_before(voice: F5, tiny: Path) -> None:
    known = voice.say("because", 0.5)
    fresh = F5(find_files(tiny), find_python(), QUICK)
    fresh.say("why", 0.3)
    assert np.array_equal(fresh.say("because", 0.5), known)
    assert not np.array_equal(fresh.say("finish", 0.5), known)


@pytest.mark.f5
def test_a_training_checkpoint_says_the_same(voice: F5, tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "trained"))
    (folder / "model_1.safetensors").unlink()
    shutil.move(folder / "trained" / "model_last.pt", folder)
    trained = F5(find_files(folder), find_python(), QUICK)
    assert np.array_equal(trained.say("because", 0.5), voice.say("because", 0.5))
    assert trained.checksum != voice.checksum


@pytest.mark.f5
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.txt", b"a\nb\n", "vocab.txt has 2 lines, the checkpoint was trained with 56"),
        ("model_1.safetensors", b"not a model", "model_1.safetensors cannot be read"),
        ("vocos/config.yaml", b"head: {class_path: os.system, init_args: {}}", "no part of Vocos"),
        ("vocos/pytorch_model.bin", b"", "F5-TTS: "),
    ],
)
def test_damaged_files_are_one_clear_error(tiny: Path, tmp_path: Path, name: str, content: bytes, message: str) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "damaged"))
    (folder / name).write_bytes(content)
    with pytest.raises(SpeechError, match=message) as error:
        F5(find_files(folder), find_python(), QUICK).say("why", 0.5)
    assert "\n" not in str(error.value)


@pytest.mark.f5
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_no_worker_outlives_a_program_that_is_killed(tiny: Path) -> None:
    program = "from slp_mouthing.speech.f5 import *; F5(find_files({!r}), find_python(), F5Options(steps=10**6)).say('why', 5)"
    process = subprocess.Popen([sys.executable, "-c", program.format(str(tiny))])
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None and not (found := children.read_text().split()):
        time.sleep(0.05)
    time.sleep(1.0)  # It loads its libraries.
    process.kill()
    process.wait()
    end = time.monotonic() + 60
    while time.monotonic() < end and _is_running(found[0]):
        time.sleep(0.1)
    assert not _is_running(found[0])


@pytest.mark.f5
def test_a_voice_that_is_forgotten_ends_its_worker(tiny: Path) -> None:
    fresh = F5(find_files(tiny), find_python(), QUICK)
    fresh.say("why", 0.1)
    assert fresh._process
    process, folder = fresh._process.process, fresh._process.folder
    assert folder.exists()
    del fresh
    gc.collect()
    assert process.poll() is not None and not folder.exists()


def _is_running(worker: str) -> bool:
    try:
        return b"f5_worker" in Path(f"/proc/{worker}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.f5
def test_too_many_letters_are_refused_and_the_voice_goes_on(voice: F5) -> None:
    with pytest.raises(SpeechError, match="letters"):
        voice.say("because " * 200, 0.1)
    assert len(voice.say("why", 0.2)) == round(0.2 * RATE_HZ)


@pytest.mark.f5
def test_a_sentence_is_rendered_in_this_voice(tiny: Path, tmp_path: Path) -> None:
    source = tmp_path / "g.txt"
    source.write_text("MOTHER PT:PRO1SG WHY@0.4 LATE@0.5\n", encoding="utf-8")
    out = tmp_path / "out"
    assert run(["render", str(source), "-o", str(out), "--formats", "npz,mp4", "--size", "64", "--sound", "--tts", "f5",
                "--f5", str(tiny)]) == 0  # fmt: skip
    actions = json.loads((out / "g.plan.json").read_text(encoding="utf-8"))["actions"]
    spoken = [action for action in actions if action["type"] == "Mouthing"]
    assert all("as F5-TTS says it" in action["rule"] for action in spoken)
    assert (out / "g.mp4").stat().st_size > 1000
    result = mouth.Studio(tts="f5", f5=tiny, driver="rules").render("MOTHER PT:PRO1SG WHY@0.4 LATE@0.5")
    assert result.sound.sample_rate_hz == RATE_HZ
    for action in result.plan.actions:
        heard = result.sound.samples[round(action.start_s * RATE_HZ) : round(action.end_s * RATE_HZ)]
        assert (np.abs(heard).max() > 0.001) == bool(action.phones)
