"""`mouth model` as a user runs it."""

from __future__ import annotations

import json
import pickle
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from slp_mouthing.cli.main import run  # noqa: E402
from slp_mouthing.decoder.network import MouthingNetwork, save_network  # noqa: E402
from slp_mouthing.decoder.options import EncoderOptions, NetworkOptions  # noqa: E402
from tests.decoder import published_plain as plain  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable


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
    assert run(["model", "import", "faceformer.safetensors", "-o", "again.safetensors"]) == 1
    assert "faceformer.safetensors: is imported already; give it to --driver" in capsys.readouterr().err


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


def test_whether_a_network_can_be_used_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    weights = plain.make_faceformer().weights
    torch.save(weights, "whole.pth")
    weights["vertice_map.weight"][3, 2] = float("nan")
    torch.save(weights, "nan.pth")
    network = MouthingNetwork(NetworkOptions(EncoderOptions(dim=16, layers=1, feed_forward=16, stem=8, letter=4), hidden=12))
    save_network(network, "ours.safetensors")
    network.encoder.norm = torch.nn.LayerNorm(5)
    for name in ("other.npz", "other.safetensors"):
        save_network(network, name)
    for name, usable in {
        "whole.pth": "yes", "nan.pth": "no: weight 'decoder.vertice_map.weight' holds values that are not finite",
        "ours.safetensors": "yes", "other.npz": "no: weight 'encoder.norm.weight' is of shape [5], expected [16]",
        "other.safetensors": "no: weight 'encoder.norm.bias' has shape [5], expected [16]",
    }.items():  # fmt: skip
        assert run(["model", "info", name]) == 0
        assert f"usable      {usable}" in capsys.readouterr().out


def _with_header(name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """A network of ours whose header somebody edited."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    save_network(MouthingNetwork(NetworkOptions(EncoderOptions(dim=16, layers=1, feed_forward=16, stem=8, letter=4))), name)
    with safe_open(name, framework="pt") as file:
        header = json.loads(file.metadata()["header"])
    change(header)
    save_file(load_file(name), name, {"header": json.dumps(header)})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda header: header["options"]["encoder"].update(dim="big"), "dim is 'big', expected a number"),
        (lambda header: header["options"]["encoder"].update(layers=10**5), "layers is 100000, allowed: 0 to 64"),
        (lambda header: header.update(meta=5), "its options are not understood"),
        (lambda header: header.update(options=[]), "its options are not understood"),
    ],
)
def test_an_edited_network_is_one_line(
    change: Callable[[dict[str, Any]], None], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _with_header("edited.safetensors", change)
    assert run(["model", "info", "edited.safetensors"]) == 1
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("ran",))


def test_code_of_any_pickle_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for name in ("evil.pth", "evil.npz"):
            Path(name).write_bytes(pickle.dumps(_Evil(), protocol))
            assert run(["model", "info", name]) == 1
            told = capsys.readouterr()
            assert "refused" in told.err and told.err.count("\n") == 1 and "ran" not in told.out


def test_a_lip_reader_is_told_from_a_driver(capsys: pytest.CaptureFixture[str]) -> None:
    with resources.as_file(resources.files("slp_mouthing.avatars") / "default" / "lipreader.safetensors") as shipped:
        assert run(["model", "info", str(shipped)]) == 1
    assert "is a lip reader" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["info", "no.pth"], ["info", "no.npz"], ["info", "no.safetensors"], ["import", "no.pth", "-o", "a.safetensors"],
                  ["info", "text.pth"], ["import", "text.pth", "-o", "a.bin"]]
)  # fmt: skip
def test_errors_are_one_line(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.pth").write_text("hello")
    assert run(["model", *arguments]) == 1
    told = capsys.readouterr().err
    assert told.startswith("mouth: ") and told.count("\n") == 1
