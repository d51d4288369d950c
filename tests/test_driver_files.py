"""Networks of one's own training as drivers: those of channels as the shipped one, those of meshes on FLAME."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.articulation import Style, presence  # noqa: E402
from slp_mouthing.decoder.light import LightNetwork  # noqa: E402
from slp_mouthing.decoder.network import MouthingNetwork, save_network  # noqa: E402
from slp_mouthing.decoder.options import DecoderOptions, EncoderOptions, NetworkOptions  # noqa: E402
from slp_mouthing.driver_files import read_driver  # noqa: E402
from slp_mouthing.drivers import Neural, voice_normaliser  # noqa: E402
from slp_mouthing.errors import InputError  # noqa: E402
from slp_mouthing.head.builtin import load_builtin  # noqa: E402
from slp_mouthing.head.choose import resolve_head  # noqa: E402
from slp_mouthing.pipeline import Studio  # noqa: E402
from slp_mouthing.speech.espeak import Espeak  # noqa: E402
from slp_mouthing.types import MouthScore, Phone, Speech  # noqa: E402
from tests.head.flame_files import SMALL, write_folder  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from slp_mouthing.head.rig import Head

TINY = EncoderOptions(dim=32, layers=2, heads=4, feed_forward=48, stem=16, letter=8, back=6, ahead=2)
VERTICES = SMALL.head + 2 * SMALL.eye
SCORE = MouthScore((Phone("m", 0.2, 0.3), Phone("ɑː", 0.3, 0.6)), (), 1.2, ((0.2, 0.6),))
AUTOREGRESSIVE = DecoderOptions(model_dim=16, feed_forward=24)


def _write(path: Path, scale: float = 0.1, **options: Any) -> Path:
    torch.manual_seed(3)
    network = MouthingNetwork(NetworkOptions(TINY, hidden=24, **options))
    with torch.no_grad():
        for name, weight in network.named_parameters():
            last = name.startswith(("head.out", "decoder.vertice_map_r"))
            weight.copy_((scale if last else 0.1) * torch.randn_like(weight))
    save_network(network, path)
    return path


def _sound() -> Speech:
    times_s = np.arange(round(1.2 * 16000)) / 16000
    return Speech(np.sin(700 * times_s).astype(np.float32), 16000, SCORE.phones)


@pytest.fixture(scope="module")
def flame(tmp_path_factory: pytest.TempPathFactory) -> Head:
    folder = tmp_path_factory.mktemp("flame")
    write_folder(folder, SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        return resolve_head("flame", folder, shape_count=SMALL.shapes)


# ---- channels -----------------------------------------------------------------------------------------------------------------
def test_a_run_drives_as_the_shipped_network_does(tmp_path: Path) -> None:
    path, voice = _write(tmp_path / "best.npz"), Espeak("en-gb")
    driver = read_driver(str(path), voice, load_builtin())
    shipped = Neural(LightNetwork.load(path), "", voice_normaliser(voice))
    made = driver.move(SCORE, _sound, 30.0, Style())
    np.testing.assert_array_equal(made.curves.values, shipped.move(SCORE, _sound, 30.0, Style()).curves.values)
    result = Studio(driver=path).render("WHY@0.4")
    meta = json.loads(result.track.meta)
    assert meta["decoder"] == hashlib.sha256(path.read_bytes()).hexdigest() and meta["network"] == "best.npz"
    assert result.track.blendshapes.any()
    assert len(list(Studio(driver=path).stream(["WHY@0.4"]))) == len(result.track)


def test_full_precision_is_the_same_driver(tmp_path: Path) -> None:
    voice, head = Espeak("en-gb"), load_builtin()
    paths = [str(_write(tmp_path / name)) for name in ("best.npz", "best.safetensors")]
    half, full = (read_driver(path, voice, head).move(SCORE, _sound, 30.0, Style()).curves.values for path in paths)
    np.testing.assert_allclose(half, full, atol=5e-3)
    assert half.any()


def test_a_network_that_hears_with_wav2vec2_drives(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from slp_mouthing.decoder.wav2vec2 import wav2vec2_network
    from tests.decoder.published_plain import BASE
    from tests.decoder.published_plain import TINY as TINY_WAV2VEC2

    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**TINY_WAV2VEC2, **BASE)).save_pretrained(tmp_path / "wav2vec2")
    network = wav2vec2_network(tmp_path / "wav2vec2", NetworkOptions(TINY, hidden=24))
    save_network(network, tmp_path / "best.safetensors")
    driver = read_driver(str(tmp_path / "best.safetensors"), Espeak("en-gb"), load_builtin())
    made = driver.move(SCORE, _sound, 25.0, Style())
    assert len(made.curves) == 30 and made.curves.values.any() and not driver.streams
    deaf = driver.move(SCORE, lambda: Speech(np.zeros(19200, np.float32), 16000, SCORE.phones), 25.0, Style())
    assert not np.array_equal(deaf.curves.values, made.curves.values)


@pytest.mark.parametrize(
    ("changes", "streams"),
    [
        ({}, True),
        ({"decoder": AUTOREGRESSIVE}, False),
        ({"encoder": EncoderOptions(layers=6, dim=32, stem=16, letter=8)}, False),
    ],
)
def test_only_networks_of_a_bounded_view_stream(changes: dict[str, Any], streams: bool) -> None:
    options = NetworkOptions(**{"encoder": TINY} | changes)
    assert Neural(type("Network", (), {"options": options})(), "").streams == streams  # type: ignore[arg-type]


# ---- meshes -------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options",
    [{}, {"decoder": AUTOREGRESSIVE, "vertices": VERTICES}],
    ids=["each frame by itself", "knows speakers by their mesh"],
)
def test_a_network_trained_on_meshes_moves_flame(tmp_path: Path, flame: Head, options: dict[str, Any]) -> None:
    path = _write(tmp_path / "best.safetensors", 3e-3, kind="offsets", outputs=3 * VERTICES, **options)
    driver = read_driver(str(path), Espeak("en-gb"), flame)
    made, present = driver.move(SCORE, _sound, 30.0, Style()), presence(replace(SCORE, phones=()), 30.0)
    assert made.lacking is not None and driver.name == "best.safetensors"
    whole = flame.pose(made.curves.blendshapes, made.curves.tongue) - flame.neutral_m + made.lacking()
    assert np.abs(whole[present == 0]).max() < 1e-7 and 1e-4 < np.abs(whole).max() < 0.1
    slower = driver.move(SCORE, _sound, 15.0, Style())
    assert len(slower.curves) == len(made.curves) // 2


def test_the_person_shown_is_who_speaks(tmp_path: Path, flame: Head) -> None:
    from slp_mouthing.decoder.trained import TrainedMeshModel, TrainedNetwork

    options = {"decoder": AUTOREGRESSIVE, "vertices": VERTICES, "kind": "offsets", "outputs": 3 * VERTICES}
    network = TrainedNetwork.load(_write(tmp_path / "best.safetensors", 3e-3, **options))
    heads = (flame.neutral_m[:VERTICES], 2 * flame.neutral_m[:VERTICES])
    one, other = (TrainedMeshModel(network, "", "", head).predict(_sound().samples, 16000).vertex_offsets for head in heads)
    assert one.shape == (36, VERTICES, 3) and not np.allclose(one, other)


# ---- what cannot be -----------------------------------------------------------------------------------------------------------
def test_what_cannot_drive_is_named(tmp_path: Path, flame: Head) -> None:
    voice = Espeak("en-gb")
    mesh = {"kind": "offsets", "outputs": 3 * VERTICES}
    cases = {
        _write(tmp_path / "mesh.npz", **mesh): "moves a mesh, which takes torch; take the best.safetensors",
        _write(tmp_path / "speakers.npz", decoder=AUTOREGRESSIVE, vertices=VERTICES, **mesh): "needs torch: it knows speakers",
        _write(tmp_path / "less.npz", outputs=14): "says 14 channels, expected 15",
        _write(tmp_path / "seven.safetensors", kind="offsets", outputs=21): f"moves 7 vertices, FLAME has {VERTICES}",
        tmp_path / "none.npz": "no such file",
    }
    for path, told in cases.items():
        with pytest.raises(InputError, match=told):
            read_driver(str(path), voice, flame)
    with pytest.raises(InputError, match="give --head flame"):
        read_driver(str(_write(tmp_path / "m.safetensors", **mesh)), voice, load_builtin())
    with pytest.raises(InputError, match="knows no subject 'me'"):
        read_driver(str(_write(tmp_path / "a.safetensors")), voice, flame, "me")


def test_without_torch_the_extra_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path / "best.safetensors")
    code = f"""
import sys
sys.modules["torch"] = None
from slp_mouthing.errors import MissingExtra
from slp_mouthing.pipeline import Studio
try:
    Studio(driver={str(path)!r}).check()
except MissingExtra as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'slp-mouthing[" in said
