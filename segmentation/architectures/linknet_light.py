"""A slim LinkNet for training from random weights on a computer without a graphics card.

Sums of skip and decoder features after Chaurasia, Culurciello, "LinkNet: Exploiting encoder representations for
efficient semantic segmentation", 2017, on plain residual blocks (He et al., 2016): a CPU computes dense 3×3
convolutions far better than the depthwise ones of mobile networks, and they learn in fewer steps. The coarsest features
are weighted by the whole picture's mean (Hu et al., "Squeeze-and-excitation networks", 2018). The scores are made at
half the picture's size and enlarged.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from segmentation.architectures.norms import with_patient_norms
from segmentation.architectures.options import checked_options, whole_number, whole_numbers
from segmentation.architectures.padding import Padded
from segmentation.spec import ModelSpec

WIDTHS = (16, 32, 48, 96, 160, 192)


class _Block(nn.Module):
    """Two convolutions around which the input is carried on."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(channels_in, channels_out, stride)
        self.second = nn.Sequential(
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out)
        )
        changes = stride > 1 or channels_in != channels_out
        self.carried = (
            nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out))
            if changes
            else nn.Identity()
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return F.relu(self.second(self.first(features)) + self.carried(features))


class _Upward(nn.Module):
    """Coarse features to the fine ones' size and channels, summed with them and mixed."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(coarse, fine, 1, bias=False)
        self.mix = nn.Sequential(nn.BatchNorm2d(fine), nn.ReLU(inplace=True), _convolution(fine, fine, 1))

    def forward(self, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        raised = F.interpolate(self.project(coarse), size=fine.shape[-2:], mode="bilinear", align_corners=False)
        return self.mix(raised + fine)


class LinkNetLight(nn.Module):
    """float (N, C, H, W), sides divisible by 2 to the number of `widths` → logits (N, K, H, W).

    `widths`: channels from half the size on down; `blocks`: residual blocks at each size below half.
    """

    def __init__(self, channels: int, label_count: int, widths: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        self.stem = _convolution(channels, widths[0], 2)
        self.encoder = nn.ModuleList(
            nn.Sequential(_Block(fine, coarse, 2), *(_Block(coarse, coarse, 1) for _ in range(blocks - 1)))
            for fine, coarse in pairwise(widths)
        )
        self.attention = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(widths[-1], widths[-1], 1), nn.Sigmoid())
        self.decoder = nn.ModuleList(_Upward(coarse, fine) for coarse, fine in pairwise(reversed(widths)))
        self.score = nn.Conv2d(widths[0], label_count, 1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        levels = [self.stem(pixels)]
        for stage in self.encoder:
            levels.append(stage(levels[-1]))
        features = levels.pop()
        features = features * self.attention(features)
        for upward in self.decoder:
            features = upward(features, levels.pop())
        return F.interpolate(self.score(features), scale_factor=2, mode="bilinear", align_corners=False)


def build(spec: ModelSpec) -> nn.Module:
    """Options: widths (six), blocks (1–6). ValueError where they are something else."""
    checked_options(spec, ("widths", "blocks"))
    widths = whole_numbers(spec, "widths", WIDTHS, count=len(WIDTHS))
    blocks = whole_number(spec, "blocks", 1, most=6)
    network = LinkNetLight(spec.channels, len(spec.labels), widths, blocks)
    return Padded(with_patient_norms(network), multiple_px=2 ** len(widths))


def _convolution(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
