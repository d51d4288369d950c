"""PSNR and SSIM against known values and a plain twin."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.avatar.image_metrics import psnr, ssim  # noqa: E402


def picture(seed: int, height: int = 24, width: int = 30) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((height, width, 3)).astype(np.float32))


def test_psnr_of_known_errors() -> None:
    a = torch.full((4, 5, 3), 0.5)
    assert psnr(a, a + 0.1) == pytest.approx(20.0, abs=1e-4)
    assert psnr(a, a - 0.001) == pytest.approx(60.0, abs=1e-2)
    assert psnr(a, a) == math.inf


def test_ssim_of_equal_and_of_flat_pictures() -> None:
    a = picture(0)
    assert float(ssim(a, a)) == pytest.approx(1.0, abs=1e-6)
    low, high = torch.full((12, 12, 3), 0.2), torch.full((12, 12, 3), 0.8)
    # Without structure only the means count: (2 ab + C1) / (a^2 + b^2 + C1).
    assert float(ssim(low, high)) == pytest.approx((2 * 0.16 + 1e-4) / (0.04 + 0.64 + 1e-4), abs=1e-5)


def test_ssim_equals_its_formula_window_by_window() -> None:
    a, b = picture(1).double().numpy(), picture(2).double().numpy()
    x = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    window = np.outer(x, x) / x.sum() ** 2
    values = []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            for c in range(3):
                p, q = a[i : i + 11, j : j + 11, c], b[i : i + 11, j : j + 11, c]
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq, cov = (window * p * p).sum() - mp**2, (window * q * q).sum() - mq**2, (window * p * q).sum() - mp * mq
                values.append((2 * mp * mq + 1e-4) * (2 * cov + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    found = float(ssim(torch.from_numpy(a), torch.from_numpy(b)))
    assert found == pytest.approx(np.mean(values), abs=1e-9)
    assert found < 0.2


def test_ssim_needs_pictures_of_one_size() -> None:
    with pytest.raises(ValueError, match="expected equal"):
        ssim(picture(0), picture(0, 25))
    with pytest.raises(ValueError, match="at least 11"):
        ssim(picture(0, 8), picture(1, 8))
