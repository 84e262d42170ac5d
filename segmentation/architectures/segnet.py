"""SegNet: Badrinarayanan, Kendall, Cipolla, IEEE TPAMI 2017. A VGG-like encoder and its mirror image.

Each pooling remembers where in its 2×2 pixels the largest value was; the decoder puts values back there
(`max-unpool`). Other ways to double a map can be chosen by name, to compare.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from segmentation.architectures.options import checked_options, choice, whole_number
from segmentation.architectures.padding import Padded
from segmentation.spec import ModelSpec

# How many times `width`, and how many convolutions: the five stages of VGG-16.
_STAGES = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))

Upsampling = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Values (N, C, h, w) and where pooling found each (indices into the 2h·2w places) → (N, C, 2h, 2w)."""


def max_unpool(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Every value goes where pooling found the largest; zeros elsewhere."""
    return F.max_unpool2d(values, indices, kernel_size=(2, 2))


def bed_of_nails(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Every value goes to the upper left of its 2×2 places; zeros elsewhere."""
    count, channels, height, width = values.shape
    rows = torch.stack([values, torch.zeros_like(values)], dim=-1).reshape(count, channels, height, 2 * width)
    return torch.stack([rows, torch.zeros_like(rows)], dim=-2).reshape(count, channels, 2 * height, 2 * width)


def nearest(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Every value fills its 2×2 places."""
    return F.interpolate(values, scale_factor=2, mode="nearest")


def bilinear(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Values between the given ones, in proportion to the distance."""
    return F.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)


class Transposed(nn.Module):
    """Every value is spread over its 2×2 places by weights that are learnt."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spread = nn.ConvTranspose2d(channels, channels, kernel_size=2, stride=2)

    def forward(self, values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        return self.spread(values)


UPSAMPLINGS: dict[str, Upsampling] = {
    "max-unpool": max_unpool,
    "bed-of-nails": bed_of_nails,
    "nearest": nearest,
    "bilinear": bilinear,
}
UPSAMPLING_NAMES = (*UPSAMPLINGS, "transposed")


class SegNet(nn.Module):
    """`width`: channels of the first stage, 64 in the paper. `upsampling`: one of `UPSAMPLING_NAMES`."""

    def __init__(self, in_channels: int, classes: int, width: int, upsampling: str) -> None:
        super().__init__()
        widths = [in_channels, *(factor * width for factor, _ in _STAGES)]
        counts = [count for _, count in _STAGES]
        self.encoder = nn.ModuleList(
            _stage(before, after, count) for before, after, count in zip(widths, widths[1:], counts, strict=False)
        )
        # Back again: each stage ends with the channels of the one before; the finest keeps its own.
        backwards = widths[:0:-1]
        self.decoder = nn.ModuleList(
            _stage(before, after, count)
            for before, after, count in zip(backwards, [*backwards[1:], width], counts[::-1], strict=True)
        )
        self.spreads = nn.ModuleList(Transposed(channels) for channels in backwards if upsampling == "transposed")
        self._upsampling = upsampling
        self.score = nn.Conv2d(width, classes, kernel_size=3, padding=1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float (N, C, H, W), H and W multiples of 32 → logits (N, K, H, W)."""
        values, places = pixels, []
        for stage in self.encoder:
            values, indices = F.max_pool2d(stage(values), kernel_size=2, return_indices=True)
            places.append(indices)
        for number, stage in enumerate(self.decoder):
            values = stage(self._upsample(number, values, places.pop()))
        return self.score(values)

    def _upsample(self, number: int, values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        way: Upsampling = self.spreads[number] if self.spreads else UPSAMPLINGS[self._upsampling]
        return way(values, indices)


def _stage(before: int, after: int, count: int) -> nn.Sequential:
    """`count` times convolution, batch normalisation, ReLU; the channels change in the last but for a first stage."""
    layers: list[nn.Module] = []
    for number in range(count):
        widen_first = after >= before
        inside = after if widen_first or number == count - 1 else before
        convolution = nn.Conv2d(before, inside, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        layers += [convolution, nn.BatchNorm2d(inside), nn.ReLU(inplace=True)]
        before = inside
    return nn.Sequential(*layers)


def build(spec: ModelSpec) -> nn.Module:
    """Options: `width` (64), `upsampling` (max-unpool). ValueError for an unknown one."""
    checked_options(spec, ("width", "upsampling"))
    network = SegNet(
        spec.channels,
        len(spec.labels),
        whole_number(spec, "width", 64, most=512),
        choice(spec, "upsampling", UPSAMPLING_NAMES, "max-unpool"),
    )
    return Padded(network)
