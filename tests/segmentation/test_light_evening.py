"""Evened light: exposure leaves a picture, defects stay, and any size and number of channels goes through."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from segmentation.architectures import build
from segmentation.architectures.light_evening import EvenLight
from segmentation.spec import LabelSpec, ModelSpec

LABELS = tuple(LabelSpec(index, f"label {index}", "#204060", index > 0) for index in range(3))
SPEC = ModelSpec("linknet-light", LABELS, evens_light=True, options={"widths": [4, 4, 8, 8, 8, 8]})


class Unchanged(nn.Module):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels


def evened(pixels: torch.Tensor) -> torch.Tensor:
    return EvenLight(Unchanged())(pixels)


def picture(height: int = 48, width: int = 64) -> torch.Tensor:
    values = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(4))
    values[:, :, 20:24, 30:40] += 5
    return values


def test_exposure_and_contrast_hardly_matter() -> None:
    dark, bright = picture(), picture() * 3 - 7
    assert (dark - bright).abs().mean() > 5
    assert (evened(dark)[:, :2] - evened(bright)[:, :2]).abs().mean() < 0.1


def test_the_defect_stands_out() -> None:
    standardised, local = evened(picture())[0, :2]
    for channel in (standardised, local):
        assert channel[20:24, 30:40].mean() > channel.mean() + 2 * channel.std()


def test_grey_itself_is_kept() -> None:
    assert torch.equal(evened(picture())[:, 2], picture().mean(dim=1))


def test_a_flat_picture_stays_finite() -> None:
    assert torch.isfinite(evened(torch.full((2, 1, 1, 1), 3.0))).all()
    assert torch.equal(evened(torch.zeros(1, 3, 20, 20)), torch.zeros(1, 3, 20, 20))


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [(1, 1), (33, 47)])
def test_any_network_takes_it(channels: int, size: tuple[int, int]) -> None:
    spec = dataclasses.replace(SPEC, mean=(0.0,) * channels, std=(1.0,) * channels)
    network = build(spec).eval()
    assert network(torch.randn(2, channels, *size)).shape == (2, 3, *size)
