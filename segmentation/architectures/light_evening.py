"""Take a picture's own light out before the network sees it.

Photos of one surface differ far more by exposure and lamp than by their defects. A network that starts from random
weights spends thousands of steps on learning to look away from that; evened input spares it these.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EVENED_CHANNELS = 3
CELL_PX = 8
WINDOW_CELLS = 5
# In units of the normalised input: keeps the noise of an empty picture from being blown up.
FLOOR = 0.05


class EvenLight(nn.Module):
    """Hands `network` three channels made of the picture's grey values.

    They are: grey minus its mean over the picture, by its standard deviation; grey minus its mean over about
    40×40 pixels, by that difference's standard deviation over the picture; grey as it is. The first two hardly change
    when a picture is made brighter or given more contrast.
    Local contrast as in Jarrett et al., "What is the best multi-stage architecture for object recognition?", 2009,
    with one deviation for the whole picture.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float (N, C, H, W) → the network's logits (N, K, H, W)."""
        grey = pixels.mean(dim=1, keepdim=True)
        local = grey - _wide_mean(grey)
        evened = torch.cat([_standardised(grey), local / (_deviation(local) + FLOOR), grey], dim=1)
        return self.network(evened)


def _standardised(grey: torch.Tensor) -> torch.Tensor:
    return (grey - grey.mean(dim=(2, 3), keepdim=True)) / (_deviation(grey) + FLOOR)


def _deviation(values: torch.Tensor) -> torch.Tensor:
    # The biased one: it exists for a picture of one pixel too.
    return values.std(dim=(2, 3), keepdim=True, correction=0)


def _wide_mean(grey: torch.Tensor) -> torch.Tensor:
    """The mean around each pixel, from cells of 8×8 pixels: a box that wide costs too much at full resolution."""
    height, width = grey.shape[-2:]
    padded = F.pad(grey, (0, -width % CELL_PX, 0, -height % CELL_PX), mode="replicate")
    margin = WINDOW_CELLS // 2
    cells = F.pad(F.avg_pool2d(padded, CELL_PX), (margin, margin, margin, margin), mode="replicate")
    means = F.avg_pool2d(cells, WINDOW_CELLS, stride=1)
    enlarged = F.interpolate(means, scale_factor=CELL_PX, mode="bilinear", align_corners=False)
    return enlarged[..., :height, :width]
