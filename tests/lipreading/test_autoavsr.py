"""Auto-AVSR's published layout, at full size by shape and at small size by value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.errors import InputError  # noqa: E402
from slp_mouthing.lipreading.autoavsr import AutoAvsr, AutoAvsrOptions, checkpoint_shapes, load_autoavsr  # noqa: E402
from slp_mouthing.lipreading.conformer import ConformerOptions  # noqa: E402
from slp_mouthing.lipreading.frontend import FrontendOptions  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SMALL = AutoAvsrOptions(
    FrontendOptions(stem=4, widths=(4, 6, 8, 10)), ConformerOptions(12, heads=3, feed_forward=16, layers=2, kernel=5),
    decoder_layers=1, units=9,
)  # fmt: skip
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    """A checkpoint in the published layout: every tensor filled."""
    generator, found = torch.Generator().manual_seed(0), {}
    for name, shape in checkpoint_shapes(SMALL).items():
        tensor = 0.3 * torch.randn(shape, generator=generator)
        tensor = tensor.abs() + 0.5 if name.endswith(("running_var", "norm.weight", "bn1.weight", "bn2.weight")) else tensor
        found[name] = torch.tensor(7) if name.endswith("num_batches_tracked") else tensor
    return found


def saved(folder: Path, content: object) -> Path:
    torch.save(content, folder / "vsr.pth")
    return folder / "vsr.pth"


def crops(frames: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, frames, 1, 88, 88, generator=torch.Generator().manual_seed(seed))


def test_published_checkpoint_by_its_numbers() -> None:
    shapes = checkpoint_shapes()
    assert len(shapes) == 767
    parameters = sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(STATISTICS))
    assert parameters / 1e6 == pytest.approx(250.38, abs=0.005)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("frontend.frontend3D.0.weight", (64, 1, 5, 7, 7)), ("frontend.frontend3D.1.running_var", (64,)),
        ("frontend.trunk.layer1.1.conv2.weight", (64, 64, 3, 3)),
        ("frontend.trunk.layer4.0.downsample.0.weight", (512, 256, 1, 1)),
        ("proj_encoder.weight", (768, 512)), ("encoder.encoders.11.self_attn.pos_bias_u", (12, 64)),
        ("encoder.encoders.0.conv_module.pointwise_cov1.weight", (1536, 768, 1)),
        ("encoder.encoders.0.conv_module.depthwise_conv.weight", (768, 1, 31)), ("encoder.after_norm.bias", (768,)),
        ("encoder.encoders.5.feed_forward_macaron.w_1.weight", (3072, 768)), ("ctc.ctc_lo.weight", (5049, 768)),
        ("decoder.decoders.5.src_attn.linear_out.bias", (768,)), ("decoder.embed.0.weight", (5049, 768)),
        ("decoder.output_layer.bias", (5049,)),
    ],
)  # fmt: skip
def test_published_names_and_shapes(name: str, shape: tuple[int, ...]) -> None:
    assert checkpoint_shapes()[name] == shape


def test_first_layer_of_the_trunk_has_no_short_cut_to_train() -> None:
    assert not [name for name in checkpoint_shapes() if "layer1" in name and "downsample" in name]


def test_checkpoint_gives_its_features(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    reader = load_autoavsr(saved(tmp_path, state), SMALL)
    assert not reader.training
    plain = AutoAvsr(SMALL).eval()
    plain.load_state_dict({name: state[name] for name in plain.state_dict()})
    with torch.no_grad():
        assert reader.resnet_features(crops()).shape == (1, 5, 10)
        assert torch.equal(reader.features(crops()), plain.features(crops()))
        expected = reader.features(crops()) @ state["ctc.ctc_lo.weight"].T + state["ctc.ctc_lo.bias"]
        assert torch.allclose(reader.unit_logits(crops()), expected, atol=1e-6)


def test_half_precision_and_older_names_load_as_well(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    def older(name: str) -> str:
        if name.startswith("frontend."):
            return f"encoder.{name}"
        return name.replace("proj_encoder.", "encoder.embed.0.")

    halved = {older(name): tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    with torch.no_grad():
        found = load_autoavsr(saved(tmp_path, halved), SMALL).features(crops())
        expected = load_autoavsr(saved(tmp_path, state), SMALL).features(crops())
    assert torch.allclose(found, expected, atol=0.05)


def test_gradient_reaches_the_pictures(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    reader = load_autoavsr(saved(tmp_path, state), SMALL).double()
    seen = crops(3).double().requires_grad_()
    reader.features(seen).square().sum().backward()
    assert all(parameter.grad is None for parameter in reader.parameters())
    direction, step = torch.sin(torch.arange(88) / 9.0)[None, :].expand(1, 3, 1, 88, 88), 1e-5
    with torch.no_grad():
        ahead, behind = (reader.features(seen + sign * step * direction).square().sum() for sign in (1, -1))
    assert float((seen.grad * direction).sum()) == pytest.approx(float(ahead - behind) / (2 * step), rel=1e-4)


def test_weights_of_another_network_are_named(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    del state["encoder.after_norm.bias"]
    state["classifier.weight"] = torch.zeros(3)
    with pytest.raises(InputError, match=r"1 missing \(encoder.after_norm.bias\) and 1 unknown \(classifier.weight\)"):
        load_autoavsr(saved(tmp_path, state), SMALL)
    with pytest.raises(InputError, match=r"missing \(.*, \.\.\.\)"):
        load_autoavsr(saved(tmp_path, {}), SMALL)


def test_weights_of_another_shape_or_not_finite_are_named(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(InputError, match=r"'proj_encoder.bias' has shape \[4\], expected \[12\]"):
        load_autoavsr(saved(tmp_path, state | {"proj_encoder.bias": torch.zeros(4)}), SMALL)
    with pytest.raises(InputError, match=r"decoder.after_norm.weight.* not finite"):
        load_autoavsr(saved(tmp_path, state | {"decoder.after_norm.weight": torch.full((12,), torch.nan)}), SMALL)


class Stranger:
    """Not a weight."""


def test_files_that_are_no_checkpoints_are_refused(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_autoavsr(tmp_path / "none.pth", SMALL)
    with pytest.raises(InputError, match="refused: it asks Python for"):
        load_autoavsr(saved(tmp_path, {"model": Stranger()}), SMALL)
    with pytest.raises(InputError, match="flat dictionary"):
        load_autoavsr(saved(tmp_path, {"model": state}), SMALL)
    whole = saved(tmp_path, state).read_bytes()
    (tmp_path / "vsr.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        load_autoavsr(tmp_path / "vsr.pth", SMALL)
    (tmp_path / "vsr.pth").write_bytes(b"<!doctype html><html>not found</html>")
    with pytest.raises(InputError):
        load_autoavsr(tmp_path / "vsr.pth", SMALL)
