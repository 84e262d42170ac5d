"""Pictures of one, three and more channels become what the network was trained on, or are refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from segmentation.preprocess import to_tensor
from segmentation.scaling import scale_down
from segmentation.spec import ModelSpec
from tests.segmentation.models import LABELS


def picture(height: int, width: int, channels: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(channels).integers(0, 256, (height, width, channels), dtype=np.uint8)


def plain_spec(channels: int) -> ModelSpec:
    return ModelSpec("unet", LABELS, mean=(0.0,) * channels, std=(1.0,) * channels)


@pytest.mark.parametrize("channels", [1, 3, 4, 7])
def test_as_many_channels_as_the_model_has_go_in_as_they_are(channels: int) -> None:
    given = picture(5, 4, channels)
    found = to_tensor([given, given], plain_spec(channels))
    assert found.shape == (2, channels, 5, 4)
    assert found.dtype == torch.float32
    assert torch.equal(found[1], torch.from_numpy(given).permute(2, 0, 1).float())


def test_every_channel_has_its_own_mean_and_deviation() -> None:
    spec = ModelSpec("unet", LABELS, mean=(1.0, 2.0, 3.0, 4.0), std=(1.0, 2.0, 4.0, 8.0))
    found = to_tensor([np.full((1, 1, 4), 20, np.uint8)], spec)
    assert found.flatten().tolist() == [19, 9, 4.25, 2]


def test_a_model_of_one_channel_sees_the_luminance() -> None:
    rgb = picture(16, 16, 3)
    expected = np.asarray(Image.fromarray(rgb).convert("L"), np.float32)
    found = to_tensor([rgb], plain_spec(1))
    assert found.shape == (1, 1, 16, 16)
    assert np.abs(found[0, 0].numpy() - expected).max() < 1


@pytest.mark.parametrize(("given", "wanted"), [(3, 4), (4, 3), (1, 3), (4, 1)])
def test_other_channels_are_refused(given: int, wanted: int) -> None:
    with pytest.raises(ValueError, match=f"takes pictures of {wanted} channels, these have {given}"):
        to_tensor([picture(4, 4, given)], plain_spec(wanted))


@pytest.mark.parametrize("channels", [1, 3, 4, 7])
def test_scaling_down_keeps_the_channels(channels: int) -> None:
    given = np.full((40, 60, channels), 7, np.uint8)
    found = scale_down(given, 30)
    assert found.shape == (20, 30, channels)
    assert (found == 7).all()
    assert scale_down(given, None) is given
