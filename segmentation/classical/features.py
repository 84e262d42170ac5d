"""What a person would look at, as numbers per pixel and scale: brightness, edges, ridges, spots and texture.

Gaussian scale space after Lindeberg, "Scale-Space Theory in Computer Vision", 1994; ridges and spots by the
eigenvalues of the Hessian after Frangi et al., "Multiscale vessel enhancement filtering", 1998. One torch module,
so that training, CPU, GPU and an exported network compute the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

DEFAULT_SCALES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Standard deviations of the Gaussian windows in pixels of the picture the network sees."""

FINEST_PX = 1.0
_TRUNCATE = 3.0
_LARGEST_SIGMA = 4.0
_SMALLEST_VARIANCE = 1e-6
_DARKEST, _FAINT = 0.05, 0.02
_SURROUNDINGS = 2
_KINDS = ("edge strength", "bright ridge", "dark ridge", "spot", "roughness", "fine edges around")
_ROUGHNESS = 1 + _KINDS.index("roughness")


def feature_names(
    channels: int, scales: Sequence[float], *, uses_brightness: bool = False, uses_color: bool = True
) -> tuple[str, ...]:
    """The features of `FeatureBank` in order, as a person may read them: "edge strength, 4 px"."""
    names: list[str] = []
    for scale in scales:
        names += [f"{kind}, {scale:g} px" for kind in _KINDS]
        if uses_brightness:
            names.append(f"brightness, {scale:g} px")
        if uses_color and channels > 1:
            names += [f"colour {channel + 1}, {scale:g} px" for channel in range(channels)]
        if scale != scales[-1]:
            names.append(f"brightness against surroundings, {scale:g} px")
    return tuple(names)


class FeatureBank(nn.Module):
    """float32 (N, C, H, W), normalised by the spec → float32 (N, F, H, W), F = `len(names)`; nothing learns.

    Brightness is the mean of the channels, colours are what a channel has more than that. Brightness itself is
    left out unless `uses_brightness`: where the light changes from photo to photo it misleads; colours
    too without `uses_color`, since grey photos have none. Edges, ridges and the
    rest are those of the logarithm of brightness, so that a dim photo of a scratch has the numbers of a bright one.
    Scales above 4 px are computed on a picture averaged down by a power of two and enlarged again, at a fraction
    of the time. Beyond the edge the outermost pixels repeat. `halo_px`: how far around a pixel its features look.
    """

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        scales: Sequence[float] = DEFAULT_SCALES,
        *,
        uses_brightness: bool = False,
        uses_color: bool = True,
    ) -> None:
        """ValueError where scales are not rising numbers from 0.5 to 64 pixels."""
        super().__init__()
        rising = all(low < high for low, high in pairwise(scales))
        if not scales or not rising or not 0.5 <= scales[0] <= scales[-1] <= 64:
            raise ValueError(f"scales must rise and lie within 0.5 to 64 pixels, got {list(scales)}")
        self.channels = len(mean)
        self.scales = tuple(float(scale) for scale in scales)
        self.uses_brightness = uses_brightness
        self.uses_color = uses_color and self.channels > 1
        self.names = feature_names(
            self.channels, self.scales, uses_brightness=uses_brightness, uses_color=self.uses_color
        )
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1) / 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1) / 255, persistent=False)
        for place, scale in enumerate(self.scales):
            self.register_buffer(f"window_{place}", _gaussian(scale / _shrink(scale)), persistent=False)
        self.register_buffer("finest", _gaussian(FINEST_PX), persistent=False)
        self.register_buffer("differences", _differences(), persistent=False)

    @property
    def halo_px(self) -> int:
        widest = self.scales[-1]
        shrink = _shrink(widest)
        return math.ceil(_TRUNCATE * FINEST_PX) + shrink * (math.ceil(_TRUNCATE * widest / shrink) + 3)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        height, width = pixels.shape[-2:]
        plain = pixels * self.get_buffer("std") + self.get_buffer("mean")
        brightness = plain.mean(dim=1, keepdim=True)
        light = torch.log(brightness.clamp(min=0) + _DARKEST)
        slopes = self._derivatives(_windowed(light, self.get_buffer("finest")))
        layers = [light, light**2, _length(slopes[:, 0:1], slopes[:, 1:2])]
        if self.uses_brightness:
            layers.append(brightness)
        if self.uses_color:
            layers.append(plain - brightness)
        stacked = torch.cat(layers, dim=1)
        found = [self._at_scale(stacked, place, height, width) for place in range(len(self.scales))]
        parts: list[torch.Tensor] = []
        for place, features in enumerate(found):
            parts.append(features[:, 1:])
            if place != len(found) - 1:
                around = found[min(place + _SURROUNDINGS, len(found) - 1)]
                parts.append((features[:, 0:1] - around[:, 0:1]) / (around[:, _ROUGHNESS : _ROUGHNESS + 1] + _FAINT))
        return torch.cat(parts, dim=1)

    def _at_scale(self, layers: torch.Tensor, place: int, height: int, width: int) -> torch.Tensor:
        """(N, 1 + kinds + colours, H, W): mean of the logarithm, then `_KINDS`, then colours."""
        scale, window = self.scales[place], self.get_buffer(f"window_{place}")
        shrink = _shrink(scale)
        smooth = _windowed(_averaged_down(layers, shrink), window)
        mean, square, rest = smooth[:, 0:1], smooth[:, 1:2], smooth[:, 2:]
        # scale-normalised: a structure scores the same at its own scale, however large it is
        unit = scale / shrink
        slope_x, slope_y, bend_xx, bend_yy, bend_xy = self._derivatives(mean).split(1, dim=1)
        half_trace = 0.5 * unit**2 * (bend_xx + bend_yy)
        spread = unit**2 * _length(0.5 * (bend_xx - bend_yy), bend_xy)
        features = torch.cat(
            [
                mean,
                unit * _length(slope_x, slope_y),
                half_trace - spread,
                half_trace + spread,
                2 * half_trace,
                (square - mean**2).clamp(min=_SMALLEST_VARIANCE).sqrt(),
                rest,
            ],
            dim=1,
        )
        return _enlarged(features, shrink, height, width)

    def _derivatives(self, picture: torch.Tensor) -> torch.Tensor:
        """(N, 1, H, W) → central differences (N, 5, H, W): x, y, xx, yy, xy."""
        return F.conv2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), self.get_buffer("differences"))


