"""LPIPS with small random weights in the published files' layout, against a plain twin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.avatar.lpips import Lpips  # noqa: E402
from slp_mouthing.errors import InputError  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

ALEX = {0: (4, 3, 11), 3: (6, 4, 5), 6: (8, 6, 3), 8: (5, 8, 3), 10: (5, 5, 3)}
VGG_WIDTHS = {0: 2, 2: 3, 5: 4, 7: 4, 10: 5, 12: 5, 14: 5, 17: 6, 19: 6, 21: 6, 24: 6, 26: 6, 28: 7}
VGG = {i: (n, before, 3) for (i, n), before in zip(VGG_WIDTHS.items(), [3, *VGG_WIDTHS.values()], strict=False)}
COMPARED = {"alex": tuple(ALEX), "vgg": (2, 7, 14, 21, 28)}
SHAPES, FILES = {"alex": ALEX, "vgg": VGG}, {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth"}


def write_weights(folder: Path, name: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    draw = torch.Generator().manual_seed(1)
    features = {"classifier.1.weight": torch.zeros(2, 2)}
    for i, (out, into, kernel) in SHAPES[name].items():
        features[f"features.{i}.weight"] = torch.randn(out, into, kernel, kernel, generator=draw) / (into**0.5 * kernel)
        features[f"features.{i}.bias"] = torch.randn(out, generator=draw) / 4
    widths = [SHAPES[name][i][0] for i in COMPARED[name]]
    heads = {f"lin{k}.model.1.weight": torch.rand(1, n, 1, 1, generator=draw) for k, n in enumerate(widths)}
    torch.save(features, folder / FILES[name])
    torch.save(heads, folder / f"{name}.pth")
    return features, heads


def picture(seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((40, 52, 3)).astype(np.float32))


def plain(name: str, features: dict[str, torch.Tensor], heads: dict[str, torch.Tensor], *pair: torch.Tensor) -> float:
    """Layer by layer as torchvision numbers them, and sums by numpy."""
    nn, layers = torch.nn, []
    if name == "alex":
        layers = [
            nn.Conv2d(3, 4, 11, 4, 2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(4, 6, 5, 1, 2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        ]
        layers += [nn.Conv2d(6, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 5, 3, 1, 1), nn.ReLU(), nn.Conv2d(5, 5, 3, 1, 1), nn.ReLU()]
    else:
        for i, (out, into, _) in VGG.items():
            if i in (5, 10, 17, 24):
                layers.append(nn.MaxPool2d(2, 2))
            layers += [nn.Conv2d(into, out, 3, 1, 1), nn.ReLU()]
    network = nn.Sequential(*layers).eval()
    network.load_state_dict({k.removeprefix("features."): v for k, v in features.items() if k.startswith("features.")})
    found = []
    for image in pair:
        x = (image.permute(2, 0, 1) * 2 - 1 - torch.tensor([-0.030, -0.088, -0.188])[:, None, None])[None]
        x, kept = x / torch.tensor([0.458, 0.448, 0.450])[:, None, None], []
        for i, layer in enumerate(network):
            x = layer(x)
            if i - 1 in COMPARED[name]:
                y = x[0].detach().numpy().astype(np.float64)
                kept.append(y / (np.sqrt((y**2).sum(0)) + 1e-10))
        found.append(kept)
    weights = [heads[f"lin{k}.model.1.weight"].numpy().ravel() for k in range(5)]
    return float(sum(np.einsum("c,chw->hw", w, (a - b) ** 2).mean() for w, a, b in zip(weights, *found, strict=True)))


@pytest.mark.parametrize("name", ["alex", "vgg"])
def test_equals_the_plain_twin(tmp_path: Path, name: str) -> None:
    weights = write_weights(tmp_path, name)
    lpips, a, b = Lpips(tmp_path), picture(0), picture(1)
    assert lpips.network == name
    assert lpips(a, b) == pytest.approx(plain(name, *weights, a, b), rel=1e-4)
    assert lpips(a, b) == pytest.approx(lpips(b, a), rel=1e-5)
    assert lpips(a, a) == 0 < lpips(a, 0.9 * a + 0.1 * b) < lpips(a, b)


def test_what_is_wrong_with_the_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no weights of LPIPS.*alexnet\*\.pth"):
        Lpips(tmp_path)
    features, heads = write_weights(tmp_path, "alex")
    for change, message in (
        ({"features.6.weight": None}, "lacks 'features.6.weight'"),
        (
            {"features.3.weight": torch.zeros(6, 4, 3, 3)},
            r"'features.3.weight' has shape \[6, 4, 3, 3\], expected any x 4 x 5 x 5",
        ),
        ({"features.0.bias": torch.full((4,), torch.nan)}, "'features.0.bias' is not finite"),
    ):
        torch.save(features | change, tmp_path / FILES["alex"])
        with pytest.raises(InputError, match=message):
            Lpips(tmp_path)
    torch.save(features, tmp_path / FILES["alex"])
    torch.save({k: v for k, v in heads.items() if "lin4" not in k}, tmp_path / "alex.pth")
    with pytest.raises(InputError, match=re.escape("lacks 'lin4.model.1.weight'")):
        Lpips(tmp_path)
    (tmp_path / "alex.pth").write_bytes(b"no archive")
    with pytest.raises(InputError, match="not a file of weights"):
        Lpips(tmp_path)


def test_pictures_that_cannot_be_compared(tmp_path: Path) -> None:
    write_weights(tmp_path, "alex")
    lpips = Lpips(tmp_path)
    for a, b in ((picture(0), picture(0)[:-1]), (picture(0)[:31], picture(0)[:31])):
        with pytest.raises(InputError, match="of one size from 32 px"):
            lpips(a, b)
