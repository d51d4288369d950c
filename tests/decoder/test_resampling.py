"""The resampler against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import resample_poly

from slp_mouthing.decoder.resampling import resample


@pytest.mark.parametrize("count", [1, 50, 70000])
@pytest.mark.parametrize(("from_hz", "to_hz"), [(22050, 16000), (8000, 16000), (96000, 16000), (44100, 16000), (15999, 16000)])
def test_equal_to_scipy(from_hz: int, to_hz: int, count: int) -> None:
    samples = np.random.default_rng(0).standard_normal(count).astype(np.float32)
    common = np.gcd(from_hz, to_hz)
    expected = resample_poly(samples.astype(np.float64), to_hz // common, from_hz // common)
    found = resample(samples, from_hz, to_hz)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5
