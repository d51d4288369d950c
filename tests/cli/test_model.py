"""`mouth model` as a user runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from slp_mouthing.cli.main import run  # noqa: E402
from slp_mouthing.decoder.network import MouthingNetwork, save_network  # noqa: E402
from slp_mouthing.decoder.options import EncoderOptions, NetworkOptions  # noqa: E402
from tests.decoder import published_plain as plain  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_checkpoint_is_brought_in_and_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(plain.make_faceformer(old_names=True).weights, "vocaset.pth")
    assert run(["model", "import", "vocaset.pth", "-o", "faceformer.safetensors"]) == 0
    assert capsys.readouterr().out == "faceformer.safetensors: FaceFormer (VOCASET), 7 vertices at 30 fps\n"
    assert run(["model", "info", "vocaset.pth"]) == 0
    told = capsys.readouterr().out
    assert "7 vertices at 30 fps" in told and "FaceTalk_170913_03279_TA" in told and "missing     nothing" in told
    assert run(["model", "info", "faceformer.safetensors"]) == 0
    assert "imported from vocaset.pth" in capsys.readouterr().out


def test_two_stages_make_one_network(capsys: pytest.CaptureFixture[str]) -> None:
    second, first = plain.make_codetalker()
    torch.save({"state_dict": second.weights}, "vocaset_stage2.pth.tar")
    torch.save({"state_dict": first}, "vocaset_stage1.pth.tar")
    assert run(["model", "import", "vocaset_stage2.pth.tar", "-o", "codetalker.safetensors"]) == 1
    assert "--autoencoder" in capsys.readouterr().err
    together = ["vocaset_stage2.pth.tar", "--autoencoder", "vocaset_stage1.pth.tar"]
    assert run(["model", "info", *together]) == 0
    assert run(["model", "import", *together, "-o", "codetalker.safetensors"]) == 0


def test_what_is_missing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    weights = plain.make_selftalk().weights
    for part in ("weight", "bias"):
        for norm in (1, 2, 3):
            del weights[f"transformer_decoder.layers.0.norm{norm}.{part}"]
    torch.save(weights, "selftalk.pth")
    assert run(["model", "info", "selftalk.pth"]) == 0
    told = capsys.readouterr().out
    assert "missing     6: transformer_decoder.layers.0.norm1.bias" in told and "and 1 more" in told
    assert "only for training" in told and "one style for all" in told


def test_our_own_networks_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    network = MouthingNetwork(NetworkOptions(EncoderOptions(dim=16, layers=1, feed_forward=16, stem=8, letter=4), hidden=12))
    for name in ("decoder.npz", "decoder.safetensors"):
        save_network(network, name, {"voice": "en-gb"})
        assert run(["model", "info", name]) == 0
        told = capsys.readouterr().out
        assert "ours; it gives articulation" in told and "voice       en-gb" in told


@pytest.mark.parametrize(
    "arguments", [["info", "no.pth"], ["info", "no.npz"], ["info", "no.safetensors"], ["import", "no.pth", "-o", "a.safetensors"],
                  ["info", "text.pth"], ["import", "text.pth", "-o", "a.bin"]]
)  # fmt: skip
def test_errors_are_one_line(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.pth").write_text("hello")
    assert run(["model", *arguments]) == 1
    told = capsys.readouterr().err
    assert told.startswith("mouth: ") and told.count("\n") == 1
