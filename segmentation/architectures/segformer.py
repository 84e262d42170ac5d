"""SegFormer: Xie, Wang, Yu, Anandkumar, Alvarez, Luo, NeurIPS 2021.

A transformer whose attention looks at a shrunken map and that needs no positions, and a decoder of a few linear
layers. The code is that of the transformers library (Apache-2.0); weights published by NVIDIA are for
non-commercial use and are not offered.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from segmentation.architectures.options import checked_options, choice, whole_number, whole_numbers
from segmentation.architectures.padding import Padded
from segmentation.spec import ModelSpec

_STAGES = 4
_WIDTHS = (64, 128, 320, 512)
# Table 6 of the paper: layers and channels of the four stages, and the decoder's channels.
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...], int]] = {
    "b0": ((2, 2, 2, 2), (32, 64, 160, 256), 256),
    "b1": ((2, 2, 2, 2), _WIDTHS, 256),
    "b2": ((3, 4, 6, 3), _WIDTHS, 768),
    "b3": ((3, 4, 18, 3), _WIDTHS, 768),
    "b4": ((3, 8, 27, 3), _WIDTHS, 768),
    "b5": ((3, 6, 40, 3), _WIDTHS, 768),
}
_HEADS = (1, 2, 5, 8)


class Segformer(nn.Module):
    """float (N, C, H, W) → logits (N, K, H, W): the scores of every fourth pixel, enlarged."""

    def __init__(self, config: SegformerConfig) -> None:
        super().__init__()
        self.model = SegformerForSemanticSegmentation(config)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        scores = self.model(pixel_values=pixels).logits
        return F.interpolate(scores, pixels.shape[-2:], mode="bilinear", align_corners=False)


def build(spec: ModelSpec) -> nn.Module:
    """Options: `size` (b0 to b5), or of its own `depths` and `widths` (four each; a width is a multiple of its
    stage's heads, 1, 2, 5 and 8) and `decoder_width`. ValueError for an unknown one."""
    checked_options(spec, ("size", "depths", "widths", "decoder_width"))
    depths, widths, decoder_width = SIZES[choice(spec, "size", SIZES, "b0")]
    widths = whole_numbers(spec, "widths", widths, count=_STAGES)
    if any(width % heads for width, heads in zip(widths, _HEADS, strict=True)):
        raise ValueError(f"segformer wants widths that are multiples of {_HEADS}, not {widths}")
    config = SegformerConfig(
        num_channels=spec.channels,
        depths=list(whole_numbers(spec, "depths", depths, count=_STAGES)),
        hidden_sizes=list(widths),
        num_attention_heads=list(_HEADS),
        decoder_hidden_size=whole_number(spec, "decoder_width", decoder_width),
    )
    config.num_labels = len(spec.labels)
    return Padded(Segformer(config))
