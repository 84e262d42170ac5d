"""Two networks for computers without a graphics card.

- `unet-light`: a U-Net (see unet.py) with a slim decoder that stops at half the picture's size; the scores are
  enlarged. The last step of a U-Net costs as much as all the others and adds one pixel of sharpness.
- `lraspp`: the lite reduced decoder of Howard et al., "Searching for MobileNetV3", ICCV 2019, section 6.4: coarse
  features, weighted by the whole picture's mean, are scored and added to the scores of finer ones.
"""

from __future__ import annotations

from typing import Any

import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.base import SegmentationHead, initialization
from segmentation_models_pytorch.encoders import get_encoder
from torch import nn
from torch.nn import functional as F

from segmentation.architectures.encoders import Pretrained, build_with_encoder
from segmentation.architectures.options import checked_options, choice, whole_number, whole_numbers
from segmentation.spec import ModelSpec

_CHANNELS = (64, 48, 32, 16)
_DEPTH = 5


def build_unet(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: decoder_channels (four, from coarse to fine)."""
    checked_options(spec, ("decoder_channels",))
    channels = whole_numbers(spec, "decoder_channels", _CHANNELS, count=_DEPTH - 1)
    return build_with_encoder(_half_size_unet, spec, pretrained, decoder_channels=(*channels, channels[-1]))


def _half_size_unet(*, decoder_channels: tuple[int, ...], classes: int, **arguments: Any) -> nn.Module:
    network: Any = smp.Unet(decoder_channels=decoder_channels, classes=classes, **arguments)
    network.decoder.blocks = network.decoder.blocks[:-1]
    network.segmentation_head = SegmentationHead(decoder_channels[-1], classes, kernel_size=3, upsampling=2)
    initialization.initialize_head(network.segmentation_head)
    made: nn.Module = network
    return made


class LRASPP(nn.Module):
    """`width`: channels of the coarse branch, 128 in the paper."""

    def __init__(
        self,
        encoder_name: str,
        encoder_weights: Any,
        in_channels: int,
        classes: int,
        width: int,
        encoder_output_stride: int,
        **encoder_arguments: Any,
    ) -> None:
        super().__init__()
        self.encoder = get_encoder(
            encoder_name,
            in_channels=in_channels,
            depth=5,
            weights=encoder_weights,
            output_stride=encoder_output_stride,
            **encoder_arguments,
        )
        fine, coarse = self.encoder.out_channels[3], self.encoder.out_channels[5]
        self.coarse = nn.Sequential(
            nn.Conv2d(coarse, width, kernel_size=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.whole = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(coarse, width, kernel_size=1, bias=False), nn.Sigmoid()
        )
        self.score_fine = nn.Conv2d(fine, classes, kernel_size=1)
        self.score_coarse = nn.Conv2d(width, classes, kernel_size=1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float (N, C, H, W), H and W multiples of 32 → logits (N, K, H, W)."""
        features = self.encoder(pixels)
        fine, coarse = features[3], features[5]
        judged = self.coarse(coarse) * self.whole(coarse)
        judged = F.interpolate(judged, fine.shape[-2:], mode="bilinear", align_corners=False)
        scores = self.score_coarse(judged) + self.score_fine(fine)
        return F.interpolate(scores, pixels.shape[-2:], mode="bilinear", align_corners=False)


def build_lraspp(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: width (128), encoder_output_stride (16, or 32 for encoders that cannot be dilated)."""
    checked_options(spec, ("width", "encoder_output_stride"))
    return build_with_encoder(
        LRASPP,
        spec,
        pretrained,
        width=whole_number(spec, "width", 128),
        encoder_output_stride=choice(spec, "encoder_output_stride", (16, 32), 16),
    )
