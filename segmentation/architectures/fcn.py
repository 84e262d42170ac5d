"""FCN-32s, 16s and 8s: Long, Shelhamer, Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015.

A 1×1 convolution scores the coarsest features; learnt upsampling, first bilinear, doubles the scores, to which
the scores of finer features are added, down to a step of 16 or 8 pixels; one last upsampling gives every pixel its own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from segmentation_models_pytorch.encoders import get_encoder
from torch import nn

from segmentation.architectures.encoders import Pretrained, build_with_encoder
from segmentation.architectures.options import checked_options
from segmentation.spec import ModelSpec

_COARSEST_PX = 32


class BilinearUpsampling(nn.ConvTranspose2d):
    """float (N, K, h, w) → (N, K, factor·h, factor·w): bilinear at first, then as it learns, each label by itself."""

    def __init__(self, label_count: int, factor: int) -> None:
        """`factor`: an even number."""
        super().__init__(
            label_count,
            label_count,
            kernel_size=2 * factor,
            stride=factor,
            padding=factor // 2,
            groups=label_count,
            bias=False,
        )
        place = (torch.arange(2 * factor) + 0.5) / factor
        tent = 1 - (place - 1).abs()
        with torch.no_grad():
            self.weight.copy_((tent[:, None] * tent[None, :]).expand_as(self.weight))


class FCN(nn.Module):
    """`finest_px`: 32, 16 or 8, the step of the finest features that are scored."""

    def __init__(
        self,
        encoder_name: str,
        encoder_weights: Any,
        in_channels: int,
        classes: int,
        finest_px: int,
        **encoder_arguments: Any,
    ) -> None:
        super().__init__()
        self.encoder = get_encoder(
            encoder_name, in_channels=in_channels, depth=5, weights=encoder_weights, **encoder_arguments
        )
        step_count = (_COARSEST_PX // finest_px).bit_length()
        channels = self.encoder.out_channels[: -step_count - 1 : -1]
        self.scores = nn.ModuleList(nn.Conv2d(count, classes, kernel_size=1) for count in channels)
        self.doublings = nn.ModuleList(BilinearUpsampling(classes, 2) for _ in channels[1:])
        self.last = BilinearUpsampling(classes, finest_px)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float (N, C, H, W), H and W multiples of 32 → logits (N, K, H, W)."""
        features = self.encoder(pixels)[::-1]
        total = self.scores[0](features[0])
        for doubling, score, feature in zip(self.doublings, self.scores[1:], features[1:], strict=False):
            total = doubling(total) + score(feature)
        return self.last(total)


def build(spec: ModelSpec, pretrained: Pretrained = None, *, finest_px: int) -> nn.Module:
    """No options. ValueError for an encoder that does not suit."""
    checked_options(spec, ())
    return build_with_encoder(partial(FCN, finest_px=finest_px), spec, pretrained)
