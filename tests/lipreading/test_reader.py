"""Our reader, and what every reader promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.errors import InputError  # noqa: E402
from slp_mouthing.lipreading.checkpoint import FORMAT, load_reader, save_reader  # noqa: E402
from slp_mouthing.lipreading.conformer import ConformerOptions  # noqa: E402
from slp_mouthing.lipreading.frontend import FrontendOptions, VisualFrontend  # noqa: E402
from slp_mouthing.lipreading.reader import LipReader, ReaderOptions, SmallReader  # noqa: E402
from slp_mouthing.lipreading.symbols import PHONES, VISEMES  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ReaderOptions(
    FrontendOptions(shrink=2, stem=4, stem_kernel=5, pooled=False, widths=(4, 6), blocks=1, first_stride=2),
    ConformerOptions(8, heads=2, feed_forward=8, layers=1, kernel=3),
)


@pytest.fixture
def reader() -> SmallReader:
    torch.manual_seed(0)
    made = SmallReader(SMALL)
    with torch.no_grad():
        made.features(crops(4))  # Statistics of batches that are not those of a new network.
        made.phones.weight.mul_(20)
    return made.eval()


def crops(clips: int, frames: int = 6) -> torch.Tensor:
    return torch.randn(clips, frames, 1, 88, 88, generator=torch.Generator().manual_seed(5))


def test_what_it_tells_has_its_shape(reader: SmallReader) -> None:
    assert reader.resnet_features(crops(2)).shape == (2, 6, 6)
    assert reader.features(crops(2)).shape == (2, 6, 8)
    assert reader.viseme_logits(crops(2)).shape == (2, 6, len(VISEMES))
    phones = reader.transcribe(crops(2))
    assert len(phones) == 2 and set(phones[0] + phones[1]) <= set(PHONES[1:])


def test_clips_of_unequal_length_are_read_as_if_alone(reader: SmallReader) -> None:
    clip, lengths = crops(2), torch.tensor([6, 3])
    clip[1, 3:] = 0
    with torch.no_grad():
        together, alone = reader.features(clip, lengths)[1, :3], reader.features(clip[1:, :3])[0]
    assert torch.allclose(together, alone, atol=1e-5)
    assert reader.transcribe(clip, lengths)[1] == reader.transcribe(clip[1:, :3])[0]


def test_a_frame_sees_two_neighbours_on_each_side_before_the_conformer() -> None:
    torch.manual_seed(0)
    frontend = VisualFrontend(SMALL.frontend).eval()
    still, moved = crops(1, 9), crops(1, 9)
    moved[0, 4] += 1
    with torch.no_grad():
        changed = (frontend(moved) - frontend(still)).abs().amax(-1)[0] > 1e-6
    assert changed.tolist() == [False, False, True, True, True, True, True, False, False]


def test_a_reader_without_phones_says_so() -> None:
    with pytest.raises(InputError, match="no phones"):
        LipReader(SMALL).transcribe(crops(1))
    with pytest.raises(InputError, match="no visemes"):
        LipReader(SMALL).viseme_logits(crops(1))
    with pytest.raises(ValueError, match="expected"):
        LipReader(SMALL).features(crops(1)[0])


def test_file_gives_the_same_reader(tmp_path: Path, reader: SmallReader) -> None:
    save_reader(reader, tmp_path / "reader.safetensors", {"by": "a test"})
    loaded = load_reader(tmp_path / "reader.safetensors")
    assert loaded.options == SMALL and not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    with torch.no_grad():
        assert torch.allclose(loaded.features(crops(1)), reader.features(crops(1)), atol=0.02)
    seen = crops(1).requires_grad_()
    loaded.features(seen).sum().backward()
    assert seen.grad.abs().max() > 0


def test_files_that_are_no_readers_are_refused(tmp_path: Path, reader: SmallReader) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "reader.safetensors"
    with pytest.raises(InputError, match="no such file"):
        load_reader(path)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="no lip reader of ours"):
        load_reader(path)
    save_file({"x": torch.zeros(2)}, path, {"format": FORMAT, "about": "{}"})
    with pytest.raises(InputError, match="do not belong together"):
        load_reader(path)
    with torch.no_grad():
        reader.phones.bias[3] = torch.inf
    save_reader(reader, path)
    with pytest.raises(InputError, match=r"phones.bias.* not finite"):
        load_reader(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="damaged"):
        load_reader(path)


@pytest.mark.parametrize(("name", "value"), [("heads", 0), ("layers", 60_000), ("dim", "wide")])
def test_options_that_make_no_reader_are_refused_at_once(tmp_path: Path, reader: SmallReader, name: str, value: object) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = tmp_path / "reader.safetensors"
    save_reader(reader, path)
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
    about["options"]["conformer"][name] = value
    save_file(load_file(path), path, {"format": FORMAT, "about": json.dumps(about)})
    with pytest.raises(InputError, match="do not belong together"):
        load_reader(path)
