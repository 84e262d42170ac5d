"""The hand-made features against scipy, and what must not change them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy import ndimage

from segmentation.classical.features import FeatureBank

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (255.0, 255.0, 255.0)}


def test_features_are_those_of_scipy() -> None:
    bank = FeatureBank((0.0,), (255.0,), (1.0, 2.0), uses_brightness=True)
    grey = np.random.default_rng(0).integers(0, 256, (40, 30)).astype(np.float64)
    found = dict(
        zip(bank.names, bank(torch.from_numpy(grey).float()[None, None] / 255)[0].double().numpy(), strict=True)
    )
    assert set(found) == set(bank.names)
    light = np.log(grey / 255 + 0.05)

    def smooth(picture: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
        return np.asarray(ndimage.gaussian_filter(picture, sigma, mode="nearest", truncate=3.0))

    inside = (slice(2, -2), slice(2, -2))
    for sigma in (1.0, 2.0):
        mean = smooth(light, sigma)
        slope_y, slope_x = np.gradient(mean)
        np.testing.assert_allclose(found[f"brightness, {sigma:g} px"], smooth(grey / 255, sigma), atol=1e-5)
        np.testing.assert_allclose(
            found[f"edge strength, {sigma:g} px"][inside], sigma * np.hypot(slope_x, slope_y)[inside], atol=1e-5
        )
        variance = smooth(light**2, sigma) - mean**2
        np.testing.assert_allclose(found[f"roughness, {sigma:g} px"], np.sqrt(variance), atol=1e-4)
        bend_xx = mean[1:-1, 2:] - 2 * mean[1:-1, 1:-1] + mean[1:-1, :-2]
        bend_yy = mean[2:, 1:-1] - 2 * mean[1:-1, 1:-1] + mean[:-2, 1:-1]
        bend_xy = (mean[2:, 2:] - mean[2:, :-2] - mean[:-2, 2:] + mean[:-2, :-2]) / 4
        hessian = sigma**2 * np.stack([np.stack([bend_xx, bend_xy], -1), np.stack([bend_xy, bend_yy], -1)], -1)
        eigenvalues = np.linalg.eigvalsh(hessian)
        for place, name in enumerate(("bright ridge", "dark ridge")):
            np.testing.assert_allclose(found[f"{name}, {sigma:g} px"][1:-1, 1:-1], eigenvalues[..., place], atol=1e-5)
        np.testing.assert_allclose(found[f"spot, {sigma:g} px"][1:-1, 1:-1], eigenvalues.sum(axis=-1), atol=1e-5)


def test_a_dim_photo_has_the_features_of_a_bright_one() -> None:
    bank = FeatureBank(**PLAIN, scales=(1.0, 4.0, 16.0))
    picture = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).expand(1, 3, 64, 64) * 0.2 + 0.4
    bright, dim = bank(picture), bank(picture * 0.6)
    assert float((bright - dim).abs().mean()) < 0.1 * float(bright.abs().mean())


def test_large_scales_follow_a_wide_gaussian() -> None:
    """They are computed on a smaller picture; that must not move or change what they see."""
    bank = FeatureBank((0.0,), (255.0,), (16.0,), uses_brightness=True)
    picture = torch.zeros(1, 1, 150, 133)
    picture[0, 0, 70:80, 60:75] = 1
    wide = ndimage.gaussian_filter(picture[0, 0].numpy(), 16, mode="nearest")
    seen = bank(picture)[0, bank.names.index("brightness, 16 px")].numpy()
    assert np.abs(seen - wide).max() < 0.03 * wide.max()


def test_scales_must_rise() -> None:
    with pytest.raises(ValueError, match="scales must rise"):
        FeatureBank(**PLAIN, scales=(2.0, 1.0))