def _shrink(scale: float) -> int:
    """By how much the picture is averaged down before a window of this scale."""
    return int(2 ** max(0, math.ceil(math.log2(scale / _LARGEST_SIGMA))))


def _gaussian(sigma: float) -> torch.Tensor:
    radius = math.ceil(_TRUNCATE * sigma)
    weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float64) / sigma) ** 2)
    return (weights / weights.sum()).float()


def _differences() -> torch.Tensor:
    kernels = torch.zeros(5, 1, 3, 3)
    kernels[0, 0, 1] = torch.tensor([-0.5, 0.0, 0.5])
    kernels[1, 0, :, 1] = torch.tensor([-0.5, 0.0, 0.5])
    kernels[2, 0, 1] = torch.tensor([1.0, -2.0, 1.0])
    kernels[3, 0, :, 1] = torch.tensor([1.0, -2.0, 1.0])
    kernels[4, 0] = torch.tensor([[0.25, 0.0, -0.25], [0.0, 0.0, 0.0], [-0.25, 0.0, 0.25]])
    return kernels


def smoothed(layers: torch.Tensor, sigma_px: float) -> torch.Tensor:
    """(N, L, H, W) averaged over a Gaussian window, each layer by itself; the outermost pixels repeat."""
    return _windowed(layers, _gaussian(sigma_px).to(layers.device))


def _windowed(layers: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    """The window along rows, then columns."""
    count, radius = layers.shape[1], window.shape[0] // 2
    along = window.view(1, 1, 1, -1).expand(count, 1, 1, -1)
    across = window.view(1, 1, -1, 1).expand(count, 1, -1, 1)
    padded = F.pad(layers, (radius, radius, radius, radius), mode="replicate")
    return F.conv2d(F.conv2d(padded, along, groups=count), across, groups=count)


def _length(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x * x + y * y).sqrt()


def _averaged_down(layers: torch.Tensor, shrink: int) -> torch.Tensor:
    if shrink == 1:
        return layers
    height, width = layers.shape[-2:]
    padded = F.pad(layers, (0, -width % shrink, 0, -height % shrink), mode="replicate")
    return F.avg_pool2d(padded, shrink)


def _enlarged(layers: torch.Tensor, shrink: int, height: int, width: int) -> torch.Tensor:
    if shrink == 1:
        return layers
    larger = F.interpolate(layers, scale_factor=float(shrink), mode="bilinear", align_corners=False)
    return larger[..., :height, :width]
